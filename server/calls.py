"""Calls: between the sockets of devices, the log that says who is in a room, and the units with the media.

Who is in which call, and what comes of it, is decided in `signaling.board`; here its effects are carried out,
in its order, on the event loop.
"""

import asyncio
import secrets
import time
from collections.abc import Collection, Iterable, Sequence
from typing import TYPE_CHECKING, Protocol

from sqlalchemy import Connection as Database
from sqlalchemy import select

from server.connection import Connection
from server.ledger import Ledger
from server.logs import log
from server.media import Command, Units
from server.metrics import COUNTS
from server.rates import Limiter
from server.tables import DEVICES, MEMBERS, ROOMS
from server.writer import Job
from signaling.board import Board, step
from signaling.happenings import (
    DeviceGone,
    Env,
    Happening,
    LegMessage,
    Said,
    SocketGone,
    Tick,
    ToDevice,
    ToRoom,
    ToUnit,
    UnitDown,
    UnitSaid,
    UnitUp,
    Unlisted,
)
from signaling.sfu import control
from wire.bounds import MAX_LEAVES
from wire.codec import encode
from wire.frames import CallEnded, CallFrame, CallJoin, CallLeave, CallReport, Refused, Wake, Woken

if TYPE_CHECKING:
    from server.hub import Hub

WAKES = (4, 1 / 15)  # of one account in one room: at once, and then each second
MAX_WAKING = 64  # rooms that are being woken at the same time
RING_S = 45  # so long a push service keeps a wake
REPORT_S = 2.0


class Waker(Protocol):
    """Reaches devices that have no socket."""

    async def wake(self, devices: Sequence[bytes], ttl: int) -> frozenset[bytes]: ...


