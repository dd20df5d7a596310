"""Invites (E27, E28): the link and its secret.

Whoever holds the link can ask to be let in; only members, who have the open invite in their GroupContext, can
read what is asked, and answer so that the asker knows it was they.
"""

import base64
import re
from dataclasses import dataclass, field
from typing import Final, NamedTuple, TypeAlias

from crypto.mls import ed25519
from crypto.mls.bytes import Rng
from crypto.mls.kdf import HKDF_SHA384
from crypto.mls.kem import KeyPair, draw
from crypto.room.errors import LinkError
from crypto.room.room_context import ID_LENGTH, KEY_LENGTH, OpenInvite

INVITE_LIFETIME: Final = 72 * 3_600_000  # E28: milliseconds

_FRAGMENT_VERSION: Final = 1
_SECRET_LENGTH: Final = 16
_TOKEN_LENGTH: Final = 32
_BASE64URL = re.compile("[A-Za-z0-9_-]*")


@dataclass(frozen=True, slots=True)
class Fragment:
    """What the link holds behind its token; no server is sent it. `inviter` is the first 16 bytes of the hash
    of the inviter's first root key, which is its account id (E6).
    """

    secret: bytes = field(repr=False)
    inviter: bytes


@dataclass(frozen=True, slots=True)
class InviteKeys:
    invite_id: bytes
    join_key: KeyPair
    welcome_key: bytes = field(repr=False)
    seal_key: bytes = field(repr=False)


def keys_of(secret: bytes) -> InviteKeys:
    """E27: everything that an invite has comes from its secret."""
    prk = HKDF_SHA384.extract(b"", secret)

    def derive(what: str, length: int) -> bytes:
        return HKDF_SHA384.expand(prk, f"Collegium 1.0 invite {what}".encode(), length)

    private_key = derive("join", KEY_LENGTH)
    return InviteKeys(
        invite_id=derive("id", ID_LENGTH),
        join_key=KeyPair(private_key, ed25519.public_key(private_key)),
        welcome_key=derive("welcome", KEY_LENGTH),
        seal_key=derive("seal", KEY_LENGTH),
    )


class NewInvite(NamedTuple):
    """The fragment for the link, and what its inviter commits."""

    fragment: Fragment
    open: OpenInvite


def new_invite(rng: Rng, inviter: bytes, now: int) -> NewInvite:
    """`now` is the corrected clock (ms)."""
    secret = draw(rng, _SECRET_LENGTH)
    keys = keys_of(secret)
    opened = OpenInvite(
        id=keys.invite_id,
        inviter=inviter,
        join_key=keys.join_key.public_key,
        welcome_key=keys.welcome_key,
        seal_key=keys.seal_key,
        role="member",
        not_after=now + INVITE_LIFETIME,
    )
    return NewInvite(Fragment(secret, inviter), opened)


# Links


def encode_fragment(fragment: Fragment) -> str:
    return _to_base64url(bytes((_FRAGMENT_VERSION,)) + fragment.secret + fragment.inviter)


def parse_fragment(text: str) -> Fragment:
    """Raises LinkError."""
    data = _decode_text(text, 1 + _SECRET_LENGTH + ID_LENGTH)
    if data[0] != _FRAGMENT_VERSION:
        raise LinkError("link_version", "a link of another version")
    return Fragment(data[1 : 1 + _SECRET_LENGTH], data[1 + _SECRET_LENGTH :])


@dataclass(frozen=True, slots=True)
class FounderLink:
    """`token` is the base64url of 32 bytes."""

    token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class InviteLink:
    token: str = field(repr=False)
    fragment: Fragment


# The text behind `#` of a link.
Link: TypeAlias = FounderLink | InviteLink


def encode_link(link: Link) -> str:
    match link:
        case FounderLink(token):
            return f"f.{token}"
        case InviteLink(token, fragment):
            return f"{token}.{encode_fragment(fragment)}"


def parse_link(text: str) -> Link:
    """`f.TOKEN` of a founder, `TOKEN.FRAGMENT` of an invite. Raises LinkError for one that was cut or
    mistyped.
    """
    match text.split("."):
        case ["f", token]:
            return FounderLink(_check_token(token))
        case [token, fragment]:
            return InviteLink(_check_token(token), parse_fragment(fragment))
        case _:
            raise LinkError("link_incomplete", "not two parts")


def _check_token(text: str) -> str:
    _decode_text(text, _TOKEN_LENGTH)
    return text


def _to_base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _decode_text(text: str, length: int) -> bytes:
    # The length first: base64 takes four letters for three bytes.
    if len(text) != -(-4 * length // 3) or _BASE64URL.fullmatch(text) is None:
        raise LinkError("link_incomplete", f"not the base64url of {length} bytes")
    data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    # Two spellings of the same bytes would make two names for one thing.
    if _to_base64url(data) != text:
        raise LinkError("link_incomplete", "not canonical base64url")
    return data
