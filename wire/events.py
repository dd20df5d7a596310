"""What is said inside a room, one class each: the plaintext that only members ever see.

An event is an `Envelope` (E16): its `type` names the class of its `body`. Both are CBOR maps in the one
deterministic spelling (RFC 8949 §4.2.3, map keys shorter first), because bodies are signed and snapshots
hashed. Optional fields are left out, never null. The server never sees any of this.
"""

import re
from typing import Annotated, Any, Final, Literal

import cbor2
from pydantic import AfterValidator, Field, ValidationError

from wire.bounds import (
    MAX_NUMBER,
    SIGNATURE_BYTES,
    Id,
    LogHash,
    Number,
    Position,
    Strict,
)
from wire.codec import DecodeError, items

MAX_BODY = 128 * 1024
MAX_ENVELOPE = MAX_BODY + 1024
MAX_TYPE = 32
MAX_POST = 20_000  # characters, as everywhere: code points
MAX_NAME = 80
MAX_EMOJI_BYTES = 32
MAX_PAGES = 8
MAX_PAGE = 32 * 1024
SEEN_HEAD_BYTES = 16
MAX_SIGNAL = 64

# Controls, line separators and marks that turn the reading direction: in one line of text they only deceive.
_NOT_IN_A_LINE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
_LETTER_OR_SPACE = re.compile("[A-Za-z ]")
_LEAST_EMOJI = 0xA9  # ©
# Decoders of other languages take it away at the beginning of a text: what is read is not what was written.
_BYTE_ORDER_MARK = "\ufeff"


def _text(text: str) -> str:
    if text.startswith(_BYTE_ORDER_MARK):
        raise ValueError("a byte order mark")
    return text


def _line(text: str) -> str:
    if _NOT_IN_A_LINE.search(text) or text.startswith(" ") or text.endswith(" "):
        raise ValueError("not a line of text")
    return text


def _emoji(text: str) -> str:
    """Something to react with: no letters or spaces, and at least one sign beyond ASCII."""
    if len(text.encode()) > MAX_EMOJI_BYTES or _NOT_IN_A_LINE.search(text) or _LETTER_OR_SPACE.search(text):
        raise ValueError("not an emoji")
    if all(ord(character) < _LEAST_EMOJI for character in text):
        raise ValueError("not an emoji")
    return text


PostText = Annotated[str, Field(min_length=1, max_length=MAX_POST), AfterValidator(_text)]
Name = Annotated[str, Field(min_length=1, max_length=MAX_NAME), AfterValidator(_text), AfterValidator(_line)]
Emoji = Annotated[
    str,
    Field(min_length=1, max_length=MAX_EMOJI_BYTES),
    AfterValidator(_text),
    AfterValidator(_emoji),
]
SeenHead = Annotated[bytes, Field(min_length=SEEN_HEAD_BYTES, max_length=SEEN_HEAD_BYTES)]
Signature = Annotated[bytes, Field(min_length=SIGNATURE_BYTES, max_length=SIGNATURE_BYTES)]


# Bodies


class Post(Strict):
    """Something said, in Markdown."""

    text: PostText
    reply_to: Id | None = None


class Edit(Strict):
    """Other words for an earlier post of one's own."""

    target: Id
    text: PostText


class Delete(Strict):
    """An earlier post of one's own is taken back."""

    target: Id


class React(Strict):
    """A reaction to a post, put on or taken off."""

    target: Id
    emoji: Emoji
    on: bool


class Profile(Strict):
    """What colleagues are to call the author."""

    name: Name


class SnapshotPage(Strict):
    """One page of the room's state at a Commit's position, for newcomers (E24). `hash` is of all pages."""

    position: Position
    page: Annotated[int, Field(ge=0, lt=MAX_PAGES)]
    pages: Annotated[int, Field(ge=1, le=MAX_PAGES)]
    hash: LogHash
    data: Annotated[bytes, Field(min_length=1, max_length=MAX_PAGE)]


class SnapshotCheck(Strict):
    """What a member's own state says of a snapshot (E24)."""

    position: Position
    hash: LogHash
    agrees: bool


class Stuck(Strict):
    """The author could not complete the Commit at `position` (E18); signed by the identity key."""

    position: Position
    signature: Signature


BODIES: Final[dict[str, type[Strict]]] = {
    "post": Post,
    "edit": Edit,
    "delete": Delete,
    "react": React,
    "profile": Profile,
    "snapshot": SnapshotPage,
    "snapshot_check": SnapshotCheck,
    "stuck": Stuck,
}


# Around them


class Seen(Strict):
    """How far its author had seen the log: a position, and the beginning of the head there (E19)."""

    n: Number
    head: SeenHead


class Envelope(Strict):
    """An event as it is encrypted. `body` is the CBOR of the class that `type` names, as it was signed."""

    id: Id
    type: Annotated[str, Field(min_length=1, max_length=MAX_TYPE, pattern=r"^[a-z_]+$")]
    counter: Annotated[int, Field(ge=1, le=MAX_NUMBER)]
    seen: Seen
    body: Annotated[bytes, Field(min_length=1, max_length=MAX_BODY)]
    signature: Signature


# Said without being kept (E38)


class Signal(Strict):
    """typing: the author writes, or stopped. presence: the author is here, or goes. `at` in milliseconds."""

    kind: Literal["typing", "presence"]
    at: Number
    on: bool


def encode_canonical(value: Strict) -> bytes:
    """The one spelling of a body or an envelope."""
    return cbor2.dumps(value.model_dump(exclude_none=True), canonical=True)


def _decode(cls: type[Strict], data: bytes, limit: int) -> Any:
    found = items(data, limit)
    if len(found) != 1 or cbor2.dumps(found[0], canonical=True) != data:
        raise DecodeError("not one item in the one spelling")
    # An absent field is left out: null is a second spelling of it.
    if isinstance(found[0], dict) and None in found[0].values():
        raise DecodeError("null")
    try:
        return cls.model_validate(found[0])
    except ValidationError:
        # Without the values: they are what was said.
        raise DecodeError(f"not a {cls.__name__}") from None


def decode_envelope(data: bytes) -> Envelope:
    """Raises DecodeError."""
    envelope: Envelope = _decode(Envelope, data, MAX_ENVELOPE)
    return envelope


def decode_body(type_: str, data: bytes) -> Strict | None:
    """The body, or None for a type that this version does not know. Raises DecodeError."""
    cls = BODIES.get(type_)
    if cls is None:
        return None
    body: Strict = _decode(cls, data, MAX_BODY)
    return body


def decode_signal(data: bytes) -> Signal:
    """Raises DecodeError."""
    signal: Signal = _decode(Signal, data, MAX_SIGNAL)
    return signal
