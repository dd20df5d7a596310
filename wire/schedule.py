"""When a meeting is: a time of day somewhere, in which zone, for how long, and when again."""

import re
from calendar import monthrange
from datetime import datetime
from itertools import pairwise
from typing import Annotated, Final

from pydantic import AfterValidator, Field

MAX_ZONE = 48
MAX_RULE = 72
MIN_MINUTES = 5
MAX_MINUTES = 600

# A time of day somewhere: which instant it is, the zone beside it says. No other calendar, no seconds.
_LOCAL_TIME = re.compile("2[01][0-9]{2}-[0-9]{2}-[0-9]{2}T(?:[01][0-9]|2[0-3]):[0-5][0-9]")
# Names as in the IANA database: no path leads out of its folder, no machine's own settings are meant.
_ZONE = re.compile(
    "UTC|(?:Africa|America|Antarctica|Arctic|Asia|Atlantic|Australia|Europe|Indian|Pacific)"
    "(?:/[A-Z][A-Za-z_-]*){1,2}"
)
# RFC 5545 §3.3.10 as far as groups meet, its parts in one order, so that one rule has one spelling.
_RULE = re.compile(
    "FREQ=(DAILY|WEEKLY|MONTHLY)"
    "(?:;INTERVAL=(?:[2-9]|[1-9][0-9]))?"
    "(?:;BYDAY=([A-Z0-9,-]{2,20}))?"
    "(?:;COUNT=(?:[1-9][0-9]?|1[0-9]{2}|200)|;UNTIL=(2[01][0-9]{6}))?"
)
_DAYS: Final = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
_ORDINAL_DAY = re.compile("(-1|[1-4])(MO|TU|WE|TH|FR|SA|SU)")


def _local_time(text: str) -> str:
    if not _LOCAL_TIME.fullmatch(text):
        raise ValueError("not a local time")
    datetime.fromisoformat(text)
    return text


def _zone(text: str) -> str:
    if not _ZONE.fullmatch(text):
        raise ValueError("not the name of a time zone")
    return text


def _weekdays(frequency: str, by_day: str) -> list[tuple[int, int]]:
    """(ordinal in the month, or 0; day of the week from Monday), as a rule names them."""
    if frequency == "MONTHLY" and (named := _ORDINAL_DAY.fullmatch(by_day)):
        return [(int(named[1]), _DAYS.index(named[2]))]
    days = by_day.split(",")
    if frequency != "WEEKLY" or any(day not in _DAYS for day in days):
        raise ValueError("days that such a rule does not have")
    found = [_DAYS.index(day) for day in days]
    if any(after <= before for before, after in pairwise(found)):
        raise ValueError("days out of order, or one twice")
    return [(0, day) for day in found]


def _rule(text: str) -> str:
    found = _RULE.fullmatch(text)
    if not found:
        raise ValueError("not a rule of recurrence")
    if found[2]:
        _weekdays(found[1], found[2])
    if found[3]:
        datetime.strptime(found[3], "%Y%m%d")
    return text


def _is_nth(start: datetime, ordinal: int) -> bool:
    if ordinal == -1:
        return start.day + 7 > monthrange(start.year, start.month)[1]
    return ordinal in (0, (start.day - 1) // 7 + 1)


def begins(start: str, rule: str) -> bool:
    """RFC 5545 §3.8.5.3: a series begins with its first occurrence. So its start is a day of its rule."""
    found, first = _RULE.fullmatch(rule), datetime.fromisoformat(start)
    if not found:
        return False
    days = _weekdays(found[1], found[2]) if found[2] else [(0, first.weekday())]
    on_its_day = any(first.weekday() == day and _is_nth(first, ordinal) for ordinal, day in days)
    return on_its_day and (not found[3] or first.strftime("%Y%m%d") <= found[3])


LocalTime = Annotated[str, AfterValidator(_local_time)]
Zone = Annotated[str, Field(max_length=MAX_ZONE), AfterValidator(_zone)]
Rule = Annotated[str, Field(max_length=MAX_RULE), AfterValidator(_rule)]
Minutes = Annotated[int, Field(ge=MIN_MINUTES, le=MAX_MINUTES)]
