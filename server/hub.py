"""Who is connected, who is live in which room, and the fan-out.

Everything runs on the event loop. The writer's deliveries arrive in the order of the log, so whoever is live
in a room has been sent exactly what is at or below the room's `last`; whoever is not is brought there from
the log by `advance`, and becomes live in the same step in which it is level.
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from sqlalchemy import Connection as Database

from server.catchup import Standing, beside, missed, move_cursors, standings
from server.connection import HELLO_WITHIN_S, MAX_OUTBOX, STALLED_AFTER_S, Connection, Place
from server.database import Readers
from server.direct import framed
from server.ledger import Ledger, News
from server.metrics import COUNTS, REFUSED
from server.writer import Answer, Delivery, Done, Job, SendJob, Writer
from wire.codec import encode
from wire.frames import (
    CaughtUp,
    Cursors,
    DeviceCursor,
    Ephemeral,
    Fetch,
    Ready,
    Refused,
    Removed,
    Request,
    RequestGone,
    Send,
)

if TYPE_CHECKING:
    from server.calls import Calls

T = TypeVar("T")

CURSORS_EVERY_S = 0.1
SWEEP_EVERY_S = 5.0
# One WebSocket message of the live stream.
MAX_MESSAGE = 512 * 1024


@dataclass(slots=True)
class HubRoom:
    """A room as far as somebody connected is in it."""

    key: int
    last: int
    here: dict[bytes, Connection] = field(default_factory=dict)  # by device, live or catching up
    live: dict[Connection, None] = field(default_factory=dict)
    moved: dict[bytes, int] = field(default_factory=dict)  # cursors not yet written


class Hub:
    """The live side of the delivery service."""

    def __init__(self, readers: Readers, now: Callable[[], int], rate_factor: float) -> None:
        self._readers, self.now, self.rate_factor = readers, now, rate_factor
        self.clock = time.monotonic
        self._writer: Writer | None = None
        self._calls: Calls | None = None
        self._rooms: dict[bytes, HubRoom] = {}
        self._devices: dict[bytes, Connection] = {}
        self._dirty: list[Connection] = []
        self._flushing = False
        self._moved: set[bytes] = set()
        self._cursor_timer: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    def attach(self, writer: Writer) -> None:
        self._writer = writer

    def attach_calls(self, calls: "Calls") -> None:
        self._calls = calls

    @property
    def calls(self) -> "Calls":
        assert self._calls is not None
        return self._calls

    @property
    def writer(self) -> Writer:
        assert self._writer is not None
        return self._writer

    async def change(self, run: Callable[[Database, Ledger], T]) -> T:
        """Have the writer do something; back when it is on disk."""
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()

        def done(result: Any, error: BaseException | None) -> None:
            if future.cancelled():
                return
            if error is None:
                future.set_result(result)
            else:
                future.set_exception(error)

        self.writer.submit(Job(run, done))
        return await future

    async def read(self, query: Callable[[Database], T]) -> T:
        return await self._readers.read(query)

    # Sockets

    def add(self, connection: Connection) -> None:
        """A device has one socket: a newer one replaces it."""
        older = self._devices.get(connection.device)
        if older is not None:
            older.bye("replaced", 1000)
        self._devices[connection.device] = connection
        COUNTS.sockets = len(self._devices)

    def drop(self, connection: Connection) -> None:
        if self._devices.get(connection.device) is connection:
            del self._devices[connection.device]
            COUNTS.sockets = len(self._devices)
            self.calls.away(connection.device)
        for room_id in list(connection.places):
            self._take_out(connection, room_id)

    def sign_out(self, match: Callable[[Connection], bool]) -> None:
        """Close the sockets of sessions or devices that are no more."""
        for connection in [c for c in self._devices.values() if match(c)]:
            connection.bye("signed_out", 1000)
            self.calls.signed_out(connection.device)

    def sweep(self) -> None:
        """Cut off whoever reads nothing, or never says hello."""
        now = self.clock()
        for connection in list(self._devices.values()):
            if connection.stalled_since is not None and now - connection.stalled_since > STALLED_AFTER_S:
                connection.cut("stalled")
            elif not connection.greeted and now - connection.opened > HELLO_WITHIN_S:
                connection.bye("hello_first", 1002)

    def _take_out(self, connection: Connection, room_id: bytes) -> None:
        connection.places.pop(room_id, None)
        room = self._rooms.get(room_id)
        if room is None:
            return
        if room.here.get(connection.device) is connection:
            del room.here[connection.device]
        room.live.pop(connection, None)
        if not room.here and not room.moved:
            del self._rooms[room_id]

    # Frames from a socket

    def greet(self, connection: Connection, cursors: dict[bytes, int]) -> None:
        def run(database: Database, ledger: Ledger) -> list[Standing]:
            return standings(database, ledger, connection.device, cursors)

        def done(found: list[Standing], error: BaseException | None) -> None:
            if connection.closed:
                return
            if error is not None:
                connection.bye("restart", 1013)
                return
            self._settle(connection, found)
            unknown = cursors.keys() - {standing.room for standing in found}
            for room in sorted(unknown):
                refused = Refused(room=room, code="not_found", message="There is nothing here for you.")
                connection.answer(encode(refused))
            connection.catch_up()

        self.writer.submit(Job(run, done))

    def _settle(self, connection: Connection, found: list[Standing]) -> None:
        listed = [standing for standing in found if standing.until is None]
        ready = Ready(device=connection.device, time=self.now(), rooms=[s.state for s in listed])
        connection.answer(encode(ready))
        for standing in found:
            place = Place(standing.key, standing.start, standing.since, standing.until)
            connection.places[standing.room] = place
            if standing.until is None:
                room = self._room(standing.room, standing.key, standing.state.last)
                room.here[connection.device] = connection
        self.calls.greeted(connection, [standing.room for standing in listed])

    def _room(self, room_id: bytes, key: int, last: int) -> HubRoom:
        room = self._rooms.get(room_id)
        if room is None:
            room = self._rooms[room_id] = HubRoom(key, last)
        return room

    def send(self, connection: Connection, send: Send) -> None:
        self.writer.submit(SendJob(connection, send, connection.device))

    def count_refused(self, code: str) -> None:
        REFUSED.labels(code).inc()

    def cursor(self, connection: Connection, room_id: bytes, n: int) -> None:
        room, place = self._rooms.get(room_id), connection.places.get(room_id)
        if room is None or place is None or place.until is not None or n > room.last:
            return
        if n > room.moved.get(connection.device, 0):
            room.moved[connection.device] = n
            self._moved.add(room_id)
            if self._cursor_timer is None:
                loop = asyncio.get_running_loop()
                self._cursor_timer = loop.call_later(CURSORS_EVERY_S, self.write_cursors)

    def write_cursors(self) -> None:
        """Store the cursors that moved, then tell the rooms."""
        self._cursor_timer = None
        moved = {}
        for room_id in self._moved:
            room = self._rooms[room_id]
            moved[room_id] = (room.key, room.moved)
            room.moved = {}
        self._moved = set()
        if not moved:
            return

        def run(database: Database, _ledger: Ledger) -> None:
            for key, cursors in moved.values():
                move_cursors(database, key, cursors.items())

        def done(_result: None, error: BaseException | None) -> None:
            for room_id, (_, cursors) in moved.items():
                room = self._rooms.get(room_id)
                if room is None:
                    continue
                if not room.here and not room.moved:
                    del self._rooms[room_id]
                elif error is None:
                    frame = Cursors(
                        room=room_id, cursors=[DeviceCursor(device=d, n=n) for d, n in cursors.items()]
                    )
                    self._tell(room, encode(frame))

        self.writer.submit(Job(run, done))

    def ephemeral(self, connection: Connection, frame: Ephemeral) -> None:
        room = self._rooms.get(frame.room)
        if room is None or room.here.get(connection.device) is not connection:
            return
        message = framed(encode(frame))
        for other in room.live:
            # Nobody waits for these: a socket that is behind goes without.
            if other is not connection and other.size < MAX_OUTBOX // 4:
                other.put(message)

    def fetch(self, connection: Connection, place: Place, fetch: Fetch) -> None:
        room = self._rooms.get(fetch.room)
        upto = place.until if place.until is not None else (room.last if room else 0)

        async def answer() -> None:
            above, left = max(fetch.from_ - 1, place.since), fetch.limit
            while left > 0 and above < upto and not connection.closed and connection.size < MAX_OUTBOX:
                at, most = above, left
                found = await self._readers.read(
                    lambda db, at=at, most=most: missed(db, place.key, fetch.room, at, upto, most)  # type: ignore[misc]
                )
                if found.count == 0:
                    return
                connection.answer(found.frames)
                above, left = found.last, left - found.count

        task = asyncio.get_running_loop().create_task(answer())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # Catching up

    async def advance(self, connection: Connection, room_id: bytes, place: Place) -> None:
        """Send the next part of what a socket has missed; make it live when it is level."""
        room = self._rooms.get(room_id)
        upto = place.until if place.until is not None else (room.last if room else place.sent)
        if place.sent < upto:
            above = place.sent
            found = await self._readers.read(lambda db: missed(db, place.key, room_id, above, upto))
            if connection.places.get(room_id) is not place:
                return
            if found.count == 0:
                place.sent = upto  # kept nowhere any more: the client sees the missing positions (E23)
            else:
                connection.answer(found.frames)
                COUNTS.delivered += found.count
                place.sent = found.last
            return
        now = self.now()
        found_beside = await self._readers.read(
            lambda db: beside(db, place.key, room_id, connection.device, now)
        )
        if connection.places.get(room_id) is not place:
            return
        if place.until is not None:
            connection.answer(encode(Removed(room=room_id, n=place.until)))
            connection.places.pop(room_id, None)
            place.live = True
            return
        room = self._rooms.get(room_id)
        assert room is not None
        if place.sent < room.last:
            return  # something came meanwhile: once more
        frames = [frame for request, frame in found_beside if request not in place.gone]
        for frame in frames:
            connection.answer(frame)
        connection.answer(encode(CaughtUp(room=room_id, last=room.last)))
        place.gone.clear()
        place.live = True
        room.live[connection] = None

    # Deliveries of the writer

    def deliver(self, delivery: Delivery) -> None:
        """What is on disk now goes out. In the order of the log."""
        self._flushing = True
        try:
            for item in delivery:
                match item:
                    case Answer():
                        item.sender.answer(item.frame)
                    case News():
                        self._news(item)
                    case Done():
                        item.job.done(item.result, item.error)
        finally:
            self._flushing = False
            self._flush()

    def _news(self, news: News) -> None:
        COUNTS.entries += len(news.entries)
        if news.unlisted:
            self.calls.unlisted(news.room, news.unlisted)
        room = self._rooms.get(news.room)
        if room is not None:
            self._fan_out(room, news)
            room.last = news.last
            for device, n in news.departed.items():
                gone = room.here.get(device)
                if gone is not None:
                    self._depart(gone, room, news.room, n)
        for device in news.returned:
            back = self._devices.get(device)
            if back is not None:
                back.bye("restart", 1012)  # it begins anew from its cursor
        for device, welcome in news.joined.items():
            joiner = self._devices.get(device)
            if joiner is not None and joiner.greeted:
                self.enter(joiner, news.room, news.key, news.last)
                if welcome:
                    joiner.answer(welcome)
                self.calls.greeted(joiner, (news.room,))
        room = self._rooms.get(news.room)
        if room is None:
            return
        for device, welcome in news.welcomed.items():
            if device in room.here:
                room.here[device].answer(welcome)
        for request in news.gone:
            self.forget_request(news.room, request)
        for frame in news.extras:
            self._tell(room, frame)

    def _fan_out(self, room: HubRoom, news: News) -> None:
        for connection in [c for c in room.live if c.size > MAX_OUTBOX]:
            # It continues from the log when it has read what waits for it.
            del room.live[connection]
            place = connection.places[news.room]
            place.live, place.sent = False, room.last
            COUNTS.lagged += 1
        live = list(room.live)
        for message in messages_of(news.entries):
            for connection in live:
                connection.put(message)
        COUNTS.delivered += len(news.entries) * len(live)

    def _depart(self, connection: Connection, room: HubRoom, room_id: bytes, n: int) -> None:
        place = connection.places[room_id]
        if place.live:
            connection.answer(encode(Removed(room=room_id, n=n)))
            self._take_out(connection, room_id)
        else:
            # It has perhaps not been sent the entry that removes it: catching up ends there.
            place.until = n
            del room.here[connection.device]

    def enter(self, connection: Connection, room_id: bytes, key: int, n: int) -> None:
        """A connected device is in a room from position n on, which is the room's last."""
        room = self._room(room_id, key, n)
        connection.places[room_id] = Place(key, n, n, live=True)
        room.here[connection.device] = connection
        room.live[connection] = None

    def created(self, device: bytes, room_id: bytes, key: int) -> None:
        connection = self._devices.get(device)
        if connection is not None and connection.greeted:
            self.enter(connection, room_id, key, 0)

    def posted(self, room_id: bytes, request: Request) -> None:
        """A request came: everybody who is connected may answer it."""
        room = self._rooms.get(room_id)
        if room is not None:
            self._tell(room, encode(request))

    def withdrawn(self, room_id: bytes, request: bytes) -> None:
        """A request is over without an answer."""
        room = self._rooms.get(room_id)
        if room is not None:
            self.forget_request(room_id, request)
            self._tell(room, encode(RequestGone(room=room_id, request_id=request)))

    def forget_request(self, room_id: bytes, request: bytes) -> None:
        """Sockets that are still catching up must not be told of it afterwards."""
        for connection in self._rooms[room_id].here.values():
            place = connection.places.get(room_id)
            if place is not None and not place.live:
                place.gone.add(request)

    # Calls

    def is_connected(self, device: bytes) -> bool:
        found = self._devices.get(device)
        return found is not None and found.greeted

    def tell_device(self, device: bytes, frame: bytes, may_be_lost: bool) -> None:
        found = self._devices.get(device)
        if found is not None and found.greeted and not (may_be_lost and found.size > MAX_OUTBOX // 4):
            found.answer(frame)

    def tell_room(self, room_id: bytes, frame: bytes) -> None:
        room = self._rooms.get(room_id)
        if room is not None:
            self._tell(room, frame)

    def _tell(self, room: HubRoom, frame: bytes) -> None:
        message = framed(frame)
        for connection in list(room.here.values()):
            connection.put(message)

    # Writing to the sockets

    def flush_soon(self, connection: Connection) -> None:
        """Once at the end of a delivery, or of this turn of the loop: so that writes are few and large."""
        self._dirty.append(connection)
        if not self._flushing:
            self._flushing = True
            asyncio.get_running_loop().call_soon(self._flush)

    def _flush(self) -> None:
        self._flushing = False
        dirty, self._dirty = self._dirty, []
        for connection in dirty:
            connection.flush()


def messages_of(entries: list[bytes]) -> list[bytes]:
    """The entries as few WebSocket messages, framed once for everyone."""
    out: list[bytes] = []
    part: list[bytes] = []
    size = 0
    for entry in entries:
        if part and size + len(entry) > MAX_MESSAGE:
            out.append(framed(b"".join(part)))
            part, size = [], 0
        part.append(entry)
        size += len(entry)
    out.append(framed(b"".join(part)))
    return out
