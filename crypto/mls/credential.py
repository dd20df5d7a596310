"""Credentials (RFC 9420 §5.3), and who may propose from outside (§12.1.8.1).

What they claim is the AS's to judge.
"""

from dataclasses import dataclass
from enum import IntEnum
from typing import ClassVar

from crypto.mls.codec import Reader, Writer, decode, encode
from crypto.mls.extension import Extension, Extensions, ExtensionType, find_extension


class CredentialType(IntEnum):
    """RFC 9420 §17.5."""

    BASIC = 0x0001
    X509 = 0x0002


@dataclass(frozen=True, slots=True)
class BasicCredential:
    identity: bytes
    type: ClassVar[int] = CredentialType.BASIC


@dataclass(frozen=True, slots=True)
class X509Credential:
    certificates: tuple[bytes, ...]
    type: ClassVar[int] = CredentialType.X509


@dataclass(frozen=True, slots=True)
class UnknownCredential:
    """A type that we do not know. Those that exist are one vector, and as one it is kept."""

    type: int
    content: bytes


Credential = BasicCredential | X509Credential | UnknownCredential

_MAX_IDENTITY_LENGTH = 2**16
_MAX_CERTIFICATES = 16
_MAX_EXTERNAL_SENDERS = 64


def write_credential(writer: Writer, credential: Credential) -> None:
    writer.uint16(credential.type)
    match credential:
        case BasicCredential():
            writer.opaque(credential.identity)
        case X509Credential():
            writer.vector(credential.certificates, Writer.opaque)
        case UnknownCredential():
            writer.opaque(credential.content)


def read_credential(reader: Reader) -> Credential:
    type_code = reader.uint16()
    if type_code == CredentialType.BASIC:
        return BasicCredential(reader.opaque(_MAX_IDENTITY_LENGTH))
    if type_code == CredentialType.X509:
        return X509Credential(reader.vector(Reader.opaque, _MAX_CERTIFICATES))
    return UnknownCredential(type_code, reader.opaque(_MAX_IDENTITY_LENGTH))


def encode_credential(credential: Credential) -> bytes:
    return encode(lambda writer: write_credential(writer, credential))


def decode_credential(data: bytes) -> Credential:
    """Raises DecodeError."""
    return decode(data, read_credential)


@dataclass(frozen=True, slots=True)
class ExternalSender:
    signature_key: bytes
    credential: Credential


def write_external_sender(writer: Writer, sender: ExternalSender) -> None:
    writer.opaque(sender.signature_key)
    write_credential(writer, sender.credential)


def read_external_sender(reader: Reader) -> ExternalSender:
    return ExternalSender(reader.opaque(), read_credential(reader))


def external_senders_extension(senders: tuple[ExternalSender, ...]) -> Extension:
    data = encode(lambda writer: writer.vector(senders, write_external_sender))
    return Extension(ExtensionType.EXTERNAL_SENDERS, data)


def external_senders_in(extensions: Extensions) -> tuple[ExternalSender, ...]:
    """The senders that a GroupContext names; none when it has no such extension. Raises DecodeError."""
    found = find_extension(extensions, ExtensionType.EXTERNAL_SENDERS)
    if found is None:
        return ()
    return decode(found.data, lambda reader: reader.vector(read_external_sender, _MAX_EXTERNAL_SENDERS))
