"""One participant of a room: what it publishes, what it receives, and which SSRC of its packets is what."""

from typing import Final, NamedTuple, cast

from signaling.sfu.bandwidth import Estimator, Result
from signaling.sfu.control import Kind, Layer
from signaling.sfu.extensions import MID, REPAIRED_RID, RID
from signaling.sfu.incoming import STOPPED, Incoming, Repair
from signaling.sfu.layers import LADDER, Ladder
from signaling.sfu.line import Line
from signaling.sfu.loudness import Loudness
from signaling.sfu.payloads import AUDIO_CLOCK, OPUS, RTX, VIDEO_CLOCK, VP8
from signaling.sfu.probe import Probe
from signaling.sfu.rtp import shape_of
from signaling.sfu.transport_feedback import REFERENCE, TICK, Arrivals, Statuses

SENT_SLOTS: Final = 2048
"""Packets whose feedback is awaited; a power of two. At the fastest, a second and a half."""

MAX_SOURCES: Final = 24
"""SSRCs of one participant: two for each layer and for the screen, two of audio, and some of before."""
FORGOTTEN: Final = 5.0
"""Seconds of silence after which an SSRC may make room for another."""
MAX_SECTIONS: Final = 8
MAX_MID: Final = 3

PACKET_COST: Final = 250
"""A packet costs its bytes and this: small ones are as much work as large ones."""
RATE: Final = 2_000_000.0
"""What one participant may cost each second: 11 Mbit/s of large packets, or 5,000 small ones."""
BURST: Final = 1_500_000.0
NEW_SOURCE_COST: Final = 20_000
UNKNOWN_COST: Final = 2_000
RTCP_RATE: Final = 300.0
"""RTCP packets in a second."""
RTCP_BURST: Final = 600.0

LOSING: Final = 0.015
"""Of its packets a path loses no fewer than this share, where it is said to lose some."""
NO_QUEUE: Final = 0.03
"""Seconds of a queue after which a path is full, and loses for that reason"""
FULL_TIME: Final = 5.0
"""till so long after it."""
LOSING_TIME: Final = 20.0

DEFAULT_ROUND_TRIP: Final = 0.1
MAX_ROUND_TRIP: Final = 2.0
REPAIR_RATE: Final = 0.5
"""Retransmissions may take this share of a receiver's estimate,"""
REPAIR_TIME: Final = 0.3
"""and at once what it carries in so many seconds,"""
MIN_REPAIR_BURST: Final = 8_000.0
REPAIR_BURST: Final = 150_000.0
"""within these bytes. More of them would make the queue longer in which they wait themselves."""

_SENT: Final = SENT_SLOTS - 1
_WRAP: Final = (1 << 24) * REFERENCE
"""Ticks after which the reference time of feedback begins anew."""


Sent = tuple[float | None, int]
"""When a packet left (None: it is not known), and its bytes."""


class StreamOut(NamedTuple):
    """Something published, as it is sent to everybody else."""

    source_session: bytes
    source_device: bytes
    kind: Kind
    ssrc: int
    rtx_ssrc: int | None
    """None for audio: it is not sent again."""


class Section:
    """One of a participant's own media sections."""

    __slots__ = (
        "clock",
        "kind",
        "layers",
        "lines",
        "loudness",
        "mid",
        "owner",
        "payload_type",
        "stream",
        "video",
    )

    def __init__(self, owner: "Participant", mid: str, kind: Kind, stream: StreamOut) -> None:
        self.owner = owner
        self.mid = mid
        self.kind = kind
        self.stream = stream
        self.video = kind.media == "video"
        self.clock = VIDEO_CLOCK if self.video else AUDIO_CLOCK
        self.payload_type = VP8 if self.video else OPUS
        self.layers: dict[Layer, Incoming] = {}
        self.lines: list[Line] = []
        """Everybody who is subscribed, whatever they get at the moment."""
        self.loudness = Loudness()

    @property
    def layered(self) -> bool:
        return len(self.layers) > 1

    def live(self, now: float) -> list[tuple[Layer, float]]:
        """What comes of it now, the smallest layer first, and the rate of each."""
        layers = self.layers
        runs = any(source.ran >= STOPPED for source in layers.values())
        return [
            (layer, layers[layer].rate)
            for layer in LADDER
            if layer in layers and layers[layer].is_live(now) and not (runs and layers[layer].ran <= -STOPPED)
        ]


