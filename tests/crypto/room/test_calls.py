"""Rings and who was there: by the order of the log and its stamps alone."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crypto.room import call_bodies as bodies
from crypto.room.attendance import MAX_AHEAD_MS, CallItem, summary_of
from crypto.room.bodies import Post, decode_body, encode_body
from crypto.room.call_bodies import CALL_READERS, AnswerKind, CallPerson, Outcome, RingEvent, Urgency
from crypto.room.calls import (
    GLARE_MS,
    LASTS_MS,
    MAX_ALSO,
    MAX_ANSWERS,
    MAX_OWN_RINGS,
    MAX_RINGS,
    WAITS_MS,
    Ring,
    Rings,
    fold_gone,
    fold_ring,
    may_end,
    ring_of,
    ring_view,
)
from crypto.room.canonical import encode_canonical
from crypto.room.errors import RoomDataError
from crypto.room.timeline import (
    EMPTY_TIMELINE,
    SaidPost,
    Timeline,
    find_post,
    item_count,
    unread_above,
    with_said,
    with_sitting,
)
from tests.crypto.identity.people import NOW, id_of

ANNA, BEN, CLEO, DORA = (id_of(f"account {name}") for name in ("anna", "ben", "cleo", "dora"))
ALL = (ANNA, BEN, CLEO, DORA)
CALL, OTHER = id_of("call"), id_of("other call")
MINUTE = 60_000


class Log:
    """The rings that follow from what is said, one entry after the other."""

    def __init__(self) -> None:
        self.rings: Rings = ()
        self.n = 0

    def say(self, who: bytes, event: RingEvent, at: int = NOW) -> Rings:
        self.n += 1
        self.rings = fold_ring(self.rings, who, self.n, at, event)
        return self.rings

    def ring(self, who: bytes, call: bytes = CALL, urgency: Urgency = "now", at: int = NOW) -> Rings:
        return self.say(who, bodies.Ring(call, urgency, f"Why, {call.hex()}", 2), at)

    def answer(self, who: bytes, kind: AnswerKind, at: int = NOW, **more: Any) -> Rings:
        return self.say(who, bodies.RingAnswer(CALL, kind, **more), at)

    def end(self, who: bytes, outcome: Outcome, at: int = NOW, call: bytes = CALL) -> Rings:
        post = id_of("post") if outcome == "written" else None
        return self.say(who, bodies.RingEnd(call, outcome, post), at)

    @property
    def only(self) -> Ring:
        (ring,) = self.rings
        return ring

    def states(self) -> dict[bytes, str]:
        return {one.account: one.state for one in self.only.answers}


def rung() -> Log:
    log = Log()
    log.ring(ANNA)
    return log


def test_a_real_answer_is_lowered_by_no_ringing_and_no_seen() -> None:
    log = rung()
    for kind, state in (
        ("ringing", "reached"),
        ("ringing", "reached"),
        ("seen", "seen"),
        ("ringing", "seen"),
        ("joining", "joining"),
        ("seen", "joining"),
        ("ringing", "joining"),
        ("cannot", "cannot"),
        ("seen", "cannot"),
        ("joining", "joining"),
    ):
        log.answer(BEN, kind)  # type: ignore[arg-type]
        assert log.states() == {BEN: state}


def test_the_newest_answer_counts_from_whichever_device() -> None:
    log = rung()
    log.answer(BEN, "in", minutes=15, at=NOW + 5)
    assert (log.only.answers[0].state, log.only.answers[0].due) == ("later", NOW + 5 + 15 * MINUTE)
    log.answer(BEN, "at", time=NOW + 99, at=NOW + 6)
    assert log.only.answers[0].due == NOW + 99
    log.answer(BEN, "joining", at=NOW + 7)
    assert log.states() == {BEN: "joining"}
    assert log.only.answers[0].due is None


def test_the_one_who_rings_does_not_answer_and_nobody_answers_what_does_not_ring() -> None:
    log = rung()
    assert log.answer(ANNA, "joining") == rung().rings
    assert log.say(BEN, bodies.RingAnswer(OTHER, "joining")) == rung().rings
    log.end(ANNA, "withdrawn")
    assert log.answer(BEN, "joining") == ()


def test_two_who_ring_at_once_mean_one_call() -> None:
    log = rung()
    log.ring(BEN, OTHER, at=NOW + GLARE_MS - 1)
    ring = log.only
    assert (ring.call, ring.by, [one.by for one in ring.also]) == (CALL, ANNA, [BEN])
    assert log.states() == {BEN: "joining"}
    log.say(CLEO, bodies.RingAnswer(OTHER, "joining"))
    assert ring_of(log.rings, OTHER) == ring_of(log.rings, CALL) == log.only
    assert log.states() == {BEN: "joining", CLEO: "joining"}


@pytest.mark.parametrize(
    ("urgency", "later"), [("now", GLARE_MS), ("today", 0), ("when_you_can", 0)], ids=str
)
def test_rings_apart_in_time_or_urgency_stand_side_by_side(urgency: Urgency, later: int) -> None:
    log = rung()
    assert len(log.ring(BEN, OTHER, urgency, at=NOW + later)) == 2


def test_only_so_many_rings_are_one() -> None:
    log = rung()
    for i in range(MAX_ALSO + 2):
        log.ring(BEN, id_of(f"call {i}"))
    assert len(log.rings[0].also) == MAX_ALSO
    assert len(log.rings) == 2


def test_a_call_that_is_taken_back_passes_on_to_who_rang_as_well() -> None:
    log = rung()
    log.ring(BEN, OTHER)
    log.answer(CLEO, "joining")
    log.end(ANNA, "withdrawn")
    assert (log.only.call, log.only.by, log.only.also) == (OTHER, BEN, ())
    assert log.states() == {CLEO: "joining"}
    assert log.end(BEN, "withdrawn", call=OTHER) == ()


def test_a_ring_with_a_known_id_changes_nothing() -> None:
    log = rung()
    before = log.rings
    assert log.ring(BEN, CALL, "today") == before


def test_the_newest_ring_always_stands() -> None:
    log = Log()
    for i in range(MAX_OWN_RINGS + 1):
        log.ring(ANNA, id_of(f"anna {i}"), "today")
    assert [ring.call for ring in log.rings] == [id_of("anna 1"), id_of("anna 2")]
    for i in range(MAX_RINGS):
        log.ring(id_of(f"somebody {i}"), id_of(f"call {i}"), "today")
    assert len(log.rings) == MAX_RINGS
    assert log.rings[-1].call == id_of(f"call {MAX_RINGS - 1}")


@pytest.mark.parametrize("urgency", bodies.URGENCIES)
def test_a_ring_that_nobody_ends_lapses_by_the_stamps(urgency: Urgency) -> None:
    log = Log()
    log.ring(ANNA, urgency=urgency)
    last = NOW + LASTS_MS[urgency]
    log.answer(BEN, "joining", at=last - 1)
    assert log.states() == {BEN: "joining"}
    assert ring_view(log.only, ALL, last - 1).lapsed is False
    assert ring_view(log.only, ALL, last).lapsed is True
    assert log.answer(CLEO, "joining", at=last) == ()


@pytest.mark.parametrize("outcome", ["met", "written"])
@pytest.mark.parametrize("urgency", bodies.URGENCIES)
def test_others_end_a_ring_when_it_has_waited_long_enough(urgency: Urgency, outcome: Outcome) -> None:
    log = Log()
    log.ring(ANNA, urgency=urgency)
    waited = NOW + WAITS_MS[urgency]
    assert not may_end(log.only, BEN, waited - 1, outcome)
    assert len(log.end(BEN, outcome, at=waited - 1)) == 1
    assert may_end(log.only, BEN, waited, outcome)
    assert log.end(BEN, outcome, at=waited) == ()


def test_others_say_that_a_call_came_of_it_once_somebody_has_joined() -> None:
    log = rung()
    log.answer(BEN, "seen")
    assert len(log.end(CLEO, "met")) == 1
    log.answer(BEN, "joining")
    assert len(log.end(CLEO, "written")) == 1
    assert log.end(CLEO, "met") == ()


def test_nobody_takes_back_what_another_asks_for() -> None:
    log = rung()
    far = NOW + LASTS_MS["now"] - 1
    assert len(log.end(BEN, "withdrawn", at=far)) == 1
    assert log.end(ANNA, "withdrawn", at=far) == ()


def test_who_has_left_rings_and_answers_no_more() -> None:
    log = rung()
    log.answer(BEN, "joining")
    log.answer(CLEO, "seen")
    assert [one.account for one in fold_gone(log.rings, [BEN])[0].answers] == [CLEO]
    assert fold_gone(log.rings, [ANNA]) == ()
    log.ring(DORA, OTHER)
    assert [ring.by for ring in fold_gone(log.rings, [ANNA])] == [DORA]
    assert fold_gone(log.rings, [ANNA, DORA]) == ()


def test_answers_are_kept_of_so_many() -> None:
    log = rung()
    for i in range(MAX_ANSWERS + 5):
        log.answer(id_of(f"somebody {i}"), "joining")
    assert len(log.only.answers) == MAX_ANSWERS
    log.answer(id_of("somebody 3"), "cannot")
    assert log.states()[id_of("somebody 3")] == "cannot"


def test_the_view_says_who_comes_when_and_whether_it_is_enough() -> None:
    log = rung()
    view = ring_view(log.only, ALL, NOW)
    assert [one.state for one in view.asked] == ["away"] * 3
    assert (view.needed, view.enough, view.enough_at, view.write) == (2, False, None, False)
    log.answer(BEN, "joining")
    log.answer(CLEO, "in", minutes=15)
    view = ring_view(log.only, ALL, NOW + 1)
    assert (view.joining, view.coming, view.enough) == (1, 2, False)
    assert view.enough_at == NOW + 15 * MINUTE
    log.answer(DORA, "joining")
    assert ring_view(log.only, ALL, NOW + 2).enough is True


def test_where_too_few_can_come_it_is_offered_to_go_on_in_writing() -> None:
    log = rung()
    log.answer(BEN, "cannot")
    assert ring_view(log.only, ALL, NOW).write is False
    log.answer(CLEO, "cannot")
    assert ring_view(log.only, ALL, NOW).write is True
    # Two are wanted, and there is one other: one is enough.
    assert ring_view(log.only, (ANNA, DORA), NOW).needed == 1
    assert ring_view(log.only, (ANNA, DORA), NOW).write is False


def test_when_nobody_answers_in_time_it_is_offered_to_go_on_in_writing() -> None:
    log = rung()
    waited = NOW + WAITS_MS["now"]
    assert ring_view(log.only, ALL, waited - 1).write is False
    assert ring_view(log.only, ALL, waited).write is True
    log.answer(BEN, "in", minutes=60)
    assert ring_view(log.only, ALL, waited).write is False


# Bodies

ANY_VALUE = st.recursive(
    st.one_of(
        st.integers(0, 2**53 - 1), st.booleans(), st.binary(max_size=20), st.text("ab;=,:T-0123456789MOTU")
    ),
    lambda inner: st.lists(inner, max_size=3),
    max_leaves=6,
)
NAMES = (
    *("call", "urgency", "why", "wanted", "kind", "minutes", "time", "outcome", "post", "sitting", "began"),
    *("ended", "people", "meeting", "title", "start", "zone", "rule", "follows", "since", "occurrence"),
    "coming",
)


@settings(max_examples=200, derandomize=True, deadline=None)
@given(st.sampled_from(sorted(CALL_READERS)), st.binary(max_size=120))
def test_e16_any_bytes_are_an_event_about_calls_or_a_room_data_error(type_: str, data: bytes) -> None:
    try:
        decode_body(type_, data)
    except RoomDataError:
        return


@settings(max_examples=300, derandomize=True, deadline=None)
@given(
    st.sampled_from(sorted(CALL_READERS)),
    st.dictionaries(st.sampled_from(NAMES), ANY_VALUE, max_size=8),
)
def test_e16_any_map_is_an_event_about_calls_or_a_room_data_error(type_: str, fields: Any) -> None:
    data = encode_canonical(fields)
    try:
        body = decode_body(type_, data)
    except RoomDataError:
        return
    assert body is not None
    assert encode_body(body) == data


# Who was there

SITTING = id_of("sitting")


def attended(began: int, ended: int, sitting: bytes = SITTING) -> bodies.Attended:
    return bodies.Attended(sitting, began * MINUTE, ended * MINUTE)


def record(began: int, ended: int, **people: tuple[int, int]) -> bodies.CallRecord:
    who = {"anna": ANNA, "ben": BEN, "cleo": CLEO}
    said = [CallPerson(who[name], a * MINUTE, b * MINUTE) for name, (a, b) in people.items()]
    in_order = tuple(sorted(said, key=lambda one: one.account))
    return bodies.CallRecord(SITTING, began * MINUTE, ended * MINUTE, in_order)


def after(*words: tuple[bytes, bodies.SittingEvent], at: int = 90 * MINUTE) -> Timeline:
    timeline: Timeline = EMPTY_TIMELINE
    for n, (who, event) in enumerate(words, 1):
        timeline = with_sitting(timeline, event, who, n, at, None)
    return timeline


def item_of(timeline: Timeline) -> CallItem:
    item = timeline[0][0]
    assert isinstance(item, CallItem)
    return item


def people_of(timeline: Timeline) -> dict[bytes, tuple[int, bool, bool]]:
    people = summary_of(item_of(timeline)).people
    return {one.account: (one.present // MINUTE, one.own, one.disputed) for one in people}


def test_e37_a_call_is_one_item_however_many_speak_of_it() -> None:
    timeline = after(
        (ANNA, attended(0, 42)),
        (BEN, attended(2, 42)),
        (CLEO, record(0, 42, anna=(0, 42), ben=(2, 42), cleo=(1, 42))),
    )
    assert item_count(timeline) == 1
    summary = summary_of(item_of(timeline))
    assert (summary.began, summary.ended, summary.complete) == (0, 42 * MINUTE, True)
    assert people_of(timeline) == {
        ANNA: (42, True, False),
        BEN: (40, True, False),
        CLEO: (41, False, False),
    }


def test_e37_saying_it_twice_changes_nothing() -> None:
    words: list[tuple[bytes, bodies.SittingEvent]]
    words = [(ANNA, attended(0, 40)), (BEN, record(0, 42, anna=(0, 40), ben=(0, 42)))]
    assert after(*words, *words) == after(*words)
    # By two devices of one person as well.
    assert people_of(after((ANNA, attended(0, 40)), (ANNA, attended(10, 40))))[ANNA] == (40, True, False)


def test_e37_who_comes_back_was_there_twice() -> None:
    timeline = after((ANNA, attended(30, 40)), (ANNA, attended(0, 10)))
    assert people_of(timeline)[ANNA] == (20, True, False)
    assert summary_of(item_of(timeline)).complete is False


def test_e37_words_that_differ_stand_beside_each_other() -> None:
    timeline = after(
        (ANNA, attended(0, 42)),
        (BEN, attended(0, 20)),
        (CLEO, record(0, 42, anna=(0, 42), ben=(0, 42), cleo=(0, 42))),
        (ANNA, record(0, 42, anna=(0, 42), ben=(0, 20))),
    )
    assert people_of(timeline) == {
        ANNA: (42, True, False),
        BEN: (20, True, True),
        CLEO: (42, False, True),
    }


def test_e37_nobody_is_believed_what_lies_ahead_of_the_stamps() -> None:
    late = bodies.Attended(SITTING, 0, 90 * MINUTE + MAX_AHEAD_MS + 1)
    assert after((ANNA, late)) == EMPTY_TIMELINE
    assert item_count(after((ANNA, replace(late, ended=late.ended - 1)))) == 1


def test_e37_what_is_kept_of_a_call_is_bounded() -> None:
    words: list[tuple[bytes, bodies.SittingEvent]] = [
        (id_of(f"account {i}"), attended(0, 5)) for i in range(40)
    ]
    words += [(ANNA, attended(2 * i, 2 * i + 1)) for i in range(12)]
    words += [(id_of(f"account {i}"), record(0, 5, anna=(0, 5))) for i in range(9)]
    item = item_of(after(*words))
    assert (len(item.attended), len(item.records)) == (32, 4)
    assert max(len(one.spans) for one in item.attended) <= 8


def test_e37_a_call_is_no_post_and_takes_no_posts_place() -> None:
    said = with_said(EMPTY_TIMELINE, SaidPost(SITTING, "Hello", None), BEN, 1, NOW)
    assert with_sitting(said, attended(0, 1), ANNA, 2, NOW, None) == said
    call = after((ANNA, attended(0, 1)))
    assert find_post(call, SITTING) is None
    assert unread_above(call, 0, BEN) == 0
    assert Post("x").type == "post"
