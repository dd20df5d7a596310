"""Unit processes: real ones, over real socketpairs, that die, hang, babble and do not stop."""

import asyncio
import os
import secrets
import signal
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import psutil  # type: ignore[import-untyped]
import pytest

from server.errors import StartError
from server.media import MAX_BEHIND, Units, unit_command
from server.settings import Settings, check, default_workers
from signaling.happenings import LegMessage
from signaling.sfu import control
from tests.house_server import run
from wire.bounds import ID_BYTES

SCRIPTED = ("-m", "tests.signaling.scripted_unit")
# A unit that says hello and then is as the words say.
HELLO = """
import socket, sys, time, signal
from signaling.sfu import control
line = socket.socket(fileno=int(sys.argv[-1]))
print_of = ":".join(["AB"] * 32)
line.sendall(control.encode(control.Hello(addresses=["127.0.0.1"], port=9, fingerprint=print_of)))
"""
QUIET_S = 0.5


def python(*words: str) -> Callable[[int, int], Sequence[str]]:
    return lambda _unit, descriptor: [sys.executable, *words, "--fd", str(descriptor)]


class Heard:
    """What the pool says."""

    def __init__(self) -> None:
        self.news: list[tuple[str, int]] = []
        self.said: list[LegMessage | control.Report] = []
        self._more = asyncio.Event()

    def unit_up(self, unit: int) -> None:
        self.news.append(("up", unit))
        self._more.set()

    def unit_down(self, unit: int) -> None:
        self.news.append(("down", unit))
        self._more.set()

    def unit_said(self, unit: int, message: LegMessage | control.Report) -> None:
        self.said.append(message)
        self._more.set()

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(30):
            while not condition():
                self._more.clear()
                await self._more.wait()


@asynccontextmanager
async def units(
    command: Callable[[int, int], Sequence[str]], count: int = 1, stop_s: float = 30.0
) -> AsyncIterator[tuple[Units, Heard]]:
    heard = Heard()
    pool = Units(count, command, heard, QUIET_S, stop_s)
    pool.start()
    try:
        yield pool, heard
    finally:
        await pool.close()


def open_session() -> control.Open:
    session, room, device, account = (secrets.token_bytes(ID_BYTES) for _ in range(4))
    return control.Open(session=session, room=room, device=device, account=account)


def test_messages_go_both_ways_and_the_end_is_in_order() -> None:
    async def work() -> None:
        async with units(python(*SCRIPTED), count=2) as (pool, heard):
            await heard.until(lambda: len(heard.news) == 2)
            assert sorted(heard.news) == [("up", 0), ("up", 1)]
            opened = open_session()
            pool.send(1, opened)
            await heard.until(lambda: bool(heard.said))
            (offer,) = heard.said
            assert isinstance(offer, control.Offer)
            assert offer.session == opened.session
            assert offer.sdp.split()[0] == str(pool.processes[1])
            processes = [psutil.Process(pid) for pid in pool.processes]
        assert not any(process.is_running() for process in processes)
        # Nobody is told of an end that was wanted.
        assert len(heard.news) == 2

    run(work())


def test_a_unit_that_is_killed_is_replaced() -> None:
    async def work() -> None:
        async with units(python(*SCRIPTED)) as (pool, heard):
            await heard.until(lambda: len(heard.news) == 1)
            (pid,) = pool.processes
            assert pid is not None
            os.kill(pid, signal.SIGKILL)
            await heard.until(lambda: len(heard.news) == 3)
            assert heard.news == [("up", 0), ("down", 0), ("up", 0)]
            assert pool.processes != [pid]
            # The new one is as good.
            pool.send(0, open_session())
            await heard.until(lambda: bool(heard.said))

    run(work())


@pytest.mark.parametrize("when", ["asked", "here"])
def test_a_unit_that_hangs_is_killed_and_replaced(when: str) -> None:
    async def work() -> None:
        async with units(python(*SCRIPTED)) as (pool, heard):
            await heard.until(lambda: len(heard.news) == 1)
            opened = open_session()
            if when == "here":
                pool.send(0, opened)
                await heard.until(lambda: len(heard.said) == 1)
                pool.send(0, control.Answer(session=opened.session, seq=1, sdp="here"))
                await heard.until(lambda: any(isinstance(one, control.Report) for one in heard.said))
            (pid,) = pool.processes
            assert pid is not None
            os.kill(pid, signal.SIGSTOP)
            pool.send(0, open_session() if when == "asked" else control.Restart(session=opened.session))
            await heard.until(lambda: len(heard.news) == 3)
            assert not psutil.pid_exists(pid)

    run(work())


def test_a_unit_with_nothing_to_say_may_be_silent() -> None:
    async def work() -> None:
        async with units(python(*SCRIPTED), count=2) as (pool, heard):
            await heard.until(lambda: len(heard.news) == 2)
            # One has a session that its client does not answer, and so nothing to report.
            pool.send(0, open_session())
            await heard.until(lambda: len(heard.said) == 1)
            # The other hangs, and is found out by an offer that it owes: so much time has passed for both.
            pid = pool.processes[1]
            assert pid is not None
            os.kill(pid, signal.SIGSTOP)
            pool.send(1, open_session())
            await heard.until(lambda: ("down", 1) in heard.news)
            assert ("down", 0) not in heard.news

    run(work())


