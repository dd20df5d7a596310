"""This device's part in one room's call: between the room's core, which has the keys and says when nothing
may be sent, the socket, on which the seat is taken and kept, and whatever has the connection. One call at a
time.
"""

from dataclasses import dataclass, replace
from typing import Final, Protocol

from client.engine.draft import Draft
from client.errors import CollegiumError
from client.room import effects
from client.room.commands import MediaOff, MediaOn, Say
from client.room.core import room_view
from client.room.sight import SightCall
from crypto.room.call_bodies import Attended, CallEvent, CallPerson, CallRecord
from crypto.room.origin import MeetingOrigin, Origin, RingOrigin, origin_of
from wire.frames import CallAnswer, CallEnded, CallJoin, CallLeave, CallOffer, CallReport, CallState

MAX_PEOPLE: Final = 32
"""Whom a record names at most."""
ID_BYTES: Final = 16

MediaEffect = effects.Media | effects.MediaHold | effects.MediaEnd


class Seat(Protocol):
    """What has the connection. Nothing of it may take long: the stream of the server waits for it."""

    def offer(self, offer: CallOffer) -> None: ...

    def begin(self, media: effects.Media) -> None:
        """Decrypt by these keys from now on, and encrypt by no others (E36)."""
        ...

    def hold(self, gone: effects.Gone | None) -> None:
        """Encrypt nothing until the next epoch, and hear `gone` no more (E14)."""
        ...

    def report(self, report: CallReport) -> None: ...

    def ended(self, code: str) -> None:
        """It is over: every key is to be forgotten."""
        ...


@dataclass(frozen=True, slots=True)
class _Here:
    room_id: bytes
    session: bytes
    seat: Seat
    since: int


