"""Device certificates (E8) and their revocation (E9), both by the identity key.

struct {
  uint8 version = 1;
  opaque deployment_id[16];
  opaque account_id[16];
  opaque identity_key[32];
  opaque device_id[16];
  opaque leaf_key[32];
  uint32 serial;
  uint64 not_before;         // milliseconds since 1970
  uint64 not_after;
  opaque signature[64];      // by identity_key, label "Collegium 1.0 device"
} DeviceCertificate;

struct {
  uint8 version = 1;
  opaque account_id[16];
  opaque identity_key[32];
  opaque device_id[16];
  uint32 serial;             // every certificate of the device up to this one
  opaque signature[64];      // by identity_key, label "Collegium 1.0 revocation"
} Revocation;
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, NamedTuple, Protocol, TypeVar

from crypto.identity.errors import AsError
from crypto.identity.identity import Identity
from crypto.identity.root_keys import ID_BYTES, KEY_BYTES
from crypto.identity.signed import sign_labelled, verify_labelled
from crypto.identity.statement import decode_as, read_version, sized
from crypto.mls.codec import Reader, Writer, encode
from crypto.mls.ed25519 import SIGNATURE_LENGTH
from crypto.mls.errors import DecodeError, UsageError

T = TypeVar("T")

_DAY: Final = 24 * 60 * 60 * 1000
MAX_CERTIFICATE_LIFETIME: Final = 180 * _DAY  # E8
# A device whose clock runs ahead is still believed: its certificate began a day ago.
_BACKDATED: Final = _DAY
_VERSION: Final = 1
MAX_CERTIFICATE_BYTES: Final = 256
MAX_REVOCATION_BYTES: Final = 256
# Times travel to JavaScript, which counts exactly up to here.
_MAX_TIME: Final = 2**53 - 1


@dataclass(frozen=True, slots=True)
class DeviceCertificate:
    """`leaf_key` is the leaf's signature key. Times in milliseconds since 1970; both ends belong to the
    lifetime.
    """

    deployment_id: bytes
    account_id: bytes
    identity_key: bytes
    device_id: bytes
    leaf_key: bytes
    serial: int
    not_before: int
    not_after: int


@dataclass(frozen=True, slots=True)
class Revocation:
    """Certificates of the device up to this serial are void."""

    account_id: bytes
    identity_key: bytes
    device_id: bytes
    serial: int


class Window(NamedTuple):
    not_before: int
    not_after: int


def certificate_window(now: int) -> Window:
    """From when to when a certificate made now is to hold: the longest that E8 allows."""
    not_before = max(0, now - _BACKDATED)
    return Window(not_before, not_before + MAX_CERTIFICATE_LIFETIME)


def certify_device(
    identity: Identity,
    *,
    deployment_id: bytes,
    device_id: bytes,
    leaf_key: bytes,
    serial: int,
    not_before: int,
    not_after: int,
) -> bytes:
    """Raises UsageError when the lifetime is not one that E8 allows."""
    certificate = DeviceCertificate(
        deployment_id=deployment_id,
        account_id=identity.account_id,
        identity_key=identity.identity_key.public_key,
        device_id=device_id,
        leaf_key=leaf_key,
        serial=serial,
        not_before=not_before,
        not_after=not_after,
    )
    if not _allowed_lifetime(certificate):
        raise UsageError("certificate_lifetime", "not a lifetime of a certificate")
    content = encode(lambda writer: _write_certificate(writer, certificate))
    return content + sign_labelled(identity.identity_key.private_key, "device", content)


def read_certificate(data: bytes) -> DeviceCertificate:
    """Its own signature and lifetime. Whether the identity key is the account's, the chain says. Raises
    AsError.
    """
    certificate, content, signature = _read_signed(
        "a device certificate", data, MAX_CERTIFICATE_BYTES, _read_certificate_content
    )
    if not _allowed_lifetime(certificate):
        raise AsError("certificate_lifetime", "the certificate's lifetime is not one that is allowed")
    if not verify_labelled(certificate.identity_key, "device", content, signature):
        raise AsError("certificate_signature", "the certificate's signature does not hold")
    return certificate


def revoke_device(identity: Identity, device_id: bytes, serial: int) -> bytes:
    """E9: a lost device. All its certificates up to `serial` are void."""
    content = encode(
        lambda writer: (
            writer.uint8(_VERSION)
            .raw(sized(identity.account_id, ID_BYTES))
            .raw(sized(identity.identity_key.public_key, KEY_BYTES))
            .raw(sized(device_id, ID_BYTES))
            .uint32(serial)
        )
    )
    return content + sign_labelled(identity.identity_key.private_key, "revocation", content)


def read_revocation(data: bytes) -> Revocation:
    """Raises AsError."""
    revocation, content, signature = _read_signed(
        "a revocation", data, MAX_REVOCATION_BYTES, _read_revocation_content
    )
    if not verify_labelled(revocation.identity_key, "revocation", content, signature):
        raise AsError("revocation_signature", "the revocation's signature does not hold")
    return revocation


class Certified(Protocol):
    """What a certificate says of a device: a LeafIdentity does."""

    @property
    def account_id(self) -> bytes: ...
    @property
    def identity_key(self) -> bytes: ...
    @property
    def device_id(self) -> bytes: ...
    @property
    def certificate_serial(self) -> int: ...


def revokes(revocation: Revocation, certified: Certified) -> bool:
    """Whether a revocation voids a certificate. A newer identity key of the account has certified anew, so an
    older key revokes nothing of it.
    """
    return (
        revocation.account_id == certified.account_id
        and revocation.identity_key == certified.identity_key
        and revocation.device_id == certified.device_id
        and certified.certificate_serial <= revocation.serial
    )


def _allowed_lifetime(certificate: DeviceCertificate) -> bool:
    return 0 <= certificate.not_after - certificate.not_before <= MAX_CERTIFICATE_LIFETIME


def _write_certificate(writer: Writer, certificate: DeviceCertificate) -> None:
    writer.uint8(_VERSION)
    writer.raw(sized(certificate.deployment_id, ID_BYTES))
    writer.raw(sized(certificate.account_id, ID_BYTES))
    writer.raw(sized(certificate.identity_key, KEY_BYTES))
    writer.raw(sized(certificate.device_id, ID_BYTES))
    writer.raw(sized(certificate.leaf_key, KEY_BYTES))
    writer.uint32(certificate.serial)
    writer.uint64(certificate.not_before)
    writer.uint64(certificate.not_after)


def _read_certificate_content(reader: Reader) -> DeviceCertificate:
    read_version(reader, _VERSION)
    return DeviceCertificate(
        deployment_id=reader.raw(ID_BYTES),
        account_id=reader.raw(ID_BYTES),
        identity_key=reader.raw(KEY_BYTES),
        device_id=reader.raw(ID_BYTES),
        leaf_key=reader.raw(KEY_BYTES),
        serial=reader.uint32(),
        not_before=_read_time(reader),
        not_after=_read_time(reader),
    )


def _read_revocation_content(reader: Reader) -> Revocation:
    read_version(reader, _VERSION)
    return Revocation(
        account_id=reader.raw(ID_BYTES),
        identity_key=reader.raw(KEY_BYTES),
        device_id=reader.raw(ID_BYTES),
        serial=reader.uint32(),
    )


def _read_time(reader: Reader) -> int:
    time = reader.uint64()
    if time > _MAX_TIME:
        raise DecodeError("a time beyond 2^53")
    return time


def _read_signed(what: str, data: bytes, limit: int, read: Callable[[Reader], T]) -> tuple[T, bytes, bytes]:
    """A structure that ends in the signature over all that stands before it: value, content, signature."""

    def whole(reader: Reader) -> tuple[T, bytes, bytes]:
        value = read(reader)
        content = reader.since(0)
        return value, content, reader.raw(SIGNATURE_LENGTH)

    return decode_as(what, data, limit, whole)
