"""The two controllers of the estimate, and what a burst of padding tells, from results of feedback."""

from random import Random

import pytest

from signaling.sfu import bandwidth
from signaling.sfu.bandwidth import Estimator, Result
from signaling.sfu.probe import LENGTH, MAX_WAIT, Probe
from signaling.sfu.trendline import Trendline, Usage

ROUND_TRIP = 0.05


class Flow:
    """Packets of 1000 bytes, sent evenly, with a feedback every tenth of a second."""

    def __init__(self) -> None:
        self.estimator = Estimator()
        self.dice = Random(1)
        self.now = 100.0
        self.number = 0
        self.delay = 0.02

    def run(self, rate: float, seconds: float, loss: float = 0.0, growth: float = 0.0) -> float:
        """`growth` is by how much each second adds to the delay. Gives the estimate."""
        for _ in range(int(seconds * 10)):
            results: list[Result] = []
            gap = 8000 / rate
            for i in range(int(0.1 / gap)):
                sent = self.now + i * gap
                self.delay += growth * gap
                arrived = None if self.dice.random() < loss else sent + self.delay
                self.number += 1
                results.append((self.number, sent, 1000, arrived))
            self.now += 0.1
            self.estimator.feedback(results, ROUND_TRIP, self.now)
        return self.estimator.rate


def test_an_even_flow_lets_the_estimate_grow_to_what_is_known() -> None:
    flow = Flow()
    before = flow.run(800_000, 1)
    assert flow.run(800_000, 5) > 1.3 * before
    limit = bandwidth.APP_LIMIT * 800_000 + bandwidth.APP_SLACK
    assert flow.run(800_000, 60) == pytest.approx(limit, rel=0.05)
    # What flows less afterwards takes nothing back.
    assert flow.run(100_000, 5) == pytest.approx(limit, rel=0.05)


def test_delays_that_grow_bring_it_below_what_arrives_within_a_second() -> None:
    flow = Flow()
    flow.run(800_000, 20)
    assert flow.run(800_000, 1, growth=0.2) < 0.9 * 800_000
    low = flow.estimator.rate
    # It grows again, but carefully: the ceiling is remembered.
    flow.run(low, 1, growth=-0.2)
    assert flow.run(low, 2) < 1.2 * low


def test_loss_of_five_in_a_hundred_is_borne() -> None:
    flow = Flow()
    before = flow.run(800_000, 30)
    assert before > 1_000_000
    assert flow.run(800_000, 20, loss=0.05) >= before
    assert flow.estimator.loss == pytest.approx(0.05, abs=0.03)


def test_loss_of_a_fifth_is_not_and_what_arrives_is_the_floor() -> None:
    flow = Flow()
    before = flow.run(800_000, 10)
    assert flow.run(800_000, 5, loss=0.2) < 0.9 * before
    floor = bandwidth.BETA * 800_000 * 0.8
    assert floor * 0.8 < flow.run(800_000, 30, loss=0.2) < floor * 1.1
    recovering = flow.estimator.rate
    assert flow.run(800_000, 10) > 1.3 * recovering


def test_loss_at_a_low_rate_takes_nothing_away() -> None:
    flow = Flow()
    assert flow.run(100_000, 60, loss=0.3) >= bandwidth.MIN_BY_LOSS


def test_a_few_packets_tell_nothing_about_loss() -> None:
    flow = Flow()
    flow.estimator.feedback([(i, 1.0, 1000, None) for i in range(10)], ROUND_TRIP, 101.0)
    assert (flow.estimator.loss, flow.estimator.rate) == (0.0, bandwidth.START)


def test_a_queue_of_our_own_burst_is_not_taken_for_a_full_path() -> None:
    calm, judged = Flow(), Flow()
    for flow in (calm, judged):
        flow.run(400_000, 10)
    calm.estimator.probing(calm.now + 2)
    before = calm.estimator.rate
    assert calm.run(400_000, 1, growth=0.2) == before
    assert judged.run(400_000, 1, growth=0.2) < 400_000


def test_a_path_that_adapts_to_jitter() -> None:
    """Delays that only jump about, by up to 10 ms, are no growth."""
    line, dice = Trendline(), Random(2)
    over = 0
    for i in range(3000):
        sent = i * 0.01
        line.add(sent, sent + 0.02 + dice.random() * 0.01)
        over += line.usage is Usage.OVER
    assert over < 3000 / 100


@pytest.mark.parametrize(
    ("capacity", "lowest", "highest"), [(5e6, 0.9, 1.1), (0.6e6, 0.5, 0.72)], ids=["carried", "not carried"]
)
def test_what_a_burst_tells(capacity: float, lowest: float, highest: float) -> None:
    """A burst at a million bits a second, through a queue of this capacity."""
    probe, target = Probe(), 1e6
    probe.begin(400_000, target / 1.15, 10, 5.0)
    sent = number = 0
    free = 0.0
    results: list[Result] = []
    for step in range(4):
        now = 5.0 + step * 0.0175
        while probe.lacking(sent, now) > 0:
            sent += 275
            number += 1
            free = max(free, now) + 275 * 8 / capacity
            results.append((10 + number, now, 275, free + 0.03))
        probe.end_sending(10 + number, now)
    assert not probe.sending
    assert probe.outcome(5.1) is None
    probe.results(results)
    rate = probe.outcome(5.2)
    assert rate is not None
    assert lowest * 1e6 < rate < highest * 1e6
    assert not probe.running


def test_bursts_that_fail_come_later_and_later_and_unanswered_ones_end() -> None:
    probe, now, waits = Probe(), 0.0, []
    for _ in range(8):
        now = max(now, probe.next_at)
        probe.begin(400_000, 1e6, 0, now)
        probe.end_sending(9, now + 1.1 * LENGTH)
        assert probe.outcome(now + 0.5) is None
        assert probe.outcome(now + 1.5) == 0.0
        waits.append(probe.next_at - now - 1.5)
    assert waits[:3] == pytest.approx([2, 4, 8])
    assert waits[-1] == pytest.approx(MAX_WAIT)


def test_feedback_that_lies_stays_within_bounds() -> None:
    flow, dice = Flow(), Random(4)
    for _ in range(300):
        flow.now += 0.05
        results: list[Result] = [
            (i, flow.now, 1200, dice.choice([None, dice.uniform(-1e6, 1e6), flow.now])) for i in range(50)
        ]
        flow.estimator.feedback(results, dice.uniform(0, 2), flow.now)
        assert bandwidth.MIN <= flow.estimator.rate <= bandwidth.MAX
    assert len(flow.estimator._arrived._packets) <= bandwidth.MAX_ARRIVED


def test_what_was_only_overtaken_is_not_lost() -> None:
    """A feedback says what is missing at its end; the next one, that it came."""
    estimator, dice = Estimator(), Random(2)
    late: list[Result] = []
    for i in range(60):
        now = 100 + i / 10
        batch: list[Result] = [(20 * i + k, now + k / 200, 1000, now + k / 200 + 0.05) for k in range(20)]
        gone = {17, 18} if i < 40 else {17} if dice.random() < 0.9 else {16, 17}
        said = late + [(n, at, size, None if n % 20 in gone else came) for n, at, size, came in batch]
        late = [one for one in batch if one[0] % 20 in gone] if i < 40 else []
        estimator.feedback(said, ROUND_TRIP, now + 0.1)
        if i == 39:
            assert estimator.loss == 0.0
            assert estimator.rate > 300_000
    # What is not in the next one either is lost.
    assert estimator.loss == pytest.approx(0.055, abs=0.02)
