"""A real server in a process of its own: real sockets, real SQLite, a data folder that outlives it."""

import asyncio
import atexit
import hashlib
import os
import re
import secrets
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, TypeVar

from tests.nursery import ServerProcess
from wire.bounds import from_base64url

T = TypeVar("T")

ROOT = Path(__file__).resolve().parents[1]
LINK = re.compile(r"/join#f\.([A-Za-z0-9_-]{43})")
START_S = 30


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class HouseServer:
    """`python -m server` on a folder. Killing it keeps the folder and the port."""

    def __init__(
        self, folder: Path, wrap: list[str] | None = None, main: list[str] | None = None, **settings: str
    ) -> None:
        self.folder, self.port = folder, free_port()
        self.base = f"http://127.0.0.1:{self.port}"
        self._command: list[str] | None = None
        """Where it is not the server as it is, from the nursery."""
        if wrap or main:
            self._command = [*(wrap or []), sys.executable, *(main or ["-m", "server", "serve"])]
        self._env = {
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "COLLEGIUM_DATA": str(folder / "data"),
            "COLLEGIUM_PORT": str(self.port),
            "COLLEGIUM_WEB": str(folder / "web"),
            "COLLEGIUM_RATE_FACTOR": "100",
            "COLLEGIUM_MEDIA_WORKERS": "0",  # who tests calls sets more
            **{f"COLLEGIUM_{name.upper()}": value for name, value in settings.items()},
        }
        self.process: subprocess.Popen[str] | ServerProcess | None = None
        self.printed: list[str] = []
        self._before = 0
        """So many lines come from earlier starts."""
        self._listener: threading.Thread | None = None
        self._more = threading.Condition()
        self._log_path = folder / "server.log"
        self._log = self._log_path.open("a")
        atexit.register(self.close)  # whatever happens to the test

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def log(self) -> str:
        return self._log_path.read_text()

    def start(self) -> "HouseServer":
        self.process = self._begin()
        self._before = len(self.printed)
        self._listener = threading.Thread(target=self._listen, args=(self.process,), daemon=True)
        self._listener.start()
        deadline = time.monotonic() + START_S
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise AssertionError(f"the server ended with {self.process.returncode}: {self.log[-2000:]}")
            try:
                with urllib.request.urlopen(self.base + "/healthz", timeout=2) as answer:
                    if answer.status == 200:
                        return self
            except OSError:
                time.sleep(0.02)
        raise AssertionError(f"the server does not answer: {self.log[-2000:]}")

    def _begin(self) -> "subprocess.Popen[str] | ServerProcess":
        if self._command is None:
            return ServerProcess(self._env, ROOT, self._log_path)
        return subprocess.Popen(
            self._command,
            cwd=ROOT,
            env=self._env,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
            start_new_session=True,  # so that a signal reaches the server also under a tracer
        )

    def _listen(self, process: "subprocess.Popen[str] | ServerProcess") -> None:
        assert process.stdout is not None
        for line in process.stdout:
            with self._more:
                self.printed.append(line)
                self._more.notify_all()

    def lines(self, count: int) -> list[str]:
        """What the server printed, once it is so many lines."""
        with self._more:
            assert self._more.wait_for(lambda: len(self.printed) >= count, START_S), self.log[-2000:]
            return list(self.printed)

    def first_link(self) -> bytes:
        """The token of the link that the server prints when it starts and nobody has an account."""

        def find() -> "re.Match[str] | None":
            return LINK.search("".join(self.printed[self._before :]))

        with self._more:
            found = self._more.wait_for(find, START_S)
        assert found, self.log[-2000:]
        return from_base64url(found[1])

    def run(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """Another command of the server, on the same folder."""
        return subprocess.run(
            [sys.executable, "-m", "server", *arguments],
            cwd=ROOT,
            env=self._env,
            capture_output=True,
            text=True,
            timeout=60,
        )

    def token(self) -> bytes:
        """A registration token of a first member, as `invite` makes it, without waiting for a process."""
        token = secrets.token_bytes(32)
        database = sqlite3.connect(self.data / "collegium.sqlite", timeout=10)
        if database.execute("SELECT count(*) FROM accounts").fetchone() == (0,):
            self.first_link()  # it voids all founders' links before it, so it must be there already
        with database:
            database.execute(
                "INSERT INTO tokens (hash, not_after) VALUES (?, ?)",
                (hashlib.sha256(token).digest(), int(time.time() * 1000) + 3_600_000),
            )
        database.close()
        return token

    def invite(self) -> bytes:
        """The same by the command."""
        done = self.run("invite")
        found = LINK.search(done.stdout)
        assert found, done.stdout + done.stderr
        return from_base64url(found[1])

    def kill(self) -> None:
        """As when the power goes, for the process."""
        assert self.process is not None
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self._ended()

    def stop(self) -> int:
        """As an operator stops it. Gives the exit code."""
        assert self.process is not None
        os.killpg(self.process.pid, signal.SIGTERM)
        code = self.process.wait(timeout=20)
        self._ended()
        return code

    def _ended(self) -> None:
        self.process = None
        if self._listener is not None:
            self._listener.join(START_S)  # the last of what it printed

    def close(self) -> None:
        if self.process is not None:
            self.kill()
        self._log.close()


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run a test's coroutine, on an event loop of its own."""
    return asyncio.run(work)


def scratch() -> Path:
    return Path(tempfile.mkdtemp(prefix="collegium-test-"))
