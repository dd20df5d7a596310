"""RTP packets (RFC 3550 §5.1) and their header extensions (RFC 8285): where things stand, how one is built.

Browsers repeat the arrangement of a packet's header for as long as they can, so what was found in one packet
of a stream is kept as a `Shape`, and the next packet is only compared with it.
"""

from struct import Struct
from typing import Final

from signaling.sfu.extensions import AUDIO_LEVEL, MID, REPAIRED_RID, RID, TRANSPORT_WIDE_CC

MAX_PACKET: Final = 1500
"""What is longer came through no Ethernet."""

MAX_PAYLOAD: Final = 1270
"""With a header of ours and what a retransmission adds, it is as long as a packet that `srtp` seals."""

HEADER: Final = 12
VERSION_2: Final = 0x80
_PADDED: Final = 0x20
_EXTENDED: Final = 0x10

ONE_BYTE: Final = 0xBEDE
"""RFC 8285 §4.2."""
_TWO_BYTE: Final = 0x1000
"""RFC 8285 §4.3; the four bits below it are the application's."""

MARKER: Final = 0x80

read_fixed: Final = Struct(">BBHII").unpack_from
"""(first byte, marker and payload type, sequence number, timestamp, SSRC)"""
_read_word: Final = Struct(">HH").unpack_from

WIDE_ID: Final = TRANSPORT_WIDE_CC << 4 | 1
"""The byte in front of a transport-wide sequence number: id, and its length less one."""
LEVEL_ID: Final = AUDIO_LEVEL << 4

FIRST: Final = VERSION_2 | _EXTENDED
"""The first byte of what leaves: no padding, one extension block, no contributing sources."""

# What leaves has a transport-wide number of its receiver and, in audio, the level. Never the MID of the
# sender: it names a section of the sender's connection. The arguments are as few as they can be, because each
# of them costs once for each receiver:
#   FIRST << 8 | marker and type, sequence, timestamp, SSRC << 32 | block, WIDE << 24 | number << 8, …
pack_video: Final = Struct(">HHIQI").pack
pack_audio: Final = Struct(">HHIQIHxx").pack
"""And the level, with its mark."""
pack_pictured: Final = Struct(">HHIQIHH").pack
"""And the first four bytes of a VP8 payload descriptor: two bytes of flags, the picture id."""
pack_layered: Final = Struct(">HHIQIHHB").pack
"""And TL0PICIDX."""
pack_repair: Final = Struct(">HHIQIH").pack
"""And the original sequence number (RFC 4588 §4)."""
OUT: Final = FIRST << 8
OUT_PADDED: Final = (FIRST | _PADDED) << 8
PADDING: Final = bytes(254) + b"\xff"
"""As much as a packet can have (RFC 3550 §5.1)."""
WIDE: Final = WIDE_ID << 24
LEVEL: Final = LEVEL_ID << 8
VIDEO_BLOCK: Final = ONE_BYTE << 16 | 1
AUDIO_BLOCK: Final = ONE_BYTE << 16 | 2
OVERHEAD: Final = 20
"""Bytes of what leaves in front of a payload, without the level."""
PADDING_PACKET: Final = OVERHEAD + len(PADDING)


class Shape:
    """How the header of a packet is arranged: positions in bytes, 0 where a part is missing."""

    __slots__ = ("block", "end", "first", "level", "names", "padding", "payload", "wide")

    def __init__(self) -> None:
        self.first = 0
        self.block = b""
        """The four bytes in front of the extensions."""
        self.wide = 0
        self.level = 0
        self.payload = 0
        self.end = 0
        self.padding = 0
        """How many bytes at the end are padding: then the shape is that of one packet alone."""
        self.names: tuple[tuple[int, int, int], ...] = ()
        """(id, start, end) of what says where the packet belongs."""

    def fits(self, packet: bytes) -> bool:
        """Whether another packet has this arrangement.

        Only the marks in front of what is read are compared. Who contrives other extensions around equal
        marks changes what is read of its own packets, nothing else.
        """
        return (
            len(packet) >= self.payload
            and packet[0] == self.first
            and packet[12:16] == self.block
            and (not self.wide or packet[self.wide - 1] == WIDE_ID)
            and (not self.level or packet[self.level - 1] == LEVEL_ID)
        )

    @property
    def reusable(self) -> bool:
        return not self.padding and self.block != b""

    def name(self, packet: bytes, of: int) -> str | None:
        """MID, RID or repaired RID as text, None where it is not there or not ASCII."""
        for found, start, end in self.names:
            if found == of and packet[start:end].isascii():
                return packet[start:end].decode("ascii")
        return None


