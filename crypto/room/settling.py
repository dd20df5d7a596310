"""What a change to the people of a room entails in its context: computed alike by who plans a Commit and who
judges it.
"""

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Final

from crypto.room.room_context import (
    NOBODY,
    FounderChange,
    InviteChange,
    Pending,
    RemoveChange,
    RoomContext,
    with_invites,
    with_pending,
)


@dataclass(frozen=True, slots=True)
class Going:
    """`gone`: accounts of which no leaf is left. `voids`: an account was taken out, or a revoked device, so
    every open invite is void (E30).
    """

    gone: tuple[bytes, ...]
    voids: bool


NOBODY_GOES: Final = Going((), voids=False)


def settled(context: RoomContext, going: Going) -> RoomContext:
    """The context without what cannot stay: void invites, approvals by, or about, who is gone, and their
    founder's rights.
    """
    open_ = with_invites(context, ()) if going.voids else context
    # Else a founder whom the group removed would be one again by any member's invite.
    kept = replace(open_, founder=NOBODY) if open_.founder in going.gone else open_
    pending = [
        still for one in kept.pending if (still := _settled_pending(kept, one, going.gone)) is not None
    ]
    return with_pending(kept, pending)


def _settled_pending(context: RoomContext, pending: Pending, gone: Collection[bytes]) -> Pending | None:
    match pending.change:
        case RemoveChange(target) | FounderChange(target) if target in gone:
            return None
        case InviteChange(target) if all(invite.id != target for invite in context.invites):
            return None
    approvers = tuple(account for account in pending.approvers if account not in gone)
    return Pending(pending.change, approvers) if approvers else None
