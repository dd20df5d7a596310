"""Who is in the call of one room: a pure state machine.

There is one call in a room; whoever joins, joins it, and so two people who start at once meet. An account has
one seat. A seat outlives its socket and its media for a bounded time each. Each session that was seated is
told once that it is over, and why.
"""

from dataclasses import dataclass, replace

from signaling.happenings import Effect, Env, LegMessage, Said, ToDevice, ToRoom, ToUnit
from signaling.seat import CONNECTED_ONCE, NEXT, OpenOffer, Phase, Seat, Step, streams_of
from signaling.sfu import control
from wire.bounds import ID_BYTES, MAX_SEATS
from wire.frames import (
    CallAnswer,
    CallEnded,
    CallJoin,
    CallLayers,
    CallLeave,
    CallOffer,
    CallReport,
    CallRestart,
    CallState,
    LayerOf,
    Quality,
)

SOCKET_GRACE_S = 30.0  # a seat waits so long for its socket
MEDIA_WITHIN_S = 60.0  # from the joining, or from the loss of its unit, until media flows
SILENT_FOR_S = 60.0  # from the silence until the seat is given up
RESTART_EVERY_S = 2.0  # a session's ICE restarts, at most
MAX_REOPENED = 3  # legs lost one after another without any media
TELL_AFTER_S = 0.1  # what changes meanwhile is told at once
# A session that was ended on purpose stays so, although its client may have missed the word.
REMEMBERED = frozenset(("left", "replaced", "removed"))
REMEMBER_S = 600.0
MAX_REMEMBERED = 256
MAX_REMEMBERED_OF_DEVICE = 4


@dataclass(frozen=True, slots=True)
class Ended:
    """A session that may not come back."""

    device: bytes
    session: bytes
    code: str
    until: float

    def is_(self, device: bytes, session: bytes) -> bool:
        return (self.device, self.session) == (device, session)


@dataclass(frozen=True, slots=True)
class Call:
    """A room's call, or what is remembered of it."""

    room: bytes
    id: bytes = b""  # of this sitting; made when the first one joins
    since: int = 0
    unit: int | None = None
    seats: tuple[Seat, ...] = ()
    ended: tuple[Ended, ...] = ()
    tell_by: float | None = None
    due: float | None = None  # when time alone will change something

    def of_account(self, account: bytes) -> Seat | None:
        return next((seat for seat in self.seats if seat.account == account), None)

    @property
    def over(self) -> bool:
        """Nothing is left that anybody must know."""
        return not self.seats and not self.ended and self.tell_by is None

    @property
    def shown(self) -> CallState:
        """What the room is told."""
        if not self.seats:
            return CallState(room=self.room, participants=[])
        everyone = [seat.shown for seat in self.seats]
        return CallState(room=self.room, call=self.id, since=self.since, participants=everyone)


@dataclass(frozen=True, slots=True)
class DeviceAway:
    """The device's socket is gone."""

    device: bytes


@dataclass(frozen=True, slots=True)
class DeviceOut:
    """The device must go at once: it is no longer in the room, or no longer signed in."""

    device: bytes


@dataclass(frozen=True, slots=True)
class UnitFound:
    """This unit has the call's media from here on."""

    unit: int


@dataclass(frozen=True, slots=True)
class UnitLost:
    """The unit died, and with it every leg."""


@dataclass(frozen=True, slots=True)
class TimePassed:
    """Look at the bounds."""


Event = Said | DeviceAway | DeviceOut | UnitFound | UnitLost | TimePassed | LegMessage | control.Report


