"""E38: what is not stored."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crypto.mls.errors import UsageError
from crypto.room.ephemeral import (
    EPHEMERAL_LENGTH,
    SIGNAL_AGE,
    EphemeralSender,
    Signal,
    new_sender,
    open_signal,
    seal_signal,
)
from tests.crypto.identity.people import NOW, seeded, spoilt

EXPORTED = seeded("exported")(EPHEMERAL_LENGTH)
SENDER = new_sender(3, seeded("session"))
TYPING = Signal("typing", on=True)
PAYLOAD = seal_signal(EXPORTED, SENDER, TYPING, NOW).payload


def test_e38_it_is_read_by_whoever_is_in_the_epoch() -> None:
    opened = open_signal(EXPORTED, {}, PAYLOAD, NOW)
    assert opened is not None
    assert (opened.leaf, opened.signal) == (3, TYPING)
    assert open_signal(seeded("next epoch")(EPHEMERAL_LENGTH), {}, PAYLOAD, NOW) is None


def test_e38_no_pair_of_key_and_nonce_comes_twice() -> None:
    tails = set()
    senders = [SENDER, new_sender(3, seeded("another session")), EphemeralSender(4, SENDER.session, 0)]
    for sender in senders:
        for _ in range(20):
            payload, sender = seal_signal(EXPORTED, sender, TYPING, NOW)
            tails.add(payload[14:])
    assert len(tails) == 60
    with pytest.raises(UsageError):
        seal_signal(EXPORTED, EphemeralSender(3, SENDER.session, 2**32 - 1), TYPING, NOW)


def test_e38_nothing_is_taken_twice_nor_what_came_before() -> None:
    first = seal_signal(EXPORTED, SENDER, TYPING, NOW)
    second = seal_signal(EXPORTED, first.sender, Signal("presence", on=False), NOW)
    opened = open_signal(EXPORTED, {}, second.payload, NOW)
    assert opened is not None
    for old in (second, first):
        assert open_signal(EXPORTED, opened.seen, old.payload, NOW) is None
    other = seal_signal(EXPORTED, new_sender(3, seeded("reload")), TYPING, NOW)
    both = open_signal(EXPORTED, opened.seen, other.payload, NOW)
    assert both is not None
    assert open_signal(EXPORTED, both.seen, second.payload, NOW) is None


@pytest.mark.parametrize(
    ("off", "taken"),
    [(SIGNAL_AGE, True), (SIGNAL_AGE + 1, False), (-SIGNAL_AGE, True), (-SIGNAL_AGE - 1, False)],
)
def test_e38_it_is_nothing_when_it_is_old_or_from_a_clock_far_off(off: int, taken: bool) -> None:
    assert (open_signal(EXPORTED, {}, PAYLOAD, NOW + off) is not None) is taken


def test_e38_all_have_one_size_and_none_is_changed_on_the_way() -> None:
    other = seal_signal(EXPORTED, SENDER, Signal("presence", on=False), 1).payload
    assert len(other) == len(PAYLOAD) == 158
    assert all(open_signal(EXPORTED, {}, spoilt(PAYLOAD, at), NOW) is None for at in range(158))
    assert open_signal(EXPORTED, {}, PAYLOAD + PAYLOAD, NOW) is None


def test_e38_what_a_receiver_remembers_is_bounded() -> None:
    full = {seeded(str(i))(10): 1 for i in range(4096)}
    assert open_signal(EXPORTED, full, PAYLOAD, NOW) is None


@settings(max_examples=100, derandomize=True, deadline=None)
@given(st.binary(min_size=154, max_size=162))
def test_e38_any_bytes_are_nothing(data: bytes) -> None:
    assert open_signal(EXPORTED, {}, data, NOW) is None
