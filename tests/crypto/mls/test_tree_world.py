"""The tree invariant (RFC 9420 §4.2) over random histories, and the shapes in which implementations go
wrong.
"""

import secrets
from collections.abc import Sequence
from dataclasses import replace
from functools import reduce
from typing import TypeVar

import pytest

from crypto.mls.bytes import Rng
from crypto.mls.leaf_node import CommitSource
from crypto.mls.ratchet_tree import ParentNode
from crypto.mls.suite import ROOM_SUITE, CipherSuite
from crypto.mls.suites import suite_of
from crypto.mls.tree_codec import decode_ratchet_tree, encode_ratchet_tree
from crypto.mls.tree_hash import tree_hash
from crypto.mls.tree_kem import create_update_path, decrypt_path
from crypto.mls.tree_math import LeafIndex, NodeIndex
from crypto.mls.update_path import UpdatePath
from tests.crypto.mls.tree_world import (
    World,
    add,
    add_many,
    applied,
    check_world,
    commit,
    context_of,
    found,
    new_person,
    path_input,
    path_of,
    remove,
    update,
)
from tests.crypto.seeded_rng import draw_below, seeded_rng

SUITE = suite_of(1)
RNG = seeded_rng("paths")
ZERO, ONE, TWO, THREE = (LeafIndex(i) for i in range(4))
T = TypeVar("T")


def check_invariant(world: World) -> None:
    """RFC 9420 §4.2: a member knows the key of each non-blank node above it where it is not unmerged, no
    others.
    """
    tree = world.tree
    assert sorted(world.seats) == [leaf for leaf, _ in tree.members()]
    for leaf, seat in world.seats.items():
        parents = {at: tree.parent(at) for at in tree.direct_path(leaf)}
        above = [at for at, node in parents.items() if node is not None and leaf not in node.unmerged_leaves]
        assert sorted(seat.keys) == sorted([2 * leaf, *above])


def check_keys_match(world: World) -> None:
    """What is sealed to each public key opens with the private key that members hold for it."""
    suite = world.suite
    for seat in world.seats.values():
        for at, private_key in seat.keys.items():
            node = world.tree.node(at)
            assert node is not None
            sealed = suite.hpke_seal(node.encryption_key, b"", b"", b"probe", secrets.token_bytes)
            assert suite.hpke_open(private_key, sealed, b"", b"") == b"probe"


def pick(rng: Rng, items: Sequence[T]) -> T:
    return items[draw_below(rng, len(items))]


def turn(world: World, rng: Rng, largest: int) -> World:
    """One Commit, with or without proposals before its path; or Adds without a path."""
    if len(world.seats) < largest and draw_below(rng, 4) == 0:
        return add(world, new_person(world.suite, rng))[0]
    committer = pick(rng, list(world.seats))
    for _ in range(draw_below(rng, 3)):
        others = [leaf for leaf in world.seats if leaf != committer]
        change = draw_below(rng, 3)
        if change == 0 and others:
            world = update(world, pick(rng, others), rng)
        elif change == 1 and others:
            world = remove(world, pick(rng, others))
    added: list[LeafIndex] = []
    for _ in range(draw_below(rng, 3)):
        if len(world.seats) < largest:
            world, leaf = add(world, new_person(world.suite, rng))
            added.append(leaf)
    return commit(world, committer, tuple(added), rng)


def history(suite: CipherSuite, seed: str, turns: int, largest: int) -> None:
    rng = seeded_rng(seed)
    world = found(suite, rng)
    for _ in range(turns):
        world = turn(world, rng, largest)
        check_invariant(world)
        check_world(world)
        data = encode_ratchet_tree(world.tree)
        read = decode_ratchet_tree(data)
        assert encode_ratchet_tree(read) == data
        # Kept hashes are those that a stranger computes from nothing.
        assert tree_hash(suite, world.tree) == tree_hash(suite, read)
    check_keys_match(world)


@pytest.mark.parametrize("seed", ["anna", "berta", "clara", "dora", "emil", "fritz"])
def test_random_histories_keep_the_tree_invariant_and_end_in_valid_trees(seed: str) -> None:
    history(SUITE, seed, 25, 11)


