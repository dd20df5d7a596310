"""One room's media: what comes from one participant goes to the others, as they want it and can carry it.

No I/O and no clock: decrypted packets and times in, packets to encrypt out. `rtp` is the hot path: a packet
is looked at once, and a receiver of it costs one header.

Nothing waits here: what leaves, leaves with the packet that caused it, and what a path cannot carry is not
begun (`layers`). So a slow receiver has no queue that could grow.
"""

from typing import Final

from signaling.sfu import rtcp, rtp, transport_feedback, vp8
from signaling.sfu.cache import Kept
from signaling.sfu.control import Layer, ParticipantReport
from signaling.sfu.departures import Out, forward
from signaling.sfu.incoming import MAX_JUMP, MAX_STALE, Incoming, Repair, read_original
from signaling.sfu.participant import PACKET_COST, Participant
from signaling.sfu.payloads import RTX
from signaling.sfu.randomness import Rng
from signaling.sfu.receipts import patience, send_feedback, send_reports, tend
from signaling.sfu.reporting import report_of
from signaling.sfu.room import Room
from signaling.sfu.rounds import TICK
from signaling.sfu.sayings import repair_all, take_blocks, take_sender_report
from signaling.sfu.steering import judge, probe_for
from signaling.sfu.trendline import Usage
from signaling.sfu.vp8 import PICTURE_IDS, SHORT_PICTURE_IDS
from signaling.sfu.waiting import ask, ask_waiting, wait

MAX_OUT: Final = 8192
"""Packets that wait to be taken. Beyond it packets are left out, as if they had been lost on their way."""

IDLE_TICK: Final = 0.2
IDLE_AFTER: Final = 1.0
MAX_CAUGHT_UP: Final = 128
"""Packets that a line is sent at once, where the beginning of its key frame came after them."""
FEEDBACK_PACKETS: Final = 128
"""A feedback goes out early when it has so many packets to tell of."""


