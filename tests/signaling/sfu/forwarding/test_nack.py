"""When a missing packet is asked for, how often, and when it is given up."""

import pytest

from signaling.sfu import nack
from signaling.sfu.nack import Missing

WAIT = 0.1


def schedule(missing: Missing, until: float, wait: float = WAIT) -> list[tuple[float, list[int]]]:
    """Everything that is asked for in steps of a millisecond, with its time."""
    out = []
    for i in range(int(until * 1000)):
        asked = missing.due(i / 1000, wait)
        if asked:
            out.append((i / 1000, asked))
    return out


def test_a_packet_that_is_only_late_is_not_asked_for() -> None:
    missing = Missing()
    missing.add(5, 6, 0.0)
    assert missing.due(nack.REORDERING - 0.001, WAIT) == []
    assert missing.came(5, 0.011, WAIT) is None
    assert schedule(missing, 2) == []


def test_the_waits_grow_and_end() -> None:
    missing = Missing()
    missing.add(5, 8, 0.0)
    asked = schedule(missing, 3)
    assert [numbers for _, numbers in asked] == [[5, 6, 7]] * len(asked)
    times = [at for at, _ in asked]
    assert times == pytest.approx([0.012, 0.112, 0.262, 0.487], abs=0.003)
    assert times[-1] <= nack.MAX_AGE
    assert missing.waiting == {}
    assert missing.lost == 7


def test_no_more_than_so_many_tries_however_fast_the_path_is() -> None:
    missing = Missing()
    missing.add(5, 6, 0.0)
    asked = schedule(missing, 2, wait=0.0)
    assert len(asked) == nack.MAX_TRIES
    assert asked[1][0] - asked[0][0] >= nack.MIN_WAIT


def test_what_came_is_not_asked_for_again_and_tells_the_round_trip() -> None:
    missing = Missing()
    missing.add(5, 8, 0.0)
    assert missing.due(0.02, WAIT) == [5, 6, 7]
    assert missing.came(6, 0.1, WAIT) == pytest.approx(0.08)
    assert missing.came(6, 0.1, WAIT) is None
    assert missing.due(0.2, WAIT) == [5, 7]
    # Which of two requests was answered cannot be told.
    assert missing.came(7, 0.3, WAIT) is None


def test_a_key_frame_ends_the_wait_for_what_was_before() -> None:
    missing = Missing()
    missing.add(5, 9, 0.0)
    missing.forget_before(8)
    assert missing.due(0.02, WAIT) == [8]


def test_too_much_is_not_asked_for_at_all() -> None:
    missing = Missing()
    assert missing.add(0, nack.MAX_MISSING, 0.0)
    assert not missing.add(500, 501, 0.0)
    assert missing.waiting == {}
    assert missing.lost == 500
