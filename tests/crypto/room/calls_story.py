"""What members of a room say about calls and meetings, made from a seed, and what follows from it.

`calls_python.json` is told here, `calls.json` in TypeScript (`web/tests/room/callsStory.ts`). Either language
reads both: the same entries must give the same fold after each, the same lines, views and calendar file.
"""

import json
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any, get_args

from crypto.room import call_bodies as bodies
from crypto.room import calls, meetings
from crypto.room.attendance import CallItem, summary_of
from crypto.room.bodies import EventBody, decode_body, encode_body
from crypto.room.calendar_file import calendar_file
from crypto.room.call_lines import call_line, named_origin, ring_line_id
from crypto.room.canonical import encode_canonical
from crypto.room.errors import RoomDataError
from crypto.room.events import Envelope
from crypto.room.fold import EventPlace, Fold, first_fold, fold_event
from crypto.room.log_head import Seen
from crypto.room.origin import MeetingOrigin, Origin, RingOrigin, origin_of
from crypto.room.recurrence import DAYS, begins, starts
from crypto.room.snapshot import Snapshot, encode_snapshot, snapshot_hash
from crypto.room.timeline import EMPTY_TIMELINE, SystemItem, Timeline, with_sitting, with_system
from tests.crypto.identity.people import id_of

FOLDER = Path(__file__).resolve().parents[2] / "agreement"
PYTHON = FOLDER / "calls_python.json"
TYPESCRIPT = FOLDER / "calls.json"
ROOM = id_of("room")
BEGIN = 1_767_225_600_000  # 2026-01-01
LOOK_EVERY = 20
ORIGIN = "https://collegium.example.org"
MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
STEPS = (1000, 1000, 30_000, 30_000, 30_000, 5 * MINUTE, 5 * MINUTE, 5 * MINUTE, HOUR, HOUR, 15 * HOUR)
# Beside what clocks do: two summer times, half an hour, none, none at all, and a zone that nobody has.
ZONES = (
    "Europe/Lisbon",
    "Europe/Lisbon",
    "America/New_York",
    "America/New_York",
    "Australia/Lord_Howe",
    "Asia/Kolkata",
    "UTC",
    "Europe/Nowhere",
)
STARTS = (
    "2026-01-31T18:00",
    "2026-03-03T18:00",
    "2026-03-08T02:30",
    "2026-03-29T01:30",
    "2026-04-05T01:45",
    "2026-10-04T02:15",
    "2026-10-25T01:30",
    "2026-11-01T01:30",
)


# Reading


@dataclass(slots=True)
class Read:
    """What one device has after some entries."""

    fold: Fold = field(default_factory=lambda: first_fold(ROOM))
    timeline: Timeline = EMPTY_TIMELINE
    lines: list[list[Any]] = field(default_factory=list)
    folds: list[str] = field(default_factory=list)

    def take(self, entry: dict[str, Any]) -> None:
        n, account = entry["n"], bytes.fromhex(entry["account"])
        if entry["type"] == "gone":
            rings = calls.fold_gone(self.fold.rings, [account])
            planned = meetings.fold_gone(self.fold.meetings, [account])
            fold = self.fold
            self.fold = Fold(fold.version, fold.names, fold.counters, fold.events, rings, planned)
        else:
            self._take_event(n, account, entry)
        self.folds.append(snapshot_hash(self.snapshot(n)).hex())

    def _take_event(self, n: int, account: bytes, entry: dict[str, Any]) -> None:
        body, time = bytes.fromhex(entry["body"]), entry["time"]
        event = decoded(entry["type"], body)
        envelope = Envelope(id_of(f"event {n}"), entry["type"], n, Seen(0, bytes(16)), body, bytes(64))
        before = self.fold
        self.fold = fold_event(before, EventPlace(n, account, account, time), envelope, event).fold
        if isinstance(event, get_args(bodies.SittingEvent)):
            origin = named_origin(self.timeline, self.fold, event)
            self.timeline = with_sitting(self.timeline, event, account, n, time, origin)
        line = None if event is None else call_line(before, self.fold, event)
        if line is not None:
            self.lines.append([n, line.code, line.detail])
            if isinstance(event, bodies.Ring):
                id_ = ring_line_id(event.call)
                item = SystemItem(id_, n, time, line.code, None, account, line.detail)
                self.timeline = with_system(self.timeline, item)

    def snapshot(self, n: int) -> bytes:
        return encode_snapshot(Snapshot(n, bytes(48), self.fold))


def decoded(type_: str, body: bytes) -> EventBody | None:
    try:
        return decode_body(type_, body)
    except RoomDataError:
        return None


def read(entries: list[dict[str, Any]], looks: list[list[int]]) -> dict[str, Any]:
    """`looks`: after which entry somebody looks, and when (ms)."""
    reader, views = Read(), []
    accounts = sorted({bytes.fromhex(entry["account"]) for entry in entries})
    for entry in entries:
        reader.take(entry)
        views += [_view(reader.fold, accounts, now) for n, now in looks if n == entry["n"]]
    items = [item for segment in reader.timeline for item in segment if isinstance(item, CallItem)]
    return {
        "folds": reader.folds,
        "snapshot": reader.snapshot(entries[-1]["n"]).hex(),
        "lines": reader.lines,
        "views": views,
        "calendar": calendar_file(reader.fold.meetings, ORIGIN),
        "sittings": [_sitting(item) for item in items],
    }


