"""How a device's part in a room ends: by leaving, by a removal, or to begin again (E14, E18, E22, E39)."""

from dataclasses import replace
from typing import Literal

from client.room import effects
from client.room.call_state import NO_CALL
from client.room.happenings import with_happened
from client.room.outbox import ID_BYTES, seal_event
from client.room.rejoining import begin_rejoin
from client.room.seen import Place
from client.room.state import NOBODY, OFFLINE, Happened, Statement
from client.room.turn import Turn
from crypto.identity.credential import LeafIdentity
from crypto.mls.group import superseded_secrets
from crypto.room.roster import accounts_of
from crypto.room.stuck import sign_stuck


def destroy_group(turn: Turn) -> None:
    """Nothing of the group stays in the state; every secret of it is wiped once that is stored."""
    state = turn.state
    if state.membership is not None:
        turn.wipe(superseded_secrets(state.membership.group, None))
    if state.staged is not None:
        turn.wipe(superseded_secrets(state.staged.next, None))
    turn.state = replace(state, membership=None, staged=None, leaves=(), newcomer=None, presence=NOBODY)


def _end(turn: Turn, stage: Literal["removed", "left"]) -> None:
    destroy_group(turn)
    turn.state = replace(
        turn.state,
        stage=stage,
        outbox=(),
        intents=(),
        duties=(),
        requests=(),
        leaving=None,
        rejoining=None,
        provisional=None,
        pause=None,
        link=OFFLINE,
        call=NO_CALL,
        wake=None,
    )
    turn.effect(effects.Pins())


def removed_from_room(turn: Turn, place: Place, happened: Happened) -> None:
    """A valid commit without this device's leaf. What was read stays readable; the keys are gone."""
    turn.state = replace(turn.state, timeline=with_happened(turn.state.timeline, happened, place))
    _end(turn, "removed")


def cut_off(turn: Turn) -> None:
    """The server's word alone: nothing more comes from it."""
    _end(turn, "removed" if turn.state.leaving is None else "left")


def left_room(turn: Turn) -> None:
    _end(turn, "left")


def copy_found(turn: Turn) -> None:
    """E39: another copy of this state is in use. It encrypts nothing, is destroyed, and the device asks to
    be added anew.
    """
    turn.alarm("copy", turn.env.me.account_id)
    begin_rejoin(turn)
    destroy_group(turn)


def stuck_at(turn: Turn, n: int, author: LeafIdentity) -> None:
    """E18: a commit that is valid and that this device cannot complete. It keeps the old epoch, says so
    there, and asks to be added again by anyone but the commit's author.
    """
    membership = turn.state.membership
    if membership is None:
        return
    turn.alarm("stuck", author.account_id)
    statement = None if turn.log.head is None else _say_stuck(turn, n)
    # Where nobody else could add this device, it is the author or nobody.
    others = set(accounts_of(membership.roster)) - {author.account_id, turn.env.me.account_id}
    begin_rejoin(turn, author.account_id if others else None, statement)


def _say_stuck(turn: Turn, n: int) -> Statement:
    me = turn.env.me
    id_ = turn.env.rng(ID_BYTES)
    stuck = sign_stuck(me.identity.identity_key.private_key, turn.state.room_id, n, me.device_id)
    return Statement(id_, seal_event(turn, id_, stuck).payload, n)
