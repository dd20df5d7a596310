"""Rings and meetings as a snapshot carries them (E24): their part of `snapshot`, in one spelling."""

from itertools import pairwise
from typing import Final

from crypto.room.call_bodies import (
    COMING,
    MAX_MINUTES,
    MAX_WANTED,
    MIN_MINUTES,
    URGENCIES,
)
from crypto.room.calls import (
    ANSWER_STATES,
    MAX_ALSO,
    MAX_RINGS,
    Also,
    Ring,
    Rings,
)
from crypto.room.calls import MAX_ANSWERS as MAX_RING_ANSWERS
from crypto.room.calls import Answer as RingAnswer
from crypto.room.canonical import MAX_NUMBER, FieldReader, Value
from crypto.room.errors import RoomDataError
from crypto.room.meetings import (
    MAX_ANSWERS,
    MAX_EXCEPTIONS,
    MAX_MEETINGS,
    Answer,
    Meeting,
    Meetings,
    Moved,
)
from crypto.room.recurrence import begins, is_local_time, is_rule, is_zone_name
from crypto.room.text import is_title, is_why

_ID_LENGTH: Final = 16


def _present(**fields: "Value | None") -> dict[str, Value]:
    return {name: value for name, value in fields.items() if value is not None}


def _require(holds: bool, what: str) -> None:
    if not holds:
        raise RoomDataError(what)


def _ascend(keys: list[tuple[str, bytes]]) -> bool:
    return all(before < after for before, after in pairwise(keys))


# Rings


def rings_value(rings: Rings) -> list[Value]:
    return [_ring_value(one) for one in rings]


def _ring_value(ring: Ring) -> Value:
    return {
        "call": ring.call,
        "n": ring.n,
        "at": ring.at,
        "by": ring.by,
        "urgency": ring.urgency,
        "why": ring.why,
        "wanted": ring.wanted,
        "also": [{"call": one.call, "by": one.by, "at": one.at, "why": one.why} for one in ring.also],
        "answers": [
            _present(account=one.account, state=one.state, at=one.at, due=one.due) for one in ring.answers
        ],
    }


def read_rings(reader: FieldReader) -> Rings:
    """Raises RoomDataError."""
    rings = reader.list("rings", 0, MAX_RINGS, _read_ring)
    _require(all(before.n < after.n for before, after in pairwise(rings)), "rings are out of order")
    return rings


def _read_ring(value: object) -> Ring:
    reader = FieldReader(value, "ring")
    ring = Ring(
        call=reader.octets("call", _ID_LENGTH),
        n=reader.integer("n", 1, MAX_NUMBER),
        at=reader.integer("at", 0, MAX_NUMBER),
        by=reader.octets("by", _ID_LENGTH),
        urgency=reader.one_of("urgency", URGENCIES),
        why=reader.text("why", is_why),
        wanted=reader.integer("wanted", 1, MAX_WANTED),
        also=reader.list("also", 0, MAX_ALSO, _read_also),
        answers=reader.list("answers", 0, MAX_RING_ANSWERS, _read_ring_answer),
    )
    reader.finish()
    _require(_ascend([("", one.account) for one in ring.answers]), "a ring's answers are out of order")
    return ring


def _read_also(value: object) -> Also:
    reader = FieldReader(value, "ring at the same moment")
    also = Also(
        call=reader.octets("call", _ID_LENGTH),
        by=reader.octets("by", _ID_LENGTH),
        at=reader.integer("at", 0, MAX_NUMBER),
        why=reader.text("why", is_why),
    )
    reader.finish()
    return also


def _read_ring_answer(value: object) -> RingAnswer:
    reader = FieldReader(value, "answer to a ring")
    account, state = reader.octets("account", _ID_LENGTH), reader.one_of("state", ANSWER_STATES)
    at = reader.integer("at", 0, MAX_NUMBER)
    due = reader.integer("due", 0, MAX_NUMBER) if state == "later" else None
    reader.finish()
    return RingAnswer(account, state, at, due)


# Meetings


def meetings_value(meetings: Meetings) -> list[Value]:
    return [_meeting_value(one) for one in meetings]


def _meeting_value(meeting: Meeting) -> Value:
    return _present(
        meeting=meeting.meeting,
        n=meeting.n,
        at=meeting.at,
        by=meeting.by,
        title=meeting.title,
        start=meeting.start,
        zone=meeting.zone,
        minutes=meeting.minutes,
        rule=meeting.rule,
        ends=meeting.ends,
        moved=[
            {"occurrence": one.occurrence, "start": one.start, "minutes": one.minutes}
            for one in meeting.moved
        ],
        cancelled=meeting.cancelled,
        answers=[
            _present(occurrence=one.occurrence or None, account=one.account, coming=one.coming)
            for one in meeting.answers
        ],
    )


def read_meetings(reader: FieldReader) -> Meetings:
    """Raises RoomDataError."""
    meetings = reader.list("meetings", 0, MAX_MEETINGS, _read_meeting)
    _require(_ascend([("", one.meeting) for one in meetings]), "meetings are out of order")
    return meetings


def _read_meeting(value: object) -> Meeting:
    reader = FieldReader(value, "planned meeting")
    meeting = Meeting(
        meeting=reader.octets("meeting", _ID_LENGTH),
        n=reader.integer("n", 1, MAX_NUMBER),
        at=reader.integer("at", 0, MAX_NUMBER),
        by=reader.octets("by", _ID_LENGTH),
        title=reader.text("title", is_title),
        start=reader.text("start", is_local_time),
        zone=reader.text("zone", is_zone_name),
        minutes=reader.integer("minutes", MIN_MINUTES, MAX_MINUTES),
        rule=reader.text("rule", is_rule) if reader.has("rule") else None,
        ends=reader.text("ends", is_local_time) if reader.has("ends") else None,
        moved=reader.list("moved", 0, MAX_EXCEPTIONS, _read_moved),
        cancelled=reader.list("cancelled", 0, MAX_EXCEPTIONS, _read_local),
        answers=reader.list("answers", 0, MAX_ANSWERS, _read_answer),
    )
    reader.finish()
    _require(
        meeting.rule is None or begins(meeting.start, meeting.rule), "a start that is no day of its rule"
    )
    exceptions = len(meeting.moved) + len(meeting.cancelled)
    _require(exceptions <= MAX_EXCEPTIONS, "too many exceptions of a meeting")
    in_order = (
        _ascend([(one.occurrence, b"") for one in meeting.moved])
        and _ascend([(one, b"") for one in meeting.cancelled])
        and _ascend([(one.occurrence, one.account) for one in meeting.answers])
    )
    _require(in_order, "what was said of a meeting is out of order")
    return meeting


def _read_local(value: object) -> str:
    _require(isinstance(value, str) and is_local_time(value), "not a local time")
    return str(value)


def _read_moved(value: object) -> Moved:
    reader = FieldReader(value, "moved occurrence")
    moved = Moved(
        reader.text("occurrence", is_local_time),
        reader.text("start", is_local_time),
        reader.integer("minutes", MIN_MINUTES, MAX_MINUTES),
    )
    reader.finish()
    return moved


def _read_answer(value: object) -> Answer:
    reader = FieldReader(value, "answer to a meeting")
    answer = Answer(
        reader.text("occurrence", is_local_time) if reader.has("occurrence") else "",
        reader.octets("account", _ID_LENGTH),
        reader.one_of("coming", COMING),
    )
    reader.finish()
    return answer
