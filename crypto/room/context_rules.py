"""Changes of the room context in a Commit that rests on nothing but its author's authority (E13, E14, E28,
E30).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from crypto.mls.ed25519 import is_public_key
from crypto.room.authority import may_commit
from crypto.room.change import (
    ChangeApproved,
    ChangeProposed,
    ChangeWithdrawn,
    CharterChanged,
    FounderChanged,
    Happening,
    Invited,
    InviteWithdrawn,
    PolicyChanged,
    RemovalApproved,
    RemovalProposed,
    RemovalWithdrawn,
    Renamed,
    WhyWithdrawn,
)
from crypto.room.errors import RoomRuleError
from crypto.room.invites import INVITE_LIFETIME
from crypto.room.room_context import (
    Change,
    CharterChange,
    FounderChange,
    InviteChange,
    OpenInvite,
    PolicyChange,
    RemoveChange,
    RoomContext,
    approvers_of,
    with_approvers,
    with_invites,
)
from crypto.room.roster import Roster, has_account
from crypto.room.settling import Going, settled

# How far an inviter's clock may be ahead of the stamps (ms): beyond ten minutes a device says that it is off
# (E10).
CLOCK_TOLERANCE: Final = 10 * 60_000
# As many as the server mints tokens for one account.
MAX_INVITES_EACH: Final = 20
MAX_APPROVALS_EACH: Final = 8


@dataclass(frozen=True, slots=True)
class ContextCase:
    """`account` is the committer's."""

    before: RoomContext
    after: RoomContext
    roster: Roster
    roster_after: Roster
    account: bytes
    stamp: int
    going: Going


def judge_context(at: ContextCase) -> tuple[Happening, ...]:
    """Raises RoomRuleError."""
    _check_fixed(at)
    what: list[Happening] = []
    # Title: any member's.
    if at.after.title != at.before.title:
        what.append(Renamed(at.before.title, at.after.title))
    enacted = _enacted_changes(at)
    for change in enacted:
        if not may_commit(at.before, at.roster, change, at.account):
            raise RoomRuleError("E14", "approvals", f"{change.kind} needs the founder or more approvals")
        what.append(_happening_of(change))
    return (*what, *_judge_invites(at), *_judge_pending(at, enacted))


def _check_fixed(at: ContextCase) -> None:
    """E13: kind and parent never change. Guests are for cases; revocations come by their statements alone."""
    before, after = at.before, at.after
    fixed = (before.kind, before.parent, before.guests, before.revocations)
    if fixed != (after.kind, after.parent, after.guests, after.revocations):
        raise RoomRuleError("E13", "fixed", "kind, parent, guests or revocations were changed")


def _enacted_changes(at: ContextCase) -> list[PolicyChange | CharterChange | FounderChange]:
    before, after = at.before, at.after
    out: list[PolicyChange | CharterChange | FounderChange] = []
    if before.policy != after.policy:
        out.append(PolicyChange(after.policy))
    if after.charter_hash is None:
        if before.charter_hash is not None:
            raise RoomRuleError("E14", "charter", "a charter is replaced, not dropped")
    elif before.charter_hash != after.charter_hash:
        out.append(CharterChange(after.charter_hash))
    if settled(before, at.going).founder != after.founder:
        if not has_account(at.roster_after, after.founder):
            raise RoomRuleError("E14", "founder_absent", "the new founder is not in the room")
        out.append(FounderChange(after.founder))
    return out


def _happening_of(change: PolicyChange | CharterChange | FounderChange) -> Happening:
    match change:
        case PolicyChange(policy):
            return PolicyChanged(policy)
        case CharterChange(digest):
            return CharterChanged(digest)
        case FounderChange(target):
            return FounderChanged(target)


# Invites


