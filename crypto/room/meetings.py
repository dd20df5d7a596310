"""What is planned, who moved or cancelled it, and who comes: the same for everyone, by the order of the log.

Any member may plan, move and cancel, and the last word holds. The fold keeps what was said, and neither
expands a rule nor knows a time zone: machines differ in their time zone data, and must not differ in the
fold. When things take place is worked out where it is shown.

An occurrence is named by the local start that its rule gives it. To change all that follow, another meeting
takes the place of the rest of this one (`follows`): so a meeting has one rule for as long as it is.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final, TypeAlias

from crypto.room import call_bodies as bodies
from crypto.room.call_bodies import Coming, MeetingEvent
from crypto.room.recurrence import (
    Series,
    instant_of,
    is_start,
    naive_local,
    naive_ms,
    parse_rule,
    starts,
    zone_is_known,
)

MAX_MEETINGS: Final = 32
MAX_EXCEPTIONS: Final = 48  # moved and cancelled occurrences of one meeting; the oldest go
MAX_ANSWERS: Final = 96  # to one meeting; those to the oldest occurrences go
# What is over for so long makes room for what is planned (ms).
KEEP_MS: Final = 7 * 24 * 3_600_000
# The longest that anybody looks ahead or back at once (ms).
MAX_WINDOW_MS: Final = 366 * 24 * 3_600_000
MAX_OCCURRENCES: Final = 2_000  # shown at once, of all meetings
# So long before it begins, a meeting is called out, and its call opens by itself (ms).
REMIND_MS: Final = 10 * 60_000
NEXT_MS: Final = 8 * 24 * 3_600_000

_DAY_MS: Final = 24 * 3_600_000
# No zone is further from UTC.
_OFFSET_MS: Final = 14 * 3_600_000


@dataclass(frozen=True, slots=True)
class Moved:
    occurrence: str
    start: str
    minutes: int


@dataclass(frozen=True, slots=True)
class Answer:
    """`occurrence` is empty for an answer as a rule."""

    occurrence: str
    account: bytes
    coming: Coming


@dataclass(frozen=True, slots=True)
class Meeting:
    """`n`, `at` (stamp) and `by` (account) are of the last word about the meeting, answers apart. `ends`:
    where another one took its place, not included. Moved, cancelled and answers stand ascending.
    """

    meeting: bytes
    n: int
    at: int
    by: bytes
    title: str
    start: str
    zone: str
    minutes: int
    rule: str | None
    ends: str | None = None
    moved: tuple[Moved, ...] = ()
    cancelled: tuple[str, ...] = ()
    answers: tuple[Answer, ...] = ()


# Ascending by id.
Meetings: TypeAlias = tuple[Meeting, ...]


def find_meeting(meetings: Meetings, id_: bytes) -> Meeting | None:
    return next((one for one in meetings if one.meeting == id_), None)


# The fold


def fold_meeting(meetings: Meetings, account: bytes, n: int, at: int, event: MeetingEvent) -> Meetings:
    """What `account` says at position n, stamped `at` (ms)."""
    if isinstance(event, bodies.Meeting):
        return _planned(meetings, account, n, at, event)
    known = find_meeting(meetings, event.meeting)
    if known is None:
        return meetings  # never planned, over, or called off meanwhile
    match event:
        case bodies.MeetingCancel(_, None):
            return _set(meetings, known.meeting, None)
        case bodies.MeetingCancel(_, str(occurrence)):
            said = replace(_unsaid(known, occurrence), n=n, at=at, by=account)
            cancelled = tuple(sorted((*said.cancelled, occurrence)))
            return _set(meetings, known.meeting, _bounded(replace(said, cancelled=cancelled)))
        case bodies.MeetingChange(_, occurrence, start, minutes):
            said = replace(_unsaid(known, occurrence), n=n, at=at, by=account)
            moved = (*said.moved, Moved(occurrence, start, minutes))
            in_order = tuple(sorted(moved, key=lambda one: one.occurrence))
            return _set(meetings, known.meeting, _bounded(replace(said, moved=in_order)))
        case bodies.MeetingAnswer(_, coming, occurrence):
            return _set(meetings, known.meeting, _answered(known, occurrence or "", account, coming))
        case _:
            raise AssertionError("an event about a meeting that has no place here")


def fold_gone(meetings: Meetings, gone: Iterable[bytes]) -> Meetings:
    """Accounts that left the room come to nothing any more. What they planned stays the group's."""
    left = set(gone)
    if not any(one.account in left for meeting in meetings for one in meeting.answers):
        return meetings
    return tuple(
        replace(meeting, answers=tuple(one for one in meeting.answers if one.account not in left))
        for meeting in meetings
    )


