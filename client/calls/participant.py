"""This member in a room's call: a seat, the way to the unit, and what is sent and counted on it.

participant = Participant(me.session, room.id, TestPattern())
await participant.enter()
await participant.until(lambda: participant.connected or None)
…
await participant.leave()
"""

import asyncio
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeVar

from client.calls.connection import KINDS, Connection, Heard
from client.calls.frames import Frames, Tally
from client.calls.media import (
    SAMPLES,
    AudioEncoder,
    Picture,
    Source,
    VideoEncoder,
    level_of,
)
from client.calls.path import Path, PathError
from client.calls.rtp import VIDEO_CLOCK
from client.calls.sdp import Local, Offer, OfferError, answer, read_offer
from client.changes import Changes
from client.engine.draft import Draft
from client.engine.session import Session
from client.errors import CollegiumError, translated
from client.room import effects
from client.room.commands import SayInCall
from client.room.core import CommandError, room_view
from client.room.sight import SightCall
from crypto.room.ephemeral import CallMedia
from crypto.sframe.kid import Kind
from crypto.sframe.receive_keys import ReceiveEpoch
from wire.bounds import to_base64url
from wire.frames import CallOffer, CallReport

T = TypeVar("T")

MAX_OFFERS: Final = 16
"""That wait to be answered: the server makes one at a time, so more are the work of somebody else."""
MAX_TRIES: Final = 5
"""Paths that fail one after the other until the call is given up."""
AGAIN_AFTER_S: Final = 2.0
"""After a path has failed; the server may make another one by itself meanwhile."""
TICK_S: Final = 0.03
BEHIND_S: Final = 1.0
"""What should have been sent longer ago is sent no more."""
FRAME_S: Final = SAMPLES / 48_000

Stage = Literal["out", "joining", "here", "ended"]


def monotonic_ms() -> int:
    return time.monotonic_ns() // 1_000_000


@dataclass(frozen=True, slots=True)
class _Way:
    """One connection, and the path that it goes over."""

    path: Path
    connection: Connection
    offer: Offer
    local: Local


