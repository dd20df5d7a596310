"""The media of one connection to the unit, without the connection: packets in, packets out, and time is an
argument.

What comes is put together, opened, decoded and counted; what goes is sealed first. Milliseconds are those of
a monotonic clock, `wall` is seconds since 1970.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from aiortc.rtp import (
    RTCP_PSFB_FIR,
    RTCP_PSFB_PLI,
    RTCP_RTPFB_NACK,
    RtcpPacket,
    RtcpPsfbPacket,
    RtcpReceiverInfo,
    RtcpRrPacket,
    RtcpRtpfbPacket,
    RtcpSrPacket,
)

from client.calls.assembly import Assembly
from client.calls.frames import Frames, Tally
from client.calls.media import AudioDecoder, VideoDecoder, level_of
from client.calls.outgoing import Outgoing, ntp
from client.calls.rtp import Packet, nearest, parse
from client.calls.sdp import OWN, WIDE_URI, Offer, Section
from client.calls.wide_feedback import TICKS_IN_S, Arrivals
from crypto.mls.bytes import Rng
from crypto.sframe.clear_bytes import codec_of
from crypto.sframe.kid import Kind

KINDS: Final[Mapping[str, Kind]] = {
    "audio": Kind.AUDIO,
    "camera": Kind.CAMERA,
    "screen": Kind.SCREEN,
    "screen_audio": Kind.SCREEN_AUDIO,
}
FEEDBACK_EVERY_MS: Final = 100
REPORT_EVERY_MS: Final = 1_000
MAX_RTCP: Final = 1500
MAX_AGAIN: Final = 64
"""Packets that one request gets again."""
_RTPFB, _WIDE = 205, 15
_MAX_BLOCKS: Final = 31
"""RFC 3550 §6.4.2: in one report."""


@dataclass(slots=True)
class Heard:
    """What the unit says of one stream that we send (RFC 3550 §6.4.1)."""

    packets: int = 0
    """That it knows to have been sent: those up to the highest that came."""
    lost: int = 0
    round_trip_s: float | None = None


@dataclass(slots=True)
class _Coming:
    """A stream that is received."""

    mid: str
    kind: Kind
    ssrc: int
    assembly: Assembly
    decoder: VideoDecoder | AudioDecoder
    first: int | None = None
    highest: int = 0
    reported: tuple[int, int] = (0, 0)
    sent_report: tuple[int, int] | None = None
    """Of its sender's last report: the middle of its NTP time, when it came (ms)."""


@dataclass(slots=True)
class _Due:
    feedback: int = 0
    report: int = 0


