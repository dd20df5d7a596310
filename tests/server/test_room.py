"""The rules of order and of routing (E17, E20, E14), one by one, on the pure machine."""

from dataclasses import replace
from typing import Any

import pytest

from crypto.room.log_head import list_hash
from server.ledger import pack_routing, unpack_routing
from server.room import Accepted, IsStale, NotTaken, Room, Routing, fault_of_form, step
from tests.opaque.session import envelope
from wire.frames import Send, WelcomeFor

ROOM = b"R" * 16
# Accounts a, b, c with devices a1, a2, b1, c1, d1.
A1, A2, B1, C1, D1 = (name.encode() * 8 for name in ("a1", "a2", "b1", "c1", "d1"))
ACCOUNTS = {A1: b"a", A2: b"a", B1: b"b", C1: b"c", D1: b"d"}


def room(*devices: bytes, **change: Any) -> Room:
    routing = Routing(new=frozenset(devices))
    return Room(1, ROOM, 10, 7, 1000, routing, {d: ACCOUNTS[d] for d in devices}, **change)


def message(devices: "set[bytes] | frozenset[bytes]", after: int = 7, number: int = 1) -> Send:
    message_id = bytes([number]) * 16
    return Send(
        room=ROOM,
        id=message_id,
        kind="message",
        after=after,
        list=list_hash(set(devices)),
        payload=envelope("message", ROOM, message_id, b"x"),
    )


def commit(*devices: bytes, after: int = 7) -> Send:
    return Send(
        room=ROOM,
        id=b"c" * 16,
        kind="commit",
        after=after,
        list=list_hash(devices),
        payload=envelope("commit", ROOM, b"c" * 16, b"x"),
        devices=list(devices),
    )


def leave(devices: set[bytes], after: int = 7) -> Send:
    base = message(devices, after)
    return base.model_copy(update={"kind": "leave", "payload": envelope("leave", ROOM, base.id, b"x")})


def taken(state: Room, send: Send, device: bytes, now: int = 2000) -> tuple[Room, Accepted]:
    new, outcome = step(state, send, device, now, ACCOUNTS if send.devices else None)
    assert isinstance(outcome, Accepted), outcome
    return new, outcome


def test_e17_positions_follow_one_another() -> None:
    state, first = taken(room(A1, B1), message({A1, B1}), A1)
    state, second = taken(state, message({A1, B1}, number=2), B1)
    assert (first.n, second.n, state.last, state.after) == (11, 12, 12, 7)
    assert first.served == {A1, B1}


@pytest.mark.parametrize("after", [0, 6, 8, 10])
def test_e17_another_after_is_stale(after: int) -> None:
    before = room(A1, B1)
    state, outcome = step(before, message({A1, B1}, after), A1, 2000)
    assert outcome == IsStale(7)
    assert state is before


def test_e17_after_a_commit_older_words_are_stale() -> None:
    state, done = taken(room(A1, B1), commit(A1, B1), A1)
    assert state.after == done.n == 11
    assert step(state, message({A1, B1}), B1, 2000)[1] == IsStale(11)
    assert taken(state, message({A1, B1}, 11), B1)[1].n == 12


def test_e10_stamps_never_go_back() -> None:
    state, first = taken(room(A1), message({A1}), A1, now=5000)
    state, second = taken(state, message({A1}, number=2), A1, now=3000)
    assert (first.time, second.time) == (5000, 5000)


def test_strangers_are_told_nothing() -> None:
    _, outcome = step(room(A1), message({A1}), B1, 2000)
    assert isinstance(outcome, NotTaken)
    assert outcome.code == "not_found"


def test_a_list_with_an_unknown_device_is_refused() -> None:
    before = room(A1)
    state, outcome = step(before, commit(A1, b"?" * 16), A1, 2000, {A1: b"a"})
    assert isinstance(outcome, NotTaken)
    assert outcome.code == "unknown_device"
    assert state is before


def test_e20_the_first_invited_is_served_at_once() -> None:
    """Nobody but the author's account was there: there is no one to wait for."""
    state, done = taken(room(A1), commit(A1, B1), A1)
    assert done.joined == {B1}
    assert state.served == {A1, B1}
    assert state.routing.old is None


def test_e20_both_lists_are_served_until_another_account_sends() -> None:
    state, done = taken(room(A1, B1, C1), commit(A1, B1), A1)
    assert (done.joined, done.departed) == (frozenset(), frozenset())
    assert state.served == {A1, B1, C1}
    # The author's own account decides nothing.
    state, _mine = taken(state, message({A1, B1}, 11), A1)
    assert state.served == {A1, B1, C1}
    state, theirs = taken(state, message({A1, B1}, 11, 2), B1)
    assert theirs.departed == {C1}
    assert theirs.served == {A1, B1, C1}  # this entry still reached everyone
    assert state.served == {A1, B1}
    assert step(state, message({A1, B1, C1}, 11, 3), C1, 2000)[1] == NotTaken(
        "not_found", "There is nothing here for you."
    )