def test_random_histories_in_the_suite_of_rooms() -> None:
    history(suite_of(ROOM_SUITE), "rooms", 12, 6)


@pytest.mark.soak
def test_random_histories_for_long() -> None:
    for i in range(100):
        history(SUITE, f"soak {i}", 40, 24)


def counts(path: UpdatePath) -> list[int]:
    return [len(node.encrypted_path_secrets) for node in path.nodes]


def test_the_path_of_the_only_member_has_no_nodes_and_a_secret_nonetheless() -> None:
    alone = found(SUITE, RNG)
    a, b = (path_of(alone, ZERO, (), RNG) for _ in range(2))
    assert a.path.nodes == ()
    assert a.path.leaf_node.source == CommitSource(b"")
    assert len(a.commit_secret) == SUITE.nh
    assert a.commit_secret != b.commit_secret
    check_world(commit(alone, ZERO, (), RNG))


def test_a_path_goes_up_one_step_only_when_the_other_half_is_blank() -> None:
    half = commit(add_many(found(SUITE, RNG), 3, RNG), THREE, (), RNG)
    half = remove(remove(half, ZERO), ONE)
    assert half.tree.leaf_count == 4
    after = commit(half, TWO, (), RNG)
    assert after.tree.is_blank(NodeIndex(3))
    assert after.parent_node(5).parent_hash == b""
    check_invariant(after)
    check_world(after)


def test_a_path_follows_an_update_of_leaf_0() -> None:
    before = commit(add_many(found(SUITE, RNG), 3, RNG), ZERO, (), RNG)
    updated = update(before, ZERO, RNG)
    assert updated.leaf_node(ZERO).source.kind == "update"
    assert all(updated.tree.is_blank(at) for at in updated.tree.direct_path(ZERO))
    after = commit(updated, TWO, (), RNG)
    check_invariant(after)
    check_world(after)


def test_a_path_sends_nothing_to_leaves_that_the_same_commit_adds_though_their_nodes_count() -> None:
    pair, leaf = add(found(SUITE, RNG), new_person(SUITE, RNG))
    assert counts(path_of(pair, ZERO, (leaf,), RNG).path) == [0]
    after = commit(pair, ZERO, (leaf,), RNG)
    check_invariant(after)
    check_world(after)


def test_a_path_sends_to_a_node_and_to_each_leaf_unmerged_there() -> None:
    four = commit(add_many(found(SUITE, RNG), 3, RNG), THREE, (), RNG)
    gone = commit(remove(four, TWO), THREE, (), RNG)
    world, leaf = add(gone, new_person(SUITE, RNG))
    assert leaf == TWO
    assert world.parent_node(3).unmerged_leaves == (TWO,)
    assert counts(path_of(world, ZERO, (), RNG).path) == [1, 2]
    after = commit(world, ZERO, (), RNG)
    check_invariant(after)
    check_world(after)


def test_newcomers_can_check_a_tree_though_somebody_is_unmerged_beside_them() -> None:
    # RFC 9420 §7.9: seven members, F removed by A; E and then A commit; somebody new at F.
    e, f = LeafIndex(4), LeafIndex(5)
    removed = remove(commit(add_many(found(SUITE, RNG), 6, RNG), ZERO, (), RNG), f)
    both = reduce(lambda world, leaf: commit(world, leaf, (), RNG), (ZERO, e, ZERO), removed)
    after, leaf = add(both, new_person(SUITE, RNG))
    assert leaf == f
    assert [at for at, node in after.tree.parents() if f in node.unmerged_leaves] == [7, 11]
    check_world(after)
    check_invariant(after)


def test_a_path_blanks_a_node_with_nobody_on_its_other_side_and_its_key_is_forgotten() -> None:
    # Leaves 0, 1 and 4, and a key at node 3 that no honest path would have set.
    before = reduce(remove, (TWO, THREE), add_many(found(SUITE, RNG), 4, RNG))
    keys = new_person(SUITE, RNG)
    tree = before.tree.with_nodes({NodeIndex(3): ParentNode(keys.init_key, b"", ())})
    own = {**before.seats[ONE].keys, NodeIndex(3): keys.created.secrets.init_private_key}
    world = replace(before, tree=tree)
    created = path_of(world, ZERO, (), RNG)
    received = applied(world, ZERO, created.path)
    assert created.tree.is_blank(NodeIndex(3))
    assert received.tree.is_blank(NodeIndex(3))
    opened = decrypt_path(SUITE, received, ONE, own, context_of(tree_hash(SUITE, received.tree)))
    assert sorted(opened.private_tree) == [1, 2, 7]


