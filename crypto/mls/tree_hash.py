"""Tree hashes (RFC 9420 §7.8): computed when asked for, and kept with the subtree they belong to."""

from collections.abc import Collection
from dataclasses import replace

from crypto.mls.codec import Writer
from crypto.mls.leaf_node import LeafNode, write_leaf_node
from crypto.mls.ratchet_tree import ParentNode, RatchetTree
from crypto.mls.suite import CipherSuite
from crypto.mls.tree_codec import NODE_LEAF, NODE_PARENT, write_parent_node
from crypto.mls.tree_math import (
    LeafIndex,
    NodeIndex,
    is_leaf,
    is_within,
    leaf_of_node,
    left,
    node_of_leaf,
    right,
)


def _hash_leaf(suite: CipherSuite, leaf: LeafIndex, node: LeafNode | None) -> bytes:
    writer = Writer().uint8(NODE_LEAF).uint32(leaf).optional(node, write_leaf_node)
    return suite.hash(writer.finish())


def _hash_parent(suite: CipherSuite, node: ParentNode | None, left_hash: bytes, right_hash: bytes) -> bytes:
    writer = Writer().uint8(NODE_PARENT).optional(node, write_parent_node)
    return suite.hash(writer.opaque(left_hash).opaque(right_hash).finish())


def tree_hash(suite: CipherSuite, tree: RatchetTree, at: NodeIndex | None = None) -> bytes:
    """The hash of the subtree under a node; without one, of the whole tree."""
    if at is None:
        at = tree.root
    slot = tree.slot(at)
    # By suite, since a tree does not say whose hash it uses. A slot stands for its whole subtree.
    if slot.hash is not None and slot.hash[0] is suite:
        return slot.hash[1]
    if is_leaf(at):
        value = _hash_leaf(suite, leaf_of_node(at), tree.leaf(leaf_of_node(at)))
    else:
        value = _hash_parent(
            suite, tree.parent(at), tree_hash(suite, tree, left(at)), tree_hash(suite, tree, right(at))
        )
    slot.hash = (suite, value)
    return value


def original_tree_hash(
    suite: CipherSuite, tree: RatchetTree, at: NodeIndex, without: Collection[LeafIndex]
) -> bytes:
    """The hash that the subtree would have if these leaves were blank and unmerged nowhere (RFC 9420
    §7.9).
    """
    below = {leaf for leaf in without if is_within(node_of_leaf(leaf), at)}
    if not below:
        return tree_hash(suite, tree, at)
    if is_leaf(at):
        return _hash_leaf(suite, leaf_of_node(at), None)
    node = tree.parent(at)
    if node is not None:
        unmerged = tuple(leaf for leaf in node.unmerged_leaves if leaf not in below)
        node = replace(node, unmerged_leaves=unmerged)
    return _hash_parent(
        suite,
        node,
        original_tree_hash(suite, tree, left(at), below),
        original_tree_hash(suite, tree, right(at), below),
    )