def test_e20_a_falsified_list_loses_against_more_accounts() -> None:
    """An insider drops C and D from the list, not from the tree: whoever repeats the old list keeps them."""
    state, _ = taken(room(A1, B1, C1, D1), commit(A1, B1), A1)
    state, _ = taken(state, message({A1, B1, C1, D1}, 11), C1)
    assert state.served == {A1, B1, C1, D1}
    state, _ = taken(state, message({A1, B1}, 11, 2), B1)
    assert state.served == {A1, B1}  # one against one: ties to the new


def test_e20_ties_go_to_the_new_and_majorities_to_the_old() -> None:
    state, _ = taken(room(A1, B1, C1, D1), commit(A1, B1, C1, D1, A2), A1)
    old, new = {A1, B1, C1, D1}, {A1, B1, C1, D1, A2}
    assert state.served == new
    state, _ = taken(state, message(new, 11), B1)
    state, _ = taken(state, message(old, 11, 2), C1)
    assert state.served == new
    state, last = taken(state, message(old, 11, 3), D1)
    assert state.served == old
    assert last.departed == {A2}


def test_e20_one_account_has_one_voice() -> None:
    state, _ = taken(room(A1, A2, B1, C1), commit(B1, A1, A2), B1)
    old, new = {A1, A2, B1, C1}, {A1, A2, B1}
    state, _ = taken(state, message(old, 11), A1)
    state, _ = taken(state, message(old, 11, 2), A2)
    assert len(state.routing.votes) == 1
    state, _ = taken(state, message(new, 11, 3), A2)
    assert state.routing.votes == ((b"a", True),)
    assert state.served == new


def test_e20_a_newcomer_has_no_voice() -> None:
    state, _ = taken(room(A1, B1), commit(A1, C1), A1)
    state, _ = taken(state, message({A1, C1}, 11), C1)
    assert state.served == {A1, B1, C1}


def test_e20_a_hash_of_neither_list_decides_nothing() -> None:
    state, _ = taken(room(A1, B1, C1), commit(A1, B1), A1)
    state, _ = taken(state, message({D1}, 11), B1)
    assert state.served == {A1, B1, C1}


def test_e14_leaving_is_honoured_at_once() -> None:
    state, done = taken(room(A1, B1), leave({A1, B1}), B1)
    assert done.departed == {B1}
    assert done.served == {A1, B1}
    assert state.served == {A1}
    assert state.after == done.n
    # The others' trees hold B until somebody commits; it is not served meanwhile.
    assert step(state, message({A1, B1}), A1, 2000)[1] == IsStale(11)
    state, _ = taken(state, message({A1, B1}, 11), A1)
    state, _ = taken(state, commit(A1, after=11), A1)
    assert state.served == {A1}


def test_e14_who_left_can_come_back() -> None:
    state, _ = taken(room(A1, B1), leave({A1, B1}), B1)
    state, back = taken(state, commit(A1, B1, after=11), A1)
    assert back.joined == {B1}
    assert state.served == {A1, B1}


def test_the_routing_survives_the_disk() -> None:
    state, _ = taken(room(A1, B1, C1, D1), commit(A1, B1), A1)
    state, _ = taken(state, message({A1, B1, C1, D1}, 11), C1)
    state, _ = taken(state, leave({A1, B1, C1, D1}, 11), D1)
    assert unpack_routing(pack_routing(state.routing)) == state.routing


def test_form_is_checked_before_anything_else() -> None:
    good = message({A1})
    assert fault_of_form(good) is None
    assert fault_of_form(commit(A1)) is None
    assert fault_of_form(leave({A1})) is None
    other = envelope("message", b"S" * 16, good.id, b"x")
    welcome = [WelcomeFor(device=B1, payload=b"w")]
    faults = {
        "envelope": good.model_copy(update={"payload": b"no MLS"}),
        "envelope_room": good.model_copy(update={"payload": other}),
        "envelope_kind": good.model_copy(update={"kind": "leave"}),
        "envelope_id": good.model_copy(update={"id": b"?" * 16}),
    }
    for code, send in faults.items():
        found = fault_of_form(send)
        assert found is not None
        assert found.code == code
    for malformed in (
        good.model_copy(update={"devices": [A1]}),
        good.model_copy(update={"answered": [A1]}),
        commit(A1).model_copy(update={"devices": None}),
        commit(A1, A1),
        commit(A1).model_copy(update={"welcomes": welcome}),
        commit(A1, B1).model_copy(update={"welcomes": welcome * 2}),
    ):
        found = fault_of_form(malformed)
        assert found is not None
        assert found.code == "malformed"


def test_rooms_are_immutable() -> None:
    before = room(A1, B1)
    kept = replace(before)
    taken(before, commit(A1), A1)
    assert before == kept
