"""Extensions, and the ones of RFC 9420 that only name types (§7.2, §11.1, §13.4)."""

from dataclasses import dataclass
from enum import IntEnum
from functools import lru_cache

from crypto.mls.codec import Reader, Writer, decode, encode
from crypto.mls.errors import DecodeError


@dataclass(frozen=True, slots=True)
class Extension:
    type: int
    data: bytes


Extensions = tuple[Extension, ...]


class ExtensionType(IntEnum):
    """RFC 9420 §17.3, and ours (E13)."""

    APPLICATION_ID = 0x0001
    RATCHET_TREE = 0x0002
    REQUIRED_CAPABILITIES = 0x0003
    EXTERNAL_PUB = 0x0004
    EXTERNAL_SENDERS = 0x0005
    COLLEGIUM_ROOM = 0xF101


_MAX_EXTENSIONS = 256
MAX_TYPE_CODES = 1024
"""Type codes in one list: every value that anybody could mean, and nothing to choke on."""


def is_default_extension(type_code: int) -> bool:
    """RFC 9420 §7.2: types that everyone knows, and that no list of capabilities names."""
    return 1 <= type_code <= 5


def write_extension(writer: Writer, extension: Extension) -> None:
    writer.uint16(extension.type).opaque(extension.data)


def read_extension(reader: Reader) -> Extension:
    return Extension(reader.uint16(), reader.opaque())


def write_extensions(writer: Writer, extensions: Extensions) -> None:
    writer.vector(extensions, write_extension)


def read_extensions(reader: Reader) -> Extensions:
    extensions = reader.vector(read_extension, _MAX_EXTENSIONS)
    # RFC 9420 §13.4: no list has two extensions of one type.
    if len(extensions) > 1 and len({one.type for one in extensions}) != len(extensions):
        raise DecodeError("two extensions of one type")
    return extensions


def encode_extensions(extensions: Extensions) -> bytes:
    return encode(lambda writer: write_extensions(writer, extensions))


def decode_extensions(data: bytes) -> Extensions:
    """Raises DecodeError."""
    return decode(data, read_extensions)


def find_extension(extensions: Extensions, type_code: int) -> Extension | None:
    return next((one for one in extensions if one.type == type_code), None)


def write_type_codes(writer: Writer, codes: tuple[int, ...]) -> None:
    writer.opaque(b"".join([code.to_bytes(2, "big") for code in codes]))


def read_type_codes(reader: Reader) -> tuple[int, ...]:
    data = reader.opaque(2 * MAX_TYPE_CODES)
    if len(data) % 2:
        raise DecodeError("half a type code")
    return tuple([data[at] << 8 | data[at + 1] for at in range(0, len(data), 2)])


@dataclass(frozen=True, slots=True)
class RequiredCapabilities:
    """RFC 9420 §11.1: what every member of the group must be able to do."""

    extensions: tuple[int, ...]
    proposals: tuple[int, ...]
    credentials: tuple[int, ...]


def write_required_capabilities(writer: Writer, required: RequiredCapabilities) -> None:
    write_type_codes(writer, required.extensions)
    write_type_codes(writer, required.proposals)
    write_type_codes(writer, required.credentials)


def read_required_capabilities(reader: Reader) -> RequiredCapabilities:
    return RequiredCapabilities(read_type_codes(reader), read_type_codes(reader), read_type_codes(reader))


def required_capabilities_extension(required: RequiredCapabilities) -> Extension:
    data = encode(lambda writer: write_required_capabilities(writer, required))
    return Extension(ExtensionType.REQUIRED_CAPABILITIES, data)


def required_capabilities_in(extensions: Extensions) -> RequiredCapabilities | None:
    """What the extension in a GroupContext demands, or None when it has none. Raises DecodeError."""
    found = find_extension(extensions, ExtensionType.REQUIRED_CAPABILITIES)
    return None if found is None else _required_capabilities_of(found.data)


# Every leaf of a tree is held against the same bytes.
@lru_cache(maxsize=8)
def _required_capabilities_of(data: bytes) -> RequiredCapabilities:
    return decode(data, read_required_capabilities)