def _judge_invites(at: ContextCase) -> list[Happening]:
    before, after = at.before, at.after
    what: list[Happening] = []
    # E30
    if at.going.voids and after.invites:
        raise RoomRuleError("E30", "invites_not_void", "somebody was taken out, and invites stay open")
    open_before = {invite.id: invite for invite in before.invites}
    open_after = {invite.id: invite for invite in after.invites}
    for invite in before.invites:
        if invite.id not in open_after:
            what.append(InviteWithdrawn(invite.id, _why_withdrawn(at, invite)))
        elif open_after[invite.id] != invite:
            raise RoomRuleError("E28", "invite_changed", "an open invite was changed")
    for invite in after.invites:
        if invite.id not in open_before:
            _check_new_invite(at, invite)
            what.append(Invited(invite.id))
    if sum(invite.inviter == at.account for invite in after.invites) > MAX_INVITES_EACH:
        raise RoomRuleError("E28", "invite_count", "too many open invites of one person")
    return what


def _check_new_invite(at: ContextCase, invite: OpenInvite) -> None:
    if invite.inviter != at.account:
        raise RoomRuleError("E28", "invite_inviter", "an invite in another person's name")
    if not at.stamp < invite.not_after <= at.stamp + INVITE_LIFETIME + CLOCK_TOLERANCE:
        raise RoomRuleError("E28", "invite_lifetime", "an invite is open for 72 hours at most")
    if not is_public_key(invite.join_key):
        raise RoomRuleError("E28", "invite_key", "the join key is none")


def _why_withdrawn(at: ContextCase, invite: OpenInvite) -> WhyWithdrawn:
    if at.going.voids:
        return "void"
    if invite.not_after < at.stamp:
        return "expired"
    if at.account in (invite.inviter, at.before.founder):
        return "withdrawn"
    raise RoomRuleError(
        "E28", "invite_not_theirs", "an invite is its inviter's to withdraw, or the founder's"
    )


# Approvals


def _judge_pending(at: ContextCase, enacted: Iterable[Change]) -> list[Happening]:
    """E14: in a Commit, an account adds or takes back its own approvals, and nobody else's."""
    account, pending = at.account, at.after.pending
    expected = settled(with_invites(at.before, at.after.invites), at.going)
    # What was done is pending no more.
    for change in enacted:
        expected = with_approvers(expected, change, ())
    what: list[Happening] = []
    for one in pending:
        had = approvers_of(expected, one.change)
        _check_others_approvals(account, had, one.approvers)
        if (account in had) == (account in one.approvers):
            continue
        if account in had:
            what.append(_withdrawn(one.change))
        else:
            _check_approvable(at, one.change)
            what.append(_proposed(one.change) if not had else _approved(one.change))
    still = {one.change for one in pending}
    for one in expected.pending:
        if one.change not in still:
            _check_others_approvals(account, one.approvers, ())
            what.append(_withdrawn(one.change))
    if sum(account in one.approvers for one in pending) > MAX_APPROVALS_EACH:
        raise RoomRuleError("E14", "approval_count", "too many open approvals of one person")
    return what


def _check_others_approvals(account: bytes, had: Iterable[bytes], has: Iterable[bytes]) -> None:
    if {*had} - {account} != {*has} - {account}:
        raise RoomRuleError("E14", "approval_forged", "an approval was given or taken in another's name")


def _check_approvable(at: ContextCase, change: Change) -> None:
    """Whether this is something that this account can approve at all."""
    after, account = at.after, at.account
    match change:
        case RemoveChange(target):
            possible = has_account(at.roster_after, target) and target != account
        case FounderChange(target):
            possible = has_account(at.roster_after, target) and target != after.founder
        case InviteChange(target):
            possible = any(one.id == target and one.inviter != account for one in after.invites)
        case PolicyChange(policy):
            possible = policy != after.policy
        case CharterChange(digest):
            possible = digest != after.charter_hash
    if not possible:
        raise RoomRuleError("E14", "approval_void", "nothing there that this account could approve")


def _proposed(change: Change) -> Happening:
    return RemovalProposed(change.target) if isinstance(change, RemoveChange) else ChangeProposed(change)


def _approved(change: Change) -> Happening:
    return RemovalApproved(change.target) if isinstance(change, RemoveChange) else ChangeApproved(change)


def _withdrawn(change: Change) -> Happening:
    return RemovalWithdrawn(change.target) if isinstance(change, RemoveChange) else ChangeWithdrawn(change)
