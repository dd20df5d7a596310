"""What is to be done once the new state is stored, in order. A driver matches on the class."""

from dataclasses import dataclass
from typing import Literal

from crypto.identity.credential import LeafIdentity
from crypto.room.ephemeral import CallSignal
from wire.frames import Ephemeral, Fetch
from wire.frames import Send as SendFrame

AlarmCode = Literal[
    "fork",  # somebody's view of the log differs from ours (E19): `who` said so
    "unreadable",  # entries nobody could open in one epoch (E19): the offer to compare
    "bad_commit",  # a commit broke the rules and was skipped (E18): `who` made it
    "routing",  # the device list of the server is not that of the tree (E20): `who` committed it
    "stuck",  # this device could not complete a commit and asks to be added again (E18): `who` made it
    "copy",  # traffic of this device that it never sent: its state was destroyed (E39)
    "snapshot_disputed",  # a member disputes the state that a newcomer was given (E24)
    "welcome",  # a Welcome that answers this device's own request was not one to accept (E22, E25)
    "log_broken",  # the server holds positions back
]


@dataclass(frozen=True, slots=True)
class Send:
    """These frames, as they are, in order. Without a connection nothing: they come again with the next."""

    frames: tuple[SendFrame | Fetch | Ephemeral, ...]


@dataclass(frozen=True, slots=True)
class Cursor:
    """Everything up to n is stored once this state is: a `cursor` frame."""

    n: int


@dataclass(frozen=True, slots=True)
class Rejoin:
    """POST /api/rejoin-requests."""

    sealed: bytes


@dataclass(frozen=True, slots=True)
class Alarm:
    """Something that the person must know."""

    code: AlarmCode
    who: bytes | None
    """An account."""
    at: int
    evidence: bytes | None
    """CBOR, for whoever looks into it later."""


@dataclass(frozen=True, slots=True)
class Met:
    """A leaf came into the tree, or was there when this device came: the people whom it knows learn of it."""

    leaf: LeafIdentity


@dataclass(frozen=True, slots=True)
class Pins:
    """The pin list of E22 changed (`room_pin`)."""


@dataclass(frozen=True, slots=True)
class Wake:
    """Give `Tick` at this time at the latest (ms, `env.now`). The latest Wake counts."""

    at: int


@dataclass(frozen=True, slots=True)
class WithdrawToken:
    """An invite of this person is over: DELETE /api/registration-tokens/{invite_id}."""

    invite_id: bytes


@dataclass(frozen=True, slots=True)
class Invited:
    """An invite of this device is committed: its link works now."""

    invite_id: bytes


@dataclass(frozen=True, slots=True)
class Arrived:
    """A new message of somebody else, for unread counts and notices."""

    id: bytes


@dataclass(frozen=True, slots=True)
class Dropped:
    """What was asked for is not possible any more, and was dropped. `command`: the `kind` of the Intent, or
    the type of the event.
    """

    command: str
    code: str


@dataclass(frozen=True, slots=True)
class HeardInCall:
    """Somebody in a call says by a signal what holds with them (E38)."""

    account: bytes
    device: bytes
    signal: CallSignal


@dataclass(frozen=True, slots=True)
class Rang:
    """Somebody else calls the group, and the ring has not lapsed."""

    call: bytes


Effect = (
    Send
    | Cursor
    | Rejoin
    | Alarm
    | Met
    | Pins
    | Wake
    | WithdrawToken
    | Invited
    | Arrived
    | Dropped
    | HeardInCall
    | Rang
)
