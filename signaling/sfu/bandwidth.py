"""How much one receiver's path carries (draft-ietf-rmcat-gcc-02), from its transport-wide feedback.

Two controllers, and the lower of them is the estimate: one by delay (§5, additive or multiplicative increase,
multiplicative decrease), one by loss (§6). Rates are bits in a second, times seconds.
"""

from collections import deque
from collections.abc import Iterable
from typing import Final

from signaling.sfu.trendline import Trendline, Usage

START: Final = 300_000.0
MIN: Final = 40_000.0
MAX: Final = 20_000_000.0

BETA: Final = 0.85
"""§5.5: what is left of the measured rate after overuse."""
FALL: Final = 0.5
"""What is left at least, once. A full path is met again as soon as it could answer, a stall is not;"""
PLAIN_QUEUE: Final = 0.1
"""and where even the earliest packets wait so many seconds, there is nothing to wait for."""
GROWTH: Final = 1.08
"""§5.5: each second, far from where overuse was met before."""
RESPONSE: Final = 0.1
"""§5.5: added to the round trip, how long the path takes to answer a change."""
PACKET_BITS: Final = 1200 * 8
APP_LIMIT: Final = 1.5
"""§5.5: nothing is known about rates beyond this times what arrived."""
APP_SLACK: Final = 10_000.0
RATE_WINDOW: Final = 0.5
"""§5.5: what arrived is measured over this long."""
MIN_RATE_SPAN: Final = 0.15
BURST_SPAN: Final = 0.15
MOMENT: Final = 0.004
MAX_ARRIVED: Final = 4096

LOSS_LOW: Final = 0.02
LOSS_HIGH: Final = 0.10
LOSS_PERIOD: Final = 1.0
LOSS_PACKETS: Final = 40
LOSS_GROWTH: Final = 1.05
MIN_BY_LOSS: Final = 200_000.0
"""A path that loses packets at so low a rate does so for another reason; where it is full, delay tells."""

OVERFLOW: Final = 0.15
"""Share of the last packets that a full queue has no room for, where far too much is sent."""

SILENCE: Final = 1.5
"""Without feedback for so long although packets leave, less is sent."""
MAX_NAP: Final = 0.5
"""Of the time between two checks so much counts: while we stand still ourselves, nobody is heard."""

Result = tuple[int, float | None, int, float | None]
"""(transport-wide number, when sent, bytes, when arrived by the receiver's clock). No time of sending: it is
not known. None of arrival: it is lost."""


class Arrived:
    """The rate at which the receiver got packets lately."""

    __slots__ = ("_packets", "_total")

    def __init__(self) -> None:
        self._packets: deque[tuple[float, int]] = deque()
        self._total = 0

    def add_all(self, arrivals: Iterable[tuple[int, float]]) -> None:
        """(bytes, when) of each. Those of one moment count as one: nothing else is done for each packet."""
        packets, total = self._packets, self._total
        begun, together = float("-inf"), 0
        for size, when in arrivals:
            if 0 <= when - begun < MOMENT:
                together += size
                continue
            if together:
                packets.append((begun, together))
                total += together
            # Never before what is there already.
            newest = packets[-1][0] if packets else when
            begun, together = (when if when > newest else newest), size
        if together:
            packets.append((begun, together))
            total += together
            oldest = begun - RATE_WINDOW
            while packets[0][0] < oldest or len(packets) > MAX_ARRIVED:
                total -= packets.popleft()[1]
        self._total = total

    @property
    def rate(self) -> float | None:
        if len(self._packets) < 2:
            return None
        span = self._packets[-1][0] - self._packets[0][0]
        if span < MIN_RATE_SPAN:
            return None
        # The first packet's bytes came before the span began.
        return (self._total - self._packets[0][1]) * 8 / span

    @property
    def peak(self) -> float | None:
        """The rate, or the last moment's where it is higher: a burst that fills the path shows what that is.

        Where less is sent than the path carries, the rate over a longer time says nothing about it.
        """
        rate = self.rate
        if rate is None:
            return None
        end, total = self._packets[-1][0], 0
        for when, size in reversed(self._packets):
            if end - when >= BURST_SPAN:
                return max(rate, total * 8 / (end - when))
            total += size
        return rate


