"""E7, E11: what a device remembers of the people it has met."""

import contextlib
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crypto.identity.credential import LeafIdentity
from crypto.identity.identity import Identity, succeed_root, supersede_identity
from crypto.identity.known_people import (
    NOBODY,
    KnownPeople,
    News,
    decode_people,
    encode_people,
    mark_verified,
    meet,
    standing,
)
from crypto.identity.root_keys import RootKeys
from crypto.identity.statement import IdentityStatement, encode_chain, sign_statement, split_chain
from crypto.mls.errors import StorageError, UsageError
from tests.crypto.identity.people import code_of, key_pair, leaf_of, seeded, someone

ANNA, BEN = someone("anna").identity, someone("ben").identity
KEYS, NEXT = someone("anna").keys, someone("anna's new code").keys
THIEF = someone("a thief's code").keys
MOVED = succeed_root(ANNA, KEYS, NEXT)

first = leaf_of(ANNA, "laptop")
renewed = leaf_of(supersede_identity(ANNA, KEYS, seeded("renewed")), "laptop")
moved = leaf_of(MOVED, "laptop")
stolen = leaf_of(succeed_root(ANNA, KEYS, THIEF), "laptop")
ben = leaf_of(BEN, "laptop")


def meet_all(*leaves: LeafIdentity) -> tuple[KnownPeople, list[News | None]]:
    """One after the other: what is known in the end, and what each told."""
    known, told = NOBODY, []
    for leaf in leaves:
        known, news = meet(known, leaf)
        told.append(news)
    return known, told


def shown(known: KnownPeople) -> str | None:
    return standing(known, ANNA.account_id)


def restated(identity: Identity, root: RootKeys, serial: int, key: str) -> LeafIdentity:
    """A leaf under a statement of the current root with any serial and key."""
    identity_key = key_pair(key)
    statement = IdentityStatement(
        identity.account_id, serial, root.root.public_key, identity_key.public_key, None
    )
    links = [*split_chain(identity.chain)[:-1], sign_statement(root.root.private_key, statement)]
    anew = replace(identity, identity_key=identity_key, serial=serial, chain=encode_chain(links))
    return leaf_of(anew, "laptop")


@pytest.mark.parametrize(
    ("leaves", "told", "in_the_end"),
    [
        ((first, leaf_of(ANNA, "phone"), ben), ["introduced", None, "introduced"], "introduced"),
        ((first, renewed), ["introduced", "changed"], "changed"),
        ((first, moved), ["introduced", "root_changed"], "changed"),
        # E7: only a higher serial supersedes.
        ((first, renewed, first), ["introduced", "changed", "outdated"], "changed"),
        ((first, restated(ANNA, KEYS, 1, "contradiction")), ["introduced", "outdated"], "introduced"),
        # E7: whoever has seen a root's successor refuses all else that the old root signs.
        (
            (first, moved, restated(ANNA, KEYS, 1000, "old root, new key"), renewed),
            ["introduced", "root_changed", "outdated", "outdated"],
            "changed",
        ),
        # A device whose chain is not yet renewed, under the same identity key.
        ((first, moved, first), ["introduced", "root_changed", None], "changed"),
        # Two successors, in either order; told once.
        ((first, moved, stolen, moved), ["introduced", "root_changed", "blocked", None], "blocked"),
        ((first, stolen, moved, first), ["introduced", "root_changed", "blocked", None], "blocked"),
        # A successor below what its own root has said.
        ((restated(ANNA, KEYS, 50, "ahead"), moved), ["introduced", "blocked"], "blocked"),
    ],
)
def test_e7_e11_what_leaves_tell(
    leaves: tuple[LeafIdentity, ...], told: list[News | None], in_the_end: str
) -> None:
    known, news = meet_all(*leaves)
    assert news == told
    assert shown(known) == in_the_end


