"""Bodies of events about calls and meetings, checked as they come: their part of `bodies`."""

from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass
from itertools import pairwise
from typing import ClassVar, Final, Literal, TypeAlias

from crypto.room.canonical import MAX_NUMBER, FieldReader
from crypto.room.errors import RoomDataError
from crypto.room.recurrence import begins, is_local_time, is_rule, is_zone_name
from crypto.room.text import is_title, is_why

MAX_WANTED: Final = 11
MAX_CALL_PEOPLE: Final = 32
MAX_CALL_MS: Final = 24 * 3_600_000
MIN_MINUTES: Final = 5
MAX_MINUTES: Final = 600
_ID_LENGTH: Final = 16

Urgency: TypeAlias = Literal["now", "today", "when_you_can"]
AnswerKind: TypeAlias = Literal["ringing", "seen", "joining", "in", "at", "cannot"]
Outcome: TypeAlias = Literal["met", "withdrawn", "written"]
Coming: TypeAlias = Literal["yes", "no", "maybe"]
URGENCIES: Final[tuple[Urgency, ...]] = ("now", "today", "when_you_can")
ANSWER_KINDS: Final[tuple[AnswerKind, ...]] = ("ringing", "seen", "joining", "in", "at", "cannot")
OUTCOMES: Final[tuple[Outcome, ...]] = ("met", "withdrawn", "written")
COMING: Final[tuple[Coming, ...]] = ("yes", "no", "maybe")
ANSWER_MINUTES: Final = (5, 15, 60)
OF_A_SITTING: Final = frozenset(("ring", "meeting", "occurrence"))
"""Fields that words about a sitting have got later: in a store there may be some without."""


@dataclass(frozen=True, slots=True)
class Ring:
    """The author calls the group. `wanted`: how many others should be there before it begins."""

    type: ClassVar[Literal["ring"]] = "ring"
    call: bytes
    urgency: Urgency
    why: str
    wanted: int


@dataclass(frozen=True, slots=True)
class RingAnswer:
    """ringing: a device of the author rings, and says so itself. seen: the author has read it. Then what they
    say: joining; in so many `minutes`; at a `time` (ms); cannot.
    """

    type: ClassVar[Literal["ring_answer"]] = "ring_answer"
    call: bytes
    kind: AnswerKind
    minutes: int | None = None
    time: int | None = None


@dataclass(frozen=True, slots=True)
class RingEnd:
    """A call rings no more. written: it goes on as the thread of `post`, which says the same."""

    type: ClassVar[Literal["ring_end"]] = "ring_end"
    call: bytes
    outcome: Outcome
    post: bytes | None = None


@dataclass(frozen=True, slots=True)
class Attended:
    """The author was in a sitting, from `began` to `ended` (ms). Their own device says so, each time. The
    sitting belongs to a `ring`, or to an `occurrence` of a `meeting`, or to neither.
    """

    type: ClassVar[Literal["attended"]] = "attended"
    LATER: ClassVar[Set[str]] = OF_A_SITTING
    sitting: bytes
    began: int
    ended: int
    ring: bytes | None = None
    meeting: bytes | None = None
    occurrence: str | None = None


@dataclass(frozen=True, slots=True)
class CallPerson:
    """Somebody who was in a sitting, as the last one there has it."""

    account: bytes
    began: int
    ended: int


@dataclass(frozen=True, slots=True)
class CallRecord:
    """Who was in a sitting, said by whoever left it last (E37); `people` ascending by account. What it
    belongs to is said as in `Attended`.
    """

    type: ClassVar[Literal["call_record"]] = "call_record"
    LATER: ClassVar[Set[str]] = OF_A_SITTING
    sitting: bytes
    began: int
    ended: int
    people: tuple[CallPerson, ...]
    ring: bytes | None = None
    meeting: bytes | None = None
    occurrence: str | None = None


@dataclass(frozen=True, slots=True)
class Meeting:
    """A meeting is planned or, under a known id, planned anew. `follows`: from the occurrence `since` on it
    takes the place of another one.
    """

    type: ClassVar[Literal["meeting"]] = "meeting"
    meeting: bytes
    title: str
    start: str
    zone: str
    minutes: int
    rule: str | None = None
    follows: bytes | None = None
    since: str | None = None


@dataclass(frozen=True, slots=True)
class MeetingChange:
    """One occurrence is at another time, in the meeting's zone. It takes place again if it was cancelled."""

    type: ClassVar[Literal["meeting_change"]] = "meeting_change"
    meeting: bytes
    occurrence: str
    start: str
    minutes: int


@dataclass(frozen=True, slots=True)
class MeetingCancel:
    """One occurrence does not take place; without one, the meeting is no more."""

    type: ClassVar[Literal["meeting_cancel"]] = "meeting_cancel"
    meeting: bytes
    occurrence: str | None = None


@dataclass(frozen=True, slots=True)
class MeetingAnswer:
    """Whether the author comes: to one occurrence or, without one, as a rule."""

    type: ClassVar[Literal["meeting_answer"]] = "meeting_answer"
    meeting: bytes
    coming: Coming
    occurrence: str | None = None


RingEvent: TypeAlias = Ring | RingAnswer | RingEnd
SittingEvent: TypeAlias = Attended | CallRecord
MeetingEvent: TypeAlias = Meeting | MeetingChange | MeetingCancel | MeetingAnswer
CallEvent: TypeAlias = RingEvent | SittingEvent | MeetingEvent
CallEventType: TypeAlias = Literal[
    "ring",
    "ring_answer",
    "ring_end",
    "attended",
    "call_record",
    "meeting",
    "meeting_change",
    "meeting_cancel",
    "meeting_answer",
]


