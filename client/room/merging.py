"""What follows from a new epoch, and from a commit of one's own that lost (E21)."""

from dataclasses import replace

from client.room import commands, effects
from client.room.media import merged_in_call, start_refused
from client.room.ranks import anyone, turn_delay
from client.room.snapshots import settle_provisional
from client.room.staged import ForIntent, ForRequest, StagedCommit, Upkeep
from client.room.state import NO_DUES, NOBODY, Membership
from client.room.turn import Turn
from crypto.mls.group import superseded_secrets
from crypto.room.change import InviteWithdrawn, RoomChange

DAY = 24 * 3_600_000


def after_merge(
    turn: Turn, n: int, change: RoomChange, before: Membership | None, own: StagedCommit | None
) -> None:
    """`turn` has the new epoch's membership already; `before` is that of the last one."""
    for leaf, identity in change.roster.items():
        known = None if before is None else before.roster.get(leaf)
        if known is None or known.leaf_key != identity.leaf_key:
            turn.effect(effects.Met(identity))
    if change.added or change.gone:
        turn.effect(effects.Pins())
    _withdraw_tokens(turn, change, before)
    # Whoever is new has nothing before its commit to receive.
    moved = {**turn.state.cursors, **{one.identity.device_id: n - 1 for one in change.added}}
    devices = {who.device_id for who in change.roster.values()}
    presence = turn.presence
    turn.state = replace(
        turn.state,
        cursors=moved,
        # E38: keys, sessions and counters are of one epoch.
        presence=replace(
            NOBODY,
            here={device: until for device, until in presence.here.items() if device in devices},
            said_here=presence.said_here,
            said_typing=presence.said_typing,
        ),
        dues=NO_DUES,
    )
    # What signals said before reaches nobody who came with this commit.
    turn.call = replace(turn.call, again=turn.call.mine is not None)
    merged_in_call(turn, own=own is not None)
    settle_provisional(turn)
    if own is not None:
        _committed(turn, own)


def _withdraw_tokens(turn: Turn, change: RoomChange, before: Membership | None) -> None:
    """E30: an open invite is void; its token need not wait for its end."""
    if before is None:
        return
    mine = {one.id for one in before.context.invites if one.inviter == turn.env.me.account_id}
    for happening in change.what:
        if isinstance(happening, InviteWithdrawn) and happening.invite_id in mine:
            turn.effect(effects.WithdrawToken(happening.invite_id))


def _committed(turn: Turn, own: StagedCommit) -> None:
    # E26: the week begins anew with the next event.
    turn.chores = replace(turn.chores, first_event=0)
    match own.purpose:
        case ForRequest(request_id):
            requests = tuple(one for one in turn.state.requests if one.id != request_id)
            turn.state = replace(turn.state, requests=requests)
        case ForIntent(intent):
            turn.state = replace(
                turn.state, intents=tuple(one for one in turn.state.intents if one != intent)
            )
            if isinstance(intent, commands.Invite):
                turn.effect(effects.Invited(intent.invite.id))


def drop_staged(turn: Turn) -> None:
    """E21: another commit stands where ours was to stand. The epoch stays; what it was made for is tried
    again.
    """
    staged, membership = turn.state.staged, turn.state.membership
    if staged is None:
        return
    if membership is not None:
        turn.wipe(superseded_secrets(staged.next, membership.group))
    turn.state = replace(turn.state, staged=None)
    if isinstance(staged.purpose, ForRequest):
        id_, due = staged.purpose.request_id, turn.env.now + turn_delay(turn, anyone)
        requests = (replace(one, due=due) if one.id == id_ else one for one in turn.state.requests)
        turn.state = replace(turn.state, requests=tuple(requests))


def give_up(turn: Turn, staged: StagedCommit, code: str) -> None:
    """The group or the server said no to it: to ask once more would change nothing."""
    match staged.purpose:
        case ForIntent(intent):
            intents = tuple(one for one in turn.state.intents if one != intent)
            turn.state = replace(turn.state, intents=intents)
            turn.effect(effects.Dropped(intent.kind, code))
        case Upkeep("before_call"):
            start_refused(turn, code)
        case Upkeep("after_call"):
            put_off_superseding(turn)


def put_off_superseding(turn: Turn) -> None:
    """E37: the keys are still there, and a week is not far."""
    later = turn.env.now + DAY
    after_call = None if turn.dues.after_call is None else later
    left_call = None if turn.dues.left_call is None else later
    turn.dues = replace(turn.dues, after_call=after_call, left_call=left_call)