def step(call: Call, event: Event, env: Env) -> tuple[Call, tuple[Effect, ...]]:
    """What becomes of the call, and what is to be done about it, in this order."""
    turn = _Turn(call, env)
    match event:
        case Said():
            _said(turn, event)
        case DeviceAway():
            seat = turn.of_device(event.device)
            if seat is not None and seat.attached:
                turn.put(replace(seat, socket_by=env.now + SOCKET_GRACE_S))
        case DeviceOut():
            seat = turn.of_device(event.device)
            if seat is not None:
                turn.end(seat, "removed")
        case UnitFound():
            turn.call = replace(turn.call, unit=event.unit)
            for seat in turn.call.seats:
                turn.open(seat)
        case UnitLost():
            _unit_lost(turn)
        case TimePassed():
            _time_passed(turn)
        case control.Report():
            _report(turn, event)
        case _:
            seat = turn.of_leg(event.session)
            if seat is not None:
                _of_leg(turn, seat, event)
    return turn.finish(call)


class _Turn:
    """The call while one event is handled."""

    def __init__(self, call: Call, env: Env) -> None:
        self.call, self.env = call, env
        self.effects: list[Effect] = []

    # Seats

    def of_device(self, device: bytes) -> Seat | None:
        return next((seat for seat in self.call.seats if seat.device == device), None)

    def of_leg(self, leg: bytes) -> Seat | None:
        return next((seat for seat in self.call.seats if seat.leg == leg), None)

    def put(self, seat: Seat) -> None:
        """Change a seat; whose it is stays."""
        seats = tuple(seat if one.account == seat.account else one for one in self.call.seats)
        self.call = replace(self.call, seats=seats)

    def move(self, seat: Seat, what: Step) -> Seat | None:
        """The seat in its next phase, or None where the table has none."""
        phase = NEXT.get((seat.phase, what))
        return replace(seat, phase=phase) if phase is not None else None

    # Effects

    def to_unit(self, message: control.ToUnit) -> None:
        if self.call.unit is not None:
            self.effects.append(ToUnit(self.call.unit, message))

    def offer(self, seat: Seat) -> None:
        """Send the open offer. To a seat without a socket it goes when that is back."""
        if seat.offer is not None and seat.attached:
            self.effects.append(ToDevice(seat.device, seat.offer.frame))

    def ended(self, device: bytes, session: bytes, code: str) -> None:
        frame = CallEnded(room=self.call.room, session=session, code=code)
        self.effects.append(ToDevice(device, frame))

    def open(self, seat: Seat) -> None:
        """Ask the unit for a leg, where there is a unit and the seat has none."""
        asked = self.move(seat, Step.OPEN)
        if asked is None or self.call.unit is None:
            return
        leg = self.env.rng(ID_BYTES)
        self.put(replace(asked, leg=leg, offer=None))
        self.to_unit(control.Open(session=leg, room=self.call.room, device=seat.device, account=seat.account))

    def drop_leg(self, seat: Seat, within: float) -> Seat:
        """The leg is gone already; media must flow again by the bound that runs, or else within these
        seconds.
        """
        waiting = self.move(seat, Step.CLOSED) or seat
        by = seat.media_by if seat.media_by is not None else self.env.now + within
        seat = replace(waiting, leg=None, offer=None, media_by=by)
        self.put(seat)
        return seat

    def end(self, seat: Seat, code: str) -> None:
        """The seat is free. The media is cut before anybody is told (THREATS 13)."""
        if seat.leg is not None:
            self.to_unit(control.Close(session=seat.leg, code=code))
        self.ended(seat.device, seat.session, code)
        left = tuple(one for one in self.call.seats if one.account != seat.account)
        self.call = replace(self.call, seats=left)
        if code in REMEMBERED:
            self._remember(Ended(seat.device, seat.session, code, self.env.now + REMEMBER_S))

    def _remember(self, ended: Ended) -> None:
        own = [one for one in self.call.ended if one.device == ended.device]
        forgotten = own[: max(0, len(own) + 1 - MAX_REMEMBERED_OF_DEVICE)]
        kept = [one for one in self.call.ended if one not in forgotten]
        self.call = replace(self.call, ended=(*kept[-MAX_REMEMBERED + 1 :], ended))

    def finish(self, before: Call) -> tuple[Call, tuple[Effect, ...]]:
        call = self.call
        if not call.seats and call.id:
            call = replace(call, unit=None, id=b"", since=0)  # this sitting is over
        if call.tell_by is None and call.seats is not before.seats and call.shown != before.shown:
            call = replace(call, tell_by=self.env.now + TELL_AFTER_S)
        bounds = [call.tell_by, *(one.until for one in call.ended)]
        for seat in call.seats:
            bounds += (seat.media_by, seat.socket_by)
        due = min((bound for bound in bounds if bound is not None), default=None)
        if due != call.due:
            call = replace(call, due=due)
        return call, tuple(self.effects)


