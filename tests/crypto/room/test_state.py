"""E13, E24: what a room agrees on, what everyone folds from its log, and how newcomers get it."""

import contextlib
import json
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crypto.room.bodies import MAX_PAGES, Profile, SnapshotPage, encode_body
from crypto.room.calls import MAX_ALSO, MAX_RINGS, Also, Ring
from crypto.room.calls import MAX_ANSWERS as MAX_RING_ANSWERS
from crypto.room.calls import Answer as RingAnswer
from crypto.room.canonical import decode_canonical, encode_canonical
from crypto.room.change import AddedLeaf, RemovedLeaf, Renewed, RoomChange
from crypto.room.errors import RoomDataError, RoomRuleError
from crypto.room.events import Envelope, decode_commit_data, encode_commit_data
from crypto.room.fold import FOLD_VERSION, EventPlace, Fold, first_fold, fold_commit, fold_event
from crypto.room.log_head import Seen, list_hash, seen_of
from crypto.room.meetings import MAX_ANSWERS, MAX_EXCEPTIONS, MAX_MEETINGS, Answer, Meeting, Moved
from crypto.room.room_context import (
    CharterChange,
    ExpiryGrounds,
    FounderChange,
    Guest,
    IdentityGrounds,
    InviteChange,
    JoinGrounds,
    OpenInvite,
    Pending,
    Policy,
    PolicyChange,
    RejoinGrounds,
    RemoveChange,
    RevocationGrounds,
    RoomContext,
    decode_room_context,
    encode_room_context,
    new_commons,
    read_room_extensions,
    room_extensions,
    with_approvers,
    with_pending,
)
from crypto.room.snapshot import (
    Pages,
    Snapshot,
    assembled,
    check_of,
    decode_snapshot,
    encode_snapshot,
    snapshot_hash,
    snapshot_pages,
    take_page,
)
from crypto.room.stuck import sign_stuck, stuck_is_valid
from tests.crypto.identity.people import NOW, id_of, key_pair, seeded, spoilt
from tests.crypto.room.world import ROOM, World, account, invite_by, leaf

# E13

ids = st.binary(min_size=16, max_size=16)
changes = st.one_of(
    st.builds(RemoveChange, ids),
    st.builds(PolicyChange, st.builds(Policy, st.integers(1, 8))),
    st.builds(CharterChange, st.binary(min_size=48, max_size=48)),
    st.builds(FounderChange, ids),
    st.builds(InviteChange, ids),
)
some = st.binary(min_size=1, max_size=9)
keys = st.binary(min_size=32, max_size=32)


@st.composite
def contexts(draw: st.DrawFn) -> RoomContext:
    parent = draw(st.none() | ids)
    context = RoomContext(
        kind="commons" if parent is None else "case",
        parent=parent,
        title=draw(st.sampled_from(["Thursdays", "名", "a" * 80])),
        policy=Policy(draw(st.integers(1, 8))),
        charter_hash=draw(st.none() | st.binary(min_size=48, max_size=48)),
        founder=draw(ids),
        guests=tuple(
            Guest(one, draw(st.integers(0, 2**53 - 1))) for one in sorted(draw(st.sets(ids, max_size=3)))
        ),
        invites=tuple(
            OpenInvite(one, draw(ids), draw(keys), draw(keys), draw(keys), draw(st.integers(0, 2**53 - 1)))
            for one in sorted(draw(st.sets(ids, max_size=2)))
        ),
        pending=(),
        revocations=tuple(draw(st.lists(some, max_size=3))),
        grounds=draw(
            st.none()
            | st.builds(JoinGrounds, some)
            | st.builds(RejoinGrounds, some)
            | st.builds(RevocationGrounds, some)
            | st.builds(IdentityGrounds, some)
            | st.just(ExpiryGrounds())
        ),
    )
    approvers = st.sets(ids, min_size=1, max_size=3).map(lambda accounts: tuple(sorted(accounts)))
    pending = [Pending(one, draw(approvers)) for one in draw(st.sets(changes, max_size=3))]
    return with_pending(context, pending)


