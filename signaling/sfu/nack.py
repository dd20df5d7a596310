"""Which packets of one source are missing, and when each of them is asked for again (RFC 4585 §6.2.1).

Only of video: its retransmissions come under a sequence of their own (RFC 4588). Audio is not asked for, as
a browser would send it again under its old number with another header extension.
"""

from typing import Final

REORDERING: Final = 0.012
"""Seconds that a packet may come late without having been lost."""
MAX_TRIES: Final = 6
MAX_AGE: Final = 0.6
"""Seconds after which nobody waits for it any more: then a key frame is asked for, and is here in time for a
picture that stands still for less than a second.
"""
BACK_OFF: Final = 1.5
MIN_WAIT: Final = 0.03
MAX_MISSING: Final = 192
"""At once. More than that is no loss to repair, but one that needs a key frame."""


class Missing:
    __slots__ = ("lost", "waiting")

    def __init__(self) -> None:
        self.lost = -1
        """The highest sequence number that was given up."""
        self.waiting: dict[int, tuple[float, int, float]] = {}
        """By sequence number: since when, how often asked for, when to ask (again)."""

    def add(self, first: int, end: int, now: float) -> bool:
        """A gap from `first` up to, but without, `end`. False: too much, and all of it is forgotten."""
        if len(self.waiting) + end - first > MAX_MISSING:
            self.waiting.clear()
            self.lost = end - 1
            return False
        for sequence in range(first, end):
            self.waiting[sequence] = (now, 0, now + REORDERING)
        return True

    def came(self, sequence: int, now: float, wait: float) -> float | None:
        """It is here. The round trip that it took, where it was asked for once; else None.

        `wait` is what `due` was given: the time that it was asked at follows from it.
        """
        found = self.waiting.pop(sequence, None)
        if found is None or found[1] != 1:
            return None
        return max(0.0, now - (found[2] - max(MIN_WAIT, wait)))

    def forget_before(self, sequence: int) -> None:
        """A key frame begins at `sequence`: nobody needs what was before it."""
        for old in [old for old in self.waiting if old < sequence]:
            del self.waiting[old]

    def due(self, now: float, wait: float) -> list[int]:
        """What to ask for now, ascending. `wait` is how long an answer takes, in seconds."""
        asked = []
        for sequence, (since, tries, at) in list(self.waiting.items()):
            if now - since > MAX_AGE or (tries == MAX_TRIES and now >= at):
                del self.waiting[sequence]
                self.lost = max(self.lost, sequence)
            elif now >= at:
                pause = max(MIN_WAIT, wait) * BACK_OFF**tries
                self.waiting[sequence] = (since, tries + 1, now + pause)
                asked.append(sequence)
        return sorted(asked)
