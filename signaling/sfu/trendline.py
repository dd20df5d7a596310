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
AFRESH: Final = 256
"""Groups after which its sums are made afresh."""
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
        "_previous",
        "_slope",
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
        self._slope = Slope()
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
        packets = iter(packets)
        if self._group is None:
            begins = next(packets, None)
            if begins is None:
                return False
            self._group = (begins[0], *begins)
        first, last, arrival = self._group
        for sent, arrived in packets:
            since = sent - first
            if since <= BURST:
                if since >= 0:  # else it was sent before this group: reordered
                    if sent > last:
                        last = sent
                    if arrived > arrival:
                        arrival = arrived
                continue
            if sent - last > MAX_PAUSE:
                self._restart()
            else:
                behind = arrived - arrival
                if 0 <= behind <= BURST and behind < sent - last and since <= MAX_BUNCH:
                    last, arrival = sent, arrived
                    continue
                group = (first, last, arrival)
                if self._previous is not None:
                    self._measure(self._previous, group)
                    over = over or self.usage is Usage.OVER
                self._previous = group
            first, last, arrival = sent, sent, arrived
        self._group = (first, last, arrival)
        return over

    def _measure(self, before: tuple[float, float, float], group: tuple[float, float, float]) -> None:
        _, last, arrival = group
        sent = (last - before[1]) * 1000
        now = arrival * 1000
        self.queue.add(last, arrival)
        self._groups += 1
        if self._groups == 1:
            self._first_arrival = now
        self._accumulated = accumulated = self._accumulated + (arrival - before[2]) * 1000 - sent
        self._smoothed = smoothed = SMOOTHING * self._smoothed + (1 - SMOOTHING) * accumulated
        slope = self._slope.add(now - self._first_arrival, smoothed)
        self._detect(self._trend if slope is None else slope, sent, now)

    def _detect(self, slope: float, sent: float, now: float) -> None:
        """§5.4: the modified slope against the threshold."""
        groups, threshold = self._groups, self._threshold
        modified = (groups if groups < MAX_GROUPS else MAX_GROUPS) * slope * GAIN
        if groups < 2:
            self.usage = Usage.NORMAL
        elif modified > threshold:
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
            self.usage = Usage.UNDER if modified < -threshold else Usage.NORMAL
        self._trend = slope
        self._adapt(abs(modified), now)

    def _adapt(self, size: float, now: float) -> None:
        threshold, adapted = self._threshold, self._adapted
        self._adapted = now
        if adapted is None or now <= adapted or size > threshold + MAX_STEP:
            return
        elapsed = now - adapted
        if elapsed > MAX_ADAPTATION:
            elapsed = MAX_ADAPTATION
        moved = threshold + (GAIN_DOWN if size < threshold else GAIN_UP) * (size - threshold) * elapsed
        if moved < MIN_THRESHOLD:
            moved = MIN_THRESHOLD
        self._threshold = moved if moved < MAX_THRESHOLD else MAX_THRESHOLD


class Slope:
    """Least squares through the last `WINDOW` points, by sums that go on from one point to the next.

    They count from the oldest point on, so that they stay small, and are made afresh now and then: else what
    is rounded would add up.
    """

    __slots__ = ("_adds", "_points", "_sum_x", "_sum_xx", "_sum_xy", "_sum_y")

    def __init__(self) -> None:
        self._points: deque[tuple[float, float]] = deque()
        self._adds = 0
        self._sum_x = self._sum_y = self._sum_xx = self._sum_xy = 0.0

    def add(self, x: float, y: float) -> float | None:
        """The slope with this point; None while there are too few."""
        points = self._points
        points.append((x, y))
        count = len(points)
        if count < WINDOW:
            return None
        self._adds += 1
        if count == WINDOW or self._adds % AFRESH == 0:
            if count > WINDOW:
                points.popleft()
            self._sum()
        else:
            # The oldest point, where the sums begin, goes: from the next one on they are less by its place.
            x0, y0 = points.popleft()
            x1, y1 = points[0]
            dx, dy = x1 - x0, y1 - y0
            rest = WINDOW - 1
            sum_x, sum_y = self._sum_x, self._sum_y
            x -= x1
            y -= y1
            self._sum_xx += dx * (rest * dx - 2 * sum_x) + x * x
            self._sum_xy += dy * (rest * dx - sum_x) - dx * sum_y + x * y
            self._sum_x = sum_x - rest * dx + x
            self._sum_y = sum_y - rest * dy + y
        below = WINDOW * self._sum_xx - self._sum_x * self._sum_x
        return (WINDOW * self._sum_xy - self._sum_x * self._sum_y) / below if below > 0 else 0.0

    def _sum(self) -> None:
        x0, y0 = self._points[0]
        sum_x = sum_y = sum_xx = sum_xy = 0.0
        for x, y in self._points:
            x -= x0
            y -= y0
            sum_x += x
            sum_y += y
            sum_xx += x * x
            sum_xy += x * y
        self._sum_x, self._sum_y, self._sum_xx, self._sum_xy = sum_x, sum_y, sum_xx, sum_xy