# What clients say


def _said(turn: _Turn, said: Said) -> None:
    frame = said.frame
    if isinstance(frame, CallJoin):
        _join(turn, said, frame)
        return
    seat = turn.of_device(said.device)
    if seat is None or seat.session != frame.session:
        return  # of a session that is over: its client was told
    match frame:
        case CallAnswer():
            _answer(turn, seat, frame)
        case CallLayers():
            if seat.leg is not None and seat.phase in CONNECTED_ONCE:
                wanted = [control.Want(mid=one.mid, layer=control.Layer(one.layer)) for one in frame.streams]
                turn.to_unit(control.Wants(session=seat.leg, streams=wanted))
        case CallRestart():
            _restart(turn, seat)
        case CallLeave():
            turn.end(seat, "left")


def _join(turn: _Turn, said: Said, join: CallJoin) -> None:
    code = refusal(turn.call, said, join)
    if code is not None:
        turn.ended(said.device, join.session, code)
        return
    seat = turn.call.of_account(said.account)
    if seat is not None and seat.device == said.device and seat.session == join.session:
        _back(turn, seat)
        return
    if seat is not None:
        turn.end(seat, "replaced")
    env = turn.env
    new = Seat(said.device, said.account, join.session, env.time, media_by=env.now + MEDIA_WITHIN_S)
    turn.call = replace(
        turn.call,
        seats=(*turn.call.seats, new),
        # Who asks again under the same name is let in, and may come back.
        ended=tuple(one for one in turn.call.ended if not one.is_(said.device, join.session)),
    )
    if not turn.call.id:
        turn.call = replace(turn.call, id=env.rng(ID_BYTES), since=env.time)
    turn.open(new)


def refusal(call: Call, said: Said, join: CallJoin) -> str | None:
    """Why this device gets no seat, or None."""
    mine = call.of_account(said.account)
    if mine is not None and (mine.device, mine.session) == (said.device, join.session):
        return None
    if join.resume:
        for ended in call.ended:
            if ended.is_(said.device, join.session):
                return ended.code
        # Nobody asked for this now: it takes nothing from a device on which somebody did.
        if mine is not None:
            return "replaced"
    if any(one.session == join.session and one.account != said.account for one in call.seats):
        return "session_taken"
    if mine is None and len(call.seats) >= MAX_SEATS:
        return "full"
    return None


def _back(turn: _Turn, seat: Seat) -> None:
    """The same session on a new socket (or a frame that came twice): it keeps its seat and its media."""
    seat = replace(seat, socket_by=None)
    turn.put(seat)
    turn.offer(seat)
    turn.open(seat)


def _answer(turn: _Turn, seat: Seat, answer: CallAnswer) -> None:
    open_offer = seat.offer
    # One to an earlier offer, or a second one, counts for nothing.
    if open_offer is None or seat.leg is None or open_offer.frame.seq != answer.seq:
        return
    moved = turn.move(seat, Step.ANSWER)
    if moved is not None:
        turn.put(replace(moved, offer=None))
        turn.to_unit(control.Answer(session=seat.leg, seq=open_offer.unit_seq, sdp=answer.sdp))


def _restart(turn: _Turn, seat: Seat) -> None:
    now = turn.env.now
    early = seat.restarted is not None and now < seat.restarted + RESTART_EVERY_S
    if not early and seat.leg is not None and seat.phase in CONNECTED_ONCE:
        turn.put(replace(seat, restarted=now))
        turn.to_unit(control.Restart(session=seat.leg))


# What units say


