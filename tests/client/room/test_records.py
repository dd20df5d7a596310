"""What is stored comes back as it was, and what is damaged is said to be so."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

import cbor2
import pytest

from client.room.records import Record
from crypto.mls.errors import StorageError


@dataclass(frozen=True, slots=True)
class Stone:
    kind: ClassVar[str] = "stone"
    weight: int
    name: str | None


@dataclass(frozen=True, slots=True)
class Feather:
    kind: ClassVar[str] = "feather"


@dataclass(frozen=True, slots=True)
class Box:
    things: tuple[Stone | Feather, ...]
    best: Stone | Feather | None
    by: Mapping[bytes, Feather]
    colours: frozenset[bytes]
    closed: bool
    how: Literal["well", "badly"]


BOX: Record[Box] = Record(Box)
FULL = Box(
    (Stone(3, None), Feather()), Stone(1, "pebble"), {b"a": Feather()}, frozenset((b"r",)), True, "well"
)
EMPTY = Box((), None, {}, frozenset(), False, "badly")


@pytest.mark.parametrize("box", [FULL, EMPTY])
def test_a_record_comes_back_as_it_was(box: Box) -> None:
    assert BOX.decode(BOX.encode(box)) == box


def test_the_same_set_is_written_alike() -> None:
    colours = [bytes((i,)) for i in range(50)]
    one = Box((), None, {}, frozenset(colours), False, "well")
    other = Box((), None, {}, frozenset(reversed(colours)), False, "well")
    assert BOX.encode(one) == BOX.encode(other)


@pytest.mark.parametrize(
    "change",
    [
        {"closed": 1},
        {"how": "perfectly"},
        {"things": [{"class": "feather", "weight": 1}]},
        {"things": [{"class": "cloud"}]},
        {"things": [{"class": ["stone"]}]},
        {"things": [7]},
        {"things": {}},
        {"best": {"class": "stone", "weight": "3", "name": None}},
        {"by": [[b"a"]]},
        {"by": 1},
        {"colours": ["r"]},
        {"more": None},
    ],
)
def test_a_damaged_record_is_the_stores_fault(change: dict[str, object]) -> None:
    fields = cbor2.loads(BOX.encode(FULL)) | change
    with pytest.raises(StorageError) as caught:
        BOX.decode(cbor2.dumps(fields))
    assert (caught.value.code, caught.value.fault) == ("room_rows", "storage")


@pytest.mark.parametrize("data", [b"", b"\xff", BOX.encode(FULL)[:-1], BOX.encode(FULL) * 2])
def test_bytes_that_are_no_record_are_the_stores_fault(data: bytes) -> None:
    with pytest.raises(StorageError):
        BOX.decode(data)
