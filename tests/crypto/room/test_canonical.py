"""CBOR inside rooms: one value, one spelling, whoever reads it. Compared with the library that frames use."""

import contextlib
from collections.abc import Callable
from typing import Any

import cbor2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crypto.mls.errors import UsageError
from crypto.room.canonical import (
    FieldReader,
    ascending,
    decode_canonical,
    encode_canonical,
    is_ascending,
    read_octets,
)
from crypto.room.errors import RoomDataError
from wire.codec import DecodeError, items

LIMIT = 10_000
texts = st.text(max_size=20).filter(lambda text: not text.startswith("\ufeff"))
scalars = st.one_of(st.booleans(), st.integers(0, 2**53 - 1), st.binary(max_size=40), texts)
values = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4).map(tuple), st.dictionaries(texts, inner, max_size=4)
    ),
    max_leaves=20,
)
maps = st.dictionaries(texts, values, max_size=6)


def hexed(text: str) -> bytes:
    return bytes.fromhex(text.replace(" ", ""))


@settings(max_examples=100, derandomize=True, deadline=None)
@given(maps)
def test_e16_it_goes_through_bytes_and_back_as_the_library_spells_it(fields: dict[str, Any]) -> None:
    data = encode_canonical(fields)
    assert data == cbor2.dumps(fields, canonical=True)
    assert decode_canonical(data, LIMIT) == fields


def plain(value: Any) -> bool:
    """Whether it is made of what our structures are made of."""
    match value:
        case bool() | bytes():
            return True
        case int():
            return 0 <= value < 2**53
        case str():
            return not value.startswith("\ufeff")
        case list():
            return all(plain(item) for item in value)
        case dict():
            return all(isinstance(key, str) and plain(key) for key in value) and all(
                plain(item) for item in value.values()
            )
        case _:
            return False


def as_the_library_judges(data: bytes) -> bool:
    with contextlib.suppress(DecodeError):
        found = items(data, LIMIT)
        return (
            len(found) == 1
            and isinstance(found[0], dict)
            and plain(found[0])
            and cbor2.dumps(found[0], canonical=True) == data
        )
    return False


def judge(data: bytes) -> bool:
    try:
        decode_canonical(data, LIMIT)
    except RoomDataError:
        return False
    return True


@settings(max_examples=1000, derandomize=True, deadline=None)
@given(st.one_of(st.binary(max_size=60), st.binary(max_size=30).map(lambda tail: b"\xa1\x61a" + tail)))
def test_e16_any_bytes_are_judged_as_the_library_and_its_spelling_judge_them(data: bytes) -> None:
    assert judge(data) == as_the_library_judges(data)


SAMPLE: dict[str, Any] = {
    "a": 5,
    "bb": (True, False, b"\x00" * 30, {"c": "ä"}),
    "ccc": 2**40,
    "id": b"1",
    "": "text",
}


@settings(max_examples=600, derandomize=True, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 255))
def test_e16_any_change_is_judged_so_too(at: int, bits: int) -> None:
    changed = bytearray(encode_canonical(SAMPLE))
    changed[at % len(changed)] ^= bits
    assert judge(bytes(changed)) == as_the_library_judges(bytes(changed))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        hexed("80"),
        hexed("05"),
        hexed("a0 00"),
        hexed("a1 61 61"),
        hexed("a1 61 61 18 05"),
        hexed("a1 61 61 19 0005"),
        hexed("a1 61 61 1a 00000005"),
        hexed("a1 61 61 1b 0000000000000005"),
        hexed("a1 61 61 1b 0020000000000000"),
        hexed("a1 61 61 20"),
        hexed("a1 61 61 f6"),
        hexed("a1 61 61 f7"),
        hexed("a1 61 61 f9 3c00"),
        hexed("a1 61 61 f8 14"),
        hexed("a1 61 61 c0 61 62"),
        hexed("a1 61 61 5f 41 00 ff"),
        hexed("bf 61 61 01 ff"),
        hexed("a1 61 61 1c"),
        hexed("a1 01 01"),
        hexed("a2 61 62 01 61 61 02"),
        hexed("a2 61 61 01 61 61 02"),
        hexed("a2 62 6161 01 61 62 02"),
        hexed("a1 61 61 62 c328"),
        hexed("a1 61 61 63 eda080"),
        hexed("a1 61 61 63 efbbbf"),
        hexed("a1 61 61 9a ffffffff"),
        hexed("a1 61 61 bb ffffffffffffffff"),
        hexed("a1 61 61 5b ffffffffffffffff"),
        hexed("a1 61 61" + " 81" * 32 + " 00"),
    ],
    ids=bytes.hex,
)
def test_e16_what_is_not_in_the_one_spelling_is_refused(data: bytes) -> None:
    with pytest.raises(RoomDataError):
        decode_canonical(data, LIMIT)


def test_threats_41_what_is_nested_repeated_or_long_is_bounded_before_it_is_built() -> None:
    assert judge(hexed("a1 61 61" + " 81" * 31 + " 00"))
    many = hexed("a1 61 61 9a 000186a0") + bytes(100_000)
    with pytest.raises(RoomDataError, match="items"):
        decode_canonical(many, len(many))
    with pytest.raises(RoomDataError, match="more than"):
        decode_canonical(bytes(LIMIT + 1), LIMIT)


@pytest.mark.parametrize("value", [-1, 2**53, 1.5, "\ud800", [None], object()])
def test_e16_what_has_no_spelling_is_our_own_mistake(value: Any) -> None:
    with pytest.raises(UsageError):
        encode_canonical({"a": value})


def test_e16_fields_that_are_none_are_left_out() -> None:
    assert encode_canonical({"b": None, "a": 1}) == hexed("a1 61 61 01")


def test_e16_each_field_is_taken_once_and_none_is_left() -> None:
    reader = FieldReader({"a": b"xy", "b": 3, "c": True, "d": "x", "e": (b"x",)}, "it")
    assert reader.octets("a", 1, 2) == b"xy"
    assert not reader.has("a")
    assert reader.optional_octets("a", 1) is None
    assert reader.integer("b", 3, 3) == 3
    assert reader.boolean("c") is True
    with pytest.raises(RoomDataError, match="unknown"):
        reader.finish()
    assert reader.one_of("d", ("y", "x")) == "x"
    assert reader.list("e", 1, 1, lambda item: read_octets(item, 1)) == (b"x",)
    reader.finish()
    with pytest.raises(RoomDataError, match="no b"):
        reader.integer("b", 0, 9)


@pytest.mark.parametrize("value", [b"", "text", 5, True, (), (1,), {"a": 1}])
def test_e16_a_field_of_another_type_is_refused(value: object) -> None:
    def reader() -> FieldReader:
        return FieldReader({"a": value}, "it")

    reads: list[Callable[[], object]] = [
        lambda: reader().octets("a", 1, 9),
        lambda: reader().integer("a", 6, 9),
        lambda: reader().text("a", lambda text: text != "text"),
        lambda: reader().one_of("a", ("b",)),
        lambda: reader().list("a", 2, 3, lambda item: item),
        lambda: FieldReader(reader().value("a"), "inner").octets("a", 1),
        *([] if value is True else [lambda: reader().boolean("a")]),
    ]
    for read in reads:
        with pytest.raises(RoomDataError):
            read()


def test_e13_sets_of_byte_strings_have_one_order() -> None:
    assert ascending([b"b", b"a"]) == (b"a", b"b")
    assert is_ascending([b"a", b"b"])
    assert not is_ascending([b"a", b"a"])
    assert not is_ascending([b"b", b"a"])
