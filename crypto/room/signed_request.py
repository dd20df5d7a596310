"""A signed structure that travels whole: what it says, and the signature over exactly those bytes (E5)."""

from hashlib import sha384
from typing import NamedTuple

from crypto.identity.signed import Label, sign_labelled, verify_labelled
from crypto.mls.ed25519 import SIGNATURE_LENGTH
from crypto.room.errors import RoomDataError


def sign_request(private_key: bytes, label: Label, content: bytes) -> bytes:
    """`content ‖ signature`."""
    return content + sign_labelled(private_key, label, content)


class SignedRequest(NamedTuple):
    content: bytes
    signature: bytes


def split_request(data: bytes) -> SignedRequest:
    """Its two parts; nothing is verified yet. Raises RoomDataError."""
    if len(data) <= SIGNATURE_LENGTH:
        raise RoomDataError("a request without content")
    return SignedRequest(data[:-SIGNATURE_LENGTH], data[-SIGNATURE_LENGTH:])


def request_is_signed(public_key: bytes, label: Label, request: SignedRequest) -> bool:
    return verify_labelled(public_key, label, request.content, request.signature)


def request_hash(data: bytes) -> bytes:
    return sha384(data).digest()
