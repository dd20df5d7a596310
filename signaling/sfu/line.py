"""One stream as one receiver gets it: a single continuous source, whichever layers it is made of.

Within a stretch everything of the source is shifted by constants, so gaps and lateness of the source stay
what they are. At the beginning of a stretch, which in video is a key frame, the constants are chosen so that
sequence numbers, timestamps and picture ids go on where the stretch before ended.

A sequence number leaves once: with AES-GCM the same number over another header would give the key of its
authentication away (RFC 7714 §8.1). A line that ends is kept by its receiver, so that it goes on counting
when it begins anew.
"""

from collections import deque
from typing import TYPE_CHECKING, Final

from signaling.sfu import rtcp
from signaling.sfu.cache import Kept
from signaling.sfu.control import Kind, Layer
from signaling.sfu.incoming import NTP_FRACTION, Incoming
from signaling.sfu.key_frames import SWITCH_BURST, SWITCH_REFILL, Requester
from signaling.sfu.sequence import ahead, nearest
from signaling.sfu.vp8 import PICTURE_IDS

if TYPE_CHECKING:
    from signaling.sfu.participant import Participant, Section

MAX_TIME_LEAP: Final = 10.0
"""Seconds by which a sender's clocks may disagree with ours about a pause; beyond it ours is believed."""
MAX_RESENDS: Final = 256
MIN_RESEND_GAP: Final = 0.02


