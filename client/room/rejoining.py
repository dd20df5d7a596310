"""A device that cannot go on asks to be added anew, and takes the Welcome that answers it (E22, E23, E25)."""

from dataclasses import replace

from client.room import effects
from client.room.happenings import line_id
from client.room.leaf import fresh_key_package
from client.room.media import is_call_on
from client.room.outbox import send_message
from client.room.pins import is_pinned, room_pin
from client.room.said import said_by
from client.room.state import NOBODY, Chores, Rejoining, Statement
from client.room.surface import WelcomeError
from client.room.turn import Turn
from client.room.welcomes import log_at, maker_at, newcomer_at, open_welcome
from crypto.identity.bundle import Pin
from crypto.mls.group import epoch, superseded_secrets
from crypto.room.rejoin import sign_rejoin_request
from crypto.room.timeline import SystemItem, with_said, with_system
from wire.frames import Welcome

HOUR = 3_600_000
REQUEST_LIFE_MS = 70 * HOUR
"""The server keeps a request for 72 hours."""


def begin_rejoin(
    turn: Turn, refuses: bytes | None = None, statement: Statement | None = None, pin: Pin | None = None
) -> None:
    """`refuses`: whose Welcome is not taken (E18). `pin`: where this device has none of its own."""
    state, env = turn.state, turn.env
    membership = state.membership
    pin = pin or room_pin(state)
    if pin is None:
        raise AssertionError("nobody is known who could add this device")
    if membership is not None and state.staged is not None:
        turn.wipe(superseded_secrets(state.staged.next, membership.group))
        turn.state = replace(turn.state, staged=None)
    # The KeyPackage replaces the old leaf, so its certificate is a newer one.
    above = 0 if membership is None else membership.me.certificate_serial + 1
    created = fresh_key_package(env, above)
    signed = sign_rejoin_request(
        env.me.identity.identity_key.private_key,
        room=state.room_id,
        device=env.me.device_id,
        old_leaf=None if membership is None else membership.group.own_leaf,
        epoch=0 if membership is None else epoch(membership.group),
        key_package=created.bytes,
        rng=env.rng,
    )
    turn.state = replace(
        turn.state,
        stage="rejoining",
        leaving=None,
        newcomer=None,
        duties=(),
        requests=(),
        rejoining=Rejoining(
            since=env.now,
            sealed=signed.sealed,
            key_package=created.bytes,
            secrets=created.secrets,
            refuses=refuses,
            pin=pin,
            statement=statement,
            again=None,
        ),
    )
    turn.link = replace(turn.link, fetching=None)
    turn.effect(effects.Rejoin(signed.sealed))
    send_statement(turn)


def ask_again(turn: Turn) -> None:
    """On every connection, and when its time has come: the request; the server knows it when it has it."""
    rejoining, now = turn.state.rejoining, turn.env.now
    if rejoining is None:
        return
    due = rejoining.again is not None and rejoining.again <= now
    if due or now - rejoining.since > REQUEST_LIFE_MS:
        begin_rejoin(turn, rejoining.refuses, rejoining.statement)
    else:
        turn.effect(effects.Rejoin(rejoining.sealed))


def send_statement(turn: Turn) -> None:
    """E18, sealed in the old epoch; again on every connection until the server has it or a later commit
    came.
    """
    rejoining = turn.state.rejoining
    if rejoining is not None and rejoining.statement is not None and turn.link.connected:
        statement = rejoining.statement
        send_message(turn, statement.id, statement.payload, statement.after)


def statement_answered(turn: Turn, id_: bytes) -> None:
    """The server has taken the statement, or will not."""
    rejoining = turn.state.rejoining
    if rejoining is not None and rejoining.statement is not None and rejoining.statement.id == id_:
        turn.state = replace(turn.state, rejoining=replace(rejoining, statement=None))


def take_welcome(turn: Turn, welcome: Welcome) -> None:
    """The Welcome that answers this device's own request. Any other is refused (E25)."""
    rejoining = turn.state.rejoining
    if turn.state.stage != "rejoining" or rejoining is None or welcome.n <= turn.log.n:
        return
    try:
        _come_back(turn, rejoining, welcome)
    except WelcomeError:
        # E22: one request in an hour.
        turn.state = replace(turn.state, rejoining=replace(rejoining, again=rejoining.since + HOUR))
        turn.alarm("welcome", None)


def _come_back(turn: Turn, rejoining: Rejoining, welcome: Welcome) -> None:
    state, env = turn.state, turn.env
    opened = open_welcome(env, state.room_id, rejoining, welcome)
    membership, adder = opened.membership, opened.adder
    # E22: by somebody who was in the room when this device knew it; E18: not by whoever made it rejoin.
    if not is_pinned(rejoining.pin, adder):
        raise WelcomeError("welcome_adder")
    if rejoining.refuses is not None and adder.account_id == rejoining.refuses:
        raise WelcomeError("welcome_author")
    if state.membership is not None:
        turn.wipe(superseded_secrets(state.membership.group, membership.group))
    turn.wipe(opened.consumed)
    c = welcome.n
    # A device that has followed the log goes on with its own heads; it reads on below c for these alone.
    # Any other has sent nothing that could stand below c: nothing is sealed before the head is known (E24).
    if state.log.head is not None:
        log = replace(state.log, maker=maker_at(c, welcome.time, adder), gap=False)
    else:
        log = log_at(c, welcome.time, adder)
    line = SystemItem(line_id(env.me.device_id, c), c, welcome.time, "rejoined", env.me.account_id, None, "")
    turn.state = replace(
        state,
        stage="member",
        membership=membership,
        title=membership.context.title,
        log=log,
        timeline=with_system(state.timeline, line),
        rejoining=None,
        leaves=(),
        newcomer=newcomer_at(env, c, membership),
        provisional=None,
        pause=None,
        presence=NOBODY,
        chores=Chores(called=is_call_on(turn)),
    )
    # What was missed was sent before the Welcome; what follows is live, also where `ready` did not name it.
    target = max(state.link.target, c)
    turn.link = replace(turn.link, connected=True, caught_up=True, target=target, fetching=None)
    for leaf in membership.roster.values():
        turn.effect(effects.Met(leaf))
    turn.effect(effects.Pins())


def settle_outbox(turn: Turn, c: int) -> None:
    """What the server acknowledged below c stands in the log, though this device will not see it there; the
    rest goes again.
    """
    timeline = turn.state.timeline
    left = []
    for one in turn.state.outbox:
        if one.acked == 0 or one.acked > c:
            left.append(replace(one, sealed=None, in_flight=False, acked=0))
        elif (said := said_by(one.id, one.event)) is not None:
            timeline = with_said(timeline, said, turn.env.me.account_id, one.acked, one.at)
    turn.state = replace(turn.state, timeline=timeline, outbox=tuple(left))
