"""One socket of one device: what it may say, what waits for it, and where it stands in each room.

The outbox is bounded. A reader that falls behind gets nothing more of the live stream; when its transport has
drained it continues from the log, so it neither grows this process nor misses an entry.
"""

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from server.direct import DirectProtocol, framed
from server.logs import log
from server.rates import Bucket
from server.room import fault_of_form
from wire.codec import DecodeError, decode_client, encode
from wire.frames import (
    Bye,
    CallAnswer,
    CallJoin,
    CallLayers,
    CallLeave,
    CallRestart,
    Cursor,
    Ephemeral,
    Fetch,
    Hello,
    Ping,
    Pong,
    Refused,
    Send,
    Wake,
)

if TYPE_CHECKING:
    from server.hub import Hub

MAX_OUTBOX = 1024 * 1024  # of the live stream; beyond it the socket lags
HARD_OUTBOX = 16 * 1024 * 1024  # answers to its own requests: such a peer is cut off
STALLED_AFTER_S = 30.0
HELLO_WITHIN_S = 15.0
# Buckets of one socket. Debt is paid by not reading, so nothing is refused and nothing is lost.
FRAMES = (2000, 200)
BYTES = (32 * 1024 * 1024, 4 * 1024 * 1024)
EPHEMERALS = (40, 10)
STALE_COST = 5
JOIN_COST = 50  # a way through a unit is made for it
CALL_COST = 5
SEEN_EVERY_MS = 60_000

_PONG = framed(encode(Pong()))


@dataclass(slots=True)
class Place:
    """Where a socket stands in one room."""

    key: int
    sent: int  # while not live: everything up to here was put into the outbox
    since: int
    until: int | None = None
    live: bool = False
    gone: set[bytes] = field(default_factory=set)  # requests that were answered while catching up


