"""RTCP (RFC 3550 §6, feedback by RFC 4585 and RFC 5104): what participants say, and what they are told.

`parse` takes compounds and reduced-size packets (RFC 5506) alike: any bytes are a list or None.
"""

from collections.abc import Iterable, Sequence
from struct import Struct
from typing import Final, NamedTuple

SENDER_REPORT: Final = 200
RECEIVER_REPORT: Final = 201
SOURCE_DESCRIPTION: Final = 202
GOODBYE: Final = 203
TRANSPORT_FEEDBACK: Final = 205
PAYLOAD_FEEDBACK: Final = 206
NACK: Final = 1
WIDE: Final = 15
PLI: Final = 1
FIR: Final = 4

MAX_PARTS: Final = 48
"""Of a compound. Browsers send a handful."""
MAX_COMPOUND: Final = 1500
MAX_BLOCKS: Final = 31
"""Report blocks of one packet: its count has five bits."""
MAX_NACKS: Final = 253
"""Pairs of one NACK that we build: it stays within a packet of the network."""

_CNAME: Final = 1

_head = Struct(">BBH").unpack_from
_u32 = Struct(">I").unpack_from
_pair = Struct(">HH").unpack_from
_block = Struct(">IIIIII").unpack_from
_sender = Struct(">IQIII").unpack_from


class Block(NamedTuple):
    """A report block (RFC 3550 §6.4.1)."""

    ssrc: int
    fraction: int
    """Of 256, lost since the last report."""
    lost: int
    """Since the beginning; negative where duplicates came."""
    highest: int
    jitter: int
    last_sr: int
    delay: int
    """Since that sender report, in 1/65536 s."""


class SenderReport(NamedTuple):
    ssrc: int
    ntp: int
    """64 bits, seconds and fractions."""
    timestamp: int
    packets: int
    octets: int
    blocks: tuple[Block, ...]


class ReceiverReport(NamedTuple):
    ssrc: int
    blocks: tuple[Block, ...]


class Goodbye(NamedTuple):
    ssrcs: tuple[int, ...]


class Nack(NamedTuple):
    ssrc: int
    """Of the media that is missing."""
    sequences: tuple[int, ...]


class KeyFrameRequest(NamedTuple):
    """A PLI, or a FIR for each of its entries: both are answered by a key frame."""

    ssrcs: tuple[int, ...]


class WideFeedback(NamedTuple):
    """Transport-wide feedback, not read yet."""

    body: bytes
    """From the base sequence number on."""


Part = SenderReport | ReceiverReport | Goodbye | Nack | KeyFrameRequest | WideFeedback


def parse(compound: bytes) -> list[Part] | None:
    """The parts we act on, in order. None when a part is malformed: then none of them is believed."""
    length = len(compound)
    if not 4 <= length <= MAX_COMPOUND:
        return None
    parts: list[Part] = []
    at = 0
    for _ in range(MAX_PARTS):
        if at == length:
            return parts
        if length - at < 4:
            return None
        first, kind, words = _head(compound, at)
        end = at + 4 + 4 * words
        if first & 0xC0 != 0x80 or end > length:
            return None
        content_end = end
        if first & 0x20:
            # The last byte says by how much. RFC 3550 §6.4.1 has the last part alone padded, to four bytes;
            # browsers pad transport-wide feedback by one to three, wherever it stands.
            padding = compound[end - 1]
            if not 0 < padding <= end - at - 4:
                return None
            content_end = end - padding
        part = _part(compound, at + 4, content_end, first & 0x1F, kind)
        if part is _MALFORMED:
            return None
        if part is not None:
            parts.append(part)
        at = end
    return parts if at == length else None


_MALFORMED: Final = Goodbye((-1,))


def _part(data: bytes, at: int, end: int, count: int, kind: int) -> Part | None:
    """One part from behind its first four bytes; None for what is skipped."""
    size = end - at
    match kind:
        case 200:  # SENDER_REPORT
            if size < 24 + 24 * count:
                return _MALFORMED
            ssrc, ntp, timestamp, packets, octets = _sender(data, at)
            return SenderReport(ssrc, ntp, timestamp, packets, octets, _blocks(data, at + 24, count))
        case 201:  # RECEIVER_REPORT
            if size < 4 + 24 * count:
                return _MALFORMED
            return ReceiverReport(_u32(data, at)[0], _blocks(data, at + 4, count))
        case 203:  # GOODBYE
            if size < 4 * count:
                return _MALFORMED
            return Goodbye(tuple(_u32(data, at + 4 * i)[0] for i in range(count)))
        case 205:  # TRANSPORT_FEEDBACK
            if size < 8:
                return _MALFORMED
            if count == NACK:
                return Nack(_u32(data, at + 4)[0], _sequences(data, at + 8, end))
            return WideFeedback(data[at + 8 : end]) if count == WIDE else None
        case 206:  # PAYLOAD_FEEDBACK
            if size < 8:
                return _MALFORMED
            if count == PLI:
                return KeyFrameRequest((_u32(data, at + 4)[0],))
            if count == FIR:
                # RFC 5104 §4.3.1: the entries name the media, the field of the header does not.
                return KeyFrameRequest(tuple(_u32(data, i)[0] for i in range(at + 8, end - 7, 8)))
            return None
        case _:
            return None


