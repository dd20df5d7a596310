"""Whether a commit is valid, as far as every member can tell alike (RFC 9420 §12.2 to §12.4, E18).

No private keys.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from crypto.mls.apply_proposals import AddedMember, AppliedProposals, apply_proposals
from crypto.mls.bytes import equal
from crypto.mls.commit import Commit
from crypto.mls.errors import UsageError
from crypto.mls.extension import Extensions
from crypto.mls.framing import CommitContent, MemberSender
from crypto.mls.group import Group, PublicGroup
from crypto.mls.group_context import GroupContext, encode_group_context
from crypto.mls.leaf_node import LeafNode
from crypto.mls.leaf_validation import check_leaf_succeeds
from crypto.mls.message_protection import VerifiedContent
from crypto.mls.proposal import ReInit
from crypto.mls.proposal_list import (
    JudgedProposal,
    ProposalReference,
    check_path_presence,
    resolve_proposals,
)
from crypto.mls.psk_id import PreSharedKeyId
from crypto.mls.ratchet_tree import RatchetTree
from crypto.mls.transcript import SignedCommit, confirmed_transcript_hash
from crypto.mls.tree_hash import tree_hash
from crypto.mls.tree_kem import AppliedPath, ReceivedPath, apply_update_path
from crypto.mls.tree_math import LeafIndex
from crypto.mls.tree_validation import check_members
from crypto.mls.update_path import UpdatePath

__all__ = [
    "AddedMember",
    "Judged",
    "JudgedProposal",
    "NextEpoch",
    "ProposalReference",
    "commit_of",
    "judge_commit",
    "plan_epoch",
    "require_same_epoch",
    "summarise",
]


@dataclass(frozen=True, slots=True, repr=False)
class NextEpoch:
    """All of the next epoch that is no secret."""

    context_before: bytes
    """The context of the epoch in which the commit was made, encoded."""
    context_after: GroupContext
    context_after_bytes: bytes
    provisional_context: bytes
    """Under which path secrets are encrypted: the new one with the old transcript (RFC 9420 §12.4.1)."""
    tree_with_proposals: RatchetTree
    tree_after: RatchetTree
    applied_path: AppliedPath | None
    psks: tuple[PreSharedKeyId, ...]
    external_init: bytes | None
    reinit: ReInit | None


@dataclass(frozen=True, slots=True, repr=False)
class Judged:
    committer: LeafIndex
    proposals: tuple[JudgedProposal, ...]
    """In the commit's order."""
    path_leaf: LeafNode | None
    """The committer's new leaf, or None without a path."""
    added: tuple[AddedMember, ...]
    removed: tuple[LeafIndex, ...]
    updated: tuple[LeafIndex, ...]
    extensions_after: Extensions
    tree_after: RatchetTree
    removes_me: bool
    """Whether this member is among the removed."""
    authenticated: VerifiedContent
    """A commit."""
    next_epoch: NextEpoch


def judge_commit(
    group: Group, authenticated: VerifiedContent, references: Iterable[ProposalReference]
) -> Judged:
    """All members come to the same answer. What only some can tell, the path secret and the confirmation tag,
    is `complete_commit`'s. `references` are the proposals received in this epoch; which of them count is the
    caller's to say.

    Raises InvalidError with the code of the broken rule; UsageError when the content is no commit, or of
    another epoch.
    """
    commit = commit_of(authenticated)
    framed = authenticated.framed
    if framed.epoch != group.context.epoch or not equal(framed.group_id, group.context.group_id):
        raise UsageError("commit_epoch", "a commit of another epoch or group")
    sender = framed.sender.leaf if isinstance(framed.sender, MemberSender) else None
    judged = resolve_proposals(commit, sender, references)
    check_path_presence(judged, commit.path is not None)
    applied = apply_proposals(group, sender, judged)
    signed = SignedCommit(authenticated.wire_format, framed, authenticated.auth.signature)
    next_epoch = plan_epoch(group, applied, signed, commit.path)
    return summarise(group, applied, authenticated, next_epoch)


def commit_of(authenticated: VerifiedContent) -> Commit:
    """Raises UsageError not_a_commit."""
    content = authenticated.framed.content
    if not isinstance(content, CommitContent):
        raise UsageError("not_a_commit", f"a message with {content.type.name.lower()} content")
    return content.commit


def summarise(
    group: Group, applied: AppliedProposals, authenticated: VerifiedContent, next_epoch: NextEpoch
) -> Judged:
    path = commit_of(authenticated).path
    return Judged(
        committer=applied.committer,
        proposals=applied.proposals,
        path_leaf=None if path is None else path.leaf_node,
        added=applied.added,
        removed=applied.removed,
        updated=applied.updated,
        extensions_after=applied.extensions,
        tree_after=next_epoch.tree_after,
        removes_me=group.own_leaf in applied.removed,
        authenticated=authenticated,
        next_epoch=next_epoch,
    )


def plan_epoch(
    group: PublicGroup, applied: AppliedProposals, signed: SignedCommit, path: UpdatePath | None
) -> NextEpoch:
    """Merges the path, checks the tree that results, and names the epoch that begins. Raises InvalidError."""
    suite = group.suite
    applied_path = None if path is None else _merge_path(group, applied, path)
    tree_after = applied.tree if applied_path is None else applied_path.tree
    check_members(tree_after, applied.extensions)
    provisional = replace(
        group.context,
        epoch=group.context.epoch + 1,
        tree_hash=tree_hash(suite, tree_after),
        extensions=applied.extensions,
    )
    confirmed = confirmed_transcript_hash(suite, group.interim_transcript_hash, signed)
    context_after = replace(provisional, confirmed_transcript_hash=confirmed)
    return NextEpoch(
        context_before=group.context_bytes,
        context_after=context_after,
        context_after_bytes=encode_group_context(context_after),
        provisional_context=encode_group_context(provisional),
        tree_with_proposals=applied.tree,
        tree_after=tree_after,
        applied_path=applied_path,
        psks=applied.psks,
        external_init=applied.external_init,
        reinit=applied.reinit,
    )


def _merge_path(group: PublicGroup, applied: AppliedProposals, path: UpdatePath) -> AppliedPath:
    # RFC 9420 §12.2: whoever comes back by an external commit renews the leaf that it removes.
    if applied.external_init is not None:
        for leaf in applied.removed:
            before = group.tree.leaf(leaf)
            if before is not None:
                check_leaf_succeeds(before, path.leaf_node)
    return apply_update_path(
        group.suite,
        ReceivedPath(
            tree=applied.tree,
            sender=applied.committer,
            path=path,
            group_id=group.context.group_id,
            extensions=applied.extensions,
            added=tuple(one.leaf for one in applied.added),
        ),
    )


def require_same_epoch(group: PublicGroup, judged: Judged) -> None:
    """Raises UsageError when the commit was judged in another state of the group."""
    if not equal(judged.next_epoch.context_before, group.context_bytes):
        raise UsageError("other_state", "a commit was judged against another state of the group")
