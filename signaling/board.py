"""The calls of all rooms, and the units that have their media: a pure state machine over `call.step`.

A device is in one call at a time. A call is in one unit; when that dies, all of it moves to another.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from signaling import call as calls
from signaling.call import Call, DeviceAway, DeviceOut, TimePassed, UnitFound, UnitLost
from signaling.happenings import (
    DeviceGone,
    Effect,
    Env,
    Happening,
    Said,
    SocketGone,
    Tick,
    UnitDown,
    UnitSaid,
    UnitUp,
    Unlisted,
)
from signaling.sfu import control
from wire.frames import CallJoin, CallLeave, CallState


@dataclass(frozen=True, slots=True)
class Board:
    """All calls of a server. The indexes follow from the calls."""

    units: frozenset[int] = frozenset()  # those that listen
    calls: Mapping[bytes, Call] = field(default_factory=dict)  # by room
    legs: Mapping[bytes, bytes] = field(default_factory=dict)  # leg → room
    devices: Mapping[bytes, bytes] = field(default_factory=dict)  # seated device → room

    @property
    def due(self) -> float | None:
        """When a Tick will change something."""
        return min((call.due for call in self.calls.values() if call.due is not None), default=None)

    def shown(self, room: bytes) -> CallState | None:
        """What a device is told that connects now; None where there is no call."""
        call = self.calls.get(room)
        return call.shown if call is not None and call.seats else None

    def running(self) -> Iterator[Call]:
        """The calls that somebody is in."""
        return (call for call in self.calls.values() if call.seats)


def step(board: Board, happening: Happening, env: Env) -> tuple[Board, tuple[Effect, ...]]:
    """What becomes of the calls, and what is to be done about it, in this order."""
    turn = _Turn(board, env)
    match happening:
        case Said():
            _said(turn, happening)
        case SocketGone(device):
            room = turn.devices.get(device)
            if room is not None:
                turn.run(room, DeviceAway(device))
        case DeviceGone(device):
            room = turn.devices.get(device)
            if room is not None:
                turn.run(room, DeviceOut(device))
        case Unlisted(room, devices):
            for device in sorted(devices):
                if turn.devices.get(device) == room:
                    turn.run(room, DeviceOut(device))
        case UnitUp(unit):
            turn.units |= {unit}
            turn.place(*turn.calls.values())
        case UnitDown(unit):
            turn.units -= {unit}
            for call in [call for call in turn.calls.values() if call.unit == unit]:
                turn.run(call.room, UnitLost())
            turn.place(*turn.calls.values())
        case UnitSaid(unit, message):
            about = message.room if isinstance(message, control.Report) else turn.legs.get(message.session)
            found = turn.calls.get(about) if about is not None else None
            if found is not None and found.unit == unit:
                turn.run(found.room, message)
        case Tick():
            for call in list(turn.calls.values()):
                if call.due is not None and call.due <= env.now:
                    turn.run(call.room, TimePassed())
    return turn.finish(board)


class _Turn:
    """The board while one thing happens. The mappings are copied before the first change."""

    def __init__(self, board: Board, env: Env) -> None:
        self.units = board.units
        self.calls, self.legs, self.devices = board.calls, board.legs, board.devices
        self._own: tuple[dict[bytes, Call], dict[bytes, bytes], dict[bytes, bytes]] | None = None
        self._env = env
        self._effects: list[Effect] = []

    def run(self, room: bytes, event: calls.Event) -> None:
        before = self.calls.get(room) or Call(room)
        after, effects = calls.step(before, event, self._env)
        self._effects += effects
        if after is not before:
            self._put(before, after)

    def _put(self, before: Call, after: Call) -> None:
        if self._own is None:
            self._own = dict(self.calls), dict(self.legs), dict(self.devices)
            self.calls, self.legs, self.devices = self._own
        own_calls, legs, devices = self._own
        for seat in before.seats:
            devices.pop(seat.device, None)
            if seat.leg is not None:
                legs.pop(seat.leg, None)
        for seat in after.seats:
            devices[seat.device] = after.room
            if seat.leg is not None:
                legs[seat.leg] = after.room
        if after.over:
            own_calls.pop(after.room, None)
        else:
            own_calls[after.room] = after

    def leave(self, said: Said) -> None:
        """The call that the device is in ends for it."""
        call = self.calls[self.devices[said.device]]
        (session,) = (seat.session for seat in call.seats if seat.device == said.device)
        leave = CallLeave(room=call.room, session=session)
        self.run(call.room, replace(said, frame=leave))

    def place(self, *calls: Call) -> None:
        """Give a unit to these that have none."""
        for call in calls:
            if self.units and call.seats and call.unit is None:
                self.run(call.room, UnitFound(self._least()))

    def _least(self) -> int:
        """The unit with the fewest participants."""
        seats = dict.fromkeys(sorted(self.units), 0)
        for call in self.calls.values():
            if call.unit in seats:
                seats[call.unit] += len(call.seats)
        return min(seats, key=lambda unit: seats[unit])

    def finish(self, before: Board) -> tuple[Board, tuple[Effect, ...]]:
        board = before
        if self._own is not None or self.units != before.units:
            board = replace(before, units=self.units, calls=self.calls, legs=self.legs, devices=self.devices)
        return board, tuple(self._effects)


def _said(turn: _Turn, said: Said) -> None:
    room, frame = said.frame.room, said.frame
    at = turn.devices.get(said.device)
    if not isinstance(frame, CallJoin):
        if at == room:
            turn.run(room, said)
        return
    if at not in (None, room) and calls.refusal(turn.calls.get(room) or Call(room), said, frame) is None:
        # A device is in one call: joining another leaves the first.
        turn.leave(said)
    turn.run(room, said)
    if room in turn.calls:
        turn.place(turn.calls[room])
