"""What an event says of an attachment: all that is needed to fetch it, to open it and to show what it is.

It travels inside the encrypted event, name and type too. The server sees ciphertext of a padded size, under
its hash.
"""

import re
from dataclasses import dataclass, field
from typing import Final

from crypto.attachments.chunk_cipher import FILE_KEY_LENGTH
from crypto.attachments.geometry import MAX_CHUNK_SIZE, MAX_SIZE, MIN_CHUNK_SIZE, Geometry
from crypto.room.canonical import FieldReader, Value, decode_canonical, encode_canonical
from crypto.room.text import is_file_name

HASH_LENGTH: Final = 32
MAX_TYPE: Final = 127
MAX_DESCRIPTOR: Final = 2048

# RFC 6838 §4.2, in small letters.
_TYPE: Final = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+-]*/[a-z0-9][a-z0-9!#$&^_.+-]*")


@dataclass(frozen=True, slots=True)
class FileDescriptor:
    key: bytes = field(repr=False)
    size: int
    """Bytes of the file itself."""
    chunk_size: int
    hash: bytes
    """SHA-256 of the whole ciphertext; the server keeps it under this name."""
    name: str
    type: str
    """A media type, such as "image/jpeg". A claim of the sender's, like the name."""

    @property
    def geometry(self) -> Geometry:
        return Geometry(self.size, self.chunk_size)


def is_media_type(text: str) -> bool:
    return len(text) <= MAX_TYPE and _TYPE.fullmatch(text) is not None


def descriptor_fields(descriptor: FileDescriptor) -> dict[str, Value]:
    """As it stands in an event's body."""
    return {
        "key": descriptor.key,
        "size": descriptor.size,
        "chunk_size": descriptor.chunk_size,
        "hash": descriptor.hash,
        "name": descriptor.name,
        "type": descriptor.type,
    }


def read_descriptor(value: object) -> FileDescriptor:
    """Raises RoomDataError."""
    reader = FieldReader(value, "file")
    descriptor = FileDescriptor(
        key=reader.octets("key", FILE_KEY_LENGTH),
        size=reader.integer("size", 0, MAX_SIZE),
        chunk_size=reader.integer("chunk_size", MIN_CHUNK_SIZE, MAX_CHUNK_SIZE),
        hash=reader.octets("hash", HASH_LENGTH),
        name=reader.text("name", is_file_name),
        type=reader.text("type", is_media_type),
    )
    reader.finish()
    return descriptor


def encode_descriptor(descriptor: FileDescriptor) -> bytes:
    return encode_canonical(descriptor_fields(descriptor))


def decode_descriptor(data: bytes) -> FileDescriptor:
    """Raises RoomDataError."""
    return read_descriptor(decode_canonical(data, MAX_DESCRIPTOR))
