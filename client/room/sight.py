"""What is shown of a room. Ids are bytes; a driver writes them as text and adds the standing of persons."""

from dataclasses import dataclass
from typing import Literal

from crypto.room.timeline import SystemCode

Delivery = Literal["queued", "server", "delivered"]
SightState = Literal["ready", "paused", "rejoining", "removed", "left"]


@dataclass(frozen=True, slots=True)
class SightReaction:
    emoji: str
    who: tuple[str, ...]
    """Names, in the order in which they chose it."""
    mine: bool


@dataclass(frozen=True, slots=True)
class Quoted:
    """The post that another one answers; its text cut short."""

    id: bytes
    name: str
    text: str


@dataclass(frozen=True, slots=True)
class SightPost:
    id: bytes
    n: int
    """Log position; 0 while queued."""
    at: int
    author: bytes
    author_name: str
    mine: bool
    text: str
    deleted: bool
    edited_at: int | None
    reply_to: Quoted | None
    reactions: tuple[SightReaction, ...]
    delivery: Delivery


@dataclass(frozen=True, slots=True)
class SightSystem:
    """A line about what happened. `who` and `by` are names, empty where there is none. `about`: of a call,
    why it was called, or which meeting it was.
    """

    id: bytes
    n: int
    at: int
    code: SystemCode
    who: str
    by: str
    detail: str
    about: str = ""


SightItem = SightPost | SightSystem


@dataclass(frozen=True, slots=True)
class SightMember:
    account_id: bytes
    root_key: bytes
    name: str
    devices: int
    founder: bool
    online: bool


@dataclass(frozen=True, slots=True)
class SightInvite:
    invite_id: bytes
    by: bytes
    mine: bool
    not_after: int


@dataclass(frozen=True, slots=True)
class SightRemoval:
    """Somebody's removal that waits for more approvals."""

    account_id: bytes
    name: str
    approvals: int
    needed: int
    approved_by_me: bool


@dataclass(frozen=True, slots=True)
class SightCaller:
    account_id: bytes
    device_id: bytes
    state: Literal["joining", "here", "silent"]
    hand: int | None
    """When it went up (ms), by its owner's word; None: it is down."""
    mic: bool
    camera: bool
    screen: bool


@dataclass(frozen=True, slots=True)
class SightCall:
    sitting: bytes | None
    """Which call this is; None until the server has said it."""
    since: int | None
    """Its begin (ms)."""
    participants: tuple[SightCaller, ...]
    """By the server's word, of this room's members."""
    media: Literal["off", "waiting", "on", "held"]
    """This device: out of it, to come in, in it, or in it and sending nothing."""


@dataclass(frozen=True, slots=True)
class RoomSight:
    room_id: bytes
    title: str
    state: SightState
    members: tuple[SightMember, ...]
    items: tuple[SightItem, ...]
    older: bool
    """There are items before these."""
    read_up_to: int
    unread: int
    last_at: int
    last_text: str
    typing: tuple[bytes, ...]
    """Account ids of those who are writing."""
    invites: tuple[SightInvite, ...]
    removals: tuple[SightRemoval, ...]
    removes_alone: bool
    am_founder: bool
    provisional: bool
    """What this newcomer was given, nobody else has confirmed yet (E24)."""
    confirmed_at: int | None
    call: SightCall | None
    """None where nobody is in a call."""
