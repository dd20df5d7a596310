"""Busy machines: senders, unit and receivers that stand still now and then are no thin path."""

from random import Random

import pytest

from signaling.sfu.bandwidth import Result
from signaling.sfu.control import Kind, Layer
from signaling.sfu.probe import FIRST_WAIT, LENGTH, Probe
from signaling.sfu.queue import FLOOR_SPAN, MAX_RECENT, SPAN, Queue
from tests.signaling.sfu.forwarding.link import Link
from tests.signaling.sfu.forwarding.world import World


def test_a_stall_is_no_queue_and_a_queue_is_one() -> None:
    queue = Queue()
    for i in range(50):
        queue.add(i * 0.02, i * 0.02 + 0.03)
    # Half a second in which nothing is read: all of it comes at once, the last as early as ever.
    for i in range(50, 75):
        queue.add(i * 0.02, 1.51)
    assert queue.standing == pytest.approx(0)
    for i in range(75, 100):
        queue.add(i * 0.02, i * 0.02 + 0.03 + 0.01 * (i - 75))
        assert queue.standing <= 0.01 * (i - 75) + 1e-9
    assert queue.standing > 0.24 - 0.01 * SPAN / 0.02
    assert queue.floor == pytest.approx(0.03)


def test_a_path_that_became_longer_is_no_queue_for_ever() -> None:
    queue, sent = Queue(), 0.0
    queue.add(sent, sent + 0.03)
    while sent < 2.1 * FLOOR_SPAN:
        sent += 0.02
        queue.add(sent, sent + 0.2)
    assert queue.standing == pytest.approx(0)


def test_arrivals_that_lie_stay_within_bounds() -> None:
    queue, dice = Queue(), Random(3)
    for _ in range(5000):
        queue.add(dice.uniform(-1e6, 1e6), dice.uniform(-1e6, 1e6))
        assert queue.standing >= 0
    for i in range(5000):
        queue.add(0.0, i * 1e-6)
    assert len(queue._recent) <= MAX_RECENT + 1


def burst(held: float, floor: float | None) -> tuple[float, float]:
    """A burst in whose middle the receiver stands still: (its rate, when the next one may come)."""
    probe = Probe()
    probe.begin(400_000, 1e6 / 1.15, 0, 5.0)
    results: list[Result] = [
        (i, 5.0 + i * 0.0022, 275, max(5.0 + i * 0.0022 + 0.03, 5.04 + held if 5 < i < 20 else 0.0))
        for i in range(1, 26)
    ]
    probe.end_sending(25, 5.0 + 1.1 * LENGTH)
    probe.results(results)
    rate = probe.outcome(5.5, floor)
    assert rate is not None
    return rate, probe.next_at - 5.5


def test_a_burst_whose_last_packet_was_not_late_was_carried() -> None:
    assert burst(0.03, 0.03) == pytest.approx((1e6, FIRST_WAIT), rel=0.1)


def test_a_burst_that_was_held_up_is_soon_tried_again() -> None:
    probe = Probe()
    probe.begin(400_000, 1e6 / 1.15, 0, 5.0)
    # Half of it came as it left, then nothing for as long as a stall takes, then the rest at once.
    results: list[Result] = [
        (i, 5.0 + i * 0.0022, 275, 5.0 + i * 0.0022 + 0.03 if i < 10 else 5.3) for i in range(1, 26)
    ]
    probe.end_sending(25, 5.0 + 1.1 * LENGTH)
    probe.results(results)
    rate = probe.outcome(5.5, 0.03)
    assert rate is not None
    assert rate < 0.5e6
    assert probe.next_at == 5.5 + FIRST_WAIT


def test_a_burst_of_which_we_do_not_know_when_it_left_tells_nothing() -> None:
    probe = Probe()
    probe.begin(400_000, 1e6, 0, 5.0)
    probe.end_sending(9, 5.0 + 1.1 * LENGTH)
    probe.results([(i, None if i == 4 else 5.0 + i / 200, 275, 5.1 + i / 200) for i in range(1, 10)])
    assert probe.outcome(5.5, 0.03) == 0.0
    assert probe.next_at == 5.5 + FIRST_WAIT


@pytest.mark.parametrize("share", [0.3, 0.7])
@pytest.mark.parametrize("seed", [1, 2])
def test_a_call_on_a_busy_machine_keeps_its_pictures(seed: int, share: float) -> None:
    world = World(f"busy {seed}")
    people = [world.join(name) for name in "ab"]
    for one in people:
        world.publish(one, Kind.AUDIO, Kind.CAMERA)
    world.connect()
    for one in people:
        world.talk(one)
        world.film(one, "lm", {"l": 120_000, "m": 300_000})
        one.want(people[1 - people.index(one)], Layer.HIGH)
    world.run(6)
    world.stall(20, share)
    for _ in range(100):
        world.run(0.2)
        for person in world.forwarder._people.values():
            assert person.estimator.rate > 360_000
            assert [line.aim for line in person.lines.values() if line.section.video] == [Layer.MIDDLE]


def test_a_thin_path_on_a_busy_machine_is_still_a_thin_path() -> None:
    world = World("busy and thin")
    down = Link(world.dice, 2e6)
    sender, receiver = world.join("a"), world.join("b", down=down)
    world.publish(sender, Kind.AUDIO, Kind.CAMERA)
    world.connect()
    receiver.want(sender, Layer.HIGH)
    world.talk(sender)
    world.film(sender)
    world.run(6)
    world.stall(30, 0.2)
    down.capacity = 0.3e6
    world.run(4)
    waits, seen = [], []
    for _ in range(100):
        world.run(0.2)
        waits.append(down.waited)
        seen.append(world.layer(receiver, sender))
    # Once a stall makes a burst of padding look as if it had been carried: that is soon taken back.
    assert seen.count(Layer.MIDDLE) <= 6
    assert Layer.HIGH not in seen
    assert sorted(waits)[90] < 0.3