class Estimator:
    __slots__ = (
        "_arrived",
        "_by_delay",
        "_by_loss",
        "_calm_at",
        "_ceiling",
        "_checked",
        "_counted",
        "_cut",
        "_decreased",
        "_doubtful",
        "_loss_at",
        "_lost",
        "_seen",
        "_share",
        "_silent",
        "_spread",
        "_trendline",
        "_updated",
        "loss",
    )

    def __init__(self) -> None:
        self._trendline = Trendline()
        self._arrived = Arrived()
        self._by_delay = START
        self._by_loss = MAX
        # Where overuse was met: a mean of rates, and how far they were spread.
        self._ceiling: float | None = None
        self._spread = 0.4
        self._decreased = 0.0
        # Until then a queue is our own probe's.
        self._calm_at = 0.0
        self._updated: float | None = None
        self._loss_at = 0.0
        self._lost = 0
        self._counted = 0
        # Said to be missing by the last feedback: what was only overtaken is in the next one.
        self._doubtful: set[int] = set()
        self._share = 0.0
        self.loss = 0.0
        """Share of packets that did not arrive, lately."""
        self._checked = 0.0
        self._silent = 0.0
        self._cut = False
        self._seen = False

    @property
    def rate(self) -> float:
        return max(MIN, min(self._by_delay, self._by_loss, MAX))

    @property
    def usage(self) -> Usage:
        return self._trendline.usage

    @property
    def floor(self) -> float | None:
        """The delay of the empty path, by the receiver's clock and ours."""
        return self._trendline.queue.floor

    @property
    def standing(self) -> float:
        """Seconds that even the earliest packets stand in a queue on their way."""
        return self._trendline.queue.standing

    @property
    def overflows(self) -> bool:
        """Whether a queue has no room left: a path that only became longer loses nothing."""
        return self.standing > PLAIN_QUEUE and self._share > OVERFLOW

    @property
    def arriving(self) -> float | None:
        return self._arrived.rate

    @property
    def hears(self) -> bool:
        """Whether there was feedback at all: without any, nothing is known."""
        return self._seen

    def feedback(self, results: list[Result], round_trip: float, now: float) -> bool:
        """What a feedback says about packets, in the order of sending. True: the first after a silence."""
        if not results:
            return False
        returned, self._cut = self._cut, False
        over = self._trendline.add_all(
            [(sent, when) for _, sent, _, when in results if sent is not None and when is not None]
        )
        self._arrived.add_all([(size, when) for _, _, size, when in results if when is not None])
        self._count(results)
        self._silent = 0.0
        self._seen = True
        self._steer_by_delay(over, round_trip, now)
        self._steer_by_loss(now)
        return returned

    def _count(self, results: list[Result]) -> None:
        doubtful = self._doubtful
        missing = {one[0] for one in results if one[3] is None}
        if doubtful:
            again = sum(1 for one in results if one[0] in doubtful)
            self._counted -= again
            self._lost += len(doubtful) - again
        self._counted += len(results)
        self._doubtful = missing
        self._share += 0.5 * (len(missing) / len(results) - self._share)

    def _steer_by_delay(self, over: bool, round_trip: float, now: float) -> None:
        elapsed = 0.0 if self._updated is None else min(1.0, now - self._updated)
        self._updated = now
        measured = self._arrived.rate
        if over:
            # Another decrease only when the path had time to answer the last one.
            answered = now - self._decreased >= RESPONSE + round_trip
            if measured is not None and answered and now >= self._calm_at:
                carried = self._arrived.peak or measured
                self._meet_ceiling(carried)
                least = MIN if self._trendline.queue.standing > PLAIN_QUEUE else FALL * self._by_delay
                self._by_delay = max(MIN, least, min(self._by_delay, BETA * carried))
                self._decreased = now
            return
        if self.usage is not Usage.NORMAL:
            return  # the queue drains: hold
        if measured is None:
            return
        if self._ceiling is not None and measured > self._ceiling * (1 + 3 * self._spread):
            self._ceiling = None  # The path changed: more arrives than ever did.
        if self._ceiling is not None:
            grown = self._by_delay + elapsed * max(4_000.0, 0.5 * PACKET_BITS / (round_trip + RESPONSE))
        else:
            grown = self._by_delay * GROWTH**elapsed
        limit = APP_LIMIT * measured + APP_SLACK
        if grown <= limit or self._by_delay < limit:
            self._by_delay = min(grown, max(limit, self._by_delay), MAX)

    def _meet_ceiling(self, measured: float) -> None:
        if self._ceiling is None or measured < self._ceiling * (1 - 3 * self._spread):
            self._ceiling, self._spread = measured, 0.1
            return
        deviation = abs(measured - self._ceiling) / self._ceiling
        self._ceiling += 0.05 * (measured - self._ceiling)
        self._spread = max(0.05, min(0.3, 0.95 * self._spread + 0.05 * deviation))

    def _steer_by_loss(self, now: float) -> None:
        """§6: beyond 10 % less, below 2 % more."""
        if now - self._loss_at < LOSS_PERIOD or self._counted < LOSS_PACKETS:
            return
        self.loss = self._lost / self._counted
        # A quarter of it counts again the next time: of fifty packets, five are soon lost by chance.
        self._lost //= 4
        self._counted //= 4
        self._loss_at = now
        if self.loss > LOSS_HIGH:
            # Never below what arrives: that much the path carries, whatever it loses.
            floor = max(MIN_BY_LOSS, BETA * (self._arrived.rate or 0.0))
            self._by_loss = max(min(floor, self._by_loss), self.rate * (1 - 0.5 * self.loss))
        elif self.loss < LOSS_LOW:
            self._by_loss = min(MAX, self._by_loss * LOSS_GROWTH)

    def probing(self, until: float) -> None:
        """A burst leaves now: the queue that it makes tells of the burst, not of what is sent besides."""
        self._calm_at = until

    def probed(self, rate: float) -> None:
        """A burst of padding came through at this rate."""
        self._by_delay = min(MAX, max(self._by_delay, rate))
        self._by_loss = min(MAX, max(self._by_loss, rate))
        if self._ceiling is not None and rate > self._ceiling * (1 + 3 * self._spread):
            self._ceiling = None

    def check(self, now: float) -> None:
        """Called now and then while packets leave: a receiver that stopped answering is sent less."""
        if self._seen:
            self._silent += min(MAX_NAP, now - self._checked)
            if self._silent > SILENCE:
                self._silent = 0.0
                self._cut = True
                self._by_delay = max(MIN, 0.5 * self.rate)
        self._checked = now
