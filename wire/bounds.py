"""Bounds on everything that crosses the network, and the types that carry them. Every input has one."""

import base64
import binascii
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    WithJsonSchema,
)

ID_BYTES = 16
KEY_BYTES = 32
SIGNATURE_BYTES = 64
SECRET_BYTES = 32  # tokens, challenges, sessions, tickets, grants
LIST_HASH_BYTES = 16
LOG_HASH_BYTES = 48

# Numbers travel to JavaScript, whose integers are exact up to here.
MAX_NUMBER = 2**53 - 1

MAX_DEPTH = 32  # THREATS 41
MAX_LEAVES = 256  # E13
MAX_COMMIT = 1024 * 1024  # E26
MAX_WELCOME = 2 * 1024 * 1024  # E26
MAX_ADDS = 32  # E26: so at most as many Welcomes in one Commit
MAX_SEALED = 64 * 1024
MAX_EPHEMERAL = 2 * 1024
MAX_ROOMS = 1024  # of one device
MAX_ANSWERED = 64
MAX_FETCH = 1000
MAX_GAP_ENTRIES = 1000
MAX_CODE = 40
MAX_TEXT = 300
MAX_PASSKEYS = 8
REF_BYTES = (32, 48)  # of a KeyPackage: as long as the suite's hash
MAX_KEY_PACKAGE = 8 * 1024  # one of suite 0xFC02 has 3 to 5 KiB
MAX_KEY_PACKAGES = 100  # of one device, beside the one of last resort; as many in one call
MAX_CLAIM = MAX_ADDS  # nobody adds more in one Commit
MAX_SDP = 64 * 1024  # characters
MAX_SECTIONS = 64  # of one SDP
MAX_SEATS = 16  # in one call
MAX_MID = 3
MAX_PUSH_ENDPOINT = 1024
MAX_TURN_URLS = 8
POINT_BYTES = 65  # of P-256, uncompressed

# One WebSocket message from a client: a Commit, its Welcomes for all its Adds in practice, and the frame
# around them.
MAX_CLIENT_MESSAGE = 8 * 1024 * 1024
MAX_SERVER_MESSAGE = 8 * 1024 * 1024
MAX_FRAMES = 1024  # in one WebSocket message


class Strict(BaseModel):
    """What all models share: no coercion, no unknown fields, no change after it was checked."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


Id = Annotated[bytes, Field(min_length=ID_BYTES, max_length=ID_BYTES)]
ListHash = Annotated[bytes, Field(min_length=LIST_HASH_BYTES, max_length=LIST_HASH_BYTES)]
LogHash = Annotated[bytes, Field(min_length=LOG_HASH_BYTES, max_length=LOG_HASH_BYTES)]
Number = Annotated[int, Field(ge=0, le=MAX_NUMBER)]
Position = Annotated[int, Field(ge=1, le=MAX_NUMBER)]  # in a log
Code = Annotated[str, Field(min_length=1, max_length=MAX_CODE)]
Text = Annotated[str, Field(max_length=MAX_TEXT)]


def to_base64url(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def from_base64url(value: str) -> bytes:
    """Exactly the unpadded form: one text for one byte string. Raises ValueError."""
    if not value.isascii() or "=" in value or "+" in value or "/" in value:
        raise ValueError("not unpadded base64url")
    try:
        out = base64.b64decode(value + "=" * (-len(value) % 4), altchars=b"-_", validate=True)
    except binascii.Error as error:
        raise ValueError("not unpadded base64url") from error
    if to_base64url(out) != value:
        raise ValueError("not canonical base64url")
    return out


def _decoded(value: Any) -> Any:
    return from_base64url(value) if isinstance(value, str) else value


def _as_a_hash(value: bytes) -> bytes:
    if len(value) not in REF_BYTES:
        raise ValueError("not as long as a hash of a cipher suite")
    return value


# Bytes that travel in JSON as unpadded base64url. (Written out: a type checker follows no function here.)
JsonId = Annotated[
    bytes,
    Field(min_length=ID_BYTES, max_length=ID_BYTES),
    BeforeValidator(_decoded),
    PlainSerializer(to_base64url, when_used="json"),
    WithJsonSchema({"type": "string", "format": "base64url"}),
]
JsonKey = Annotated[
    bytes,
    Field(min_length=KEY_BYTES, max_length=KEY_BYTES),
    BeforeValidator(_decoded),
    PlainSerializer(to_base64url, when_used="json"),
    WithJsonSchema({"type": "string", "format": "base64url"}),
]
JsonSecret = Annotated[
    bytes,
    Field(min_length=SECRET_BYTES, max_length=SECRET_BYTES),
    BeforeValidator(_decoded),
    PlainSerializer(to_base64url, when_used="json"),
    WithJsonSchema({"type": "string", "format": "base64url"}),
]
JsonSignature = Annotated[
    bytes,
    Field(min_length=SIGNATURE_BYTES, max_length=SIGNATURE_BYTES),
    BeforeValidator(_decoded),
    PlainSerializer(to_base64url, when_used="json"),
    WithJsonSchema({"type": "string", "format": "base64url"}),
]
JsonSealed = Annotated[
    bytes,
    Field(min_length=1, max_length=MAX_SEALED),
    BeforeValidator(_decoded),
    PlainSerializer(to_base64url, when_used="json"),
    WithJsonSchema({"type": "string", "format": "base64url"}),
]
JsonRef = Annotated[
    bytes,
    Field(min_length=REF_BYTES[0], max_length=REF_BYTES[1]),
    BeforeValidator(_decoded),
    AfterValidator(_as_a_hash),
    PlainSerializer(to_base64url, when_used="json"),
    WithJsonSchema({"type": "string", "format": "base64url"}),
]
JsonKeyPackage = Annotated[
    bytes,
    Field(min_length=1, max_length=MAX_KEY_PACKAGE),
    BeforeValidator(_decoded),
    PlainSerializer(to_base64url, when_used="json"),
    WithJsonSchema({"type": "string", "format": "base64url"}),
]
JsonPoint = Annotated[
    bytes,
    Field(min_length=POINT_BYTES, max_length=POINT_BYTES),
    BeforeValidator(_decoded),
    PlainSerializer(to_base64url, when_used="json"),
    WithJsonSchema({"type": "string", "format": "base64url"}),
]
