"""Short bursts of padding that find out whether a path carries more than what is sent on it now.

What a receiver is sent says nothing about rates beyond it. When a wish needs more, padding fills up to the
rate in question for a moment, and the arrival times of that moment's packets tell. A burst is so short that
a path which cannot carry it delays audio by a tenth of a second, once; each that fails makes the next one
wait longer.
"""

from typing import Final

from signaling.sfu.bandwidth import Result

LENGTH: Final = 0.05
"""Seconds of one burst."""
AHEAD: Final = 0.02
MAX_AHEAD: Final = 0.05
FIRST_WAIT: Final = 1.0
MAX_WAIT: Final = 40.0
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


class Probe:
    __slots__ = ("_first", "_last", "_seen", "_sent_at", "_started", "_target", "_wait", "next_at")

    def __init__(self) -> None:
        self._wait = FIRST_WAIT
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

    def outcome(self, now: float) -> float | None:
        """The rate that came through, 0 when it cannot be told, None while it is not known yet."""
        if self._last is None:
            return None
        ended = bool(self._seen) and self._seen[-1][0] >= self._last
        if not ended and now - self._started < TIMEOUT:
            return None
        rate = _rate(self._seen, self._last - self._first + 1)
        met = rate >= SATURATED * self._target
        self._wait = FIRST_WAIT if met else min(MAX_WAIT, 2 * self._wait)
        self.next_at = now + self._wait
        self._target = 0.0
        return rate


def _rate(seen: list[Result], count: int) -> float:
    came = [(sent, size, when) for _, sent, size, when in seen if when is not None]
    if len(came) < MIN_PACKETS or len(came) < MIN_SHARE * count:
        return 0.0
    total = sum(size for _, size, _ in came)
    first, last = came[0], came[-1]
    sent_for = last[0] - first[0]
    came_for = max(when for _, _, when in came) - first[2]
    if sent_for <= 0:
        return 0.0
    # What left last was not on its way yet when the span ended; what arrived first came before it began.
    sending = (total - sum(size for sent, size, _ in came if sent == last[0])) * 8 / sent_for
    arriving = (total - first[1]) * 8 / max(came_for, 0.001)
    if arriving < SATURATED * sending:
        return 0.95 * arriving
    return min(sending, arriving)
