"""Meetings: what is planned, moved and cancelled, by the order of the log; and when it takes place."""

from datetime import datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crypto.room import call_bodies as bodies
from crypto.room.call_bodies import MeetingEvent
from crypto.room.meetings import (
    KEEP_MS,
    MAX_ANSWERS,
    MAX_EXCEPTIONS,
    MAX_MEETINGS,
    MAX_WINDOW_MS,
    REMIND_MS,
    Meeting,
    Meetings,
    coming,
    due,
    find_meeting,
    fold_gone,
    fold_meeting,
    is_full,
    next_due,
    occurrences,
    unplaced,
)
from tests.crypto.identity.people import id_of

ANNA, BEN, CLEO = (id_of(f"account {name}") for name in ("anna", "ben", "cleo"))
ID, NEXT = id_of("meeting"), id_of("next meeting")
DAY, MINUTE = 86_400_000, 60_000


def at(text: str) -> int:
    return round(datetime.fromisoformat(text).timestamp() * 1000)


NOW = at("2026-03-01T12:00+00:00")


class Log:
    def __init__(self) -> None:
        self.meetings: Meetings = ()
        self.n = 0

    def say(self, who: bytes, event: MeetingEvent, now: int = NOW) -> Meetings:
        self.n += 1
        self.meetings = fold_meeting(self.meetings, who, self.n, now, event)
        return self.meetings

    def plan(self, who: bytes = ANNA, now: int = NOW, **changes: Any) -> Meetings:
        plain: dict[str, Any] = {
            "meeting": ID,
            "title": "Tuesday group",
            "start": "2026-03-03T18:00",
            "zone": "Europe/Lisbon",
            "minutes": 60,
            "rule": "FREQ=WEEKLY;BYDAY=TU",
        }
        return self.say(who, bodies.Meeting(**{**plain, **changes}), now)

    def move(self, occurrence: str, start: str, minutes: int = 90, who: bytes = BEN) -> Meetings:
        return self.say(who, bodies.MeetingChange(ID, occurrence, start, minutes))

    def cancel(self, occurrence: str | None = None, who: bytes = CLEO) -> Meetings:
        return self.say(who, bodies.MeetingCancel(ID, occurrence))

    def answer(self, who: bytes, word: bodies.Coming, occurrence: str | None = None) -> Meetings:
        return self.say(who, bodies.MeetingAnswer(ID, word, occurrence))

    @property
    def only(self) -> Meeting:
        (meeting,) = self.meetings
        return meeting

    def days(self, low: int = NOW, count: int = 35) -> list[str]:
        return [one.start[5:] for one in occurrences(self.meetings, low, low + count * DAY)]


def planned(**changes: Any) -> Log:
    log = Log()
    log.plan(**changes)
    return log


def test_a_weekly_meeting_keeps_its_time_of_day_when_clocks_change() -> None:
    found = occurrences(planned().meetings, NOW, NOW + 35 * DAY)
    assert [one.begins for one in found] == [
        at(f"2026-{day}T18:00{offset}")
        for day, offset in (
            ("03-03", "+00:00"),
            ("03-10", "+00:00"),
            ("03-17", "+00:00"),
            ("03-24", "+00:00"),
            ("03-31", "+01:00"),
        )
    ]
    assert all(one.ends == one.begins + 60 * MINUTE for one in found)


def test_one_occurrence_is_moved_and_moved_back() -> None:
    log = planned()
    log.move("2026-03-10T18:00", "2026-03-11T19:30")
    assert log.days() == ["03-03T18:00", "03-11T19:30", "03-17T18:00", "03-24T18:00", "03-31T18:00"]
    moved = occurrences(log.meetings, NOW, NOW + 35 * DAY)[1]
    assert (moved.occurrence, moved.minutes, moved.moved) == ("2026-03-10T18:00", 90, True)
    log.move("2026-03-10T18:00", "2026-03-10T18:00", 60)
    assert log.days() == planned().days()


def test_one_occurrence_is_cancelled_and_takes_place_again() -> None:
    log = planned()
    log.cancel("2026-03-10T18:00")
    assert log.days() == ["03-03T18:00", "03-17T18:00", "03-24T18:00", "03-31T18:00"]
    log.move("2026-03-10T18:00", "2026-03-10T20:00")
    assert "03-10T20:00" in log.days()
    log.cancel("2026-03-10T18:00")
    assert len(log.days()) == 4
    assert (log.only.moved, log.only.cancelled) == ((), ("2026-03-10T18:00",))


def test_an_occurrence_that_no_rule_gives_is_none_whatever_is_said_of_it() -> None:
    log = planned()
    log.move("2026-03-11T18:00", "2026-03-12T18:00")
    log.cancel("2026-03-12T18:00")
    assert log.days() == planned().days()


