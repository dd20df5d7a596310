"""Whether packets take longer and longer (draft-ietf-rmcat-gcc-02 §5): a line through their delays.

Packets sent within 5 ms are one group, because a sender's bursts queue behind themselves. The delay gradient
of the groups is smoothed, a line is laid through the last of them, and its slope is held against a threshold
that adapts, so that a flow beside TCP is not starved (§5.4). A busy machine bends that line too: it counts
while there is a queue (`queue`).
"""

from collections import deque
from collections.abc import Iterable
from enum import Enum
from typing import Final

from signaling.sfu.queue import Queue

BURST: Final = 0.005
WINDOW: Final = 20
"""Groups that the line goes through."""
SMOOTHING: Final = 0.9
GAIN: Final = 4.0
MAX_GROUPS: Final = 60
"""The slope counts the more, the more groups stand behind it, up to here."""
OVERUSE_TIME: Final = 0.010
"""§5.4: overuse must last this long, in seconds of sending."""
FIRST_THRESHOLD: Final = 12.5
MIN_THRESHOLD: Final = 6.0
MAX_THRESHOLD: Final = 600.0
GAIN_UP: Final = 0.0087
GAIN_DOWN: Final = 0.039
MAX_STEP: Final = 15.0
"""What is this far above the threshold does not move it: a sudden jump of the path."""
MAX_ADAPTATION: Final = 100.0
"""ms that one adaptation counts at most."""
MAX_BUNCH: Final = 0.1
"""Seconds of sending that may arrive together and be one group: the path held them back and let them go."""
MIN_QUEUE: Final = 0.03
"""Seconds that even the earliest packets stand in a queue, where there is overuse."""
MAX_PAUSE: Final = 3.0
"""Seconds between two groups after which the delays before are of another time."""


class Usage(Enum):
    NORMAL = "normal"
    OVER = "over"
    UNDER = "under"


class Trendline:
    """Packets go in in the order of sending; `usage` is what came of it."""

    __slots__ = (
        "_accumulated",
        "_adapted",
        "_first_arrival",
        "_group",
        "_groups",
        "_over",
        "_overs",
        "_points",
        "_previous",
        "_smoothed",
        "_threshold",
        "_trend",
        "queue",
        "usage",
    )

    def __init__(self) -> None:
        self.usage = Usage.NORMAL
        self._threshold = FIRST_THRESHOLD
        self._adapted: float | None = None
        self._trend = 0.0
        self._restart()

    def _restart(self) -> None:
        self.queue = Queue()
        # A group: first sent, last sent, last arrived.
        self._group: tuple[float, float, float] | None = None
        self._previous: tuple[float, float, float] | None = None
        self._points: deque[tuple[float, float]] = deque(maxlen=WINDOW)
        self._first_arrival = 0.0
        self._accumulated = 0.0
        self._smoothed = 0.0
        self._groups = 0
        self._over = 0.0
        self._overs = 0

    def add(self, sent: float, arrived: float) -> None:
        self.add_all([(sent, arrived)])

    def add_all(self, packets: Iterable[tuple[float, float]]) -> bool:
        """(sent, arrived) of several. True when there was overuse among them."""
        over = False
        group = self._group
        for sent, arrived in packets:
            if group is None:
                group = (sent, sent, arrived)
                continue
            first, last, arrival = group
            if sent < first:
                continue  # sent before this group: reordered
            if sent - first <= BURST:
                group = (first, sent if sent > last else last, arrived if arrived > arrival else arrival)
                continue
            if sent - last > MAX_PAUSE:
                self._restart()
                group = (sent, sent, arrived)
                continue
            behind = arrived - arrival
            if 0 <= behind <= BURST and behind < sent - last and sent - first <= MAX_BUNCH:
                group = (first, sent, arrived)
                continue
            if self._previous is not None:
                self._measure(self._previous, group)
                over = over or self.usage is Usage.OVER
            self._previous = group
            group = (sent, sent, arrived)
        self._group = group
        return over

    def _measure(self, before: tuple[float, float, float], group: tuple[float, float, float]) -> None:
        sent = (group[1] - before[1]) * 1000
        delay = (group[2] - before[2]) * 1000 - sent
        now = group[2] * 1000
        self.queue.add(group[1], group[2])
        if not self._points:
            self._first_arrival = now
        self._groups += 1
        self._accumulated += delay
        self._smoothed = SMOOTHING * self._smoothed + (1 - SMOOTHING) * self._accumulated
        self._points.append((now - self._first_arrival, self._smoothed))
        trend = self._trend
        if len(self._points) == WINDOW:
            trend = _slope(self._points)
        self._detect(trend, sent, now)

    def _detect(self, slope: float, sent: float, now: float) -> None:
        """§5.4: the modified slope against the threshold."""
        modified = min(self._groups, MAX_GROUPS) * slope * GAIN
        if self._groups < 2:
            self.usage = Usage.NORMAL
        elif modified > self._threshold:
            self._over += sent / 1000
            self._overs += 1
            if self.queue.standing < MIN_QUEUE:
                self.usage = Usage.NORMAL
            elif self._over > OVERUSE_TIME and self._overs > 1 and slope >= self._trend:
                self._over = 0.0
                self._overs = 0
                self.usage = Usage.OVER
        else:
            self._over = 0.0
            self._overs = 0
            self.usage = Usage.UNDER if modified < -self._threshold else Usage.NORMAL
        self._trend = slope
        self._adapt(abs(modified), now)

    def _adapt(self, size: float, now: float) -> None:
        if self._adapted is None:
            self._adapted = now
        if size <= self._threshold + MAX_STEP:
            gain = GAIN_DOWN if size < self._threshold else GAIN_UP
            elapsed = max(0.0, min(now - self._adapted, MAX_ADAPTATION))
            moved = self._threshold + gain * (size - self._threshold) * elapsed
            self._threshold = max(MIN_THRESHOLD, min(MAX_THRESHOLD, moved))
        self._adapted = now


def _slope(points: deque[tuple[float, float]]) -> float:
    """Least squares. From the first point on, so that the sums stay small."""
    x0, y0 = points[0]
    sum_x = sum_y = sum_xx = sum_xy = 0.0
    for x, y in points:
        x -= x0
        y -= y0
        sum_x += x
        sum_y += y
        sum_xx += x * x
        sum_xy += x * y
    count = len(points)
    below = count * sum_xx - sum_x * sum_x
    return (count * sum_xy - sum_x * sum_y) / below if below > 0 else 0.0
