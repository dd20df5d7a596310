"""The calendar file: what it says to programs that know RFC 5545, and that it names nothing else."""

import io
import re
from datetime import UTC, datetime
from typing import Any

import pytest
from dateutil.rrule import rrulestr
from dateutil.tz import tzical

from crypto.room import call_bodies as bodies
from crypto.room.calendar_file import calendar_file
from crypto.room.meetings import Meetings, fold_meeting, occurrences
from tests.crypto.room.test_meetings import ANNA, BEN, DAY, ID, NEXT, NOW, at, planned

ORIGIN = "https://collegium.example.org"


def lines_of(meetings: Meetings, origin: str = ORIGIN) -> list[str]:
    text = calendar_file(meetings, origin)
    assert text.endswith("\r\n")
    physical = text.split("\r\n")
    assert all(len(line.encode()) <= 75 for line in physical)
    assert "\n" not in text.replace("\r\n", "")
    return text.replace("\r\n ", "").split("\r\n")[:-1]


def components(lines: list[str], name: str) -> list[dict[str, list[str]]]:
    """Properties with their parameters, by their name."""
    out: list[dict[str, list[str]]] = []
    inside = False
    for line in lines:
        if line == f"BEGIN:{name}":
            out.append({})
            inside = True
        elif line == f"END:{name}":
            inside = False
        elif inside:
            key = re.split("[:;]", line)[0]
            out[-1].setdefault(key, []).append(line)
    return out


def read_back(lines: list[str], low: int, high: int) -> list[int]:
    """The instants (ms) by dateutil, which reads rules and VTIMEZONE itself."""
    zones = "\n".join(lines[lines.index("BEGIN:VTIMEZONE") : _last(lines, "END:VTIMEZONE") + 1])

    known = tzical(io.StringIO(zones))

    def instant(line: str) -> int:
        value = line.rsplit(":", 1)[1]
        naive = datetime.strptime(value.rstrip("Z"), "%Y%m%dT%H%M%S")
        zone = re.search("TZID=([^:;]+)", line)
        tz = UTC if zone is None else known.get(zone[1])
        return round(naive.replace(tzinfo=tz).timestamp() * 1000)

    regular: set[int] = set()
    moved: set[int] = set()
    gone: set[int] = set()
    for event in components(lines, "VEVENT"):
        start = event["DTSTART"][0]
        if "RECURRENCE-ID" in event:
            gone.add(instant(event["RECURRENCE-ID"][0]))
            moved.add(instant(start))
            continue
        zone = re.search("TZID=([^:;]+)", start)
        tz = UTC if zone is None else known.get(zone[1])
        first = datetime.strptime(start.rsplit(":", 1)[1].rstrip("Z"), "%Y%m%dT%H%M%S").replace(tzinfo=tz)
        gone |= {instant(line) for line in event.get("EXDATE", [])}
        rule = rrulestr(event["RRULE"][0].removeprefix("RRULE:"), dtstart=first)
        between = rule.xafter(datetime.fromtimestamp(low / 1000, UTC), count=400)
        regular |= {round(one.timestamp() * 1000) for one in between if one.timestamp() * 1000 < high}
    return sorted(one for one in (regular - gone) | moved if low <= one < high)


def _last(lines: list[str], line: str) -> int:
    return len(lines) - 1 - lines[::-1].index(line)


