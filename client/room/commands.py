"""What a person, or the program in their name, asks of a room: `step(state, commands.Post("Hello"), env)`.

A command that cannot be taken raises CommandError with a stable code, and the state is as it was.
"""

from dataclasses import dataclass
from typing import ClassVar

from crypto.room.call_bodies import CallEvent
from crypto.room.ephemeral import CallSignal
from crypto.room.room_context import OpenInvite


@dataclass(frozen=True, slots=True)
class Post:
    """Say something, in Markdown (1 to 20,000 characters)."""

    text: str
    reply_to: bytes | None = None


@dataclass(frozen=True, slots=True)
class Edit:
    """Other words for a post of one's own."""

    target: bytes
    text: str


@dataclass(frozen=True, slots=True)
class Delete:
    """Take back a post of one's own."""

    target: bytes


@dataclass(frozen=True, slots=True)
class React:
    """Put a reaction on a post, or take it off."""

    target: bytes
    emoji: str
    on: bool


@dataclass(frozen=True, slots=True)
class Say:
    """Something about calls or meetings: ring, answer, plan, move, come."""

    event: CallEvent


@dataclass(frozen=True, slots=True)
class MediaOn:
    """This device goes into the room's call: `effects.Media` follows as soon as it may.

    `rekey`: it starts the call, so a commit with a path comes first (E37). Given while it is in already, it
    changes nothing.
    """

    rekey: bool


@dataclass(frozen=True, slots=True)
class MediaOff:
    """It goes out. `rekey`: nobody is left, so this device supersedes the keys that were used (E37). Always
    taken.
    """

    rekey: bool


@dataclass(frozen=True, slots=True)
class SayInCall:
    """A hand, a reaction, or what of this device's media is on: to the others in its call. The core says hand
    and media again by itself whenever somebody may not have heard them.
    """

    signal: CallSignal


@dataclass(frozen=True, slots=True)
class Profile:
    """`me.name` changed: say so."""


@dataclass(frozen=True, slots=True)
class Leave:
    """Leave the room, with all devices of this person."""


@dataclass(frozen=True, slots=True)
class Resume:
    """Go on after an alarm that paused the room (E19)."""


@dataclass(frozen=True, slots=True)
class Typing:
    """The person writes."""


@dataclass(frozen=True, slots=True)
class Presence:
    """Say at the next occasion that this device is here."""


@dataclass(frozen=True, slots=True)
class MarkRead:
    """Everything up to log position n was read."""

    n: int


# What the group has to agree on: tried by a commit at a time until it holds or makes no sense.


@dataclass(frozen=True, slots=True)
class Invite:
    """`invite` as `new_invite` made it (its open part); the room commits it, then `effects.Invited` comes."""

    kind: ClassVar[str] = "invite"
    invite: OpenInvite


@dataclass(frozen=True, slots=True)
class WithdrawInvite:
    kind: ClassVar[str] = "withdraw_invite"
    invite_id: bytes


@dataclass(frozen=True, slots=True)
class Rename:
    kind: ClassVar[str] = "rename"
    title: str


@dataclass(frozen=True, slots=True)
class RemoveMember:
    """Remove an account, or approve its removal where that is not this person's alone (E14)."""

    kind: ClassVar[str] = "remove_member"
    account_id: bytes


@dataclass(frozen=True, slots=True)
class WithdrawRemoval:
    """Take back one's approval of a removal."""

    kind: ClassVar[str] = "withdraw_removal"
    account_id: bytes


@dataclass(frozen=True, slots=True)
class RevokeDevice:
    """A revocation statement of this person's own identity key: the device leaves this room (E9)."""

    kind: ClassVar[str] = "revoke_device"
    statement: bytes
    device_id: bytes


Intent = Invite | WithdrawInvite | Rename | RemoveMember | WithdrawRemoval | RevokeDevice
Saying = Post | Edit | Delete | React | Say | Profile
Command = Saying | MediaOn | MediaOff | SayInCall | Leave | Resume | Typing | Presence | MarkRead | Intent
