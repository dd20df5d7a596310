"""A board under a clock and a source of names that the test drives; what it wants done is recorded."""

from collections.abc import Iterator
from hashlib import sha256
from itertools import count
from typing import TypeVar

from signaling.board import Board, step
from signaling.happenings import (
    Effect,
    Env,
    Happening,
    LegMessage,
    Said,
    SocketGone,
    Tick,
    ToDevice,
    ToRoom,
    ToUnit,
    UnitDown,
    UnitSaid,
    UnitUp,
    Unlisted,
)
from signaling.seat import Seat
from signaling.sfu import control
from wire.frames import (
    CallAnswer,
    CallEnded,
    CallFrame,
    CallJoin,
    CallLayers,
    CallLeave,
    CallOffer,
    CallReport,
    CallRestart,
    CallState,
    LayerOf,
)

F = TypeVar("F", CallOffer, CallEnded, CallReport)
START_MS = 1_800_000_000_000


def name(text: str) -> bytes:
    """Sixteen bytes for a word."""
    return sha256(text.encode()).digest()[:16]


ROOM, OTHER_ROOM = name("room"), name("other room")


def account_of(device: str) -> str:
    """anna.2 is another device of anna's."""
    return device.split(".")[0]


class Scene:
    """Devices and sessions are words; a device's account is its word up to the dot."""

    def __init__(self, *units: int, start: Board | None = None) -> None:
        self.board = start or Board()
        self.now = 0.0
        self.done: list[Effect] = []
        self._names = count()
        for unit in units or (0,):
            self.do(UnitUp(unit))

    # Happenings

    def do(self, happening: Happening) -> list[Effect]:
        """What it led to."""
        env = Env(self.now, START_MS + int(self.now * 1000), self._name)
        self.board, effects = step(self.board, happening, env)
        self.done += effects
        return list(effects)

    def _name(self, size: int) -> bytes:
        return next(self._names).to_bytes(size, "big")

    def say(self, device: str, frame: CallFrame) -> list[Effect]:
        return self.do(Said(name(device), name(account_of(device)), frame))

    def join(self, device: str, session: str = "", room: bytes = ROOM, resume: bool = False) -> list[Effect]:
        return self.say(device, CallJoin(room=room, session=name(session or device), resume=resume))

    def answer(
        self, device: str, seq: int | None = None, session: str = "", room: bytes = ROOM
    ) -> list[Effect]:
        """Of the offer with this number, or of the last one."""
        if seq is None:
            seq = self.seat(device).seq
        frame = CallAnswer(room=room, session=name(session or device), seq=seq, sdp="answer")
        return self.say(device, frame)

    def layers(self, device: str, session: str = "", room: bytes = ROOM) -> list[Effect]:
        streams = [LayerOf(mid="4", layer="h")]
        return self.say(device, CallLayers(room=room, session=name(session or device), streams=streams))

    def restart(self, device: str, session: str = "", room: bytes = ROOM) -> list[Effect]:
        return self.say(device, CallRestart(room=room, session=name(session or device)))

    def leave(self, device: str, session: str = "", room: bytes = ROOM) -> list[Effect]:
        return self.say(device, CallLeave(room=room, session=name(session or device)))

    def socket_gone(self, device: str) -> list[Effect]:
        return self.do(SocketGone(name(device)))

    def unlisted(self, *devices: str, room: bytes = ROOM) -> list[Effect]:
        return self.do(Unlisted(room, frozenset(name(device) for device in devices)))

    def unit_up(self, unit: int) -> list[Effect]:
        return self.do(UnitUp(unit))

    def unit_down(self, unit: int) -> list[Effect]:
        return self.do(UnitDown(unit))

    def unit_says(self, message: LegMessage | control.Report, unit: int = 0) -> list[Effect]:
        return self.do(UnitSaid(unit, message))

    def offer(self, device: str, seq: int = 1, leg: bytes | None = None) -> list[Effect]:
        """The unit of the device's call makes an offer."""
        streams = [control.StreamOf(mid="4", device=name("somebody"), kind=control.Kind.CAMERA)]
        offer = control.Offer(session=leg or self.leg(device), seq=seq, sdp=f"offer {seq}", streams=streams)
        return self.unit_says(offer, self.unit_of(device))

    def connected(self, device: str) -> list[Effect]:
        return self.unit_says(control.Connected(session=self.leg(device)), self.unit_of(device))

    def silent(self, device: str) -> list[Effect]:
        return self.unit_says(control.Silent(session=self.leg(device)), self.unit_of(device))

    def lost(self, device: str, code: str = "consent") -> list[Effect]:
        return self.unit_says(control.Lost(session=self.leg(device), code=code), self.unit_of(device))

    def refused(self, device: str, code: str) -> list[Effect]:
        return self.unit_says(control.Refused(session=self.leg(device), code=code), self.unit_of(device))

    def here(self, *devices: str, room: bytes = ROOM) -> None:
        """Each joins, and has media."""
        for device in devices:
            self.join(device, room=room)
            self.media(device, room=room)

    def media(self, device: str, room: bytes = ROOM, session: str = "") -> None:
        """The offer of the device's leg is answered, and media flows."""
        self.offer(device)
        self.answer(device, room=room, session=session)
        self.connected(device)

    def pass_time(self, seconds: float) -> list[Effect]:
        """Tick whenever something is due, until so much time has passed."""
        until, before = self.now + seconds, len(self.done)
        while self.board.due is not None and self.board.due <= until:
            self.now = max(self.now, self.board.due)
            self.do(Tick())
        self.now = until
        return self.done[before:]

    # What there is

    def seats(self) -> Iterator[Seat]:
        for call in self.board.calls.values():
            yield from call.seats

    def seat(self, device: str) -> Seat:
        (found,) = [seat for seat in self.seats() if seat.device == name(device)]
        return found

    def leg(self, device: str) -> bytes:
        leg = self.seat(device).leg
        assert leg is not None
        return leg

    def unit_of(self, device: str) -> int:
        call = self.board.calls[self.board.devices[name(device)]]
        assert call.unit is not None
        return call.unit

    def seated(self, room: bytes = ROOM) -> list[bytes]:
        call = self.board.calls.get(room)
        return [seat.device for seat in call.seats] if call is not None else []

    def told(self, room: bytes = ROOM) -> CallState | None:
        """What the room was told last."""
        told = [one.frame for one in self.done if isinstance(one, ToRoom) and one.frame.room == room]
        return told[-1] if told else None


def to_device(effects: list[Effect], device: str, kind: type[F]) -> list[F]:
    return [
        one.frame
        for one in effects
        if isinstance(one, ToDevice) and one.device == name(device) and isinstance(one.frame, kind)
    ]


def ends(effects: list[Effect]) -> list[tuple[bytes, bytes, str]]:
    """Device, session and code of each end."""
    return [
        (one.device, one.frame.session, one.frame.code)
        for one in effects
        if isinstance(one, ToDevice) and isinstance(one.frame, CallEnded)
    ]


def to_units(effects: list[Effect]) -> list[control.ToUnit]:
    return [one.message for one in effects if isinstance(one, ToUnit)]
