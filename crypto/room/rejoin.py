"""Rejoin requests (E22): a device that lost its state, or is new in the hands of somebody who was recovered
by code.

They are signed, not sealed: such a device has no key of the room any more, so what it posts as `sealed` can
be read by the server. It tells what a KeyPackage tells: account, public keys, device (PROTOCOL.md §5). Nobody
but the holder of the identity key can make one, and only a member can answer it.
"""

from dataclasses import dataclass
from typing import Final, NamedTuple

from crypto.identity.auth_service import identify_leaf
from crypto.identity.credential import LeafIdentity
from crypto.mls.bytes import Rng
from crypto.mls.credential import BasicCredential
from crypto.mls.kem import draw
from crypto.mls.key_package import KeyPackage, key_package_ref
from crypto.mls.suite import room_suite
from crypto.room.canonical import MAX_NUMBER, FieldReader, decode_canonical, encode_canonical
from crypto.room.errors import RoomDataError, RoomRuleError
from crypto.room.join_request import MAX_KEY_PACKAGE, MAX_SEALED, SealedRequest, checked_key_package
from crypto.room.room_context import HASH_LENGTH, ID_LENGTH, MAX_GROUND, MAX_LEAVES
from crypto.room.signed_request import (
    SignedRequest,
    request_hash,
    request_is_signed,
    sign_request,
    split_request,
)

_NONCE_LENGTH: Final = 16


@dataclass(frozen=True, slots=True)
class RejoinClaim:
    """What the identity key signs. `old_leaf`: the leaf that the device had, where it knows. `epoch`: the
    last one that it was in; 0 when it knows none.
    """

    room: bytes
    device: bytes
    old_leaf: int | None
    key_package_ref: bytes
    epoch: int
    nonce: bytes


@dataclass(frozen=True, slots=True)
class RejoinRequest(RejoinClaim):
    """`identity` is of the KeyPackage; its identity key signed the request. `bytes` is as signed: what goes
    into `grounds`; `hash` is of that.
    """

    identity: LeafIdentity
    key_package: KeyPackage
    key_package_bytes: bytes
    hash: bytes
    bytes: bytes


def sign_rejoin_request(
    identity_private_key: bytes,
    *,
    room: bytes,
    device: bytes,
    old_leaf: int | None,
    epoch: int,
    key_package: bytes,
    rng: Rng,
) -> SealedRequest:
    """What to post.

    The KeyPackage's certificate must have a higher serial than the leaf that it replaces, so that no request
    can be used a second time.
    """
    content = encode_canonical(
        {
            "room": room,
            "device": device,
            "old_leaf": old_leaf,
            "key_package_ref": key_package_ref(room_suite, key_package),
            "epoch": epoch,
            "nonce": draw(rng, _NONCE_LENGTH),
        }
    )
    data = sign_request(identity_private_key, "rejoin", content)
    sealed = encode_canonical({"request": data, "key_package": key_package})
    return SealedRequest(sealed, request_hash(data), data)


class SignedRejoin(NamedTuple):
    claim: RejoinClaim
    signed: SignedRequest


def read_rejoin_claim(data: bytes) -> SignedRejoin:
    """The claim in signed bytes; its signature is checked by `check_rejoin`. Raises RoomDataError."""
    if len(data) > MAX_GROUND:
        raise RoomDataError("a rejoin request is too long")
    signed = split_request(data)
    reader = FieldReader(decode_canonical(signed.content, MAX_GROUND), "rejoin request")
    claim = RejoinClaim(
        room=reader.octets("room", ID_LENGTH),
        device=reader.octets("device", ID_LENGTH),
        old_leaf=reader.integer("old_leaf", 0, MAX_LEAVES - 1) if reader.has("old_leaf") else None,
        key_package_ref=reader.octets("key_package_ref", HASH_LENGTH),
        epoch=reader.integer("epoch", 0, MAX_NUMBER),
        nonce=reader.octets("nonce", _NONCE_LENGTH),
    )
    reader.finish()
    return SignedRejoin(claim, signed)


def check_rejoin(request: SignedRejoin, room: bytes, identity: LeafIdentity) -> None:
    """E22: by the identity key of the leaf that it asks for, and for that device in this room. Raises
    RoomRuleError.
    """
    if not request_is_signed(identity.identity_key, "rejoin", request.signed):
        raise RoomRuleError("E22", "rejoin_signature", "not signed by the identity key of its KeyPackage")
    if request.claim.room != room:
        raise RoomRuleError("E22", "rejoin_room", "the request is for another room")
    if request.claim.device != identity.device_id:
        raise RoomRuleError("E22", "rejoin_device", "the request is for another device than its KeyPackage")


def open_rejoin_request(room: bytes, sealed: bytes) -> RejoinRequest:
    """A request that came for a room, checked as far as one member can before a Commit.

    Raises RoomDataError, RoomRuleError or MlsError.
    """
    reader = FieldReader(decode_canonical(sealed, MAX_SEALED), "rejoin")
    data = reader.octets("request", 1, MAX_GROUND)
    key_package_bytes = reader.octets("key_package", 1, MAX_KEY_PACKAGE)
    reader.finish()
    signed = read_rejoin_claim(data)
    key_package = checked_key_package(key_package_bytes, signed.claim.key_package_ref)
    credential = key_package.leaf_node.credential
    if not isinstance(credential, BasicCredential):
        raise RoomRuleError("E13", "credential_type", "not a basic credential")
    identity = identify_leaf(credential.identity, key_package.leaf_node.signature_key)
    check_rejoin(signed, room, identity)
    claim = signed.claim
    return RejoinRequest(
        room=claim.room,
        device=claim.device,
        old_leaf=claim.old_leaf,
        key_package_ref=claim.key_package_ref,
        epoch=claim.epoch,
        nonce=claim.nonce,
        identity=identity,
        key_package=key_package,
        key_package_bytes=key_package_bytes,
        hash=request_hash(data),
        bytes=data,
    )
