"""v301 to v305 and v311 to v313: update paths that break one rule each, and who can see it."""

from collections.abc import Callable
from dataclasses import replace
from functools import cache, reduce
from typing import Any

import pytest

from crypto.mls.extension import Extension
from crypto.mls.hpke import HpkeCiphertext
from crypto.mls.leaf_node import CommitSource, KeyPackageSource, UpdateSource
from crypto.mls.private_tree import PrivateTree, retained
from crypto.mls.ratchet_tree import RatchetTree
from crypto.mls.suite import ROOM_SUITE, CipherSuite
from crypto.mls.suites import suite_of
from crypto.mls.tree_hash import tree_hash
from crypto.mls.tree_kem import (
    AppliedPath,
    CreatedPath,
    NewcomerInput,
    decrypt_path,
    path_secret_for,
    private_tree_of_newcomer,
)
from crypto.mls.tree_math import LeafIndex, NodeIndex, node_of_leaf
from crypto.mls.tree_validation import check_members
from crypto.mls.update_path import UpdatePath
from tests.crypto.mls.tree_world import (
    NONE,
    World,
    add,
    add_many,
    applied,
    code_of,
    commit,
    context_of,
    found,
    new_person,
    path_of,
    with_leaf,
)
from tests.crypto.seeded_rng import seeded_rng

SUITE = suite_of(1)
RNG = seeded_rng("treekem")
ZERO, ONE, TWO, THREE, FOUR = LEAVES = [LeafIndex(i) for i in range(5)]


def five(suite: CipherSuite) -> World:
    """Five leaves under a tree full of keys."""
    return reduce(
        lambda world, leaf: commit(world, leaf, (), RNG), LEAVES, add_many(found(suite, RNG), 4, RNG)
    )


FULL = five(SUITE)
CREATED = path_of(FULL, ONE, (), RNG)
PATH = CREATED.path


def with_node(path: UpdatePath, i: int, **changes: Any) -> UpdatePath:
    nodes = list(path.nodes)
    nodes[i] = replace(nodes[i], **changes)
    return replace(path, nodes=tuple(nodes))


def resigned(path: UpdatePath, **changes: Any) -> UpdatePath:
    """The path's leaf with changes, signed again."""
    tree = CREATED.tree.with_nodes({node_of_leaf(ONE): path.leaf_node})
    leaf_node = with_leaf(replace(FULL, tree=tree), ONE, **changes).leaf(ONE)
    assert leaf_node is not None
    return replace(path, leaf_node=leaf_node)


def applying(path: UpdatePath, world: World = FULL, added: tuple[LeafIndex, ...] = ()) -> str:
    return code_of(lambda: applied(world, ONE, path, added))


def counts(path: UpdatePath) -> list[int]:
    return [len(node.encrypted_path_secrets) for node in path.nodes]


def test_a_path_is_right_as_it_was_made_and_where_it_was_made() -> None:
    assert applying(PATH) == NONE
    assert counts(PATH) == [1, 1, 1]
    assert code_of(lambda: applied(FULL, TWO, PATH)) == "v101_leaf_signature"
    assert applying(PATH, replace(FULL, group_id=b"another group")) == "v101_leaf_signature"


def test_v101_the_leaf_is_signed_anew_over_its_new_key_and_its_parent_hash() -> None:
    signature = FULL.leaf_node(ONE).signature
    assert (
        applying(replace(PATH, leaf_node=replace(PATH.leaf_node, signature=signature)))
        == "v101_leaf_signature"
    )
    # All of another leaf but the parent hash, which is right, and which the signature does not cover.
    other = path_of(FULL, ONE, (), RNG).path.leaf_node
    mixed = replace(other, source=PATH.leaf_node.source)
    assert applying(replace(PATH, leaf_node=mixed)) == "v101_leaf_signature"


def test_v102_the_leaf_says_that_a_commit_brought_it() -> None:
    for source in (UpdateSource(), KeyPackageSource(0, 1)):
        assert applying(resigned(PATH, source=source)) == "v102_leaf_source"


