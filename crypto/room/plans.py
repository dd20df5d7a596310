"""What to put into a Commit, so that it is valid (E14).

A plan is made from what the room agrees on now; whether it still makes sense after another Commit has won,
the caller asks by planning again (E21). Each raises RoomPlanError when what the person wants is not theirs to
do, or not possible.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from crypto.identity.auth_service import expired, obsolete
from crypto.identity.certificate import read_revocation, revokes
from crypto.identity.credential import LeafIdentity
from crypto.mls.proposal import Add, GroupContextExtensions, Proposal, Remove
from crypto.mls.proposal_list import ProposalReference
from crypto.mls.tree_math import LeafIndex
from crypto.room.authority import may_commit
from crypto.room.context_rules import CLOCK_TOLERANCE, MAX_APPROVALS_EACH, MAX_INVITES_EACH
from crypto.room.errors import RoomPlanError
from crypto.room.join_request import JoinRequest
from crypto.room.rejoin import RejoinRequest
from crypto.room.room_context import (
    MAX_INVITES,
    MAX_PENDING,
    Change,
    CharterChange,
    Enactable,
    ExpiryGrounds,
    FounderChange,
    Grounds,
    IdentityGrounds,
    InviteChange,
    JoinGrounds,
    OpenInvite,
    PolicyChange,
    RejoinGrounds,
    RemoveChange,
    RevocationGrounds,
    RoomContext,
    approvers_of,
    room_extensions,
    with_approvers,
    with_invites,
    with_revocation,
)
from crypto.room.roster import Roster, gone_between, has_account, leaf_of_device, leaves_of
from crypto.room.settling import NOBODY_GOES, Going, settled
from crypto.room.text import is_title


@dataclass(frozen=True, slots=True)
class Reference:
    """A pending Remove of its own sender, as it came over the log."""

    proposal: Proposal
    ref: bytes
    sender: LeafIndex


@dataclass(frozen=True, slots=True)
class Plan:
    """For stage_commit."""

    proposals: tuple[Proposal, ...]
    references: tuple[ProposalReference, ...]


@dataclass(frozen=True, slots=True)
class Situation:
    """`now` is this device's corrected clock (ms): open invites that have run out are cleared away by the
    way.
    """

    context: RoomContext
    roster: Roster
    me: LeafIndex
    now: int


# Whoever asked to be let in


def plan_admit(at: Situation, request: JoinRequest) -> Plan:
    invites = at.context.invites
    used = next((invite for invite in invites if invite.id == request.invite_id), None)
    if used is None:
        raise RoomPlanError("invite_unknown", "there is no such open invite any more")
    if used.not_after < at.now or request.not_after < at.now:
        raise RoomPlanError("invite_expired", "the invite or the request has run out")
    if has_account(at.roster, request.account):
        raise RoomPlanError("already_here", "they are here already")
    after = with_invites(at.context, [invite for invite in invites if invite is not used])
    grounds = JoinGrounds(request.bytes)
    return _with_grounds(at, settled(after, NOBODY_GOES), grounds, [Add(request.key_package)])


def plan_rejoin(at: Situation, request: RejoinRequest) -> Plan:
    if not has_account(at.roster, request.identity.account_id):
        raise RoomPlanError("not_here", "the account is not in the room")
    old = leaf_of_device(at.roster, request.device)
    if old == at.me:
        raise RoomPlanError("own_leaf", "another device must answer this")
    removes = [] if old is None else [Remove(old)]
    grounds = RejoinGrounds(request.bytes)
    return _with_grounds(at, at.context, grounds, [*removes, Add(request.key_package)])


# Invites


def plan_invite(at: Situation, invite: OpenInvite) -> Plan:
    context = _cleared(at).context
    own = [one for one in context.invites if one.inviter == invite.inviter]
    if len(own) >= MAX_INVITES_EACH or len(context.invites) >= MAX_INVITES:
        raise RoomPlanError("too_many_invites", "too many invites are open")
    return _change(at, with_invites(context, [*context.invites, invite]))


def plan_withdraw_invite(at: Situation, invite_id: bytes) -> Plan:
    context = at.context
    invite = next((one for one in context.invites if one.id == invite_id), None)
    if invite is None:
        raise RoomPlanError("invite_unknown", "there is no such open invite any more")
    if _own(at).account_id not in (invite.inviter, context.founder):
        raise RoomPlanError("invite_not_yours", "an invite is its inviter's to withdraw, or the founder's")
    kept = [one for one in context.invites if one is not invite]
    return _change(at, settled(with_invites(context, kept), NOBODY_GOES))


# What the room agrees on


def plan_rename(at: Situation, title: str) -> Plan:
    if not is_title(title):
        raise RoomPlanError("title", "not a title")
    if title == at.context.title:
        raise RoomPlanError("nothing_to_do", "that is its title")
    return _change(at, replace(at.context, title=title))


def plan_change(at: Situation, wanted: Change) -> Plan:
    """Commits the change where this person may, else adds their approval. A removal is a RemoveChange."""
    context = at.context
    account = _own(at).account_id
    _check_possible(at, wanted, account)
    if not isinstance(wanted, InviteChange) and may_commit(context, at.roster, wanted, account):
        return _enact(at, wanted)
    approvers = approvers_of(context, wanted)
    if account in approvers:
        raise RoomPlanError("already_approved", "approved by this person already")
    mine = [one for one in context.pending if account in one.approvers]
    if len(mine) >= MAX_APPROVALS_EACH or (not approvers and len(context.pending) >= MAX_PENDING):
        raise RoomPlanError("too_many_approvals", "too many approvals are open")
    return _change(at, with_approvers(context, wanted, [*approvers, account]))


def plan_withdraw_approval(at: Situation, wanted: Change) -> Plan:
    account = _own(at).account_id
    approvers = approvers_of(at.context, wanted)
    if account not in approvers:
        raise RoomPlanError("not_approved", "not approved by this person")
    rest = [one for one in approvers if one != account]
    return _change(at, with_approvers(at.context, wanted, rest))


def _check_possible(at: Situation, wanted: Change, account: bytes) -> None:
    context = at.context
    match wanted:
        case RemoveChange(target):
            if target == account:
                raise RoomPlanError("yourself", "one leaves, and removes others")
            if not has_account(at.roster, target):
                raise RoomPlanError("not_here", "they are not in the room")
        case FounderChange(target):
            if not has_account(at.roster, target):
                raise RoomPlanError("not_here", "they are not in the room")
            if target == context.founder:
                raise RoomPlanError("nothing_to_do", "they are it already")
        case InviteChange(target):
            invite = next((one for one in context.invites if one.id == target), None)
            if invite is None:
                raise RoomPlanError("invite_unknown", "there is no such open invite")
            if invite.inviter == account:
                raise RoomPlanError("nothing_to_do", "approved by making it")
        case PolicyChange(policy):
            if policy == context.policy:
                raise RoomPlanError("nothing_to_do", "that is the policy")
        case CharterChange(digest):
            if digest == context.charter_hash:
                raise RoomPlanError("nothing_to_do", "that is the charter")


def _enact(at: Situation, wanted: Enactable) -> Plan:
    context = with_approvers(at.context, wanted, ())
    match wanted:
        case RemoveChange(target):
            return _going(at, leaves_of(at.roster, target), ())
        case FounderChange(target):
            return _change(at, replace(context, founder=target))
        case PolicyChange(policy):
            return _change(at, replace(context, policy=policy))
        case CharterChange(digest):
            return _change(at, replace(context, charter_hash=digest))


# Who goes


def plan_leaves(at: Situation, references: Sequence[Reference]) -> Plan:
    """Lets those go who have asked to leave."""
    if not references:
        raise RoomPlanError("nothing_to_do", "nobody leaves")
    return _going(at, (), references)


def plan_remove_own_devices(at: Situation, leaves: Sequence[LeafIndex]) -> Plan:
    """Other devices of this person, without a statement: before leaving, say."""
    mine = {leaf for leaf in leaves_of(at.roster, _own(at).account_id) if leaf != at.me}
    if not leaves or not mine.issuperset(leaves):
        raise RoomPlanError("not_your_device", "not another device of this person")
    return _going(at, leaves, ())


def plan_revoke_device(at: Situation, statement: bytes) -> Plan:
    """A device is lost: its person's statement takes it out (E9)."""
    revocation = read_revocation(statement)
    leaves = [leaf for leaf, who in at.roster.items() if revokes(revocation, who)]
    if not leaves:
        raise RoomPlanError("not_here", "the device is not in the room")
    if at.me in leaves:
        raise RoomPlanError("own_leaf", "another device must do this")
    grounds = RevocationGrounds(statement)
    return _grounded(at, leaves, grounds, lambda context: with_revocation(context, statement))