def test_a_path_brings_somebody_in_who_was_not_there_an_external_commit() -> None:
    before = commit(add_many(found(SUITE, RNG), 2, RNG), ONE, (), RNG)
    tree, leaf = before.tree.with_room()
    person = new_person(SUITE, RNG)
    world = replace(before, tree=tree)
    created = create_update_path(SUITE, path_input(world, leaf, person.leaf_node, person.signature), RNG)
    received = applied(world, leaf, created.path)
    assert encode_ratchet_tree(received.tree) == encode_ratchet_tree(created.tree)
    check_world(world, received.tree)


FIVE = add_many(found(SUITE, RNG), 4, RNG).tree


def test_trees_double_when_there_is_no_room_and_are_cut_back_when_members_leave() -> None:
    assert FIVE.leaf_count == 8
    tree = FIVE
    for _ in range(5, 9):
        tree, _ = tree.add(new_person(SUITE, RNG).leaf_node)
    assert tree.leaf_count == 16
    assert tree.remove(LeafIndex(8)).leaf_count == 8
    assert FIVE.remove(LeafIndex(4)).leaf_count == 4
    # The leftmost blank first, whoever was there.
    assert tree.remove(THREE).add(new_person(SUITE, RNG).leaf_node)[1] == 3
    assert tree.leaf_count == 16


def test_trees_keep_unmerged_leaves_in_order_whatever_order_they_come_in() -> None:
    leaf = FIVE.leaf(ZERO)
    assert leaf is not None
    parent = ParentNode(leaf.encryption_key, b"", (LeafIndex(4),))
    tree, added = FIVE.remove(ONE).with_nodes({NodeIndex(7): parent}).add(new_person(SUITE, RNG).leaf_node)
    assert added == 1
    after = tree.parent(NodeIndex(7))
    assert after is not None
    assert after.unmerged_leaves == (1, 4)


def test_trees_are_never_changed_by_what_is_made_of_them() -> None:
    data, before = encode_ratchet_tree(FIVE), tree_hash(SUITE, FIVE)
    leaf = FIVE.leaf(TWO)
    assert leaf is not None
    FIVE.remove(ZERO)
    FIVE.add(new_person(SUITE, RNG).leaf_node)
    FIVE.update(ONE, leaf)
    assert encode_ratchet_tree(FIVE) == data
    assert tree_hash(SUITE, FIVE) == before


class Counting(CipherSuite):
    """Counts what it hashes."""

    __slots__ = ("hashed",)

    def __init__(self) -> None:
        self.hashed = 0
        self.hash = self.count

    def count(self, data: bytes) -> bytes:
        self.hashed += 1
        return SUITE.hash(data)


def test_trees_hash_again_only_what_is_above_a_change() -> None:
    counting = Counting()
    first = tree_hash(counting, FIVE)
    assert counting.hashed == 15
    changed = FIVE.with_nodes({NodeIndex(2): FIVE.leaf(ZERO)})
    assert tree_hash(counting, changed) == tree_hash(counting, changed) != first
    assert counting.hashed == 15 + 4
    assert tree_hash(counting, FIVE) == first
    assert counting.hashed == 15 + 4
    # Another suite's hash is another memory.
    assert tree_hash(SUITE, FIVE) == first
    assert tree_hash(suite_of(ROOM_SUITE), FIVE) != first


def test_resolutions_are_those_of_the_tree_they_are_asked_of() -> None:
    root = FIVE.root
    assert FIVE.resolution(root) == (0, 2, 4, 6, 8)
    without = FIVE.remove(ONE)
    assert without.resolution(root) == (0, 4, 6, 8)
    assert FIVE.resolution(root) == (0, 2, 4, 6, 8)
    assert FIVE.is_empty(NodeIndex(13))
    assert not FIVE.is_empty(NodeIndex(11))