def _planned(meetings: Meetings, account: bytes, n: int, at: int, event: bodies.Meeting) -> Meetings:
    before = find_meeting(meetings, event.meeting)
    if before is None and is_full(meetings, at):
        return meetings
    kept = meetings if before is not None else tuple(one for one in meetings if not _is_past(one, at))
    meeting = Meeting(
        event.meeting, n, at, account, event.title, event.start, event.zone, event.minutes, event.rule
    )
    if before is not None and _same_series(before, meeting):
        meeting = replace(
            meeting,
            ends=before.ends,
            moved=before.moved,
            cancelled=before.cancelled,
            answers=before.answers,
        )
    if event.follows is None or event.since is None:
        return _set(kept, event.meeting, meeting)
    followed = find_meeting(kept, event.follows)
    if followed is None:
        return _set(kept, event.meeting, meeting)
    if before is None:
        # Who comes as a rule comes to what takes its place.
        rules = tuple(one for one in followed.answers if one.occurrence == "")
        meeting = replace(meeting, answers=rules)
    return _set(_cut(kept, followed, event.since, n, at, account), event.meeting, meeting)


def is_full(meetings: Meetings, at: int) -> bool:
    """Whether nothing new can be planned before something is called off."""
    return sum(not _is_past(one, at) for one in meetings) >= MAX_MEETINGS


def _same_series(a: Meeting, b: Meeting) -> bool:
    return (a.start, a.zone, a.rule) == (b.start, b.zone, b.rule)


def _cut(meetings: Meetings, meeting: Meeting, since: str, n: int, at: int, account: bytes) -> Meetings:
    ends = since if meeting.ends is None else min(since, meeting.ends)
    if ends <= meeting.start:
        return _set(meetings, meeting.meeting, None)
    return _set(meetings, meeting.meeting, replace(meeting, ends=ends, n=n, at=at, by=account))


def _set(meetings: Meetings, id_: bytes, meeting: Meeting | None) -> Meetings:
    others = [one for one in meetings if one.meeting != id_]
    some = others if meeting is None else [*others, meeting]
    return tuple(sorted(some, key=lambda one: one.meeting))


def _unsaid(meeting: Meeting, occurrence: str) -> Meeting:
    return replace(
        meeting,
        moved=tuple(one for one in meeting.moved if one.occurrence != occurrence),
        cancelled=tuple(one for one in meeting.cancelled if one != occurrence),
    )


def _bounded(meeting: Meeting) -> Meeting:
    """With the oldest exception gone, where there are too many."""
    if len(meeting.moved) + len(meeting.cancelled) <= MAX_EXCEPTIONS:
        return meeting
    return _unsaid(meeting, min((*meeting.cancelled, *(one.occurrence for one in meeting.moved))))


def _answered(meeting: Meeting, occurrence: str, account: bytes, coming: Coming) -> Meeting:
    others = [one for one in meeting.answers if (one.occurrence, one.account) != (occurrence, account)]
    answers = sorted(
        (*others, Answer(occurrence, account, coming)), key=lambda one: (one.occurrence, one.account)
    )
    if len(answers) > MAX_ANSWERS:
        # Answers as a rule stand first, and stay; after them comes the oldest occurrence.
        oldest = next((at for at, one in enumerate(answers) if one.occurrence), 0)
        del answers[oldest]
    return replace(meeting, answers=tuple(answers))


def _is_past(meeting: Meeting, at: int) -> bool:
    """Whether it was over, everywhere on earth, some time before a stamp. No rule is expanded for this."""
    last = _last_day(meeting)
    if last is None:
        return False
    moved = max((naive_ms(one.start) for one in meeting.moved), default=0)
    return max(last, moved) + _DAY_MS + _OFFSET_MS + KEEP_MS < at