def plan_expiry(at: Situation) -> Plan:
    """Leaves whose certificate has run out by `now` (E10)."""
    leaves = [leaf for leaf, who in at.roster.items() if leaf != at.me and expired(who, at.now)]
    if not leaves:
        raise RoomPlanError("nothing_to_do", "no certificate has run out")
    return _grounded(at, leaves, ExpiryGrounds(), lambda context: context)


def plan_identity(at: Situation, chain: bytes) -> Plan:
    """All devices under an identity key that a higher statement has superseded (E9)."""
    leaves = [leaf for leaf, who in at.roster.items() if obsolete(who, chain)]
    if not leaves:
        raise RoomPlanError("nothing_to_do", "the statement supersedes nobody here")
    if at.me in leaves:
        raise RoomPlanError("own_leaf", "another device must do this")
    return _grounded(at, leaves, IdentityGrounds(chain), lambda context: context)


def plan_update() -> Plan:
    """Fresh keys alone (E26)."""
    return Plan((), ())


# What plans are made of


def _own(at: Situation) -> LeafIdentity:
    identity = at.roster.get(at.me)
    if identity is None:
        raise RoomPlanError("not_here", "this device is not in the room")
    return identity


def _cleared(at: Situation) -> Situation:
    """Without open invites that have run out. Others' clocks may be behind: what is just over stays."""
    still = [invite for invite in at.context.invites if invite.not_after + CLOCK_TOLERANCE >= at.now]
    if len(still) == len(at.context.invites):
        return at
    return replace(at, context=settled(with_invites(at.context, still), NOBODY_GOES))