@pytest.mark.parametrize("zone", ["Europe/Lisbon", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata"])
@pytest.mark.parametrize(
    "rule",
    [
        "FREQ=WEEKLY;BYDAY=TU",
        "FREQ=WEEKLY;INTERVAL=2;BYDAY=TU,FR;COUNT=30",
        "FREQ=WEEKLY;UNTIL=20261103",
        "FREQ=MONTHLY;BYDAY=1TU",
        "FREQ=DAILY;COUNT=200",
    ],
)
def test_a_program_that_knows_no_zones_reads_the_same_instants(zone: str, rule: str) -> None:
    log = planned(zone=zone, rule=rule)
    log.move("2026-04-07T18:00", "2026-04-08T19:30")
    log.cancel("2026-10-06T18:00")
    high = NOW + 300 * DAY
    expected = [one.begins for one in occurrences(log.meetings, NOW, high)]
    assert len(expected) > 5
    assert read_back(lines_of(log.meetings), NOW, high) == expected


def test_it_names_nothing_of_what_is_said() -> None:
    log = planned(title="Case of Mr. Miller")
    log.answer(BEN, "yes")
    text = calendar_file(log.meetings, ORIGIN)
    assert "Miller" not in text
    assert ANNA.hex() not in text
    assert BEN.hex() not in text
    assert set(re.findall(r"https?://\S+", text)) == {ORIGIN}
    (event,) = components(lines_of(log.meetings), "VEVENT")
    assert event["SUMMARY"] == ["SUMMARY:Consultation"]
    assert event["CLASS"] == ["CLASS:PRIVATE"]
    assert not {"DESCRIPTION", "LOCATION", "ATTENDEE", "ORGANIZER", "COMMENT"} & event.keys()


def test_a_single_meeting_is_given_in_utc_and_needs_no_zone() -> None:
    lines = lines_of(planned(rule=None, start="2026-07-07T18:00").meetings)
    assert "BEGIN:VTIMEZONE" not in lines
    assert "DTSTART:20260707T170000Z" in lines
    assert "DURATION:PT60M" in lines


def test_a_single_meeting_that_was_moved_or_cancelled() -> None:
    log = planned(rule=None)
    log.move("2026-03-03T18:00", "2026-03-04T18:00", 30)
    assert "DTSTART:20260304T180000Z" in lines_of(log.meetings)
    log.cancel("2026-03-03T18:00")
    assert components(lines_of(log.meetings), "VEVENT") == []


def test_exceptions_are_written_as_calendars_read_them() -> None:
    log = planned()
    log.move("2026-03-10T18:00", "2026-03-11T19:30")
    log.cancel("2026-03-17T18:00")
    log.cancel("2026-03-18T18:00")  # no occurrence
    whole, moved = components(lines_of(log.meetings), "VEVENT")
    assert whole["EXDATE"] == ["EXDATE;TZID=Europe/Lisbon:20260317T180000"]
    assert moved["RECURRENCE-ID"] == ["RECURRENCE-ID;TZID=Europe/Lisbon:20260310T180000"]
    assert moved["DTSTART"] == ["DTSTART;TZID=Europe/Lisbon:20260311T193000"]
    assert moved["UID"] == whole["UID"] == [f"UID:{ID.hex()}@collegium"]
    assert whole["SEQUENCE"] == ["SEQUENCE:4"]


@pytest.mark.parametrize(
    ("rule", "since", "expected"),
    [
        # Beside a start in a zone, UNTIL is in UTC: in summer an hour before.
        ("FREQ=WEEKLY;UNTIL=20260707", None, "FREQ=WEEKLY;UNTIL=20260707T170000Z"),
        ("FREQ=WEEKLY;BYDAY=TU", "2026-07-07T18:00", "FREQ=WEEKLY;BYDAY=TU;UNTIL=20260707T165959Z"),
        ("FREQ=WEEKLY;COUNT=3", None, "FREQ=WEEKLY;COUNT=3"),
        ("FREQ=WEEKLY;COUNT=3", "2026-04-07T18:00", "FREQ=WEEKLY;COUNT=3"),
        ("FREQ=WEEKLY;COUNT=3", "2026-03-17T18:00", "FREQ=WEEKLY;UNTIL=20260310T180000Z"),
        ("FREQ=WEEKLY;UNTIL=20260401", "2026-03-17T18:00", "FREQ=WEEKLY;UNTIL=20260317T175959Z"),
    ],
)
def test_a_series_ends_where_its_rule_or_another_meeting_ends_it(
    rule: str, since: str | None, expected: str
) -> None:
    log = planned(rule=rule)
    if since is not None:
        log.plan(meeting=NEXT, rule=None, follows=ID, since=since)
    rules = [one["RRULE"] for one in components(lines_of(log.meetings), "VEVENT") if "RRULE" in one]
    assert rules == [[f"RRULE:{expected}"]]


def test_clock_changes_that_come_each_year_are_a_rule() -> None:
    lines = lines_of(planned(zone="Europe/Lisbon").meetings)
    zone = lines[lines.index("BEGIN:VTIMEZONE") : lines.index("END:VTIMEZONE")]
    assert "RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU" in zone
    assert "RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU" in zone
    assert zone.count("BEGIN:DAYLIGHT") == 1
    # By the clock as it was before.
    assert zone.index("DTSTART:20260329T010000") == zone.index("BEGIN:DAYLIGHT") + 1
    assert "DTSTART:20261025T020000" in zone
    lines = lines_of(planned(zone="America/New_York").meetings)
    assert "RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=2SU" in lines
    assert "TZOFFSETTO:-0400" in lines
    # Where they come by another calendar, each is written down.
    lines = lines_of(planned(zone="Africa/Casablanca").meetings)
    zone = lines[lines.index("BEGIN:VTIMEZONE") : lines.index("END:VTIMEZONE")]
    assert not [line for line in zone if line.startswith("RRULE")]
    assert 4 <= zone.count("BEGIN:STANDARD") <= 24


def test_each_zone_is_written_once_and_a_zone_that_is_not_known_not_at_all() -> None:
    log = planned()
    log.plan(meeting=NEXT)
    log.plan(meeting=b"x" * 16, zone="Europe/Nowhere")
    lines = lines_of(log.meetings)
    assert lines.count("BEGIN:VTIMEZONE") == 1
    assert len(components(lines, "VEVENT")) == 2


def test_a_long_address_is_folded_between_characters() -> None:
    origin = "https://" + "ü" * 60 + ".example.org"
    assert f"URL:{origin}" in lines_of(planned().meetings, origin)


def test_no_meeting_is_a_calendar_with_nothing_in_it() -> None:
    assert lines_of(()) == [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//Collegium//Meetings//EN",
        "CALSCALE:GREGORIAN",
        "METHOD:PUBLISH",
        "END:VCALENDAR",
    ]


def test_a_stamp_that_lies_beyond_all_calendars_is_cut() -> None:
    planned_at: dict[str, Any] = {"title": "A", "start": "2026-03-03T18:00", "zone": "UTC", "minutes": 60}
    meetings = fold_meeting((), ANNA, 2**53 - 1, 2**53 - 1, bodies.Meeting(ID, **planned_at))
    assert "DTSTAMP:21991231T235900Z" in lines_of(meetings)
    assert at("2026-03-03T18:00+00:00") == occurrences(meetings, NOW, NOW + 9 * DAY)[0].begins
