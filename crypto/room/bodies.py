"""Bodies of events, in bounds and in their one spelling: what wire/events.py says, checked as it comes."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, is_dataclass
from typing import Any, ClassVar, Final, Literal, TypeAlias, cast

from crypto.room.call_bodies import CALL_READERS, CallEvent, CallEventType
from crypto.room.canonical import MAX_NUMBER, FieldReader, Value, decode_canonical, encode_canonical
from crypto.room.text import is_emoji, is_name, is_post_text

MAX_BODY: Final = 128 * 1024
MAX_PAGES: Final = 16
MAX_PAGE: Final = 32 * 1024
_ID_LENGTH: Final = 16
_HASH_LENGTH: Final = 48
_SIGNATURE_LENGTH: Final = 64


@dataclass(frozen=True, slots=True)
class Post:
    """Something said, in Markdown."""

    type: ClassVar[Literal["post"]] = "post"
    text: str
    reply_to: bytes | None = None


@dataclass(frozen=True, slots=True)
class Edit:
    """Other words for an earlier post of one's own."""

    type: ClassVar[Literal["edit"]] = "edit"
    target: bytes
    text: str


@dataclass(frozen=True, slots=True)
class Delete:
    """An earlier post of one's own is taken back."""

    type: ClassVar[Literal["delete"]] = "delete"
    target: bytes


@dataclass(frozen=True, slots=True)
class React:
    """A reaction to a post, put on or taken off."""

    type: ClassVar[Literal["react"]] = "react"
    target: bytes
    emoji: str
    on: bool


@dataclass(frozen=True, slots=True)
class Profile:
    """What colleagues are to call the author."""

    type: ClassVar[Literal["profile"]] = "profile"
    name: str


@dataclass(frozen=True, slots=True)
class SnapshotPage:
    """One page of the room's state at a Commit's position, for newcomers (E24). `hash` is of all pages."""

    type: ClassVar[Literal["snapshot"]] = "snapshot"
    position: int
    page: int
    pages: int
    hash: bytes
    data: bytes


@dataclass(frozen=True, slots=True)
class SnapshotCheck:
    """What a member's own state says of a snapshot (E24)."""

    type: ClassVar[Literal["snapshot_check"]] = "snapshot_check"
    position: int
    hash: bytes
    agrees: bool


@dataclass(frozen=True, slots=True)
class Stuck:
    """The author could not complete the Commit at `position` (E18); signed by the identity key."""

    type: ClassVar[Literal["stuck"]] = "stuck"
    position: int
    signature: bytes


EventBody: TypeAlias = (
    Post | Edit | Delete | React | Profile | SnapshotPage | SnapshotCheck | Stuck | CallEvent
)
EventType: TypeAlias = Literal[
    "post", "edit", "delete", "react", "profile", "snapshot", "snapshot_check", "stuck", CallEventType
]


def _post(reader: FieldReader) -> Post:
    return Post(reader.text("text", is_post_text), reader.optional_octets("reply_to", _ID_LENGTH))


def _edit(reader: FieldReader) -> Edit:
    return Edit(reader.octets("target", _ID_LENGTH), reader.text("text", is_post_text))


def _delete(reader: FieldReader) -> Delete:
    return Delete(reader.octets("target", _ID_LENGTH))


def _react(reader: FieldReader) -> React:
    return React(reader.octets("target", _ID_LENGTH), reader.text("emoji", is_emoji), on=reader.boolean("on"))


def _profile(reader: FieldReader) -> Profile:
    return Profile(reader.text("name", is_name))


def _snapshot(reader: FieldReader) -> SnapshotPage:
    return SnapshotPage(
        position=reader.integer("position", 1, MAX_NUMBER),
        page=reader.integer("page", 0, MAX_PAGES - 1),
        pages=reader.integer("pages", 1, MAX_PAGES),
        hash=reader.octets("hash", _HASH_LENGTH),
        data=reader.octets("data", 1, MAX_PAGE),
    )


def _snapshot_check(reader: FieldReader) -> SnapshotCheck:
    return SnapshotCheck(
        position=reader.integer("position", 1, MAX_NUMBER),
        hash=reader.octets("hash", _HASH_LENGTH),
        agrees=reader.boolean("agrees"),
    )


def _stuck(reader: FieldReader) -> Stuck:
    return Stuck(reader.integer("position", 1, MAX_NUMBER), reader.octets("signature", _SIGNATURE_LENGTH))


_READERS: Final[Mapping[str, Callable[[FieldReader], EventBody]]] = {
    "post": _post,
    "edit": _edit,
    "delete": _delete,
    "react": _react,
    "profile": _profile,
    "snapshot": _snapshot,
    "snapshot_check": _snapshot_check,
    "stuck": _stuck,
    **CALL_READERS,
}


def _read_body(event_type: str, value: object) -> EventBody:
    reader = FieldReader(value, event_type)
    body = _READERS[event_type](reader)
    reader.finish()
    return body


def decode_body(event_type: str, data: bytes) -> EventBody | None:
    """None for a type that this version does not know. Raises RoomDataError."""
    return _read_body(event_type, decode_canonical(data, MAX_BODY)) if event_type in _READERS else None


def _fields_of(item: object) -> dict[str, Value]:
    """What is there, by its name; structures inside of it as maps."""
    found = ((field.name, getattr(item, field.name)) for field in fields(cast("Any", item)))
    return {name: _value_of(value) for name, value in found if value is not None}


def _value_of(value: Value) -> Value:
    if isinstance(value, tuple):
        return tuple(_fields_of(one) if is_dataclass(one) else one for one in value)
    return value


def encode_body(body: EventBody) -> bytes:
    """Raises RoomDataError when what our own side wants to say is out of bounds: nobody would accept it."""
    present = _fields_of(body)
    _read_body(body.type, present)
    return encode_canonical(present)
