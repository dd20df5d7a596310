"""What is said in a room, as it is encrypted (E16).

An envelope around a body, signed by its author's leaf key apart from MLS, so that history that is passed on
later cannot be forged.
"""

import re
from dataclasses import dataclass
from typing import Final, NamedTuple, Protocol

from crypto.identity.signed import sign_labelled, verify_labelled
from crypto.mls.codec import encode
from crypto.mls.ed25519 import SIGNATURE_LENGTH
from crypto.room.bodies import MAX_BODY
from crypto.room.canonical import MAX_NUMBER, FieldReader, decode_canonical, encode_canonical
from crypto.room.errors import RoomDataError
from crypto.room.log_head import SEEN_HEAD_LENGTH, Seen
from crypto.room.padding import padded_length
from crypto.room.room_context import ID_LENGTH

MAX_ENVELOPE: Final = MAX_BODY + 1024
_TYPE = re.compile("[a-z_]{1,32}")
_COMMIT_DATA_LENGTH: Final = ID_LENGTH + 8 + SEEN_HEAD_LENGTH


class Signable(Protocol):
    """What an event's signature covers: an Envelope has it."""

    @property
    def id(self) -> bytes: ...
    @property
    def type(self) -> str: ...
    @property
    def body(self) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Unsigned:
    """An event before its author has signed it."""

    id: bytes
    type: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Envelope:
    """`type` is any short word: a newer version may know more. `counter` counts this device's events in this
    room, from 1. `body` is the body's CBOR, exactly as it was signed.
    """

    id: bytes
    type: str
    counter: int
    seen: Seen
    body: bytes
    signature: bytes


def _content_to_sign(room_id: bytes, event: Signable) -> bytes:
    """Room and id have fixed lengths and the others carry theirs: no two events have the same content to
    sign.
    """
    return encode(
        lambda writer: writer.raw(room_id).raw(event.id).opaque(event.type.encode()).opaque(event.body)
    )


def sign_event(leaf_private_key: bytes, room_id: bytes, event: Signable) -> bytes:
    return sign_labelled(leaf_private_key, "event", _content_to_sign(room_id, event))


def event_signature_is_valid(leaf_key: bytes, room_id: bytes, envelope: Envelope) -> bool:
    """Whether the author's leaf signed this event in this room. Counter and seen head are under MLS alone."""
    return verify_labelled(leaf_key, "event", _content_to_sign(room_id, envelope), envelope.signature)


def encode_envelope(envelope: Envelope) -> bytes:
    return encode_canonical(
        {
            "id": envelope.id,
            "type": envelope.type,
            "counter": envelope.counter,
            "seen": {"n": envelope.seen.n, "head": envelope.seen.head},
            "body": envelope.body,
            "signature": envelope.signature,
        }
    )


def decode_envelope(data: bytes) -> Envelope:
    """Raises RoomDataError."""
    reader = FieldReader(decode_canonical(data, MAX_ENVELOPE), "event")
    envelope = Envelope(
        id=reader.octets("id", ID_LENGTH),
        type=reader.text("type", lambda text: _TYPE.fullmatch(text) is not None),
        counter=reader.integer("counter", 1, MAX_NUMBER),
        seen=_read_seen(reader.value("seen")),
        body=reader.octets("body", 1, MAX_BODY),
        signature=reader.octets("signature", SIGNATURE_LENGTH),
    )
    reader.finish()
    return envelope


def _read_seen(value: object) -> Seen:
    reader = FieldReader(value, "seen")
    seen = Seen(reader.integer("n", 0, MAX_NUMBER), reader.octets("head", SEEN_HEAD_LENGTH))
    reader.finish()
    return seen


# RFC 9420 §6.3.1 around an envelope: the length of the data, and a signature with its length.
_MLS_OVERHEAD: Final = 4 + 2 + SIGNATURE_LENGTH


def message_bucket(envelope_length: int) -> int:
    """What a plaintext with an envelope of so many bytes is padded to, all in all: `padded_to` of
    protect_application (E16).
    """
    return padded_length(envelope_length + _MLS_OVERHEAD)


# E15: what travels in the clear.


def event_authenticated_data(event_id: bytes) -> bytes:
    """`authenticated_data` of an application message or a leave: its id alone."""
    return event_id


class CommitData(NamedTuple):
    id: bytes
    seen: Seen


def encode_commit_data(commit_id: bytes, seen: Seen) -> bytes:
    """`authenticated_data` of a Commit: its id and seen head, 40 bytes."""
    return encode(lambda writer: writer.raw(commit_id).uint64(seen.n).raw(seen.head))


def decode_commit_data(data: bytes) -> CommitData:
    """Raises RoomDataError."""
    if len(data) != _COMMIT_DATA_LENGTH:
        raise RoomDataError("not a Commit's clear data")
    n = int.from_bytes(data[ID_LENGTH : ID_LENGTH + 8], "big")
    if n > MAX_NUMBER:
        raise RoomDataError("a position beyond 2^53")
    return CommitData(data[:ID_LENGTH], Seen(n, data[ID_LENGTH + 8 :]))
