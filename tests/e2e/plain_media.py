"""Media as nobody may send it in a call: encoded, and in the clear."""

from fractions import Fraction
from math import pi, sin
from struct import pack

import av

WIDTH, HEIGHT = 320, 180
MAGENTA = (107, 202, 222)  # as Y, Cb, Cr
RATE = 48_000
FRAME_SAMPLES = 960  # 20 ms
TONE_HZ = 1_000


def vp8(count: int) -> list[bytes]:
    """Key frames of one colour, a little lighter from one to the next."""
    return [_encoded((MAGENTA[0] + number, MAGENTA[1], MAGENTA[2]), None) for number in range(count)]


def vp8_of(grid: list[float], columns: int) -> bytes:
    """A key frame of fields of these brightnesses, row by row."""
    rows = len(grid) // columns
    luma = bytearray()
    for y in range(HEIGHT):
        row = grid[min(y * rows // HEIGHT, rows - 1) * columns :][:columns]
        luma += bytes(round(row[x * columns // WIDTH]) for x in range(WIDTH))
    return _encoded((0, 128, 128), bytes(luma))


def _encoded(colour: tuple[int, int, int], luma: bytes | None) -> bytes:
    coder = av.CodecContext.create("libvpx", "w")
    assert isinstance(coder, av.VideoCodecContext)
    coder.width, coder.height, coder.pix_fmt, coder.time_base = WIDTH, HEIGHT, "yuv420p", Fraction(1, 30)
    shown = av.VideoFrame(WIDTH, HEIGHT, "yuv420p")
    for plane, value in zip(shown.planes, colour, strict=True):
        plane.update(bytes([value]) * plane.buffer_size)
    if luma is not None:
        shown.planes[0].update(luma)
    shown.pts = 0
    return b"".join(bytes(packet) for packet in [*coder.encode(shown), *coder.encode(None)])


def opus(count: int) -> list[bytes]:
    """A loud tone."""
    coder = av.CodecContext.create("libopus", "w")
    assert isinstance(coder, av.AudioCodecContext)
    coder.sample_rate, coder.layout, coder.format = RATE, "mono", av.AudioFormat("s16")
    coder.options = {"frame_duration": "20", "vbr": "on"}
    out: list[bytes] = []
    for number in range(count):
        sound = av.AudioFrame("s16", "mono", FRAME_SAMPLES)
        at = number * FRAME_SAMPLES
        wave = [round(20_000 * sin(2 * pi * TONE_HZ * (at + n) / RATE)) for n in range(FRAME_SAMPLES)]
        sound.planes[0].update(pack(f"<{FRAME_SAMPLES}h", *wave))
        sound.sample_rate, sound.pts, sound.time_base = RATE, at, Fraction(1, RATE)
        out += [bytes(packet) for packet in coder.encode(sound)]
    return out
