"""One upstream source: an SSRC of a participant, which is a layer of one of its sections."""

from struct import Struct
from typing import TYPE_CHECKING, Final

from signaling.sfu.cache import AUDIO_SLOTS, VIDEO_SLOTS, Cache
from signaling.sfu.control import Layer
from signaling.sfu.key_frames import Source
from signaling.sfu.nack import Missing
from signaling.sfu.rtcp import Block
from signaling.sfu.rtp import OVERHEAD, Shape
from signaling.sfu.sequence import ahead

if TYPE_CHECKING:
    from signaling.sfu.line import Line
    from signaling.sfu.participant import Section

MAX_JUMP: Final = 1000
"""Sequence numbers. A source that leaps farther began anew."""
MAX_STALE: Final = 50
"""So many packets in a row that are older than the cache: it began anew as well, with lower numbers."""
RATE_SMOOTHING: Final = 0.4
SILENT: Final = 0.6
"""Seconds without a packet after which a camera's layer has stopped. Where all have, none is given up."""
PERIOD: Final = 0.15
STOPPED: Final = 2
"""Periods without a packet in which another layer of the camera had one in each: then a sender has left the
layer out, and nobody waits until it is SILENT. Where the sender itself stands still, all of them do.
"""
SCREEN_SILENT: Final = 12.0
"""A screen on which nothing moves is sent seldom."""

NOMINAL: Final = {Layer.LOW: 150_000.0, Layer.MIDDLE: 500_000.0, Layer.HIGH: 1_500_000.0}
"""Of a layer that has not been measured yet."""

NTP_FRACTION: Final = 1 << 32


class Incoming:
    __slots__ = (
        "asked_at",
        "at",
        "cache",
        "clock",
        "counted",
        "ended",
        "first",
        "highest",
        "jitter",
        "key",
        "keys",
        "layer",
        "lines",
        "marks",
        "measured",
        "measured_at",
        "missing",
        "octets",
        "packets",
        "payload_type",
        "picture",
        "ran",
        "rate",
        "repaired",
        "reported",
        "section",
        "shape",
        "sr",
        "ssrc",
        "stale",
        "timed_at",
        "timed_packets",
        "timestamp",
        "tl0",
        "transit",
        "video",
        "waiting",
    )

    def __init__(
        self, section: "Section", layer: Layer, ssrc: int, number: int, shape: Shape, now: float
    ) -> None:
        """`number` is the sequence number of its first packet."""
        self.section = section
        self.layer = layer
        self.ssrc = ssrc
        self.video = section.video
        self.clock = section.clock
        self.payload_type = section.payload_type
        self.shape = shape
        self.highest = number - 1
        self.first = number
        self.timestamp = 0
        self.picture = -1
        self.tl0 = -1
        self.at = now
        self.packets = 0
        self.octets = 0
        self.repaired = 0
        self.stale = 0
        self.ended = False
        self.jitter = 0.0
        self.transit: float | None = None
        self.cache = Cache(VIDEO_SLOTS if self.video else AUDIO_SLOTS)
        self.missing = Missing()
        self.keys = Source()
        self.key = number
        """Where the last key frame begins: nobody needs what was before it."""
        self.asked_at = float("-inf")
        """When a key frame was asked for because the source is broken."""
        self.lines: list[Line] = []
        """Whom it is forwarded to."""
        self.waiting: list[Line] = []
        """Who gets it from its next key frame on."""
        self.sr: tuple[int, int, float] | None = None
        """Of the last sender report: NTP time, timestamp, when it came."""
        self.rate = NOMINAL[layer] if self.video else 40_000.0
        self.counted = 0
        self.measured = False
        self.measured_at: float | None = None
        self.timed_at = now
        self.timed_packets = 0
        self.ran = 0
        """Periods in a row with packets; below 0 without."""
        # For report blocks: expected and received when the last one was made.
        self.reported = (0, 0)
        # For a participant's own loss: the same, before repair.
        self.marks = (0, 0)

    @property
    def broken(self) -> bool:
        """Whether something will never come: no picture is whole before the next key frame."""
        return self.missing.lost >= self.key

    def begins_key_frame(self, sequence: int, now: float) -> None:
        self.key = sequence
        self.keys.came(now)
        self.missing.forget_before(sequence)

    def measure(self, now: float) -> None:
        """The rate since the last time, smoothed."""
        if now - self.timed_at >= PERIOD:
            if self.packets != self.timed_packets:
                self.ran = max(0, self.ran) + 1
            else:
                self.ran = min(0, self.ran) - 1
            self.timed_at, self.timed_packets = now, self.packets
        if self.measured_at is None:
            self.measured_at, self.counted = now, self._weight
            return
        elapsed = now - self.measured_at
        if elapsed >= 0.4:
            rate = (self._weight - self.counted) * 8 / elapsed
            # The first measurement knows more than the guess.
            self.rate += (RATE_SMOOTHING if self.measured else 1.0) * (rate - self.rate)
            self.measured = True
            self.measured_at, self.counted = now, self._weight

    @property
    def _weight(self) -> int:
        """Bytes of what was sent on, headers as well."""
        return self.octets + OVERHEAD * self.packets

    def is_live(self, now: float) -> bool:
        return now - self.at < (SILENT if self.section.layered else SCREEN_SILENT)

    def note_jitter(self, timestamp: int, now: float) -> None:
        """RFC 3550 §6.4.1, in units of the clock. A frame's packets after the first say nothing about it."""
        arrival = now * self.clock
        if self.transit is not None:
            transit = arrival - self.transit - ahead(timestamp, self.timestamp)
            self.jitter += (min(abs(transit), self.clock) - self.jitter) / 16
        self.transit = arrival

    def block(self, now: float) -> Block:
        """A report block (RFC 3550 §A.3)."""
        expected = self.highest - self.first + 1
        lost = expected - self.packets
        expected_since = expected - self.reported[0]
        lost_since = expected_since - (self.packets - self.reported[1])
        self.reported = (expected, self.packets)
        fraction = max(0, (lost_since << 8) // expected_since) if expected_since > 0 else 0
        last_sr = delay = 0
        if self.sr is not None:
            last_sr = self.sr[0] >> 16 & 0xFFFFFFFF
            delay = int((now - self.sr[2]) * 65536)
        return Block(
            self.ssrc, min(fraction, 255), lost, self.highest & 0xFFFFFFFF, int(self.jitter), last_sr, delay
        )

    def loss_since(self) -> tuple[int, int]:
        """(expected, lost) since the last time, before repair."""
        expected = self.highest - self.first + 1
        received = self.packets - self.repaired
        before = self.marks
        self.marks = (expected, received)
        return expected - before[0], expected - before[0] - (received - before[1])

    def ntp_of(self, timestamp: int) -> float | None:
        """The sender's clock at a timestamp, in seconds; None before its first report."""
        if self.sr is None:
            return None
        return self.sr[0] / NTP_FRACTION + ahead(timestamp, self.sr[1]) / self.clock


class Repair:
    """The SSRC under which one source's packets are sent again (RFC 4588)."""

    __slots__ = ("at", "shape", "source", "ssrc")

    def __init__(self, source: Incoming, ssrc: int, shape: Shape, now: float) -> None:
        self.source = source
        self.ssrc = ssrc
        self.shape = shape
        self.at = now


read_original: Final = Struct(">H").unpack_from
"""The sequence number in front of what a repair repeats (RFC 4588 §4)."""
