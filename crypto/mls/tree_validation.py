"""What makes a whole tree valid (RFC 9420 §7.3, §12.4.3.1), but for lifetimes and the AS.

v201  the tree hash is the GroupContext's          v205  … and at every non-blank node between
v202  the tree is no larger than it must be        v206  no encryption key twice, in leaves or parents
v203  every parent is parent-hash valid            v207  no signature key twice
v204  unmerged leaves are members below the node   v208  every member knows every credential type in use
v209  every parent's key is a key
and v101 to v108 for each leaf (`leaf_validation.py`)
"""

from collections.abc import Mapping, Set
from dataclasses import dataclass

from crypto.mls.bytes import equal
from crypto.mls.capabilities import supports_credential
from crypto.mls.errors import InvalidError
from crypto.mls.extension import Extensions
from crypto.mls.key_set import are_distinct
from crypto.mls.leaf_node import LeafPlace
from crypto.mls.leaf_validation import check_leaf_alone, check_leaf_in_group, check_public_key
from crypto.mls.parent_hash import check_parent_hashes
from crypto.mls.ratchet_tree import RatchetTree
from crypto.mls.suite import CipherSuite
from crypto.mls.tree_hash import tree_hash
from crypto.mls.tree_math import LeafIndex, NodeIndex, direct_path, is_within, level, node_of_leaf


@dataclass(frozen=True, slots=True)
class TreeClaims:
    group_id: bytes
    tree_hash: bytes
    extensions: Extensions


def check_tree(suite: CipherSuite, tree: RatchetTree, claims: TreeClaims) -> None:
    """A tree that comes from outside: everything in it (RFC 9420 §12.4.3.1).

    Raises InvalidError or DecodeError.
    """
    if not equal(tree_hash(suite, tree), claims.tree_hash):
        raise InvalidError("v201_tree_hash", "a tree's hash is not the one of the GroupContext")
    _check_shape(tree)
    _check_unmerged_leaves(tree)
    check_members(tree, claims.extensions)
    for parent in tree.parents():
        check_public_key(suite, parent.node.encryption_key, "v209_parent_key")
    check_parent_hashes(suite, tree)
    for leaf, node in tree.members():
        check_leaf_alone(suite, node, node.source.kind, LeafPlace(claims.group_id, leaf))


def check_members(tree: RatchetTree, extensions: Extensions) -> None:
    """How the members get on with each other and with the group: after a Commit as well, when each leaf
    that it brought has been checked alone. Raises InvalidError or DecodeError."""
    nodes = [node for _, node in tree.members()]
    for node in nodes:
        check_leaf_in_group(node, extensions)
    if not are_distinct([node.signature_key for node in nodes]):
        raise InvalidError("v207_duplicate_signature_key", "a signature key is at two leaves")
    for type_code in {node.credential.type for node in nodes}:
        if not all(supports_credential(node.capabilities, type_code) for node in nodes):
            raise InvalidError(
                "v208_credential_in_use", f"a member does not know credential type {type_code}"
            )
    # Parents as well: a newcomer refuses a tree with a key in two places, so no Commit may lead to one.
    if not are_distinct(tree.encryption_keys()):
        raise InvalidError("v206_duplicate_encryption_key", "an encryption key is in two places of a tree")


def _check_shape(tree: RatchetTree) -> None:
    """RFC 9420 §7.7: members have cut away a right half without leaves, so a tree that has one is not
    theirs.
    """
    members = tree.members()
    if not members or (tree.leaf_count > 1 and members[-1].leaf < tree.leaf_count // 2):
        raise InvalidError("v202_not_truncated", "a tree is larger than its members need")


def _check_unmerged_leaves(tree: RatchetTree) -> None:
    unmerged_at = {at: frozenset(node.unmerged_leaves) for at, node in tree.parents()}
    for at, leaves in unmerged_at.items():
        for leaf in leaves:
            _check_unmerged_leaf(tree, unmerged_at, at, leaf)


def _check_unmerged_leaf(
    tree: RatchetTree, unmerged_at: Mapping[NodeIndex, Set[LeafIndex]], at: NodeIndex, leaf: LeafIndex
) -> None:
    if tree.leaf(leaf) is None or not is_within(node_of_leaf(leaf), at):
        raise InvalidError("v204_unmerged_leaf", f"leaf {leaf} cannot be unmerged at node {at}")
    for between in direct_path(node_of_leaf(leaf), tree.leaf_count):
        if level(between) >= level(at):
            return
        if between in unmerged_at and leaf not in unmerged_at[between]:
            raise InvalidError(
                "v205_unmerged_between", f"leaf {leaf} is unmerged at node {at}, not {between}"
            )