@settings(max_examples=100, derandomize=True, deadline=None)
@given(contexts(), st.integers(0, 10_000), st.integers(1, 255))
def test_e13_a_context_goes_through_bytes_and_back_in_one_spelling(
    context: RoomContext, at: int, bits: int
) -> None:
    data = encode_room_context(context)
    assert decode_room_context(data) == context
    assert read_room_extensions(room_extensions(context)) == context
    changed = bytearray(data)
    changed[at % len(changed)] ^= bits
    with contextlib.suppress(RoomDataError):
        assert encode_room_context(decode_room_context(bytes(changed))) == bytes(changed)


COMMONS = new_commons(account("anna"), "Thursdays")
INVITE = invite_by("anna").open
LOW, HIGH = bytes(16), b"\xff" * 16
PENDING = Pending(RemoveChange(LOW), (account("anna"),))


@pytest.mark.parametrize(
    "changed",
    [
        {"parent": ROOM},
        {"kind": "case"},
        {"title": ""},
        {"title": "\u202eabc"},
        {"title": "a" * 81},
        {"policy": Policy(0)},
        {"policy": Policy(9)},
        {"charter_hash": bytes(32)},
        {"founder": bytes(15)},
        {"invites": (INVITE, INVITE)},
        {"invites": tuple(replace(INVITE, id=bytes((i,)) * 16) for i in range(65))},
        {"invites": (replace(INVITE, role=cast(Any, "admin")),)},
        {"pending": (replace(PENDING, change=RemoveChange(HIGH)), PENDING)},
        {"pending": (PENDING, PENDING)},
        {"pending": (replace(PENDING, approvers=()),)},
        {"pending": (replace(PENDING, approvers=(HIGH, LOW)),)},
        {"pending": (replace(PENDING, approvers=(LOW, LOW)),)},
        {"revocations": (b"",)},
        {"revocations": (LOW,) * 257},
        {"grounds": JoinGrounds(bytes(4097))},
        {"guests": (Guest(LOW, 1), Guest(LOW, 2))},
    ],
    ids=str,
)
def test_e13_what_is_no_context_is_refused(changed: dict[str, Any]) -> None:
    with pytest.raises(RoomDataError):
        decode_room_context(encode_room_context(replace(COMMONS, **changed)))


def test_e13_exactly_two_extensions_in_their_order() -> None:
    required, room = room_extensions(COMMONS)
    for wrong in (
        (required,),
        (room,),
        (room, required),
        (required, room, room),
        (replace(required, data=b""), room),
    ):
        with pytest.raises(RoomRuleError, match="E13"):
            read_room_extensions(wrong)


def test_e14_approvals_of_one_change_stand_together() -> None:
    change = RemoveChange(LOW)
    both = with_approvers(COMMONS, change, [HIGH, LOW])
    assert both.pending == (Pending(change, (LOW, HIGH)),)
    assert with_approvers(both, change, []) == COMMONS


# E24: the fold

START = first_fold(ROOM)


def envelope(counter: int, name: str = "event") -> Envelope:
    return Envelope(
        id_of(name), "post", counter, Seen(0, id_of("head")), b"\0", seeded(f"signature {name}")(64)
    )


def place(n: int, who: str = "anna") -> EventPlace:
    return EventPlace(n, account(who), leaf(who).identity.device_id, NOW + n)


def change_of(*, added: Sequence[tuple[str, str | None]] = (), removed: Sequence[str] = ()) -> RoomChange:
    world = World("anna", "ben")
    at = world.at("anna")
    return RoomChange(
        committer=leaf("anna").identity,
        added=tuple(AddedLeaf(at, leaf(who).identity, None, None, name) for who, name in added),
        removed=tuple(RemovedLeaf(at, leaf(who).identity) for who in removed),
        gone=tuple(account(who) for who in removed if who not in [name for name, _ in added]),
        context=world.context,
        roster=world.roster,
        what=(Renewed(),),
    )


