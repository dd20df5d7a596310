"""When a meeting takes place: local times, their rules, and the instants that they are (RFC 5545).

A rule is expanded in local time, without a zone, so that everyone counts the same occurrences whatever their
time zone data; then each local time becomes an instant in the meeting's zone. The syntax of all three is that
of wire/schedule.py.
"""

import re
from calendar import monthrange
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import pairwise, takewhile
from typing import Final, Literal, TypeAlias, cast
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from dateutil.rrule import DAILY, MONTHLY, WEEKLY, rrule, weekday

MAX_ZONE: Final = 48
MAX_RULE: Final = 72
# Looked at in one expansion: each day of the longest window, and what a rule that is counted may have.
MAX_LOOKED: Final = 400
FIRST_LOCAL: Final = "2000-01-01T00:00"
LAST_LOCAL: Final = "2199-12-31T23:59"
DAYS: Final = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")

_MAX_ZONES: Final = 64  # of which the data is kept at hand

_LOCAL_TIME = re.compile("2[01][0-9]{2}-[0-9]{2}-[0-9]{2}T(?:[01][0-9]|2[0-3]):[0-5][0-9]")
_ZONE = re.compile(
    "UTC|(?:Africa|America|Antarctica|Arctic|Asia|Atlantic|Australia|Europe|Indian|Pacific)"
    "(?:/[A-Z][A-Za-z_-]*){1,2}"
)
_RULE = re.compile(
    "FREQ=(DAILY|WEEKLY|MONTHLY)"
    "(?:;INTERVAL=([2-9]|[1-9][0-9]))?"
    "(?:;BYDAY=([A-Z0-9,-]{2,20}))?"
    "(?:;COUNT=([1-9][0-9]?|1[0-9]{2}|200)|;UNTIL=(2[01][0-9]{6}))?"
)
_ORDINAL_DAY = re.compile("(-1|[1-4])(MO|TU|WE|TH|FR|SA|SU)")

Frequency: TypeAlias = Literal["DAILY", "WEEKLY", "MONTHLY"]
_FREQUENCIES: Final[Mapping[Frequency, Literal[1, 2, 3]]] = {
    "DAILY": DAILY,
    "WEEKLY": WEEKLY,
    "MONTHLY": MONTHLY,
}


@dataclass(frozen=True, slots=True)
class Day:
    """A day of the week, from Monday; with an `ordinal`, that of a month: the second, or -1 for the last."""

    weekday: int
    ordinal: int = 0


@dataclass(frozen=True, slots=True)
class Rule:
    """RFC 5545 §3.3.10. `days` empty: as the start is. `until`: the last day, local."""

    frequency: Frequency
    interval: int
    days: tuple[Day, ...]
    count: int | None
    until: datetime | None


@dataclass(frozen=True, slots=True)
class Series:
    """Local starts: the first, the rule of the others, and where somebody cut them off (not included)."""

    start: str
    rule: str | None
    ends: str | None = None


# Syntax


def parse_local(text: str) -> datetime | None:
    """None for what is no time of a day that there is."""
    if not _LOCAL_TIME.fullmatch(text):
        return None
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def is_local_time(text: str) -> bool:
    return parse_local(text) is not None


def is_zone_name(text: str) -> bool:
    """Whether it is written like a zone. Which zones there are, each machine knows for itself."""
    return len(text) <= MAX_ZONE and _ZONE.fullmatch(text) is not None


def parse_rule(text: str) -> Rule | None:
    """None for what is no rule in its one spelling."""
    found = _RULE.fullmatch(text) if len(text) <= MAX_RULE else None
    if found is None:
        return None
    frequency, interval, by_day, count, until = found.groups()
    days = _days_of(frequency, by_day)
    last = None if until is None else parse_local(f"{until[:4]}-{until[4:6]}-{until[6:]}T23:59")
    if days is None or (until is not None and last is None):
        return None
    return Rule(
        cast(Frequency, frequency), int(interval or 1), days, None if count is None else int(count), last
    )


def _days_of(frequency: str, by_day: str | None) -> tuple[Day, ...] | None:
    if by_day is None:
        return ()
    if frequency == "MONTHLY":
        ordinal = _ORDINAL_DAY.fullmatch(by_day)
        return None if ordinal is None else (Day(DAYS.index(ordinal[2]), int(ordinal[1])),)
    names = by_day.split(",")
    if frequency != "WEEKLY" or any(name not in DAYS for name in names):
        return None
    days = [DAYS.index(name) for name in names]
    return None if any(b <= a for a, b in pairwise(days)) else tuple(Day(day) for day in days)


def is_rule(text: str) -> bool:
    return parse_rule(text) is not None


def begins(start: str, rule: str) -> bool:
    """RFC 5545 §3.8.5.3: a series begins with its first occurrence. So its start is a day of its rule."""
    first, parsed = parse_local(start), parse_rule(rule)
    if first is None or parsed is None or (parsed.until is not None and first > parsed.until):
        return False
    return not parsed.days or any(_is_on(first, day) for day in parsed.days)