class Participant:
    """A `Seat` of the engine's. One object is one time in the call. `source`: what to publish, or None."""

    def __init__(self, session: Session, room_id: bytes, source: Source | None = None) -> None:
        self.room_id, self.source = room_id, source
        self.stage: Stage = "out"
        self.code: str | None = None
        """Why it ended, of those of `call_ended` and of `PathError`."""
        self.fault: str | None = None
        """What the last path failed of; None while it stands."""
        self.paths = 0
        """How many were opened."""
        self.quality: CallReport | None = None
        self._session = session
        self._frames = Frames(session.world.rng)
        self._way: _Way | None = None
        self._tries = 0
        self._offers: asyncio.Queue[CallOffer] = asyncio.Queue(MAX_OFFERS)
        self._tasks: set[asyncio.Task[None]] = set()
        self._outbox: asyncio.Queue[list[bytes]] = asyncio.Queue(MAX_OFFERS)
        self._changes = Changes()
        self.failure: BaseException | None = None

    # What there is

    @property
    def connected(self) -> bool:
        return self._way is not None and self._way.path.open and self.stage != "ended"

    @property
    def tallies(self) -> dict[str, Tally]:
        """What came, by device id in base64url."""
        return self._frames.tallies

    @property
    def heard(self) -> dict[Kind, Heard]:
        """What the unit says of what we send on the present connection."""
        return {} if self._way is None else self._way.connection.heard

    @property
    def sent(self) -> dict[Kind, int]:
        """Packets on the present connection."""
        going = {} if self._way is None else self._way.connection.going
        return {kind: one.packets for kind, one in going.items()}

    @property
    def epoch(self) -> int | None:
        """The latest whose keys were given."""
        return self._frames.epoch

    @property
    def sends(self) -> bool:
        """Whether there is a key to encrypt with."""
        return self._frames.may_send

    @property
    def call(self) -> SightCall | None:
        """Who is there, by the room."""
        state = self._session.rooms.get(self.room_id)
        return None if state is None else room_view(state, self._session.env(), 0).call

    async def until(self, look: Callable[[], T | None]) -> T:
        """What `look` finds, once it does not find None. Raises what failed here meanwhile."""

        def looked() -> T | None:
            if self.failure is not None:
                raise self.failure
            return look()

        return await self._changes.until(looked)

    # Coming and going

    async def enter(self) -> None:
        """Take the seat. Raises CollegiumError."""
        if self.stage != "out":
            raise CollegiumError("call_over")
        self.stage = "joining"
        line = self._session.call
        try:
            with translated():
                await self._session.work(lambda draft: line.enter(draft, self.room_id, self))
        except BaseException:
            if line.is_of(self):
                line.lock()  # it was not stored, so the server was not asked
            raise
        self._spawn(self._negotiate())
        self._spawn(self._beat())
        if self.source is not None:
            if Kind.AUDIO in self.source.kinds:
                self._spawn(self._speak(self.source))
            if Kind.CAMERA in self.source.kinds:
                self._spawn(self._show(self.source))

    async def leave(self, *, trial: bool = False) -> None:
        """Give the seat up, and tell the room of it, unless it was a `trial` that nobody came to. Raises
        CollegiumError.
        """
        session = self._session
        try:
            if session.call.is_of(self):
                with translated():
                    await session.work(lambda draft: session.call.leave(draft, trial=trial))
        finally:
            await self._stop()

    @property
    def gone(self) -> bool:
        """Whether the server and the room have what `leave` said to them."""
        state, call = self._session.rooms.get(self.room_id), self.call
        mine = self._session.records.account.device_id
        here = call is not None and any(one.device_id == mine for one in call.participants)
        return not here and (state is None or not state.outbox)

    async def _stop(self) -> None:
        tasks = [task for task in self._tasks if task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        way, self._way = self._way, None
        if way is not None:
            await way.path.close()

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: "asyncio.Task[None]") -> None:
        self._tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None:
            self.failure = error
            self._finish("unexpected")
        self._changes.tell()

    def _finish(self, code: str) -> None:
        if self.stage != "ended":
            self.stage, self.code = "ended", code
        self._frames.end()
        self._changes.tell()

    # The seat

    def offer(self, offer: CallOffer) -> None:
        if self._offers.full():
            self._offers.get_nowait()  # only the newest is open
        self._offers.put_nowait(offer)

    def begin(self, media: effects.Media) -> None:
        leaves = {int(leaf): to_base64url(who.device_id) for leaf, who in media.leaves.items()}
        epoch = ReceiveEpoch(media.epoch, media.base_key, leaves, int(media.own_leaf))
        self._frames.begin(epoch, monotonic_ms())
        self._changes.tell()

    def hold(self, gone: effects.Gone | None) -> None:
        self._frames.hold(None if gone is None else to_base64url(gone.who.device_id))
        self._changes.tell()

    def report(self, report: CallReport) -> None:
        self.quality = report
        self._changes.tell()

    def ended(self, code: str) -> None:
        self._finish(code)
        if code not in ("left", "replaced"):
            self._spawn(self._stop())

    # The way to the unit

    async def _negotiate(self) -> None:
        while True:
            offer = await self._offers.get()
            try:
                parsed = read_offer(offer.sdp)
                way = await self._way_for(offer.fresh, parsed)
            except (OfferError, PathError) as error:
                self._spawn(self._failed(error.code))
                continue
            if way is None:
                await self._again()
                continue
            kinds = frozenset() if self.source is None else self.source.kinds
            streams = {one.mid: (to_base64url(one.device), KINDS[one.kind]) for one in offer.streams}
            way.connection.negotiated(parsed, streams, kinds)
            text = answer(parsed, kinds, way.local)
            await self._work(lambda draft: self._session.call.answer(draft, offer, text))  # noqa: B023
            if offer.fresh:
                self._spawn(self._connect(way))

    async def _way_for(self, fresh: bool, offer: Offer) -> _Way | None:
        """A new one for a fresh offer, else the one that there is; None where the offer wants the same
        connection by other credentials (RFC 8445 §9), which only a new one can have here.
        """
        before = self._way
        if not fresh:
            same = before is not None and (before.offer.ufrag, before.offer.password) == (
                offer.ufrag,
                offer.password,
            )
            return before if same else None
        self._way = None
        if before is not None:
            await before.path.close()
        connection = Connection(self._frames, self._session.world.rng)
        path = Path(
            lambda data: connection.rtp(data, monotonic_ms()),
            lambda data: self._feedback(path, connection, data),
            lambda: self._spawn(self._lost(path)),
        )
        local = await path.gather(offer)
        self._way = _Way(path, connection, offer, local)
        return self._way

    async def _connect(self, way: _Way) -> None:
        try:
            await way.path.connect(way.offer)
        except PathError as error:
            if self._way is way:
                await self._failed(error.code)
            return
        self.fault, self._tries = None, 0
        self.paths += 1
        if self.stage == "joining":
            self.stage = "here"
        self._changes.tell()

    async def _lost(self, path: Path) -> None:
        """It was open, and has ended: by the unit, or since nothing comes through any more."""
        if self._way is not None and self._way.path is path:
            await self._failed("lost")

    async def _failed(self, fault: str) -> None:
        """Ask for another way, unless the server has made one meanwhile."""
        self.fault = fault
        self._tries += 1
        self._changes.tell()
        if self._tries >= MAX_TRIES:
            await self._work(lambda draft: self._session.call.leave(draft, fault))
            return
        tries = self._tries
        await asyncio.sleep(AGAIN_AFTER_S)
        if self._tries == tries and not self.connected and self._offers.empty():
            await self._again()

    async def _again(self) -> None:
        await self._work(self._session.call.again)

    async def _work(self, task: Callable[[Draft], None]) -> None:
        """Only while this seat is taken: the work of one that has ended would be another's."""
        if self._session.call.is_of(self):
            await self._session.work(task)

    def _feedback(self, path: Path, connection: Connection, data: bytes) -> None:
        packets = connection.rtcp(data, monotonic_ms(), time.time())
        if packets and not self._outbox.full():
            self._outbox.put_nowait(packets)

    # What is sent

    async def _beat(self) -> None:
        """What is due, and what was asked for again."""
        told = 0
        while True:
            await asyncio.sleep(TICK_S)
            way = self._way
            self._frames.expire(monotonic_ms())
            packets = [] if way is None else way.connection.due(monotonic_ms(), time.time())
            while not self._outbox.empty():
                packets += self._outbox.get_nowait()
            if way is not None:
                await _send(way, packets)
            told = await self._tell_media(told)
            self._changes.tell()

    async def _tell_media(self, told: int) -> int:
        """E38: what of ours is on, said once for each connection; the room repeats it by itself."""
        call, kinds = self.call, frozenset() if self.source is None else self.source.kinds
        if told == self.paths or call is None or call.sitting is None:
            return told
        signal = CallMedia(call.sitting, Kind.AUDIO in kinds, Kind.CAMERA in kinds, False)
        try:
            await self._work(lambda draft: draft.step(self.room_id, SayInCall(signal)))
        except CommandError:
            return told  # the server's list does not have this device yet
        return self.paths

    def _ready(self, kind: Kind) -> _Way | None:
        way = self._way
        ready = way is not None and way.path.open and self._frames.may_send and kind in way.connection.going
        return way if ready else None

    async def _speak(self, source: Source) -> None:
        sounds, encoder = source.sounds(), AudioEncoder()
        loop, number = asyncio.get_running_loop(), 0
        begin = loop.time()
        while (sound := await asyncio.to_thread(next, sounds, None)) is not None:
            begin = await _pace(begin, number * FRAME_S)
            way = self._ready(Kind.AUDIO)
            if way is not None:
                level = level_of(sound)
                for frame in encoder.encode(sound):
                    packets = way.connection.send(
                        Kind.AUDIO, frame, number * SAMPLES & 0xFFFFFFFF, level, time.time()
                    )
                    await _send(way, packets)
            number += 1

    async def _show(self, source: Source) -> None:
        pictures, encoder = source.pictures(), VideoEncoder()
        begin = asyncio.get_running_loop().time()
        before: _Way | None = None
        while (picture := await asyncio.to_thread(next, pictures, None)) is not None:
            begin = await _pace(begin, picture.at)
            way = self._ready(Kind.CAMERA)
            if way is None:
                before = None
                continue
            # Whoever missed a picture can't show the next one.
            key = way is not before or way.connection.wants_key
            way.connection.wants_key = False
            frame = await asyncio.to_thread(encoder.encode, picture, key)
            packets = _packets(way, picture, frame)
            before = way if packets else None
            await _send(way, packets)


def _packets(way: _Way, picture: Picture, frame: bytes) -> list[bytes]:
    at = round(picture.at * VIDEO_CLOCK) & 0xFFFFFFFF
    return way.connection.send(Kind.CAMERA, frame, at, None, time.time())


async def _send(way: _Way, packets: list[bytes]) -> None:
    for packet in packets:
        await way.path.send(packet)


async def _pace(begin: float, at: float) -> float:
    """Wait until `at` seconds after the beginning; gives the beginning, later where we were late."""
    loop = asyncio.get_running_loop()
    wait = begin + at - loop.time()
    if wait > 0:
        await asyncio.sleep(wait)
        return begin
    return begin if wait > -BEHIND_S else begin - wait
