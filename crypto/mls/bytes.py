"""Byte strings: the few operations that every other module needs. No I/O, no state.

Secrets are `bytes` too, which cannot be overwritten: what ends their life is that nothing refers to them
any more (SECURITY.md says what that is worth).
"""

from collections.abc import Callable
from hmac import compare_digest

Rng = Callable[[int], bytes]
"""A source of random bytes; an argument everywhere, so that tests can fix it."""


def equal(a: bytes, b: bytes) -> bool:
    """Whether two byte strings are equal, in time that depends on their lengths alone."""
    return compare_digest(a, b)


def u32(value: int) -> bytes:
    """A big-endian unsigned integer of four bytes."""
    return value.to_bytes(4, "big")


def u64(value: int) -> bytes:
    """A big-endian unsigned integer of eight bytes."""
    return value.to_bytes(8, "big")