def test_an_occurrence_is_found_where_it_was_moved_however_far() -> None:
    log = planned()
    log.move("2026-03-10T18:00", "2027-01-01T10:00")
    new_year = at("2027-01-01T00:00+00:00")
    assert log.days(new_year, 1) == ["01-01T10:00"]


def test_a_meeting_that_is_called_off_is_no_more_and_any_member_may() -> None:
    log = planned()
    assert log.cancel(who=CLEO) == ()
    assert log.move("2026-03-10T18:00", "2026-03-11T18:00") == ()
    assert log.answer(BEN, "yes") == ()


def test_planned_anew_it_keeps_what_was_said_of_the_same_series() -> None:
    log = planned()
    log.cancel("2026-03-10T18:00")
    log.answer(BEN, "yes")
    log.plan(who=BEN, title="Balint", minutes=90)
    assert (log.only.title, log.only.minutes, log.only.by) == ("Balint", 90, BEN)
    assert log.only.cancelled == ("2026-03-10T18:00",)
    assert coming(log.only, "2026-03-17T18:00", BEN) == "yes"
    log.plan(start="2026-03-03T19:00")
    assert not log.only.cancelled
    assert not log.only.answers


def test_from_one_occurrence_on_another_meeting_takes_the_place() -> None:
    log = planned()
    log.answer(BEN, "yes")
    log.answer(BEN, "no", "2026-03-24T18:00")
    log.plan(
        meeting=NEXT,
        start="2026-03-18T17:00",
        rule="FREQ=WEEKLY;BYDAY=WE",
        follows=ID,
        since="2026-03-17T18:00",
    )
    assert log.days() == ["03-03T18:00", "03-10T18:00", "03-18T17:00", "03-25T17:00", "04-01T17:00"]
    after = find_meeting(log.meetings, NEXT)
    assert after is not None
    # Who comes as a rule comes to what takes its place.
    assert coming(after, "2026-03-25T17:00", BEN) == "yes"
    log.plan(meeting=id_of("third"), rule=None, follows=ID, since="2026-03-03T18:00")
    assert find_meeting(log.meetings, ID) is None


def test_what_follows_nothing_is_a_meeting_of_its_own() -> None:
    log = Log()
    log.plan(follows=NEXT, since="2026-03-17T18:00")
    assert log.days()[:1] == ["03-03T18:00"]


def test_the_newest_word_on_one_occurrence_comes_before_that_as_a_rule() -> None:
    log = planned()
    assert coming(log.only, "2026-03-10T18:00", BEN) is None
    log.answer(BEN, "no", "2026-03-10T18:00")
    log.answer(BEN, "yes")
    log.answer(BEN, "maybe", "2026-03-10T18:00")
    assert coming(log.only, "2026-03-10T18:00", BEN) == "maybe"
    assert coming(log.only, "2026-03-17T18:00", BEN) == "yes"
    assert coming(fold_gone(log.meetings, [BEN])[0], "2026-03-17T18:00", BEN) is None
    assert fold_gone(log.meetings, [CLEO]) is log.meetings


def test_what_is_kept_of_a_meeting_is_bounded_and_the_oldest_goes() -> None:
    log = planned(rule="FREQ=DAILY")
    days = [f"2026-{3 + i // 28:02}-{1 + i % 28:02}T18:00" for i in range(3, MAX_EXCEPTIONS + 8)]
    for day in days:
        log.cancel(day)
    assert log.only.cancelled == tuple(days[-MAX_EXCEPTIONS:])
    log.answer(ANNA, "yes")
    for i in range(MAX_ANSWERS + 5):
        log.answer(id_of(f"somebody {i}"), "yes", days[i % len(days)])
    assert len(log.only.answers) == MAX_ANSWERS
    assert coming(log.only, "2026-03-04T18:00", ANNA) == "yes"
    assert log.only.answers[1].occurrence > days[0]


def test_when_there_are_too_many_meetings_those_that_are_over_make_room() -> None:
    log = Log()
    for i in range(MAX_MEETINGS):
        log.plan(meeting=id_of(f"meeting {i}"), rule=None)
    assert is_full(log.meetings, NOW)
    assert find_meeting(log.plan(meeting=NEXT), NEXT) is None
    # Planned anew is not planned more.
    log.plan(meeting=id_of("meeting 3"), rule=None, title="Other")
    assert find_meeting(log.meetings, id_of("meeting 3")) is not None
    over = at("2026-03-03T18:00+00:00") + KEEP_MS + 2 * DAY
    assert not is_full(log.meetings, over)
    assert [one.meeting for one in log.plan(meeting=NEXT, now=over)] == [NEXT]


