"""Processes that have loaded everything already: each begins at once, and can be killed."""

import multiprocessing

processes = multiprocessing.get_context("forkserver")
processes.set_forkserver_preload(["client.commands", "collegium", "server.cli", "tests.client.talker"])
