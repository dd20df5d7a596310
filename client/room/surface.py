"""What goes into the machine of one room and what comes out: the line between the room's core and its driver.

Commands are in `commands`, effects in `effects`, what is shown in `sight`. Frames are those of `wire.frames`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from client.room.commands import Command
from client.room.effects import Effect
from crypto.identity.identity import Identity
from crypto.mls.key_package import KeyPackageSecrets
from wire.frames import (
    Ack,
    CallState,
    CaughtUp,
    Cursors,
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

if TYPE_CHECKING:
    from client.room.state import RoomState

Rng = Callable[[int], bytes]


@dataclass(frozen=True, slots=True)
class Me:
    """This device and its person. The core makes leaf keys itself, fresh for each room, and certifies them
    with the identity key.
    """

    account_id: bytes
    device_id: bytes
    deployment_id: bytes
    identity: Identity
    name: str
    """What colleagues read; a newcomer says it to the room by itself."""


@dataclass(frozen=True, slots=True)
class Env:
    """The outside of one step."""

    now: int
    """Milliseconds, by this device's clock."""
    server_now: int
    """The same, corrected by the last difference to the server's stamps."""
    rng: Rng
    me: Me


# Frames of this room, as they came and in the order in which they came.
Frame = (
    Ack
    | Stale
    | Refused
    | Entry
    | Gap
    | CaughtUp
    | Welcome
    | Request
    | RequestGone
    | Cursors
    | Removed
    | Routing
    | Ephemeral
    | CallState
)


# Inputs: a frame and a command stand for themselves.


@dataclass(frozen=True, slots=True)
class Ready:
    """The socket said hello: what `ready` has of this room, or None when it is not in there."""

    room: WireRoom | None


@dataclass(frozen=True, slots=True)
class Offline:
    """The connection is gone."""


@dataclass(frozen=True, slots=True)
class Tick:
    """The time of a `Wake` has come, or something may have changed."""


Input = Frame | Command | Ready | Offline | Tick


@dataclass(frozen=True, slots=True)
class Stepped:
    """What came of one input."""

    state: "RoomState"
    effects: tuple[Effect, ...]
    """In order, to be released only after `state` is stored."""
    wiped: tuple[bytes, ...]
    """Secrets that `state` does not hold any more. Python cannot overwrite `bytes`: keep no reference to
    them, nor to an earlier state.
    """


class CommandError(Exception):
    """A command that cannot be taken. The state is as it was. `code` is stable."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class WelcomeError(Exception):
    """A Welcome that this device does not accept; `code` says why, and is stable."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, slots=True)
class JoinExpectation:
    """What a device that asked to be let in by an invite waits for (E25, E29). Holds secrets: to be stored
    sealed (`encode_expectation`) until `join_room` has taken the Welcome.
    """

    room_id: bytes
    invite_id: bytes
    secret: bytes
    """The secret of the link's fragment."""
    inviter_root: bytes
    """First 16 bytes of the hash of the inviter's root key, from the link: its account id (E6)."""
    request_hash: bytes
    key_package: bytes
    secrets: KeyPackageSecrets