def _is_on(local: datetime, day: Day) -> bool:
    if local.weekday() != day.weekday:
        return False
    if day.ordinal == -1:
        return local.day + 7 > monthrange(local.year, local.month)[1]
    return day.ordinal in (0, (local.day - 1) // 7 + 1)


# Occurrences


def starts(series: Series, low: str, high: str) -> tuple[str, ...]:
    """Local starts from `low` up to, not including, `high`; at most MAX_LOOKED are looked at.

    Whoever asks for more days than that gets the first ones.
    """
    begin, least, most = _local(series.start), _local(low), _local(high)
    most = most if series.ends is None else min(most, _local(series.ends))
    within = takewhile(lambda local: local < most, _first_looked(series.rule, begin, least))
    return tuple(write_local(local) for local in within if local >= least)


def is_start(series: Series, local: str) -> bool:
    """Whether the series, as it was planned, has an occurrence then."""
    return starts(series, local, write_local(_local(local) + timedelta(minutes=1))) != ()


def _local(text: str) -> datetime:
    local = parse_local(text)
    if local is None:
        raise AssertionError("a local time that nobody has checked")
    return local


def write_local(local: datetime) -> str:
    return local.strftime("%Y-%m-%dT%H:%M")


def _first_looked(rule: str | None, begin: datetime, least: datetime) -> Iterator[datetime]:
    if rule is None:
        yield begin
        return
    parsed = parse_rule(rule)
    if parsed is None:
        raise AssertionError("a rule that nobody has checked")
    anchor = begin if parsed.count is not None else _anchor(parsed, begin, least)
    expanded = rrule(
        _FREQUENCIES[parsed.frequency],
        dtstart=anchor,
        interval=parsed.interval,
        wkst=0,
        count=parsed.count,
        until=parsed.until,
        byweekday=[_weekday(day) for day in parsed.days] or None,
        bymonthday=begin.day if parsed.frequency == "MONTHLY" and not parsed.days else None,
    )
    for looked, local in enumerate(expanded):
        if looked >= MAX_LOOKED:
            return
        if local >= begin:
            yield local


def _weekday(day: Day) -> weekday:
    return weekday(day.weekday, day.ordinal or None)


def _anchor(rule: Rule, begin: datetime, least: datetime) -> datetime:
    """A later beginning of the same series, a period before `least`: what is long past is not counted up."""
    if least <= begin:
        return begin
    if rule.frequency == "MONTHLY":
        months = (least.year - begin.year) * 12 + least.month - begin.month
        periods = months // rule.interval - 1
        month = begin.month - 1 + max(periods, 0) * rule.interval
        # The first of a month: each has one, which is not true of the 31st.
        moved = begin.replace(year=begin.year + month // 12, month=month % 12 + 1, day=1)
        return begin if periods <= 0 else moved
    days = rule.interval * (7 if rule.frequency == "WEEKLY" else 1)
    return begin + timedelta(days=max((least - begin).days // days - 1, 0) * days)


# Instants


@lru_cache(_MAX_ZONES)
def _zone_of(name: str) -> ZoneInfo | None:
    if not is_zone_name(name):
        return None
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, OSError, ValueError):
        return None  # no such zone in this machine's data, or a folder of zones


def zone_is_known(name: str) -> bool:
    """Whether this machine can say which instants the zone's local times are."""
    return _zone_of(name) is not None


def instant_of(local: str, zone: str) -> int | None:
    """Milliseconds since 1970; None where this machine does not know the zone.

    RFC 5545 §3.3.5: a local time that comes twice is the first of the two; one that is left out is read with
    the offset before the gap.
    """
    info = _zone_of(zone)
    if info is None:
        return None
    # PEP 495: fold 0 is exactly this.
    return round(_local(local).replace(tzinfo=info, fold=0).timestamp()) * 1000


def utc_offset(instant: int, zone: str) -> int | None:
    """Minutes that the zone's clocks are ahead of UTC at an instant (ms)."""
    info = _zone_of(zone)
    if info is None:
        return None
    offset = datetime.fromtimestamp(instant // 1000, info).utcoffset()
    return None if offset is None else round(offset.total_seconds()) // 60


def naive_ms(local: str) -> int:
    """The local time read as UTC (ms): within fourteen hours of the instant, whatever the zone."""
    return round(_local(local).replace(tzinfo=UTC).timestamp()) * 1000


def naive_local(ms: int) -> str:
    """The other way. Years outside of 2000 to 2199 are the nearest time inside."""
    bounded = min(max(ms, naive_ms(FIRST_LOCAL)), naive_ms(LAST_LOCAL))
    return write_local(datetime.fromtimestamp(bounded // 1000, UTC))
