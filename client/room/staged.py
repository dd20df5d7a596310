"""One's own commit: why it was made, and what it is until its position in the log (E21)."""

from dataclasses import dataclass
from typing import Literal

from client.room.commands import Intent
from crypto.mls.group import Group


@dataclass(frozen=True, slots=True)
class ForIntent:
    """What a person asked for."""

    intent: Intent


@dataclass(frozen=True, slots=True)
class ForRequest:
    """Somebody asked to be added."""

    request_id: bytes


@dataclass(frozen=True, slots=True)
class Upkeep:
    """What a device does of its own accord."""

    kind: Literal["leaves", "own_devices", "update", "renew", "expiry", "repair", "before_call", "after_call"]


Purpose = ForIntent | ForRequest | Upkeep


@dataclass(frozen=True, slots=True)
class StagedWelcome:
    device: bytes
    payload: bytes


@dataclass(frozen=True, slots=True)
class SentCommit:
    """What is sent of one's own commit."""

    id: bytes
    purpose: Purpose
    payload: bytes
    hash: bytes
    content: bytes
    """The authenticated content of `payload`, encoded: what everyone else will find in it."""
    after: int
    devices: tuple[bytes, ...]
    welcomes: tuple[StagedWelcome, ...]
    answered: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class StagedCommit(SentCommit):
    """One's own commit between persisting it and its position in the log (E21)."""

    next: Group
    in_flight: bool = False
    """Volatile."""
