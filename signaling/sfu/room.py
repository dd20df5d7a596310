"""Who is in a room, what they publish, and who gets which of it."""

from typing import Final

from signaling.sfu.control import Kind, Layer
from signaling.sfu.incoming import Incoming, Repair
from signaling.sfu.line import Line
from signaling.sfu.participant import MAX_MID, MAX_SECTIONS, Participant, Section
from signaling.sfu.participant import StreamOut as StreamOut  # whoever subscribes names one
from signaling.sfu.randomness import Rng
from signaling.sfu.rounds import Rounds
from signaling.sfu.waiting import wait

MAX_PARTICIPANTS: Final = 16
_CNAME_BYTES: Final = 8


class RoomFullError(Exception):
    """The caller lets in more participants than a room has places for."""

    code = "full"


class Room:
    """Sessions are the caller's names for participants; what is unknown of theirs is ignored, because what is
    said of one may cross with its leaving.
    """

    def __init__(self, rng: Rng) -> None:
        self._rng = rng
        # SSRCs count up from a random one: none is given twice in a room, so none begins its sequence twice.
        self._next_ssrc = int.from_bytes(rng(4), "big")
        self._people: dict[bytes, Participant] = {}
        self._sections: dict[int, Section] = {}
        self._rounds = Rounds(self._people)
        self._changed: set[bytes] = set()

    # Who is here

    def join(self, session: bytes, device: bytes, now: float) -> None:
        """Raises RoomFullError, and ValueError where the session is here already."""
        if session in self._people:
            raise ValueError("the session is in the room")
        if len(self._people) >= MAX_PARTICIPANTS:
            raise RoomFullError
        cname = self._rng(_CNAME_BYTES).hex().encode()
        self._people[session] = Participant(session, device, self._new_ssrc(), cname, now)
        self._rounds.join(session)
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
        self._rounds.leave(person)
        self._changed.discard(session)

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
        self._rounds.soon()

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
                self._rounds.soon()
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


def _section_of(source: Incoming | Repair) -> Section:
    return source.section if isinstance(source, Incoming) else source.source.section