def test_v106_the_leaf_can_do_what_the_group_does_from_now_on() -> None:
    world = replace(FULL, extensions=(Extension(0xF777, b""),))
    assert applying(PATH, world) == "v106_group_extension"


def test_v109_the_leaf_has_a_new_encryption_key() -> None:
    kept = FULL.leaf_node(ONE).encryption_key
    assert applying(resigned(PATH, encryption_key=kept)) == "v109_encryption_key_kept"


def test_v301_a_path_has_as_many_nodes_as_the_filtered_direct_path() -> None:
    for nodes in (PATH.nodes[1:], (*PATH.nodes, PATH.nodes[0]), ()):
        assert applying(replace(PATH, nodes=nodes)) == "v301_path_length"


def test_v302_a_node_has_as_many_ciphertexts_as_each_resolution_has_nodes() -> None:
    for i, node in enumerate(PATH.nodes):
        for secrets in ((), node.encrypted_path_secrets * 2):
            assert applying(with_node(PATH, i, encrypted_path_secrets=secrets)) == "v302_path_ciphertexts"


def test_v302_without_the_leaves_that_the_same_commit_adds() -> None:
    more, leaf = add(FULL, new_person(SUITE, RNG))
    excluding = path_of(more, ONE, (leaf,), RNG).path
    assert applying(excluding, more, (leaf,)) == NONE
    assert applying(excluding, more) == "v302_path_ciphertexts"
    assert applying(path_of(more, ONE, (), RNG).path, more, (leaf,)) == "v302_path_ciphertexts"


def test_v303_no_key_that_is_in_the_tree_also_not_one_that_the_path_replaces() -> None:
    for at in (5, 8, 1, 7):
        node = FULL.tree.node(NodeIndex(at)) or FULL.leaf_node(THREE)
        assert applying(with_node(PATH, 1, encryption_key=node.encryption_key)) == "v303_path_key_reused"
    used = FULL.leaf_node(FOUR).encryption_key
    assert applying(resigned(PATH, encryption_key=used)) == "v303_path_key_reused"


def test_v303_no_key_twice_in_the_path() -> None:
    used = PATH.nodes[2].encryption_key
    assert applying(with_node(PATH, 0, encryption_key=used)) == "v303_path_key_reused"
    assert applying(resigned(PATH, encryption_key=used)) == "v303_path_key_reused"


def test_v304_v108_no_key_that_nobody_could_encrypt_to() -> None:
    for key in (bytes(32), b""):
        assert applying(with_node(PATH, 1, encryption_key=key)) == "v304_path_key"
        assert applying(resigned(PATH, encryption_key=key)) == "v108_encryption_key"


def test_v305_the_parent_hash_is_that_of_the_path_in_its_place() -> None:
    assert applying(resigned(PATH, source=CommitSource(b"wrong"))) == "v305_path_parent_hash"
    other = new_person(SUITE, RNG).init_key
    for i in range(3):
        assert applying(with_node(PATH, i, encryption_key=other)) == "v305_path_parent_hash"
    renewed = replace(FULL, tree=with_leaf(FULL, FOUR, extensions=()))
    assert applying(PATH, renewed) == "v305_path_parent_hash"


def test_v207_how_the_new_leaf_gets_on_with_the_others_is_for_check_members_to_say() -> None:
    signature = FULL.seats[THREE].signature
    after = replace(FULL, tree=CREATED.tree)
    leaf_node = with_leaf(after, ONE, signature, signature_key=signature.public_key).leaf(ONE)
    assert leaf_node is not None
    tree = applied(FULL, ONE, replace(PATH, leaf_node=leaf_node)).tree
    assert code_of(lambda: check_members(tree, ())) == "v207_duplicate_signature_key"


