"""What somebody at the forwarding unit has: packets behind SRTP, the frames in them, what they show."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from math import sqrt
from statistics import fmean

import av

from crypto.mls.errors import DecodeError
from crypto.sframe.clear_bytes import clear_length, codec_of
from crypto.sframe.header import decode_header
from crypto.sframe.kid import Kind, kind_of
from signaling.sfu import rtp
from signaling.sfu.extensions import MID
from signaling.sfu.payloads import OPUS, RTX, VP8
from tests.e2e.malicious_house import Tapped

TAG = 16
UNIFORM = 400.0
"""Chi-square of 256 values: 255 where all are as likely, and above this once in a hundred million times."""


@dataclass
class Stream:
    """One SSRC of one person."""

    kind: Kind
    frames: list[bytes] = field(default_factory=list)
    """In the order of their numbers; those of which a packet is missing are left out."""


@dataclass(frozen=True)
class Sealed:
    """A frame as SFrame has it."""

    clear: bytes
    kid: int
    counter: int
    body: bytes


def streams(tapped: Iterable[Tapped]) -> tuple[list[Stream], set[bytes]]:
    """All streams of media with their frames, and what was sent again without having been sent."""
    found: dict[tuple[int, int], Stream] = {}
    parts: dict[tuple[int, int], dict[int, tuple[bytes, bool, bool]]] = defaultdict(dict)
    first: dict[tuple[int, int], int] = {}
    payloads: set[bytes] = set()
    repeated: set[bytes] = set()
    for person, data in tapped:
        shape = rtp.shape_of(data)
        assert shape is not None, "no RTP"
        _, marked, number, _, ssrc = rtp.read_fixed(data)
        payload, payload_type = data[shape.payload : shape.end], marked & 0x7F
        assert payload_type in (OPUS, VP8, RTX)
        if payload_type == RTX:
            repeated.add(payload[2:])
            continue
        payloads.add(payload)
        place = person, ssrc
        if place not in found:
            first[place] = number
            mid = shape.name(data, MID)
            assert mid is not None, "a stream without a name"
            found[place] = Stream(Kind(int(mid)))
        number = (number - first[place] + 0x8000 & 0xFFFF) - 0x8000
        if codec_of(found[place].kind) == "opus":
            parts[place][number] = payload, True, True
            continue
        start, at = _described(payload)
        parts[place][number] = payload[at:], start, bool(marked & rtp.MARKER)
    for place, stream in found.items():
        stream.frames += _whole(parts[place])
    return [*found.values()], {one for one in repeated - payloads if one.strip(b"\0")}


def _described(payload: bytes) -> tuple[bool, int]:
    """Whether a frame begins, and the length of the payload descriptor (RFC 7741 §4.2)."""
    first, at = payload[0], 1
    if first & 0x80:
        second, at = payload[1], 2
        if second & 0x80:
            at += 2 if payload[at] & 0x80 else 1
        at += bool(second & 0x40)
        at += bool(second & 0x30)
    return first & 0x17 == 0x10, at


def _whole(parts: dict[int, tuple[bytes, bool, bool]]) -> list[bytes]:
    out = []
    for number, (_, start, _) in sorted(parts.items()):
        if not start:
            continue
        frame, at = b"", number
        while at in parts:
            data, _, end = parts[at]
            frame += data
            if end:
                out.append(frame)
                break
            at += 1
    return out


def sealed(stream: Stream, frame: bytes) -> Sealed:
    """The parts of an encrypted frame. Raises DecodeError for what is none of the stream's kind."""
    clear = clear_length(codec_of(stream.kind), frame)
    if clear is None:
        raise DecodeError("too short for a frame")
    kid, counter, length = decode_header(frame, clear)
    if kind_of(kid) is not stream.kind or len(frame) < clear + length + TAG:
        raise DecodeError("another kind, or too short for its tag")
    return Sealed(frame[:clear], kid, counter, frame[clear + length :])


def unevenness(bodies: Iterable[bytes]) -> float:
    """How far the bytes of all bodies are from being all alike likely: chi-square of 256 values."""
    counts = Counter(b"".join(bodies))
    even = counts.total() / 256
    return sum((counts[value] - even) ** 2 for value in range(256)) / even


GRID = (16, 9)


def picture(frame: bytes) -> list[float] | None:
    """What a decoder makes of a key frame, as the brightness of fields; None where it makes nothing."""
    decoder = av.CodecContext.create("libvpx", "r")
    assert isinstance(decoder, av.VideoCodecContext)
    try:
        shown = [*decoder.decode(av.Packet(frame)), *decoder.decode(None)]
    except av.error.FFmpegError:
        return None
    if not shown:
        return None
    plane, (columns, rows) = shown[0].planes[0], GRID
    data, width, height = bytes(plane), plane.width // columns, plane.height // rows
    return [
        sum(
            sum(data[y * plane.line_size + x * width :][:width])
            for y in range(row * height, (row + 1) * height)
        )
        / (width * height)
        for row in range(rows)
        for x in range(columns)
    ]


def likeness(one: list[float], other: list[float]) -> float:
    """Of two pictures: 1 where they are the same but for brightness and contrast, about 0 where unrelated."""
    mean_one, mean_other = fmean(one), fmean(other)
    both = sum((a - mean_one) * (b - mean_other) for a, b in zip(one, other, strict=True))
    spread = sum((a - mean_one) ** 2 for a in one) * sum((b - mean_other) ** 2 for b in other)
    return both / sqrt(spread) if spread else 0.0
