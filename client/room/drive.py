"""What this device does of its own accord once it is level with the log: in what order, and when."""

from collections.abc import Iterator
from dataclasses import replace

from client.room import effects
from client.room.call_state import MediaWaiting
from client.room.entries import fetch_due, watch_fetch
from client.room.media import (
    after_call_due,
    left_call_due,
    settle_media,
    start_due,
    start_instead,
    start_refused,
)
from client.room.merging import DAY, put_off_superseding
from client.room.outbox import send_outbox
from client.room.ranks import anyone, turn_delay
from client.room.rejoining import ask_again
from client.room.requests import is_hopeless
from client.room.routing import REPAIR_AFTER_MS
from client.room.signals import here_due, say_here, signals_expire
from client.room.sitting import mine_due, say_mine
from client.room.snapshots import do_snapshot_duties
from client.room.staged import ForIntent, ForRequest, Purpose, StagedCommit, Upkeep
from client.room.staging import commit, own_other_leaves, send_staged
from client.room.state import Leaving, Membership
from client.room.turn import Turn, is_level
from crypto.mls.application import protect_proposal
from crypto.mls.group import epoch
from crypto.mls.proposal import Remove
from crypto.room.events import event_authenticated_data
from crypto.room.log_head import list_hash, payload_hash
from crypto.room.roster import devices_of, expired_leaves
from wire.frames import Send

UPDATE_AFTER = 3 * DAY
"""E26: within a week; on one of these days, so that there is time to be offline."""
UPDATE_SPREAD = 2 * DAY
RENEW_BEFORE = 30 * DAY
"""E8: a certificate is renewed so long before it runs out."""
RENEW_SPREAD = 5 * DAY


def drive(turn: Turn) -> None:
    """After every input: everything that is due now, and when to look again."""
    watch_fetch(turn)
    if turn.state.stage == "rejoining":
        _retry_rejoin(turn)
    elif turn.state.stage == "member":
        _act(turn)
    settle_media(turn)
    wake = _next_wake(turn)
    if wake is not None and wake != turn.state.wake:
        turn.state = replace(turn.state, wake=wake)
        turn.effect(effects.Wake(wake))


def _retry_rejoin(turn: Turn) -> None:
    rejoining = turn.state.rejoining
    if rejoining is not None and rejoining.again is not None and rejoining.again <= turn.env.now:
        ask_again(turn)


def _act(turn: Turn) -> None:
    membership, link = turn.state.membership, turn.link
    if membership is None or not is_level(turn.state) or turn.env.now < link.not_before:
        return
    say_here(turn)
    say_mine(turn)
    if turn.state.leaving is not None:
        _leave(turn, membership)
        return
    # E19: nothing is sent until the person goes on. E24: nor before the head is known that it would repeat.
    if turn.state.pause is not None or turn.log.head is None or turn.state.newcomer is not None:
        return
    if turn.state.staged is not None:
        # E21: until it is in the log or has lost, nothing else is made for this epoch.
        _go_on(turn, turn.state.staged)
        return
    _do_commits(turn)
    # E14: whoever sees a leave commits it before it sends anything.
    if turn.state.staged is not None or turn.state.leaves:
        return
    do_snapshot_duties(turn)
    send_outbox(turn)


def _go_on(turn: Turn, staged: StagedCommit) -> None:
    if not staged.in_flight:
        send_staged(turn)


def _do_commits(turn: Turn) -> None:
    """The one that is most urgent of those that are due. What cannot be is put aside, and the next one
    tried.
    """
    for purpose in _due_purposes(turn):
        hopeless = commit(turn, purpose)
        if hopeless is None:
            return
        _put_aside(turn, purpose, hopeless.code)


def _due_purposes(turn: Turn) -> Iterator[Purpose]:
    now = turn.env.now
    _plan_dues(turn)
    state = turn.state
    dues, membership = state.dues, state.membership
    if state.leaves:
        if dues.leaves is not None and dues.leaves <= now:
            yield Upkeep("leaves")
        return
    for intent in state.intents:
        yield ForIntent(intent)
    for request in state.requests:
        if request.due is not None and request.due <= now and not is_hopeless(request, membership):
            yield ForRequest(request.id)
    # E37: after what must be committed anyway, since any commit does.
    if dues.start is not None and dues.start <= now:
        start_instead(turn)
    media = turn.state.media
    if isinstance(media, MediaWaiting) and media.starts:
        yield Upkeep("before_call")
    if dues.repair is not None and dues.repair <= now:
        yield Upkeep("repair")
    if dues.expiry is not None and dues.expiry <= now:
        yield Upkeep("expiry")
    if any(due is not None and due <= now for due in (dues.after_call, dues.left_call)):
        yield Upkeep("after_call")
    own = _own_due(turn)
    if own is not None and own[0] <= now:
        yield own[1]