def test_e24_names_by_account_and_a_newcomers_from_their_request() -> None:
    fold = fold_event(START, place(1), envelope(1), Profile("Anna")).fold
    after = fold_commit(fold, change_of(added=[("dora", "Dora")]))
    assert after.names == {account("anna"): "Anna", account("dora"): "Dora"}
    counted = fold_event(after, place(2, "dora"), envelope(3), None).fold
    gone = fold_commit(counted, change_of(removed=["dora"]))
    assert gone.names == {account("anna"): "Anna"}
    assert list(gone.counters) == [leaf("anna").identity.device_id]
    # A device that is added anew counts anew, and its person keeps the name.
    back = fold_commit(counted, change_of(added=[("dora", None)], removed=["dora"]))
    assert back.names == counted.names
    assert fold_event(back, place(3, "dora"), envelope(1), None).repeated is False


def test_e24_an_event_that_counts_backwards_changes_nothing_but_the_hash() -> None:
    first = fold_event(START, place(1), envelope(4), Profile("Anna"))
    assert not first.repeated
    for counter in (4, 3):
        again = fold_event(first.fold, place(2), envelope(counter), Profile("Zoe"))
        assert again.repeated
        assert again.fold == replace(first.fold, events=again.fold.events)
        assert again.fold.events != first.fold.events
    assert not fold_event(first.fold, place(2, "ben"), envelope(1), None).repeated


def test_e24_the_running_hash_covers_position_author_id_and_signature_whatever_the_type() -> None:
    def digest(n: int, who: str, one: Envelope, start: Fold = START) -> bytes:
        return fold_event(start, place(n, who), one, None).fold.events

    one = envelope(1, "a")
    hashes = {
        digest(1, "anna", one),
        digest(2, "anna", one),
        digest(1, "ben", one),
        digest(1, "anna", envelope(1, "b")),
        digest(1, "anna", replace(one, signature=seeded("other")(64))),
        digest(1, "anna", one, first_fold(id_of("other room"))),
    }
    assert len(hashes) == 6
    known = fold_event(START, place(1), one, Profile("Anna")).fold
    assert known.events == digest(1, "anna", one)


# E24: the snapshot


def many(count: int) -> Snapshot:
    names = {id_of(str(i)): "名" * 79 + str(i % 10) for i in range(count)}
    counters = {id_of(f"d{i}"): i + 1 for i in range(count)}
    return Snapshot(12, seeded("head")(48), replace(START, names=names, counters=counters))


def collected(pages: Sequence[SnapshotPage]) -> Pages:
    all_: Pages | None = None
    for page in pages:
        all_ = take_page(all_, page)
    assert all_ is not None
    return all_


def test_e24_the_same_bytes_for_the_same_state() -> None:
    one = many(20)
    reverse = dict(reversed(list(one.fold.names.items())))
    assert encode_snapshot(replace(one, fold=replace(one.fold, names=reverse))) == encode_snapshot(one)
    assert decode_snapshot(encode_snapshot(one)) == one


def test_e24_a_full_room_goes_into_pages_and_comes_together_in_any_order() -> None:
    full = many(256)
    pages = snapshot_pages(full)
    assert len(pages) > 1
    assert all(encode_body(page) for page in pages)
    assert assembled(collected(pages)) == full
    assert assembled(collected(pages[::-1])) == full
    assert assembled(collected(pages[1:])) is None
    with pytest.raises(RoomDataError):
        snapshot_pages(many(2000))


def test_e24_pages_that_are_not_what_their_hash_says_are_refused() -> None:
    (page,) = snapshot_pages(many(1))
    # The last byte of the running hash: still a snapshot, and another one.
    at = page.data.index(START.events) + 47
    changed = replace(page, data=spoilt(page.data, at))
    assert decode_snapshot(changed.data) != many(1)
    two = replace(page, pages=2)
    for run in (
        lambda: assembled(take_page(None, changed)),
        lambda: assembled(take_page(None, replace(page, position=13))),
        lambda: take_page(None, replace(page, page=1)),
        lambda: take_page(take_page(None, two), replace(two, pages=3)),
    ):
        with pytest.raises(RoomDataError):
            run()
    # Another snapshot of the same author begins anew.
    assert len(take_page(take_page(None, two), snapshot_pages(many(2))[0]).data) == 1


