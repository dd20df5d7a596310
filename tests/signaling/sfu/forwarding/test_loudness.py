"""Who speaks: smoothed, and not changed by a cough."""

from signaling.sfu import loudness
from signaling.sfu.loudness import Loudness, Speakers

A, B, C = b"a", b"b", b"c"


def heard(level: int, seconds: float, one: Loudness | None = None) -> Loudness:
    one = one or Loudness()
    for i in range(int(seconds * 50)):
        one.heard(level, i / 50)
    return one


def test_a_word_counts_at_once_and_a_short_pause_does_not() -> None:
    spoken = heard(30, 0.3)
    assert spoken.value > loudness.SPEECH
    assert heard(127, 0.2, spoken).value > 60
    assert heard(127, 3, spoken).value < 10


def test_who_sends_nothing_grows_silent() -> None:
    one = heard(30, 1)
    for i in range(20):
        one.pause(1.0 + i * 0.2)
    assert one.value < 1


def speakers() -> Speakers:
    out = Speakers()
    for who in (A, B, C):
        out.join(who)
    return out


def run(order: Speakers, loud: dict[bytes, float], seconds: float, start: float) -> bool:
    return sum(order.judge(loud, start + i / 10) for i in range(int(seconds * 10))) > 0


def test_the_louder_one_comes_to_the_front_after_a_while() -> None:
    order = speakers()
    assert not run(order, {C: 100.0}, loudness.HOLD, 0.0)
    assert run(order, {C: 100.0}, 0.3, loudness.HOLD)
    assert order.order == [C, A, B]
    assert run(order, {B: 100.0, C: 80.0}, 1, 2.0)
    assert order.order == [B, C, A]


def test_two_who_are_equally_loud_do_not_flicker() -> None:
    order = speakers()
    run(order, {A: 90.0}, 1, 0.0)
    for i in range(50):
        assert not order.judge({A: 90.0, B: 90.0 + (i % 2) * 5}, 2 + i / 10)
    assert order.order[0] == A


def test_a_cough_is_no_speech() -> None:
    order = speakers()
    for i in range(50):
        assert not order.judge({A: 0.0, B: 110.0 if i % 10 < 3 else 0.0}, i / 10)


def test_silence_changes_nothing() -> None:
    order = speakers()
    assert not run(order, {C: loudness.SPEECH - 1}, 5, 0.0)
    assert order.order == [A, B, C]


def test_who_leaves_is_not_in_the_order() -> None:
    order = speakers()
    order.judge({B: 100.0}, 0.0)
    order.leave(B)
    assert order.order == [A, C]
    assert not run(order, {}, 1, 1.0)