class CallLine:
    def __init__(self) -> None:
        self._here: _Here | None = None
        # Who was seen in this sitting, by account, and which one it is.
        self._people: dict[bytes, CallPerson] = {}
        self._sitting: bytes | None = None
        # What it belongs to, as soon as that is known: a ring ends when enough have come.
        self._origin: Origin | None = None

    @property
    def room_id(self) -> bytes | None:
        return None if self._here is None else self._here.room_id

    def is_of(self, seat: Seat) -> bool:
        return self._here is not None and self._here.seat is seat

    def enter(self, draft: Draft, room_id: bytes, seat: Seat) -> None:
        """Take a seat in the room's call; whoever finds nobody there begins it (E37). Raises CommandError,
        CollegiumError.
        """
        if draft.room(room_id) is None:
            raise CollegiumError("room_unknown")
        self.leave(draft, "left" if self.is_of(seat) else "replaced")
        call = _call_of(draft, room_id)
        draft.step(room_id, MediaOn(rekey=call is None or call.sitting is None))
        session = draft.env.rng(ID_BYTES)
        self._here = _Here(room_id, session, seat, draft.env.server_now)
        self._people, self._sitting, self._origin = {}, None, None
        draft.frames.append(CallJoin(room=room_id, session=session, resume=False))

    def again(self, draft: Draft) -> None:
        """The path of the media is gone: another one, by a new session in the same sitting."""
        here = self._here
        if here is not None:
            self._here = replace(here, session=draft.env.rng(ID_BYTES))
            draft.frames.append(CallJoin(room=here.room_id, session=self._here.session, resume=False))

    def saw(self, draft: Draft, state: CallState) -> None:
        """Who is there, as the room's members see it; for the record of whoever leaves last. After the room
        has taken it.
        """
        here = self._here
        if here is None or here.room_id != state.room or state.call is None or state.since is None:
            return
        if self._sitting != state.call:
            self._people, self._origin = {}, None
        self._sitting = state.call
        now = draft.env.server_now
        call = _call_of(draft, here.room_id)
        self._look_for_origin(draft, here, call, state.since)
        for one in () if call is None else call.participants:
            seat = next((seat for seat in state.participants if seat.device == one.device_id), None)
            known = self._people.get(one.account_id)
            if seat is None or (known is None and len(self._people) >= MAX_PEOPLE):
                continue
            began = min(seat.since if known is None else known.began, seat.since, now)
            self._people[one.account_id] = CallPerson(one.account_id, began, now)

    def _look_for_origin(self, draft: Draft, here: _Here, call: SightCall | None, since: int) -> None:
        room = draft.room(here.room_id)
        if self._origin is None and room is not None and call is not None:
            there = {one.account_id for one in call.participants}
            self._origin = origin_of(room.fold.rings, room.fold.meetings, there, since)

    def leave(self, draft: Draft, code: str = "left", *, trial: bool = False) -> None:
        """Give the seat up. The last one supersedes the keys that were used (E37), and says who was there. Of
        a `trial` that nobody else came to there is nothing to say.
        """
        here = self._here
        if here is None:
            return
        call, mine = _call_of(draft, here.room_id), draft.env.me.device_id
        last = call is None or all(one.device_id == mine for one in call.participants)
        if not trial or self._people.keys() - {draft.env.me.account_id}:
            self._attended(draft, here, call, last)
        draft.frames.append(CallLeave(room=here.room_id, session=here.session))
        self._end(draft, last, code)

    def _attended(self, draft: Draft, here: _Here, call: SightCall | None, last: bool) -> None:
        """That this member was there and, by the last one, who else was: said by their own device (E37)."""
        sitting = self._sitting
        if sitting is None or call is None or call.media not in ("on", "held"):
            return
        now, me = draft.env.server_now, draft.env.me.account_id
        known = self._people.get(me)
        began = min(here.since if known is None else known.began, now)
        of = _fields_of(self._origin)
        _say(draft, here, Attended(sitting, began, now, *of))
        # Where there was nobody else there is nothing to say of others.
        if not last or not self._people.keys() - {me}:
            return
        people = self._people | {me: CallPerson(me, began, now)}
        named = tuple(people[account] for account in sorted(people))
        _say(draft, here, CallRecord(sitting, min(one.began for one in named), now, named, *of))

    def _end(self, draft: Draft, last: bool, code: str) -> None:
        here = self._here
        if here is None:
            return
        self._here = None
        here.seat.ended(code)
        # The room's own word of the end is for nobody now: the next call may begin in the same draft.
        before = len(draft.media)
        draft.step(here.room_id, MediaOff(rekey=last))
        del draft.media[before:]

    def answer(self, draft: Draft, offer: CallOffer, sdp: str) -> None:
        """Where the seat was given up meanwhile, nothing is said."""
        if self._at(offer.room, offer.session) is not None:
            draft.frames.append(CallAnswer(room=offer.room, session=offer.session, seq=offer.seq, sdp=sdp))

    def resume(self, draft: Draft) -> None:
        """A socket that said hello: the seat of before is taken again, with the media as it is."""
        here = self._here
        if here is not None:
            draft.frames.append(CallJoin(room=here.room_id, session=here.session, resume=True))

    def offer(self, offer: CallOffer) -> None:
        here = self._at(offer.room, offer.session)
        if here is not None:
            here.seat.offer(offer)

    def ended(self, draft: Draft, ended: CallEnded) -> None:
        if self._at(ended.room, ended.session) is not None:
            self._end(draft, False, ended.code)

    def report(self, report: CallReport) -> None:
        here = self._here
        if here is not None and here.room_id == report.room:
            here.seat.report(report)

    def _at(self, room_id: bytes, session: bytes) -> _Here | None:
        here = self._here
        return here if here is not None and (here.room_id, here.session) == (room_id, session) else None

    def release(self, room_id: bytes, effect: MediaEffect, refused: str | None) -> list[CallLeave]:
        """Stored: what the core said about the media goes to whatever encrypts. `refused`: why the room began
        no call. Gives what is still to be said to the server.
        """
        here = self._here
        if here is None or here.room_id != room_id:
            return []
        match effect:
            case effects.Media():
                here.seat.begin(effect)
            case effects.MediaHold(gone=gone):
                here.seat.hold(gone)
            case effects.MediaEnd():
                # The room let go of it: a removal, a leave, a rejoin. The seat goes with it.
                self._here = None
                here.seat.ended(refused or "removed")
                return [CallLeave(room=here.room_id, session=here.session)]
        return []

    def lock(self) -> list[CallLeave]:
        """The store is closing: nothing is left of a call. Gives what is still to be said to the server."""
        here = self._here
        if here is None:
            return []
        self._here = None
        here.seat.ended("locked")
        return [CallLeave(room=here.room_id, session=here.session)]


def _fields_of(origin: Origin | None) -> tuple[bytes | None, bytes | None, str | None]:
    """Ring, meeting and occurrence, as words about a sitting name them."""
    match origin:
        case RingOrigin(call=call):
            return call, None, None
        case MeetingOrigin(meeting=meeting, occurrence=occurrence):
            return None, meeting, occurrence
        case None:
            return None, None, None


def _say(draft: Draft, here: _Here, event: CallEvent) -> None:
    draft.step(here.room_id, Say(event))


def _call_of(draft: Draft, room_id: bytes) -> SightCall | None:
    state = draft.room(room_id)
    return None if state is None else room_view(state, draft.env, 0).call
