"""A KID of a call (E35), from the top: kind (2 bits) ‖ random (46) ‖ leaf (8) ‖ epoch mod 256 (8)."""

from enum import IntEnum
from typing import Final

from crypto.mls.bytes import Rng
from crypto.mls.errors import UsageError
from crypto.mls.kem import draw

_KIND_SHIFT: Final = 62
_RANDOM_SHIFT: Final = 16
_RANDOM_MASK: Final = (1 << 46) - 1
_MAX_LEAF: Final = 255


class Kind(IntEnum):
    AUDIO = 0
    CAMERA = 1
    SCREEN = 2
    SCREEN_AUDIO = 3


_KINDS: Final = tuple(Kind)


def draw_kid(kind: Kind, leaf: int, epoch: int, rng: Rng) -> int:
    """A KID that nobody has used: two draws of one leaf, kind and epoch meet with a chance of 1 in 2^46.

    Raises UsageError for a leaf beyond 8 bits.
    """
    if not 0 <= leaf <= _MAX_LEAF:
        raise UsageError("kid_leaf", f"leaf {leaf} does not fit into a KID")
    random = int.from_bytes(draw(rng, 6), "big") & _RANDOM_MASK
    return kind << _KIND_SHIFT | random << _RANDOM_SHIFT | leaf << 8 | low_byte(epoch)


def low_byte(epoch: int) -> int:
    """By which an epoch is found."""
    return epoch & 0xFF


def kind_of(kid: int) -> Kind:
    return _KINDS[kid >> _KIND_SHIFT]


def leaf_of(kid: int) -> int:
    return kid >> 8 & 0xFF


def epoch_byte_of(kid: int) -> int:
    return kid & 0xFF