class Connection:
    """Behind one WebSocket. Everything here runs on the event loop."""

    __slots__ = (
        "_bytes",
        "_catching",
        "_ephemerals",
        "_frames",
        "_hub",
        "_pending",
        "_protocol",
        "_scheduled",
        "account",
        "closed",
        "device",
        "greeted",
        "opened",
        "places",
        "session",
        "size",
        "stalled_since",
    )

    def __init__(
        self, hub: "Hub", protocol: DirectProtocol, device: bytes, account: bytes, session: bytes
    ) -> None:
        self._hub, self._protocol = hub, protocol
        self.device, self.account, self.session = device, account, session
        self.places: dict[bytes, Place] = {}
        self.greeted = self.closed = False
        self.opened = hub.clock()
        self.stalled_since: float | None = None
        self._pending: list[bytes] = []
        self.size = 0
        self._scheduled = False
        self._catching: asyncio.Task[None] | None = None
        factor = hub.rate_factor
        self._frames = Bucket(FRAMES[0] * factor, FRAMES[1] * factor)
        self._bytes = Bucket(BYTES[0] * factor, BYTES[1] * factor)
        self._ephemerals = Bucket(EPHEMERALS[0] * factor, EPHEMERALS[1] * factor)

    # Out

    def answer(self, frame: bytes) -> None:
        """Put one frame (or sequence) of ours into the outbox."""
        self.put(framed(frame))

    def put(self, message: bytes) -> None:
        """Put a message that is framed already, perhaps for many sockets at once."""
        if self.closed:
            return
        self._pending.append(message)
        self.size += len(message)
        if not self._scheduled:
            self._scheduled = True
            self._hub.flush_soon(self)
        if self.size > HARD_OUTBOX:
            self.cut("slow")

    def flush(self) -> None:
        self._scheduled = False
        if not self._pending or self.closed:
            return
        if not self._protocol.takes_more:
            if self.stalled_since is None:
                self.stalled_since = self._hub.clock()
            return
        self.stalled_since = None
        self._protocol.write(self._pending)
        self._pending = []
        self.size = 0

    def writable(self) -> None:
        """The transport drained."""
        self.stalled_since = None
        self.flush()
        self.catch_up()

    def bye(self, code: str, status: int = 1000) -> None:
        """Say why, then close."""
        if self.closed:
            return
        self.answer(encode(Bye(code=code)))
        self.flush()
        self.closed = True
        self._hub.drop(self)
        self._protocol.end(status)

    def cut(self, why: str) -> None:
        """No more of this peer; it reads nothing anyway."""
        if not self.closed:
            log.info("socket_cut", code=why)
            self.closed = True
            self._hub.drop(self)
            self._protocol.cut()

    def ended(self) -> None:
        """The peer is gone."""
        self.closed = True
        self._pending = []
        self._hub.drop(self)
        if self._catching is not None:
            self._catching.cancel()

    # In

    def received(self, data: bytes) -> None:
        try:
            frames = decode_client(data)
        except DecodeError as error:
            self._hub.count_refused("malformed")
            self.answer(encode(Refused(code="malformed", message=str(error)[:300])))
            self.bye("malformed", 1007)
            return
        now = self._hub.clock()
        wait = max(self._bytes.take(len(data), now), self._frames.take(len(frames), now))
        if wait > 0:
            self._protocol.hold_reading(min(wait, 5.0))
        for frame in frames:
            if self.closed:
                return
            if not self.greeted and not isinstance(frame, Hello | Ping):
                self.answer(encode(Refused(code="hello_first", message="The first frame is hello.")))
                self.bye("malformed", 1002)
                return
            match frame:
                case Send():
                    self._send(frame)
                case Cursor():
                    self._hub.cursor(self, frame.room, frame.n)
                case Ephemeral():
                    if self._ephemerals.take(1, now) > 0:
                        self._ephemerals.give_back(1)  # lost, as ephemeral things may be
                    else:
                        self._hub.ephemeral(self, frame)
                case Ping():
                    self.put(_PONG)
                case Hello():
                    self._hello(frame)
                case Fetch():
                    self._fetch(frame)
                case CallJoin() | CallAnswer() | CallLayers() | CallRestart() | CallLeave():
                    self._frames.take(JOIN_COST if isinstance(frame, CallJoin) else CALL_COST, now)
                    self._hub.calls.frame(self, frame)
                case Wake():
                    self._frames.take(JOIN_COST, now)
                    self._hub.calls.wake(self, frame)

    def _hello(self, hello: Hello) -> None:
        if self.greeted:
            self.answer(encode(Refused(code="hello_twice", message="hello is said once.")))
            self.bye("malformed", 1002)
            return
        self.greeted = True
        self._hub.greet(self, {cursor.room: cursor.n for cursor in hello.cursors})

    def _send(self, send: Send) -> None:
        fault = fault_of_form(send)
        if fault is not None:
            self._hub.count_refused(fault.code)
            refused = Refused(room=send.room, id=send.id, code=fault.code, message=fault.message)
            self.answer(encode(refused))
            return
        place = self.places.get(send.room)
        if place is not None and send.after > place.sent and not place.live:
            # It may name what it saw on its last socket: the writer compares, this only pays for a look-up.
            self._frames.take(STALE_COST, self._hub.clock())
        self._hub.send(self, send)

    def _fetch(self, fetch: Fetch) -> None:
        place = self.places.get(fetch.room)
        if place is None:
            self.answer(
                encode(Refused(room=fetch.room, code="not_found", message="There is nothing here for you."))
            )
            return
        self._frames.take(1 + fetch.limit / 50, self._hub.clock())
        self._hub.fetch(self, place, fetch)

    # Catching up

    def catch_up(self) -> None:
        """Start, unless one is under way or nothing lags."""
        if self._catching is None and not self.closed and any(not p.live for p in self.places.values()):
            self._catching = asyncio.get_running_loop().create_task(self._catch_up())

    async def _catch_up(self) -> None:
        try:
            for room, place in list(self.places.items()):
                while not (place.live or self.closed) and self.places.get(room) is place:
                    if self.size > 0 and not self._protocol.takes_more:
                        return  # `writable` begins again
                    await self._hub.advance(self, room, place)
        finally:
            self._catching = None
