"""v201 to v209: trees that break one rule each."""

from dataclasses import replace
from functools import reduce

from crypto.mls.capabilities import own_capabilities
from crypto.mls.credential import BasicCredential, X509Credential
from crypto.mls.extension import Extension, ExtensionType
from crypto.mls.ratchet_tree import ParentNode, RatchetTree
from crypto.mls.suites import suite_of
from crypto.mls.tree_hash import tree_hash
from crypto.mls.tree_math import LeafIndex, NodeIndex, node_of_leaf
from crypto.mls.tree_validation import TreeClaims, check_members, check_tree
from tests.crypto.mls.tree_world import (
    NONE,
    World,
    add,
    add_many,
    check_world,
    code_of,
    commit,
    found,
    new_person,
    remove,
    update,
    with_leaf,
    with_parent,
)
from tests.crypto.seeded_rng import seeded_rng

SUITE = suite_of(1)
RNG = seeded_rng("validation")
ZERO, ONE, TWO, THREE, FOUR = LEAVES = [LeafIndex(i) for i in range(5)]
ROOT_OF_EIGHT = NodeIndex(7)

# Five leaves and no parent: what is wrong with one leaf is wrong with nothing else.
FLAT = add_many(found(SUITE, RNG), 4, RNG)
# Five leaves that have all committed, so that the tree is full of keys.
FULL = reduce(lambda world, leaf: commit(world, leaf, (), RNG), LEAVES, FLAT)
# One of them gone, and somebody new in the place: unmerged at node 3 and at the root, with a blank between.
UNMERGED, NEWCOMER = add(commit(remove(FULL, TWO), ZERO, (), RNG), new_person(SUITE, RNG))


def code_of_tree(tree: RatchetTree, world: World = FLAT) -> str:
    return code_of(lambda: check_world(world, tree))


def parents_of(tree: RatchetTree) -> dict[int, tuple[int, ...]]:
    return {at: node.unmerged_leaves for at, node in tree.parents()}


def test_a_tree_is_valid_in_each_of_the_shapes_that_the_tests_start_from() -> None:
    for world in (FLAT, FULL, UNMERGED):
        assert code_of_tree(world.tree, world) == NONE
    assert parents_of(FULL.tree) == {1: (), 3: (), 5: (), 7: ()}
    assert NEWCOMER == TWO
    assert parents_of(UNMERGED.tree) == {1: (), 3: (TWO,), 7: (TWO,)}


def test_v101_a_tree_holds_valid_signatures_alone_of_leaves_where_they_were_signed() -> None:
    forged = replace(FLAT.leaf_node(ONE), extensions=())
    assert code_of_tree(FLAT.tree.with_nodes({node_of_leaf(ONE): forged})) == "v101_leaf_signature"
    elsewhere = TreeClaims(b"another group", tree_hash(SUITE, FULL.tree), ())
    assert code_of(lambda: check_tree(SUITE, FULL.tree, elsewhere)) == "v101_leaf_signature"
    # A leaf of source `update`, which no parent hash holds in its place.
    updated = update(FLAT, FOUR, RNG)
    moved = updated.tree.with_nodes(
        {node_of_leaf(THREE): updated.leaf_node(FOUR), node_of_leaf(FOUR): updated.leaf_node(THREE)}
    )
    assert code_of_tree(moved) == "v101_leaf_signature"


def test_v105_v106_a_tree_holds_nobody_who_lacks_what_the_group_has() -> None:
    private = (Extension(0xF777, b""),)
    assert code_of_tree(FLAT.tree, replace(FLAT, extensions=private)) == "v106_group_extension"
    room = (Extension(ExtensionType.COLLEGIUM_ROOM, b""),)
    assert code_of_tree(FLAT.tree, replace(FLAT, extensions=room)) == NONE
    assert code_of(lambda: check_members(FLAT.tree, private)) == "v106_group_extension"


def test_v201_a_tree_has_the_hash_that_the_group_context_says() -> None:
    claims = TreeClaims(FLAT.group_id, tree_hash(SUITE, FULL.tree), ())
    assert code_of(lambda: check_tree(SUITE, FLAT.tree, claims)) == "v201_tree_hash"


def test_v202_a_tree_is_no_larger_than_it_must_be() -> None:
    nodes = FLAT.tree.nodes()
    doubled = RatchetTree.of([*nodes, *[None] * (len(nodes) + 1)])
    assert code_of_tree(doubled) == "v202_not_truncated"
    assert code_of_tree(RatchetTree.of([None])) == "v202_not_truncated"
    # A key over a blank half, as only a tree that was never cut could have it.
    alone = commit(found(SUITE, RNG), ZERO, (), RNG)
    key = ParentNode(new_person(SUITE, RNG).init_key, b"", ())
    tree = RatchetTree.of([alone.leaf_node(ZERO), key, None])
    assert code_of_tree(tree, alone) == "v202_not_truncated"