class Forwarder(Room):
    """A room whose media flows."""

    def __init__(self, rng: Rng) -> None:
        super().__init__(rng)
        self._out: Out = []
        self._flowed = float("-inf")

    # Media

    def rtp(self, session: bytes, packet: bytes, now: float) -> None:
        """A decrypted RTP packet from a participant. What is no packet of a published section is dropped."""
        person = self._people.get(session)
        length = len(packet)
        if person is None or not rtp.HEADER <= length <= rtp.MAX_PACKET:
            return
        cost = length + PACKET_COST
        person.allowance -= cost
        if (person.allowance < 0 and not person.may_send(cost, now)) or len(self._out) > MAX_OUT:
            return
        _, marked, number, timestamp, ssrc = rtp.read_fixed(packet)
        source = person.sources.get(ssrc)
        if source is None:
            source = person.discover(packet, ssrc, number, now)
            if source is None:
                return
            if isinstance(source, Incoming):
                self._appeared(source)
        shape = source.shape
        if shape.fits(packet):
            end = length
        else:
            found = rtp.shape_of(packet)
            if found is None:
                return
            shape, end = found, found.end
            if shape.reusable:
                source.shape = shape
        if shape.wide:
            noted = person.arrivals.noted
            noted.append((packet[shape.wide] << 8 | packet[shape.wide + 1], now))
            if len(noted) >= FEEDBACK_PACKETS:
                send_feedback(self._out, person, now)
        source.at = now
        payload = shape.payload
        if isinstance(source, Repair):
            # RFC 4588 §4: two bytes of the original number, then the original payload. Only padding has none.
            if end < payload + 2 or marked & 0x7F != RTX:
                return
            number = read_original(packet, payload)[0]
            payload += 2
            source = source.source
            repaired = True
            marked = marked & rtp.MARKER | source.payload_type
        elif marked & 0x7F == source.payload_type:
            repaired = False
        else:
            return
        if source.ended or end - payload > rtp.MAX_PAYLOAD:
            return
        self._flowed = now
        highest = source.highest
        ahead = (number - highest) & 0xFFFF
        if 0 < ahead < 0x8000:
            if repaired:
                return  # What never came is not repaired: somebody invents numbers.
            sequence = highest + ahead
            if ahead > 1:
                if ahead > MAX_JUMP:
                    source = person.renew(source, number, now)
                    sequence = number
                    ask_waiting(self._out, source, now)
                elif source.video and not source.missing.add(highest + 1, sequence, now):
                    ask_waiting(self._out, source, now)
            late = False
        else:
            sequence = highest - ((highest - number) & 0xFFFF)
            if sequence <= highest - len(source.cache.slots):
                source.stale += 1
                if source.stale > MAX_STALE and not repaired:
                    source = person.renew(source, number, now)
                    sequence = number
                    ask_waiting(self._out, source, now)
                    late = False
                else:
                    return
            elif source.cache.get(sequence) is not None:
                return  # It was here.
            else:
                late = True
        self._take_in(
            source, packet, sequence, marked, timestamp, payload, end, shape.level, late, repaired, now
        )

    def _take_in(
        self,
        source: Incoming,
        packet: bytes,
        sequence: int,
        marked: int,
        timestamp: int,
        payload: int,
        end: int,
        level_at: int,
        late: bool,
        repaired: bool,
        now: float,
    ) -> None:
        """A packet that was not here before: keep it, count it, forward it."""
        begins_key_frame = False
        if source.video:
            flags, picture, tl0 = 0, -1, -1
            if payload < end:
                found = vp8.parse(packet, payload, end)
                if found is None:
                    return
                begins_key_frame, flags, picture, tl0, payload = found
                if picture < vp8.NO_PICTURE:
                    picture = _counted_on(source.picture, -2 - picture)
            kept: Kept = (sequence, marked, timestamp, flags, picture, tl0, packet[payload:end])
        else:
            level = packet[level_at] if level_at else -1
            kept = (sequence, marked, timestamp, level, -1, -1, packet[payload:end])
            if level_at:
                source.section.loudness.heard(level & 0x7F, now)
        source.cache.put(kept)
        lines = source.lines
        if late:
            if source.video:
                took = source.missing.came(sequence, now, patience(source))
                if took is not None:
                    source.section.owner.note_round_trip(took)
            source.repaired += repaired
            lines = [line for line in lines if line.first <= sequence]
            if begins_key_frame and sequence > source.key:
                self._begin_late(source, kept, now)
        else:
            if timestamp != source.timestamp:
                source.note_jitter(timestamp, now)
                source.timestamp = timestamp
            source.highest = sequence
            source.stale = 0
            if source.video and kept[4] >= 0:
                source.picture = kept[4]
                source.tl0 = kept[5]
            if begins_key_frame:
                source.begins_key_frame(sequence, now)
            if source.waiting and (begins_key_frame or not source.video):
                self._begin(source, kept, now)
        source.packets += 1
        source.octets += end - payload
        if lines:
            forward(self._out, source, lines, kept, now)

    def _appeared(self, source: Incoming) -> None:
        """A new source. Whoever hears or sees its section is given it."""
        if not source.video:
            for line in source.section.lines:
                if line.aim is not Layer.NONE:
                    wait(line, source)
        self._rounds.soon()

    def _begin(self, source: Incoming, kept: Kept, now: float) -> None:
        for line in source.waiting:
            line.waiting = None
            line.begin(source, kept, now)
            if source.sr is not None and (report := line.sender_report(now)) is not None:
                self._out.append((line.receiver.session, report, True))
        source.waiting.clear()

    def _begin_late(self, source: Incoming, kept: Kept, now: float) -> None:
        """The beginning of a key frame was overtaken, or lost and repaired: what follows it is here."""
        source.begins_key_frame(kept[0], now)
        begun = [*source.waiting]
        if not begun or source.highest - kept[0] > MAX_CAUGHT_UP:
            return
        self._begin(source, kept, now)
        forward(self._out, source, begun, kept, now)
        for sequence in range(kept[0] + 1, source.highest + 1):
            if (after := source.cache.get(sequence)) is not None:
                forward(self._out, source, begun, after, now)
                for line in begun:
                    line.packets += 1
                    line.octets += len(after[6])

    # What participants say

    def rtcp(self, session: bytes, compound: bytes, now: float) -> None:
        """Decrypted RTCP from a participant. What is malformed is dropped whole."""
        person = self._people.get(session)
        if person is None or not person.may_report(now):
            return
        for part in rtcp.parse(compound) or ():
            match part:
                case rtcp.WideFeedback(body):
                    self._take_feedback(person, body, now)
                case rtcp.SenderReport():
                    take_sender_report(self._out, person, part, now)
                    take_blocks(person, part.blocks, now)
                case rtcp.ReceiverReport(_, blocks):
                    take_blocks(person, blocks, now)
                case rtcp.Nack(ssrc, numbers):
                    line = person.lines_by_ssrc.get(ssrc)
                    if line is not None and ssrc == line.section.stream.ssrc:
                        repair_all(self._out, line, numbers, now)
                case rtcp.KeyFrameRequest(ssrcs):
                    for ssrc in ssrcs:
                        line = person.lines_by_ssrc.get(ssrc)
                        source = None if line is None else line.waiting or line.incoming
                        if line is not None and source is not None and source.video:
                            ask(self._out, source, line.requester, now)
                case rtcp.Goodbye(ssrcs):
                    for ssrc in ssrcs:
                        source_or_repair = person.sources.pop(ssrc, None)
                        if isinstance(source_or_repair, Incoming) and not source_or_repair.ended:
                            person.end(source_or_repair)
                            self._rounds.soon()

    def _take_feedback(self, person: Participant, body: bytes, now: float) -> None:
        read = transport_feedback.read(body)
        if read is None:
            return
        results = person.matched(*read)
        if person.estimator.feedback(results, person.round_trip, now):
            person.probe.afresh(now)
        person.loss_down = person.estimator.loss
        probe = person.probe
        if probe.running:
            probe.results(results)
        if person.estimator.usage is Usage.OVER:
            judge(self._out, person, self._rounds.order, now)

    # What is due

    def tick(self, now: float) -> float:
        """Does what is due: feedback, reports, requests, layers, padding. Gives when to call next."""
        for person in self._people.values():
            for source in person.sources.values():
                if isinstance(source, Incoming) and (
                    source.waiting or source.missing.waiting or source.broken
                ):
                    tend(self._out, person, source, now)
            if now >= person.feedback_at:
                send_feedback(self._out, person, now)
            if now >= person.report_at:
                send_reports(self._out, person, now)
        flowing = now - self._flowed < IDLE_AFTER
        self._rounds.tick(self._out, flowing, now)
        for person in self._people.values():
            if person.probe.running or person.needed > person.estimator.rate:
                probe_for(self._out, person, self._rounds.order, now)
        return now + (TICK if flowing else IDLE_TICK)

    # What comes of it

    def take(self) -> Out:
        """(session, packet, whether it is RTCP), in the order in which they are to leave."""
        out, self._out = self._out, []
        return out

    def losing(self) -> set[bytes]:
        """To whom each packet of a voice is to be sent twice."""
        return self._rounds.losing

    def stood_still(self, since: float) -> None:
        """The driver was held up between then and the sending of what it took."""
        for person in self._people.values():
            person.stood_still(since)

    def report(self, now: float) -> tuple[ParticipantReport, ...]:
        """How each participant fares, for people."""
        return tuple(report_of(person, now) for person in self._people.values())


def _counted_on(last: int, short: int) -> int:
    """A picture id of 7 bits among those of 15, nearest to the last."""
    if last < 0:
        return short
    return (last + ((short - last + 64) % SHORT_PICTURE_IDS) - 64) % PICTURE_IDS
