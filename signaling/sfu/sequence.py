"""Sequence numbers of 16 bits and timestamps of 32, told apart after they wrapped (RFC 3550 §A.1)."""


def nearest(number: int, to: int) -> int:
    """The whole number that ends in these 16 bits and is nearest to `to`."""
    return to + ((number - to + 0x8000) & 0xFFFF) - 0x8000


def ahead(timestamp: int, of: int) -> int:
    """How far one timestamp of 32 bits is ahead of another: negative where it is behind."""
    return ((timestamp - of + 0x80000000) & 0xFFFFFFFF) - 0x80000000
