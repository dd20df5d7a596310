"""What HPKE and MLS need of a key encapsulation mechanism (RFC 9180 §4)."""

from collections.abc import Callable
from dataclasses import dataclass, field

from crypto.mls.bytes import Rng
from crypto.mls.errors import BadKeyError, UsageError


@dataclass(frozen=True, slots=True)
class KeyPair:
    private_key: bytes = field(repr=False)
    public_key: bytes


@dataclass(frozen=True, slots=True)
class Encapsulated:
    shared_secret: bytes = field(repr=False)
    kem_output: bytes


@dataclass(frozen=True, slots=True, eq=False)
class Kem:
    id: int
    public_key_length: int
    private_key_length: int
    kem_output_length: int
    random_length: int
    """How many fresh random bytes one encapsulation takes."""
    derive_key_pair: Callable[[bytes], KeyPair]
    check_public_key: Callable[[bytes], None]
    """Whether anybody can encapsulate to it. Raises BadKeyError."""
    encapsulate: Callable[[bytes, bytes], Encapsulated]
    """From a public key and randomness. Raises BadKeyError when the public key is not one."""
    decapsulate: Callable[[bytes, bytes], bytes]
    """From a KEM output and a private key. Raises BadKeyError when the KEM output is not one."""


def draw(rng: Rng, length: int) -> bytes:
    """Random bytes, and as many as were asked for: a short answer would make a guessable key."""
    out = rng(length)
    if len(out) != length:
        raise UsageError("rng", f"the random source gave {len(out)} of {length} bytes")
    return out


def require_key_length(what: str, key: bytes, length: int) -> None:
    """Raises BadKeyError."""
    if len(key) != length:
        raise BadKeyError(f"{what} of {len(key)} bytes, not {length}")
