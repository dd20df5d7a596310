"""GREASE (RFC 9420 §13.5): values that mean nothing, sent so that nobody comes to depend on their absence."""

from crypto.mls.bytes import Rng
from crypto.mls.kem import draw

GREASE_VALUES = tuple(range(0x0A0A, 0xEAEB, 0x1010))
"""The same in every registry: 0x0A0A, 0x1A1A, … 0xEAEA.

They are sent, and never looked for when receiving.
"""


def draw_grease(rng: Rng) -> int:
    """One of the values. Some come a little more often than others: nothing depends on which."""
    return GREASE_VALUES[draw(rng, 1)[0] % len(GREASE_VALUES)]
