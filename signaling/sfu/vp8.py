"""The VP8 payload descriptor (RFC 7741 §4.2). It stands in the clear in front of the SFrame ciphertext.

So does the first byte of the frame itself, whose lowest bit says whether it is a key frame (RFC 6386 §9.1).
"""

from typing import Final

_EXTENDED: Final = 0x80
_START: Final = 0x10
_PARTITION: Final = 0x07
_PICTURE: Final = 0x80
_TL0: Final = 0x40
_TID_OR_KEY: Final = 0x30
_LONG: Final = 0x80

PICTURE_IDS: Final = 1 << 15
SHORT_PICTURE_IDS: Final = 1 << 7

Descriptor = tuple[bool, int, int, int, int]
"""(begins a key frame, flags, picture id, TL0PICIDX, where the rest begins).

`flags` are the first two bytes. The picture id is -1 where there is none, TL0PICIDX likewise. A picture id
of 7 bits is given as -2 less its value: it has to be counted on before it can stand among those of 15.
"""

NO_PICTURE: Final = -1
NO_TL0: Final = -1


def parse(packet: bytes, at: int, end: int) -> Descriptor | None:
    """Reads the descriptor at `at`; None when the bytes end within it."""
    if at + 1 > end:
        return None
    first = packet[at]
    # The first partition's first packet begins a frame, and that frame's first byte has P: 0 is a key frame.
    starts = first & _START and not first & _PARTITION
    if not first & _EXTENDED:
        if at + 2 > end:
            return None
        return (bool(starts) and not packet[at + 1] & 1, first << 8, NO_PICTURE, NO_TL0, at)
    if at + 2 > end:
        return None
    second = packet[at + 1]
    rest = at + 2
    picture, tl0 = NO_PICTURE, NO_TL0
    if second & _PICTURE:
        if rest + 2 > end:
            return None
        picture = packet[rest]
        if picture & _LONG:
            picture = (picture & 0x7F) << 8 | packet[rest + 1]
            rest += 2
        else:
            picture = -2 - picture
            rest += 1
    if second & _TL0:
        if rest + 1 > end:
            return None
        tl0 = packet[rest]
        rest += 1
    frame = rest + 1 if second & _TID_OR_KEY else rest
    if frame + 1 > end:
        return None
    if picture == NO_PICTURE:
        # Nothing to count: the descriptor goes out as it came.
        return (bool(starts) and not packet[frame] & 1, first << 8 | second, NO_PICTURE, NO_TL0, at)
    return (bool(starts) and not packet[frame] & 1, first << 8 | second, picture, tl0, rest)


def descriptor(
    *, start: bool, picture: int | None = None, tl0: int | None = None, tid: int | None = None
) -> bytes:
    """A descriptor from its parts, with a picture id of 15 bits."""
    first = _START if start else 0
    if picture is None and tl0 is None and tid is None:
        return bytes([first])
    second = (
        (0 if picture is None else _PICTURE) | (0 if tl0 is None else _TL0) | (0 if tid is None else 0x20)
    )
    out = bytes([first | _EXTENDED, second])
    if picture is not None:
        out += (0x8000 | picture % PICTURE_IDS).to_bytes(2, "big")
    if tl0 is not None:
        out += bytes([tl0 & 0xFF])
    if tid is not None:
        out += bytes([tid << 6])
    return out
