"""Who acts first where any member's device may: by leaf, the ones known to be here before the others."""

from collections.abc import Callable

from client.room.turn import Turn
from crypto.identity.credential import LeafIdentity

TURN_MS = 1_500
"""How long each device that is known to be here gets before the next one acts."""
PERHAPS_MS = 200
"""The same for one of which nothing is known."""
MAX_DELAY_MS = 15_000
JITTER_MS = 1_000


def anyone(_: LeafIdentity) -> bool:
    return True


def turn_delay(turn: Turn, able: Callable[[LeafIdentity], bool]) -> int:
    """How long this device waits before it does what the devices at lower leaves may do as well. `able`
    says whose devices can do it at all. The first does it at once; the others wait by turns, and a little
    more at random, so that they do not all race when the first ones are gone.
    """
    membership, presence = turn.state.membership, turn.presence
    if membership is None:
        return 0
    mine = membership.group.own_leaf
    delay = 0
    for leaf, who in membership.roster.items():
        if leaf >= mine or not able(who):
            continue
        delay += TURN_MS if presence.here.get(who.device_id, 0) > turn.env.now else PERHAPS_MS
    return 0 if delay == 0 else min(delay, MAX_DELAY_MS) + turn.jitter(JITTER_MS)
