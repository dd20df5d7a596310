"""What packets wait on their path, told from what a busy machine makes them wait.

A full path makes every packet wait. Where a program on the way stands still for a moment, because a processor
has too much to do, the packets of that moment are late, and the next one is as early as ever. So a queue is
what the earliest packet of late was late by, against the earliest of some seconds (RFC 8289 §3).
"""

from collections import deque
from typing import Final

SPAN: Final = 0.2
"""Seconds of arrivals that the earliest packet is sought in, and one packet before them."""
FLOOR_SPAN: Final = 5.0
"""The delay of an empty path is the smallest of one or two of these."""
MAX_RECENT: Final = 256


class Queue:
    """Delays are differences of two clocks: only what differs between them says anything."""

    __slots__ = ("_before", "_floor", "_recent", "_renewed")

    def __init__(self) -> None:
        # (arrived, delay), both ascending: who is late and has an earlier one behind it doesn't count.
        self._recent: deque[tuple[float, float]] = deque()
        self._before: float | None = None
        self._floor: float | None = None
        self._renewed = 0.0

    @property
    def floor(self) -> float | None:
        """The delay of the empty path; None before the first packet."""
        if self._before is None or self._floor is None:
            return self._floor
        return min(self._before, self._floor)

    @property
    def standing(self) -> float:
        """Seconds that even the earliest packet of late stood in a queue."""
        floor = self.floor
        return max(0.0, self._recent[0][1] - floor) if self._recent and floor is not None else 0.0

    def add(self, sent: float, arrived: float) -> None:
        delay = arrived - sent
        recent = self._recent
        if arrived < self._renewed:  # its clock was set back: what was before says nothing
            self._floor = None
            recent.clear()
        if self._floor is None or arrived - self._renewed >= FLOOR_SPAN:
            self._before, self._floor, self._renewed = self._floor, delay, arrived
        elif delay < self._floor:
            self._floor = delay
        while recent and recent[-1][1] >= delay:
            recent.pop()
        recent.append((arrived, delay))
        # The first one stays until the next has been there for the whole span.
        while len(recent) > 1 and (recent[1][0] <= arrived - SPAN or len(recent) > MAX_RECENT):
            recent.popleft()
