"""Random bytes that a seed decides: SHAKE256 of it, read on and on, as web/tests/mls/seededRng.ts does."""

from hashlib import shake_256

from crypto.mls.bytes import Rng

_FIRST = 1 << 14


def seeded_rng(seed: str) -> Rng:
    hashed = shake_256(seed.encode())
    stream = hashed.digest(_FIRST)
    at = 0

    def rng(length: int) -> bytes:
        nonlocal stream, at
        at += length
        # The library reads from the start alone: twice as much each time.
        while at > len(stream):
            stream = hashed.digest(2 * len(stream))
        return stream[at - length : at]

    return rng


def draw_below(rng: Rng, limit: int) -> int:
    """A whole number from 0 up to, but without, `limit`."""
    return int.from_bytes(rng(4), "big") % limit
