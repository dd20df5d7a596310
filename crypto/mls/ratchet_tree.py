"""The public half of a ratchet tree (RFC 9420 §4, §7).

Immutable: every change is a new tree, which shares with the old one whatever did not change, and with it
what was computed for it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from crypto.mls import tree_math as math
from crypto.mls.errors import UsageError
from crypto.mls.leaf_node import LeafNode
from crypto.mls.suite import CipherSuite
from crypto.mls.tree_math import MAX_LEAVES, LeafIndex, NodeIndex


@dataclass(frozen=True, slots=True)
class ParentNode:
    """RFC 9420 §7.1. The unmerged leaves are in increasing order."""

    encryption_key: bytes
    parent_hash: bytes
    unmerged_leaves: tuple[LeafIndex, ...]


TreeNode = LeafNode | ParentNode


class Slot:
    """A node's place with what stands there, blank or not.

    A slot is replaced whenever anything in its subtree changes: the same slot means the same subtree, and
    what was computed for one is kept with it (`tree_hash.py` keeps the hash, with the suite whose hash it
    is).
    """

    __slots__ = ("hash", "node", "resolution")

    def __init__(self, node: TreeNode | None) -> None:
        self.node = node
        self.hash: tuple[CipherSuite, bytes] | None = None
        self.resolution: tuple[NodeIndex, ...] | None = None


class Member(NamedTuple):
    leaf: LeafIndex
    node: LeafNode


class Parent(NamedTuple):
    at: NodeIndex
    node: ParentNode


class PathStep(NamedTuple):
    """A node on the filtered direct path of a leaf, and its child that is not on the way to that leaf."""

    node: NodeIndex
    copath_child: NodeIndex


TreeNodes = Sequence[TreeNode | None]
"""At even places leaf nodes, at odd ones parents, None for a blank; as many as a perfect tree has."""


class RatchetTree:
    __slots__ = ("_members", "_slots", "leaf_count")

    def __init__(self, slots: Sequence[Slot]) -> None:
        """Of slots that another tree has: from outside, `of` and `of_one` make trees."""
        self._slots = slots
        self._members: tuple[Member, ...] | None = None
        self.leaf_count = (len(slots) + 1) // 2

    @staticmethod
    def of_one(leaf: LeafNode) -> "RatchetTree":
        """A group's first tree: one leaf (RFC 9420 §11)."""
        return RatchetTree([Slot(leaf)])

    @staticmethod
    def of(nodes: TreeNodes) -> "RatchetTree":
        """Raises UsageError when the nodes are not those of a perfect tree."""
        if len(nodes) != math.node_width(math.leaf_count_for((len(nodes) + 1) // 2)):
            raise UsageError("tree_size", f"{len(nodes)} nodes are no perfect tree")
        for at, node in enumerate(nodes):
            if node is not None and isinstance(node, LeafNode) != (at % 2 == 0):
                raise UsageError("tree_shape", f"node {at} is of the wrong kind")
        return RatchetTree([Slot(node) for node in nodes])

    @property
    def node_count(self) -> int:
        return len(self._slots)

    @property
    def root(self) -> NodeIndex:
        return math.root(self.leaf_count)

    def slot(self, node: NodeIndex) -> Slot:
        """What a memory of this subtree is tied to. Raises UsageError."""
        if not 0 <= node < len(self._slots):
            raise UsageError("node_index", f"there is no node {node} in this tree")
        return self._slots[node]

    def node(self, node: NodeIndex) -> TreeNode | None:
        return self.slot(node).node

    def is_blank(self, node: NodeIndex) -> bool:
        return self.slot(node).node is None

    def leaf(self, leaf: LeafIndex) -> LeafNode | None:
        """None for a blank leaf, and for one that the tree does not have: the index may be a peer's."""
        if leaf >= self.leaf_count:
            return None
        node = self._slots[2 * leaf].node
        return node if isinstance(node, LeafNode) else None

    def parent(self, node: NodeIndex) -> ParentNode | None:
        """Raises UsageError when the node is a leaf, or not there."""
        if math.is_leaf(node):
            raise UsageError("node_index", f"node {node} is a leaf")
        found = self.node(node)
        return found if isinstance(found, ParentNode) else None

    def members(self) -> tuple[Member, ...]:
        """Every non-blank leaf, from the left."""
        if self._members is None:
            self._members = tuple(
                Member(LeafIndex(i), slot.node)
                for i, slot in enumerate(self._slots[::2])
                if isinstance(slot.node, LeafNode)
            )
        return self._members

    def parents(self) -> list[Parent]:
        """Every non-blank parent."""
        return [
            Parent(NodeIndex(2 * i + 1), slot.node)
            for i, slot in enumerate(self._slots[1::2])
            if isinstance(slot.node, ParentNode)
        ]

    def nodes(self) -> list[TreeNode | None]:
        return [slot.node for slot in self._slots]

    def encryption_keys(self) -> list[bytes]:
        """Those of all leaves and parents, from the left."""
        return [slot.node.encryption_key for slot in self._slots if slot.node is not None]

    def resolution(self, at: NodeIndex) -> tuple[NodeIndex, ...]:
        """The non-blank nodes that together cover a subtree, in order (RFC 9420 §4.1.1)."""
        slot = self.slot(at)
        found = slot.resolution
        if found is None:
            node = slot.node
            if isinstance(node, ParentNode):
                found = (at, *[NodeIndex(2 * leaf) for leaf in node.unmerged_leaves])
            elif node is not None:
                found = (at,)
            elif math.is_leaf(at):
                found = ()
            else:
                found = self.resolution(math.left(at)) + self.resolution(math.right(at))
            slot.resolution = found
        return found

    def is_empty(self, at: NodeIndex) -> bool:
        """Whether the resolution of a node is empty."""
        return not self.resolution(at)

    def direct_path(self, leaf: LeafIndex) -> list[NodeIndex]:
        return math.direct_path(self._node_of(leaf), self.leaf_count)

    def filtered_direct_path(self, leaf: LeafIndex) -> list[PathStep]:
        """The direct path without the nodes whose copath child has an empty resolution (RFC 9420 §4.1.2)."""
        copath = math.copath(self._node_of(leaf), self.leaf_count)
        steps = map(PathStep, self.direct_path(leaf), copath)
        return [step for step in steps if not self.is_empty(step.copath_child)]

    def with_room(self) -> "tuple[RatchetTree, LeafIndex]":
        """RFC 9420 §12.1.1: the leftmost blank leaf, in this tree or in one twice as large when there is
        none.
        """
        for i, slot in enumerate(self._slots[::2]):
            if slot.node is None:
                return self, LeafIndex(i)
        return self._extended(), LeafIndex(self.leaf_count)

    def add(self, node: LeafNode) -> "tuple[RatchetTree, LeafIndex]":
        """RFC 9420 §12.1.1: the new leaf, unmerged at every non-blank node above it."""
        tree, leaf = self.with_room()
        changes: dict[NodeIndex, TreeNode | None] = {math.node_of_leaf(leaf): node}
        for above in tree.direct_path(leaf):
            parent = tree.parent(above)
            if parent is not None:
                unmerged = tuple(sorted((*parent.unmerged_leaves, leaf)))
                changes[above] = replace(parent, unmerged_leaves=unmerged)
        return tree.with_nodes(changes), leaf

    def update(self, leaf: LeafIndex, node: LeafNode) -> "RatchetTree":
        """RFC 9420 §12.1.2: the leaf anew, and a blank path above it.

        Raises UsageError when nobody is there.
        """
        self._require_member(leaf)
        return self.with_nodes({**self._blanked_path(leaf), math.node_of_leaf(leaf): node})

    def remove(self, leaf: LeafIndex) -> "RatchetTree":
        """RFC 9420 §12.1.3: a blank leaf, a blank path above it, and no more tree than needed.

        Raises UsageError.
        """
        self._require_member(leaf)
        return self.with_nodes({**self._blanked_path(leaf), math.node_of_leaf(leaf): None})._truncated()

    def with_nodes(self, changes: Mapping[NodeIndex, TreeNode | None]) -> "RatchetTree":
        """This tree with other nodes at some places. Raises UsageError when one is not there."""
        slots = list(self._slots)
        touched: set[NodeIndex] = set()
        for at, node in changes.items():
            self.slot(at)
            slots[at] = Slot(node)
            # Above what was touched before, all is touched already.
            for above in math.direct_path(at, self.leaf_count):
                if above in touched:
                    break
                touched.add(above)
        # What stands above a changed node stands above another subtree now: a new slot, so that no old
        # hash is found.
        for at in touched.difference(changes):
            slots[at] = Slot(slots[at].node)
        return RatchetTree(slots)

    def _extended(self) -> "RatchetTree":
        """RFC 9420 §7.7: a blank root, this tree on its left and as many blanks on its right."""
        if self.leaf_count == MAX_LEAVES:
            raise UsageError("tree_full", f"a tree of {MAX_LEAVES} leaves is full")
        return RatchetTree([*self._slots, *(Slot(None) for _ in range(self.node_count + 1))])

    def _truncated(self) -> "RatchetTree":
        """RFC 9420 §7.7: without its right half, while no leaf is left there."""
        count = self.leaf_count
        while count > 1 and all(slot.node is None for slot in self._slots[count : 2 * count : 2]):
            count //= 2
        return self if count == self.leaf_count else RatchetTree(self._slots[: math.node_width(count)])

    def _blanked_path(self, leaf: LeafIndex) -> dict[NodeIndex, None]:
        return dict.fromkeys(self.direct_path(leaf))

    def _node_of(self, leaf: LeafIndex) -> NodeIndex:
        if leaf >= self.leaf_count:
            raise UsageError("leaf_index", f"there is no leaf {leaf} in this tree")
        return math.node_of_leaf(leaf)

    def _require_member(self, leaf: LeafIndex) -> None:
        if self.leaf(leaf) is None:
            raise UsageError("blank_leaf", f"nobody is at leaf {leaf}")
