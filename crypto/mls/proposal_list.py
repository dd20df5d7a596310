"""Which lists of proposals a commit may hold (RFC 9420 §12.2): what can be said without applying them.

v501  a reference names a proposal of this epoch       v511  a ReInit stands alone
v502  no Update of the committer's own leaf            v512  a ReInit does not lower the version
v503  no Remove of the committer                       v513  ExternalInit is for external commits
v504  one Update or Remove for a leaf                  v514  every proposal is of a type that we know
v505  no client is added twice                         v515  who is removed or updated is there
v506  no client is added that is there and stays       v516  an Update comes from a member, by reference
v507  a PSK is named once                              v517  an external commit has one ExternalInit,
v508  reinit and branch PSKs begin a group alone             at most one Remove, and else PSKs alone
v509  a PSK's nonce has KDF.Nh bytes                   v518  an external commit refers to nothing
v510  the GroupContext's extensions are set once       v519  what requires a path has one
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from crypto.mls.commit import Commit, ProposalByValue
from crypto.mls.errors import InvalidError
from crypto.mls.group_context import GroupContext
from crypto.mls.proposal import (
    Add,
    ExternalInit,
    GroupContextExtensions,
    PreSharedKey,
    Proposal,
    ReInit,
    Remove,
    UnknownProposal,
    Update,
    requires_path,
)
from crypto.mls.psk_id import PreSharedKeyId, begins_group
from crypto.mls.suite import CipherSuite
from crypto.mls.tree_math import LeafIndex


@dataclass(frozen=True, slots=True)
class ProposalReference:
    """A proposal that was received in this epoch, by its reference.

    The sender is None for one from outside the group.
    """

    proposal: Proposal
    ref: bytes
    sender: LeafIndex | None


@dataclass(frozen=True, slots=True)
class JudgedProposal:
    proposal: Proposal
    sender: LeafIndex | None
    by_reference: bool


@dataclass(frozen=True, slots=True)
class GroupBefore:
    """What the rules of the list ask about the group before the commit."""

    suite: CipherSuite
    context: GroupContext
    has_member: Callable[[LeafIndex], bool]
    find_by_signature_key: Callable[[bytes], LeafIndex | None]
    """The leaf that signs with the key, or None."""


def resolve_proposals(
    commit: Commit, committer: LeafIndex | None, references: Iterable[ProposalReference]
) -> tuple[JudgedProposal, ...]:
    """The commit's proposals in their order, each with its sender. `committer` is None for an external
    commit.

    Raises InvalidError v501, v518.
    """
    known = {one.ref: one for one in references}
    resolved = []
    for one in commit.proposals:
        if isinstance(one, ProposalByValue):
            resolved.append(JudgedProposal(one.proposal, committer, by_reference=False))
            continue
        # RFC 9420 §12.4.3.2: who is outside cannot judge what was proposed inside.
        if committer is None:
            raise InvalidError("v518_external_reference", "an external commit refers to a proposal")
        found = known.get(one.reference)
        if found is None:
            raise InvalidError("v501_unknown_reference", "a commit refers to a proposal that is not known")
        resolved.append(JudgedProposal(found.proposal, found.sender, by_reference=True))
    return tuple(resolved)


def check_proposal_list(
    before: GroupBefore, committer: LeafIndex | None, judged: Sequence[JudgedProposal]
) -> None:
    """Raises InvalidError v502 to v518."""
    for one in judged:
        _check_one(before, committer, one)
    _check_leaves_once(judged)
    _check_adds(before, judged)
    _check_psks(judged)
    if _count(judged, GroupContextExtensions) > 1:
        raise InvalidError("v510_extensions_twice", "a commit sets the GroupContext's extensions twice")
    if len(judged) > 1 and _count(judged, ReInit) > 0:
        raise InvalidError("v511_reinit_not_alone", "a ReInit comes with other proposals")
    if committer is None:
        _check_external_commit(judged)


def check_path_presence(judged: Sequence[JudgedProposal], has_path: bool) -> None:
    """RFC 9420 §12.4. Raises InvalidError v519."""
    if has_path:
        return
    if not judged or any(requires_path(one.proposal) for one in judged):
        raise InvalidError("v519_path_missing", "a commit lacks the path it requires")


def _count(judged: Sequence[JudgedProposal], kind: type[Proposal]) -> int:
    return sum(isinstance(one.proposal, kind) for one in judged)


def _check_one(before: GroupBefore, committer: LeafIndex | None, one: JudgedProposal) -> None:
    match one.proposal:
        case Update():
            if one.sender is not None and one.sender == committer:
                raise InvalidError("v502_own_update", "a committer updates its own leaf by a proposal")
            if one.sender is None or not one.by_reference:
                raise InvalidError("v516_update_sender", "an Update that is no member's")
            _require_member(before, one.sender)
        case Remove(removed):
            if removed == committer:
                raise InvalidError("v503_own_remove", "a committer removes itself")
            _require_member(before, removed)
        case PreSharedKey(psk):
            _check_psk(before, psk)
        case ReInit(version=version):
            if version < before.context.version:
                raise InvalidError("v512_reinit_version", "a ReInit lowers the protocol's version")
        case ExternalInit():
            if committer is not None:
                raise InvalidError("v513_external_init", "an ExternalInit in a member's commit")
        case UnknownProposal(id=number):
            # RFC 9420 §12.2: a type must be supported by all who process the commit, and this member does
            # not.
            raise InvalidError("v514_unknown_proposal", f"a proposal of the unknown type {number}")
        case Add() | GroupContextExtensions():
            pass


def _require_member(before: GroupBefore, leaf: LeafIndex) -> None:
    if not before.has_member(leaf):
        raise InvalidError("v515_no_member", f"there is no member at leaf {leaf}")


def _check_psk(before: GroupBefore, psk: PreSharedKeyId) -> None:
    # RFC 9420 §11.2, §11.3: such a PSK goes into the first commit of a new group, where the founder is alone.
    if begins_group(psk) and before.context.epoch != 0:
        raise InvalidError("v508_psk_usage", "a PSK that begins a group in one that has begun")
    if len(psk.nonce) != before.suite.nh:
        raise InvalidError("v509_psk_nonce", "a PSK's nonce is not as long as a hash")


def _check_leaves_once(judged: Sequence[JudgedProposal]) -> None:
    touched = set()
    for one in judged:
        match one.proposal:
            case Remove(removed):
                leaf: LeafIndex | None = removed
            case Update():
                leaf = one.sender
            case _:
                continue
        if leaf in touched:
            raise InvalidError("v504_leaf_twice", f"leaf {leaf} is changed twice")
        touched.add(leaf)


def _check_adds(before: GroupBefore, judged: Sequence[JudgedProposal]) -> None:
    removed = {one.proposal.removed for one in judged if isinstance(one.proposal, Remove)}
    signature_keys, init_keys = set(), set()
    for one in judged:
        if not isinstance(one.proposal, Add):
            continue
        key_package = one.proposal.key_package
        signature_key, init_key = key_package.leaf_node.signature_key, key_package.init_key
        # By either of these two Adds are of one client, or of one KeyPackage.
        if signature_key in signature_keys or init_key in init_keys:
            raise InvalidError("v505_added_twice", "a client is added twice")
        signature_keys.add(signature_key)
        init_keys.add(init_key)
        present = before.find_by_signature_key(signature_key)
        if present is not None and present not in removed:
            raise InvalidError("v506_add_member", f"the client that is added is at leaf {present} already")


def _check_psks(judged: Sequence[JudgedProposal]) -> None:
    ids = [one.proposal.psk for one in judged if isinstance(one.proposal, PreSharedKey)]
    if len(set(ids)) != len(ids):
        raise InvalidError("v507_psk_twice", "a commit names a PSK twice")
    # RFC 9420 §12.4.3.1: of those that begin a group there is only one.
    if sum(map(begins_group, ids)) > 1:
        raise InvalidError("v508_psk_usage", "two PSKs that begin a group")


def _check_external_commit(judged: Sequence[JudgedProposal]) -> None:
    inits, removes = _count(judged, ExternalInit), _count(judged, Remove)
    others = len(judged) - inits - removes - _count(judged, PreSharedKey)
    if inits != 1 or removes > 1 or others > 0:
        raise InvalidError("v517_external_list", "an external commit's proposals are not those it may have")