def test_e11_verified_by_voice_until_something_changes() -> None:
    verified = mark_verified(meet_all(first)[0], first)
    assert shown(verified) == shown(mark_verified(NOBODY, first)) == "verified"
    assert meet(verified, first) == (verified, None)
    changed, news = meet(verified, renewed)
    assert (news, shown(changed)) == ("changed", "changed")
    assert shown(mark_verified(changed, renewed)) == "verified"
    assert shown(meet(verified, moved).known) == "changed"
    assert standing(verified, BEN.account_id) is None


def test_e11_the_same_key_said_again_later_changes_nothing_that_is_shown() -> None:
    met = meet(mark_verified(NOBODY, first), replace(first, identity_serial=5))
    assert (met.news, shown(met.known)) == (None, "verified")
    assert meet(met.known, renewed).news == "outdated"


def test_e7_keys_that_were_superseded_cannot_be_verified() -> None:
    known, _ = meet_all(first, moved)
    with pytest.raises(UsageError):
        mark_verified(known, restated(ANNA, KEYS, 1000, "old root, new key"))
    verified = mark_verified(known, first)
    assert meet(verified, moved) == (verified, None)


def test_e7_nothing_that_either_successor_signs_ends_a_block() -> None:
    known, _ = meet_all(first, moved, stolen)
    onward = leaf_of(supersede_identity(MOVED, NEXT, seeded("onward")), "laptop")
    for leaf in (moved, stolen, first, onward):
        again = meet(known, leaf)
        assert (again.news, shown(again.known)) == (None, "blocked")


@pytest.mark.parametrize(("kept", "lost"), [(moved, stolen), (stolen, moved)])
def test_e7_a_comparison_ends_a_block_for_either_side(kept: LeafIdentity, lost: LeafIdentity) -> None:
    known, _ = meet_all(first, moved, stolen)
    with pytest.raises(UsageError):
        mark_verified(known, first)
    settled = mark_verified(known, kept)
    assert shown(settled) == "verified"
    assert meet(settled, kept).news is None
    met = meet(settled, lost)
    assert (met.news, shown(met.known)) == ("outdated", "verified")
    third = leaf_of(succeed_root(ANNA, KEYS, someone("third").keys), "laptop")
    assert meet(settled, third).news == "blocked"


def test_e7_what_follows_the_successor_that_lost_is_refused_as_well() -> None:
    settled = mark_verified(meet_all(first, moved, stolen)[0], moved)
    thief = succeed_root(ANNA, KEYS, THIEF)
    further = succeed_root(thief, THIEF, someone("a thief's second code").keys)
    assert meet(settled, leaf_of(further, "laptop")).news == "outdated"


def test_e7_what_is_remembered_of_a_dispute_is_bounded() -> None:
    known, _ = meet_all(first, ben, moved)
    for i in range(40):
        roots = (*first.roots, key_pair(f"flood {i}").public_key)
        known = meet(known, replace(first, roots=roots, root_key=roots[1], identity_serial=9)).known
    assert len(known[ANNA.account_id].disputed) == 16
    assert shown(known) == "blocked"
    assert standing(known, BEN.account_id) == "introduced"


def test_e39_people_survive_the_vault_and_damage_is_named() -> None:
    settled = mark_verified(meet_all(first, moved, stolen)[0], moved)
    for known in (NOBODY, settled, meet_all(ben, first, moved, stolen)[0]):
        assert decode_people(encode_people(known)) == known
    data = encode_people(settled)
    for bad in (b"", data[:-1], data + data):
        assert code_of(lambda bad=bad: decode_people(bad)) == "people"  # type: ignore[misc]


@settings(max_examples=200, derandomize=True, deadline=None)
@given(st.one_of(st.binary(max_size=200), st.tuples(st.integers(0, 10_000), st.integers(0, 255))))
def test_e39_any_bytes_are_people_or_a_storage_error(drawn: bytes | tuple[int, int]) -> None:
    if isinstance(drawn, bytes):
        data = drawn
    else:
        changed = bytearray(encode_people(meet_all(first, moved, stolen, ben)[0]))
        changed[drawn[0] % len(changed)] = drawn[1]
        data = bytes(changed)
    with contextlib.suppress(StorageError):
        decode_people(data)
