"""What happens to calls, and what is to be done about it."""

from dataclasses import dataclass

from signaling.sfu import control
from signaling.sfu.randomness import Rng
from wire.frames import CallEnded, CallFrame, CallOffer, CallReport, CallState


@dataclass(frozen=True, slots=True)
class Env:
    """Clock and randomness of one step."""

    now: float  # seconds of a clock that never goes back
    time: int  # ms since 1970
    rng: Rng


# Happenings


@dataclass(frozen=True, slots=True)
class Said:
    """A frame of a device that is on the room's list."""

    device: bytes
    account: bytes
    frame: CallFrame


@dataclass(frozen=True, slots=True)
class SocketGone:
    """A device has no socket any more."""

    device: bytes


@dataclass(frozen=True, slots=True)
class Unlisted:
    """Devices that are off the room's list, by a Commit or a leave."""

    room: bytes
    devices: frozenset[bytes]


@dataclass(frozen=True, slots=True)
class DeviceGone:
    """A device was signed out, or removed from its account."""

    device: bytes


@dataclass(frozen=True, slots=True)
class UnitUp:
    """A unit process listens."""

    unit: int


@dataclass(frozen=True, slots=True)
class UnitDown:
    """A unit process is gone, and everything in it."""

    unit: int


LegMessage = control.Offer | control.Connected | control.Silent | control.Lost | control.Refused


@dataclass(frozen=True, slots=True)
class UnitSaid:
    """A message of a unit process."""

    unit: int
    message: LegMessage | control.Report


@dataclass(frozen=True, slots=True)
class Tick:
    """Time has passed."""


Happening = Said | SocketGone | Unlisted | DeviceGone | UnitUp | UnitDown | UnitSaid | Tick


# Effects


@dataclass(frozen=True, slots=True)
class ToUnit:
    unit: int
    message: control.ToUnit


@dataclass(frozen=True, slots=True)
class ToDevice:
    """For the device's socket, if there is one."""

    device: bytes
    frame: CallOffer | CallEnded | CallReport


@dataclass(frozen=True, slots=True)
class ToRoom:
    """For every listed device of the room that is connected."""

    frame: CallState


Effect = ToUnit | ToDevice | ToRoom
