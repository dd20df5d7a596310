"""The presentation language (RFC 9420 §2.1): vectors, round trips, and any bytes at all."""

from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crypto.mls.codec import MAX_VECTOR_LENGTH, Reader, Writer, decode, encode, encode_varint, vector_bytes
from crypto.mls.errors import DecodeError, UsageError
from tests.crypto.vectors import Record, VectorFile, b, each_vector_file, report


@each_vector_file("mls/deserialization")
def test_deserialization(file: VectorFile, record_property: Record) -> None:
    entries = file.entries()
    for entry in entries:
        assert decode(b(entry["vlbytes_header"]), Reader.varint) == entry["length"]
        assert encode_varint(entry["length"]) == b(entry["vlbytes_header"])
    report(file, record_property, len(entries))


class Sample(NamedTuple):
    a: int
    b: int
    c: int
    d: int
    fixed: bytes
    data: bytes
    items: tuple[int, ...]
    maybe: bytes | None


samples = st.builds(
    Sample,
    st.integers(0, 2**8 - 1),
    st.integers(0, 2**16 - 1),
    st.integers(0, 2**32 - 1),
    st.integers(0, 2**64 - 1),
    st.binary(min_size=5, max_size=5),
    st.binary(max_size=300),
    st.lists(st.integers(0, 2**16 - 1), max_size=100).map(tuple),
    st.none() | st.binary(max_size=70),
)


def write(value: Sample) -> bytes:
    writer = Writer().uint8(value.a).uint16(value.b).uint32(value.c).uint64(value.d)
    writer.raw(value.fixed).opaque(value.data).vector(value.items, Writer.uint16)
    return writer.optional(value.maybe, Writer.opaque).finish()


def read(reader: Reader) -> Sample:
    return Sample(
        reader.uint8(),
        reader.uint16(),
        reader.uint32(),
        reader.uint64(),
        reader.raw(5),
        reader.opaque(),
        reader.vector(Reader.uint16),
        reader.optional(Reader.opaque),
    )


@settings(derandomize=True, deadline=None)
@given(samples)
def test_what_was_written_is_read(value: Sample) -> None:
    assert decode(write(value), read) == value


@settings(derandomize=True, deadline=None, max_examples=300)
@given(st.binary(max_size=80))
def test_any_bytes_parse_or_raise_decode_error_and_what_parses_is_written_the_same(data: bytes) -> None:
    try:
        value = decode(data, read)
    except DecodeError:
        return
    assert write(value) == data


@settings(derandomize=True, deadline=None)
@given(samples, st.integers(0))
def test_v003_a_structure_cut_short_or_lengthened_raises_decode_error(value: Sample, at: int) -> None:
    data = write(value)
    for damaged in (data[: at % len(data)], data + b"\0"):
        with pytest.raises(DecodeError):
            decode(damaged, read)


@pytest.mark.parametrize(
    "header",
    [
        "4000",
        "403f",
        "80000000",
        "80003fff",
        "c0",
        "c000000000000000",
        "c1000000",
        "ffffffff",
        "40",
        "800000",
        "",
    ],
)
def test_v002_a_length_header_that_is_none_is_refused(header: str) -> None:
    with pytest.raises(DecodeError):
        Reader(bytes.fromhex(header)).varint()


def test_v003_a_vector_longer_than_its_bytes_or_than_its_limit_is_refused() -> None:
    three = bytes.fromhex("03010203")
    for data in (bytes.fromhex("0501020304"), bytes.fromhex("bfffffff")):
        with pytest.raises(DecodeError):
            Reader(data).opaque()
        with pytest.raises(DecodeError):
            Reader(data).vector(Reader.uint8)
    with pytest.raises(DecodeError):
        Reader(three).opaque(2)
    assert Reader(three).opaque(3) == three[1:]
    with pytest.raises(DecodeError):
        Reader(three).vector(Reader.uint8, 2)
    assert Reader(three).vector(Reader.uint8, 3) == (1, 2, 3)


def test_items_that_cross_the_end_of_their_vector_or_are_empty_are_refused() -> None:
    with pytest.raises(DecodeError):
        Reader(bytes.fromhex("0301020304")).vector(Reader.uint16)
    with pytest.raises(DecodeError):
        Reader(bytes.fromhex("0101")).vector(lambda _: 0)
    # A vector within a vector ends with it at the latest.
    with pytest.raises(DecodeError):
        Reader(bytes.fromhex("02020000")).vector(lambda inner: inner.vector(Reader.uint8))


def test_what_follows_a_vector_is_read_after_it() -> None:
    reader = Reader(bytes.fromhex("0401020103" + "ff"))
    assert reader.vector(lambda inner: inner.opaque()) == (b"\x02", b"\x03")
    assert not reader.done
    assert reader.uint8() == 255
    reader.finish()


def test_v001_an_optional_value_that_is_neither_there_nor_not_is_refused() -> None:
    with pytest.raises(DecodeError):
        Reader(bytes.fromhex("0201")).optional(Reader.uint8)
    assert Reader(b"\0").optional(Reader.uint8) is None


def test_a_reader_gives_the_bytes_as_they_came_and_the_rest() -> None:
    reader = Reader(bytes.fromhex("0201020304"))
    assert reader.opaque().hex() == "0102"
    assert (reader.position, reader.remaining) == (3, 2)
    assert reader.since(0).hex() == "020102"
    assert reader.rest().hex() == "0304"
    assert reader.done
    assert reader.rest() == b""


def test_values_that_a_field_cannot_hold_are_the_callers_fault() -> None:
    writer = Writer()
    for bad in (-1, 256):
        with pytest.raises(UsageError):
            writer.uint8(bad)
    for method, value in ((writer.uint32, 2**32), (writer.uint64, 2**64), (writer.uint64, -1)):
        with pytest.raises(UsageError):
            method(value)
    for length in (-1, MAX_VECTOR_LENGTH + 1):
        with pytest.raises(UsageError):
            encode_varint(length)
    assert writer.finish() == b""
    assert encode(lambda one: one.opaque(b"ab")) == vector_bytes(b"ab") == b"\x02ab"
