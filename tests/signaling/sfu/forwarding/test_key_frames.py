"""How often a key frame may be asked for: at once by who lost something, seldom by who asks without end."""

from itertools import pairwise

from signaling.sfu.key_frames import BURST, REFILL, SOURCE_BURST, SOURCE_GAP, SOURCE_REFILL, Requester, Source

ANSWER = 0.1
"""Seconds from a request to the key frame."""


def granted(requester: Requester, times: list[float], lost: frozenset[int] = frozenset()) -> list[float]:
    """Which of the requests are passed on; a key frame follows, but not on those of these numbers."""
    out: list[float] = []
    came = float("-inf")
    for at in times:
        if out and len(out) - 1 not in lost and at >= out[-1] + ANSWER:
            came = out[-1] + ANSWER
        if requester.may_ask(at, came):
            out.append(at)
    return out


def test_who_asks_without_end_is_given_some_at_once_and_then_few() -> None:
    times = granted(Requester(), [i / 5 for i in range(1, 301)])
    assert times[: int(BURST)] == [i / 5 for i in range(1, int(BURST) + 1)]
    assert BURST + 60 * REFILL - 2 <= len(times) <= BURST + 60 * REFILL


def test_who_lost_something_now_and_then_never_waits() -> None:
    times = [4.0 * i for i in range(1, 50)]
    assert granted(Requester(), times) == times


def test_as_long_as_no_key_frame_comes_a_request_may_be_made_again() -> None:
    """It, or its answer, may have been lost: nobody is the worse for a request without an answer."""
    requester = Requester()
    times = [i * 0.3 for i in range(1, 40)]
    assert granted(requester, times, frozenset(range(40))) == times
    # The one that came is the only one that was paid for.
    assert len(granted(requester, [20.0 + i / 5 for i in range(20)])) >= BURST


def test_a_source_bears_a_burst_and_then_so_many_a_second() -> None:
    source = Source()
    times: list[float] = []
    for i in range(1, 6000):
        now = i / 100
        if source.is_free(now) and source.bears(now):
            source.asked(now)
            times.append(now)
            source.came(now + 0.05)
    assert all(b - a >= SOURCE_GAP - 0.001 for a, b in pairwise(times))
    assert len(times) <= SOURCE_BURST + 60 * SOURCE_REFILL + 1
    assert len(times) >= 60 * SOURCE_REFILL


def test_key_frames_that_nobody_asked_for_cost_nobody_anything() -> None:
    source = Source()
    for i in range(100):
        source.came(i / 10)
    assert source.bears(10.0)
    # Nor do requests that were not answered.
    for i in range(100):
        source.asked(10 + i)
    assert source.bears(110.0)
