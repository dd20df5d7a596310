"""What a device knows of the room's call, and its own part in it (E35). All of it is volatile, and no key is
in it: each goes out with the effect that makes it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Literal

from crypto.mls.tree_math import LeafIndex
from wire.frames import CallParticipant


@dataclass(frozen=True, slots=True)
class MediaOff:
    """It is not in it."""

    stage: ClassVar[Literal["off"]] = "off"


@dataclass(frozen=True, slots=True)
class MediaWaiting:
    """It comes in as soon as it may."""

    stage: ClassVar[Literal["waiting"]] = "waiting"
    starts: bool
    """After a commit with a path (E37)."""
    merged: bool = False
    """A commit was merged since it waits: that is enough of a start."""


@dataclass(frozen=True, slots=True)
class MediaGiven:
    """It was given the keys of an epoch. `held`: it encrypts nothing."""

    stage: Literal["on", "held"]
    epoch: int
    unheard: tuple[LeafIndex, ...] = ()
    """Leaves of this epoch whose going is not committed yet (E14)."""


Media = MediaOff | MediaWaiting | MediaGiven
NO_MEDIA = MediaOff()


@dataclass(frozen=True, slots=True)
class Sitting:
    """Who is in the room's call, by the server's word."""

    id: bytes
    since: int
    participants: tuple[CallParticipant, ...]


@dataclass(frozen=True, slots=True)
class InCall:
    """What a device in a call says of itself (E38)."""

    hand: int | None = None
    """When it went up, by its own word."""
    mic: bool = False
    camera: bool = False
    screen: bool = False


SILENT = InCall()
"""Of whom nothing was heard yet."""


@dataclass(frozen=True, slots=True)
class Call:
    """Volatile: the room's call."""

    sitting: Sitting | None = None
    """None where nobody is in it, or nothing was said of one."""
    told: bool = False
    """Whether the server has spoken on this connection; its silence until it has sent all says that nobody is
    in a call.
    """
    over_at: int | None = None
    """Since when this device knows that nobody is in it."""
    last_at: int | None = None
    """When this device left, being the last."""
    left_at: int | None = None
    """When it left with keys that are not superseded yet."""
    heard_at: int | None = None
    """Since when it knows of a call in this epoch."""
    heard_in: bytes | None = None
    """The sitting of which the following was heard, by device."""
    heard: Mapping[bytes, InCall] = field(default_factory=dict)
    reacted: Mapping[bytes, int] = field(default_factory=dict)
    mine: InCall | None = None
    """What this device says of itself; None: nothing yet."""
    said_at: int = 0
    """When that was said last."""
    again: bool = False
    """It is to be said again."""


NO_CALL = Call()
