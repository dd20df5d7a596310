"""Short bursts of padding that find out whether a path carries more than what is sent on it now.

What a receiver is sent says nothing about rates beyond it. When a wish needs more, padding fills up to the
rate in question for a moment, and the arrival times of that moment's packets tell. A burst is so short that
a path which cannot carry it delays audio by a tenth of a second, once; each that fails makes the next one
wait longer. One that a busy machine held up has not failed: it says nothing, or that what was sent before a
packet that was not late at all had been carried by then.
"""

from itertools import pairwise
from typing import Final

from signaling.sfu.bandwidth import Result

LENGTH: Final = 0.05
"""Seconds of one burst."""
AHEAD: Final = 0.02
MAX_AHEAD: Final = 0.05
FIRST_WAIT: Final = 1.0
MAX_WAIT: Final = 40.0
MAX_BARE_WAIT: Final = 8.0
"""Where somebody is not seen at all: then a burst is small, and what it may find is missed most."""
ABOVE: Final = 1.15
"""A burst tries this times what is needed: what is measured may fall a little short of it."""
MAX_FACTOR: Final = 3.0
"""A burst tries up to this times the estimate."""
CALM: Final = 0.5
"""Seconds, and a round trip, in which the queue that a burst made is not taken for a full path."""
TIMEOUT: Final = 1.0
MIN_PACKETS: Final = 4
MIN_SHARE: Final = 0.8
"""Of its packets that must have arrived."""
SATURATED: Final = 0.9
"""Where less than this share of the rate arrives, the path is at its end."""
MAX_PACKETS: Final = 400
NO_QUEUE: Final = 0.004
"""A packet that is late by less found the path empty."""
HELD_SHARE: Final = 0.5
"""Where nothing arrived for this share of the time, somebody stood still: a full path lets go evenly."""
HELD: Final = 0.03


class Probe:
    __slots__ = (
        "_first",
        "_last",
        "_seen",
        "_sent_at",
        "_started",
        "_target",
        "_wait",
        "_waits_from",
        "next_at",
    )

    def __init__(self) -> None:
        self._wait = FIRST_WAIT
        self._waits_from = 0.0
        self.next_at = 0.0
        self._target = 0.0
        self._started = self._sent_at = 0.0
        self._first = 0
        self._last: int | None = None
        self._seen: list[Result] = []

    @property
    def running(self) -> bool:
        """A burst is being sent, or its end is not yet known."""
        return self._target > 0

    @property
    def sending(self) -> bool:
        return self._target > 0 and self._last is None

    def due(self, bare: bool, now: float) -> bool:
        """Whether the next burst may begin. `bare`: somebody is not seen at all."""
        return now >= (min(self.next_at, self._waits_from + MAX_BARE_WAIT) if bare else self.next_at)

    def afresh(self, now: float) -> None:
        """The path was gone and is there again: what earlier bursts told is of no use."""
        self._wait = FIRST_WAIT
        self._waits_from = self.next_at = now

    def begin(self, estimate: float, needed: float, wide: int, now: float) -> None:
        """`wide` is the last transport-wide number before the burst."""
        self._target = min(ABOVE * needed, MAX_FACTOR * estimate)
        self._started = self._sent_at = now
        self._first = wide + 1
        self._last = None
        self._seen = []

    def lacking(self, sent: int, now: float) -> int:
        """Bytes of padding to send now. `sent` bytes left since the burst began."""
        # As much as is due until the next time, by how long the last pause was.
        ahead = min(MAX_AHEAD, max(AHEAD, now - self._sent_at))
        self._sent_at = now
        return max(0, int(self._target * (now - self._started + ahead) / 8) - sent)

    @property
    def first(self) -> int:
        return self._first

    @property
    def answered(self) -> int:
        """Bytes of the burst that feedback has told of already."""
        return sum(size for _, _, size, when in self._seen if when is not None)

    def end_sending(self, wide: int, now: float) -> None:
        """After LENGTH: `wide` is the last number of the burst."""
        if now - self._started >= LENGTH:
            self._last = wide

    def results(self, results: list[Result]) -> None:
        last = self._last
        self._seen += [one for one in results if one[0] >= self._first and (last is None or one[0] <= last)]
        del self._seen[MAX_PACKETS:]

    def outcome(self, now: float, floor: float | None = None) -> float | None:
        """The rate that came through, 0 when it cannot be told, None while it is not known yet.

        `floor` is the delay of the empty path.
        """
        if self._last is None:
            return None
        ended = bool(self._seen) and self._seen[-1][0] >= self._last
        if not ended and now - self._started < TIMEOUT:
            return None
        rate, held = _rate(self._seen, self._last - self._first + 1, floor)
        if rate >= SATURATED * self._target:
            self._wait = FIRST_WAIT
        elif not held:
            self._wait = min(MAX_WAIT, 2 * self._wait)
        self._waits_from = now
        self.next_at = now + self._wait
        self._target = 0.0
        return rate


def _rate(seen: list[Result], count: int, floor: float | None) -> tuple[float, bool]:
    """What came through, and whether the burst was held up by what is no path."""
    if any(sent is None for _, sent, _, _ in seen):
        return 0.0, True  # it was ourselves who stood still
    came = [(sent, size, when) for _, sent, size, when in seen if sent is not None and when is not None]
    if len(came) < MIN_PACKETS or len(came) < MIN_SHARE * count:
        return 0.0, False
    total = sum(size for _, size, _ in came)
    first, last = came[0], came[-1]
    sent_for = last[0] - first[0]
    arrivals = sorted(when for _, _, when in came)
    came_for = arrivals[-1] - first[2]
    if sent_for <= 0:
        return 0.0, False
    # What left last was not on its way yet when the span ended; what arrived first came before it began.
    sending = (total - sum(size for sent, size, _ in came if sent == last[0])) * 8 / sent_for
    arriving = (total - first[1]) * 8 / max(came_for, 0.001)
    if arriving >= SATURATED * sending:
        return min(sending, arriving), False
    if floor is not None and last[2] - last[0] - floor < NO_QUEUE:
        return sending, True
    pause = max(b - a for a, b in pairwise(arrivals))
    return 0.95 * arriving, pause > max(HELD, HELD_SHARE * came_for)