@pytest.mark.parametrize(
    "words",
    [
        "line.sendall(b'\\x00\\x00\\x00\\x01\\xff'); time.sleep(3600)",
        "line.sendall(b'\\x7f\\xff\\xff\\xff'); time.sleep(3600)",
        "sys.exit(3)",
    ],
    ids=["no message", "too long", "ends"],
)
def test_a_unit_that_makes_no_sense_is_replaced(words: str) -> None:
    async def work() -> None:
        async with units(python("-c", HELLO + "line.recv(1); " + words)) as (pool, heard):
            await heard.until(lambda: len(heard.news) == 1)
            pool.send(0, open_session())
            await heard.until(lambda: len(heard.news) == 3)
            assert heard.news == [("up", 0), ("down", 0), ("up", 0)]

    run(work())


def test_a_unit_that_does_not_stop_is_stopped() -> None:
    async def work() -> None:
        deaf = HELLO + "signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(3600)"
        async with units(python("-c", deaf), stop_s=0.1) as (pool, heard):
            await heard.until(lambda: len(heard.news) == 1)
            (pid,) = pool.processes
        assert pid is not None
        assert not psutil.pid_exists(pid)

    run(work())


def test_a_unit_that_reads_nothing_is_killed() -> None:
    async def work() -> None:
        deaf = HELLO + "time.sleep(3600)"
        async with units(python("-c", deaf), stop_s=0.1) as (pool, heard):
            await heard.until(lambda: len(heard.news) == 1)
            session = secrets.token_bytes(ID_BYTES)
            for _ in range(2 * MAX_BEHIND // control.MAX_SDP):
                pool.send(0, control.Answer(session=session, seq=1, sdp="x" * control.MAX_SDP))
            await heard.until(lambda: len(heard.news) == 3)

    run(work())


def test_a_program_that_is_not_there_is_tried_again_and_can_be_given_up() -> None:
    async def work() -> None:
        tried: list[int] = []
        twice = asyncio.Event()

        def absent(unit: int, _descriptor: int) -> list[str]:
            tried.append(unit)
            if len(tried) == 2:
                twice.set()
            return ["/nowhere/unit"]

        async with units(absent) as (_, heard):
            async with asyncio.timeout(30):
                await twice.wait()
        assert heard.news == []

    run(work())


def test_what_a_unit_is_told_of_our_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def work() -> None:
        write = f"import os; open({str(tmp_path / 'env')!r}, 'w').write(repr(dict(os.environ)))"
        async with units(python("-c", HELLO.replace("line.sendall", write + "\nline.sendall"))) as (_, heard):
            await heard.until(lambda: len(heard.news) >= 1)
        assert "hidden" not in (tmp_path / "env").read_text()
        assert "PYTHONPATH" in (tmp_path / "env").read_text()

    monkeypatch.setenv("COLLEGIUM_TURN_SECRET", "hidden")
    run(work())


def test_our_own_unit_is_called_as_the_settings_say() -> None:
    found = Settings(media_port=50_000, media_host="0.0.0.0", media_address="192.0.2.7, 2001:db8::7")
    words = ["-m", "signaling.sfu.unit", "--fd", "9", "--host", "0.0.0.0", "--port", "50002"]
    words += ["--address", "192.0.2.7", "--address", "2001:db8::7"]
    assert list(unit_command(found)(2, 9))[1:] == words
    default = ["--host", "127.0.0.1", "--port", "0", "--address", "127.0.0.1"]
    assert list(unit_command(Settings())(1, 9))[-6:] == default
    assert 1 <= default_workers() <= 4


@pytest.mark.parametrize(
    ("change", "stay"),
    [
        ({}, False),
        ({"origin": "https://group.example.org"}, True),
        ({"origin": "https://group.example.org", "media_workers": 0}, False),
        ({"origin": "https://group.example.org", "media_address": "192.0.2.7"}, False),
        ({"origin": "https://group.example.org", "media_host": "192.0.2.7"}, False),
    ],
)
def test_calls_that_would_reach_nobody_else_are_said(change: dict[str, Any], stay: bool) -> None:
    assert Settings(**{"media_workers": 1, **change}).calls_stay_here is stay


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"media_host": "0.0.0.0"}, "COLLEGIUM_MEDIA_ADDRESS"),
        ({"media_host": "::"}, "COLLEGIUM_MEDIA_ADDRESS"),
        ({"media_host": "media.example.org"}, "MEDIA_HOST=media.example.org"),
        ({"media_address": "192.0.2.7,example.org"}, "MEDIA_ADDRESS=example.org"),
        ({"media_address": ",".join(f"192.0.2.{n}" for n in range(9))}, "8 addresses"),
        ({"media_port": 65_535, "media_workers": 2}, "65535"),
    ],
)
def test_settings_that_make_no_sense_are_refused(change: dict[str, Any], words: str) -> None:
    with pytest.raises(StartError, match=words):
        check(Settings(**change))
