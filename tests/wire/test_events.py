"""Room events: in bounds and in their one spelling, the same in every language."""

import contextlib
import json
from pathlib import Path
from typing import Any

import cbor2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wire import events
from wire.bounds import Strict
from wire.codec import DecodeError

A = b"a" * 16
CASES: list[dict[str, Any]] = json.loads((Path(__file__).parents[1] / "agreement/events.json").read_text())
BODIES: list[tuple[str, Strict]] = [
    ("post", events.Post(text="Hello")),
    ("post", events.Post(text="Hello", reply_to=A)),
    ("edit", events.Edit(target=A, text="Other")),
    ("delete", events.Delete(target=A)),
    ("react", events.React(target=A, emoji="👍", on=True)),
    ("profile", events.Profile(name="Anna")),
    ("snapshot", events.SnapshotPage(position=1, page=0, pages=1, hash=b"h" * 48, data=b"d")),
    ("snapshot_check", events.SnapshotCheck(position=1, hash=b"h" * 48, agrees=True)),
    ("stuck", events.Stuck(position=1, signature=b"s" * 64)),
    ("ring", events.Ring(call=A, urgency="now", why="I need another view", wanted=2)),
    ("ring_answer", events.RingAnswer(call=A, kind="in", minutes=15)),
    ("ring_end", events.RingEnd(call=A, outcome="written", post=A)),
    ("attended", events.Attended(sitting=A, began=1, ended=2)),
    ("attended", events.Attended(sitting=A, began=1, ended=2, ring=A)),
    ("attended", events.Attended(sitting=A, began=1, ended=2, meeting=A, occurrence="2026-03-03T18:00")),
    (
        "call_record",
        events.CallRecord(
            sitting=A, began=1, ended=2, people=[events.CallPerson(account=A, began=1, ended=2)]
        ),
    ),
    (
        "meeting",
        events.Meeting(
            meeting=A,
            title="Tuesday group",
            start="2026-03-03T18:00",
            zone="Europe/Lisbon",
            minutes=60,
            rule="FREQ=WEEKLY;BYDAY=TU",
        ),
    ),
    (
        "meeting_change",
        events.MeetingChange(meeting=A, occurrence="2026-03-10T18:00", start="2026-03-11T19:00", minutes=90),
    ),
    ("meeting_cancel", events.MeetingCancel(meeting=A, occurrence="2026-03-10T18:00")),
    ("meeting_answer", events.MeetingAnswer(meeting=A, coming="yes")),
]
ENVELOPE = events.Envelope(
    id=A, type="post", counter=1, seen=events.Seen(n=0, head=A), body=b"b", signature=b"s" * 64
)


def read(what: str, data: bytes) -> Strict | None:
    if what == "envelope":
        return events.decode_envelope(data)
    if what == "signal":
        return events.decode_signal(data)
    return events.decode_body(what, data)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_e16_all_languages_accept_and_refuse_alike(case: dict[str, Any]) -> None:
    data = b"".join(bytes.fromhex(part) * times for part, times in case["parts"])
    if case["accepted"]:
        assert read(case["what"], data) is not None
    else:
        with pytest.raises(DecodeError):
            read(case["what"], data)


@pytest.mark.parametrize(("type_", "body"), BODIES, ids=[type_ for type_, _ in BODIES])
def test_e16_bodies_survive(type_: str, body: Strict) -> None:
    assert events.decode_body(type_, events.encode_canonical(body)) == body


def test_e16_every_class_is_tried() -> None:
    assert {type_ for type_, _ in BODIES} == set(events.BODIES)
    assert all(events.BODIES[type_] is type(body) for type_, body in BODIES)
    assert {case["what"] for case in CASES if case["accepted"]} == {*events.BODIES, "envelope", "signal"}
    assert {case["what"] for case in CASES if not case["accepted"]} == {*events.BODIES, "envelope", "signal"}


def test_e16_the_envelope_survives() -> None:
    assert events.decode_envelope(events.encode_canonical(ENVELOPE)) == ENVELOPE


def test_e16_a_type_that_is_not_known_has_no_body_here() -> None:
    assert events.decode_body("recusal", b"anything") is None


def test_e16_what_was_said_is_in_no_error() -> None:
    with pytest.raises(DecodeError) as caught:
        events.decode_body("post", cbor2.dumps({"text": "canary " * 10_000}))
    assert "canary" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


@settings(max_examples=300, derandomize=True, deadline=None)
@given(st.binary(max_size=300), st.sampled_from(["envelope", "signal", *events.BODIES]))
def test_e16_any_bytes_decode_or_raise_decode_error(data: bytes, what: str) -> None:
    with contextlib.suppress(DecodeError):
        read(what, data)


@settings(max_examples=300, derandomize=True, deadline=None)
@given(st.integers(0, 10_000), st.integers(0, 255))
def test_e16_a_changed_byte_decodes_or_raises_decode_error(at: int, value: int) -> None:
    data = bytearray(events.encode_canonical(ENVELOPE))
    data[at % len(data)] = value
    with contextlib.suppress(DecodeError):
        events.decode_envelope(bytes(data))