def test_e24_members_say_by_themselves_whether_it_is_their_own_state_too() -> None:
    own = many(3)
    digest = snapshot_hash(encode_snapshot(own))
    assert check_of(own, digest).agrees
    assert not check_of(many(4), digest).agrees
    assert not check_of(replace(own, head=seeded("another head")(48)), digest).agrees


def test_e24_names_and_counters_stand_in_order_each_once() -> None:
    fields: dict[str, Any] = dict(decode_canonical(encode_snapshot(many(3)), 10_000))
    for name in ("names", "counters"):
        first, second, *_ = fields[name]
        for wrong in ((second, first), (first, first)):
            with pytest.raises(RoomDataError):
                decode_snapshot(encode_canonical({**fields, name: wrong}))


@settings(max_examples=200, derandomize=True, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 255))
def test_e24_any_change_is_a_snapshot_or_a_room_data_error(at: int, bits: int) -> None:
    changed = bytearray(encode_snapshot(many(2)))
    changed[at % len(changed)] ^= bits
    with contextlib.suppress(RoomDataError):
        assert encode_snapshot(decode_snapshot(bytes(changed))) == bytes(changed)


# E15, E18, E20


@settings(max_examples=100, derandomize=True, deadline=None)
@given(st.binary(min_size=39, max_size=41))
def test_e15_a_commits_clear_data_is_40_bytes(data: bytes) -> None:
    with contextlib.suppress(RoomDataError):
        found = decode_commit_data(data)
        assert encode_commit_data(found.id, found.seen) == data
    beyond = id_of("commit") + (2**53).to_bytes(8, "big") + id_of("head")
    with pytest.raises(RoomDataError):
        decode_commit_data(beyond)
    whole = encode_commit_data(id_of("commit"), seen_of(2**53 - 1, seeded("head")(48)))
    assert decode_commit_data(whole) == (id_of("commit"), Seen(2**53 - 1, seeded("head")(16)))


def test_e18_a_stuck_statement_is_for_one_position_room_and_device() -> None:
    identity, device = key_pair("identity"), id_of("device")
    stuck = sign_stuck(identity.private_key, ROOM, 9, device)
    assert stuck_is_valid(identity.public_key, ROOM, device, stuck)
    assert not stuck_is_valid(identity.public_key, ROOM, device, replace(stuck, position=10))
    assert not stuck_is_valid(identity.public_key, id_of("x"), device, stuck)
    assert not stuck_is_valid(identity.public_key, ROOM, id_of("x"), stuck)
    assert not stuck_is_valid(key_pair("other").public_key, ROOM, device, stuck)


def test_e20_the_hash_of_a_list_does_not_depend_on_its_order() -> None:
    assert list_hash([LOW, HIGH]) == list_hash({HIGH, LOW})
    assert list_hash([LOW]) != list_hash([LOW, HIGH])


# E24: rings and meetings

FORMER = json.loads((Path(__file__).parents[2] / "agreement/snapshot_former.json").read_text())


def test_e24_a_snapshot_of_the_former_version_is_read_written_and_confirmed() -> None:
    data = bytes.fromhex(FORMER["bytes"])
    former = decode_snapshot(data)
    assert (former.fold.version, former.fold.rings, former.fold.meetings) == (1, (), ())
    assert encode_snapshot(former) == data
    now = replace(former, fold=replace(former.fold, version=FOLD_VERSION))
    assert check_of(now, bytes.fromhex(FORMER["hash"])).agrees
    assert check_of(now, snapshot_hash(encode_snapshot(now))).agrees
    other = replace(now, fold=replace(now.fold, counters={}))
    assert not check_of(other, bytes.fromhex(FORMER["hash"])).agrees


@pytest.mark.parametrize(
    "change",
    [{"version": 3}, {"version": 0}, {"version": 1, "rings": ()}, {"rings": ()}, {"meetings": ()}],
    ids=str,
)
def test_e24_a_snapshot_of_another_version_is_refused(change: dict[str, Any]) -> None:
    fields = dict(decode_canonical(bytes.fromhex(FORMER["bytes"]), 10_000))
    with pytest.raises(RoomDataError):
        decode_snapshot(encode_canonical({**fields, **change}))


