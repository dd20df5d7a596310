"""The official vectors of trees: indices, operations, validation, TreeKEM both ways (RFC 9420 §4, §7)."""

import secrets

from crypto.mls import tree_math as math
from crypto.mls.capabilities import MLS_10
from crypto.mls.group_context import GroupContext, encode_group_context
from crypto.mls.kem import KeyPair
from crypto.mls.leaf_node import LeafPlace, leaf_signature_is_valid
from crypto.mls.parent_hash import check_parent_hashes
from crypto.mls.private_tree import private_tree_of
from crypto.mls.proposal import Add, Proposal, Remove, Update, decode_proposal
from crypto.mls.ratchet_tree import RatchetTree
from crypto.mls.suite import CipherSuite
from crypto.mls.tree_codec import decode_ratchet_tree, encode_ratchet_tree
from crypto.mls.tree_hash import tree_hash
from crypto.mls.tree_kem import (
    AppliedPath,
    LeafContent,
    PathInput,
    ReceivedPath,
    apply_update_path,
    create_update_path,
    decrypt_path,
)
from crypto.mls.tree_math import LeafIndex, NodeIndex, node_index, node_of_leaf
from crypto.mls.tree_validation import TreeClaims, check_tree
from crypto.mls.update_path import UpdatePath, decode_update_path
from tests.crypto.vectors import Entry, Record, VectorFile, b, each_in_scope, each_vector_file, report


@each_vector_file("mls/tree-math")
def test_tree_math(file: VectorFile, record_property: Record) -> None:
    entries = file.entries()
    for entry in entries:
        leaves = entry["n_leaves"]
        assert math.node_width(leaves) == entry["n_nodes"]
        assert math.root(leaves) == entry["root"]
        for i in range(entry["n_nodes"]):
            node = node_index(i)
            leaf, top = math.is_leaf(node), i == entry["root"]
            assert (None if leaf else math.left(node)) == entry["left"][i]
            assert (None if leaf else math.right(node)) == entry["right"][i]
            assert (None if top else math.parent(node, leaves)) == entry["parent"][i]
            assert (None if top else math.sibling(node, leaves)) == entry["sibling"][i]
    report(file, record_property, len(entries))


def applied(tree: RatchetTree, proposal: Proposal, sender: LeafIndex) -> RatchetTree:
    match proposal:
        case Add():
            return tree.add(proposal.key_package.leaf_node)[0]
        case Update():
            return tree.update(sender, proposal.leaf_node)
        case Remove():
            return tree.remove(proposal.removed)
        case _:
            raise AssertionError("a proposal that does not change a tree")


@each_vector_file("mls/tree-operations")
def test_tree_operations(file: VectorFile, record_property: Record) -> None:
    each_in_scope(file, record_property, check_operation)


def check_operation(suite: CipherSuite, entry: Entry) -> None:
    before = decode_ratchet_tree(b(entry["tree_before"]))
    proposal = decode_proposal(b(entry["proposal"]))
    after = applied(before, proposal, LeafIndex(entry["proposal_sender"]))
    assert encode_ratchet_tree(after) == b(entry["tree_after"])
    assert tree_hash(suite, after) == b(entry["tree_hash_after"])
    # The tree that was changed is what it was.
    assert encode_ratchet_tree(before) == b(entry["tree_before"])
    assert tree_hash(suite, before) == b(entry["tree_hash_before"])


@each_vector_file("mls/tree-validation")
def test_tree_validation(file: VectorFile, record_property: Record) -> None:
    each_in_scope(file, record_property, check_validation)


def check_validation(suite: CipherSuite, entry: Entry) -> None:
    tree = decode_ratchet_tree(b(entry["tree"]))
    group_id = b(entry["group_id"])
    assert tree.node_count == len(entry["tree_hashes"])
    for i in range(tree.node_count):
        assert list(tree.resolution(node_index(i))) == entry["resolutions"][i]
        assert tree_hash(suite, tree, node_index(i)) == b(entry["tree_hashes"][i])
    check_parent_hashes(suite, tree)
    for leaf, node in tree.members():
        assert leaf_signature_is_valid(suite, node, LeafPlace(group_id, leaf))
    check_tree(suite, tree, TreeClaims(group_id, tree_hash(suite, tree), ()))


