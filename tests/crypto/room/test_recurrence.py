"""When meetings take place: rules in local time, and the instants of local times (RFC 5545)."""

from datetime import UTC, datetime, timedelta
from itertools import takewhile
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from dateutil.rrule import rrulestr
from hypothesis import given, settings
from hypothesis import strategies as st

from crypto.room import recurrence
from crypto.room.recurrence import (
    DAYS,
    FIRST_LOCAL,
    LAST_LOCAL,
    MAX_LOOKED,
    Series,
    begins,
    instant_of,
    is_start,
    is_zone_name,
    naive_local,
    naive_ms,
    parse_rule,
    starts,
    utc_offset,
    zone_is_known,
)


def at(text: str) -> int:
    """An instant as ISO 8601 has it."""
    return round(datetime.fromisoformat(text).timestamp() * 1000)


@pytest.mark.parametrize(
    ("zone", "local", "instant"),
    [
        ("Europe/Lisbon", "2026-01-15T18:00", "2026-01-15T18:00+00:00"),
        ("Europe/Lisbon", "2026-07-15T18:00", "2026-07-15T18:00+01:00"),
        # Left out: one o'clock is two o'clock.
        ("Europe/Lisbon", "2026-03-29T00:59", "2026-03-29T00:59+00:00"),
        ("Europe/Lisbon", "2026-03-29T01:00", "2026-03-29T02:00+01:00"),
        ("Europe/Lisbon", "2026-03-29T01:59", "2026-03-29T02:59+01:00"),
        ("Europe/Lisbon", "2026-03-29T02:00", "2026-03-29T02:00+01:00"),
        # Twice: the first of the two.
        ("Europe/Lisbon", "2026-10-25T01:30", "2026-10-25T01:30+01:00"),
        ("Europe/Lisbon", "2026-10-25T02:00", "2026-10-25T02:00+00:00"),
        ("America/New_York", "2026-03-08T02:30", "2026-03-08T03:30-04:00"),
        ("America/New_York", "2026-11-01T01:30", "2026-11-01T01:30-04:00"),
        # Half an hour, on the other side of the earth.
        ("Australia/Lord_Howe", "2026-10-04T02:15", "2026-10-04T02:45+11:00"),
        ("Australia/Lord_Howe", "2026-10-04T02:30", "2026-10-04T02:30+11:00"),
        ("Australia/Lord_Howe", "2026-04-05T01:45", "2026-04-05T01:45+11:00"),
        ("Australia/Lord_Howe", "2026-04-05T02:00", "2026-04-05T02:00+10:30"),
        # Clocks that nobody changes.
        ("Asia/Kolkata", "2026-03-29T01:30", "2026-03-29T01:30+05:30"),
        ("UTC", "2026-03-29T01:30", "2026-03-29T01:30+00:00"),
        ("Pacific/Kiritimati", "2026-01-01T00:00", "2026-01-01T00:00+14:00"),
    ],
)
def test_a_local_time_is_the_instant_that_rfc_5545_says(zone: str, local: str, instant: str) -> None:
    assert instant_of(local, zone) == at(instant)