def shape_of(packet: bytes) -> Shape | None:
    """Finds the parts of a packet; None when it is not RTP. Extensions that are not ours are skipped."""
    length = len(packet)
    if not HEADER <= length <= MAX_PACKET or packet[0] & 0xC0 != VERSION_2:
        return None
    first = packet[0]
    shape = Shape()
    shape.first = first
    at = HEADER + 4 * (first & 0x0F)
    if first & _EXTENDED:
        if at + 4 > length:
            return None
        profile, words = _read_word(packet, at)
        end = at + 4 + 4 * words
        if end > length:
            return None
        shape.block = packet[at : at + 4]
        if profile == ONE_BYTE:
            _find_one_byte(shape, packet, at + 4, end)
        elif profile & 0xFFF0 == _TWO_BYTE:
            _find_two_byte(shape, packet, at + 4, end)
        if at != HEADER or profile != ONE_BYTE:
            shape.block = b""  # No browser of ours: each packet is looked at afresh.
        at = end
    if first & _PADDED:
        shape.padding = packet[-1]
        if not 0 < shape.padding <= length - at:
            return None
    elif at > length:
        return None
    shape.payload = at
    shape.end = length - shape.padding
    return shape


def _find_one_byte(shape: Shape, packet: bytes, at: int, end: int) -> None:
    names = []
    while at < end:
        head = packet[at]
        if head == 0:
            at += 1  # padding
            continue
        which, size = head >> 4, (head & 0x0F) + 1
        at += 1
        if which == 15 or at + size > end:
            break  # RFC 8285 §4.2: 15 ends the list; what runs over the block is no element.
        if which == TRANSPORT_WIDE_CC and size == 2:
            shape.wide = at
        elif which == AUDIO_LEVEL and size == 1:
            shape.level = at
        elif which in (MID, RID, REPAIRED_RID):
            names.append((which, at, at + size))
        at += size
    shape.names = tuple(names)


def _find_two_byte(shape: Shape, packet: bytes, at: int, end: int) -> None:
    names = []
    while at + 1 < end:
        which, size = packet[at], packet[at + 1]
        if which == 0:
            at += 1
            continue
        at += 2
        if at + size > end:
            break
        if which == TRANSPORT_WIDE_CC and size == 2:
            shape.wide = at
        elif which == AUDIO_LEVEL and size == 1:
            shape.level = at
        elif which in (MID, RID, REPAIRED_RID):
            names.append((which, at, at + size))
        at += size
    shape.names = tuple(names)


def build(
    payload_type: int,
    sequence: int,
    timestamp: int,
    ssrc: int,
    payload: bytes,
    *,
    marker: bool = False,
    extensions: dict[int, bytes] | None = None,
    padding: int = 0,
) -> bytes:
    """A packet from its parts; extensions of 1 to 16 bytes each. For tests and figures."""
    block = b""
    if extensions:
        elements = b"".join(
            bytes([which << 4 | len(value) - 1]) + value for which, value in extensions.items()
        )
        elements += bytes(-len(elements) % 4)
        block = ONE_BYTE.to_bytes(2, "big") + (len(elements) // 4).to_bytes(2, "big") + elements
    first = VERSION_2 | (_EXTENDED if extensions else 0) | (_PADDED if padding else 0)
    fixed = Struct(">BBHII").pack(
        first, (MARKER if marker else 0) | payload_type, sequence & 0xFFFF, timestamp & 0xFFFFFFFF, ssrc
    )
    tail = bytes(padding - 1) + bytes([padding]) if padding else b""
    return fixed + block + payload + tail
