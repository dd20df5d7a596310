"""The server's list of devices is the one that the tree implies (E20)."""

from collections.abc import Sequence
from dataclasses import replace

from client.room.ranks import anyone, turn_delay
from client.room.turn import Turn, is_level
from crypto.room.roster import devices_of

REPAIR_AFTER_MS = 2_000
"""Others may be about to do it."""


def on_routing(turn: Turn, listed: Sequence[bytes]) -> None:
    """After a Commit the server tells what its author listed: it must be the devices of the tree, or was so
    before.
    """
    membership = turn.state.membership
    # Whoever still catches up compares with what `ready` said, once it is level.
    if membership is None or turn.state.stage != "member" or not is_level(turn.state):
        return
    if set(listed) != set(devices_of(membership.roster)):
        _differs(turn)


def check_ready(turn: Turn) -> None:
    """What `ready` said: everyone in the tree is served, but for those who have just left."""
    state = turn.state
    ready, membership = state.link.ready, state.membership
    if ready is None or membership is None or state.stage != "member" or not is_level(state):
        return
    turn.link = replace(turn.link, ready=None)
    if state.log.n > ready.last:
        return  # another commit may have come since
    served = set(ready.list)
    left = {one.leaf for one in state.leaves}
    roster = membership.roster
    if any(leaf not in left and who.device_id not in served for leaf, who in roster.items()):
        _differs(turn)


def _differs(turn: Turn) -> None:
    """Say who committed the list, and put it right by a commit of this device when nobody else does (E20)."""
    turn.alarm("routing", turn.log.maker.account_id or None)
    if turn.dues.repair is None:
        due = turn.env.now + REPAIR_AFTER_MS + turn_delay(turn, anyone)
        turn.dues = replace(turn.dues, repair=due)
