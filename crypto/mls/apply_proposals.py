"""The proposals of a commit, applied in the order of RFC 9420 §12.3."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from crypto.mls.errors import InvalidError
from crypto.mls.extension import Extensions
from crypto.mls.group import PublicGroup
from crypto.mls.key_package import KeyPackage, verify_key_package
from crypto.mls.leaf_node import LeafNode, LeafPlace
from crypto.mls.leaf_validation import check_leaf_alone, check_leaf_succeeds
from crypto.mls.proposal import (
    Add,
    ExternalInit,
    GroupContextExtensions,
    PreSharedKey,
    Proposal,
    ReInit,
    Remove,
    Update,
)
from crypto.mls.proposal_list import GroupBefore, JudgedProposal, check_proposal_list
from crypto.mls.psk_id import PreSharedKeyId
from crypto.mls.ratchet_tree import RatchetTree
from crypto.mls.tree_math import MAX_LEAVES, LeafIndex


@dataclass(frozen=True, slots=True)
class AddedMember:
    leaf: LeafIndex
    node: LeafNode
    key_package: KeyPackage


@dataclass(frozen=True, slots=True, repr=False)
class AppliedProposals:
    proposals: tuple[JudgedProposal, ...]
    committer: LeafIndex
    tree: RatchetTree
    """Not yet with the path: an external committer's leaf is blank."""
    extensions: Extensions
    added: tuple[AddedMember, ...]
    removed: tuple[LeafIndex, ...]
    updated: tuple[LeafIndex, ...]
    psks: tuple[PreSharedKeyId, ...]
    external_init: bytes | None
    reinit: ReInit | None


P = TypeVar("P", bound=Proposal)


def _of_type(judged: Sequence[JudgedProposal], kind: type[P]) -> list[P]:
    return [one.proposal for one in judged if isinstance(one.proposal, kind)]


def apply_proposals(
    group: PublicGroup, sender: LeafIndex | None, judged: Sequence[JudgedProposal]
) -> AppliedProposals:
    """Checks the list and each proposal, and applies them. `sender` is None for an external commit.

    How the members then get on with each other is for `check_members`, once a path is merged. Raises
    InvalidError.
    """
    check_proposal_list(_group_before(group), sender, judged)
    removed = [one.removed for one in _of_type(judged, Remove)]
    tree, updated = _apply_updates(group, judged)
    for leaf in removed:
        tree = tree.remove(leaf)
    adds = _of_type(judged, Add)
    # An external committer takes a leaf too.
    if (adds or sender is None) and len(group.tree.members()) - len(removed) + len(adds) >= MAX_LEAVES:
        raise InvalidError("v520_tree_full", "a commit adds more members than a tree has leaves")
    tree, added = _apply_adds(group, tree, adds)
    if sender is None:
        tree, committer = tree.with_room()
    else:
        committer = sender
    new_extensions = _of_type(judged, GroupContextExtensions)
    external_inits, reinits = _of_type(judged, ExternalInit), _of_type(judged, ReInit)
    return AppliedProposals(
        proposals=tuple(judged),
        committer=committer,
        tree=tree,
        extensions=new_extensions[0].extensions if new_extensions else group.context.extensions,
        added=added,
        removed=tuple(removed),
        updated=updated,
        psks=tuple(one.psk for one in _of_type(judged, PreSharedKey)),
        external_init=external_inits[0].kem_output if external_inits else None,
        reinit=reinits[0] if reinits else None,
    )


def _group_before(group: PublicGroup) -> GroupBefore:
    tree = group.tree

    def find_by_signature_key(key: bytes) -> LeafIndex | None:
        return next((one.leaf for one in tree.members() if one.node.signature_key == key), None)

    return GroupBefore(
        suite=group.suite,
        context=group.context,
        has_member=lambda leaf: tree.leaf(leaf) is not None,
        find_by_signature_key=find_by_signature_key,
    )


def _apply_updates(
    group: PublicGroup, judged: Sequence[JudgedProposal]
) -> tuple[RatchetTree, tuple[LeafIndex, ...]]:
    tree = group.tree
    leaves = []
    for one in judged:
        # v515 and v516 have refused an Update that is no member's.
        if not isinstance(one.proposal, Update) or one.sender is None:
            continue
        before, leaf_node = group.tree.leaf(one.sender), one.proposal.leaf_node
        check_leaf_alone(group.suite, leaf_node, "update", LeafPlace(group.context.group_id, one.sender))
        if before is not None:
            check_leaf_succeeds(before, leaf_node)
        tree = tree.update(one.sender, leaf_node)
        leaves.append(one.sender)
    return tree, tuple(leaves)


def _apply_adds(
    group: PublicGroup, tree: RatchetTree, adds: Sequence[Add]
) -> tuple[RatchetTree, tuple[AddedMember, ...]]:
    added = []
    for one in adds:
        verify_key_package(group.suite, one.key_package)
        leaf_node = one.key_package.leaf_node
        tree, leaf = tree.add(leaf_node)
        added.append(AddedMember(leaf, leaf_node, one.key_package))
    return tree, tuple(added)
