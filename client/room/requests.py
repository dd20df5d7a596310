"""Those who ask to be added: who of the members answers, and when (E22, E28)."""

from dataclasses import replace

from client.room.faults import Fault, judged
from client.room.ranks import anyone, for_rejoin, turn_delay
from client.room.state import Membership, OpenRequest
from client.room.turn import Turn
from crypto.mls.group import epoch
from crypto.room.join_request import open_join_request
from crypto.room.rejoin import open_rejoin_request
from crypto.room.roster import accounts_of
from wire.frames import Request

MAX_REQUESTS = 256
"""Requests that wait at the same time."""
INVITER_FIRST_MS = 1_000
"""Whoever invited is asked first."""


def is_hopeless(request: OpenRequest, membership: Membership | None) -> bool:
    """Nothing can be done about it in this epoch."""
    return membership is not None and request.hopeless == epoch(membership.group)


def on_request(turn: Turn, frame: Request) -> None:
    state = turn.state
    if state.stage != "member" or state.membership is None or len(state.requests) >= MAX_REQUESTS:
        return
    if any(one.id == frame.request_id for one in state.requests):
        return
    if frame.kind == "rejoin":
        delay = _rejoin_delay(turn, frame.sealed, state.membership)
    else:
        delay = _join_delay(turn, frame.sealed, state.membership)
    due = None if delay is None else turn.env.now + delay
    request = OpenRequest(frame.request_id, frame.kind, frame.sealed, due, None)
    turn.state = replace(turn.state, requests=(*state.requests, request))


def on_request_gone(turn: Turn, id_: bytes) -> None:
    turn.state = replace(turn.state, requests=tuple(one for one in turn.state.requests if one.id != id_))


def _rejoin_delay(turn: Turn, sealed: bytes, membership: Membership) -> int | None:
    """Never by whoever's commit drove the device out, where others are (E18)."""
    opened = judged(lambda: open_rejoin_request(turn.state.room_id, sealed))
    if isinstance(opened, Fault):
        return turn_delay(turn, anyone)
    mine, asks = turn.env.me.account_id, opened.identity
    others = set(accounts_of(membership.roster)) - {mine, asks.account_id}
    place = for_rejoin(asks.account_id, sealed)
    delay = turn_delay(turn, lambda who: who.device_id != asks.device_id, place)
    made_it = turn.log.maker.account_id == mine and opened.epoch + 1 == epoch(membership.group)
    return None if made_it and others else delay


def _join_delay(turn: Turn, sealed: bytes, membership: Membership) -> int:
    """The inviter's devices first."""
    opened = judged(lambda: open_join_request(membership.context.invites, turn.state.room_id, sealed))
    if opened is None or isinstance(opened, Fault):
        return turn_delay(turn, anyone)
    inviter = opened.inviter
    if inviter == turn.env.me.account_id:
        return turn_delay(turn, lambda who: who.account_id == inviter)
    return INVITER_FIRST_MS + turn_delay(turn, anyone)