class Line:
    __slots__ = (
        "aim",
        "asked_at",
        "first",
        "incoming",
        "last_at",
        "last_picture",
        "last_sequence",
        "last_timestamp",
        "last_tl0",
        "mid",
        "octets",
        "packets",
        "picture",
        "receiver",
        "reference",
        "repair_sequence",
        "requester",
        "resent",
        "section",
        "sent_reports",
        "sequence",
        "switcher",
        "timestamp",
        "tl0",
        "waiting",
        "wish",
    )

    def __init__(
        self, receiver: "Participant", section: "Section", mid: str, number: int, repair: int
    ) -> None:
        """`number` and `repair` are where the two sequences begin, below 2^15 (RFC 3711 §3.3.1)."""
        self.receiver = receiver
        self.section = section
        self.mid = mid
        self.wish = Layer.HIGH if section.kind is Kind.SCREEN else Layer.MIDDLE
        self.aim = Layer.NONE
        """What the receiver should get. It gets `incoming`, and `waiting` from its next key frame on."""
        self.incoming: Incoming | None = None
        self.waiting: Incoming | None = None
        self.asked_at = 0.0
        self.requester = Requester()
        """Of the receiver's own requests for key frames;"""
        self.switcher = Requester(SWITCH_BURST, SWITCH_REFILL)
        """and of ours, when it changes over to another layer."""
        # The present stretch: its first sequence number at the source, and what everything is shifted by.
        self.first = 0
        self.sequence = self.timestamp = self.picture = self.tl0 = 0
        # What left last, as of the end of the last stretch.
        self.last_sequence = number - 1
        self.last_timestamp: int | None = None
        self.last_picture = -1
        self.last_tl0 = -1
        self.last_at = 0.0
        # The sender's clock at one of our timestamps.
        self.reference: tuple[int, float] | None = None
        self.packets = self.octets = 0
        self.repair_sequence = repair
        self.resent: dict[int, float] = {}
        # Middle bits of the NTP time of reports that were sent, and when.
        self.sent_reports: deque[tuple[int, float]] = deque(maxlen=4)

    @property
    def newest(self) -> int:
        """The highest sequence number that left."""
        return self.last_sequence if self.incoming is None else self.incoming.highest + self.sequence

    @property
    def newest_timestamp(self) -> int:
        if self.incoming is None:
            return self.last_timestamp or 0
        return (self.incoming.timestamp + self.timestamp) & 0xFFFFFFFF

    def begin(self, incoming: Incoming, kept: Kept, now: float) -> None:
        """A stretch of `incoming` whose first packet is `kept`, which is not counted yet."""
        self.end()
        first, _, timestamp, _, picture, tl0, _ = kept
        self.incoming = incoming
        self.first = first
        self.sequence = self.last_sequence + 1 - first
        if self.last_timestamp is None:
            self.timestamp = 0
        else:
            self.timestamp = self._continued(incoming, timestamp, now) - timestamp
        if picture >= 0 and self.last_picture >= 0:
            self.picture = (self.last_picture + 1 - picture) % PICTURE_IDS
        if tl0 >= 0 and self.last_tl0 >= 0:
            self.tl0 = (self.last_tl0 + 1 - tl0) & 0xFF
        self.packets -= incoming.packets
        self.octets -= incoming.octets
        incoming.lines.append(self)

    def _continued(self, incoming: Incoming, timestamp: int, now: float) -> int:
        """What a stretch that begins at `timestamp` goes on with: by the sender's clock, or by ours."""
        assert self.last_timestamp is not None
        by_us = self.last_timestamp + max(1, round((now - self.last_at) * incoming.clock))
        there = incoming.ntp_of(timestamp)
        if there is None or self.reference is None:
            return by_us
        by_sender = self.reference[0] + round((there - self.reference[1]) * incoming.clock)
        leap = ahead(by_sender, by_us)
        if abs(leap) > MAX_TIME_LEAP * incoming.clock:
            return by_us
        # Layers of one moment have one time: two frames must not. Time doesn't run back either.
        return self.last_timestamp + max(1, ahead(by_sender, self.last_timestamp))

    def end(self) -> None:
        """The present stretch ends: nothing more of its source leaves here."""
        incoming = self.incoming
        if incoming is None:
            return
        self.last_sequence = incoming.highest + self.sequence
        self.last_timestamp = (incoming.timestamp + self.timestamp) & 0xFFFFFFFF
        if incoming.picture >= 0:
            self.last_picture = (incoming.picture + self.picture) % PICTURE_IDS
        if incoming.tl0 >= 0:
            self.last_tl0 = (incoming.tl0 + self.tl0) & 0xFF
        self.last_at = incoming.at
        if incoming.sr is not None:
            ntp, timestamp, _ = incoming.sr
            self.reference = ((timestamp + self.timestamp) & 0xFFFFFFFF, ntp / NTP_FRACTION)
        self.packets += incoming.packets
        self.octets += incoming.octets
        incoming.lines.remove(self)
        self.incoming = None

    def stop_waiting(self) -> None:
        if self.waiting is not None:
            self.waiting.waiting.remove(self)
            self.waiting = None

    def stop(self) -> None:
        self.stop_waiting()
        self.end()

    def original(self, number: int) -> int | None:
        """What left here under a number of 16 bits is this one at the source.

        None where nobody needs it any more: a picture that is whole begins with the last key frame.
        """
        incoming = self.incoming
        if incoming is None:
            return None
        original = nearest(number, self.newest) - self.sequence
        return original if max(self.first, incoming.key) <= original <= incoming.highest else None

    def may_resend(self, sequence: int, now: float) -> bool:
        """Once in a round trip: who asks twice within it has not seen the answer yet."""
        last = self.resent.get(sequence)
        if last is not None and now - last < max(MIN_RESEND_GAP, 0.8 * self.receiver.there_and_back):
            return False
        if len(self.resent) >= MAX_RESENDS:
            self.resent.pop(next(iter(self.resent)))
        self.resent[sequence] = now
        return True

    def sender_report(self, now: float) -> bytes | None:
        """The sender's last report as it is true of this line: its clock, our timestamps and counts."""
        incoming = self.incoming
        if incoming is None or incoming.sr is None:
            return None
        ntp, timestamp, _ = incoming.sr
        self.sent_reports.append((ntp >> 16 & 0xFFFFFFFF, now))
        ssrc = self.section.stream.ssrc
        return rtcp.sender_report(
            ssrc,
            ntp,
            timestamp + self.timestamp,
            self.packets + incoming.packets,
            self.octets + incoming.octets,
        ) + rtcp.source_description(ssrc, self.section.owner.cname)

    def round_trip(self, block: rtcp.Block, now: float) -> float | None:
        """RFC 3550 §6.4.1: since that report left, without the time that it lay there."""
        if block.last_sr:
            for middle, at in self.sent_reports:
                if middle == block.last_sr:
                    return max(0.0, now - at - block.delay / 65536)
        return None
