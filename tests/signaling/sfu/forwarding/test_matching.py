"""What feedback says is found again among what left, and summed up as if each packet were looked at alone."""

from random import Random

import pytest

from signaling.sfu.participant import SENT_SLOTS, Participant
from signaling.sfu.transport_feedback import REFERENCE, TICK, Statuses
from signaling.sfu.trendline import AFRESH, WINDOW, Slope

TURN = (1 << 24) * REFERENCE  # ticks after which the reference time begins anew


def sent_until(last: int) -> Participant:
    """Somebody to whom packets left, the last of them under this number."""
    person = Participant(b"s" * 16, b"d" * 16, 1, b"c", 0.0)
    for number in range(last - SENT_SLOTS + 1, last + 1):
        person.ring[number % SENT_SLOTS] = (number / 100, number % 1000)
    person.wide = last
    return person


@pytest.mark.parametrize("lost", [(), (0,), (5, 6, 59)])
@pytest.mark.parametrize("last", [3000, 2 * SENT_SLOTS + 10, (3 << 16) + 20], ids=["", "slots", "numbers"])
def test_each_packet_once_whatever_turns_over(last: int, lost: tuple[int, ...]) -> None:
    person = sent_until(last)
    person.last_tick = 2 * TURN - 10
    first = last - 59
    expected = [
        (n, n / 100, n % 1000, None if i in lost else (2 * TURN + 2 * i - 4) * TICK)
        for i, n in enumerate(range(first, last + 1))
    ]
    # As `read` gives it: counted on beyond a turn, from the first on.
    turned: Statuses = [None if i in lost else TURN + 2 * i - 4 for i in range(60)]
    assert person.matched(first & 0xFFFF, turned) == expected
    # Again: of what arrived nothing is said twice, and what may still come is not lost twice.
    assert person.matched(first & 0xFFFF, turned) == []
    assert person.last_tick == 2 * TURN + 2 * max(i for i in range(60) if i not in lost) - 4


def test_what_came_late_after_all_and_what_never_left() -> None:
    person = sent_until(3000)
    assert [one[3] for one in person.matched(2990, [7, None, 8])] == [7 * TICK, None, 8 * TICK]
    assert person.matched(2991, [9]) == [(2991, 29.91, 991, 9 * TICK)]
    assert person.matched(2999, [9, 10, 11, 12]) == [
        (2999, 29.99, 999, 9 * TICK),
        (3000, 30.0, 0, 10 * TICK),
    ]
    assert person.matched(3000 - SENT_SLOTS - 1 & 0xFFFF, [1, 2]) == []


def test_sums_that_go_on_are_those_of_the_last_points() -> None:
    dice, slope = Random(5), Slope()
    points: list[tuple[float, float]] = []
    x = y = 0.0
    for number in range(3 * AFRESH):
        x += dice.uniform(0.1, 40)
        y += dice.gauss(0, 3) + (1e6 if number % 97 == 0 else 0)
        points.append((x, y))
        found = slope.add(x, y)
        if number < WINDOW - 1:
            assert found is None
            continue
        last = points[-WINDOW:]
        mean_x, mean_y = (sum(one[i] for one in last) / WINDOW for i in (0, 1))
        above = sum((a - mean_x) * (b - mean_y) for a, b in last)
        assert found == pytest.approx(above / sum((a - mean_x) ** 2 for a, _ in last), rel=1e-6, abs=1e-6)
