"""Indices of trees where the vectors do not look (RFC 9420 §4.1, Appendix C)."""

from itertools import product

import pytest

from crypto.mls import tree_math as math
from crypto.mls.errors import DecodeError, UsageError
from crypto.mls.ratchet_tree import RatchetTree
from crypto.mls.suites import suite_of
from crypto.mls.tree_math import MAX_LEAVES, LeafIndex, NodeIndex
from tests.crypto.mls.tree_world import code_of, new_person
from tests.crypto.seeded_rng import seeded_rng

NODES = [NodeIndex(at) for at in range(15)]


def test_the_lowest_node_above_two_is_the_first_that_both_paths_share() -> None:
    for a, b in product(NODES, NODES):
        above = [a, *math.direct_path(a, 8)]
        shared = next(at for at in above if at in [b, *math.direct_path(b, 8)])
        assert math.common_ancestor(a, b) == shared


def test_what_is_within_a_subtree_is_what_has_its_head_above() -> None:
    for at, head in product(NODES, NODES):
        assert math.is_within(at, head) == (head in [at, *math.direct_path(at, 8)])
    for head in NODES:
        leaves = [leaf for leaf in range(8) if math.is_within(math.node_of_leaf(LeafIndex(leaf)), head)]
        assert list(math.leaves_below(head)) == leaves


def test_the_copath_is_what_stands_beside_the_direct_path() -> None:
    for at in NODES:
        above = [at, *math.direct_path(at, 8)]
        assert math.copath(at, 8) == [math.sibling(one, 8) for one in above[:-1]]


def test_a_tree_has_room_for_its_leaves_and_no_more_than_twice() -> None:
    assert [math.leaf_count_for(leaves) for leaves in range(10)] == [1, 1, 2, 4, 4, 8, 8, 8, 8, 16]
    assert [math.node_width(leaves) for leaves in (0, 1, 2, 4)] == [0, 1, 3, 7]
    assert math.leaf_count_for(MAX_LEAVES) == MAX_LEAVES
    with pytest.raises(DecodeError):
        math.leaf_count_for(MAX_LEAVES + 1)


def test_leaves_and_parents_are_not_taken_for_each_other() -> None:
    assert math.leaf_of_node(NodeIndex(6)) == 3
    for wrong in (
        lambda: math.leaf_of_node(NodeIndex(5)),
        lambda: math.left(NodeIndex(4)),
        lambda: math.right(NodeIndex(4)),
        lambda: math.parent(NodeIndex(7), 8),
        lambda: math.sibling(NodeIndex(7), 8),
    ):
        with pytest.raises(UsageError):
            wrong()


def test_the_largest_tree_takes_nobody_more() -> None:
    leaf = new_person(suite_of(1), seeded_rng("many")).leaf_node
    full = RatchetTree.of([leaf, None] * (MAX_LEAVES - 1) + [leaf])
    assert code_of(lambda: full.add(leaf)) == "tree_full"
    assert full.remove(LeafIndex(5)).add(leaf)[1] == 5