@settings(max_examples=150, derandomize=True, deadline=None)
@given(
    st.sampled_from(["Europe/Lisbon", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata"]),
    st.datetimes(datetime(2001, 1, 1), datetime(2099, 1, 1)),
)
def test_an_instant_and_back_is_the_local_time_unless_it_was_left_out(zone: str, when: datetime) -> None:
    local = when.strftime("%Y-%m-%dT%H:%M")
    instant = instant_of(local, zone)
    offset = utc_offset(instant or 0, zone)
    assert instant is not None
    assert offset is not None
    back = naive_local(instant + offset * 60_000)
    gap = naive_ms(back) - naive_ms(local)
    assert gap == 0 or (gap in (1_800_000, 3_600_000) and utc_offset(instant - gap, zone) != offset)


@pytest.mark.parametrize(
    "name",
    [
        "Europe/Nowhere",
        "Europe",
        "America/Argentina",
        "../../etc/passwd",
        "/etc/passwd",
        "Europe/../Europe/Lisbon",
        "Europe/Lisbon\0",
        "localtime",
        "posixrules",
        "",
    ],
)
def test_a_zone_that_is_none_is_not_known_and_no_path_is_followed(name: str) -> None:
    assert not zone_is_known(name)
    assert instant_of("2026-01-01T00:00", name) is None
    assert utc_offset(0, name) is None
    assert is_zone_name(name) == (name in ("Europe/Nowhere", "America/Argentina"))


@pytest.mark.parametrize(
    ("start", "rule", "found"),
    [
        ("2026-03-03T18:00", None, ["03-03"]),
        ("2026-03-03T18:00", "FREQ=DAILY;COUNT=3", ["03-03", "03-04", "03-05"]),
        ("2026-03-03T18:00", "FREQ=WEEKLY;COUNT=1", ["03-03"]),
        # The last day counts, and the day after does not.
        ("2026-03-03T18:00", "FREQ=WEEKLY;UNTIL=20260317", ["03-03", "03-10", "03-17"]),
        ("2026-03-03T18:00", "FREQ=WEEKLY;UNTIL=20260316", ["03-03", "03-10"]),
        ("2026-03-03T00:00", "FREQ=DAILY;UNTIL=20260304", ["03-03", "03-04"]),
        # A week begins on Monday, whatever the start.
        (
            "2026-03-05T18:00",
            "FREQ=WEEKLY;INTERVAL=2;BYDAY=TU,TH;COUNT=4",
            ["03-05", "03-17", "03-19", "03-31"],
        ),
        (
            "2026-03-01T18:00",
            "FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,SU;COUNT=4",
            ["03-01", "03-09", "03-15", "03-23"],
        ),
        ("2026-01-31T18:00", "FREQ=MONTHLY;COUNT=4", ["01-31", "03-31", "05-31", "07-31"]),
        ("2026-01-29T18:00", "FREQ=MONTHLY;COUNT=3", ["01-29", "03-29", "04-29"]),
        ("2026-03-10T18:00", "FREQ=MONTHLY;BYDAY=2TU;COUNT=3", ["03-10", "04-14", "05-12"]),
        ("2026-03-31T18:00", "FREQ=MONTHLY;BYDAY=-1TU;COUNT=3", ["03-31", "04-28", "05-26"]),
    ],
)
def test_a_series_has_these_days(start: str, rule: str | None, found: list[str]) -> None:
    series = Series(start, rule)
    assert [one[5:10] for one in starts(series, FIRST_LOCAL, LAST_LOCAL)] == found
    assert all(is_start(series, f"2026-{day}T{start[11:]}") for day in found)
    assert not is_start(series, f"2026-{found[0]}T23:58")


def test_a_series_that_was_cut_off_ends_before_it() -> None:
    series = Series("2026-03-03T18:00", "FREQ=WEEKLY", "2026-03-17T18:00")
    assert starts(series, FIRST_LOCAL, LAST_LOCAL) == ("2026-03-03T18:00", "2026-03-10T18:00")
    assert not is_start(series, "2026-03-17T18:00")


def test_what_is_looked_at_is_bounded() -> None:
    assert len(starts(Series("2026-03-03T18:00", "FREQ=DAILY"), FIRST_LOCAL, LAST_LOCAL)) == MAX_LOOKED
    # A leap day in every fifth year comes every twenty years.
    rare = Series("2004-02-29T18:00", "FREQ=MONTHLY;INTERVAL=60")
    assert starts(rare, FIRST_LOCAL, LAST_LOCAL)[:3] == (
        "2004-02-29T18:00",
        "2024-02-29T18:00",
        "2044-02-29T18:00",
    )


@st.composite
def a_series(draw: Any) -> tuple[str, str]:
    start = draw(st.datetimes(datetime(2020, 1, 1), datetime(2026, 1, 1))).replace(second=0, microsecond=0)
    day, local = DAYS[start.weekday()], start.strftime("%Y-%m-%dT%H:%M")
    more = sorted({day, *draw(st.sets(st.sampled_from(DAYS), max_size=3))}, key=DAYS.index)
    interval = draw(st.sampled_from(["", ";INTERVAL=2", ";INTERVAL=3", ";INTERVAL=12", ";INTERVAL=99"]))
    ordinal = -1 if start.day > 28 else (start.day - 1) // 7 + 1
    rule = draw(
        st.sampled_from(
            [
                f"FREQ=DAILY{interval}",
                f"FREQ=WEEKLY{interval}",
                f"FREQ=WEEKLY{interval};BYDAY={','.join(more)}",
                f"FREQ=MONTHLY{interval}",
                f"FREQ=MONTHLY{interval};BYDAY={ordinal}{day}",
            ]
        )
    )
    until = (start + timedelta(days=draw(st.integers(0, 4000)))).strftime("%Y%m%d")
    return local, rule + draw(st.sampled_from(["", ";COUNT=5", ";COUNT=200", f";UNTIL={until}"]))


@settings(max_examples=250, derandomize=True, deadline=None)
@given(a_series(), st.integers(-100, 5000), st.integers(1, 366))
def test_a_window_has_what_the_whole_series_has_there(series: tuple[str, str], after: int, days: int) -> None:
    """Whatever is skipped to get there (the anchor) changes nothing."""
    start, rule = series
    assert begins(start, rule)
    low = naive_local(naive_ms(start) + after * 86_400_000)
    high = naive_local(naive_ms(low) + days * 86_400_000)
    text = rule if "UNTIL" not in rule else f"{rule}T235900"
    whole = rrulestr(text, dtstart=datetime.fromisoformat(start))
    local = (one.strftime("%Y-%m-%dT%H:%M") for one in whole)
    expected = tuple(one for one in takewhile(lambda one: one < high, local) if one >= low)
    assert starts(Series(start, rule), low, high) == expected


@settings(max_examples=300, derandomize=True, deadline=None)
@given(st.text("FREQ=DAILYWEKMONTH;INTV=0123456789BYSU,-C", max_size=70))
def test_any_text_is_a_rule_or_none(text: str) -> None:
    parsed = parse_rule(text)
    assert parsed is None or (parsed.interval <= 99 and (parsed.count or 1) <= 200)


def test_zones_are_those_of_the_machine_and_agree_with_it() -> None:
    instant = at("2026-07-01T00:00+00:00")
    here = datetime.fromtimestamp(instant / 1000, ZoneInfo("Australia/Lord_Howe"))
    assert utc_offset(instant, "Australia/Lord_Howe") == 630
    assert here.astimezone(UTC).timestamp() * 1000 == instant


def test_the_data_of_many_zones_is_not_kept() -> None:
    for i in range(200):
        assert not zone_is_known(f"Europe/{'A' * (i % 40)}{'B' * (i // 40)}")
    assert recurrence._zone_of.cache_info().currsize <= 64
