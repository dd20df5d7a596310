"""Meetings as a calendar file (iCalendar, RFC 5545), made on the device: it leaves what is encrypted.

So it says when, and nothing else: no title, no name, no reason. Whoever sees the calendar reads
"Consultation", and where the server is.

A meeting that comes again is given in its zone, with a VTIMEZONE for programs that do not know the zone by
its name, since only so it keeps its time of day when clocks change. A single one is given in UTC, which
nobody misreads. Moved occurrences are events of their own under the same UID (RECURRENCE-ID), cancelled ones
are EXDATE: what calendars import best. The same state is the same file, byte for byte.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from crypto.room.meetings import Meeting, Moved, series_of
from crypto.room.recurrence import (
    DAYS,
    LAST_LOCAL,
    instant_of,
    is_start,
    naive_ms,
    parse_rule,
    starts,
    utc_offset,
    zone_is_known,
)

# Clock changes are written down so far from the first occurrence on; programs that know the zone need none.
ZONE_YEARS: Final = 6
MAX_CHANGES: Final = 4 * ZONE_YEARS
_LINE_BYTES: Final = 75
_MINUTE_MS: Final = 60_000
# No zone changes twice within so little time: clock changes are looked for in such steps.
_STEP_MS: Final = 7 * 24 * 3_600_000
_DAY_MS: Final = 24 * 3_600_000
_MAX_SEQUENCE: Final = 2**31  # programs keep it in 32 bits


def calendar_file(meetings: Iterable[Meeting], origin: str) -> str:
    """All meetings whose zone this machine knows. `origin` is the address of the server, https://…"""
    known = [one for one in meetings if zone_is_known(one.zone)]
    events = [(one, _events(one, origin)) for one in known]
    shown = [(meeting, lines) for meeting, lines in events if lines]
    zones = sorted({one.zone for one, _ in shown if _in_its_zone(one)})
    lines = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//Collegium//Meetings//EN",
        "CALSCALE:GREGORIAN",
        "METHOD:PUBLISH",
    ]
    for zone in zones:
        first = min(naive_ms(one.start) for one, _ in shown if _in_its_zone(one) and one.zone == zone)
        lines += _time_zone(zone, first)
    for _, event in shown:
        lines += event
    lines.append("END:VCALENDAR")
    return "".join(f"{_folded(line)}\r\n" for line in lines)


# Events


def _in_its_zone(meeting: Meeting) -> bool:
    return meeting.rule is not None and meeting.zone != "UTC"


def _events(meeting: Meeting, origin: str) -> list[str]:
    """A meeting and its moved occurrences; nothing where it was a single one that is cancelled."""
    series = series_of(meeting)
    moved = [one for one in meeting.moved if is_start(series, one.occurrence)]
    plain = Moved(meeting.start, meeting.start, meeting.minutes)
    if meeting.rule is None:
        return [] if meeting.start in meeting.cancelled else _event(meeting, (*moved, plain)[0], [], origin)
    cancelled = [one for one in meeting.cancelled if is_start(series, one)]
    rule = f"RRULE:{_rule(meeting, meeting.rule)}"
    lines = _event(meeting, plain, [rule, *(_timed("EXDATE", one, meeting) for one in cancelled)], origin)
    for one in moved:
        lines += _event(meeting, one, [_timed("RECURRENCE-ID", one.occurrence, meeting)], origin)
    return lines


def _event(meeting: Meeting, when: Moved, which: list[str], origin: str) -> list[str]:
    return [
        "BEGIN:VEVENT",
        f"UID:{meeting.meeting.hex()}@collegium",
        # A stamp that a snapshot told may be any number.
        f"DTSTAMP:{_utc(min(meeting.at, naive_ms(LAST_LOCAL)))}",
        f"SEQUENCE:{meeting.n % _MAX_SEQUENCE}",
        _timed("DTSTART", when.start, meeting),
        f"DURATION:PT{when.minutes}M",
        *which,
        "SUMMARY:Consultation",
        f"URL:{origin}",
        "CLASS:PRIVATE",
        "STATUS:CONFIRMED",
        "TRANSP:OPAQUE",
        "END:VEVENT",
    ]


def _timed(name: str, local: str, meeting: Meeting) -> str:
    if _in_its_zone(meeting):
        return f"{name};TZID={meeting.zone}:{_basic(local)}"
    return f"{name}:{_utc(_instant(local, meeting.zone))}"


def _rule(meeting: Meeting, text: str) -> str:
    """§3.3.10: beside a start in a zone, UNTIL is in UTC. A series that was cut off ends so as well."""
    rule = parse_rule(text)
    if rule is None:
        raise AssertionError("a rule that nobody has checked")
    head, *_ = re.split(";(?:COUNT|UNTIL)=", text)
    ends = [] if meeting.ends is None else [_instant(meeting.ends, meeting.zone) - 1000]
    if rule.until is not None:
        last = f"{rule.until:%Y-%m-%d}{meeting.start[10:]}"
        ends.append(_instant(last, meeting.zone))
    elif rule.count is not None:
        local = starts(series_of(meeting), meeting.start, LAST_LOCAL)
        if len(local) == rule.count:
            return text
        ends = [_instant(local[-1], meeting.zone)]
    return f"{head};UNTIL={_utc(min(ends))}" if ends else text