def _blocks(data: bytes, at: int, count: int) -> tuple[Block, ...]:
    out = []
    for i in range(count):
        ssrc, loss, highest, jitter, last_sr, delay = _block(data, at + 24 * i)
        lost = loss & 0xFFFFFF
        lost -= 0x1000000 if lost & 0x800000 else 0
        out.append(Block(ssrc, loss >> 24, lost, highest, jitter, last_sr, delay))
    return tuple(out)


def _sequences(data: bytes, at: int, end: int) -> tuple[int, ...]:
    """RFC 4585 §6.2.1: a packet, and a bit for each of the 16 after it."""
    out = []
    for i in range(at, end - 3, 4):
        first, following = _pair(data, i)
        out.append(first)
        if following:
            out += [(first + 1 + bit) & 0xFFFF for bit in range(16) if following >> bit & 1]
    return tuple(out)


def _built(kind: int, count: int, content: bytes) -> bytes:
    return Struct(">BBH").pack(0x80 | count, kind, len(content) // 4) + content


def _built_blocks(blocks: Sequence[Block]) -> bytes:
    return b"".join(
        Struct(">IIIIII").pack(
            b.ssrc,
            b.fraction << 24 | max(-0x800000, min(0x7FFFFF, b.lost)) & 0xFFFFFF,
            b.highest & 0xFFFFFFFF,
            min(b.jitter, 0xFFFFFFFF),
            b.last_sr,
            min(b.delay, 0xFFFFFFFF),
        )
        for b in blocks[:MAX_BLOCKS]
    )


def sender_report(
    ssrc: int, ntp: int, timestamp: int, packets: int, octets: int, blocks: Sequence[Block] = ()
) -> bytes:
    content = Struct(">IQIII").pack(
        ssrc, ntp, timestamp & 0xFFFFFFFF, packets & 0xFFFFFFFF, octets & 0xFFFFFFFF
    )
    return _built(SENDER_REPORT, min(len(blocks), MAX_BLOCKS), content + _built_blocks(blocks))


def receiver_report(ssrc: int, blocks: Sequence[Block]) -> bytes:
    return _built(
        RECEIVER_REPORT, min(len(blocks), MAX_BLOCKS), ssrc.to_bytes(4, "big") + _built_blocks(blocks)
    )


def source_description(ssrc: int, cname: bytes) -> bytes:
    """One CNAME (RFC 3550 §6.5.1). Streams with an equal one are played in step."""
    item = ssrc.to_bytes(4, "big") + bytes([_CNAME, len(cname)]) + cname
    # At least one zero ends the list of items.
    return _built(SOURCE_DESCRIPTION, 1, item + bytes(4 - len(item) % 4))


def goodbye(ssrcs: Sequence[int]) -> bytes:
    return _built(GOODBYE, len(ssrcs), b"".join(ssrc.to_bytes(4, "big") for ssrc in ssrcs))


def nack(sender: int, ssrc: int, sequences: Iterable[int]) -> bytes:
    """`sequences` in ascending order, before they wrapped; what does not fit is left out."""
    pairs: list[list[int]] = []
    for sequence in sequences:
        if pairs and 0 < sequence - pairs[-1][0] <= 16:
            pairs[-1][1] |= 1 << (sequence - pairs[-1][0] - 1)
        elif len(pairs) < MAX_NACKS:
            pairs.append([sequence, 0])
        else:
            break
    content = Struct(">II").pack(sender, ssrc)
    content += b"".join(Struct(">HH").pack(first & 0xFFFF, following) for first, following in pairs)
    return _built(TRANSPORT_FEEDBACK, NACK, content)


def picture_loss(sender: int, ssrc: int) -> bytes:
    return _built(PAYLOAD_FEEDBACK, PLI, Struct(">II").pack(sender, ssrc))


def full_intra(sender: int, ssrc: int, number: int) -> bytes:
    return _built(PAYLOAD_FEEDBACK, FIR, Struct(">IIIBxxx").pack(sender, 0, ssrc, number & 0xFF))


def wide_feedback(sender: int, ssrc: int, body: bytes) -> bytes:
    """`body` from the base sequence number on, a multiple of four bytes."""
    return _built(TRANSPORT_FEEDBACK, WIDE, Struct(">II").pack(sender, ssrc) + body)
