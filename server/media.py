"""The unit processes that forward the media of calls: kept running, one socketpair each, nothing else shared.

A unit is a process of its own, so that media never waits for delivery nor delivery for media; and it holds no
key, so whoever takes it over learns no more than who sends when. It ends by itself when the socketpair ends:
also when this process is killed.
"""

import asyncio
import contextlib
import os
import socket
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

from server.logs import log
from server.metrics import COUNTS
from server.settings import Settings
from signaling.happenings import LegMessage
from signaling.sfu import control
from wire.codec import DecodeError

READ = 64 * 1024
HELLO_WITHIN_S = 20.0
# A unit reports every two seconds while anybody has media: after this silence it hangs.
QUIET_S = 10.0
MAX_BEHIND = 4 * control.MAX_MESSAGE  # that it has not read; it hangs as well
STOP_WITHIN_S = 3.0
FIRST_WAIT_S = 0.25
LONGEST_WAIT_S = 30.0
GOOD_LIFE_S = 60.0  # whoever lived so long is replaced without a long wait
# Of our environment; secrets are not for units.
PASSED_ON = ("PATH", "LANG", "LC_ALL", "TZ", "VIRTUAL_ENV", "LD_LIBRARY_PATH")
ROOT = Path(__file__).resolve().parent.parent

Command = Callable[[int, int], Sequence[str]]
"""(number of the unit, file descriptor of its end) -> what is run."""


class Listener(Protocol):
    """Who is told what comes of the units."""

    def unit_up(self, unit: int) -> None: ...

    def unit_down(self, unit: int) -> None: ...

    def unit_said(self, unit: int, message: LegMessage | control.Report) -> None: ...


def unit_command(settings: Settings) -> Command:
    """Our own unit, as the settings want it."""

    def command(unit: int, descriptor: int) -> list[str]:
        port = settings.media_port + unit if settings.media_port else 0
        words = [sys.executable, "-m", "signaling.sfu.unit", "--fd", str(descriptor)]
        words += ["--host", settings.media_host, "--port", str(port)]
        for address in settings.media_addresses:
            words += ["--address", address]
        return words

    return command


class Units:
    """As many unit processes as there should be."""

    def __init__(
        self,
        count: int,
        command: Command,
        listener: Listener,
        quiet_s: float = QUIET_S,
        stop_s: float = STOP_WITHIN_S,
    ) -> None:
        self._units = [_Unit(number, command, listener, quiet_s, stop_s) for number in range(count)]
        self._tasks: list[asyncio.Task[None]] = []

    def __len__(self) -> int:
        return len(self._units)

    def start(self) -> None:
        self._tasks = [asyncio.create_task(unit.keep(), name="unit") for unit in self._units]

    def send(self, unit: int, message: control.ToUnit) -> None:
        """To a unit that is up. What it has not read when it dies is lost, as it is itself."""
        self._units[unit].send(message)

    @property
    def processes(self) -> list[int | None]:
        """The process id of each unit that runs."""
        return [unit.pid for unit in self._units]

    async def close(self) -> None:
        """Tell them to end, and see that they do."""
        for unit in self._units:
            unit.close()
        await asyncio.gather(*self._tasks)


