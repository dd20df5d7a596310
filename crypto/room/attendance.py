"""Who was in a call, as those who were there say it: an item of the timeline, the source of attendance.

Everyone's own device says when they were there (`attended`), and the last one to leave says it of all
(`call_record`, E37). To say a thing twice changes nothing. Where the two differ, it is shown and not settled:
nobody's word stands for another's. What the sitting belongs to, the first word that names it decides.
"""

from collections.abc import Iterable, Set
from dataclasses import dataclass, replace
from typing import ClassVar, Final, Literal

from crypto.room.call_bodies import Attended, CallPerson, CallRecord, SittingEvent
from crypto.room.origin import Origin

MAX_PEOPLE: Final = 32
MAX_SPANS: Final = 8  # of one account in one sitting
MAX_RECORDS: Final = 4  # of one sitting, one by each account
# E10: a device whose clock is further ahead of the stamps is not believed.
MAX_AHEAD_MS: Final = 600_000
# Two words that are no further apart agree.
AGREE_MS: Final = 60_000


@dataclass(frozen=True, slots=True)
class Span:
    """From when to when (ms)."""

    began: int
    ended: int


@dataclass(frozen=True, slots=True)
class Attendance:
    """What an account's own devices say: spans that do not touch, in order."""

    account: bytes
    spans: tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class LastWord:
    """What the account `by` says of all."""

    by: bytes
    began: int
    ended: int
    people: tuple[CallPerson, ...]


@dataclass(frozen=True, slots=True)
class CallItem:
    """A sitting. `id` is its own; `n` and `at` are of the first word about it. Ascending by account."""

    kind: ClassVar[Literal["call"]] = "call"
    LATER: ClassVar[Set[str]] = frozenset(("origin",))
    id: bytes
    n: int
    at: int
    attended: tuple[Attendance, ...] = ()
    records: tuple[LastWord, ...] = ()
    origin: Origin | None = None


def is_believable(event: SittingEvent, at: int) -> bool:
    """Whether it can have happened by the stamp of the entry that says so."""
    return event.ended <= at + MAX_AHEAD_MS


def with_word(item: CallItem, account: bytes, event: SittingEvent, origin: Origin | None) -> CallItem:
    """A sitting after what an account says about it. `origin`: what it names, as this device knows it."""
    if item.origin is None and origin is not None:
        item = replace(item, origin=origin)
    match event:
        case Attended(_, began, ended):
            return _attended(item, account, Span(began, ended))
        case CallRecord(_, began, ended, people):
            record = LastWord(account, began, ended, people)
            others = [one for one in item.records if one.by != account]
            if len(others) >= MAX_RECORDS:
                return item
            return replace(item, records=tuple(sorted((*others, record), key=lambda one: one.by)))


def _attended(item: CallItem, account: bytes, span: Span) -> CallItem:
    before = next((one.spans for one in item.attended if one.account == account), ())
    others = [one for one in item.attended if one.account != account]
    spans = _joined((*before, span))
    if len(others) >= MAX_PEOPLE or len(spans) > MAX_SPANS:
        return item
    attended = sorted((*others, Attendance(account, spans)), key=lambda one: one.account)
    return replace(item, attended=tuple(attended))


def _joined(spans: Iterable[Span]) -> tuple[Span, ...]:
    """In order, and one where they touch."""
    out: list[Span] = []
    for span in sorted(spans, key=lambda one: one.began):
        if out and span.began <= out[-1].ended:
            out[-1] = Span(out[-1].began, max(out[-1].ended, span.ended))
        else:
            out.append(span)
    return tuple(out)


@dataclass(frozen=True, slots=True)
class WasThere:
    """`present`: how long (ms). `own`: they say it themselves. `disputed`: a record says otherwise."""

    account: bytes
    present: int
    own: bool
    disputed: bool


@dataclass(frozen=True, slots=True)
class CallSummary:
    """`complete`: somebody was the last to leave and said so. `origin`: what the call belongs to."""

    began: int
    ended: int
    people: tuple[WasThere, ...]
    complete: bool
    origin: Origin | None


def summary_of(item: CallItem) -> CallSummary:
    own = {one.account: one.spans for one in item.attended}
    said = {one.account for record in item.records for one in record.people}
    spans = [span for one in item.attended for span in one.spans]
    whole = [*spans, *(Span(one.began, one.ended) for one in item.records)]
    began, ended = min(one.began for one in whole), max(one.ended for one in whole)
    people = tuple(_was_there(item, account, own.get(account)) for account in sorted(own.keys() | said))
    return CallSummary(began, ended, people, complete=item.records != (), origin=item.origin)


def _was_there(item: CallItem, account: bytes, own: tuple[Span, ...] | None) -> WasThere:
    said = [_word_on(record, account) for record in item.records]
    if own is not None:
        present = sum(span.ended - span.began for span in own)
        whole = Span(own[0].began, own[-1].ended)
        return WasThere(account, present, own=True, disputed=any(not _agree(one, whole) for one in said))
    spans = [one for one in said if one is not None]
    present = max(one.ended - one.began for one in spans)
    disputed = any(not _agree(one, spans[0]) for one in said)
    return WasThere(account, present, own=False, disputed=disputed)


def _word_on(record: LastWord, account: bytes) -> Span | None:
    return next((Span(one.began, one.ended) for one in record.people if one.account == account), None)


def _agree(one: Span | None, other: Span) -> bool:
    if one is None:
        return False
    return abs(one.began - other.began) <= AGREE_MS and abs(one.ended - other.ended) <= AGREE_MS