class TreeKem:
    """One entry: a tree, what its members know, and the paths that they send."""

    def __init__(self, suite: CipherSuite, entry: Entry) -> None:
        self.suite = suite
        self.entry = entry
        self.tree = decode_ratchet_tree(b(entry["ratchet_tree"]))
        self.group_id = b(entry["group_id"])
        self.keys = {}
        self.signature_keys = {}
        for one in entry["leaves_private"]:
            leaf = LeafIndex(one["index"])
            self.keys[leaf] = {**private_tree_of(leaf, b(one["encryption_priv"]))}
            self.signature_keys[leaf] = b(one["signature_priv"])
            for known in one["path_secrets"]:
                pair = self.pair(b(known["path_secret"]))
                node = self.tree.node(NodeIndex(known["node"]))
                assert node is not None
                assert node.encryption_key == pair.public_key
                self.keys[leaf][NodeIndex(known["node"])] = pair.private_key

    def pair(self, path_secret: bytes) -> KeyPair:
        return self.suite.derive_key_pair(self.suite.derive_secret(path_secret, "node"))

    def context(self, tree_hash_after: bytes) -> bytes:
        transcript = b(self.entry["confirmed_transcript_hash"])
        epoch = self.entry["epoch"]
        return encode_group_context(
            GroupContext(MLS_10, self.suite.id, self.group_id, epoch, tree_hash_after, transcript, ())
        )

    def apply(self, sender: LeafIndex, path: UpdatePath) -> AppliedPath:
        received = ReceivedPath(
            tree=self.tree, sender=sender, path=path, group_id=self.group_id, extensions=(), added=()
        )
        return apply_update_path(self.suite, received)

    def others(self, sender: LeafIndex) -> list[LeafIndex]:
        return [leaf for leaf, _ in self.tree.members() if leaf != sender]

    def check_given(self, update: Entry) -> None:
        sender = LeafIndex(update["sender"])
        merged = self.apply(sender, decode_update_path(b(update["update_path"])))
        after = tree_hash(self.suite, merged.tree)
        assert after == b(update["tree_hash_after"])
        check_parent_hashes(self.suite, merged.tree)
        for leaf in self.others(sender):
            opened = decrypt_path(self.suite, merged, leaf, self.keys[leaf], self.context(after))
            assert opened.commit_secret == b(update["commit_secret"])
            shared = math.common_ancestor(node_of_leaf(sender), node_of_leaf(leaf))
            secret = b(update["path_secrets"][leaf])
            assert opened.private_tree[shared] == self.pair(secret).private_key

    def check_made(self, sender: LeafIndex) -> None:
        own = self.tree.leaf(sender)
        assert own is not None
        signature = KeyPair(self.signature_keys[sender], own.signature_key)
        content = PathInput(
            tree=self.tree,
            own_leaf=sender,
            group_id=self.group_id,
            content=LeafContent(signature, own.credential, own.capabilities, own.extensions),
            added=(),
            group_context=self.context,
        )
        created = create_update_path(self.suite, content, secrets.token_bytes)
        merged = self.apply(sender, created.path)
        assert encode_ratchet_tree(merged.tree) == encode_ratchet_tree(created.tree)
        context = self.context(tree_hash(self.suite, created.tree))
        for leaf in self.others(sender):
            opened = decrypt_path(self.suite, merged, leaf, self.keys[leaf], context)
            assert opened.commit_secret == created.commit_secret


@each_vector_file("mls/treekem")
def test_treekem(file: VectorFile, record_property: Record) -> None:
    each_in_scope(file, record_property, check_treekem)


def check_treekem(suite: CipherSuite, entry: Entry) -> None:
    world = TreeKem(suite, entry)
    for update in entry["update_paths"]:
        world.check_given(update)
        world.check_made(LeafIndex(update["sender"]))
