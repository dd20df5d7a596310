"""The private half of a ratchet tree: the keys that one member knows, by node (RFC 9420 §4.2). Immutable."""

from collections.abc import Mapping

from crypto.mls.ratchet_tree import RatchetTree
from crypto.mls.tree_math import LeafIndex, NodeIndex, node_of_leaf

PrivateTree = Mapping[NodeIndex, bytes]


def private_tree_of(leaf: LeafIndex, encryption_private_key: bytes) -> PrivateTree:
    """What a member knows who only has a leaf."""
    return {node_of_leaf(leaf): encryption_private_key}


def retained(keys: PrivateTree, before: RatchetTree, after: RatchetTree) -> PrivateTree:
    """The keys of nodes that stand in both trees with the same public key: the others open nothing any more.

    RFC 9420 §7.5 wants those gone: nothing may refer to `keys` once `after` is stored.
    """
    return {at: key for at, key in keys.items() if at < after.node_count and _stands(at, before, after)}


def _stands(at: NodeIndex, before: RatchetTree, after: RatchetTree) -> bool:
    old, now = before.node(at), after.node(at)
    return old is not None and now is not None and old.encryption_key == now.encryption_key