class Participant:
    __slots__ = (
        "allowance",
        "arrivals",
        "cname",
        "device",
        "estimator",
        "feedback_at",
        "full_at",
        "heard_wide",
        "ladder",
        "last_tick",
        "lines",
        "lines_by_ssrc",
        "losing_until",
        "loss_down",
        "loss_up",
        "needed",
        "parked",
        "probe",
        "refilled",
        "repair_level",
        "report_at",
        "ring",
        "round_trip",
        "round_trip_known",
        "rtcp_allowance",
        "rtcp_refilled",
        "sections",
        "sent_at_check",
        "session",
        "sources",
        "ssrc",
        "wide",
    )

    def __init__(self, session: bytes, device: bytes, ssrc: int, cname: bytes, now: float) -> None:
        self.session = session
        self.device = device
        self.ssrc = ssrc
        """Of the unit's own RTCP towards it."""
        self.cname = cname
        # What it sends.
        self.sections: dict[str, Section] = {}
        self.sources: dict[int, Incoming | Repair] = {}
        self.arrivals = Arrivals()
        self.feedback_at = now
        self.report_at = now
        self.allowance = BURST
        self.refilled = now
        self.rtcp_allowance = RTCP_BURST
        self.rtcp_refilled = now
        # What it receives.
        self.lines: dict[str, Line] = {}
        self.lines_by_ssrc: dict[int, Line] = {}
        """By the SSRC of the media and by that of its retransmissions."""
        self.parked: dict[int, Line] = {}
        """Lines that it gave up: they go on counting when it takes them again."""
        self.wide = 0
        """The last transport-wide number, counted on beyond 16 bits."""
        self.ring: list[Sent | None] = [None] * SENT_SLOTS
        self.estimator = Estimator()
        self.ladder = Ladder()
        self.probe = Probe()
        self.needed = 0.0
        """What all that it gets and the next step up would take, in bits in a second; 0: nothing more."""
        self.heard_wide = 0
        self.sent_at_check = 0
        self.last_tick: int | None = None
        self.round_trip = DEFAULT_ROUND_TRIP
        self.round_trip_known = False
        self.repair_level = MIN_REPAIR_BURST
        self.losing_until = self.full_at = float("-inf")
        # What people are told.
        self.loss_up = 0.0
        self.loss_down = 0.0

    def forget(self) -> None:
        """It has left. Lines and sections know one another in circles: what is large goes now, and not only
        when somebody looks for circles.
        """
        self.ring.clear()
        for held in (self.sections, self.sources, self.lines, self.lines_by_ssrc, self.parked):
            held.clear()

    @property
    def bare(self) -> bool:
        """Whether something it wants to see is not shown at all."""
        return any(
            line.section.video and line.aim is Layer.NONE and line.wish is not Layer.NONE
            for line in self.lines.values()
        )

    @property
    def repair_burst(self) -> float:
        """Bytes that may be sent again at once."""
        return max(MIN_REPAIR_BURST, min(REPAIR_BURST, REPAIR_TIME * self.estimator.rate / 8))

    @property
    def there_and_back(self) -> float:
        """The round trip, with the queue that stands on its way now."""
        return self.round_trip + self.estimator.standing

    def loses(self, now: float) -> bool:
        """If its path loses packets though no queue stands in front of it. Each voice is sent twice then.

        What is sent twice is not seen to be lost: so it goes on for a while.
        """
        if self.estimator.standing >= NO_QUEUE:
            self.full_at = now
        elif self.estimator.loss >= LOSING and now - self.full_at > FULL_TIME:
            self.losing_until = now + LOSING_TIME
        return now < self.losing_until

    def may_send(self, cost: int, now: float) -> bool:
        """The allowance is used up by a packet of `cost`: what the time gave back decides."""
        self.allowance = min(BURST, self.allowance + (now - self.refilled) * RATE)
        self.refilled = now
        if self.allowance >= 0:
            return True
        # What is dropped costs nothing: who stops flooding is heard again at once.
        self.allowance += cost
        return False

    def may_report(self, now: float) -> bool:
        self.rtcp_allowance = min(
            RTCP_BURST, self.rtcp_allowance - 1 + (now - self.rtcp_refilled) * RTCP_RATE
        )
        self.rtcp_refilled = now
        if self.rtcp_allowance < 0:
            self.rtcp_allowance += 1
            return False
        return True

    def note_round_trip(self, seconds: float) -> None:
        seconds = min(seconds, MAX_ROUND_TRIP)
        self.round_trip = 0.8 * self.round_trip + 0.2 * seconds if self.round_trip_known else seconds
        self.round_trip_known = True

    def discover(self, packet: bytes, ssrc: int, number: int, now: float) -> Incoming | Repair | None:
        """What a new SSRC is, by the names in its packet (RFC 8843 §9.2, RFC 8852); None: nothing of ours."""
        shape = shape_of(packet)
        mid = None if shape is None else shape.name(packet, MID)
        section = None if mid is None else self.sections.get(mid)
        if shape is None or section is None:
            self.allowance -= UNKNOWN_COST
            return None
        self.allowance -= NEW_SOURCE_COST
        if len(self.sources) >= MAX_SOURCES and not self._make_room(now):
            return None
        payload_type = packet[1] & 0x7F
        source: Incoming | Repair
        if payload_type == section.payload_type:
            layer = _layer(section, shape.name(packet, RID))
            if layer is None:
                return None
            before = section.layers.get(layer)
            if before is not None:
                self.end(before)
            source = Incoming(section, layer, ssrc, number, shape, now)
            section.layers[layer] = source
        elif payload_type == RTX and section.video:
            layer = _layer(section, shape.name(packet, REPAIRED_RID) or shape.name(packet, RID))
            repaired = None if layer is None else section.layers.get(layer)
            if repaired is None:
                return None
            source = Repair(repaired, ssrc, shape, now)
        else:
            return None
        self.sources[ssrc] = source
        return source

    def _make_room(self, now: float) -> bool:
        for ssrc, source in self.sources.items():
            if now - source.at > FORGOTTEN:
                if isinstance(source, Incoming):
                    self.end(source)
                del self.sources[ssrc]
                return True
        return False

    def end(self, incoming: Incoming) -> None:
        """Its SSRC stays known and is ignored: what comes late of it must not bring it back."""
        for line in [*incoming.lines]:
            line.end()
        for line in [*incoming.waiting]:
            line.stop_waiting()
        if incoming.section.layers.get(incoming.layer) is incoming:
            del incoming.section.layers[incoming.layer]
        incoming.cache.clear()
        incoming.missing.waiting.clear()
        incoming.ended = True

    def renew(self, incoming: Incoming, number: int, now: float) -> Incoming:
        """The same SSRC begins anew with other numbers."""
        lines, waiting = [*incoming.lines], [*incoming.waiting]
        self.end(incoming)
        new = Incoming(incoming.section, incoming.layer, incoming.ssrc, number, incoming.shape, now)
        new.sr, new.rate, new.keys = incoming.sr, incoming.rate, incoming.keys
        incoming.section.layers[incoming.layer] = new
        self.sources[incoming.ssrc] = new
        for line in (*lines, *waiting):
            line.waiting = new
            new.waiting.append(line)
        for source in self.sources.values():
            if isinstance(source, Repair) and source.source is incoming:
                source.source = new
        return new

    def stood_still(self, since: float) -> None:
        """When what was to leave from then on did leave is not known."""
        ring = self.ring
        for wide in range(self.wide, self.wide - SENT_SLOTS, -1):
            entry = ring[wide & SENT_SLOTS - 1]
            if entry is None:
                continue  # its feedback was there already
            if entry[0] is not None and entry[0] < since:
                return
            ring[wide & SENT_SLOTS - 1] = (None, entry[1])

    def matched(self, base: int, statuses: Statuses) -> list[Result]:
        """What a feedback says about the packets that we remember, each once where it arrived."""
        ring, wide, count = self.ring, self.wide, len(statuses)
        first = wide - ((wide - base) & 0xFFFF)
        begin, end = first & _SENT, (first & _SENT) + count
        if wide - SENT_SLOTS < first <= wide - count + 1 and end <= SENT_SLOTS:
            entries = ring[begin:end]
            if None not in statuses and None not in entries:
                # As it mostly is: all of it arrived, and none of it was told of before.
                ticks = cast(list[int], statuses)
                shift = self._turns(ticks[0])
                self.last_tick = ticks[-1] + shift
                ring[begin:end] = [None] * count
                self.heard_wide = max(self.heard_wide, first + count - 1)
                return [
                    (number, sent, size, (tick + shift) * TICK)
                    for number, (sent, size), tick in zip(
                        range(first, first + count), cast(list[Sent], entries), ticks, strict=True
                    )
                ]
        return self._matched_each(first, statuses)

    def _matched_each(self, first: int, statuses: Statuses) -> list[Result]:
        out: list[Result] = []
        ring, wide = self.ring, self.wide
        shift = None
        for number, tick in enumerate(statuses, first):
            if not wide - SENT_SLOTS < number <= wide:
                continue
            sent = ring[number & _SENT]
            if sent is None:
                continue
            if tick is None:
                # It may be said to have come later: the place is kept until then.
                if number > self.heard_wide:
                    out.append((number, sent[0], sent[1], None))
                continue
            if shift is None:
                shift = self._turns(tick)
            self.last_tick = tick + shift
            ring[number & _SENT] = None
            out.append((number, sent[0], sent[1], (tick + shift) * TICK))
        if out:
            self.heard_wide = max(self.heard_wide, out[-1][0])
        return out

    def _turns(self, tick: int) -> int:
        """Ticks between a feedback's and those counted on, from the first one of it that counts."""
        last = self.last_tick
        return 0 if last is None else (last - tick + _WRAP // 2) // _WRAP * _WRAP


def _layer(section: Section, rid: str | None) -> Layer | None:
    if rid is None:
        return Layer.HIGH
    if section.kind is Kind.CAMERA and rid in ("l", "m", "h"):
        return Layer(rid)
    # A screen is read, so there is one of it: whole, or not at all.
    return Layer.HIGH if section.kind is Kind.SCREEN and rid == "h" else None
