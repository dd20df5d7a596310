"""One input, and what comes of it."""

from collections.abc import Iterable
from dataclasses import replace

from client.room import commands
from client.room.commands import Command, Intent, Saying
from client.room.drive import drive
from client.room.endings import cut_off, left_room
from client.room.entries import check_after, fetch_missing, on_caught_up, on_entry, on_gap
from client.room.media import come_in, go_out
from client.room.merging import drop_staged, give_up
from client.room.outbox import ID_BYTES, MAX_OUTBOX, acked, not_stored, queue_event, stale
from client.room.rejoining import ask_again, send_statement, statement_answered, take_welcome
from client.room.requests import on_request, on_request_gone
from client.room.routing import check_ready, on_routing
from client.room.signals import on_signal, say_typing
from client.room.sitting import call_unknown, on_call_state, say_in_call
from client.room.staging import refusal
from client.room.state import OFFLINE, Leaving, ReadyWord, RoomState
from client.room.surface import CommandError, Env, Frame, Input, Offline, Ready, Stepped, Tick
from client.room.turn import Turn, is_level
from crypto.room import bodies
from crypto.room.bodies import EventBody, encode_body
from crypto.room.errors import RoomDataError
from crypto.room.text import is_emoji, is_name, is_post_text, is_title
from crypto.room.timeline import find_post
from wire.frames import (
    Ack,
    CallState,
    CaughtUp,
    Cursors,
    DeviceCursor,
    Entry,
    Ephemeral,
    Gap,
    Refused,
    Removed,
    Request,
    RequestGone,
    Routing,
    Stale,
    Welcome,
)
from wire.frames import RoomState as WireRoom

MAX_INTENTS = 100


def step(state: RoomState, input_: Input, env: Env) -> Stepped:
    """Raises CommandError for a command that cannot be taken; the state is then as it was."""
    turn = Turn(state, env)
    match input_:
        case Tick():
            pass
        case Ready(room):
            _on_ready(turn, room)
        case Offline():
            _on_offline(turn)
        case (
            Ack()
            | Stale()
            | Refused()
            | Entry()
            | Gap()
            | CaughtUp()
            | Welcome()
            | Request()
            | RequestGone()
            | Cursors()
            | Removed()
            | Routing()
            | Ephemeral()
            | CallState()
        ):
            _on_frame(turn, input_)
        case _:
            _on_command(turn, input_)
    drive(turn)
    return turn.finish()


def _on_frame(turn: Turn, frame: Frame) -> None:
    match frame:
        case Entry():
            on_entry(turn, frame)
            _check_ready_word(turn)
        case Gap():
            on_gap(turn, frame)
            _check_ready_word(turn)
        case CaughtUp():
            on_caught_up(turn, frame.last)
            _check_ready_word(turn)
        case Ack():
            _on_ack(turn, frame.id, frame.n)
        case Stale():
            _on_stale(turn, frame.id, frame.after)
        case Refused():
            _on_refused(turn, frame.id, frame.code)
        case Welcome():
            take_welcome(turn, frame)
            if turn.state.stage == "member":
                fetch_missing(turn, turn.link.target)
        case Request():
            on_request(turn, frame)
        case RequestGone():
            on_request_gone(turn, frame.request_id)
        case Cursors():
            turn.state = replace(turn.state, cursors=_raised(turn.state, frame.cursors))
        case Removed():
            _on_removed(turn, frame.n)
        case Routing():
            on_routing(turn, frame.new)
        case Ephemeral():
            on_signal(turn, frame)
        case CallState():
            on_call_state(turn, frame)


def _raised(state: RoomState, moved: Iterable[DeviceCursor]) -> dict[bytes, int]:
    cursors = dict(state.cursors)
    for one in moved:
        cursors[one.device] = max(cursors.get(one.device, 0), one.n)
    return cursors


def _check_ready_word(turn: Turn) -> None:
    """Once level: what `ready` said about this room holds against what was read."""
    ready = turn.link.ready
    if ready is not None and is_level(turn.state):
        check_after(turn, ready.after)
        check_ready(turn)


# The connection


def _on_ready(turn: Turn, room: WireRoom | None) -> None:
    """Everything that was in flight is sent again when this device is level: the server answers what it has
    (E17).
    """
    _on_offline(turn)
    stage = turn.state.stage
    if stage == "rejoining":
        ask_again(turn)  # also where the server does not list this device (yet)
    if room is None or stage in ("removed", "left"):
        return
    turn.state = replace(turn.state, cursors=_raised(turn.state, room.cursors), requests=())
    ready = ReadyWord(tuple(room.list), room.last, room.after)
    turn.link = replace(turn.link, connected=True, target=room.last, ready=ready)
    send_statement(turn)


def _on_offline(turn: Turn) -> None:
    state = turn.state
    turn.state = replace(
        state,
        link=OFFLINE,
        wake=None,
        outbox=tuple(replace(one, in_flight=False) if one.in_flight else one for one in state.outbox),
        staged=state.staged and replace(state.staged, in_flight=False),
        leaving=state.leaving and replace(state.leaving, in_flight=False),
        presence=replace(state.presence, here={}, typing={}, said_here=0),
    )
    call_unknown(turn)


# Answers


def _on_ack(turn: Turn, id_: bytes, n: int) -> None:
    statement_answered(turn, id_)
    leaving = turn.state.leaving
    if leaving is not None and leaving.id == id_:
        left_room(turn)
    else:
        acked(turn, id_, n)  # one's own commit waits for its position (E21)