@pytest.mark.parametrize(
    ("changes", "last"),
    [
        ({"rule": None}, "2026-03-03T18:00"),
        ({"rule": "FREQ=WEEKLY;UNTIL=20260331"}, "2026-03-31T18:00"),
        ({"rule": "FREQ=WEEKLY;COUNT=4"}, "2026-03-24T18:00"),
        ({"rule": "FREQ=MONTHLY;BYDAY=1TU;COUNT=3"}, "2026-05-05T18:00"),
        ({"rule": "FREQ=DAILY;INTERVAL=3;COUNT=10"}, "2026-03-30T18:00"),
        ({"rule": "FREQ=WEEKLY"}, None),
        ({"start": "2026-01-31T18:00", "rule": "FREQ=MONTHLY;COUNT=3"}, None),
    ],
    ids=str,
)
def test_nothing_makes_room_before_its_last_occurrence_was(changes: dict[str, Any], last: str | None) -> None:
    log = planned(zone="Pacific/Kiritimati", **changes)
    if last is None:
        later = log.plan(meeting=NEXT, now=at("2090-01-01T00:00+00:00"))
        assert find_meeting(later, ID) is not None
        return
    still = at(f"{last}-12:00") + KEEP_MS
    assert find_meeting(planned(**changes).plan(meeting=NEXT, now=still), ID) is not None
    gone = log.plan(meeting=NEXT, now=at(f"{last}+00:00") + KEEP_MS + 60 * DAY)
    assert find_meeting(gone, ID) is None


def test_a_meeting_is_due_ten_minutes_before_it_begins_until_it_ends() -> None:
    log = planned()
    begins = at("2026-03-10T18:00+00:00")
    assert due(log.meetings, begins - REMIND_MS - 1) == ()
    for now in (begins - REMIND_MS, begins, begins + 60 * MINUTE - 1):
        assert [one.occurrence for one in due(log.meetings, now)] == ["2026-03-10T18:00"]
    assert due(log.meetings, begins + 60 * MINUTE) == ()
    assert next_due(log.meetings, begins - REMIND_MS) == begins + 7 * DAY - REMIND_MS
    assert next_due(log.meetings, begins - REMIND_MS - 1) == begins - REMIND_MS
    assert next_due(planned(start="2027-03-02T18:00").meetings, NOW) is None


def test_a_zone_that_this_machine_does_not_know_is_told_apart() -> None:
    log = planned(zone="Europe/Nowhere")
    log.plan(meeting=NEXT)
    assert [one.meeting for one in unplaced(log.meetings)] == [ID]
    assert {one.meeting.meeting for one in occurrences(log.meetings, NOW, NOW + 9 * DAY)} == {NEXT}


def test_nobody_looks_further_than_a_year() -> None:
    log = planned(rule="FREQ=DAILY")
    found = occurrences(log.meetings, NOW, NOW + 50 * MAX_WINDOW_MS)
    assert len(found) == 365 - 1
    years = at("2040-06-01T00:00+00:00")
    assert len(occurrences(log.meetings, years, years + 10 * DAY)) == 10


EVENTS = st.one_of(
    st.builds(
        bodies.Meeting,
        st.sampled_from([ID, NEXT]),
        st.sampled_from(["A", "B"]),
        st.sampled_from(["2026-03-03T18:00", "2026-03-10T18:00"]),
        st.sampled_from(["UTC", "Europe/Lisbon"]),
        st.just(60),
        st.sampled_from([None, "FREQ=WEEKLY", "FREQ=DAILY;COUNT=200"]),
        st.none() | st.just(id_of("third")),
        st.just("2026-03-17T18:00"),
    ),
    st.builds(
        bodies.MeetingChange,
        st.sampled_from([ID, NEXT]),
        st.sampled_from(["2026-03-10T18:00", "2026-03-17T18:00"]),
        st.just("2026-03-18T18:00"),
        st.just(30),
    ),
    st.builds(bodies.MeetingCancel, st.sampled_from([ID, NEXT]), st.none() | st.just("2026-03-17T18:00")),
    st.builds(
        bodies.MeetingAnswer,
        st.sampled_from([ID, NEXT]),
        st.sampled_from(bodies.COMING),
        st.none() | st.just("2026-03-17T18:00"),
    ),
)


@settings(max_examples=80, derandomize=True, deadline=None)
@given(st.lists(st.tuples(st.sampled_from([ANNA, BEN]), EVENTS), max_size=25))
def test_the_fold_is_in_order_and_bounded_whatever_is_said(said: list[tuple[bytes, MeetingEvent]]) -> None:
    one, other = Log(), Log()
    for who, event in said:
        one.say(who, event)
        other.say(who, event)
    assert one.meetings == other.meetings
    ids = [meeting.meeting for meeting in one.meetings]
    assert ids == sorted(set(ids))
    for meeting in one.meetings:
        keys = [(answer.occurrence, answer.account) for answer in meeting.answers]
        assert keys == sorted(set(keys))
        assert not {moved.occurrence for moved in meeting.moved} & set(meeting.cancelled)
