"""Who acts first where any member's device may: by leaf, the ones known to be here before the others."""

from collections.abc import Callable
from typing import TypeAlias

from client.room.turn import Turn
from crypto.identity.credential import LeafIdentity
from crypto.mls.tree_math import LeafIndex
from crypto.room.log_head import payload_hash

TURN_MS = 1_500
"""How long each device that is known to be here gets before the next one acts."""
PERHAPS_MS = 200
"""The same for one of which nothing is known."""
MAX_DELAY_MS = 15_000
JITTER_MS = 1_000


Place: TypeAlias = Callable[[LeafIndex, LeafIdentity], tuple[int, bytes]]
"""Where a device stands in the order: the lowest first."""


def anyone(_: LeafIdentity) -> bool:
    return True


def by_leaf(leaf: LeafIndex, _: LeafIdentity) -> tuple[int, bytes]:
    return leaf, b""


def for_rejoin(account_id: bytes, sealed: bytes) -> Place:
    """Who answers a device that asks to be added anew: its own person's others, then all in an order that
    each request shuffles. Whoever is not on its pin list (E22) would else be the first again and again.
    """

    def place(leaf: LeafIndex, who: LeafIdentity) -> tuple[int, bytes]:
        return int(who.account_id != account_id), payload_hash(sealed + leaf.to_bytes(4))

    return place


def turn_delay(turn: Turn, able: Callable[[LeafIdentity], bool], place: Place = by_leaf) -> int:
    """How long this device waits before it does what the devices before it may do as well. `able` says whose
    devices can do it at all. The first does it at once; the others wait by turns, and a little more at
    random, so that they do not all race when the first ones are gone.
    """
    membership, presence = turn.state.membership, turn.presence
    if membership is None:
        return 0
    mine = place(membership.group.own_leaf, membership.me)
    delay = 0
    for leaf, who in membership.roster.items():
        if place(leaf, who) >= mine or not able(who):
            continue
        delay += TURN_MS if presence.here.get(who.device_id, 0) > turn.env.now else PERHAPS_MS
    return 0 if delay == 0 else min(delay, MAX_DELAY_MS) + turn.jitter(JITTER_MS)
