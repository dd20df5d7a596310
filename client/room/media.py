"""When this device is given the keys of the room's call, and when it must not encrypt (E14, E19, E35 to E37).

The keys are made when they go out and kept nowhere: with its epoch the exporter goes, and nobody can make
them any more.
"""

from dataclasses import replace

from client.room import effects
from client.room.call_state import NO_MEDIA, MediaGiven, MediaOff, MediaWaiting
from client.room.ranks import anyone, turn_delay
from client.room.sitting import devices_in
from client.room.state import Membership
from client.room.surface import CommandError
from client.room.turn import Turn, is_level
from crypto.mls.group import epoch, export_secret
from crypto.mls.tree_math import LeafIndex
from crypto.sframe.key_derivation import BASE_KEY_LABEL, BASE_KEY_LENGTH

AFTER_CALL_MS = 30_000
"""E37: so long after a call its epoch is superseded by anybody's device, where the last to leave has not done
it.
"""
LAST_WAIT_MS = 2_000
"""How long the last to leave waits for the server's word that nobody is left: a commit before it would be one
too early.
"""
LEFT_MS = 5 * 60_000
"""E37: so long after it left a call that goes on by the server's word, a device supersedes the keys that it
was given, where nobody has. A server that never ends a call keeps none of them alive.
"""
HEARD_MS = 6 * 3_600_000
"""The same for the epoch of a call that this device was not in."""
BEFORE_START_MS = 30_000
"""The commit with which a call begins has a stamp that is at most so much earlier than the call."""
START_WAIT_MS = 3_000
"""How long whoever comes next waits for it, before it commits itself."""


def come_in(turn: Turn, starts: bool) -> None:
    """This device goes into the call. Raises CommandError."""
    state = turn.state
    if state.stage != "member":
        raise CommandError("rejoining")
    if state.leaving is not None:
        raise CommandError("leaving")
    if state.pause is not None:
        raise CommandError("paused")
    if isinstance(state.media, MediaOff):
        turn.state = replace(state, media=MediaWaiting(starts))
        turn.call = replace(turn.call, last_at=None, left_at=None)


def go_out(turn: Turn, last: bool) -> None:
    """It goes out. `last`: nobody is left, so it supersedes what was used (E37)."""
    _end(turn)
    if last:
        turn.call = replace(turn.call, last_at=turn.env.now)
        turn.dues = replace(turn.dues, after_call=None)


def start_refused(turn: Turn, code: str) -> None:
    """A start that the group or the server said no to: nothing begins."""
    media = turn.state.media
    if isinstance(media, MediaWaiting) and media.starts:
        _end(turn)
        turn.effect(effects.Dropped("media_on", code))


def _end(turn: Turn) -> None:
    media = turn.state.media
    if not isinstance(media, MediaOff):
        turn.state = replace(turn.state, media=NO_MEDIA)
        left_at = turn.env.now if isinstance(media, MediaGiven) else turn.call.left_at
        turn.call = replace(turn.call, mine=None, again=False, left_at=left_at)
        turn.effect(effects.MediaEnd())


def is_call_on(turn: Turn) -> bool:
    """Whether somebody is in a call of this epoch, this device or another."""
    sitting, mine = turn.call.sitting, turn.env.me.device_id
    others = sitting is not None and any(one.device != mine for one in sitting.participants)
    return others or isinstance(turn.state.media, MediaGiven)


def merged_in_call(turn: Turn, own: bool) -> None:
    """After a merge: whatever was used in the epochs before is gone with them."""
    turn.chores = replace(turn.chores, called=is_call_on(turn))
    heard_at = None if turn.call.sitting is None else turn.env.now
    turn.call = replace(turn.call, last_at=None, left_at=None, heard_at=heard_at)
    # E37: anybody's commit does, as every one of ours has a path. What is caught up with may be from days
    # before.
    if isinstance(turn.state.media, MediaWaiting) and (own or turn.link.caught_up):
        turn.state = replace(turn.state, media=MediaWaiting(starts=False, merged=True))