class Calls:
    """The driver of the board."""

    def __init__(self, hub: "Hub", waker: Waker, workers: int, command: Command) -> None:
        self._hub, self._waker = hub, waker
        self._board = Board()
        self._units = Units(workers, command, self)
        self._joining: set[tuple[bytes, bytes, bytes]] = set()  # device, room, session: at the writer
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at: float | None = None
        self._wakes = Limiter(WAKES[0] * hub.rate_factor, WAKES[1] * hub.rate_factor)
        self._waking: set[asyncio.Task[None]] = set()

    def start(self) -> None:
        self._units.start()

    async def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        for task in self._waking:
            task.cancel()
        await self._units.close()

    # From sockets

    def frame(self, connection: Connection, frame: CallFrame) -> None:
        if isinstance(frame, CallJoin):
            self._join(connection, frame)
            return
        if isinstance(frame, CallLeave):
            # It may overtake its own join, which is at the writer.
            key = (connection.device, frame.room, frame.session)
            if key in self._joining:
                self._joining.discard(key)
                _end(connection, frame.room, frame.session, "left")
                return
        self._step(Said(connection.device, connection.account, frame))

    def _join(self, connection: Connection, join: CallJoin) -> None:
        """The writer says whether the device is in the room: so joins and Commits have one order."""
        place = connection.places.get(join.room)
        if place is None or place.until is not None:
            _end(connection, join.room, join.session, "not_found")
            return
        if len(self._units) == 0:
            _end(connection, join.room, join.session, "media_unavailable")
            return
        key = (connection.device, join.room, join.session)
        self._joining.add(key)

        def run(database: Database, ledger: Ledger) -> bool:
            return is_in(database, ledger, join.room, connection.device)

        def done(listed: bool | None, error: BaseException | None) -> None:
            wanted = key in self._joining
            self._joining.discard(key)
            if not wanted or connection.closed:
                return
            if error is not None:
                _end(connection, join.room, join.session, "storage")
            elif not listed:
                _end(connection, join.room, join.session, "not_found")
            else:
                self._step(Said(connection.device, connection.account, join))

        self._hub.writer.submit(Job(run, done))

    def wake(self, connection: Connection, wake: Wake) -> None:
        """Wake the devices of the room that have no socket."""
        place = connection.places.get(wake.room)
        if place is None or place.until is not None:
            code, message = "not_found", "There is nothing here for you."
        elif (
            len(self._waking) >= MAX_WAKING
            or self._wakes.refuse((connection.account, wake.room), self._hub.clock()) > 0
        ):
            code, message = "too_many", "This room was woken just now."
        else:
            task = asyncio.get_running_loop().create_task(self._wake(connection, wake))
            self._waking.add(task)
            task.add_done_callback(self._waking.discard)
            return
        connection.answer(encode(Refused(room=wake.room, id=wake.ring, code=code, message=message)))

    async def _wake(self, connection: Connection, wake: Wake) -> None:
        try:
            others = await self._hub.read(lambda db: devices_of_others(db, wake.room, connection.account))
            away = [device for device in others if not self._hub.is_connected(device)]
            woken = await self._waker.wake(away, RING_S)
        except Exception as error:
            log.exception("wake_failed", error=type(error).__name__)
            woken = frozenset()
        connection.answer(encode(Woken(room=wake.room, ring=wake.ring, devices=sorted(woken))))

    # From the hub

    def greeted(self, connection: Connection, rooms: Iterable[bytes]) -> None:
        """A device has connected, or has come into a room: it is told where there are calls."""
        if self._board.calls:
            for room in rooms:
                shown = self._board.shown(room)
                if shown is not None:
                    connection.answer(encode(shown))

    def away(self, device: bytes) -> None:
        """The device has no socket any more."""
        if device in self._board.devices:
            self._step(SocketGone(device))

    def unlisted(self, room: bytes, devices: Collection[bytes]) -> None:
        """A Commit or a leave took these off the room's list (THREATS 13)."""
        if room in self._board.calls:
            self._step(Unlisted(room, frozenset(devices)))

    def signed_out(self, device: bytes) -> None:
        """The device was signed out or removed from its account."""
        if device in self._board.devices:
            self._step(DeviceGone(device))

    # From the units

    def unit_up(self, unit: int) -> None:
        self._step(UnitUp(unit))

    def unit_down(self, unit: int) -> None:
        self._step(UnitDown(unit))

    def unit_said(self, unit: int, message: LegMessage | control.Report) -> None:
        if isinstance(message, control.Report):
            for one in message.participants:
                COUNTS.media_up_kilobits += one.kbps_up * REPORT_S
                COUNTS.media_down_kilobits += one.kbps_down * REPORT_S
        self._step(UnitSaid(unit, message))

    # The board

    def _step(self, happening: Happening) -> None:
        env = Env(time.monotonic(), self._hub.now(), secrets.token_bytes)
        before = self._board
        self._board, effects = step(before, happening, env)
        encoded: dict[int, bytes] = {}  # a report is one frame for many
        for effect in effects:
            match effect:
                case ToUnit(unit, message):
                    self._units.send(unit, message)
                case ToDevice(device, frame):
                    if id(frame) not in encoded:
                        encoded[id(frame)] = encode(frame)
                    # Of reports the next one comes soon: a socket that is behind goes without.
                    self._hub.tell_device(device, encoded[id(frame)], isinstance(frame, CallReport))
                case ToRoom(frame):
                    self._hub.tell_room(frame.room, encode(frame))
        if self._board is not before:
            COUNTS.participants = len(self._board.devices)
            COUNTS.calls = len(set(self._board.devices.values()))
            self._wait()

    def _wait(self) -> None:
        """Be there when time alone changes something."""
        due = self._board.due
        if due == self._timer_at:
            return
        if self._timer is not None:
            self._timer.cancel()
        self._timer, self._timer_at = None, due
        if due is not None:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(max(0.0, due - time.monotonic()), self._tick)

    def _tick(self) -> None:
        self._timer = self._timer_at = None
        self._step(Tick())
        self._wait()


def is_in(database: Database, ledger: Ledger, room_id: bytes, device: bytes) -> bool:
    """Whether a device may come into a room's call.

    While the lists before and after a Commit are both served (E20), whoever the Commit took off is not in it:
    calls have nothing to catch up with, and the media goes on without it at once (THREATS 13).
    """
    room = ledger.room(database, room_id)
    if room is None or device not in room.served:
        return False
    decided = room.routing.decided
    return device in (decided if decided is not None else room.routing.new)


def devices_of_others(database: Database, room: bytes, account: bytes) -> list[bytes]:
    """The devices in a room but those of one account."""
    rows = database.execute(
        select(MEMBERS.c.device)
        .join(ROOMS, ROOMS.c.key == MEMBERS.c.room)
        .join(DEVICES, DEVICES.c.id == MEMBERS.c.device)
        .where(
            ROOMS.c.id == room,
            MEMBERS.c.until.is_(None),
            DEVICES.c.gone.is_(False),
            DEVICES.c.account != account,
        )
        .limit(MAX_LEAVES)
    )
    return [row.device for row in rows]


def _end(connection: Connection, room: bytes, session: bytes, code: str) -> None:
    connection.answer(encode(CallEnded(room=room, session=session, code=code)))
