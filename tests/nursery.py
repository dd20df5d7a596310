"""Processes that have loaded everything already: each begins at once, and can be killed."""

import multiprocessing
import os
import signal
import sys
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import TextIO

processes = multiprocessing.get_context("forkserver")
processes.set_forkserver_preload(
    ["client.commands", "collegium", "server.cli", "server.serving", "alembic.command", "tests.client.talker"]
)


def become(env: dict[str, str], files: tuple[int, int, int]) -> None:
    """What a shell does for a command: its environment and its three files."""
    # A job in the background inherits that Ctrl+C is ignored; somebody at a terminal can interrupt.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.environ.clear()
    os.environ.update(env)
    for number, file in enumerate(files):
        os.dup2(file, number)
    sys.stdin, sys.stdout, sys.stderr = os.fdopen(0), os.fdopen(1, "w"), os.fdopen(2, "w", buffering=1)


def _serve(env: dict[str, str], folder: Path, out: Connection, log: Path) -> None:
    os.setsid()  # so that a signal to its group reaches it and all of its own
    os.chdir(folder)
    nothing, said = os.open(os.devnull, os.O_RDONLY), os.open(log, os.O_WRONLY | os.O_APPEND)
    become(env, (nothing, out.fileno(), said))
    out.close()
    sys.argv = ["server", "serve"]
    from server.cli import main

    main()


class ServerProcess:
    """`python -m server serve`, without the second and a half that loading takes. As `subprocess.Popen`."""

    def __init__(self, env: dict[str, str], folder: Path, log: Path) -> None:
        mine, its = processes.Pipe(duplex=False)
        self._process: BaseProcess = processes.Process(target=_serve, args=(env, folder, its, log))
        self._process.start()
        its.close()
        self.stdout: TextIO = os.fdopen(os.dup(mine.fileno()))
        mine.close()
        assert self._process.pid is not None
        self.pid = self._process.pid

    @property
    def returncode(self) -> int | None:
        return self._process.exitcode

    def poll(self) -> int | None:
        return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        """Raises TimeoutError."""
        self._process.join(timeout)
        if self._process.exitcode is None:
            raise TimeoutError("the server goes on")
        return self._process.exitcode
