"""One room's media: what comes from one participant goes to the others, as they want it and can carry it.

No I/O and no clock: decrypted packets and times in, packets to encrypt out. `rtp` is the hot path: a packet
is looked at once, and a receiver of it costs one header.

Nothing waits here: what leaves, leaves with the packet that caused it, and what a path cannot carry is not
begun (`layers`). So a slow receiver has no queue that could grow.
"""

from typing import Final

from signaling.sfu import rtcp, rtp, transport_feedback, vp8
from signaling.sfu.cache import Kept
from signaling.sfu.control import Kind, Layer, ParticipantReport
from signaling.sfu.departures import Out, forward
from signaling.sfu.incoming import MAX_JUMP, MAX_STALE, Incoming, Repair, read_original
from signaling.sfu.line import Line
from signaling.sfu.loudness import Speakers
from signaling.sfu.participant import (
    MAX_MID,
    MAX_SECTIONS,
    PACKET_COST,
    REPAIR_RATE,
    Participant,
    Section,
)
from signaling.sfu.participant import StreamOut as StreamOut  # whoever subscribes names one
from signaling.sfu.payloads import RTX
from signaling.sfu.randomness import Rng
from signaling.sfu.receipts import patience, send_feedback, send_reports, tend
from signaling.sfu.reporting import report_of
from signaling.sfu.sayings import repair_all, take_blocks, take_sender_report
from signaling.sfu.steering import judge, probe_for
from signaling.sfu.trendline import Usage
from signaling.sfu.vp8 import PICTURE_IDS, SHORT_PICTURE_IDS
from signaling.sfu.waiting import ask, ask_waiting, wait

MAX_PARTICIPANTS: Final = 16
MAX_OUT: Final = 8192
"""Packets that wait to be taken. Beyond it packets are left out, as if they had been lost on their way."""

TICK: Final = 0.02
"""Seconds between ticks while media flows."""
IDLE_TICK: Final = 0.2
IDLE_AFTER: Final = 1.0
MAX_CAUGHT_UP: Final = 128
"""Packets that a line is sent at once, where the beginning of its key frame came after them."""
FEEDBACK_PACKETS: Final = 128
"""A feedback goes out early when it has so many packets to tell of."""
JUDGE_PERIOD: Final = 0.2
"""How often loudness and layers are judged."""

_CNAME_BYTES: Final = 8


class RoomFullError(Exception):
    """The caller lets in more participants than a room has places for."""

    code = "full"


