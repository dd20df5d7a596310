"""Random bytes that a seed decides: SHAKE256 of the seed and of how many were drawn before, the same each
run.
"""

from hashlib import shake_256

from crypto.mls.bytes import Rng


def seeded_rng(seed: str) -> Rng:
    drawn = 0

    def rng(length: int) -> bytes:
        nonlocal drawn
        drawn += 1
        return shake_256(f"{drawn} {seed}".encode()).digest(length)

    return rng


def draw_below(rng: Rng, limit: int) -> int:
    """A whole number from 0 up to, but without, `limit`."""
    return int.from_bytes(rng(4), "big") % limit
