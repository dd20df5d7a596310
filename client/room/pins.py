"""A room's line of the pin list: whom a device of this person may be added by when it comes back (E22)."""

from client.room.state import RoomState
from crypto.identity.bundle import Pin, PinnedAccount
from crypto.identity.credential import LeafIdentity


def room_pin(state: RoomState) -> Pin | None:
    if state.rejoining is not None:
        return state.rejoining.pin
    if state.membership is None:
        return None
    accounts = {
        who.account_id: PinnedAccount(who.account_id, who.root_key)
        for who in state.membership.roster.values()
    }
    return Pin(state.room_id, tuple(accounts.values()), state.log.n, state.log.head or b"")


def is_pinned(pin: Pin, leaf: LeafIdentity) -> bool:
    """Whether a leaf is a pinned person's: the root that was pinned is one that its chain went through
    (E7).
    """
    return any(one.account_id == leaf.account_id and one.root_key in leaf.roots for one in pin.accounts)
