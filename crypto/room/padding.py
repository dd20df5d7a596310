"""Sizes say less when there are few of them (E16)."""

from typing import Final

from crypto.mls.errors import UsageError
from crypto.room.errors import RoomDataError

_SMALLEST: Final = 256
# Up to here a bucket is twice the one before; beyond, steps of this size: a snapshot page is not worth
# doubling.
_LARGEST_DOUBLING: Final = 32 * 1024
_END: Final = b"\x80"


def padded_length(length: int) -> int:
    """The bucket that this many bytes go into."""
    if length > _LARGEST_DOUBLING:
        return -(-length // _LARGEST_DOUBLING) * _LARGEST_DOUBLING
    bucket = _SMALLEST
    while bucket < length:
        bucket *= 2
    return bucket


def pad_to(data: bytes, length: int) -> bytes:
    """The bytes, an end mark and zeros, in all `length` bytes (ISO/IEC 7816-4). Raises UsageError when they
    don't fit.
    """
    if len(data) >= length:
        raise UsageError("padding", "no room for the end mark")
    return (data + _END).ljust(length, b"\0")


def unpad(padded: bytes) -> bytes:
    """What `pad_to` was given. Raises RoomDataError."""
    content = padded.rstrip(b"\0")
    if not content.endswith(_END):
        raise RoomDataError("no end mark")
    return content[:-1]