class Opening:
    """A path of leaf 1 and what the others can open of it."""

    def __init__(self, suite: CipherSuite) -> None:
        self.suite = suite
        self.world = FULL if suite is SUITE else five(suite)
        self.made: CreatedPath = CREATED if suite is SUITE else path_of(self.world, ONE, (), RNG)
        self.context = context_of(tree_hash(suite, self.made.tree))
        self.received = applied(self.world, ONE, self.made.path)

    def secret(self, leaf: LeafIndex) -> bytes:
        keys = self.world.seats[leaf].keys
        return decrypt_path(self.suite, self.received, leaf, keys, self.context).commit_secret

    def code(self, path: AppliedPath, leaf: LeafIndex = THREE, context: bytes | None = None) -> str:
        keys = self.world.seats[leaf].keys
        used = self.context if context is None else context
        return code_of(lambda: decrypt_path(self.suite, path, leaf, keys, used))

    def with_ciphertext(self, change: Callable[[HpkeCiphertext], HpkeCiphertext]) -> AppliedPath:
        """The path with another ciphertext for leaf 3, who reads the second node of leaf 1's path."""
        (ct,) = self.received.path.nodes[1].encrypted_path_secrets
        path = with_node(self.received.path, 1, encrypted_path_secrets=(change(ct),))
        return replace(self.received, path=path)

    def sealed(self, secret: bytes, label: str = "UpdatePathNode") -> AppliedPath:
        key = self.world.parent_node(5).encryption_key
        ct = self.suite.encrypt_with_label(key, label, self.context, secret, RNG)
        return self.with_ciphertext(lambda _: ct)


@cache
def opening(number: int) -> Opening:
    return Opening(suite_of(number))


each_suite = pytest.mark.parametrize("number", [1, ROOM_SUITE])


def flipped(data: bytes) -> bytes:
    return data[:5] + bytes((data[5] ^ 1,)) + data[6:]


@each_suite
def test_everybody_opens_a_path_to_the_same_secret_but_its_sender(number: int) -> None:
    one = opening(number)
    assert {one.secret(leaf) for leaf in (ZERO, TWO, THREE, FOUR)} == {one.made.commit_secret}
    assert one.code(one.received, ONE) == "own_path"


@each_suite
def test_v311_the_path_secret_opens(number: int) -> None:
    one = opening(number)
    first = one.received.path.nodes[0].encrypted_path_secrets[0]
    for bad in (
        one.with_ciphertext(lambda ct: replace(ct, ciphertext=flipped(ct.ciphertext))),
        one.with_ciphertext(lambda ct: replace(ct, ciphertext=b"")),
        one.with_ciphertext(lambda ct: replace(ct, kem_output=flipped(ct.kem_output))),
        one.with_ciphertext(lambda ct: replace(ct, kem_output=b"")),
        one.with_ciphertext(lambda ct: replace(ct, kem_output=bytes(len(ct.kem_output)))),
        one.with_ciphertext(lambda _: first),
        one.sealed(bytes(one.suite.nh), "Welcome"),
    ):
        assert one.code(bad) == "v311_path_secret"
        # The others' part is as good as it was: only leaf 3 is stuck (E18).
        assert one.code(bad, ZERO) == NONE
    assert one.code(one.received, THREE, b"another context") == "v311_path_secret"


@each_suite
def test_v311_there_is_one_for_each_member(number: int) -> None:
    one = opening(number)
    code = code_of(lambda: decrypt_path(one.suite, one.received, THREE, {}, one.context))
    assert code == "v311_path_secret"
    stranger = LeafIndex(6)
    short = replace(one.received, steps=one.received.steps[:1])
    assert code_of(lambda: decrypt_path(one.suite, short, stranger, {}, one.context)) == "v311_path_secret"


@each_suite
def test_v311_it_is_as_long_as_a_secret_is(number: int) -> None:
    one = opening(number)
    good = one.made.path_secrets[NodeIndex(3)]
    assert one.code(one.sealed(good)) == NONE
    assert one.code(one.sealed(good[1:])) == "v311_path_secret"
    assert one.code(one.sealed(b"")) == "v311_path_secret"


@each_suite
def test_v312_it_leads_to_the_public_keys_of_the_path(number: int) -> None:
    one = opening(number)
    assert one.code(one.sealed(bytes(one.suite.nh))) == "v312_path_keys"
    # The secret of the node below, and the one of the node above.
    for at in (1, 7):
        assert one.code(one.sealed(one.made.path_secrets[NodeIndex(at)])) == "v312_path_keys"