def _on_stale(turn: Turn, id_: bytes, after: int) -> None:
    leaving, staged = turn.state.leaving, turn.state.staged
    statement_answered(turn, id_)
    stale(turn, id_, after)
    if leaving is not None and leaving.id == id_ and leaving.after < after:
        turn.state = replace(turn.state, leaving=replace(leaving, payload=None, in_flight=False))
    if staged is not None and staged.id == id_ and staged.after < after:
        drop_staged(turn)
    # Nothing is made for this epoch before what came first was read.
    if after > turn.log.n:
        turn.link = replace(turn.link, target=max(turn.link.target, after))
    else:
        check_after(turn, after)


def _on_refused(turn: Turn, id_: bytes | None, code: str) -> None:
    if id_ is None:
        return
    staged, leaving = turn.state.staged, turn.state.leaving
    if code == "storage":
        not_stored(turn, id_)
        if staged is not None and staged.id == id_:
            turn.state = replace(turn.state, staged=replace(staged, in_flight=False))
        if leaving is not None and leaving.id == id_:
            turn.state = replace(turn.state, leaving=replace(leaving, in_flight=False))
        return
    if staged is None or staged.id != id_:
        return
    drop_staged(turn)
    give_up(turn, staged, code)


def _on_removed(turn: Turn, n: int) -> None:
    state = turn.state
    if state.stage in ("removed", "left"):
        return
    # It came back by a later commit: this is about its earlier place.
    if state.membership is not None and state.newcomer is not None and n < state.newcomer.c:
        return
    cut_off(turn)


# Commands


def _on_command(turn: Turn, command: Command) -> None:
    state = turn.state
    if isinstance(command, commands.MarkRead):
        read = max(state.read_up_to, min(command.n, state.log.n))
        turn.state = replace(state, read_up_to=read)
        return
    if isinstance(command, commands.MediaOff) and state.membership is None:
        return  # it is out already
    if state.stage in ("removed", "left"):
        raise CommandError("not_a_member")
    match command:
        case commands.Post():
            _say(turn, command)
            # Whoever goes on writing after a message is seen to write at once.
            turn.presence = replace(turn.presence, said_typing=0)
        case commands.Edit() | commands.Delete() | commands.React() | commands.Profile() | commands.Say():
            _say(turn, command)
        case commands.MediaOn(rekey):
            come_in(turn, rekey)
        case commands.MediaOff(rekey):
            go_out(turn, rekey)
        case commands.SayInCall(signal):
            say_in_call(turn, signal)
        case commands.Leave():
            _leave(turn)
        case commands.Resume():
            _resume(turn)
        case commands.Typing():
            say_typing(turn)
        case commands.Presence():
            turn.presence = replace(turn.presence, said_here=0)
        case _:
            _want(turn, command)


def _say(turn: Turn, command: Saying) -> None:
    if turn.state.leaving is not None:
        raise CommandError("leaving")
    if len(turn.state.outbox) >= MAX_OUTBOX:
        raise CommandError("outbox_full")
    queue_event(turn, _body_of(turn, command))


def _body_of(turn: Turn, command: Saying) -> EventBody:
    match command:
        case commands.Post(text, reply_to):
            _require(is_post_text(text), "text")
            _require(reply_to is None or len(reply_to) == ID_BYTES, "target")
            return bodies.Post(text, reply_to)
        case commands.Edit(target, text):
            _require(is_post_text(text), "text")
            return bodies.Edit(_own(turn, target), text)
        case commands.Delete(target):
            return bodies.Delete(_own(turn, target))
        case commands.React(target, emoji, on):
            _require(is_emoji(emoji), "emoji")
            _require(len(target) == ID_BYTES, "target")
            return bodies.React(target, emoji, on)
        case commands.Say(event):
            _require(_is_in_bounds(event), "out_of_bounds")
            return event
        case commands.Profile():
            _require(is_name(turn.env.me.name), "name")
            return bodies.Profile(turn.env.me.name)


def _is_in_bounds(event: EventBody) -> bool:
    try:
        encode_body(event)
    except RoomDataError:
        return False
    return True


def _require(holds: bool, code: str) -> None:
    if not holds:
        raise CommandError(code)


def _own(turn: Turn, target: bytes) -> bytes:
    """One's own post, in the log or still on its way."""
    post = find_post(turn.state.timeline, target)
    if post is not None:
        mine = post.author == turn.env.me.account_id and not post.deleted
    else:
        mine = any(one.id == target and isinstance(one.event, bodies.Post) for one in turn.state.outbox)
    _require(mine, "not_yours")
    return target


def _leave(turn: Turn) -> None:
    _require(turn.state.stage == "member", "rejoining")
    if turn.state.leaving is None:
        # E21: a commit of one's own that was sent may be in the log; the leave follows it (`drive`).
        turn.state = replace(turn.state, leaving=Leaving(turn.env.rng(ID_BYTES)))


def _resume(turn: Turn) -> None:
    pause = turn.state.pause
    if pause is not None:
        tolerated = turn.state.tolerated if pause.who is None else turn.state.tolerated | {pause.who}
        turn.state = replace(turn.state, pause=None, tolerated=tolerated)


def _want(turn: Turn, intent: Intent) -> None:
    state = turn.state
    _require(not isinstance(intent, commands.Rename) or is_title(intent.title), "title")
    _require(state.stage == "member", "rejoining")
    _require(state.leaving is None, "leaving")
    _require(len(state.intents) < MAX_INTENTS, "too_many")
    refused = refusal(turn, intent)
    if refused is not None:
        raise CommandError(refused)
    turn.state = replace(turn.state, intents=(*state.intents, intent))
