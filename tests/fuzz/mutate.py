"""Bytes changed at random: as if by a fault, or by somebody who knows how lengths are written."""

from crypto.mls.bytes import Rng
from tests.crypto.seeded_rng import draw_below

LENGTHS = (
    b"\x00",
    b"\x01",
    b"\x3f",
    b"\x40\x40",
    b"\x7f\xff",
    b"\x80\x00\x40\x00",
    b"\xbf\xff\xff\xff",
    b"\xc0",
)
"""Headers of vectors: short, at the bounds of a form, longer than anything, and one that is none."""


def mutated(rng: Rng, data: bytes, other: bytes) -> bytes:
    """One to four changes. `other` is something else that was well-formed."""
    for _ in range(1 + draw_below(rng, 4)):
        data = _changed(rng, data, other)
    return data


def _changed(rng: Rng, data: bytes, other: bytes) -> bytes:
    at = draw_below(rng, len(data) + 1)
    match draw_below(rng, 8):
        case 0:
            return (
                data[:at] + bytes([data[at] ^ (1 << draw_below(rng, 8))]) + data[at + 1 :]
                if data[at:]
                else data
            )
        case 1:
            return data[:at]
        case 2:
            return data[:at] + data[at + 1 + draw_below(rng, 40) :]
        case 3:
            return data[:at] + rng(1 + draw_below(rng, 8)) + data[at:]
        case 4:
            put = LENGTHS[draw_below(rng, len(LENGTHS))]
            return data[:at] + put + data[at + (1 if draw_below(rng, 2) else len(put)) :]
        case 5:
            start = draw_below(rng, len(other) + 1)
            return data[:at] + other[start : start + 1 + draw_below(rng, 64)] + data[at:]
        case 6:
            end = min(len(data), at + 1 + draw_below(rng, 64))
            return data[:end] + data[at:end] + data[end:]
        case _:
            return data[:at] + rng(min(len(data) - at, 1 + draw_below(rng, 4))) + data[at + 4 :]