MORE, NEWCOMER = add(FULL, new_person(SUITE, RNG))
WELCOMED = path_of(MORE, ONE, (NEWCOMER,), RNG)
SECRET = path_secret_for(WELCOMED.path_secrets, ONE, NEWCOMER)


def joined(path_secret: bytes | None, tree: RatchetTree = WELCOMED.tree) -> PrivateTree:
    content = NewcomerInput(
        tree=tree,
        own_leaf=NEWCOMER,
        encryption_private_key=MORE.seats[NEWCOMER].keys[node_of_leaf(NEWCOMER)],
        committer=ONE,
        path_secret=path_secret,
    )
    return private_tree_of_newcomer(SUITE, content)


def test_a_newcomer_knows_the_keys_of_the_path_from_where_it_meets_the_committers() -> None:
    assert NEWCOMER == 5
    assert list(joined(SECRET)) == [10, 7]
    assert joined(SECRET)[NodeIndex(7)] == WELCOMED.private_tree[NodeIndex(7)]


def test_a_newcomer_knows_its_leaf_alone_after_a_commit_without_a_path() -> None:
    assert list(joined(None, MORE.tree)) == [10]


def test_v311_a_newcomer_gets_a_secret_that_belongs_to_a_node() -> None:
    assert code_of(lambda: joined(SECRET[1:])) == "v311_path_secret"
    for blank in ({NodeIndex(7): None}, {NodeIndex(at): None for at in (7, 9, 11)}):
        tree = WELCOMED.tree.with_nodes(blank)
        assert code_of(lambda: joined(SECRET, tree)) == "v311_path_secret"  # noqa: B023


def test_v311_a_newcomer_gets_no_secret_of_a_blank_node_though_there_is_one_above() -> None:
    made = path_of(MORE, FOUR, (NEWCOMER,), RNG)
    content = NewcomerInput(
        tree=made.tree.with_nodes({NodeIndex(9): None}),
        own_leaf=NEWCOMER,
        encryption_private_key=MORE.seats[NEWCOMER].keys[node_of_leaf(NEWCOMER)],
        committer=FOUR,
        path_secret=made.path_secrets[NodeIndex(9)],
    )
    assert code_of(lambda: private_tree_of_newcomer(SUITE, content)) == "v311_path_secret"
    whole = replace(content, tree=made.tree)
    assert sorted(private_tree_of_newcomer(SUITE, whole)) == [7, 9, 10]


def test_v312_a_newcomer_gets_the_secret_of_that_node() -> None:
    assert code_of(lambda: joined(bytes(SUITE.nh))) == "v312_path_keys"
    assert code_of(lambda: joined(WELCOMED.path_secrets[NodeIndex(1)])) == "v312_path_keys"


def test_v313_a_newcomer_is_not_kept_out_of_a_node_where_it_counts_as_merged() -> None:
    assert code_of(lambda: joined(None)) == "v313_path_secret_missing"


def test_a_newcomer_has_a_node_on_the_committers_path_whoever_else_has_none() -> None:
    assert code_of(lambda: path_secret_for(WELCOMED.path_secrets, ONE, ONE)) == "path_secret"


def test_private_keys_of_a_removed_path_are_kept_no_longer() -> None:
    keys = FULL.seats[ONE].keys
    assert sorted(keys) == [1, 2, 3, 7]
    assert sorted(retained(keys, FULL.tree, FULL.tree.remove(TWO))) == [1, 2]
    assert retained(keys, FULL.tree, CREATED.tree) == {}
    assert NodeIndex(7) not in retained(keys, FULL.tree, FULL.tree.remove(FOUR))


def test_private_keys_are_what_they_were_after_something_is_opened_with_them() -> None:
    before = dict(FULL.seats[THREE].keys)
    opening(1).secret(THREE)
    assert FULL.seats[THREE].keys == before


def test_secrets_are_not_in_what_is_printed() -> None:
    for secret in (CREATED.commit_secret, *CREATED.private_tree.values(), *CREATED.path_secrets.values()):
        assert repr(secret) not in repr(CREATED)
