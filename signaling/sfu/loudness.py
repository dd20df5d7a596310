"""How loud somebody is (RFC 6464), and in which order people spoke: the order in which they are shown."""

from typing import Final

SILENCE: Final = 127
"""A level of RFC 6464: so many decibels below the loudest."""
RISE: Final = 0.25
FALL: Final = 0.04
"""Shares of the way to the new level, by packets of 20 ms: a word counts at once, a pause does not."""
SPEECH: Final = 70.0
"""Above this (57 dB below the loudest) it is speech."""
MARGIN: Final = 6.0
"""Decibels by which another must be louder to take over."""
HOLD: Final = 0.4
"""Seconds for which it must be so."""
QUIET: Final = 0.3
"""Seconds without a packet after which somebody is silent: browsers send nothing in pauses."""


class Loudness:
    __slots__ = ("at", "value")

    def __init__(self) -> None:
        self.value = 0.0
        """0 is silence, 127 the loudest there is; smoothed."""
        self.at = 0.0

    def heard(self, level: int, now: float) -> None:
        """`level` as in the packet, without its highest bit."""
        loud = SILENCE - level
        value = self.value
        self.value = value + (loud - value) * (RISE if loud > value else FALL)
        self.at = now

    def pause(self, now: float) -> None:
        """Called now and then: who sends nothing grows silent."""
        if now - self.at > QUIET:
            self.value *= 0.7


class Speakers:
    """Who spoke last, the present speaker first. Who is clearly louder for a while comes to the front."""

    __slots__ = ("_ahead", "_since", "order")

    def __init__(self) -> None:
        self.order: list[bytes] = []
        self._ahead: bytes | None = None
        self._since = 0.0

    def join(self, who: bytes) -> None:
        self.order.append(who)

    def leave(self, who: bytes) -> None:
        self.order.remove(who)
        if self._ahead == who:
            self._ahead = None

    def judge(self, loudness: dict[bytes, float], now: float) -> bool:
        """`loudness` of everybody. True when the order changed."""
        if not self.order:
            return False
        first = self.order[0]
        loudest = max(self.order, key=lambda who: loudness.get(who, 0.0))
        value = loudness.get(loudest, 0.0)
        # Who speaks is asked to be louder by a margin; over a silent one, speaking is enough.
        bar = loudness.get(first, 0.0) + MARGIN
        if loudest == first or value < SPEECH or value < bar:
            self._ahead = None
            return False
        if loudest != self._ahead:
            self._ahead, self._since = loudest, now
        if now - self._since < HOLD:
            return False
        self._ahead = None
        self.order.remove(loudest)
        self.order.insert(0, loudest)
        return True