def _instant(local: str, zone: str) -> int:
    instant = instant_of(local, zone)
    if instant is None:
        raise AssertionError("a zone that this machine does not know")
    return instant


def _basic(local: str) -> str:
    """2026-03-03T18:00 → 20260303T180000"""
    return f"{local.replace('-', '').replace(':', '')}00"


def _utc(ms: int) -> str:
    return datetime.fromtimestamp(ms // 1000, UTC).strftime("%Y%m%dT%H%M%SZ")


# Zones


@dataclass(frozen=True, slots=True)
class _Change:
    """Clocks are put on or back: the local time before it, and the offsets (minutes)."""

    local: datetime
    before: int
    after: int

    @property
    def kind(self) -> str:
        return "DAYLIGHT" if self.after > self.before else "STANDARD"


def _time_zone(zone: str, first: int) -> list[str]:
    """§3.6.5. `first`: the first start that it is for, read as UTC (ms)."""
    low = first - 2 * _STEP_MS
    changes = _changes(zone, low, first + ZONE_YEARS * 366 * _DAY_MS)
    offset = _offset(low, zone)
    kind = "DAYLIGHT" if changes and changes[0].kind == "STANDARD" else "STANDARD"
    lines = ["BEGIN:VTIMEZONE", f"TZID:{zone}"]
    # From when on it was so, does not matter: it is before everything that this is for.
    lines += _observance(kind, datetime(1970, 1, 1), offset, offset, None)
    for of_kind in ("STANDARD", "DAYLIGHT"):
        same = [one for one in changes if one.kind == of_kind]
        yearly = _yearly(same)
        for one in same[:1] if yearly else same:
            lines += _observance(of_kind, one.local, one.before, one.after, yearly)
    lines.append("END:VTIMEZONE")
    return lines


def _observance(kind: str, local: datetime, before: int, after: int, rule: str | None) -> list[str]:
    return [
        f"BEGIN:{kind}",
        f"DTSTART:{local:%Y%m%dT%H%M00}",
        f"TZOFFSETFROM:{_signed(before)}",
        f"TZOFFSETTO:{_signed(after)}",
        *([] if rule is None else [f"RRULE:{rule}"]),
        f"END:{kind}",
    ]


def _yearly(changes: list[_Change]) -> str | None:
    """The rule of changes that come on the same Sunday, say, of each year; None where there is none."""
    if len(changes) < ZONE_YEARS - 1:
        return None
    first = changes[0]
    year = range(first.local.year, first.local.year + len(changes))
    same = all(
        (one.local.year, one.local.month, one.local.weekday(), one.local.time(), one.before, one.after)
        == (at, first.local.month, first.local.weekday(), first.local.time(), first.before, first.after)
        for at, one in zip(year, changes, strict=True)
    )
    ordinals = {(one.local.day - 1) // 7 + 1 for one in changes}
    last = all((one.local + timedelta(days=7)).month != one.local.month for one in changes)
    if not same or not (last or len(ordinals) == 1):
        return None
    ordinal = -1 if last else min(ordinals)
    return f"FREQ=YEARLY;BYMONTH={first.local.month};BYDAY={ordinal}{DAYS[first.local.weekday()]}"


def _changes(zone: str, low: int, high: int) -> list[_Change]:
    found: list[_Change] = []
    while low < high and len(found) < MAX_CHANGES:
        before, after = _offset(low, zone), _offset(low + _STEP_MS, zone)
        if before == after:
            low += _STEP_MS
            continue
        low, until = low, low + _STEP_MS
        while until - low > _MINUTE_MS:
            middle = (low + until) // 2 // _MINUTE_MS * _MINUTE_MS
            low, until = (middle, until) if _offset(middle, zone) == before else (low, middle)
        after, low = _offset(until, zone), until
        local = datetime.fromtimestamp(until // 1000, UTC).replace(tzinfo=None) + timedelta(minutes=before)
        found.append(_Change(local, before, after))
    return found


def _offset(instant: int, zone: str) -> int:
    offset = utc_offset(instant, zone)
    if offset is None:
        raise AssertionError("a zone that this machine does not know")
    return offset


def _signed(minutes: int) -> str:
    sign = "-" if minutes < 0 else "+"
    return f"{sign}{abs(minutes) // 60:02}{abs(minutes) % 60:02}"


# Lines


def _folded(line: str) -> str:
    """§3.1: no line has more than 75 octets, and what goes on begins with a space."""
    out: list[bytes] = []
    rest = line.encode()
    while len(rest) > _LINE_BYTES - (1 if out else 0):
        at = _LINE_BYTES - (1 if out else 0)
        while rest[at] & 0xC0 == 0x80:
            at -= 1  # no character is cut in two
        out.append(rest[:at])
        rest = rest[at:]
    return "\r\n ".join(part.decode() for part in [*out, rest])