def _view(fold: Fold, accounts: list[bytes], now: int) -> dict[str, Any]:
    window = meetings.occurrences(fold.meetings, now - 7 * DAY, now + 60 * DAY)
    return {
        "now": now,
        "rings": [_ring(ring, accounts, now) for ring in fold.rings],
        "occurrences": [_occurrence(one, accounts) for one in window],
        "due": [[one.meeting.meeting.hex(), one.occurrence] for one in meetings.due(fold.meetings, now)],
        "next_due": meetings.next_due(fold.meetings, now),
        "full": meetings.is_full(fold.meetings, now),
        "unplaced": [one.meeting.hex() for one in meetings.unplaced(fold.meetings)],
        # Of a call that two of them have just begun.
        "origin": _origin(origin_of(fold.rings, fold.meetings, set(accounts[:2]), now)),
    }


def _ring(ring: calls.Ring, accounts: list[bytes], now: int) -> dict[str, Any]:
    view = calls.ring_view(ring, accounts, now)
    ends = {
        outcome: [calls.may_end(ring, account, now, outcome) for account in accounts]
        for outcome in bodies.OUTCOMES
    }
    return {
        "call": ring.call.hex(),
        "asked": [[one.account.hex(), one.state, one.due] for one in view.asked],
        "counts": [view.joining, view.coming, view.needed, view.enough_at],
        "said": [view.enough, view.write, view.lapsed],
        "may_end": ends,
    }


def _occurrence(one: meetings.Occurrence, accounts: list[bytes]) -> list[Any]:
    coming = [meetings.coming(one.meeting, one.occurrence, account) for account in accounts]
    when = [one.occurrence, one.start, one.minutes, one.begins, one.ends, one.moved]
    return [one.meeting.meeting.hex(), *when, coming]


def _sitting(item: CallItem) -> dict[str, Any]:
    summary = asdict(summary_of(item))
    people = [{**one, "account": one["account"].hex()} for one in summary["people"]]
    origin = _origin(item.origin)
    return {"id": item.id.hex(), "n": item.n, "at": item.at, **summary, "people": people, "origin": origin}


def _origin(origin: Origin | None) -> list[Any] | None:
    match origin:
        case RingOrigin(call, by, why):
            return ["ring", call.hex(), None if by is None else by.hex(), why]
        case MeetingOrigin(meeting, occurrence, title, start):
            return ["meeting", meeting.hex(), occurrence, title, start]
        case None:
            return None


# Telling