def _plan_dues(turn: Turn) -> None:
    """Set the times of what any member may do, where they are not set yet."""
    leaves, membership = turn.state.leaves, turn.state.membership
    if membership is None:
        return
    if leaves and turn.dues.leaves is None:
        going = {who.device_id for one in leaves if (who := membership.roster.get(one.leaf)) is not None}
        due = turn.env.now + turn_delay(turn, lambda who: who.device_id not in going)
        turn.dues = replace(turn.dues, leaves=due)
    # E37: a call that is over, and none that has begun since.
    turn.dues = replace(
        turn.dues,
        after_call=after_call_due(turn, turn.dues.after_call),
        # A call that goes on without this device, or has begun without a commit.
        left_call=left_call_due(turn, turn.dues.left_call),
        start=start_due(turn, turn.dues.start),
    )
    if turn.dues.expiry is None and _expired_now(turn, membership):
        due = turn.env.now + REPAIR_AFTER_MS + turn_delay(turn, anyone)
        turn.dues = replace(turn.dues, expiry=due)


def _expired_now(turn: Turn, membership: Membership) -> bool:
    """E10: by this device's own clock, as well as by the server's."""
    at = min(turn.env.now, turn.env.server_now)
    own = membership.group.own_leaf
    return any(leaf != own for leaf in expired_leaves(membership.roster, at))


def _own_due(turn: Turn) -> tuple[int, Upkeep] | None:
    """E26, E8: this device's own update, and its certificate's renewal. The device id spreads them over
    days.
    """
    membership, first = turn.state.membership, turn.chores.first_event
    if membership is None:
        return None
    spread = int.from_bytes(turn.env.me.device_id[:2])  # of 65,536
    # E10: certificates count by the server's clock. One that is made by it is never late by it, so that a
    # device whose own clock is a year ahead does not renew without end.
    ahead = turn.env.now - turn.env.server_now
    renew = membership.me.not_after + ahead - RENEW_BEFORE + spread * RENEW_SPREAD // 65536
    if renew <= turn.env.now:
        return renew, Upkeep("renew")
    if first == 0:
        return None
    return first + UPDATE_AFTER + spread * UPDATE_SPREAD // 65536, Upkeep("update")


def _put_aside(turn: Turn, purpose: Purpose, code: str) -> None:
    state = turn.state
    match purpose:
        case ForIntent(intent):
            turn.state = replace(state, intents=tuple(one for one in state.intents if one != intent))
            turn.effect(effects.Dropped(intent.kind, code))
        case ForRequest(request_id):
            hopeless = None if state.membership is None else epoch(state.membership.group)
            requests = (
                replace(one, hopeless=hopeless) if one.id == request_id else one for one in state.requests
            )
            turn.state = replace(state, requests=tuple(requests))
        case Upkeep("leaves"):
            # It cannot be committed in this epoch; a later one has other leaves.
            turn.state = replace(state, leaves=())
        case Upkeep("repair"):
            turn.dues = replace(turn.dues, repair=None)
        case Upkeep("expiry"):
            turn.dues = replace(turn.dues, expiry=turn.env.now + DAY)
        case Upkeep("own_devices"):
            pass  # the device that leaves goes alone
        case Upkeep("before_call"):
            start_refused(turn, code)
        case Upkeep("after_call"):
            put_off_superseding(turn)
        case Upkeep("update" | "renew"):
            turn.chores = replace(turn.chores, first_event=turn.env.now)


def _leave(turn: Turn, membership: Membership) -> None:
    """A person goes with all devices: the others by a commit, where one can be made, then this one by its
    own word (E14).
    """
    state = turn.state
    if state.staged is not None:
        _go_on(turn, state.staged)
        return
    able = state.pause is None and state.log.head is not None and state.newcomer is None
    if able and own_other_leaves(membership) and commit(turn, Upkeep("own_devices")) is None:
        return
    _send_leave(turn)


def _send_leave(turn: Turn) -> None:
    leaving, membership, after = turn.state.leaving, turn.state.membership, turn.log.after
    if leaving is None or membership is None or leaving.in_flight:
        return
    payload, hashes = leaving.payload, leaving.hashes
    if payload is None or leaving.after != after:
        sealed = protect_proposal(
            membership.group,
            proposal=Remove(membership.group.own_leaf),
            authenticated_data=event_authenticated_data(leaving.id),
            rng=turn.env.rng,
        )
        turn.set_group(sealed.group)
        turn.wipe(sealed.consumed)
        payload = sealed.message
        hashes = (*hashes, payload_hash(payload))
    turn.state = replace(turn.state, leaving=Leaving(leaving.id, payload, hashes, after, in_flight=True))
    turn.send(
        Send(
            room=turn.state.room_id,
            id=leaving.id,
            kind="leave",
            after=after,
            list=list_hash(devices_of(membership.roster)),
            payload=payload,
        )
    )


def _next_wake(turn: Turn) -> int | None:
    state = turn.state
    times = [fetch_due(turn), signals_expire(turn)]
    if state.stage == "rejoining" and state.rejoining is not None:
        times.append(state.rejoining.again)
    if state.stage == "member" and state.link.connected and state.membership is not None:
        times += [here_due(turn), mine_due(turn), state.link.not_before]
        if state.pause is None and state.newcomer is None:
            own = _own_due(turn)
            times += [
                state.dues.leaves,
                state.dues.repair,
                state.dues.expiry,
                state.dues.after_call,
                state.dues.left_call,
                state.dues.start,
                None if own is None else own[0],
            ]
            times += [one.due for one in state.requests if not is_hopeless(one, state.membership)]
            times += [one.due for one in state.duties]
    return min((time for time in times if time is not None and time > turn.env.now), default=None)
