"""What is to be done once the new state is stored, in order. A driver matches on the class."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from crypto.identity.credential import LeafIdentity
from crypto.mls.tree_math import LeafIndex
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
    """What was asked for is not possible any more, and was dropped. `command`: the `kind` of the Intent, the
    type of the event, or `media_on`.
    """

    command: str
    code: str


@dataclass(frozen=True, slots=True)
class CallLeaf:
    """Who sits at a leaf."""

    device_id: bytes
    account_id: bytes


@dataclass(frozen=True, slots=True)
class Media:
    """The keys of the call (E35, E36), for whatever encrypts: decrypt by them from now on, and encrypt by no
    others. At first when this device comes in, then for every epoch that is merged, and again for the same
    epoch when a hold is over. Nobody but the driver has the base key.
    """

    epoch: int
    base_key: bytes = field(repr=False)
    own_leaf: LeafIndex
    leaves: Mapping[LeafIndex, CallLeaf]


@dataclass(frozen=True, slots=True)
class Gone:
    """Somebody who goes, whom nobody is to hear from now on (E14)."""

    leaf: LeafIndex
    who: CallLeaf


@dataclass(frozen=True, slots=True)
class MediaHold:
    """Encrypt nothing until the next Media: somebody goes (E14), or the room is paused (E19)."""

    gone: Gone | None


@dataclass(frozen=True, slots=True)
class MediaEnd:
    """This device is in the call no more: all of its keys are to be forgotten."""


@dataclass(frozen=True, slots=True)
class HeardInCall:
    """Somebody in this device's call said something of themselves (E38). A reaction is shown for a moment
    and kept nowhere.
    """

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
    | Media
    | MediaHold
    | MediaEnd
    | HeardInCall
    | Rang
)
