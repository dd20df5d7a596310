"""How often a key frame may be asked for: soon by who asks once, seldom by who asks without end."""

from itertools import pairwise

from signaling.sfu import key_frames
from signaling.sfu.key_frames import Requester, Source


def granted(requester: Requester, period: float, seconds: float) -> list[float]:
    return [i * period for i in range(1, int(seconds / period)) if requester.may_ask(i * period)]


def test_who_asks_without_end_waits_longer_every_time() -> None:
    times = granted(Requester(), 0.1, 60)
    gaps = [round(b - a, 3) for a, b in pairwise(times)]
    assert gaps[:4] == [0.4, 0.8, 1.6, 3.2]
    assert all(gap >= key_frames.MAX_WAIT for gap in gaps[4:])
    assert len(times) <= 60 / key_frames.MAX_WAIT + 5


def test_who_asks_now_and_then_is_heard_at_once() -> None:
    requester = Requester()
    granted(requester, 0.1, 60)
    assert requester.may_ask(60 + key_frames.CALM + 0.1)
    assert requester.may_ask(60 + key_frames.CALM + 0.1 + key_frames.FIRST_WAIT)


def test_a_source_bears_a_burst_and_then_so_many_a_second() -> None:
    source = Source()
    times = []
    for i in range(1, 6000):
        if source.is_ready(i / 100):
            source.asked(i / 100)
            times.append(i / 100)
    assert all(b - a >= key_frames.SOURCE_GAP - 0.001 for a, b in pairwise(times))
    assert len(times) <= key_frames.SOURCE_BURST + 60 * key_frames.SOURCE_REFILL + 1
    assert len(times) >= 60 * key_frames.SOURCE_REFILL
