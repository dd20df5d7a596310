"""Somebody with a terminal and a store, who types commands."""

import json
import os
import signal
import sys
import time
from multiprocessing.process import BaseProcess
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from tests.client.company import PASSPHRASE
from tests.house_server import ROOT
from tests.nursery import become, processes

MINUTE_S = 60.0


def _command(words: tuple[str, ...], env: dict[str, str], folder: Path) -> None:
    typed, out, said = (os.open(folder / name, os.O_RDWR) for name in ("in", "out", "err"))
    become(env, (typed, out, said))
    sys.argv = ["collegium", *words]
    from collegium import main

    main()


class Running:
    """A command that has not ended yet. What it reads and prints lies in files."""

    def __init__(self, process: BaseProcess, folder: Path) -> None:
        self._process, self._folder = process, folder

    def text(self, name: str) -> str:
        return (self._folder / name).read_text()

    def lines(self, count: int) -> list[str]:
        """What it printed, once it is so many lines."""
        deadline = time.monotonic() + MINUTE_S
        while len(found := self.text("out").splitlines()) < count:
            assert time.monotonic() < deadline, (found, self.text("err"))
            assert self._process.is_alive(), (found, self.text("err"))
            time.sleep(0.02)
        return found

    def interrupt(self) -> None:
        """Ctrl+C."""
        assert self._process.pid is not None
        os.kill(self._process.pid, signal.SIGINT)

    def end(self) -> int:
        """Its exit code."""
        self._process.join(MINUTE_S)
        assert self._process.exitcode is not None, (self.text("out"), self.text("err"))
        return self._process.exitcode


class Shell:
    def __init__(self, folder: Path, **env: str) -> None:
        self.store = folder / "store.sqlite"
        self.said = ""
        self.env = {
            **{name: value for name, value in os.environ.items() if not name.startswith("COLLEGIUM_")},
            "PYTHONPATH": str(ROOT),
            "COLLEGIUM_STORE": str(self.store),
            "COLLEGIUM_PASSPHRASE": PASSPHRASE,
            **env,
        }

    def start(self, *words: str, typed: str = "") -> Running:
        folder = Path(mkdtemp(prefix="collegium-shell-"))
        for name, text in (("in", typed), ("out", ""), ("err", "")):
            (folder / name).write_text(text)
        process = processes.Process(target=_command, args=(words, self.env, folder))
        process.start()
        return Running(process, folder)

    def run(self, *words: str, code: int = 0, typed: str = "") -> str:
        """What the command prints. It must end with this exit code; its complaints are `said`."""
        running = self.start(*words, typed=typed)
        ended = running.end()
        out, self.said = running.text("out"), running.text("err")
        assert ended == code, (ended, out, self.said)
        return out

    def ask(self, *words: str, code: int = 0) -> Any:
        """The same with --json: the last value."""
        return json.loads(self.run(*words, "--json", code=code).splitlines()[-1])