class Teller:
    """Members who say what comes to their mind, most of it in bounds."""

    def __init__(self, seed: int) -> None:
        self.rng = Random(seed)
        self.reader = Read()
        self.entries: list[dict[str, Any]] = []
        self.looks: list[list[int]] = []
        self.time = BEGIN
        self.accounts = [id_of(f"{seed} account {i}") for i in range(5)]

    def tell(self, count: int) -> list[dict[str, Any]]:
        for _ in range(count):
            self.time += self.rng.choice(STEPS)
            if len(self.entries) % LOOK_EVERY == LOOK_EVERY - 1:
                self._look()
            account = self.rng.choice(self.accounts)
            if self.rng.random() < 0.01:
                self._say(account, "gone", b"")
                continue
            event = self._event()
            self._say(account, event.type, encode_body(event))
            if self.rng.random() < 0.03:
                self._say(account, event.type, encode_canonical({"call": self.id("call")}))
        return self.entries

    def _look(self) -> None:
        """Now, and shortly before the next meeting begins."""
        n = len(self.entries)
        self.looks.append([n, self.time])
        later = meetings.occurrences(self.reader.fold.meetings, self.time, self.time + 300 * DAY)
        if later:
            self.looks.append([n, self.rng.choice(later).begins - 5 * MINUTE])

    def _say(self, account: bytes, type_: str, body: bytes) -> None:
        n = len(self.entries) + 1
        entry = {
            "n": n,
            "time": self.time,
            "account": account.hex(),
            "type": type_,
            "body": body.hex(),
        }
        self.entries.append(entry)
        self.reader.take(entry)

    def id(self, of: str, count: int = 8) -> bytes:
        return id_of(f"{of} {self.rng.randrange(count)}")

    def _event(self) -> EventBody:
        return self.rng.choice(
            (
                self._ring,
                self._ring,
                self._answer,
                self._answer,
                self._answer,
                self._answer,
                self._end,
                self._attended,
                self._record,
                self._meeting,
                self._meeting,
                self._change,
                self._cancel,
                self._coming,
                self._coming,
            )
        )()

    def _ring(self) -> bodies.Ring:
        urgency = self.rng.choice(("now", "now", *bodies.URGENCIES))
        fresh = id_of(f"call {self.rng.random()}") if self.rng.random() < 0.5 else self.id("call")
        return bodies.Ring(fresh, urgency, f"Why {self.rng.randrange(99)} ü", self.rng.randint(1, 11))

    def _call(self) -> bytes:
        rings = self.reader.fold.rings
        return self.rng.choice(rings).call if rings and self.rng.random() < 0.9 else self.id("call")

    def _answer(self) -> bodies.RingAnswer:
        kind = self.rng.choice(bodies.ANSWER_KINDS)
        minutes = self.rng.choice(bodies.ANSWER_MINUTES) if kind == "in" else None
        time = self.time + self.rng.randrange(-HOUR, 9 * HOUR) if kind == "at" else None
        return bodies.RingAnswer(self._call(), kind, minutes, time)

    def _end(self) -> bodies.RingEnd:
        outcome = self.rng.choice((*bodies.OUTCOMES, "withdrawn", "withdrawn"))
        return bodies.RingEnd(self._call(), outcome, self.id("post") if outcome == "written" else None)

    def _span(self) -> tuple[int, int]:
        began = self.time - self.rng.randrange(3 * HOUR)
        return began, began + self.rng.randrange(3 * HOUR)

    def _belongs(self) -> tuple[bytes | None, bytes | None, str | None]:
        """Mostly something that there is."""
        dice = self.rng.random()
        if dice < 0.3:
            return self._call(), None, None
        return (None, *self._occurrence()) if dice < 0.6 else (None, None, None)

    def _attended(self) -> bodies.Attended:
        began, ended = self._span()
        return bodies.Attended(self.id("sitting", 12), began, ended, *self._belongs())

    def _record(self) -> bodies.CallRecord:
        began, ended = self._span()
        some = sorted(self.rng.sample(self.accounts, self.rng.randint(1, 4)))
        people = []
        for account in some:
            came = self.rng.randint(began, ended)
            people.append(bodies.CallPerson(account, came, self.rng.randint(came, ended)))
        return bodies.CallRecord(self.id("sitting", 12), began, ended, tuple(people), *self._belongs())

    def _rule(self, start: str) -> str | None:
        first = datetime.fromisoformat(start)
        day = DAYS[first.weekday()]
        more = ",".join(sorted({day, *self.rng.sample(DAYS, 2)}, key=DAYS.index))
        until = (first + timedelta(days=self.rng.randrange(200))).strftime("%Y%m%d")
        monthly = [f"MONTHLY;BYDAY={n}{day}" for n in (-1, 1, 2, 3, 4)]
        weekly = ["WEEKLY", f"WEEKLY;INTERVAL=2;BYDAY={more}"]
        head = self.rng.choice(["DAILY", "DAILY;INTERVAL=3", *weekly, "MONTHLY", *monthly])
        end = self.rng.choice(("", f";COUNT={self.rng.choice((1, 7, 200))}", f";UNTIL={until}"))
        rule = f"FREQ={head}{end}"
        return rule if begins(start, rule) and self.rng.random() < 0.8 else None

    def _meeting(self) -> bodies.Meeting:
        start = self.rng.choice(STARTS)
        rule = self._rule(start)
        follows = self._occurrence() if self.rng.random() < 0.3 else (None, None)
        id_ = self.id("meeting", 14)
        if follows[0] == id_:
            follows = (None, None)
        minutes = self.rng.choice((5, 50, 90, 600))
        zone = self.rng.choice(ZONES)
        return bodies.Meeting(id_, f"Group {self.rng.randrange(9)}", start, zone, minutes, rule, *follows)

    def _occurrence(self) -> tuple[bytes, str]:
        """Of a meeting that there is, mostly one that its rule gives."""
        planned = self.reader.fold.meetings
        if not planned:
            return self.id("meeting", 14), self.rng.choice(STARTS)
        meeting = self.rng.choice(planned)
        given = starts(meetings.series_of(meeting), meeting.start, "2026-12-31T00:00")[:20]
        given = given or (meeting.start,)
        return meeting.meeting, self.rng.choice(STARTS if self.rng.random() < 0.1 else given)

    def _change(self) -> bodies.MeetingChange:
        meeting, occurrence = self._occurrence()
        moved = datetime.fromisoformat(occurrence) + timedelta(minutes=self.rng.randrange(-5000, 5000))
        start = moved.strftime("%Y-%m-%dT%H:%M")
        return bodies.MeetingChange(meeting, occurrence, start, self.rng.choice((15, 120)))

    def _cancel(self) -> bodies.MeetingCancel:
        meeting, occurrence = self._occurrence()
        return bodies.MeetingCancel(meeting, occurrence if self.rng.random() < 0.85 else None)

    def _coming(self) -> bodies.MeetingAnswer:
        meeting, occurrence = self._occurrence()
        coming = self.rng.choice(bodies.COMING)
        return bodies.MeetingAnswer(meeting, coming, occurrence if self.rng.random() < 0.7 else None)


def told(seed: int, count: int) -> dict[str, Any]:
    teller = Teller(seed)
    entries = teller.tell(count)
    return {"entries": entries, "looks": teller.looks, **read(entries, teller.looks)}


def written(story: dict[str, Any]) -> str:
    return json.dumps(story, ensure_ascii=False, indent=1) + "\n"
