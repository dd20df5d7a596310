"""Events, signals and envelopes of `events.json`: what members accept and refuse, as everywhere else (E16,
E38).
"""

import json
from dataclasses import fields
from pathlib import Path
from typing import Any, get_args

import pytest

from crypto.room import bodies
from crypto.room.bodies import EventBody, EventType, decode_body, encode_body
from crypto.room.ephemeral import decode_signal
from crypto.room.errors import RoomDataError
from crypto.room.events import decode_envelope, encode_envelope
from wire import events

CASES: list[dict[str, Any]] = json.loads(Path(__file__).with_name("events.json").read_text())
CLASSES: tuple[type[EventBody], ...] = get_args(EventBody)


def data_of(case: dict[str, Any]) -> bytes:
    return b"".join(bytes.fromhex(part) * times for part, times in case["parts"])


def read(what: str, data: bytes) -> object:
    if what == "envelope":
        return decode_envelope(data)
    return decode_signal(data) if what == "signal" else decode_body(what, data)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_e16_all_languages_accept_and_refuse_alike(case: dict[str, Any]) -> None:
    if case["accepted"]:
        assert read(case["what"], data_of(case)) is not None
    else:
        with pytest.raises(RoomDataError):
            read(case["what"], data_of(case))


@pytest.mark.parametrize("case", [one for one in CASES if one["accepted"]], ids=lambda case: case["name"])
def test_e16_what_was_read_is_written_as_it_was(case: dict[str, Any]) -> None:
    data = data_of(case)
    if case["what"] == "envelope":
        assert encode_envelope(decode_envelope(data)) == data
    elif case["what"] != "signal":
        body = decode_body(case["what"], data)
        assert body is not None
        assert encode_body(body) == data


def test_e16_bodies_have_the_fields_that_the_wire_names() -> None:
    assert {one.type: [field.name for field in fields(one)] for one in CLASSES} == {
        name: list(model.model_fields) for name, model in events.BODIES.items()
    }
    assert {one.type for one in CLASSES} == set(get_args(EventType))
    assert (bodies.MAX_BODY, bodies.MAX_PAGES, bodies.MAX_PAGE) == (
        events.MAX_BODY,
        events.MAX_PAGES,
        events.MAX_PAGE,
    )
