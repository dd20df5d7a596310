"""What a browser does with one stream of video: it asks for what is missing, decodes in order, and waits.

By the ways of Chromium. A packet that is missing is asked for at once and again after each round trip, ten
times in all. A frame is decoded when it is whole and follows on the last one; a key frame whenever it is
whole. Before the first picture a key frame is asked for five times a second; later only when nothing could be
decoded for three seconds: till then it trusts that what it asked for will come.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final

MAX_TRIES: Final = 10
ASK_EVERY: Final = 0.02
FIRST_PATIENCE: Final = 0.2
PATIENCE: Final = 3.0
KEPT: Final = 2048


@dataclass(slots=True)
class Packet:
    starts: bool
    ends: bool
    key: bool


@dataclass(slots=True)
class Viewer:
    """Sequence numbers are counted on beyond their bits. `nack` and `key_frame` ask for what they say."""

    nack: Callable[[list[int]], None]
    key_frame: Callable[[], None]
    round_trip: float = 0.1
    packets: dict[int, Packet] = field(default_factory=dict)
    missing: dict[int, tuple[int, float]] = field(default_factory=dict)
    """By sequence number: how often it was asked for, and when last."""
    highest: int | None = None
    following: int | None = None
    """Where the next frame begins; None: only a key frame is of use."""
    decoded: list[float] = field(default_factory=list)
    keys: list[float] = field(default_factory=list)
    requests: list[float] = field(default_factory=list)
    nacks: int = 0
    blind: bool = False
    """Has a wrong key: it gets frames and makes nothing of them."""
    _waits_from: float = 0.0
    _key_at: float = float("-inf")

    def take(self, sequence: int, packet: Packet, now: float) -> None:
        if self.highest is None:
            self.highest, self._waits_from = sequence - 1, now
        gap = list(range(self.highest + 1, sequence))
        self.highest = max(self.highest, sequence)
        self.missing.pop(sequence, None)
        if self.following is not None and sequence < self.following:
            return
        self.packets[sequence] = packet
        while len(self.packets) > KEPT:
            del self.packets[min(self.packets)]
        if packet.key:
            self._key_at = now
        if gap:
            self.missing.update((one, (1, now)) for one in gap)
            self.nacks += 1
            self.nack(gap)
        self._decode(now)

    def _frame(self, first: int) -> int | None:
        """The end of the frame that begins there, when all of it is here."""
        sequence = first
        while (packet := self.packets.get(sequence)) is not None:
            if packet.ends:
                return sequence + 1
            sequence += 1
        return None

    def _decode(self, now: float) -> None:
        while True:
            first, end = self.following, None
            if first is not None and (packet := self.packets.get(first)) is not None and packet.starts:
                end = self._frame(first)
            if end is None:
                for start in sorted(one for one, it in self.packets.items() if it.starts and it.key):
                    if (end := self._frame(start)) is not None:
                        first = start
                        break
            if end is None or first is None:
                return
            if self.packets[first].key:
                self.keys.append(now)
            self.following = end
            for old in [one for one in self.packets if one < end]:
                del self.packets[old]
            for old in [one for one in self.missing if one < end]:
                del self.missing[old]
            if self.blind:
                self.following = None
                continue
            self._waits_from = now
            self.decoded.append(now)

    def tick(self, now: float) -> None:
        """Every ASK_EVERY."""
        again = []
        for sequence, (tries, at) in list(self.missing.items()):
            if now - at < self.round_trip:
                continue
            if tries >= MAX_TRIES:
                del self.missing[sequence]
                continue
            self.missing[sequence] = (tries + 1, now)
            again.append(sequence)
        if again:
            self.nacks += 1
            self.nack(sorted(again))
        patience = FIRST_PATIENCE if self.following is None else PATIENCE
        if self.highest is not None and now - self._waits_from >= patience:
            self._waits_from = now
            if now - self._key_at >= FIRST_PATIENCE:
                self.requests.append(now)
                self.key_frame()

    def freeze(self, since: float, until: float) -> float:
        """The longest time without a new picture, in seconds."""
        at = [since, *(one for one in self.decoded if since < one < until), until]
        return max(b - a for a, b in pairwise(at))
