"""What an event about calls and meetings did, as a line of the timeline: only what the fold has taken."""

from dataclasses import dataclass
from hashlib import sha256

from crypto.room import call_bodies as bodies
from crypto.room.bodies import EventBody
from crypto.room.calls import ring_of
from crypto.room.fold import Fold
from crypto.room.meetings import find_meeting
from crypto.room.origin import MeetingOrigin, Origin, RingOrigin
from crypto.room.timeline import SystemCode, Timeline, find_system


@dataclass(frozen=True, slots=True)
class CallLine:
    """The author of the event is who did it. `detail`: the reason of a ring; a meeting's title and dates."""

    code: SystemCode
    detail: str


def call_line(before: Fold, after: Fold, event: EventBody) -> CallLine | None:
    """None for what changed nothing, or what people see elsewhere."""
    match event:
        case bodies.Ring():
            return _rang(before, after, event)
        case bodies.RingEnd():
            return _rang_off(before, after, event)
        case bodies.Meeting() | bodies.MeetingChange() | bodies.MeetingCancel():
            return _planned(before, after, event)
        case _:
            return None


def _rang(before: Fold, after: Fold, event: bodies.Ring) -> CallLine | None:
    known = ring_of(before.rings, event.call) is not None or ring_of(after.rings, event.call) is None
    return None if known else CallLine("rang", event.why)


def _rang_off(before: Fold, after: Fold, event: bodies.RingEnd) -> CallLine | None:
    ring = ring_of(before.rings, event.call)
    if ring is None or ring_of(after.rings, event.call) is not None:
        return None
    match event.outcome:
        case "withdrawn":
            return CallLine("rang_off", ring.why)
        case "written":
            return CallLine("rang_written", ring.why)
        case "met":
            return None  # the call itself is shown


def _planned(
    before: Fold, after: Fold, event: bodies.Meeting | bodies.MeetingChange | bodies.MeetingCancel
) -> CallLine | None:
    had, has = find_meeting(before.meetings, event.meeting), find_meeting(after.meetings, event.meeting)
    if had == has:
        return None
    match event:
        case bodies.Meeting(title=title):
            return CallLine("meeting" if had is None else "meeting_changed", title)
        case bodies.MeetingChange(_, occurrence, start) if has is not None:
            dates = f"{_shown(occurrence)} \u2192 {_shown(start)}"
            return CallLine("meeting_moved", f"{has.title}, {dates}")
        case bodies.MeetingCancel(_, str(occurrence)) if has is not None:
            return CallLine("meeting_cancelled", f"{has.title}, {_shown(occurrence)}")
        case bodies.MeetingCancel() if had is not None:
            return CallLine("meeting_ended", had.title)
        case _:
            return None


def _shown(local: str) -> str:
    return local.replace("T", " ")


# What a sitting belongs to


def ring_line_id(call: bytes) -> bytes:
    """The id under which the line of a ring stands, so that it is found when the call is over. A hash: who
    rings chooses the call's id, and must not choose that of somebody's message.
    """
    return sha256(b"Collegium 1.0 ring line" + call).digest()[:16]


def named_origin(timeline: Timeline, fold: Fold, event: bodies.SittingEvent) -> Origin | None:
    """What a word about a sitting names, as this device knows it: rings end before the call does."""
    if event.ring is not None:
        ring = ring_of(fold.rings, event.ring)
        if ring is not None:
            return RingOrigin(ring.call, ring.by, ring.why)
        line = find_system(timeline, ring_line_id(event.ring))
        return (
            RingOrigin(event.ring, None, "") if line is None else RingOrigin(event.ring, line.by, line.detail)
        )
    if event.meeting is None or event.occurrence is None:
        return None
    meeting = find_meeting(fold.meetings, event.meeting)
    if meeting is None:
        return MeetingOrigin(event.meeting, event.occurrence, "", "")
    moved = (one.start for one in meeting.moved if one.occurrence == event.occurrence)
    return MeetingOrigin(event.meeting, event.occurrence, meeting.title, next(moved, event.occurrence))
