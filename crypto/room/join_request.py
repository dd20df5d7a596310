"""The request of whoever holds an invite link (E28).

What is signed, and later stands in the `grounds` of the Commit, holds no KeyPackage but its reference: the
Add beside it has the KeyPackage whole. On its way to the members both travel together, sealed under the
invite's seal key.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final, NamedTuple

from crypto.mls.aead import AES_256_GCM
from crypto.mls.bytes import Rng
from crypto.mls.errors import AeadError
from crypto.mls.kem import draw
from crypto.mls.key_package import KeyPackage, decode_key_package, key_package_ref, verify_key_package
from crypto.mls.suite import room_suite
from crypto.room.canonical import MAX_NUMBER, FieldReader, decode_canonical, encode_canonical
from crypto.room.errors import RoomDataError, RoomRuleError
from crypto.room.invites import InviteKeys
from crypto.room.padding import pad_to, padded_length, unpad
from crypto.room.room_context import HASH_LENGTH, ID_LENGTH, MAX_GROUND, OpenInvite
from crypto.room.signed_request import request_hash, request_is_signed, sign_request, split_request
from crypto.room.text import is_name

# The server's bound on sealed requests.
MAX_SEALED: Final = 64 * 1024
MAX_KEY_PACKAGE: Final = 16 * 1024


@dataclass(frozen=True, slots=True)
class JoinClaim:
    """What the holder of the link signs with the join key.

    Both identities: `inviter` as the link says, and `account`, who asks. `name` is what colleagues are to
    call them until they say otherwise. `not_after` (ms) is judged at the stamp.
    """

    room: bytes
    invite_id: bytes
    inviter: bytes
    account: bytes
    name: str
    key_package_ref: bytes
    not_after: int


@dataclass(frozen=True, slots=True)
class JoinRequest(JoinClaim):
    """`bytes` is as signed: what goes into `grounds`; `hash` is of that."""

    key_package: KeyPackage
    key_package_bytes: bytes
    hash: bytes
    bytes: bytes


class SealedRequest(NamedTuple):
    """What to post, the hash that the reply must name (E29), and the request as signed."""

    sealed: bytes
    hash: bytes
    bytes: bytes


def _encode_claim(claim: JoinClaim) -> bytes:
    return encode_canonical(
        {
            "room": claim.room,
            "invite": claim.invite_id,
            "inviter": claim.inviter,
            "account": claim.account,
            "name": claim.name,
            "key_package_ref": claim.key_package_ref,
            "not_after": claim.not_after,
        }
    )


def read_join_claim(data: bytes, join_key_of: Callable[[bytes], bytes | None]) -> JoinClaim:
    """The claim in signed bytes, its signature checked against the join key. Raises RoomDataError or
    RoomRuleError.
    """
    if len(data) > MAX_GROUND:
        raise RoomDataError("a join request is too long")
    signed = split_request(data)
    reader = FieldReader(decode_canonical(signed.content, MAX_GROUND), "join request")
    claim = JoinClaim(
        room=reader.octets("room", ID_LENGTH),
        invite_id=reader.octets("invite", ID_LENGTH),
        inviter=reader.octets("inviter", ID_LENGTH),
        account=reader.octets("account", ID_LENGTH),
        name=reader.text("name", is_name),
        key_package_ref=reader.octets("key_package_ref", HASH_LENGTH),
        not_after=reader.integer("not_after", 0, MAX_NUMBER),
    )
    reader.finish()
    join_key = join_key_of(claim.invite_id)
    # E30: an Add needs an open invite.
    if join_key is None:
        raise RoomRuleError("E30", "invite_unknown", "there is no such open invite")
    if not request_is_signed(join_key, "join", signed):
        raise RoomRuleError("E28", "join_signature", "not signed by the invite's join key")
    return claim


def seal_join_request(
    keys: InviteKeys,
    *,
    room: bytes,
    inviter: bytes,
    account: bytes,
    name: str,
    not_after: int,
    key_package: bytes,
    rng: Rng,
) -> SealedRequest:
    claim = JoinClaim(
        room=room,
        invite_id=keys.invite_id,
        inviter=inviter,
        account=account,
        name=name,
        key_package_ref=key_package_ref(room_suite, key_package),
        not_after=not_after,
    )
    data = sign_request(keys.join_key.private_key, "join", _encode_claim(claim))
    plaintext = encode_canonical({"request": data, "key_package": key_package})
    nonce = draw(rng, AES_256_GCM.nn)
    padded = pad_to(plaintext, padded_length(len(plaintext) + 1))
    # The nonce is 96 random bits, and few requests are ever sealed under one invite's key: a link is for one
    # person.
    ciphertext = AES_256_GCM.seal(keys.seal_key, nonce, room, padded)
    # The invite's id stands in front: members must find its key, and the server knows it by the token anyway.
    sealed = encode_canonical({"invite": keys.invite_id, "nonce": nonce, "ciphertext": ciphertext})
    return SealedRequest(sealed, request_hash(data), data)


def open_join_request(open_invites: Iterable[OpenInvite], room: bytes, sealed: bytes) -> JoinRequest | None:
    """A request that came for a room, opened with the open invite that it names and checked as far as one
    member can before a Commit: signature, names, KeyPackage. None when no open invite fits: it was withdrawn,
    used, or is void.

    Raises RoomDataError, RoomRuleError or MlsError.
    """
    outer = FieldReader(decode_canonical(sealed, MAX_SEALED), "sealed join request")
    invite_id = outer.octets("invite", ID_LENGTH)
    nonce = outer.octets("nonce", AES_256_GCM.nn)
    ciphertext = outer.octets("ciphertext", AES_256_GCM.nt, MAX_SEALED)
    outer.finish()
    invite = next((one for one in open_invites if one.id == invite_id), None)
    if invite is None:
        return None
    plaintext = unpad(_open_sealed(invite.seal_key, nonce, room, ciphertext))
    inner = FieldReader(decode_canonical(plaintext, MAX_SEALED), "join request")
    data = inner.octets("request", 1, MAX_GROUND)
    key_package_bytes = inner.octets("key_package", 1, MAX_KEY_PACKAGE)
    inner.finish()
    join_key = invite.join_key
    claim = read_join_claim(data, lambda _: join_key)
    if claim.invite_id != invite.id or claim.inviter != invite.inviter:
        raise RoomRuleError("E28", "join_invite", "the request names another invite or inviter")
    if claim.room != room:
        raise RoomRuleError("E28", "join_room", "the request is for another room")
    key_package = checked_key_package(key_package_bytes, claim.key_package_ref)
    return JoinRequest(
        room=claim.room,
        invite_id=claim.invite_id,
        inviter=claim.inviter,
        account=claim.account,
        name=claim.name,
        key_package_ref=claim.key_package_ref,
        not_after=claim.not_after,
        key_package=key_package,
        key_package_bytes=key_package_bytes,
        hash=request_hash(data),
        bytes=data,
    )


def checked_key_package(data: bytes, reference: bytes) -> KeyPackage:
    """The KeyPackage that a signed reference names, verified (RFC 9420 §10.1). Raises MlsError or
    RoomRuleError.
    """
    # THREATS 2: a server that swaps the KeyPackage cannot swap what was signed.
    if key_package_ref(room_suite, data) != reference:
        raise RoomRuleError("E28", "key_package_ref", "another KeyPackage than the one that was signed")
    key_package = decode_key_package(data)
    verify_key_package(room_suite, key_package)
    return key_package


def _open_sealed(key: bytes, nonce: bytes, room: bytes, ciphertext: bytes) -> bytes:
    try:
        return AES_256_GCM.open(key, nonce, room, ciphertext)
    except AeadError as cause:
        raise RoomRuleError("E28", "join_seal", "not sealed with the invite's key for this room") from cause
