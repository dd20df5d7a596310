"""A stored group is read as what it was, or not at all."""

from dataclasses import fields, replace
from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crypto.mls.application import propose_update, protect_application, unprotect
from crypto.mls.group import Group, group_secrets, own_leaf_node, superseded_secrets
from crypto.mls.group_state import StoredGroup, decode_group, encode_group, encode_ratchets, in_same_epoch
from crypto.mls.secret_tree import MAX_GENERATION
from crypto.mls.suite import ROOM_SUITE
from crypto.mls.suites import suite_of
from crypto.mls.tree_math import leaf_index
from tests.crypto.mls.simulation import Client, code_of, commit_all, fault_of, remove, room_of
from tests.crypto.seeded_rng import seeded_rng

rng = seeded_rng("group state")
WELL = "nothing raised"


def say(client: Client, text: bytes = b"") -> bytes:
    return client.send(
        lambda group: protect_application(group, data=text, authenticated_data=b"", rng=rng)
    ).message


def busy(suite_id: int = ROOM_SUITE) -> tuple[Client, Client]:
    """Two members in the middle of an epoch: messages read out of order, an Update proposed."""
    a, b = room_of(suite_id, ["ada", "ben"], rng)
    commit_all([b, a])
    sent = [say(a) for _ in range(3)]
    b.receive(sent[2])
    a.receive(b.send(lambda group: propose_update(group, authenticated_data=b"", rng=rng)).message)
    return a, b


ADA, BEN = busy()
STORED = encode_group(BEN.group)


def facts(group: Group) -> tuple[object, ...]:
    """All that a state says, its tree by its nodes."""
    names = [one.name for one in fields(group) if one.name != "tree"]
    return *(getattr(group, name) for name in names), group.tree.nodes()


@pytest.mark.parametrize("suite_id", [1, ROOM_SUITE])
def test_is_read_as_what_it_was(suite_id: int) -> None:
    for client in busy(suite_id):
        stored = encode_group(client.group)
        again = decode_group(stored, suite_of)
        assert facts(again) == facts(client.group)
        assert encode_group(again) == stored


def test_changes_in_its_epoch_with_commits_alone() -> None:
    a, b = busy()
    before, stored = a.group, encode_group(a.group)
    message = say(a, b"x")
    assert in_same_epoch(before, a.group)
    assert encode_group(a.group).epoch == stored.epoch
    assert encode_ratchets(a.group) != stored.ratchets
    b.receive(message)
    commit_all([a, b])
    assert not in_same_epoch(before, a.group)
    assert encode_group(a.group).epoch != stored.epoch


def test_is_not_put_together_from_two_epochs_or_two_rooms() -> None:
    a, b = busy()
    early = encode_group(a.group)
    commit_all([a, b])
    late = encode_group(a.group)
    for epoch, ratchets in ((late, early), (early, late), (late, STORED)):
        mixed = StoredGroup(epoch.epoch, ratchets.ratchets)
        assert code_of(partial(decode_group, mixed)) == "group_ratchets"
    # Two members of one epoch share its ratchets, but the own leaf is in `epoch`.
    assert code_of(partial(decode_group, late)) == WELL


@settings(max_examples=300, deadline=None, derandomize=True, database=None)
@given(st.booleans(), st.integers(0, 100_000), st.integers(0, 6), st.binary(max_size=6))
def test_damage_is_the_stores_fault_whatever_it_is(first: bool, at: int, gone: int, put: bytes) -> None:
    def damaged(data: bytes) -> bytes:
        start = at % len(data)
        return data[:start] + put + data[start + gone :]

    stored = (
        StoredGroup(damaged(STORED.epoch), STORED.ratchets)
        if first
        else StoredGroup(STORED.epoch, damaged(STORED.ratchets))
    )
    assert fault_of(partial(decode_group, stored)) in ("nobody", "storage")


def test_every_cut_is_seen() -> None:
    for cut in range(0, len(STORED.epoch), 97):
        stored = StoredGroup(STORED.epoch[:cut], STORED.ratchets)
        assert fault_of(partial(decode_group, stored)) == "storage"
    for cut in range(len(STORED.ratchets)):
        stored = StoredGroup(STORED.epoch, STORED.ratchets[:cut])
        assert fault_of(partial(decode_group, stored)) == "storage"


def test_holds_what_such_a_state_has() -> None:
    group = BEN.group

    def code(group: Group) -> str:
        return code_of(lambda: decode_group(encode_group(group)))

    assert code(replace(group, secrets=replace(group.secrets, init=bytes(47)))) == "group_secret"
    assert code(replace(group, own_leaf=leaf_index(2))) == "group_leaf"
    assert code(replace(group, reinit=remove(ADA))) == "group_reinit"  # type: ignore[arg-type]
    tree = group.secret_tree
    assert code(replace(group, secret_tree=replace(tree, ratchets={}))) == "group_ratchets"
    twice = replace(tree, subtrees={1: bytes(48)})
    assert code(replace(group, secret_tree=twice)) == "group_ratchets"
    leaf, ratchets = next(iter(tree.ratchets.items()))
    worn = replace(ratchets, handshake=replace(ratchets.handshake, next=MAX_GENERATION + 2))
    beyond = replace(tree, ratchets={**tree.ratchets, leaf: worn})
    assert code(replace(group, secret_tree=beyond)) == "group_ratchets"
    other = replace(group.context, tree_hash=bytes(48))
    moved = StoredGroup(STORED.epoch.replace(group.context.tree_hash, other.tree_hash, 1), STORED.ratchets)
    assert code_of(partial(decode_group, moved)) == "group_tree"
    assert code_of(lambda: decode_group(encode_group(busy(1)[0].group))) == "group_epoch"


def test_a_state_whose_own_leaf_is_blank_is_none_that_these_modules_made() -> None:
    assert code_of(lambda: own_leaf_node(replace(BEN.group, own_leaf=leaf_index(2)))) == "own_leaf"


def test_of_a_later_format_is_not_guessed_at() -> None:
    for stored in (
        replace(STORED, epoch=b"\2" + STORED.epoch[1:]),
        replace(STORED, ratchets=b"\2" + STORED.ratchets[1:]),
    ):
        assert code_of(partial(decode_group, stored)) == "group_format"


def test_keeps_used_keys_used() -> None:
    a, b = busy()
    message = say(a, b"once")
    b.receive(message)
    b.reload()
    assert code_of(lambda: b.receive(message)) == "v604_generation_used"


def test_the_secrets_that_are_no_longer_needed_are_all_named() -> None:
    a, b = busy()
    opened = unprotect(b.group, say(a))
    held = set(group_secrets(opened.group))
    assert set(group_secrets(b.group)) - held <= set(opened.consumed)
    assert not held & set(opened.consumed)

    staged = a.stage()
    superseded = superseded_secrets(a.group, staged.next)
    assert not set(superseded) & set(group_secrets(staged.next))
    # All but the signature key.
    assert len(superseded) == len(group_secrets(a.group)) - 1
    assert list(superseded_secrets(a.group, None)) == group_secrets(a.group)


def test_no_secret_is_in_what_a_state_says_of_itself() -> None:
    said = repr([BEN.group, BEN.group.secrets, BEN.group.secret_tree, BEN.stage(), STORED])
    for secret in group_secrets(BEN.group):
        assert repr(secret)[2:-1] not in said