def _extensions_of(after: RoomContext) -> Proposal:
    return GroupContextExtensions(room_extensions(after))


def _change(at: Situation, after: RoomContext) -> Plan:
    """A change of the context on one's own authority."""
    cleared = _cleared(replace(at, context=replace(after, grounds=None)))
    return Plan((_extensions_of(cleared.context),), ())


def _going(at: Situation, leaves: Iterable[LeafIndex], references: Sequence[Reference]) -> Plan:
    """Removes by value, and leaves. A leave replaces any Remove by value of its leaf (E14)."""
    leaving = [reference.sender for reference in references]
    by_value = [leaf for leaf in leaves if leaf not in leaving]
    removes = [Remove(leaf) for leaf in by_value]
    gone = _gone_without(at.roster, {*by_value, *leaving})
    before = replace(at.context, grounds=None)
    after = settled(before, Going(gone, voids=bool(gone)))
    # Without a change the context stays as it is, and with it the grounds of an earlier Commit: they mean
    # nothing now.
    changed = [] if after == before else [_extensions_of(after)]
    return Plan((*removes, *changed), _named(references))


def _named(references: Iterable[Reference]) -> tuple[ProposalReference, ...]:
    return tuple(ProposalReference(one.proposal, one.ref, one.sender) for one in references)


def _grounded(
    at: Situation,
    leaves: Sequence[LeafIndex],
    grounds: Grounds,
    alter: Callable[[RoomContext], RoomContext],
) -> Plan:
    gone = _gone_without(at.roster, set(leaves))
    # E30: a revoked device or a superseded identity voids all open invites; expiry does not.
    going = Going(gone, voids=not isinstance(grounds, ExpiryGrounds))
    after = settled(alter(at.context), going)
    return _with_grounds(at, after, grounds, [Remove(leaf) for leaf in leaves])


def _with_grounds(at: Situation, after: RoomContext, grounds: Grounds, proposals: Iterable[Proposal]) -> Plan:
    cleared = _cleared(replace(at, context=after))
    return Plan((*proposals, _extensions_of(replace(cleared.context, grounds=grounds))), ())


def _gone_without(roster: Roster, leaves: set[LeafIndex]) -> tuple[bytes, ...]:
    return gone_between(roster, {leaf: who for leaf, who in roster.items() if leaf not in leaves})
