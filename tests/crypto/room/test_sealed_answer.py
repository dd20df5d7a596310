"""E34: what one person says to one other alone."""

import contextlib
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crypto.mls.errors import UsageError
from crypto.mls.kem import KeyPair
from crypto.mls.suite import room_suite
from crypto.mls.tree_math import LeafIndex
from crypto.room.canonical import decode_canonical, encode_canonical
from crypto.room.errors import RoomDataError, RoomRuleError
from crypto.room.padding import pad_to
from crypto.room.sealed_answer import Answer, AnswerCode, AnswerDevice, AnswerPlace, open_answer, seal_answer
from tests.crypto.identity.people import id_of, seeded, spoilt
from tests.crypto.room.world import ROOM, refused

PLACE = AnswerPlace(ROOM, 7, LeafIndex(1), id_of("event"))
ABOUT = id_of("question")
SAID = Answer(ABOUT, "may_know")


@cache
def keys_of(leaf: int) -> KeyPair:
    return room_suite.derive_key_pair(seeded(f"encryption {leaf}")(48))


def seal(answer: AnswerCode, *leaves: int, place: AnswerPlace = PLACE) -> bytes:
    devices = [AnswerDevice(LeafIndex(leaf), keys_of(leaf).public_key) for leaf in leaves]
    return seal_answer(place, devices, Answer(ABOUT, answer), seeded("seal"))


def opened(leaf: int, sealed: bytes, key: int | None = None, place: AnswerPlace = PLACE) -> Answer | None:
    private_key = keys_of(leaf if key is None else key).private_key
    return open_answer(place, LeafIndex(leaf), private_key, sealed)


SEALED = seal("may_know", 5, 3)
Boxes = list[dict[str, Any]]
THREE, FIVE = cast(Boxes, decode_canonical(SEALED, 1 << 16)["boxes"])


def test_e34_it_opens_on_every_device_of_the_one_it_is_for_and_on_no_other() -> None:
    assert opened(3, SEALED) == opened(5, SEALED) == SAID
    assert opened(4, SEALED) is None
    # Whoever takes another leaf's box has not its key.
    for other in (4, 5):
        assert refused(lambda other=other: opened(3, SEALED, other), RoomRuleError) == "answer_sealed"  # type: ignore[misc]


@pytest.mark.parametrize(
    "change",
    [
        {"group_id": id_of("another room")},
        {"epoch": 8},
        {"author": LeafIndex(2)},
        {"event_id": id_of("another event")},
    ],
    ids=lambda change: next(iter(change)),
)
def test_e34_a_box_that_is_copied_elsewhere_does_not_open(change: dict[str, Any]) -> None:
    elsewhere = replace(PLACE, **change)
    assert refused(lambda: opened(3, SEALED, place=elsewhere), RoomRuleError) == "answer_sealed"


def test_e34_a_box_handed_to_another_device_of_the_same_person_does_not_open() -> None:
    boxes: Any = [{**FIVE, "leaf": 3}, {**THREE, "leaf": 5}]
    exchanged = encode_canonical({"boxes": boxes})
    assert refused(lambda: opened(3, exchanged), RoomRuleError) == "answer_sealed"


def test_e34_all_answers_have_one_size() -> None:
    answers: tuple[AnswerCode, ...] = ("may_know", "fine", "too_identifying")
    assert len({len(seal(answer, 3)) for answer in answers}) == 1
    assert [len(box["ciphertext"]) for box in (THREE, FIVE)] == [144, 144]
    assert THREE["ciphertext"] != FIVE["ciphertext"]


@pytest.mark.parametrize(
    "run",
    [
        lambda: seal("fine"),
        lambda: seal("fine", *range(33)),
        lambda: seal("fine", 3, place=replace(PLACE, group_id=ROOM[1:])),
        lambda: seal("fine", 3, place=replace(PLACE, event_id=b"")),
    ],
)
def test_e34_an_answer_without_a_reader_or_a_place_is_our_own_mistake(run: Callable[[], bytes]) -> None:
    with pytest.raises(UsageError):
        run()


@pytest.mark.parametrize(
    "boxes",
    [
        [],
        [FIVE, THREE],
        [THREE, THREE],
        [{**THREE, "ciphertext": THREE["ciphertext"][1:]}],
        [{**THREE, "kem_output": b""}],
        [{**THREE, "leaf": 256}],
        [{**THREE, "more": 1}],
    ],
)
def test_e34_boxes_stand_in_order_each_leaf_once_of_one_size(boxes: Boxes) -> None:
    with pytest.raises(RoomDataError):
        opened(3, encode_canonical({"boxes": boxes}))


@pytest.mark.parametrize(
    ("fields", "is_answer"),
    [
        ({"about": ABOUT, "answer": "fine"}, True),
        ({"about": ABOUT, "answer": "no"}, False),
        ({"about": ABOUT[1:], "answer": "fine"}, False),
        ({"about": ABOUT, "answer": "fine", "more": 1}, False),
    ],
)
def test_e34_what_is_in_a_box_is_an_answer_or_nothing(fields: dict[str, Any], is_answer: bool) -> None:
    context = ROOM + (7).to_bytes(8, "big") + (1).to_bytes(4, "big") + (3).to_bytes(4, "big") + PLACE.event_id
    content = pad_to(encode_canonical(fields), 128)
    box = room_suite.encrypt_with_label(
        keys_of(3).public_key, "Collegium 1.0 sealed", context, content, seeded("by hand")
    )
    boxes: Any = [{"leaf": 3, "kem_output": box.kem_output, "ciphertext": box.ciphertext}]
    sealed = encode_canonical({"boxes": boxes})
    if is_answer:
        assert opened(3, sealed) == Answer(ABOUT, "fine")
    else:
        with pytest.raises(RoomDataError):
            opened(3, sealed)


@settings(max_examples=150, derandomize=True, deadline=None)
@given(st.one_of(st.binary(max_size=200), st.integers(0, 10_000)))
def test_e34_any_bytes_and_any_change_are_nothing_or_an_error_of_ours(drawn: bytes | int) -> None:
    data = drawn if isinstance(drawn, bytes) else spoilt(SEALED, drawn % len(SEALED))
    with contextlib.suppress(RoomDataError, RoomRuleError):
        # What still opens is what was said: the change was in the box of another device.
        assert opened(3, data) in (None, SAID)
