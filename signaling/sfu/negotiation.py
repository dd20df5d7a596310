"""One session's offers and answers: which stream lies in which section, and one open offer at a time.

`Negotiation` is immutable: `offer` and `answer` give the next one.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from signaling.sfu.control import KINDS, MAX_SECTIONS
from signaling.sfu.ice import Credentials
from signaling.sfu.sdp import OWN, Answer, Offer, SdpError, Section, Stream, Transport, read_answer


@dataclass(frozen=True, slots=True)
class Negotiation:
    number: int
    transport: Transport
    seq: int = 0  # of the next offer
    last: Offer | None = None  # the newest offer
    open: bool = False  # it has no answer yet
    settled: tuple[Section, ...] = ()  # the sections of the last offer that was answered
    answer: Answer | None = None  # to that one

    def offered(self, streams: Iterable[Stream], credentials: Credentials) -> "Negotiation | None":
        """With one more offer, or None: one is open, or there is nothing new to say."""
        if self.open:
            return None
        before = self.last.sections if self.last else OWN
        sections = arranged(before, self.settled, streams)
        if self.last and (sections, credentials) == (self.last.sections, self.last.credentials):
            return None
        offer = Offer(self.number, self.seq, self.transport, credentials, sections)
        return replace(self, seq=self.seq + 1, last=offer, open=True)

    def given_up(self) -> "Negotiation":
        """The open offer is not waited for any more: the next one says all that it said.

        Whoever did answer it is stable again and can take the next; that answer is refused as late.
        """
        return replace(self, open=False)

    def answered(self, seq: int, text: str) -> "Negotiation":
        """Raises SdpError; then the offer is still open."""
        if not self.open or self.last is None or seq != self.last.seq:
            raise SdpError("no_offer")
        answer = read_answer(text, self.last)
        # RFC 8842 §4.4: another fingerprint would be another DTLS association. No browser makes one.
        if self.answer is not None and answer.fingerprint != self.answer.fingerprint:
            raise SdpError("sdp_fingerprint")
        return replace(self, open=False, settled=self.last.sections, answer=answer)

    def receives(self) -> set[str]:
        """The mids on which the newest offer has a stream for the client."""
        if self.last is None:
            return set()
        return {str(mid) for mid, section in enumerate(self.last.sections) if section.stream}

    def flows(self) -> dict[str, Section]:
        """What media may flow on now, by mid: both ends said so, and no newer offer took it back."""
        if self.answer is None or self.last is None:
            return {}
        return {
            str(mid): section
            for mid, (section, taken) in enumerate(zip(self.settled, self.answer.sections, strict=True))
            if taken.flows and self.last.sections[mid] == section
        }


def arranged(
    before: tuple[Section, ...], settled: tuple[Section, ...], streams: Iterable[Stream]
) -> tuple[Section, ...]:
    """The sections for these streams. A stream keeps its section; one that is gone leaves it idle.

    An idle section is used again once the client has answered that it is idle: so a client sees every stream
    end before the next begins in its place. Voices come first where the sections do not suffice for all.
    """
    wanted = sorted(streams, key=lambda one: KINDS.index(one.kind) if one.kind.media == "video" else -1)
    keep = set(wanted)
    sections = [
        section if section.own or section.stream in keep else Section(section.media) for section in before
    ]
    placed = {section.stream for section in sections}
    free = [
        mid
        for mid, section in enumerate(settled)
        if section == before[mid] and section.own is None and section.stream is None
    ]
    for stream in wanted:
        if stream in placed:
            continue
        place = next((mid for mid in free if sections[mid].media == stream.kind.media), None)
        if place is not None:
            free.remove(place)
            sections[place] = Section(stream.kind.media, stream=stream)
        elif len(sections) < MAX_SECTIONS:
            sections.append(Section(stream.kind.media, stream=stream))
    return tuple(sections)