@dataclass(slots=True)
class Connection:
    frames: Frames
    rng: Rng
    wants_key: bool = True
    """Somebody begins to look: the next picture is to be a key frame."""
    heard: dict[Kind, Heard] = field(default_factory=dict)
    going: dict[Kind, Outgoing] = field(default_factory=dict)
    _coming: dict[str, _Coming] = field(default_factory=dict)
    _by_ssrc: dict[int, _Coming] = field(default_factory=dict)
    _repairs: dict[int, _Coming] = field(default_factory=dict)
    _first: dict[Kind, int] = field(default_factory=dict)
    _arrivals: Arrivals = field(default_factory=Arrivals)
    _wide: int | None = None
    _due: _Due = field(default_factory=_Due)

    def negotiated(
        self, offer: Offer, streams: Mapping[str, tuple[str, Kind]], sends: frozenset[Kind]
    ) -> None:
        """An offer that is answered. `streams`: whose device and what, by the section's mid."""
        for kind, section in zip(OWN, offer.sections, strict=False):
            if kind in sends and kind not in self.going:
                self.going[kind] = Outgoing(section, self.rng)
        self._wide = next(
            (one for section in offer.sections if (one := section.extension(WIDE_URI)) is not None), None
        )
        for section in offer.sections[len(OWN) :]:
            self._receive(section, streams.get(section.mid))
        self._by_ssrc = {one.ssrc: one for one in self._coming.values()}
        self._repairs = {
            section.rtx_ssrc: self._coming[section.mid]
            for section in offer.sections
            if section.rtx_ssrc is not None and section.mid in self._coming
        }

    def _receive(self, section: Section, stream: tuple[str, Kind] | None) -> None:
        mid, ssrc = section.mid, section.ssrc
        if section.direction != "sendonly" or ssrc is None or stream is None:
            self._coming.pop(mid, None)
            self.frames.forget(mid)
            return
        who, kind = stream
        if (codec_of(kind) == "vp8") is not (section.media == "video"):
            return  # the section is of another medium than what the list says: not heard
        self.frames.expect(mid, who, kind)
        known = self._coming.get(mid)
        if known is None or known.ssrc != ssrc or known.kind != kind:
            video = section.media == "video"
            decoder = VideoDecoder() if video else AudioDecoder()
            self._coming[mid] = _Coming(mid, kind, ssrc, Assembly(video), decoder)

    # What goes

    def send(self, kind: Kind, frame: bytes, at: int, level: int | None, wall: float) -> list[bytes]:
        """A frame's packets; none while nothing may be sent."""
        going = self.going.get(kind)
        sealed = None if going is None else self.frames.seal(kind, frame)
        if going is None or sealed is None:
            return []
        return going.frame(sealed, at, level, wall)

    # What comes

    def rtp(self, data: bytes, now: int) -> None:
        packet = parse(data)
        if packet is None:
            return
        wide = None if self._wide is None else packet.extensions.get(self._wide)
        if wide is not None and len(wide) == 2:
            self._arrivals.note(int.from_bytes(wide, "big"), now * TICKS_IN_S // 1000)
        stream = self._by_ssrc.get(packet.ssrc)
        if stream is not None:
            if stream.first is None:
                stream.first = stream.highest = packet.sequence
            stream.highest = max(stream.highest, nearest(packet.sequence, stream.highest))
        elif (stream := self._repairs.get(packet.ssrc)) is not None:
            # RFC 4588 §4. Without the number it is padding, which only measures the path.
            if len(packet.payload) < 2:
                return
            packet = _repaired(packet, stream.ssrc)
        else:
            return
        self._show(stream, stream.assembly.add(packet, now), now)

    def _show(self, stream: _Coming, whole: list[bytes], now: int) -> None:
        for frame in whole:
            opened = self.frames.open(stream.mid, frame, now)
            if opened is None or not _decoded(stream, *opened):
                stream.assembly.undecodable()

    def rtcp(self, data: bytes, now: int, wall: float) -> list[bytes]:
        """Packets that are to be sent again."""
        if len(data) > MAX_RTCP:
            return []
        try:
            parts = RtcpPacket.parse(data)
        except ValueError:
            return []  # a part is malformed: none of them is believed
        out: list[bytes] = []
        for part in parts:
            match part:
                case RtcpSrPacket():
                    self._sent(part, now)
                    self._reported(part.reports, wall)
                case RtcpRrPacket():
                    self._reported(part.reports, wall)
                case RtcpPsfbPacket(fmt=fmt) if fmt in (RTCP_PSFB_PLI, RTCP_PSFB_FIR):
                    self.wants_key = True
                case RtcpRtpfbPacket(fmt=fmt, media_ssrc=ssrc, lost=lost) if fmt == RTCP_RTPFB_NACK:
                    out += self._again(ssrc, lost)
                case _:
                    pass  # goodbyes and names: the offers say who is there
        return out

    def _sent(self, report: RtcpSrPacket, now: int) -> None:
        stream = self._by_ssrc.get(report.ssrc)
        if stream is not None:
            stream.sent_report = report.sender_info.ntp_timestamp >> 16 & 0xFFFFFFFF, now

    def _reported(self, blocks: list[RtcpReceiverInfo], wall: float) -> None:
        for block in blocks:
            kind = next((kind for kind, one in self.going.items() if one.ssrc == block.ssrc), None)
            if kind is None:
                continue
            heard = self.heard.setdefault(kind, Heard())
            heard.packets = max(heard.packets, self.going[kind].count_up_to(block.highest_sequence))
            heard.lost = block.packets_lost
            if block.lsr:
                # RFC 3550 §6.4.1: in units of 1/65536 seconds.
                passed = (ntp(wall) >> 16) - block.lsr - block.dlsr & 0xFFFFFFFF
                if passed < 1 << 31:
                    heard.round_trip_s = passed / 65536

    def _again(self, ssrc: int, lost: list[int]) -> list[bytes]:
        going = next((one for one in self.going.values() if one.ssrc == ssrc), None)
        if going is None:
            return []
        found = (going.again(number) for number in lost[:MAX_AGAIN])
        return [one for one in found if one is not None]

    # Now and then

    def due(self, now: int, wall: float) -> list[bytes]:
        """To be called every few ten milliseconds: what is to be sent."""
        out: list[bytes] = []
        for stream in self._coming.values():
            whole, wants = stream.assembly.due(now)
            self._show(stream, whole, now)
            if wants.lost:
                nack = RtcpRtpfbPacket(fmt=RTCP_RTPFB_NACK, ssrc=self._own, media_ssrc=stream.ssrc)
                nack.lost = list(wants.lost)
                out.append(bytes(nack))
            if wants.key_frame:
                out.append(bytes(RtcpPsfbPacket(fmt=RTCP_PSFB_PLI, ssrc=self._own, media_ssrc=stream.ssrc)))
        if now >= self._due.feedback:
            self._due.feedback = now + FEEDBACK_EVERY_MS
            body = self._arrivals.body()
            if body is not None:
                out.append(self._wide_feedback(body))
        if now >= self._due.report:
            self._due.report = now + REPORT_EVERY_MS
            reports = (going.report(wall) for going in self.going.values())
            out += [one for one in reports if one is not None]
            blocks = [_block(one, now) for one in self._coming.values() if one.first is not None]
            if blocks:
                out.append(bytes(RtcpRrPacket(ssrc=self._own, reports=blocks[:_MAX_BLOCKS])))
        return out

    @property
    def _own(self) -> int:
        """The SSRC that our feedback comes from."""
        return next((one.ssrc for one in self.going.values()), 1)

    def _wide_feedback(self, body: bytes) -> bytes:
        media = next(iter(self._by_ssrc), 0)
        content = self._own.to_bytes(4, "big") + media.to_bytes(4, "big") + body
        head = bytes((0x80 | _WIDE, _RTPFB)) + (len(content) // 4).to_bytes(2, "big")
        return head + content


def _repaired(packet: Packet, ssrc: int) -> Packet:
    number = int.from_bytes(packet.payload[:2], "big")
    return Packet(packet.payload_type, packet.marker, number, packet.timestamp, ssrc, packet.payload[2:], {})


def _decoded(stream: _Coming, frame: bytes, tally: Tally) -> bool:
    if isinstance(stream.decoder, VideoDecoder):
        pictures = stream.decoder.decode(frame)
        if pictures is None:
            tally.undecodable += 1
            return False
        tally.pictures += len(pictures)
        for picture in pictures:
            tally.size = picture.width, picture.height
        return True
    sounds = stream.decoder.decode(frame)
    if sounds is None:
        tally.undecodable += 1
        return True  # the next one does not depend on it
    for sound in sounds:
        level = -level_of(sound)
        tally.loudest = level if tally.loudest is None else max(tally.loudest, level)
    return True


def _block(stream: _Coming, now: int) -> RtcpReceiverInfo:
    """RFC 3550 §6.4.1, §A.3."""
    assert stream.first is not None
    expected, came = stream.highest - stream.first + 1, stream.assembly.packets
    expected_since, came_since = expected - stream.reported[0], came - stream.reported[1]
    stream.reported = expected, came
    lost_since = max(expected_since - came_since, 0)
    lsr, dlsr = 0, 0
    if stream.sent_report is not None:
        lsr, at = stream.sent_report
        dlsr = (now - at) * 65536 // 1000
    return RtcpReceiverInfo(
        ssrc=stream.ssrc,
        fraction_lost=min(lost_since * 256 // expected_since, 255) if expected_since > 0 else 0,
        packets_lost=max(min(expected - came, 0x7FFFFF), 0),
        highest_sequence=stream.highest & 0xFFFFFFFF,
        jitter=0,
        lsr=lsr,
        dlsr=min(dlsr, 0xFFFFFFFF),
    )