class _Unit:
    """One place for a unit process, and the process that has it now."""

    def __init__(
        self, number: int, command: Command, listener: Listener, quiet_s: float, stop_s: float
    ) -> None:
        self._number, self._command, self._listener = number, command, listener
        self._quiet_s, self._stop_s = quiet_s, stop_s
        self._writer: asyncio.StreamWriter | None = None
        self._closing = asyncio.Event()
        self._up = self._behind = False
        self.pid: int | None = None
        # Sessions whose offer it owes us, and those with media, of which it owes reports.
        self._asked: set[bytes] = set()
        self._live: set[bytes] = set()
        self._quiet_since = 0.0

    async def keep(self) -> None:
        """Run a process, and another when it has ended."""
        wait = FIRST_WAIT_S
        while not self._closing.is_set():
            began = time.monotonic()
            try:
                await self._life()
            except Exception as error:
                # Whatever it was, calls need a unit: the next one gets its chance.
                log.exception("unit_failed", error=type(error).__name__)
            if self._closing.is_set():
                return
            COUNTS.unit_ends += 1
            wait = FIRST_WAIT_S if time.monotonic() - began > GOOD_LIFE_S else wait
            log.warning("unit_ended")
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(wait):
                    await self._closing.wait()
            wait = min(wait * 2, LONGEST_WAIT_S)

    def send(self, message: control.ToUnit) -> None:
        if self._writer is None or self._writer.is_closing():
            return
        match message:
            case control.Open(session=session):
                if not self._owes():
                    self._quiet_since = time.monotonic()
                self._asked.add(session)
            case control.Close(session=session):
                self._asked.discard(session)
                self._live.discard(session)
        self._writer.write(control.encode(message))
        if self._writer.transport.get_write_buffer_size() > MAX_BEHIND:
            self._behind = True
            self._writer.transport.abort()

    def close(self) -> None:
        self._closing.set()
        if self._writer is not None and self._writer.transport.get_write_buffer_size():
            self._writer.transport.abort()  # it reads nothing: what waits would wait for ever
        elif self._writer is not None:
            self._writer.close()

    async def _life(self) -> None:
        """One process, from its start to its end."""
        ours, theirs = socket.socketpair()
        try:
            process = await self._started(theirs)
        except OSError:
            ours.close()
            raise
        finally:
            theirs.close()
        self.pid = process.pid
        try:
            fault = await self._talk(ours)
            if fault is not None:
                log.error("unit_hangs", code=fault)
                process.kill()
        finally:
            self._gone()
            await _ended(process, self._stop_s)
            self.pid = None

    async def _started(self, theirs: socket.socket) -> asyncio.subprocess.Process:
        kept = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
        return await asyncio.create_subprocess_exec(
            *self._command(self._number, theirs.fileno()),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            pass_fds=(theirs.fileno(),),
            env={**kept, "PYTHONPATH": str(ROOT)},
            # A signal for the server is not one for its units: they end in order, after it said so.
            start_new_session=True,
        )

    async def _talk(self, ours: socket.socket) -> str | None:
        """Until it ends, or is found not to be in order: then why."""
        reader, writer = await asyncio.open_unix_connection(sock=ours)
        self._behind = False
        self._asked.clear()
        self._live.clear()
        self._quiet_since = time.monotonic()
        self._writer = writer
        if self._closing.is_set():
            writer.close()
        messages = control.from_unit()
        try:
            while True:
                try:
                    async with asyncio.timeout(self._quiet_s if self._up else HELLO_WITHIN_S):
                        data = await reader.read(READ)
                except TimeoutError:
                    if self._hangs():
                        return "quiet"
                    continue
                if not data:
                    break
                self._quiet_since = time.monotonic()
                for message in messages.feed(data):
                    self._said(message)
        except DecodeError:
            return "malformed"
        except ConnectionError:
            pass  # it is gone
        finally:
            self._writer = None
            writer.transport.abort()
        return "behind" if self._behind else None

    def _hangs(self) -> bool:
        if not self._up:
            return True
        return self._owes() and time.monotonic() - self._quiet_since >= self._quiet_s

    def _said(self, message: control.FromUnit) -> None:
        match message:
            case control.Hello():
                if not self._up:
                    self._up = True
                    COUNTS.units += 1
                    self._listener.unit_up(self._number)
                return
            case control.Connected(session=session):
                self._live.add(session)
            case control.Offer(session=session):
                self._asked.discard(session)
            case control.Lost(session=session) | control.Refused(session=session):
                self._asked.discard(session)
                self._live.discard(session)
        if self._up:
            self._listener.unit_said(self._number, message)

    def _owes(self) -> bool:
        return bool(self._asked or self._live)

    def _gone(self) -> None:
        if self._up:
            self._up = False
            COUNTS.units -= 1
            if not self._closing.is_set():
                self._listener.unit_down(self._number)


async def _ended(process: asyncio.subprocess.Process, stop_s: float) -> None:
    """The socketpair is closed: it ends, or is ended."""
    try:
        async with asyncio.timeout(stop_s):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()
