"""One participant of a call: a device in its seat, and how far its media is."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Literal

from signaling.sfu import control
from wire.frames import CallOffer, CallParticipant


class Phase(Enum):
    """How far the media of a seat is. All but HERE have a bound in time."""

    WAITING = "there is no unit for it now, or its leg was lost while its socket was away"
    ASKED = "a unit was asked for a leg"
    OFFERED = "the leg's first offer is out"
    CONNECTING = "answered; no media yet"
    HERE = "media flows"
    SILENT = "media flowed, and stopped"


class Step(Enum):
    """What carries a seat from phase to phase."""

    OPEN = "a leg is asked for"
    OFFER = "the unit made an offer"
    ANSWER = "the client answered the open offer"
    CONNECTED = "the unit has media"
    SILENT = "the unit has none any more"
    CLOSED = "the leg is gone"


# What is not here has no meaning in its phase, and changes nothing.
NEXT: Mapping[tuple[Phase, Step], Phase] = {
    (Phase.WAITING, Step.OPEN): Phase.ASKED,
    (Phase.ASKED, Step.OFFER): Phase.OFFERED,
    (Phase.OFFERED, Step.OFFER): Phase.OFFERED,
    (Phase.OFFERED, Step.ANSWER): Phase.CONNECTING,
    (Phase.CONNECTING, Step.OFFER): Phase.CONNECTING,
    (Phase.CONNECTING, Step.ANSWER): Phase.CONNECTING,
    (Phase.CONNECTING, Step.CONNECTED): Phase.HERE,
    (Phase.HERE, Step.OFFER): Phase.HERE,
    (Phase.HERE, Step.ANSWER): Phase.HERE,
    (Phase.HERE, Step.SILENT): Phase.SILENT,
    (Phase.SILENT, Step.OFFER): Phase.SILENT,
    (Phase.SILENT, Step.ANSWER): Phase.SILENT,
    (Phase.SILENT, Step.CONNECTED): Phase.HERE,
    **{(phase, Step.CLOSED): Phase.WAITING for phase in Phase if phase is not Phase.WAITING},
}
# A leg that has been answered once: the unit knows the client, and takes what it wants.
CONNECTED_ONCE = (Phase.CONNECTING, Phase.HERE, Phase.SILENT)


@dataclass(frozen=True, slots=True)
class OpenOffer:
    """An offer that the client has not answered yet. `unit_seq` is the number that the unit gave it."""

    frame: CallOffer
    unit_seq: int


@dataclass(frozen=True, slots=True)
class Seat:
    """A device in a call.

    The client names its `session`. Each way through a unit is a `leg`, named at random by us: so a client can
    neither guess nor repeat one, and what a unit says late about an older leg finds nobody.
    """

    device: bytes
    account: bytes
    session: bytes
    since: int  # ms since 1970
    phase: Phase = Phase.WAITING
    leg: bytes | None = None
    seq: int = 0  # of the last offer; counts on from leg to leg
    offer: OpenOffer | None = None
    media_by: float | None = None  # media must flow by then; None while it does
    socket_by: float | None = None  # its socket must be back by then; None while it is there
    restarted: float | None = None  # when ICE was last begun anew
    reopened: int = 0  # legs that were lost since media last flowed

    @property
    def attached(self) -> bool:
        return self.socket_by is None

    @property
    def state(self) -> Literal["joining", "here", "silent"]:
        """What the room is told."""
        match self.phase:
            case Phase.HERE:
                return "here"
            case Phase.SILENT:
                return "silent"
            case _:
                return "joining"

    @property
    def shown(self) -> CallParticipant:
        return CallParticipant(device=self.device, session=self.session, since=self.since, state=self.state)


def streams_of(offer: control.Offer) -> list[dict[str, object]]:
    """The sections of a unit's offer, as the frame to the client has them."""
    return [{"mid": one.mid, "device": one.device, "kind": one.kind.value} for one in offer.streams]