def test_v203_a_tree_holds_no_key_that_a_member_below_did_not_choose() -> None:
    key = new_person(SUITE, RNG).init_key
    for at in parents_of(FULL.tree):
        assert code_of_tree(with_parent(FULL, at, encryption_key=key), FULL) == "v203_parent_hash"
        assert code_of_tree(with_parent(FULL, at, parent_hash=b"wrong"), FULL) == "v203_parent_hash"
    planted = FLAT.tree.with_nodes({ROOT_OF_EIGHT: ParentNode(key, b"", ())})
    assert code_of_tree(planted) == "v203_parent_hash"


def test_v203_a_path_is_bound_to_the_siblings_it_was_made_with() -> None:
    # Leaf 4 was the last to commit. Whoever stands beside its path is covered by its parent hash.
    renewed = with_leaf(FULL, ZERO, credential=BasicCredential(b"somebody else"))
    assert code_of_tree(renewed, FULL) == "v203_parent_hash"
    assert code_of_tree(FULL.tree.with_nodes({node_of_leaf(ZERO): None}), FULL) == "v203_parent_hash"


def test_v203_nobody_counts_as_unmerged_who_was_there_when_the_path_was_made() -> None:
    unmerged = {NodeIndex(at): replace(FULL.parent_node(at), unmerged_leaves=(ZERO,)) for at in (1, 3, 7)}
    assert code_of_tree(FULL.tree.with_nodes(unmerged), FULL) == "v203_parent_hash"


def test_v203_a_newcomer_does_not_count_as_merged_nobody_gave_it_the_keys_above() -> None:
    pair = commit(add_many(found(SUITE, RNG), 1, RNG), ZERO, (), RNG)
    without = remove(add_many(pair, 2, RNG), ONE)
    world = add_many(commit(without, ZERO, (), RNG), 1, RNG)
    assert world.parent_node(3).unmerged_leaves == (ONE,)
    assert code_of_tree(world.tree, world) == NONE
    # Leaf 1 stands beside leaf 0 under the blank node 1, and the parent hash of leaf 0 covers neither.
    assert world.tree.is_blank(NodeIndex(1))
    assert code_of_tree(with_parent(world, 3, unmerged_leaves=()), world) == "v203_parent_hash"


def test_v204_unmerged_leaves_are_members_below_the_node() -> None:
    for at, leaf in ((7, 6), (1, THREE), (1, 2**32 - 1)):
        tree = with_parent(FULL, at, unmerged_leaves=(LeafIndex(leaf),))
        assert code_of_tree(tree, FULL) == "v204_unmerged_leaf"


def test_v205_a_leaf_is_unmerged_at_every_key_between() -> None:
    assert code_of_tree(with_parent(UNMERGED, 3, unmerged_leaves=()), UNMERGED) == "v205_unmerged_between"


def test_v206_a_tree_holds_no_encryption_key_twice() -> None:
    twice = with_leaf(FLAT, ONE, encryption_key=FLAT.leaf_node(THREE).encryption_key)
    assert code_of_tree(twice) == "v206_duplicate_encryption_key"
    assert code_of(lambda: check_members(twice, ())) == "v206_duplicate_encryption_key"


def test_v206_nor_in_a_leaf_and_a_parent() -> None:
    world, leaf = add(FULL, new_person(SUITE, RNG))
    tree = with_leaf(world, leaf, encryption_key=FULL.parent_node(3).encryption_key)
    assert code_of_tree(tree, world) == "v206_duplicate_encryption_key"


def test_v207_a_tree_holds_no_signature_key_twice() -> None:
    signature = FLAT.seats[THREE].signature
    twice = with_leaf(FLAT, ONE, signature, signature_key=signature.public_key)
    assert code_of_tree(twice) == "v207_duplicate_signature_key"
    assert code_of(lambda: check_members(twice, ())) == "v207_duplicate_signature_key"


def test_v208_a_tree_has_no_credential_that_some_member_does_not_know() -> None:
    credential = X509Credential((b"certificate",))
    both = replace(own_capabilities(SUITE.id), credentials=(1, 2))
    tree = with_leaf(FLAT, ONE, credential=credential, capabilities=both, extensions=())
    assert code_of_tree(tree) == "v208_credential_in_use"
    # The other way round: who comes must know what is in use.
    narrow = replace(both, credentials=(2,))
    tree = with_leaf(FLAT, ONE, credential=credential, capabilities=narrow, extensions=())
    for leaf in (ZERO, TWO, THREE, FOUR):
        wide = replace(FLAT.leaf_node(leaf).capabilities, credentials=(1, 2))
        tree = with_leaf(replace(FLAT, tree=tree), leaf, capabilities=wide)
    assert code_of_tree(tree) == "v208_credential_in_use"
    assert code_of_tree(with_leaf(replace(FLAT, tree=tree), ONE, capabilities=both)) == NONE


def test_v209_parents_have_keys_that_others_can_encrypt_to() -> None:
    assert code_of_tree(with_parent(FULL, 7, encryption_key=bytes(32)), FULL) == "v209_parent_key"