def _require(holds: bool, what: str) -> None:
    if not holds:
        raise RoomDataError(what)


def _ring(reader: FieldReader) -> Ring:
    return Ring(
        call=reader.octets("call", _ID_LENGTH),
        urgency=reader.one_of("urgency", URGENCIES),
        why=reader.text("why", is_why),
        wanted=reader.integer("wanted", 1, MAX_WANTED),
    )


def _ring_answer(reader: FieldReader) -> RingAnswer:
    call, kind = reader.octets("call", _ID_LENGTH), reader.one_of("kind", ANSWER_KINDS)
    minutes = reader.integer("minutes", 5, 60) if kind == "in" else None
    _require(minutes is None or minutes in ANSWER_MINUTES, "ring_answer: minutes is out of bounds")
    return RingAnswer(call, kind, minutes, reader.integer("time", 0, MAX_NUMBER) if kind == "at" else None)


def _ring_end(reader: FieldReader) -> RingEnd:
    call, outcome = reader.octets("call", _ID_LENGTH), reader.one_of("outcome", OUTCOMES)
    return RingEnd(call, outcome, reader.octets("post", _ID_LENGTH) if outcome == "written" else None)


def _span(reader: FieldReader) -> tuple[int, int]:
    began, ended = reader.integer("began", 0, MAX_NUMBER), reader.integer("ended", 0, MAX_NUMBER)
    _require(began <= ended <= began + MAX_CALL_MS, "a time that ends before it begins, or lasts too long")
    return began, ended


def _belongs(reader: FieldReader) -> tuple[bytes | None, bytes | None, str | None]:
    """A ring, an occurrence of a meeting, or neither."""
    ring, meeting = (reader.optional_octets(name, _ID_LENGTH) for name in ("ring", "meeting"))
    occurrence = _optional_local(reader, "occurrence")
    whole = (meeting is None) == (occurrence is None) and (ring is None or meeting is None)
    _require(whole, "what a sitting belongs to is not whole")
    return ring, meeting, occurrence


def _attended(reader: FieldReader) -> Attended:
    sitting, (began, ended) = reader.octets("sitting", _ID_LENGTH), _span(reader)
    return Attended(sitting, began, ended, *_belongs(reader))


def read_call_person(value: object) -> CallPerson:
    reader = FieldReader(value, "person in a call")
    person = CallPerson(reader.octets("account", _ID_LENGTH), *_span(reader))
    reader.finish()
    return person


def _call_record(reader: FieldReader) -> CallRecord:
    sitting, (began, ended) = reader.octets("sitting", _ID_LENGTH), _span(reader)
    people = reader.list("people", 1, MAX_CALL_PEOPLE, read_call_person)
    _require(all(before.account < after.account for before, after in pairwise(people)), "people out of order")
    inside = all(began <= one.began and one.ended <= ended for one in people)
    _require(inside, "somebody there outside the sitting")
    return CallRecord(sitting, began, ended, people, *_belongs(reader))


def _optional_local(reader: FieldReader, name: str) -> str | None:
    return reader.text(name, is_local_time) if reader.has(name) else None


def _minutes(reader: FieldReader) -> int:
    return reader.integer("minutes", MIN_MINUTES, MAX_MINUTES)


def _meeting(reader: FieldReader) -> Meeting:
    meeting = Meeting(
        meeting=reader.octets("meeting", _ID_LENGTH),
        title=reader.text("title", is_title),
        start=reader.text("start", is_local_time),
        zone=reader.text("zone", is_zone_name),
        minutes=_minutes(reader),
        rule=reader.text("rule", is_rule) if reader.has("rule") else None,
        follows=reader.optional_octets("follows", _ID_LENGTH),
        since=_optional_local(reader, "since"),
    )
    whole = (meeting.follows is None) == (meeting.since is None) and meeting.follows != meeting.meeting
    _require(whole, "what a meeting follows is not whole")
    _require(
        meeting.rule is None or begins(meeting.start, meeting.rule), "a start that is no day of its rule"
    )
    return meeting


def _meeting_change(reader: FieldReader) -> MeetingChange:
    return MeetingChange(
        meeting=reader.octets("meeting", _ID_LENGTH),
        occurrence=reader.text("occurrence", is_local_time),
        start=reader.text("start", is_local_time),
        minutes=_minutes(reader),
    )


def _meeting_cancel(reader: FieldReader) -> MeetingCancel:
    return MeetingCancel(reader.octets("meeting", _ID_LENGTH), _optional_local(reader, "occurrence"))


def _meeting_answer(reader: FieldReader) -> MeetingAnswer:
    return MeetingAnswer(
        meeting=reader.octets("meeting", _ID_LENGTH),
        coming=reader.one_of("coming", COMING),
        occurrence=_optional_local(reader, "occurrence"),
    )


CALL_READERS: Final[Mapping[str, Callable[[FieldReader], CallEvent]]] = {
    "ring": _ring,
    "ring_answer": _ring_answer,
    "ring_end": _ring_end,
    "attended": _attended,
    "call_record": _call_record,
    "meeting": _meeting,
    "meeting_change": _meeting_change,
    "meeting_cancel": _meeting_cancel,
    "meeting_answer": _meeting_answer,
}
