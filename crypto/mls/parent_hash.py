"""Parent hashes (RFC 9420 §7.9): proof that each parent's key was chosen by a member below it."""

from collections.abc import Sequence
from typing import NamedTuple

from crypto.mls.bytes import equal
from crypto.mls.codec import Writer
from crypto.mls.errors import InvalidError
from crypto.mls.leaf_node import CommitSource, LeafNode
from crypto.mls.ratchet_tree import ParentNode, PathStep, RatchetTree, TreeNode
from crypto.mls.suite import CipherSuite
from crypto.mls.tree_hash import original_tree_hash, tree_hash
from crypto.mls.tree_math import LeafIndex, NodeIndex, is_within, left, node_of_leaf, right


def _parent_hash(suite: CipherSuite, node: ParentNode, original_sibling_tree_hash: bytes) -> bytes:
    writer = Writer().opaque(node.encryption_key).opaque(node.parent_hash).opaque(original_sibling_tree_hash)
    return suite.hash(writer.finish())


class PathKeys(NamedTuple):
    tree: RatchetTree
    leaf_parent_hash: bytes


def with_path_keys(
    suite: CipherSuite,
    tree: RatchetTree,
    leaf: LeafIndex,
    steps: Sequence[PathStep],
    keys: Sequence[bytes],
) -> PathKeys:
    """The tree with a blank direct path above the leaf but for new keys at its filtered direct path, each
    with its parent hash, and the parent hash for the leaf itself, which still is what it was (RFC 9420
    §7.5).
    """
    changes: dict[NodeIndex, TreeNode | None] = dict.fromkeys(tree.direct_path(leaf))
    # From the top down: each hash covers the one above. The topmost is no child of a node with a key, root
    # or not.
    above = b""
    for step, key in zip(reversed(steps), reversed(keys), strict=True):
        parent = ParentNode(key, above, ())
        changes[step.node] = parent
        # No leaf is unmerged at a new node, so the sibling's original hash is its hash.
        above = _parent_hash(suite, parent, tree_hash(suite, tree, step.copath_child))
    return PathKeys(tree.with_nodes(changes), above)


def _carried_hash(node: TreeNode | None) -> bytes | None:
    """The parent hash that a node carries; a leaf that no Commit brought has none."""
    match node:
        case ParentNode():
            return node.parent_hash
        case LeafNode(source=CommitSource(parent_hash=parent_hash)):
            return parent_hash
        case _:
            return None


def _links_below(
    suite: CipherSuite, tree: RatchetTree, node: ParentNode, child: NodeIndex, sibling: NodeIndex
) -> bool:
    """Whether the parent hash of some node under `child` is valid with respect to `node` (RFC 9420 §7.9.2).

    That node is in the resolution of the child, and everything else there is unmerged at the parent: so it
    is the one that is not.
    """
    nodes_of_unmerged = map(node_of_leaf, node.unmerged_leaves)
    unmerged = {at for at in nodes_of_unmerged if is_within(at, child)}
    resolution = tree.resolution(child)
    rest = [at for at in resolution if at not in unmerged]
    if len(rest) != 1 or len(unmerged) != len(resolution) - 1:
        return False
    carried = _carried_hash(tree.node(rest[0]))
    if carried is None:
        return False
    original = original_tree_hash(suite, tree, sibling, node.unmerged_leaves)
    return equal(carried, _parent_hash(suite, node, original))


def check_parent_hashes(suite: CipherSuite, tree: RatchetTree) -> None:
    """Every non-blank parent has exactly one node below it whose parent hash is valid with respect to it.

    Since that is so for a parent below as well, chains lead down to leaves, and their signatures. Raises
    InvalidError v203.
    """
    for at, node in tree.parents():
        a, b = left(at), right(at)
        if _links_below(suite, tree, node, a, b) == _links_below(suite, tree, node, b, a):
            raise InvalidError("v203_parent_hash", f"node {at} is not parent-hash valid")
