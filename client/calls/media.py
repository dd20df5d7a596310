"""What a program shows and says in a call: a file, or a test pattern with a tone. And what it makes of what
it is shown: pictures are counted, sounds measured.
"""

import math
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Final, Protocol

import av
from av.audio.codeccontext import AudioCodecContext
from av.video.codeccontext import VideoCodecContext
from av.video.frame import PictureType

from client.calls.rtp import AUDIO_CLOCK, VIDEO_CLOCK
from client.errors import CollegiumError
from crypto.sframe.kid import Kind

SAMPLES: Final = 960
"""In one frame of sound: 20 ms."""
SILENCE_DB: Final = 127
FULL: Final = 32767
PATTERN_WIDTH, PATTERN_HEIGHT, PATTERN_RATE = 320, 180, 12
TONE_HZ: Final = 400
"""A whole number of its periods fits into a frame."""
TONE_AMPLITUDE: Final = 0.1
MAX_SIDE: Final = 1280
"""Of a picture that is sent; larger ones are made smaller."""
VIDEO_BITS: Final = 600_000
AUDIO_BITS: Final = 32_000
KEY_FRAME_EVERY: Final = 300
"""Pictures, where nobody asks for one."""


@dataclass(frozen=True, slots=True)
class Picture:
    at: float
    """Seconds from the beginning."""
    frame: av.VideoFrame


class Source(Protocol):
    """Both go on for ever; each is read in a thread."""

    @property
    def kinds(self) -> frozenset[Kind]: ...

    def pictures(self) -> Iterator[Picture]: ...

    def sounds(self) -> Iterator[av.AudioFrame]:
        """Of SAMPLES each, 16 bits, one channel, 48 kHz."""
        ...


