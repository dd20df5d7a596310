"""Indices of the array that holds a ratchet tree (RFC 9420 §4.1, Appendix C).

The leaf with index n is node 2n, and parents are the odd nodes between. Every tree is perfect: a power of two
of leaves.
"""

from typing import NewType

from crypto.mls.errors import DecodeError, UsageError

LeafIndex = NewType("LeafIndex", int)
"""A leaf's place among all leaves, from 0 on the left."""
NodeIndex = NewType("NodeIndex", int)
"""A node's place in the array."""

MAX_LEAVES = 2**16
"""No tree is larger, so that a tree of a peer stays bounded."""


def leaf_index(value: int) -> LeafIndex:
    """Raises UsageError when it is not an unsigned 32-bit integer, as a leaf index on the wire is."""
    if not 0 <= value < 1 << 32:
        raise UsageError("leaf_index", f"{value} is not a leaf index")
    return LeafIndex(value)


def node_index(value: int) -> NodeIndex:
    """Raises UsageError when no tree has such a node."""
    if not 0 <= value < 2 * MAX_LEAVES - 1:
        raise UsageError("node_index", f"{value} is not a node index")
    return NodeIndex(value)


def node_of_leaf(leaf: LeafIndex) -> NodeIndex:
    """Raises UsageError when the leaf is beyond the largest tree."""
    return node_index(2 * leaf)


def leaf_of_node(node: NodeIndex) -> LeafIndex:
    """Raises UsageError when the node is a parent."""
    if node & 1:
        raise UsageError("leaf_index", f"node {node} is a parent")
    return LeafIndex(node >> 1)


def is_leaf(node: NodeIndex) -> bool:
    return not node & 1


def level(node: NodeIndex) -> int:
    """0 for a leaf, and one more for each step up: how many ones the index ends in."""
    return (~node & (node + 1)).bit_length() - 1


def node_width(leaf_count: int) -> int:
    """How many nodes a tree of so many leaves has."""
    return 0 if leaf_count == 0 else 2 * leaf_count - 1


def leaf_count_for(leaves: int) -> int:
    """The smallest perfect tree that has room for so many leaves. Raises DecodeError beyond the largest."""
    if leaves > MAX_LEAVES:
        raise DecodeError(f"a tree of more than {MAX_LEAVES} leaves")
    return 1 << max(leaves - 1, 0).bit_length()


def root(leaf_count: int) -> NodeIndex:
    """The root of a tree of `leaf_count` leaves, a power of two."""
    return NodeIndex(leaf_count - 1)


def left(node: NodeIndex) -> NodeIndex:
    return NodeIndex(node ^ (1 << (_level_of_parent(node) - 1)))


def right(node: NodeIndex) -> NodeIndex:
    return NodeIndex(node ^ (3 << (_level_of_parent(node) - 1)))


def _level_of_parent(node: NodeIndex) -> int:
    k = level(node)
    if k == 0:
        raise UsageError("node_index", f"leaf node {node} has no children")
    return k


def parent(node: NodeIndex, leaf_count: int) -> NodeIndex:
    if node == root(leaf_count):
        raise UsageError("node_index", "the root has no parent")
    k = level(node)
    bit = node >> (k + 1) & 1
    return NodeIndex((node | 1 << k) ^ (bit << (k + 1)))


def sibling(node: NodeIndex, leaf_count: int) -> NodeIndex:
    above = parent(node, leaf_count)
    return right(above) if node < above else left(above)


def direct_path(node: NodeIndex, leaf_count: int) -> list[NodeIndex]:
    """The node's ancestors, from its parent up to the root (RFC 9420 §4.1.2)."""
    top = root(leaf_count)
    path = []
    while node != top:
        node = parent(node, leaf_count)
        path.append(node)
    return path


def copath(node: NodeIndex, leaf_count: int) -> list[NodeIndex]:
    """The siblings of the node and of its ancestors.

    Entry i is the child of direct path entry i that is off the path.
    """
    top = root(leaf_count)
    path = []
    while node != top:
        path.append(sibling(node, leaf_count))
        node = parent(node, leaf_count)
    return path


def is_within(node: NodeIndex, head: NodeIndex) -> bool:
    """Whether the node is the head of a subtree or below it."""
    reach = (1 << level(head)) - 1
    return head - reach <= node <= head + reach


def leaves_below(head: NodeIndex) -> range:
    """The leaves below a node, as a range of leaf indices."""
    reach = (1 << level(head)) - 1
    return range((head - reach) // 2, (head + reach) // 2 + 1)


def common_ancestor(a: NodeIndex, b: NodeIndex) -> NodeIndex:
    """The lowest node that has both nodes in its subtree; one of them, when it is above the other."""
    if is_within(a, b):
        return b
    if is_within(b, a):
        return a
    k = (a ^ b).bit_length()
    return NodeIndex((a >> k << k) + (1 << (k - 1)) - 1)
