"""A forwarding unit in the hands of somebody who wants to see, hear or change a call.

It is the real one around a forwarder that keeps a copy of everything, and that lies where it is ordered to:
`python -m tests.e2e.malicious_unit LINE TAP …`, then the words of `signaling.sfu.unit`. Orders come over the
socket LINE; each packet goes to the file TAP as the unit has it, after SRTP was opened.
"""

import sys
import threading
from collections import defaultdict, deque
from dataclasses import dataclass, field
from multiprocessing.connection import Listener
from pathlib import Path
from typing import Any, BinaryIO

from signaling.sfu import rtp, unit
from signaling.sfu.control import KINDS, Close, FromUnit, Kind, Layer, Offer, Restart, ToUnit
from signaling.sfu.extensions import MID
from signaling.sfu.forwarder import Forwarder
from signaling.sfu.payloads import OPUS, RTX
from signaling.sfu.randomness import Rng
from signaling.sfu.switchboard import Switchboard

MAX_KEPT = 60  # frames of a stream, to be sent again
DRAIN_S = 20.0
FRAME_TICKS = {True: 960, False: 1}  # of audio: 20 ms; a picture needs another time than its neighbours

Place = tuple[int, Kind]
"""Whose, by the order in which devices came into the call, and what."""
Frame = list[bytes]
"""The payloads of its packets."""


@dataclass
class Orders:
    """What is to be done. Set by one thread, read by the other."""

    labels: dict[int, int] = field(default_factory=dict)
    """Whose name each one's streams are given."""
    keeps: bool = False
    """Nobody is closed, and everybody is sent everything that they are subscribed to."""
    waiting: dict[Place, deque[Frame]] = field(default_factory=lambda: defaultdict(deque))
    """To be put between the frames of a stream, one at a time."""
    kept: dict[Place, deque[Frame]] = field(
        default_factory=lambda: defaultdict(lambda: deque(maxlen=MAX_KEPT))
    )
    """What came last, to be sent again."""
    devices: list[bytes] = field(default_factory=list)
    done: threading.Condition = field(default_factory=threading.Condition)
    """Told when something was put."""


@dataclass
class Source:
    """One SSRC of a participant."""

    place: Place
    number: int
    timestamp: int
    payload_type: int
    begun: Frame = field(default_factory=list)
    """What there is of a frame that is not whole yet. Where there is nothing, another may be put."""
    shift: int = 0
    """So many packets were put in: what follows is counted on."""


class Malicious:
    """A room's forwarder as the switchboard sees it."""

    def __init__(self, rng: Rng, orders: Orders, tap: BinaryIO) -> None:
        self._real = Forwarder(rng)
        self._orders, self._tap = orders, tap
        self._people: dict[bytes, int] = {}
        self._sources: dict[tuple[bytes, int], Source] = {}

    def join(self, session: bytes, device: bytes, now: float) -> None:
        self._real.join(session, device, now)
        devices = self._orders.devices
        if device not in devices:
            devices.append(device)
        self._people[session] = devices.index(device)

    def leave(self, session: bytes, now: float) -> None:
        self._real.leave(session, now)
        del self._people[session]

    def __getattr__(self, name: str) -> Any:
        """All else is done as the real one does it."""
        return getattr(self._real, name)

    def wants(self, session: bytes, mid: str, layer: Layer, now: float) -> None:
        self._real.wants(session, mid, Layer.LOW if self._orders.keeps else layer, now)

    # Media

    def rtp(self, session: bytes, packet: bytes, now: float) -> None:
        self._tap.write(bytes([self._people[session]]) + len(packet).to_bytes(2, "big") + packet)
        source = self._seen(session, packet)
        if source is not None and source.shift:
            number = (source.number + source.shift) & 0xFFFF
            packet = packet[:2] + number.to_bytes(2, "big") + packet[4:]
        self._real.rtp(session, packet, now)

    def _seen(self, session: bytes, packet: bytes) -> Source | None:
        """What is known of the packet's stream from now on; None: it is none of media."""
        shape = rtp.shape_of(packet)
        if shape is None:
            return None
        _, marked, number, timestamp, ssrc = rtp.read_fixed(packet)
        payload_type, marker = marked & 0x7F, marked & rtp.MARKER
        source = self._sources.get((session, ssrc))
        if source is None:
            mid = shape.name(packet, MID)
            if mid is None or payload_type == RTX:
                return None
            place = (self._people[session], KINDS[int(mid)])
            source = Source(place, number, timestamp, payload_type)
            self._sources[session, ssrc] = source
        source.number, source.timestamp = number, timestamp
        source.begun.append(packet[shape.payload : shape.end])
        if payload_type == OPUS or marker:
            self._orders.kept[source.place].append(source.begun)
            source.begun = []
        return source

    def tick(self, now: float) -> float:
        for place, frames in list(self._orders.waiting.items()):
            sources = [
                (session, ssrc, source)
                for (session, ssrc), source in self._sources.items()
                if source.place == place and session in self._people
            ]
            if not frames or not sources or any(source.begun for _, _, source in sources):
                continue
            frame = frames.popleft()
            for session, ssrc, source in sources:
                self._put(session, ssrc, source, frame, now)
            with self._orders.done:
                self._orders.done.notify()
        return self._real.tick(now)

    def _put(self, session: bytes, ssrc: int, source: Source, frame: Frame, now: float) -> None:
        """As if the participant had sent it, behind what they sent last."""
        source.timestamp += FRAME_TICKS[source.payload_type == OPUS]
        for left, payload in zip(reversed(range(len(frame))), frame, strict=True):
            source.shift += 1
            number, timestamp = source.number + source.shift, source.timestamp & 0xFFFFFFFF
            packet = rtp.build(source.payload_type, number, timestamp, ssrc, payload, marker=left == 0)
            self._real.rtp(session, packet, now)


