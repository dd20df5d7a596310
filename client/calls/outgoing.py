"""One stream that this device sends: its packets, those that are sent again, and its sender reports."""

from typing import Final

from aiortc.rtp import RtcpSenderInfo, RtcpSrPacket

from client.calls.rtp import AUDIO_CLOCK, VIDEO_CLOCK, Packet, build, nearest, vp8_payloads
from client.calls.sdp import LEVEL_URI, MID_URI, Section
from crypto.mls.bytes import Rng

HISTORY: Final = 512
"""Packets that can be sent again."""
_NTP_EPOCH_S: Final = 2_208_988_800
"""Seconds from 1900 to 1970."""


class Outgoing:
    """`section` is one of our own, of an offer that was answered."""

    def __init__(self, section: Section, rng: Rng) -> None:
        self.video = section.media == "video"
        self.clock = VIDEO_CLOCK if self.video else AUDIO_CLOCK
        self._section = section
        self._rng = rng
        # RFC 3550 §5.1: SSRC, timestamps and sequence numbers begin at random. The latter below 2^15, so that
        # SRTP does not have to guess how often they have wrapped.
        self.ssrc, self.rtx_ssrc = self._draw(4), self._draw(4)
        self._origin = self._draw(4)
        self._sequence, self._rtx_sequence = self._draw(2) >> 1, self._draw(2) >> 1
        self._begin = self._sequence
        self._picture = self._draw(2) >> 1
        self._history: dict[int, Packet] = {}
        self._last: tuple[int, float] | None = None
        self.packets = 0
        self._octets = 0

    def _draw(self, size: int) -> int:
        return int.from_bytes(self._rng(size), "big")

    def frame(self, sealed: bytes, at: int, level: int | None, now: float) -> list[bytes]:
        """The packets of a frame at `at`, in units of the clock from the beginning on; a sound has its level
        in dB below the loudest. `now` in seconds since 1970.
        """
        payloads = [sealed]
        if self.video:
            payloads = vp8_payloads(sealed, self._picture)
            self._picture += 1
        timestamp = (self._origin + at) & 0xFFFFFFFF
        self._last = timestamp, now
        extensions = self._extensions(level)
        out = []
        for place, payload in enumerate(payloads):
            packet = Packet(
                payload_type=self._section.payload_type,
                marker=self.video and place == len(payloads) - 1,
                sequence=self._sequence,
                timestamp=timestamp,
                ssrc=self.ssrc,
                payload=payload,
                extensions=extensions,
            )
            if self.video:
                self._history[self._sequence] = packet
                if len(self._history) > HISTORY:
                    del self._history[next(iter(self._history))]
            self._sequence = (self._sequence + 1) & 0xFFFF
            self.packets += 1
            self._octets += len(payload)
            out.append(build(packet))
        return out

    def _extensions(self, level: int | None) -> dict[int, bytes]:
        found: dict[int, bytes] = {}
        mid, loud = self._section.extension(MID_URI), self._section.extension(LEVEL_URI)
        if mid is not None:
            found[mid] = self._section.mid.encode()
        if loud is not None and level is not None:
            found[loud] = bytes((min(max(level, 0), 127),))  # RFC 6464 §3
        return found

    def again(self, sequence: int) -> bytes | None:
        """A packet under the SSRC of retransmissions (RFC 4588 §4); None when it is not known any more."""
        packet, rtx = self._history.get(sequence), self._section.rtx
        if packet is None or rtx is None:
            return None
        self._rtx_sequence = (self._rtx_sequence + 1) & 0xFFFF
        return build(
            Packet(
                payload_type=rtx,
                marker=packet.marker,
                sequence=self._rtx_sequence,
                timestamp=packet.timestamp,
                ssrc=self.rtx_ssrc,
                payload=sequence.to_bytes(2, "big") + packet.payload,
                extensions=packet.extensions,
            )
        )

    def count_up_to(self, sequence: int) -> int:
        """How many packets were sent up to a sequence number of the low 16 bits or more."""
        end = self._begin + self.packets - 1
        return max(nearest(sequence & 0xFFFF, end) - self._begin + 1, 0)

    def report(self, now: float) -> bytes | None:
        """A sender report (RFC 3550 §6.4.1); None before the first frame."""
        if self._last is None:
            return None
        timestamp, at = self._last
        info = RtcpSenderInfo(
            ntp_timestamp=ntp(now),
            rtp_timestamp=(timestamp + int((now - at) * self.clock)) & 0xFFFFFFFF,
            packet_count=self.packets & 0xFFFFFFFF,
            octet_count=self._octets & 0xFFFFFFFF,
        )
        return bytes(RtcpSrPacket(ssrc=self.ssrc, sender_info=info))


def ntp(now: float) -> int:
    """RFC 3550 §4: seconds since 1900, with 32 bits after the point."""
    return int((now + _NTP_EPOCH_S) * (1 << 32))
