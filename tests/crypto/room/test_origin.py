"""What a call is taken for: the ring that led to it, the occurrence that takes place, or neither."""

from dataclasses import replace
from datetime import datetime

import pytest

from crypto.room import call_bodies as bodies
from crypto.room.calls import LASTS_MS, Rings, fold_ring
from crypto.room.meetings import Meetings, fold_meeting
from crypto.room.origin import RUNG_WITHIN_MS, MeetingOrigin, RingOrigin, origin_of
from tests.crypto.identity.people import id_of

ANNA, BEN, CLEO = (id_of(f"account {name}") for name in ("anna", "ben", "cleo"))
CALL, OTHER, MEETING, NEXT = (id_of(one) for one in ("call", "other", "meeting", "next"))
MINUTE = 60_000
SIX = round(datetime.fromisoformat("2026-03-03T18:00+00:00").timestamp() * 1000)
RING = bodies.Ring(CALL, "today", "A client does not answer", 1)
WEEKLY = bodies.Meeting(MEETING, "Balint", "2026-03-03T18:00", "Europe/Lisbon", 60, "FREQ=WEEKLY;BYDAY=TU")
OF_RING = RingOrigin(CALL, ANNA, RING.why)
OF_MEETING = MeetingOrigin(MEETING, "2026-03-03T18:00", "Balint", "2026-03-03T18:00")


def rung(at: int, *answers: tuple[bytes, bodies.RingAnswer]) -> Rings:
    rings = fold_ring((), ANNA, 1, at, RING)
    for n, (who, answer) in enumerate(answers, 2):
        rings = fold_ring(rings, who, n, at, answer)
    return rings


def planned(*events: bodies.MeetingEvent) -> Meetings:
    meetings: Meetings = ()
    for n, event in enumerate((WEEKLY, *events), 1):
        meetings = fold_meeting(meetings, ANNA, n, SIX - 60 * MINUTE, event)
    return meetings


def test_a_ring_is_what_it_is_when_whoever_rang_or_comes_is_there() -> None:
    assert origin_of(rung(SIX), (), {ANNA}, SIX) == OF_RING
    assert origin_of(rung(SIX), (), {BEN, CLEO}, SIX) is None
    assert origin_of(rung(SIX, (BEN, bodies.RingAnswer(CALL, "joining"))), (), {BEN, CLEO}, SIX) == OF_RING
    assert origin_of(rung(SIX, (BEN, bodies.RingAnswer(CALL, "cannot"))), (), {BEN, CLEO}, SIX) is None


@pytest.mark.parametrize(
    ("after", "is_it"),
    [
        (-LASTS_MS["today"], False),
        (-LASTS_MS["today"] + 1, True),
        (RUNG_WITHIN_MS, True),
        (RUNG_WITHIN_MS + 1, False),
    ],
)
def test_a_ring_is_not_of_a_call_that_began_before_it_or_when_it_was_over(after: int, is_it: bool) -> None:
    assert (origin_of(rung(SIX + after), (), {ANNA}, SIX) is not None) is is_it


def test_the_newest_ring_counts() -> None:
    later = replace(RING, call=OTHER, why="And another")
    rings = fold_ring(rung(SIX - 30 * MINUTE), BEN, 5, SIX - MINUTE, later)
    assert origin_of(rings, (), {ANNA, BEN}, SIX) == RingOrigin(OTHER, BEN, "And another")
    assert origin_of(rings, (), {ANNA}, SIX) == OF_RING


@pytest.mark.parametrize(
    ("since", "is_it"),
    [
        (SIX - 10 * MINUTE - 1, False),
        (SIX - 10 * MINUTE, True),
        (SIX + 60 * MINUTE - 1, True),
        (SIX + 60 * MINUTE, False),
    ],
)
def test_a_meeting_is_from_ten_minutes_before_until_its_end(since: int, is_it: bool) -> None:
    assert origin_of((), planned(), {ANNA}, since) == (OF_MEETING if is_it else None)


def test_a_ring_comes_before_a_meeting() -> None:
    assert origin_of(rung(SIX), planned(), {ANNA}, SIX) == OF_RING
    assert origin_of(rung(SIX), planned(), {BEN}, SIX) == OF_MEETING


def test_a_moved_occurrence_goes_by_its_name_and_takes_place_when_it_was_moved_to() -> None:
    moved = planned(bodies.MeetingChange(MEETING, "2026-03-10T18:00", "2026-03-03T20:00", 30))
    found = origin_of((), moved, {ANNA}, SIX + 120 * MINUTE)
    assert found == MeetingOrigin(MEETING, "2026-03-10T18:00", "Balint", "2026-03-03T20:00")


def test_of_two_meetings_the_one_whose_begin_is_nearest() -> None:
    following = bodies.Meeting(NEXT, "Board", "2026-03-03T19:00", "Europe/Lisbon", 60)
    meetings = planned(following)
    assert origin_of((), meetings, {ANNA}, SIX + 20 * MINUTE) == OF_MEETING
    found = origin_of((), meetings, {ANNA}, SIX + 55 * MINUTE)
    assert isinstance(found, MeetingOrigin)
    assert found.title == "Board"
