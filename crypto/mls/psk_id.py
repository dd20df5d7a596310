"""The names of pre-shared keys (RFC 9420 §8.4)."""

from dataclasses import dataclass
from typing import Literal, TypeGuard

from crypto.mls.codec import Reader, Writer, decode, encode
from crypto.mls.errors import DecodeError

ResumptionUsage = Literal["application", "reinit", "branch"]


@dataclass(frozen=True, slots=True)
class ExternalPskId:
    id: bytes
    nonce: bytes


@dataclass(frozen=True, slots=True)
class ResumptionPskId:
    usage: ResumptionUsage
    group_id: bytes
    epoch: int
    nonce: bytes


PreSharedKeyId = ExternalPskId | ResumptionPskId

_PSK_EXTERNAL = 1
_PSK_RESUMPTION = 2
_USAGES: dict[int, ResumptionUsage] = {1: "application", 2: "reinit", 3: "branch"}
_USAGE_NUMBERS = {usage: number for number, usage in _USAGES.items()}


def write_pre_shared_key_id(writer: Writer, psk: PreSharedKeyId) -> None:
    match psk:
        case ExternalPskId():
            writer.uint8(_PSK_EXTERNAL).opaque(psk.id)
        case ResumptionPskId():
            writer.uint8(_PSK_RESUMPTION).uint8(_USAGE_NUMBERS[psk.usage])
            writer.opaque(psk.group_id).uint64(psk.epoch)
    writer.opaque(psk.nonce)


def read_pre_shared_key_id(reader: Reader) -> PreSharedKeyId:
    kind = reader.uint8()
    if kind == _PSK_EXTERNAL:
        return ExternalPskId(reader.opaque(), reader.opaque())
    if kind != _PSK_RESUMPTION:
        raise DecodeError(f"a pre-shared key of the unknown type {kind}")
    usage = _USAGES.get(reader.uint8())
    if usage is None:
        raise DecodeError("a resumption PSK of an unknown usage")
    return ResumptionPskId(usage, reader.opaque(), reader.uint64(), reader.opaque())


def encode_pre_shared_key_id(psk: PreSharedKeyId) -> bytes:
    return encode(lambda writer: write_pre_shared_key_id(writer, psk))


def decode_pre_shared_key_id(data: bytes) -> PreSharedKeyId:
    """Raises DecodeError."""
    return decode(data, read_pre_shared_key_id)


def begins_group(psk: PreSharedKeyId) -> TypeGuard[ResumptionPskId]:
    """Whether it is for a ReInit or a branch (RFC 9420 §11.2, §11.3)."""
    return isinstance(psk, ResumptionPskId) and psk.usage != "application"
