"""What needs several accounts, and how many (E14).

Removing another account, and changing policy, charter or founder, needs the founder; or half of the other
accounts and at least two, each approving in a Commit of its own. "Other" means: all but the one to be
removed; for the rest, all but the founder. Every account has one vote, however many devices it has, and only
accounts that are here count.

A founder who is gone is founder no more (`settled`): the others decide together from then on, and may name
another.

Two people: the founder may remove the other; the other may not remove the founder, since nobody else could
agree. Where the founder has left, neither may remove the other. Each may always leave. So no single member
can take a room over by removing the only other one, and whoever wants to be rid of somebody without the
group's consent begins a new room.
"""

from collections.abc import Iterable
from typing import Final

from crypto.room.room_context import (
    Change,
    Enactable,
    InviteChange,
    OpenInvite,
    RemoveChange,
    RoomContext,
    approvers_of,
)
from crypto.room.roster import Roster, accounts_of

_LEAST_APPROVALS: Final = 2


def voters_on(context: RoomContext, roster: Roster, change: Change) -> tuple[bytes, ...]:
    """Whose approval counts."""
    accounts = accounts_of(roster)
    match change:
        case RemoveChange(target):
            return tuple(account for account in accounts if account != target)
        case InviteChange():
            return accounts
        case _:
            return tuple(account for account in accounts if account != context.founder)


def approvals_needed(context: RoomContext, roster: Roster, change: Change) -> int:
    """How many accounts must approve, the one that commits the change among them."""
    voters = len(voters_on(context, roster, change))
    # Policy may ask for more people than there are: then everybody.
    if isinstance(change, InviteChange):
        return min(context.policy.admit_approvals, voters)
    return max(_LEAST_APPROVALS, (voters + 1) // 2)


def approvals(
    context: RoomContext, roster: Roster, change: Change, also: Iterable[bytes]
) -> tuple[bytes, ...]:
    """Those who have approved and whose approval counts, with these as well."""
    said = {*approvers_of(context, change), *also}
    return tuple(account for account in voters_on(context, roster, change) if account in said)


def may_commit(context: RoomContext, roster: Roster, change: Enactable, account: bytes) -> bool:
    """Whether this account, by what the room agreed on before, may commit the change now."""
    if account == context.founder:
        return True
    return len(approvals(context, roster, change, [account])) >= approvals_needed(context, roster, change)


def invite_admits(context: RoomContext, roster: Roster, invite: OpenInvite) -> bool:
    """Whether an open invite admits: its inviter has approved by making it."""
    change = InviteChange(invite.id)
    given = approvals(context, roster, change, [invite.inviter])
    return len(given) >= approvals_needed(context, roster, change)
