"""What a datagram is, by its first bytes (RFC 7983 §7, RFC 5761 §4)."""

from enum import IntEnum


class Plane(IntEnum):
    OTHER = 0
    STUN = 1
    DTLS = 2
    RTP = 3
    RTCP = 4


MIN_RTP = 12  # RFC 3550 §5.1
MIN_RTCP = 8
_FIRST = [
    Plane.STUN
    if byte < 4
    else Plane.DTLS
    if 20 <= byte < 64
    else Plane.RTP
    if 128 <= byte < 192
    else Plane.OTHER
    for byte in range(256)
]


def plane_of(data: bytes) -> Plane:
    """Any bytes have one."""
    if len(data) < MIN_RTCP:
        return Plane.OTHER
    plane = _FIRST[data[0]]
    if plane is not Plane.RTP:
        return plane
    # RFC 5761 §4: the payload types 64 to 95 are left to RTCP, whose types they are without the first bit.
    if 64 <= data[1] & 0x7F < 96:
        return Plane.RTCP
    return Plane.RTP if len(data) >= MIN_RTP else Plane.OTHER