class Forwarder:
    """One room. Sessions are the caller's names for participants; what is unknown of theirs is ignored,
    because a packet may cross with its sender's leaving.
    """

    def __init__(self, rng: Rng) -> None:
        self._rng = rng
        # SSRCs count up from a random one: none is given twice in a room, so none begins its sequence twice.
        self._next_ssrc = int.from_bytes(rng(4), "big")
        self._people: dict[bytes, Participant] = {}
        self._sections: dict[int, Section] = {}
        self._speakers = Speakers()
        self._out: Out = []
        self._changed: set[bytes] = set()
        self._judge_at = 0.0
        self._unjudged: list[Participant] = []
        self._flowed = float("-inf")
        self._losing: set[bytes] = set()

    # Who is here

    def join(self, session: bytes, device: bytes, now: float) -> None:
        """Raises RoomFullError, and ValueError where the session is here already."""
        if session in self._people:
            raise ValueError("the session is in the room")
        if len(self._people) >= MAX_PARTICIPANTS:
            raise RoomFullError
        cname = self._rng(_CNAME_BYTES).hex().encode()
        self._people[session] = Participant(session, device, self._new_ssrc(), cname, now)
        self._speakers.join(session)
        self._changed.add(session)

    def leave(self, session: bytes, now: float) -> None:
        person = self._people.get(session)
        if person is None:
            return
        for mid in [*person.sections]:
            self.unpublish(session, mid)
        for mid in [*person.lines]:
            self._drop_line(person, mid)
        del self._people[session]
        person.forget()
        self._speakers.leave(session)
        self._changed.discard(session)
        self._losing.discard(session)
        if person in self._unjudged:
            self._unjudged.remove(person)

    def publish(self, session: bytes, mid: str, kind: Kind) -> None:
        """One of the participant's own sections is in use. Raises ValueError beyond what one has."""
        person = self._people[session]
        if mid in person.sections:
            self.unpublish(session, mid)
        if len(person.sections) >= MAX_SECTIONS or len(mid) > MAX_MID:
            raise ValueError("no such section")
        ssrc = self._new_ssrc()
        repair = self._new_ssrc() if kind.media == "video" else None
        stream = StreamOut(session, person.device, kind, ssrc, repair)
        section = Section(person, mid, kind, stream)
        person.sections[mid] = section
        self._sections[ssrc] = section
        self._changed.update(other for other in self._people if other != session)

    def unpublish(self, session: bytes, mid: str) -> None:
        person = self._people.get(session)
        section = None if person is None else person.sections.pop(mid, None)
        if person is None or section is None:
            return
        for incoming in [*section.layers.values()]:
            person.end(incoming)
        for ssrc in [ssrc for ssrc, source in person.sources.items() if _section_of(source) is section]:
            del person.sources[ssrc]
        for line in [*section.lines]:
            self._forget_line(line)
        ssrc = section.stream.ssrc
        for other in self._people.values():
            other.parked.pop(ssrc, None)
        del self._sections[ssrc]
        self._changed.update(other for other in self._people if other != session)

    def streams_for(self, session: bytes) -> tuple[StreamOut, ...]:
        """Everything that the others publish."""
        return tuple(
            section.stream
            for other in self._people.values()
            if other.session != session
            for section in other.sections.values()
        )

    def changed(self) -> set[bytes]:
        """Whose `streams_for` changed since this was asked last."""
        changed, self._changed = self._changed, set()
        return changed

    def _new_ssrc(self) -> int:
        ssrc = self._next_ssrc or 1  # 0 is what some write where there is none
        self._next_ssrc = (ssrc + 1) & 0xFFFFFFFF
        return ssrc

    # Who gets what

    def subscribe(self, session: bytes, mid: str, stream: StreamOut) -> None:
        """The receiver's section `mid` has this stream from now on. One that has ended is no error."""
        receiver = self._people[session]
        section = self._sections.get(stream.ssrc)
        before = receiver.lines.get(mid)
        if before is not None:
            if before.section is section:
                return
            self._drop_line(receiver, mid)
        if section is None or section.owner is receiver or stream.ssrc in receiver.lines_by_ssrc:
            return
        line = receiver.parked.pop(stream.ssrc, None)
        if line is None:
            number, repair = (int.from_bytes(self._rng(2), "big") & 0x7FFF for _ in range(2))
            line = Line(receiver, section, mid, number, repair)
        line.mid = mid
        receiver.lines[mid] = line
        receiver.lines_by_ssrc[stream.ssrc] = line
        if stream.rtx_ssrc is not None:
            receiver.lines_by_ssrc[stream.rtx_ssrc] = line
        section.lines.append(line)
        if not section.video:
            line.aim = Layer.HIGH
            if (source := section.layers.get(Layer.HIGH)) is not None:
                wait(line, source)
        self._judge_at = 0.0

    def unsubscribe(self, session: bytes, mid: str) -> None:
        receiver = self._people.get(session)
        if receiver is not None and mid in receiver.lines:
            self._drop_line(receiver, mid)

    def wants(self, session: bytes, mid: str, layer: Layer, now: float) -> None:
        """How large the receiver shows what it gets on `mid`; NONE when it doesn't."""
        receiver = self._people.get(session)
        line = None if receiver is None else receiver.lines.get(mid)
        if line is not None and line.wish is not layer:
            line.wish = layer
            if line.section.video:
                self._judge_at = 0.0
            elif layer is Layer.NONE:
                line.aim = Layer.NONE
                line.stop()
            else:
                line.aim = Layer.HIGH
                if (source := line.section.layers.get(Layer.HIGH)) is not None and line.incoming is None:
                    wait(line, source)

    def _drop_line(self, receiver: Participant, mid: str) -> None:
        line = receiver.lines[mid]
        self._forget_line(line)
        receiver.parked[line.section.stream.ssrc] = line

    def _forget_line(self, line: Line) -> None:
        receiver, stream = line.receiver, line.section.stream
        line.stop()
        line.section.lines.remove(line)
        del receiver.lines[line.mid]
        del receiver.lines_by_ssrc[stream.ssrc]
        if stream.rtx_ssrc is not None:
            del receiver.lines_by_ssrc[stream.rtx_ssrc]

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
        self._judge_at = 0.0

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
                            self._judge_at = 0.0

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
            judge(self._out, person, self._speakers.order, now)

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
        self._judge_some(flowing, now)
        for person in self._people.values():
            if person.probe.running or person.needed > person.estimator.rate:
                probe_for(self._out, person, self._speakers.order, now)
        return now + (TICK if flowing else IDLE_TICK)

    def _judge_some(self, flowing: bool, now: float) -> None:
        """Everybody once in a period: one after the other, so that no packet waits for all of that at once.
        Where something changed, all of them now.
        """
        unjudged = self._unjudged
        some = -(-len(self._people) * TICK // JUDGE_PERIOD)
        if now >= self._judge_at:
            if self._judge_at == 0.0 or not flowing:
                unjudged.clear()
                some = MAX_PARTICIPANTS
            else:
                some += len(unjudged)  # of the last period: ticks may come late
            self._judge_at = now + JUDGE_PERIOD
            self._look_round(now)
            unjudged += self._people.values()
        judged, self._unjudged = unjudged[: int(some)], unjudged[int(some) :]
        for person in judged:
            self._judge(person, now)

    def _look_round(self, now: float) -> None:
        """What comes from everybody, and who speaks."""
        loudness: dict[bytes, float] = {}
        for person in self._people.values():
            for section in person.sections.values():
                for source in section.layers.values():
                    source.measure(now)
                if section.kind is Kind.AUDIO:
                    section.loudness.pause(now)
                    loudness[person.session] = max(section.loudness.value, loudness.get(person.session, 0.0))
        self._speakers.judge(loudness, now)

    def _judge(self, person: Participant, now: float) -> None:
        judge(self._out, person, self._speakers.order, now)
        level = person.repair_level + JUDGE_PERIOD * person.estimator.rate * REPAIR_RATE / 8
        person.repair_level = min(person.repair_burst, level)
        if person.wide != person.sent_at_check:
            person.sent_at_check = person.wide
            person.estimator.check(now)
        if person.loses(now):
            self._losing.add(person.session)
        else:
            self._losing.discard(person.session)

    # What comes of it

    def take(self) -> Out:
        """(session, packet, whether it is RTCP), in the order in which they are to leave."""
        out, self._out = self._out, []
        return out

    def losing(self) -> set[bytes]:
        """To whom each packet of a voice is to be sent twice."""
        return self._losing

    def stood_still(self, since: float) -> None:
        """The driver was held up between then and the sending of what it took."""
        for person in self._people.values():
            person.stood_still(since)

    def report(self, now: float) -> tuple[ParticipantReport, ...]:
        """How each participant fares, for people."""
        return tuple(report_of(person, now) for person in self._people.values())


def _section_of(source: Incoming | Repair) -> Section:
    return source.section if isinstance(source, Incoming) else source.source.section


def _counted_on(last: int, short: int) -> int:
    """A picture id of 7 bits among those of 15, nearest to the last."""
    if last < 0:
        return short
    return (last + ((short - last + 64) % SHORT_PICTURE_IDS) - 64) % PICTURE_IDS