@cache
def fullest() -> Snapshot:
    """As much of everything as a state holds, each of it in as many bytes as it can take."""
    sign, top = "\U0001f600", 2**53 - 1
    names = {id_of(f"{i}"): sign * 80 for i in range(256)}
    counters = {id_of(f"d{i}"): top for i in range(256)}
    accounts = sorted(names)
    rings = tuple(
        Ring(
            *(id_of(f"call {i}"), top - 9 + i, top, accounts[0], "when_you_can", sign * 200, 11),
            also=tuple(Also(id_of(f"also {i} {j}"), accounts[j], top, sign * 200) for j in range(MAX_ALSO)),
            answers=tuple(RingAnswer(one, "later", top, top) for one in accounts[:MAX_RING_ANSWERS]),
        )
        for i in range(MAX_RINGS)
    )
    days = [f"2026-{1 + i // 28:02}-{1 + i % 28:02}T18:00" for i in range(MAX_EXCEPTIONS)]
    meetings = tuple(
        Meeting(
            *(one, top, top, accounts[0], sign * 80, "2026-03-02T18:00", "America/Argentina/ComodRivadavia"),
            *(600, "FREQ=WEEKLY;INTERVAL=99;BYDAY=MO,TU,WE,TH,FR,SA,SU;UNTIL=21991231"),
            ends="2199-12-31T23:59",
            moved=tuple(Moved(day, day, 600) for day in days),
            answers=tuple(Answer(days[0], who, "maybe") for who in accounts[:MAX_ANSWERS]),
        )
        for one in accounts[:MAX_MEETINGS]
    )
    fold = Fold(FOLD_VERSION, names, counters, bytes(48), rings, meetings)
    return Snapshot(top, bytes(48), fold)


def test_e24_the_fullest_state_still_fits_into_a_snapshots_pages() -> None:
    full = fullest()
    pages = snapshot_pages(full)
    assert len(pages) <= MAX_PAGES
    assert assembled(collected(pages)) == full


def spoilt_fields(part: str, change: Any) -> bytes:
    fold = replace(fullest().fold, names={}, counters={})
    few = replace(fold, rings=fold.rings[:2], meetings=fold.meetings[:2])
    fields = dict(decode_canonical(encode_snapshot(replace(fullest(), fold=few)), 100_000))
    (first, *others) = cast(Any, fields[part])
    return encode_canonical({**fields, part: (change(first), *others)})


@pytest.mark.parametrize(
    ("part", "change"),
    [
        ("rings", lambda one: {**one, "answers": one["answers"][::-1]}),
        ("rings", lambda one: {**one, "n": 2**53 - 1}),
        ("rings", lambda one: {**one, "wanted": 0}),
        ("rings", lambda one: {**one, "why": "two\nlines"}),
        ("rings", lambda one: {**one, "more": 1}),
        ("rings", lambda one: {**one, "answers": ({**one["answers"][0], "state": "joining"},)}),
        ("rings", lambda one: {**one, "also": one["also"] * 2}),
        ("meetings", lambda one: {**one, "moved": one["moved"][::-1]}),
        ("meetings", lambda one: {**one, "cancelled": ("2026-01-01T18:00",)}),
        ("meetings", lambda one: {**one, "start": "2026-03-32T18:00"}),
        ("meetings", lambda one: {**one, "rule": "FREQ=WEEKLY;BYDAY=SU"}),
        ("meetings", lambda one: {**one, "zone": "../etc/passwd"}),
        ("meetings", lambda one: {**one, "meeting": b"\xff" * 16}),
        ("meetings", lambda one: {**one, "answers": one["answers"][:1] * 2}),
    ],
)
def test_e24_rings_and_meetings_of_a_snapshot_are_in_bounds_and_in_order(part: str, change: Any) -> None:
    decode_snapshot(spoilt_fields(part, lambda one: one))
    with pytest.raises(RoomDataError):
        decode_snapshot(spoilt_fields(part, change))
