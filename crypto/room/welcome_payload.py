"""What travels with a Welcome, and how a newcomer knows that a member made it (E25, E29)."""

from dataclasses import dataclass
from typing import Final

from crypto.mls.bytes import equal
from crypto.mls.codec import encode
from crypto.mls.kdf import HKDF_SHA384
from crypto.room.canonical import FieldReader, decode_canonical, encode_canonical
from crypto.room.errors import RoomDataError
from crypto.room.room_context import HASH_LENGTH, ID_LENGTH

MAX_WELCOME: Final = 2 * 1024 * 1024  # E26
_LABEL: Final = b"Collegium 1.0 welcome"


@dataclass(frozen=True, slots=True)
class WelcomeClaim:
    """`epoch` is the one that the Welcome opens, like all that follows. `group_context_hash` is SHA-384 of
    the encoded GroupContext.
    """

    request_hash: bytes
    group_id: bytes
    epoch: int
    group_context_hash: bytes
    confirmation_tag: bytes
    adder_leaf: int


def welcome_reply(welcome_key: bytes, claim: WelcomeClaim) -> bytes:
    """HMAC-SHA-384 under the invite's welcome key, which the server does not have (E29)."""
    content = encode(
        lambda writer: (
            writer.opaque(_LABEL)
            .opaque(claim.request_hash)
            .opaque(claim.group_id)
            .uint64(claim.epoch)
            .opaque(claim.group_context_hash)
            .opaque(claim.confirmation_tag)
            .uint32(claim.adder_leaf)
        )
    )
    return HKDF_SHA384.mac(welcome_key, content)


def welcome_reply_is_valid(welcome_key: bytes, claim: WelcomeClaim, mac: bytes) -> bool:
    return equal(welcome_reply(welcome_key, claim), mac)


@dataclass(frozen=True, slots=True)
class WelcomePayload:
    """`welcome` is an MLSMessage. Invite and reply are of a newcomer by invite; a device that rejoins has its
    pins instead, and both are None.
    """

    welcome: bytes
    invite_id: bytes | None
    mac: bytes | None


def encode_welcome_payload(payload: WelcomePayload) -> bytes:
    return encode_canonical({"welcome": payload.welcome, "invite": payload.invite_id, "mac": payload.mac})


def decode_welcome_payload(data: bytes) -> WelcomePayload:
    """Raises RoomDataError."""
    reader = FieldReader(decode_canonical(data, MAX_WELCOME), "welcome")
    payload = WelcomePayload(
        welcome=reader.octets("welcome", 1, MAX_WELCOME),
        invite_id=reader.optional_octets("invite", ID_LENGTH),
        mac=reader.optional_octets("mac", HASH_LENGTH),
    )
    reader.finish()
    if (payload.invite_id is None) != (payload.mac is None):
        raise RoomDataError("a reply without its invite, or an invite without its reply")
    return payload
