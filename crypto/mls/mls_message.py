"""MLSMessage (RFC 9420 §6): the outermost struct, which says what is inside."""

from crypto.mls.capabilities import MLS_10
from crypto.mls.codec import Reader, Writer, decode, encode
from crypto.mls.errors import DecodeError
from crypto.mls.framing import (
    PrivateMessage,
    PublicMessage,
    WireFormat,
    read_private_message,
    read_public_message,
    write_private_message,
    write_public_message,
)
from crypto.mls.group_info import GroupInfo, read_group_info, write_group_info
from crypto.mls.key_package import KeyPackage, read_key_package, write_key_package
from crypto.mls.welcome import Welcome, read_welcome, write_welcome

MlsMessage = PublicMessage | PrivateMessage | Welcome | GroupInfo | KeyPackage

MAX_MESSAGE_LENGTH = 2 * 2**20
"""E26: that of a Welcome, the largest of them."""


def _write_mls_message(writer: Writer, message: MlsMessage) -> None:
    writer.uint16(MLS_10)
    match message:
        case PublicMessage():
            write_public_message(writer.uint16(WireFormat.PUBLIC_MESSAGE), message)
        case PrivateMessage():
            write_private_message(writer.uint16(WireFormat.PRIVATE_MESSAGE), message)
        case Welcome():
            write_welcome(writer.uint16(WireFormat.WELCOME), message)
        case GroupInfo():
            write_group_info(writer.uint16(WireFormat.GROUP_INFO), message)
        case KeyPackage():
            write_key_package(writer.uint16(WireFormat.KEY_PACKAGE), message)


def _read_mls_message(reader: Reader) -> MlsMessage:
    version = reader.uint16()
    if version != MLS_10:
        raise DecodeError(f"a message of the unknown version {version}")
    match reader.uint16():
        case WireFormat.PUBLIC_MESSAGE:
            return read_public_message(reader)
        case WireFormat.PRIVATE_MESSAGE:
            return read_private_message(reader)
        case WireFormat.WELCOME:
            return read_welcome(reader)
        case WireFormat.GROUP_INFO:
            return read_group_info(reader)
        case WireFormat.KEY_PACKAGE:
            key_package = read_key_package(reader)
            # RFC 9420 §10: the versions inside and outside are the same.
            if key_package.version != version:
                raise DecodeError("a KeyPackage of another version")
            return key_package
        case other:
            raise DecodeError(f"there is no wire format {other}")


def encode_mls_message(message: MlsMessage) -> bytes:
    return encode(lambda writer: _write_mls_message(writer, message))


def decode_mls_message(data: bytes) -> MlsMessage:
    """Raises DecodeError."""
    if len(data) > MAX_MESSAGE_LENGTH:
        raise DecodeError(f"a message of {len(data)} bytes is longer than {MAX_MESSAGE_LENGTH}")
    return decode(data, _read_mls_message)
