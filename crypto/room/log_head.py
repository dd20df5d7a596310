"""The running hash of a room's log (E19), and the hash of a device list (E20): PROTOCOL.md §1."""

from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256, sha384
from typing import Final

SEEN_HEAD_LENGTH: Final = 16
LIST_HASH_LENGTH: Final = 16


def first_head(room_id: bytes) -> bytes:
    """H_0 of a room's log."""
    return sha384(b"Collegium 1.0 log" + room_id).digest()


def next_head(head: bytes, n: int, time: int, payload_hash: bytes) -> bytes:
    """H_n from H_{n-1}. `time` is the entry's stamp in milliseconds, `payload_hash` its SHA-384."""
    return sha384(head + n.to_bytes(8, "big") + time.to_bytes(8, "big") + payload_hash).digest()


def payload_hash(payload: bytes) -> bytes:
    return sha384(payload).digest()


@dataclass(frozen=True, slots=True)
class Seen:
    """What an author repeats of the log: a position, and the first 16 bytes of the head there."""

    n: int
    head: bytes


def seen_of(n: int, head: bytes) -> Seen:
    return Seen(n, head[:SEEN_HEAD_LENGTH])


def list_hash(devices: Iterable[bytes]) -> bytes:
    """E20: the same for the same set of devices."""
    return sha256(b"Collegium 1.0 list" + b"".join(sorted(devices))).digest()[:LIST_HASH_LENGTH]
