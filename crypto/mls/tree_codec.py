"""A ratchet tree as the `ratchet_tree` extension carries it (RFC 9420 §12.4.3.3)."""

from itertools import pairwise

from crypto.mls.bytes import u32
from crypto.mls.codec import Reader, Writer, decode, encode
from crypto.mls.errors import DecodeError
from crypto.mls.extension import Extension, ExtensionType
from crypto.mls.leaf_node import LeafNode, read_leaf_node, write_leaf_node
from crypto.mls.ratchet_tree import ParentNode, RatchetTree, TreeNode
from crypto.mls.tree_math import MAX_LEAVES, LeafIndex, leaf_count_for, node_width

NODE_LEAF = 1
NODE_PARENT = 2


def write_parent_node(writer: Writer, node: ParentNode) -> None:
    writer.opaque(node.encryption_key).opaque(node.parent_hash)
    writer.opaque(b"".join([u32(leaf) for leaf in node.unmerged_leaves]))


def read_parent_node(reader: Reader) -> ParentNode:
    encryption_key = reader.opaque()
    parent_hash = reader.opaque()
    unmerged_leaves = reader.vector(lambda inner: LeafIndex(inner.uint32()), MAX_LEAVES)
    # RFC 9420 §7.1: in increasing order.
    if any(after <= before for before, after in pairwise(unmerged_leaves)):
        raise DecodeError("unmerged leaves are not in increasing order")
    return ParentNode(encryption_key, parent_hash, unmerged_leaves)


def _write_tree_node(writer: Writer, node: TreeNode) -> None:
    if isinstance(node, LeafNode):
        write_leaf_node(writer.uint8(NODE_LEAF), node)
    else:
        write_parent_node(writer.uint8(NODE_PARENT), node)


def _write_optional_node(writer: Writer, node: TreeNode | None) -> None:
    if node is None:
        writer.uint8(0)
    else:
        _write_tree_node(writer.uint8(1), node)


def write_ratchet_tree(writer: Writer, tree: RatchetTree) -> None:
    nodes = tree.nodes()
    # Blanks after the last node are not sent.
    while nodes and nodes[-1] is None:
        nodes.pop()
    writer.vector(nodes, _write_optional_node)


def read_ratchet_tree(reader: Reader, max_leaves: int = MAX_LEAVES) -> RatchetTree:
    """`max_leaves`: a bound below the library's own, where the caller has one."""
    at = -1

    def read_node(inner: Reader) -> TreeNode:
        # The node at an even place is a leaf, and at an odd one a parent.
        kind = inner.uint8()
        if kind != (NODE_PARENT if at % 2 else NODE_LEAF):
            raise DecodeError(f"a node of kind {kind} at place {at} of a tree")
        return read_leaf_node(inner) if kind == NODE_LEAF else read_parent_node(inner)

    def read_optional_node(inner: Reader) -> TreeNode | None:
        nonlocal at
        at += 1
        return inner.optional(read_node)

    nodes = reader.vector(read_optional_node, node_width(max_leaves))
    # A parent has members below it on either side, so that the last of all nodes is a leaf.
    if not nodes or nodes[-1] is None or len(nodes) % 2 == 0:
        raise DecodeError("a tree does not end in a leaf")
    width = node_width(leaf_count_for(len(nodes) // 2 + 1))
    return RatchetTree.of([*nodes, *[None] * (width - len(nodes))])


def encode_ratchet_tree(tree: RatchetTree) -> bytes:
    return encode(lambda writer: write_ratchet_tree(writer, tree))


def decode_ratchet_tree(data: bytes, max_leaves: int = MAX_LEAVES) -> RatchetTree:
    """Raises DecodeError."""
    return decode(data, lambda reader: read_ratchet_tree(reader, max_leaves))


def ratchet_tree_extension(tree: RatchetTree) -> Extension:
    return Extension(ExtensionType.RATCHET_TREE, encode_ratchet_tree(tree))