def _of_leg(turn: _Turn, seat: Seat, message: LegMessage) -> None:
    match message:
        case control.Offer():
            _offered(turn, seat, message)
        case control.Connected():
            moved = turn.move(seat, Step.CONNECTED)
            if moved is not None:
                turn.put(replace(moved, media_by=None, reopened=0))
        case control.Silent():
            moved = turn.move(seat, Step.SILENT)
            if moved is not None:
                turn.put(replace(moved, media_by=turn.env.now + SILENT_FOR_S))
        case control.Lost(code="closed" | "fingerprint"):
            # The client ended it, or is not who answered.
            turn.end(turn.drop_leg(seat, 0), "lost")
        case control.Lost() | control.Refused(code="no_session"):
            _leg_lost(turn, seat)
        case control.Refused(code="no_offer"):
            pass  # an answer that crossed the end of its offer
        case control.Refused(code="full"):
            turn.end(turn.drop_leg(seat, 0), "media_unavailable")
        case control.Refused():
            turn.end(seat, "answer_refused")


def _offered(turn: _Turn, seat: Seat, offer: control.Offer) -> None:
    moved = turn.move(seat, Step.OFFER)
    if moved is None:
        return
    frame = CallOffer.model_validate(
        {
            "room": turn.call.room,
            "session": seat.session,
            "seq": seat.seq + 1,
            # The first of a leg; also when it was made again before it was answered.
            "fresh": seat.phase in (Phase.ASKED, Phase.OFFERED),
            "sdp": offer.sdp,
            "streams": streams_of(offer),
        }
    )
    seat = replace(moved, seq=frame.seq, offer=OpenOffer(frame, offer.seq))
    turn.put(seat)
    turn.offer(seat)


def _leg_lost(turn: _Turn, seat: Seat) -> None:
    seat = turn.drop_leg(replace(seat, reopened=seat.reopened + 1), SILENT_FOR_S)
    if seat.reopened > MAX_REOPENED:
        turn.end(seat, "lost")
    elif seat.attached:
        turn.open(seat)
    # Without a socket an offer would run out before anybody can answer: `_back` opens.


def _unit_lost(turn: _Turn) -> None:
    turn.call = replace(turn.call, unit=None)
    for seat in turn.call.seats:
        # Nobody's fault here: the time for connecting begins anew.
        turn.drop_leg(replace(seat, media_by=None), MEDIA_WITHIN_S)


def _report(turn: _Turn, report: control.Report) -> None:
    found = []
    for one in report.participants:
        seat = turn.of_leg(one.session)
        if seat is not None:
            found.append(_quality(seat, one))
    frame = CallReport(room=turn.call.room, participants=found)
    for seat in turn.call.seats:
        if found and seat.attached:
            turn.effects.append(ToDevice(seat.device, frame))


def _quality(seat: Seat, one: control.ParticipantReport) -> Quality:
    return Quality(
        device=seat.device,
        round_trip_ms=one.round_trip_ms,
        loss_up=one.loss_up,
        loss_down=one.loss_down,
        kbps_up=one.kbps_up,
        kbps_down=one.kbps_down,
        loudness=one.loudness,
        layers=[LayerOf(mid=layer.mid, layer=layer.layer.value) for layer in one.layers],
    )


# What time does


def _time_passed(turn: _Turn) -> None:
    now = turn.env.now
    for seat in turn.call.seats:
        if seat.socket_by is not None and seat.socket_by <= now:
            turn.end(seat, "lost")
        elif seat.media_by is not None and seat.media_by <= now:
            ours = seat.phase in (Phase.WAITING, Phase.ASKED)
            turn.end(seat, "media_unavailable" if ours else "lost")
    if any(one.until <= now for one in turn.call.ended):
        turn.call = replace(turn.call, ended=tuple(one for one in turn.call.ended if one.until > now))
    if turn.call.tell_by is not None and turn.call.tell_by <= now:
        turn.effects.append(ToRoom(turn.call.shown))
        turn.call = replace(turn.call, tell_by=None)