class Listening:
    """The thread that hears orders. Each is a method here."""

    def __init__(self, path: str, orders: Orders, tap: BinaryIO) -> None:
        self._orders, self._tap = orders, tap
        Path(path).unlink(missing_ok=True)  # of a unit before
        self._listener = Listener(path, "AF_UNIX")
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        while True:
            with self._listener.accept() as line:
                name, *arguments = line.recv()
                line.send(getattr(self, name)(*arguments))

    def label(self, labels: dict[int, int]) -> None:
        self._orders.labels = labels

    def keep(self, on: bool) -> None:
        self._orders.keeps = on

    def put(self, person: int, kind: str, frames: list[Frame]) -> None:
        """What was made elsewhere, between the frames of a stream."""
        self._orders.waiting[person, Kind(kind)] += frames

    def repeat(self, person: int, kind: str) -> int:
        """What came last of a stream once more. Gives how many frames that is."""
        frames = list(self._orders.kept[person, Kind(kind)])
        self._orders.waiting[person, Kind(kind)] += frames
        return len(frames)

    def drain(self) -> bool:
        """Once all is put that waits. Gives False when that does not come about."""
        with self._orders.done:
            return self._orders.done.wait_for(lambda: not any(self._orders.waiting.values()), DRAIN_S)

    def flush(self) -> None:
        self._tap.flush()


class Board(Switchboard):
    """The switchboard that says what it is ordered to, and closes nobody while it is to keep them."""

    def __init__(self, orders: Orders, *rest: Any) -> None:
        super().__init__(*rest)
        self._orders = orders
        self._offered: set[bytes] = set()
        self._labels: dict[int, int] = {}

    def message(self, message: ToUnit, now: float) -> None:
        if isinstance(message, Close):
            if self._orders.keeps:
                return
            self._offered.discard(message.session)
        super().message(message, now)

    def tick(self, now: float) -> float:
        if self._labels != self._orders.labels:
            self._labels = dict(self._orders.labels)
            for session in self._offered:
                super().message(Restart(session=session), now)
        return super().tick(now)

    def take(self, now: float) -> list[FromUnit]:
        return [self._labelled(one) if isinstance(one, Offer) else one for one in super().take(now)]

    def _labelled(self, offer: Offer) -> Offer:
        self._offered.add(offer.session)
        devices = self._orders.devices
        streams = [
            stream.model_copy(update={"device": devices[self._labels.get(who, who)]})
            for stream in offer.streams
            for who in [devices.index(stream.device)]
        ]
        return offer.model_copy(update={"streams": streams})


def main(line: str, tap: str, words: list[str]) -> int:
    orders = Orders()
    with Path(tap).open("wb") as file:
        # What the real one is made of, so that all else of it stays as it is.
        vars(unit).update(
            Switchboard=lambda *given: Board(orders, *given),
            Forwarder=lambda rng: Malicious(rng, orders, file),
        )
        Listening(line, orders, file)
        return unit.main(words)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2], sys.argv[3:]))
