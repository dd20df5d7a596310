"""Transport-wide feedback: there and back, what was lost is said once, and any bytes at all."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from signaling.sfu import transport_feedback as tf

STATUSES = st.lists(st.one_of(st.none(), st.integers(-200, 600)), min_size=1, max_size=300)


def ticks(deltas: list[int | None], start: int = 5000) -> tf.Statuses:
    """Arrival ticks from the steps between them."""
    out: tf.Statuses = []
    for delta in deltas:
        start += delta or 0
        out.append(None if delta is None else start)
    return out


@given(STATUSES, st.integers(0, 0xFFFF))
@settings(max_examples=300, derandomize=True, deadline=None)
def test_there_and_back(deltas: list[int | None], base: int) -> None:
    statuses = ticks(deltas, 100_000)
    body = tf.write(base, statuses, 7)
    assert len(body) % 4 == 0
    assert tf.read(body) == (base, statuses)


def test_the_bytes_of_a_small_one() -> None:
    """By hand from the draft's §3.1: a vector of one-bit symbols, two small deltas."""
    body = tf.write(0x0102, [256 * 3 + 4, None, 256 * 3 + 14], 9)
    assert body == bytes([1, 2, 0, 3, 0, 0, 3, 9, 0b1010_1000, 0, 4, 10])
    assert tf.read(body) == (0x0102, [772, None, 782])


def test_runs_and_two_bit_vectors() -> None:
    long_run = tf.write(0, ticks([1] * 100), 0)
    assert int.from_bytes(long_run[8:10], "big") == 1 << 13 | 100
    large = tf.write(0, ticks([1, 300, None]), 0)
    assert large[8] >> 6 == 3
    vector = bytes([0, 0, 0, 7, 0, 0, 0, 0, 0b1100_0110, 0b0001_0000])
    # 00 01 10 00 01 00 00: nothing, small, large, nothing, small, nothing, nothing
    assert tf.read(vector + bytes([5, 1, 0, 7, 0, 0])) == (0, [None, 5, 261, None, 268, None, None])


@pytest.mark.parametrize(
    "body",
    [
        b"",
        bytes(7),
        bytes([0, 0, 0, 0, 0, 0, 0, 0]),  # of no packets
        bytes([0, 0, 0x20, 0, 0, 0, 0, 0, 0x1F, 0xFF]),  # of too many
        bytes([0, 0, 0, 5, 0, 0, 0, 0]),  # without chunks
        bytes([0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0, 0]),  # a run of nothing
        bytes([0, 0, 0, 5, 0, 0, 0, 0, 0x20, 5, 1, 1]),  # a delta is missing
        bytes([0, 0, 0, 1, 0, 0, 0, 0, 0x40, 1, 1]),
        bytes([0, 0, 0, 1, 0, 0, 0, 0, 0x60, 1, 1, 1]),  # the reserved symbol
    ],
)
def test_malformed(body: bytes) -> None:
    assert tf.read(body) is None


@given(st.binary(max_size=80))
@settings(max_examples=500, derandomize=True, deadline=None)
def test_any_bytes_are_a_feedback_or_none(body: bytes) -> None:
    for data in (body, bytes([0, 1, 0, 20, 0, 0, 1, 0]) + body):
        found = tf.read(data)
        assert found is None or 0 < len(found[1]) <= tf.MAX_STATUSES


def said(arrivals: tf.Arrivals) -> tuple[int, list[bool]]:
    body = arrivals.feedback()
    assert body is not None
    found = tf.read(body)
    assert found is not None
    return found[0], [tick is not None for tick in found[1]]


def test_what_was_lost_is_said_and_the_next_feedback_goes_on_behind() -> None:
    arrivals = tf.Arrivals()
    assert arrivals.feedback() is None
    arrivals.noted += [(0xFFFE, 1.0), (0xFFFF, 1.01), (1, 1.02), (2, 1.07)]
    assert said(arrivals) == (0xFFFE, [True, True, False, True, True])
    arrivals.noted += [(4, 1.1), (5, 1.15)]
    assert said(arrivals) == (3, [False, True, True])
    assert arrivals.feedback() is None


def test_what_comes_late_is_said_with_what_is_known_after_it() -> None:
    arrivals = tf.Arrivals()
    arrivals.noted += [(10, 1.0), (12, 1.01), (13, 1.06)]
    assert said(arrivals) == (10, [True, False, True, True])
    arrivals.noted += [(11, 1.07), (14, 1.08)]
    assert said(arrivals) == (11, [True, True, True, True])


def test_what_may_only_have_been_overtaken_is_not_said_to_be_lost() -> None:
    arrivals = tf.Arrivals()
    arrivals.noted += [(10, 1.0), (12, 1.01), (13, 1.01 + 0.9 * tf.OVERTAKEN)]
    assert said(arrivals) == (10, [True])
    arrivals.noted += [(11, 1.06), (15, 1.08)]
    assert said(arrivals) == (11, [True, True, True])
    # The one that never comes is said to be lost once the next one has been there for long.
    arrivals.noted += [(16, 1.13)]
    assert said(arrivals) == (14, [False, True, True])


def test_a_leap_is_no_loss_of_thousands() -> None:
    arrivals = tf.Arrivals()
    arrivals.noted += [(10, 1.0)]
    said(arrivals)
    arrivals.noted += [(20_000, 1.1), (20_001, 1.2)]
    base, statuses = said(arrivals)
    assert (base + len(statuses) - 1, len(statuses)) == (20_001, tf.MAX_NOTED)
    arrivals.noted += [(10, 1.2)]  # what is so old is nothing any more
    assert arrivals.feedback() is None


@given(st.lists(st.tuples(st.integers(0, 0xFFFF), st.floats(0, 5)), max_size=200))
@settings(max_examples=200, derandomize=True, deadline=None)
def test_any_arrivals_make_a_feedback_that_fits_a_packet_and_can_be_read(
    noted: list[tuple[int, float]],
) -> None:
    arrivals = tf.Arrivals()
    for i in range(0, len(noted), 20):
        arrivals.noted += noted[i : i + 20]
        body = arrivals.feedback()
        if body is not None:
            assert len(body) <= 1400
            assert tf.read(body) is not None
    assert len(arrivals._known) <= tf.MAX_NOTED
