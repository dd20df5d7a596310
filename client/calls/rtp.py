"""RTP packets (RFC 3550 §5.1) with one-byte header extensions (RFC 8285 §4.2), and the VP8 payload descriptor
(RFC 7741 §4.2).
"""

from dataclasses import dataclass, field
from struct import Struct
from typing import Final

MAX_PACKET: Final = 1500
MAX_PAYLOAD: Final = 1100
"""Of what we send: with headers and tags it passes through every tunnel."""
VIDEO_CLOCK: Final = 90_000
AUDIO_CLOCK: Final = 48_000

_HEADER: Final = Struct(">BBHII")
_WORD: Final = Struct(">HH")
_VERSION_2: Final = 0x80
_PADDED: Final = 0x20
_EXTENDED: Final = 0x10
_MARKER: Final = 0x80
_ONE_BYTE: Final = 0xBEDE


@dataclass(frozen=True, slots=True)
class Packet:
    payload_type: int
    marker: bool
    sequence: int
    timestamp: int
    ssrc: int
    payload: bytes = field(repr=False)
    extensions: dict[int, bytes]


def parse(data: bytes) -> Packet | None:
    """None when it is no RTP packet."""
    length = len(data)
    if not _HEADER.size <= length <= MAX_PACKET or data[0] & 0xC0 != _VERSION_2:
        return None
    first, kind, sequence, timestamp, ssrc = _HEADER.unpack_from(data)
    at = _HEADER.size + 4 * (first & 0x0F)
    extensions: dict[int, bytes] = {}
    if first & _EXTENDED:
        if at + 4 > length:
            return None
        profile, words = _WORD.unpack_from(data, at)
        end = at + 4 + 4 * words
        if end > length:
            return None
        if profile == _ONE_BYTE:
            extensions = _extensions(data[at + 4 : end])
        at = end
    end = length
    if first & _PADDED:
        if not 0 < data[-1] <= length - at:
            return None
        end -= data[-1]
    if at > end:
        return None
    return Packet(kind & 0x7F, bool(kind & _MARKER), sequence, timestamp, ssrc, data[at:end], extensions)


def _extensions(block: bytes) -> dict[int, bytes]:
    found: dict[int, bytes] = {}
    at = 0
    while at < len(block):
        number, size = block[at] >> 4, (block[at] & 0x0F) + 1
        if block[at] == 0:
            at += 1  # padding
            continue
        # §4.2: 15 ends the list; what runs over the block is no element.
        if number == 15 or at + 1 + size > len(block):
            break
        found[number] = block[at + 1 : at + 1 + size]
        at += 1 + size
    return found


def build(packet: Packet) -> bytes:
    """Its extensions have 1 to 16 bytes each."""
    elements = b"".join(
        bytes((number << 4 | len(value) - 1,)) + value for number, value in packet.extensions.items()
    )
    elements += bytes(-len(elements) % 4)
    block = _WORD.pack(_ONE_BYTE, len(elements) // 4) + elements if elements else b""
    first = _VERSION_2 | (_EXTENDED if elements else 0)
    kind = (_MARKER if packet.marker else 0) | packet.payload_type
    fixed = _HEADER.pack(first, kind, packet.sequence, packet.timestamp, packet.ssrc)
    return fixed + block + packet.payload


def nearest(number: int, to: int, bits: int = 16) -> int:
    """A number of so many bits, counted on beyond them: the one nearest to `to`."""
    half, wrap = 1 << bits - 1, 1 << bits
    return to + (number - to + half) % wrap - half


def vp8_payloads(frame: bytes, picture: int) -> list[bytes]:
    """A frame cut into payloads, each behind its descriptor: the first says that it begins the frame."""
    number = (0x8000 | picture & 0x7FFF).to_bytes(2, "big")
    return [
        bytes((0x90 if at == 0 else 0x80, 0x80)) + number + frame[at : at + MAX_PAYLOAD]
        for at in range(0, len(frame), MAX_PAYLOAD)
    ]


def vp8_part(payload: bytes) -> tuple[bool, bytes] | None:
    """(begins a frame, the part of it); None when the payload ends within its descriptor."""
    if not payload:
        return None
    first, at = payload[0], 1
    if first & 0x80:
        if len(payload) < 2:
            return None
        flags, at = payload[1], 2
        if flags & 0x80:
            if len(payload) <= at:
                return None
            at += 2 if payload[at] & 0x80 else 1
        at += (flags >> 6 & 1) + (1 if flags & 0x30 else 0)
    if at > len(payload):
        return None
    return first & 0x17 == 0x10, payload[at:]