class TestPattern:
    """Grey bars that wander, and a quiet tone."""

    __test__ = False  # for pytest, this is no test

    kinds = frozenset((Kind.AUDIO, Kind.CAMERA))

    def pictures(self) -> Iterator[Picture]:
        number = 0
        while True:
            frame = av.VideoFrame(PATTERN_WIDTH, PATTERN_HEIGHT, "yuv420p")
            light = frame.planes[0]
            row = bytes((x + 4 * number) & 0xFF for x in range(light.line_size))
            light.update(row * (light.buffer_size // light.line_size))
            for colour in frame.planes[1:]:
                colour.update(bytes((128,)) * colour.buffer_size)
            yield Picture(number / PATTERN_RATE, frame)
            number += 1

    def sounds(self) -> Iterator[av.AudioFrame]:
        step = 2 * math.pi * TONE_HZ / AUDIO_CLOCK
        samples = array("h", (round(FULL * TONE_AMPLITUDE * math.sin(step * n)) for n in range(SAMPLES)))
        while True:
            frame = av.AudioFrame(format="s16", layout="mono", samples=SAMPLES)
            frame.planes[0].update(samples.tobytes())
            frame.sample_rate = AUDIO_CLOCK
            yield frame


class MediaFile:
    """What lies in a file, again and again. Raises CollegiumError call_file where nothing can be shown."""

    def __init__(self, path: Path) -> None:
        self._path = path
        found = set()
        with self._opened() as container:
            if container.streams.video:
                found.add(Kind.CAMERA)
            if container.streams.audio:
                found.add(Kind.AUDIO)
        if not found:
            raise CollegiumError("call_file", "neither picture nor sound")
        self.kinds = frozenset(found)

    def _opened(self) -> "av.container.InputContainer":
        try:
            return av.open(str(self._path), "r")
        except (av.FFmpegError, OSError) as error:
            raise CollegiumError("call_file", str(error)) from error

    def pictures(self) -> Iterator[Picture]:
        begin = 0.0
        while True:
            last = begin
            with self._opened() as container:
                for number, frame in enumerate(container.decode(video=0)):
                    at = begin + (number / PATTERN_RATE if frame.time is None else max(frame.time, 0.0))
                    last = max(last, at)
                    yield Picture(at, _fitted(frame))
            if last == begin:
                return  # one picture, or none: there is nothing to repeat
            begin = last + 1 / PATTERN_RATE

    def sounds(self) -> Iterator[av.AudioFrame]:
        resampler = av.AudioResampler(format="s16", layout="mono", rate=AUDIO_CLOCK, frame_size=SAMPLES)
        while True:
            some = False
            with self._opened() as container:
                for frame in container.decode(audio=0):
                    frame.pts = None  # the second time they would run backwards
                    for sound in resampler.resample(frame):
                        some = True
                        yield sound
            if not some:
                return


def _fitted(frame: av.VideoFrame) -> av.VideoFrame:
    """In the format of the encoder, with even sides and none too long."""
    scale = min(1.0, MAX_SIDE / max(frame.width, frame.height))
    width, height = (max(2, int(side * scale) // 2 * 2) for side in (frame.width, frame.height))
    return frame.reformat(width=width, height=height, format="yuv420p")


class VideoEncoder:
    """VP8, for calls: nothing is kept back."""

    def __init__(self) -> None:
        self._codec: VideoCodecContext | None = None

    def encode(self, picture: Picture, key: bool) -> bytes:
        frame = picture.frame
        codec = self._codec
        if codec is None or (codec.width, codec.height) != (frame.width, frame.height):
            codec = self._codec = _vp8(frame.width, frame.height)
        frame.pts, frame.time_base = round(picture.at * VIDEO_CLOCK), Fraction(1, VIDEO_CLOCK)
        frame.pict_type = PictureType.I if key else PictureType.NONE
        return b"".join(bytes(packet) for packet in codec.encode(frame))


def _vp8(width: int, height: int) -> VideoCodecContext:
    codec = av.CodecContext.create("libvpx", "w")
    assert isinstance(codec, VideoCodecContext)
    codec.width, codec.height, codec.pix_fmt = width, height, "yuv420p"
    codec.bit_rate, codec.gop_size = VIDEO_BITS, KEY_FRAME_EVERY
    codec.time_base = Fraction(1, VIDEO_CLOCK)
    codec.thread_count = 1
    codec.options = {"deadline": "realtime", "cpu-used": "-6", "lag-in-frames": "0", "error-resilient": "1"}
    return codec


class AudioEncoder:
    """Opus, frames of 20 ms."""

    def __init__(self) -> None:
        codec = av.CodecContext.create("libopus", "w")
        assert isinstance(codec, AudioCodecContext)
        codec.format, codec.layout, codec.sample_rate = "s16", "mono", AUDIO_CLOCK
        codec.bit_rate, codec.options = AUDIO_BITS, {"application": "voip"}
        self._codec = codec
        self._at = 0

    def encode(self, sound: av.AudioFrame) -> list[bytes]:
        sound.pts, sound.time_base = self._at, Fraction(1, AUDIO_CLOCK)
        self._at += SAMPLES
        return [bytes(packet) for packet in self._codec.encode(sound)]


class VideoDecoder:
    def __init__(self) -> None:
        self._codec = av.CodecContext.create("libvpx", "r")

    def decode(self, frame: bytes) -> list[av.VideoFrame] | None:
        """None: it does not decode."""
        try:
            found = self._codec.decode(av.Packet(frame))
        except av.FFmpegError:
            return None
        return [one for one in found if isinstance(one, av.VideoFrame)]


class AudioDecoder:
    def __init__(self) -> None:
        codec = av.CodecContext.create("libopus", "r")
        assert isinstance(codec, AudioCodecContext)
        codec.format, codec.layout, codec.sample_rate = "s16", "mono", AUDIO_CLOCK
        self._codec = codec

    def decode(self, frame: bytes) -> list[av.AudioFrame] | None:
        """None: it does not decode."""
        try:
            found = self._codec.decode(av.Packet(frame))
        except av.FFmpegError:
            return None
        return [one for one in found if isinstance(one, av.AudioFrame)]


def level_of(sound: av.AudioFrame) -> int:
    """RFC 6464: decibels below the loudest there is, 0 to 127. Of 16 bits."""
    samples = array("h", bytes(sound.planes[0])[: 2 * sound.samples])
    power = sum(one * one for one in samples) / max(len(samples), 1)
    if power < 1:
        return SILENCE_DB
    return min(max(round(-10 * math.log10(power / FULL**2)), 0), SILENCE_DB)