def settle_media(turn: Turn) -> None:
    """At the end of every step: what the state now asks of the media."""
    state = turn.state
    media, membership = state.media, state.membership
    if isinstance(media, MediaOff):
        return
    if state.stage != "member" or membership is None or state.leaving is not None:
        _end(turn)
        return
    free = state.pause is None and not state.leaves
    if isinstance(media, MediaWaiting):
        # E24: not before what its author would repeat of the log is known.
        ready = not media.starts and not _awaits_start(turn, media)
        if free and ready and state.newcomer is None and is_level(state):
            _give(turn, membership)
        return
    merged = media.epoch != epoch(membership.group)
    unheard = () if merged else media.unheard
    # What was heard to go stays unheard in its epoch, whether or not it can be committed.
    if free and not unheard:
        if merged or media.stage == "held":
            _give(turn, membership)
        return
    _hold(turn, membership, media, unheard)


def _awaits_start(turn: Turn, media: MediaWaiting) -> bool:
    """E37: the call has begun, and the commit of its starter is not merged here. Both stamps are the
    server's.
    """
    sitting, made = turn.call.sitting, turn.log.maker.time
    return not media.merged and sitting is not None and 0 < made < sitting.since - BEFORE_START_MS


def start_due(turn: Turn, planned: int | None) -> int | None:
    """E37: when this device, which came into a call whose starter has not committed, does so instead; None
    where it has not to.
    """
    media = turn.state.media
    if not isinstance(media, MediaWaiting) or media.starts or not _awaits_start(turn, media):
        return None
    if planned is not None:
        return planned
    here = devices_in(turn.call.sitting)
    return turn.env.now + START_WAIT_MS + turn_delay(turn, lambda who: who.device_id in here)


def start_instead(turn: Turn) -> None:
    """Whoever began the call is gone, or could not commit."""
    turn.state = replace(turn.state, media=MediaWaiting(starts=True))


def _give(turn: Turn, membership: Membership) -> None:
    group = membership.group
    turn.state = replace(turn.state, media=MediaGiven("on", epoch(group)))
    if not turn.chores.called:
        turn.chores = replace(turn.chores, called=True)
    leaves = {
        leaf: effects.CallLeaf(who.device_id, who.account_id) for leaf, who in membership.roster.items()
    }
    base_key = export_secret(group, BASE_KEY_LABEL, b"", BASE_KEY_LENGTH)  # E35
    turn.effect(effects.Media(epoch(group), base_key, group.own_leaf, leaves))


def _hold(turn: Turn, membership: Membership, media: MediaGiven, unheard: tuple[LeafIndex, ...]) -> None:
    """E14, E19: nothing is encrypted until keys are given again."""
    going = tuple(one.leaf for one in turn.state.leaves if one.leaf not in unheard)
    turn.state = replace(turn.state, media=MediaGiven("held", media.epoch, unheard + going))
    for leaf in going:
        who = membership.roster[leaf]
        turn.effect(effects.MediaHold(effects.Gone(leaf, effects.CallLeaf(who.device_id, who.account_id))))
    if not going and media.stage == "on":
        turn.effect(effects.MediaHold(None))


def after_call_due(turn: Turn, planned: int | None) -> int | None:
    """E37: when this device supersedes the epoch of a call that is over; None where it has not to. `planned`:
    the time that it has for it already. Others who come first make it needless.
    """
    call = turn.call
    if not turn.chores.called or is_call_on(turn):
        return None
    if planned is not None:
        return planned
    if call.last_at is not None:
        return call.last_at + LAST_WAIT_MS if call.over_at is None else turn.env.now
    if call.over_at is None:
        return None
    return call.over_at + AFTER_CALL_MS + turn_delay(turn, anyone)


def left_call_due(turn: Turn, planned: int | None) -> int | None:
    """E37: when this device supersedes the epoch of a call that goes on without it, by the server's word;
    None where it has not to.
    """
    call = turn.call
    out = isinstance(turn.state.media, MediaOff)
    if not turn.chores.called or not out or not is_call_on(turn):
        return None
    if planned is not None:
        return planned
    if call.left_at is not None:
        return call.left_at + LEFT_MS + turn_delay(turn, anyone)
    return None if call.heard_at is None else call.heard_at + HEARD_MS + turn_delay(turn, anyone)