def _last_day(meeting: Meeting) -> int | None:
    """No occurrence starts later, read as UTC (ms); None where there is no such day."""
    start = naive_ms(meeting.start)
    rule = None if meeting.rule is None else parse_rule(meeting.rule)
    lasts: list[int] = [] if meeting.ends is None else [naive_ms(meeting.ends)]
    if rule is None:
        lasts.append(start)
    elif rule.until is not None:
        lasts.append(naive_ms(rule.until.strftime("%Y-%m-%dT%H:%M")))
    elif rule.count is not None and not _skips(meeting.start, rule.frequency, by_day=rule.days != ()):
        days = {"DAILY": 1, "WEEKLY": 7, "MONTHLY": 31}[rule.frequency] * rule.interval * rule.count
        lasts.append(start + days * _DAY_MS)
    return min(lasts, default=None)


def _skips(start: str, frequency: str, *, by_day: bool) -> bool:
    """Whether months without such a day are left out: then a count says little of the time."""
    return frequency == "MONTHLY" and not by_day and int(start[8:10]) > 28


# What takes place


@dataclass(frozen=True, slots=True)
class Occurrence:
    """`occurrence` is its name, `start` its local time as it is now; `begins` and `ends` are instants."""

    meeting: Meeting
    occurrence: str
    start: str
    minutes: int
    begins: int
    ends: int

    @property
    def moved(self) -> bool:
        return self.start != self.occurrence


def occurrences(meetings: Iterable[Meeting], low: int, high: int) -> tuple[Occurrence, ...]:
    """What takes place from `low` up to, not including, `high` (ms), in the order of time. A meeting in a
    zone that this machine does not know has none here: `unplaced` names those.
    """
    high = min(high, low + MAX_WINDOW_MS)
    found = [one for meeting in meetings for one in _of(meeting, low, high) if low <= one.begins < high]
    return tuple(sorted(found, key=lambda one: (one.begins, one.meeting.meeting))[:MAX_OCCURRENCES])


def unplaced(meetings: Iterable[Meeting]) -> tuple[Meeting, ...]:
    return tuple(one for one in meetings if not zone_is_known(one.zone))


def series_of(meeting: Meeting) -> Series:
    return Series(meeting.start, meeting.rule, meeting.ends)


def _of(meeting: Meeting, low: int, high: int) -> list[Occurrence]:
    series = series_of(meeting)
    local = starts(series, naive_local(low - _OFFSET_MS), naive_local(high + _OFFSET_MS))
    elsewhere = {one.occurrence for one in meeting.moved} | set(meeting.cancelled)
    plain = [_placed(meeting, one, one, meeting.minutes) for one in local if one not in elsewhere]
    moved = [
        _placed(meeting, one.occurrence, one.start, one.minutes)
        for one in meeting.moved
        if is_start(series, one.occurrence)
    ]
    return [one for one in (*plain, *moved) if one is not None]


def _placed(meeting: Meeting, occurrence: str, start: str, minutes: int) -> Occurrence | None:
    begins = instant_of(start, meeting.zone)
    if begins is None:
        return None
    return Occurrence(meeting, occurrence, start, minutes, begins, begins + minutes * 60_000)


def due(meetings: Iterable[Meeting], now: int) -> tuple[Occurrence, ...]:
    """What begins within REMIND_MS, or goes on."""
    longest = bodies.MAX_MINUTES * 60_000
    near = occurrences(meetings, now - longest, now + REMIND_MS + 1)
    return tuple(one for one in near if one.ends > now)


def next_due(meetings: Iterable[Meeting], now: int) -> int | None:
    """When `due` has something new to say (ms), within NEXT_MS: to be asked anew by then."""
    later = occurrences(meetings, now + REMIND_MS + 1, now + NEXT_MS)
    return later[0].begins - REMIND_MS if later else None


def coming(meeting: Meeting, occurrence: str, account: bytes) -> Coming | None:
    """Whether somebody comes, by their word on this occurrence, else by that as a rule."""
    said = {one.occurrence: one.coming for one in meeting.answers if one.account == account}
    return said.get(occurrence, said.get(""))
