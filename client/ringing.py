"""Calling a group, and answering a call, for a program or whoever types: who was reached, who has seen it,
who comes and when.
"""

from typing import Final, Literal, TypeAlias

from client.collegium import Collegium
from client.conversation import Room, when
from client.engine.draft import Draft
from client.errors import CollegiumError, translated
from client.printing import local
from client.room import commands
from client.words import ASKED
from crypto.room import call_bodies as bodies
from crypto.room.calls import Answer, Asked, RingView, has_lapsed, ring_of, ring_view
from crypto.room.roster import accounts_of
from wire.bounds import to_base64url

Reply: TypeAlias = Literal["join", "5", "15", "60", "cannot"]
CALL_BYTES: Final = 16


def rings_of(me: Collegium, room: Room) -> list[RingView]:
    """The calls that stand in a room, in the order of the log."""
    state, now = me.session.rooms[room.id], me.session.env().server_now
    people = () if state.membership is None else accounts_of(state.membership.roster)
    return [ring_view(ring, people, now) for ring in state.fold.rings if not has_lapsed(ring, now)]


async def ring(me: Collegium, room: Room, why: str, urgency: bodies.Urgency, wanted: int) -> bytes:
    """Call the group. Returns the call's id when it stands in the log. Raises CollegiumError."""
    session = me.session
    call = session.world.rng(CALL_BYTES)
    before = session.drops.get(room.id)
    await _say(me, room, bodies.Ring(call, urgency, why, wanted))

    def stands() -> bool | None:
        dropped = session.drops.get(room.id)
        if dropped is not None and dropped is not before and dropped.command == "ring":
            raise CollegiumError(dropped.code)
        return view_of(me, room, call) is not None or None

    await me.until(stands)
    return call


async def reply(me: Collegium, room: Room, to: RingView, said: Reply) -> None:
    """Answer a call. Returns when that stands in the log. Raises CollegiumError."""
    account, call = me.account_id, to.ring.call
    match said:
        case "join":
            event, state = bodies.RingAnswer(call, "joining"), "joining"
        case "cannot":
            event, state = bodies.RingAnswer(call, "cannot"), "cannot"
        case minutes:
            event, state = bodies.RingAnswer(call, "in", minutes=int(minutes)), "later"
    before = _answer_of(to, account)
    await _say(me, room, event)

    def stands() -> bool | None:
        view = view_of(me, room, call)
        if view is None:
            raise CollegiumError("no_ring")
        now = _answer_of(view, account)
        return (now is not None and now.state == state and now is not before) or None

    await me.until(stands)


async def _say(me: Collegium, room: Room, event: bodies.RingEvent) -> None:
    def say(draft: Draft) -> None:
        draft.step(room.id, commands.Say(event))

    with translated():
        await me.session.work(say)


def view_of(me: Collegium, room: Room, call: bytes) -> RingView | None:
    """A call that stands, by whichever of its ids."""
    found = ring_of(me.session.rooms[room.id].fold.rings, call)
    return next((one for one in rings_of(me, room) if one.ring is found), None)


def _answer_of(view: RingView, account: bytes) -> Answer | None:
    return next((one for one in view.ring.answers if one.account == account), None)


async def change_of(me: Collegium, room: Room, call: bytes, before: RingView | None) -> RingView | None:
    """The call when something about it has changed; None when it is over."""

    def look() -> tuple[RingView | None] | None:
        now = view_of(me, room, call)
        same = now is not None and before is not None and now.ring == before.ring
        return None if same else (now,)

    (found,) = await me.until(look)
    return found


def name_of(room: Room, account: bytes) -> str:
    return next((one.name for one in room.members if one.account_id == account), "") or "(unknown)"


def asked_line(room: Room, one: Asked) -> str:
    at = "" if one.due is None else local(when(one.due))
    return f"{name_of(room, one.account)}: {ASKED[one.state].format(at=at)}"


def ring_lines(room: Room, view: RingView) -> list[str]:
    """One line about the call, and one about each of the others."""
    ring_ = view.ring
    head = (
        f"{local(when(ring_.at))}  {name_of(room, ring_.by)} calls the group ({ring_.urgency}): {ring_.why}"
    )
    return [head, *(f"  {asked_line(room, one)}" for one in view.asked)]


def ring_json(room: Room, view: RingView) -> dict[str, object]:
    ring_ = view.ring
    return {
        "call": to_base64url(ring_.call),
        "by": name_of(room, ring_.by),
        "at": when(ring_.at).isoformat(),
        "urgency": ring_.urgency,
        "why": ring_.why,
        "asked": [
            {
                "name": name_of(room, one.account),
                "state": one.state,
                "due": None if one.due is None else when(one.due).isoformat(),
            }
            for one in view.asked
        ],
        "joining": view.joining,
        "coming": view.coming,
        "needed": view.needed,
        "enough": view.enough,
        "enough_at": None if view.enough_at is None else when(view.enough_at).isoformat(),
        "write": view.write,
    }
