"""Attachments: sealed and opened in parts, and every way to tamper with one (THREATS 19, 20, 22)."""

import tracemalloc
from contextlib import suppress
from dataclasses import replace
from hashlib import sha256
from itertools import chain, repeat

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand
from hypothesis import given, settings
from hypothesis import strategies as st

from crypto.attachments.descriptor import (
    MAX_DESCRIPTOR,
    FileDescriptor,
    decode_descriptor,
    descriptor_fields,
    encode_descriptor,
)
from crypto.attachments.errors import AttachmentError
from crypto.attachments.file_opener import ChunkOpener, FileOpener
from crypto.attachments.file_sealer import FileSealer
from crypto.attachments.geometry import CHUNK_SIZE, MAX_SIZE, Geometry, padded_size
from crypto.mls.errors import UsageError
from crypto.room.canonical import encode_canonical
from crypto.room.errors import RoomDataError
from tests.crypto.attachments.files import content, open_file, seal, seeded

CHUNK = 4096
STEP = CHUNK + 16
FILE = content("file", 5 * CHUNK + 100)
DESCRIPTOR, CIPHERTEXT = seal(FILE, CHUNK)
CHUNKS = [CIPHERTEXT[n * STEP : (n + 1) * STEP] for n in range(6)]


@pytest.mark.parametrize(
    ("size", "padded"),
    [
        (0, 4096),
        (4096, 4096),
        (4097, 4352),
        (65_536, 65_536),
        (65_537, 67_584),
        (1_000_000, 1_015_808),
        (100_000_000, 100_663_296),
        (2**31 - 1, 2**31),
        (2**31, 2**31),
    ],
)
def test_threats_22_sizes_are_padded(size: int, padded: int) -> None:
    assert padded_size(size) == padded


@settings(deadline=None)
@given(st.integers(4096, MAX_SIZE))
def test_padding_is_a_sixteenth_at_most(size: int) -> None:
    padded = padded_size(size)
    assert size <= padded <= size + size // 16
    assert padded_size(padded) == padded


@settings(deadline=None)
@given(st.one_of(st.integers(0, MAX_SIZE), st.integers(0, 300_000)), st.integers(4096, 1024 * 1024))
def test_chunks_cover_ciphertext_and_file(size: int, chunk_size: int) -> None:
    geometry = Geometry(size, chunk_size)
    assert geometry.chunk_range(0)[0] == 0
    assert geometry.chunk_range(geometry.chunks - 1)[1] == geometry.sealed
    middle = geometry.chunks // 2
    if middle:
        assert geometry.chunk_range(middle - 1)[1] == geometry.chunk_range(middle)[0]
    end = geometry.end_chunk
    assert geometry.content_length(end) == size - end * chunk_size
    assert end + 1 == geometry.chunks or geometry.content_length(end + 1) == 0
    if size:
        assert geometry.chunk_of(size - 1) == end


@pytest.mark.parametrize(
    ("size", "chunk_size"), [(MAX_SIZE + 1, CHUNK_SIZE), (-1, CHUNK_SIZE), (1, 4095), (1, 1024 * 1024 + 1)]
)
def test_sizes_are_bounded(size: int, chunk_size: int) -> None:
    with pytest.raises(UsageError):
        FileSealer(size, seeded("x"), chunk_size)


def test_there_is_no_chunk_and_no_byte_beyond_the_end() -> None:
    geometry = Geometry(100_000)
    for n in (-1, 2):
        with pytest.raises(UsageError):
            geometry.chunk_range(n)
    for offset in (-1, 100_000):
        with pytest.raises(UsageError):
            geometry.chunk_of(offset)


@pytest.mark.parametrize("size", [0, 1, 4095, 4096, 4097, 65_536, 65_537, 290_000])
def test_a_file_opens_as_it_was(size: int) -> None:
    data = content("data", size)
    descriptor, ciphertext = seal(data)
    assert open_file(descriptor, ciphertext) == data
    assert descriptor.hash == sha256(ciphertext).digest()
    assert (descriptor.size, descriptor.chunk_size) == (size, CHUNK_SIZE)


@pytest.mark.parametrize("part_length", [1000, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK])
def test_it_is_the_same_however_it_is_cut_into_parts(part_length: int) -> None:
    assert seal(FILE, CHUNK, part_length) == (DESCRIPTOR, CIPHERTEXT)
    assert open_file(DESCRIPTOR, CIPHERTEXT, part_length) == FILE


def test_each_file_has_a_key_of_its_own() -> None:
    other, ciphertext = seal(FILE, CHUNK, rng="other")
    assert other.key != DESCRIPTOR.key
    assert ciphertext != CIPHERTEXT
    assert DESCRIPTOR.key.hex() not in repr(DESCRIPTOR)


def refuse(
    ciphertext: bytes, code: str, size: int = DESCRIPTOR.size, chunk_size: int = DESCRIPTOR.chunk_size
) -> None:
    """As an attacker would who can also change the hash that is named: the chunks alone must hold."""
    named = replace(DESCRIPTOR, hash=sha256(ciphertext).digest(), size=size, chunk_size=chunk_size)
    with pytest.raises(AttachmentError) as caught:
        open_file(named, ciphertext, STEP)
    assert (caught.value.code, caught.value.fault) == (code, "peer")


@pytest.mark.parametrize("n", range(6))
def test_threats_19_a_change_in_any_chunk(n: int) -> None:
    for at in (n * STEP, n * STEP + len(CHUNKS[n]) - 1):
        refuse(CIPHERTEXT[:at] + bytes((CIPHERTEXT[at] ^ 1,)) + CIPHERTEXT[at + 1 :], "chunk")


@pytest.mark.parametrize("length", [0, 1, STEP - 1, STEP, 5 * STEP, len(CIPHERTEXT) - 1])
def test_threats_19_cut_short(length: int) -> None:
    refuse(CIPHERTEXT[:length], "length")


def test_threats_19_the_chunk_before_cannot_be_made_the_last() -> None:
    refuse(CIPHERTEXT[: 5 * STEP], "chunk", size=5 * CHUNK)


@pytest.mark.parametrize("more", [b"\0", CHUNKS[5]])
def test_threats_19_extended(more: bytes) -> None:
    refuse(CIPHERTEXT + more, "length")
    # As it comes, not at the end: what goes on for ever is not kept.
    with pytest.raises(AttachmentError, match="goes on"):
        FileOpener(DESCRIPTOR).push(CIPHERTEXT + more)


@pytest.mark.parametrize(
    "order", [(1, 0, 2, 3, 4, 5), (0, 1, 1, 3, 4, 5), (0, 1, 3, 4, 5), (0, 1, 2, 3, 5, 4)]
)
def test_threats_19_chunks_swapped_repeated_or_left_out(order: tuple[int, ...]) -> None:
    refuse(b"".join(CHUNKS[n] for n in order), "chunk")


def test_threats_19_a_chunk_of_another_file() -> None:
    _, other = seal(FILE, CHUNK, rng="other")
    refuse(CHUNKS[0] + other[STEP:], "chunk")


def test_threats_19_another_size_or_chunk_size_opens_nothing() -> None:
    # Of the same padded size, so that every chunk has its length.
    refuse(CIPHERTEXT, "chunk", size=len(FILE) + 1)
    refuse(CIPHERTEXT, "chunk", chunk_size=2 * CHUNK)


def test_threats_19_exchanged_as_a_whole_by_somebody_who_knows_the_key() -> None:
    # With the same key, so every chunk opens.
    opener = FileOpener(replace(DESCRIPTOR, hash=bytes(32)))
    opener.push(CIPHERTEXT)
    for _ in range(2):
        with pytest.raises(AttachmentError, match="names"):
            opener.finish()


def test_threats_19_no_file_that_looks_complete_is_given_out_before_it_is_known_to_be() -> None:
    # Padding fills more than a chunk here: the file ends in a chunk before the last.
    long = content("long", 290_000)
    descriptor, ciphertext = seal(long, CHUNK)
    opener = FileOpener(descriptor)
    assert opener.geometry.end_chunk < opener.geometry.chunks - 1
    pushed = b"".join(opener.push(ciphertext))
    assert len(pushed) < len(long)
    assert pushed + opener.finish() == long
    with pytest.raises(UsageError):
        opener.finish()


def test_each_chunks_nonce_is_prefix_number_and_last_mark() -> None:
    info = b"Collegium 1.0 attachment" + len(FILE).to_bytes(8, "big") + CHUNK.to_bytes(4, "big")
    derived = HKDFExpand(SHA256(), 39, info).derive(DESCRIPTOR.key)
    opened = b"".join(
        AESGCM(derived[:32]).decrypt(derived[32:] + n.to_bytes(4, "big") + bytes((n == 5,)), sealed, None)
        for n, sealed in enumerate(CHUNKS)
    )
    assert opened == FILE.ljust(len(opened), b"\0")
    assert len(opened) == padded_size(len(FILE))


def test_one_chunk_opens_alone_and_in_its_place() -> None:
    long = content("long", 290_000)
    descriptor, ciphertext = seal(long, CHUNK)
    opener = ChunkOpener(descriptor)
    for n in (70, 0, 40, 70, opener.geometry.chunks - 1):
        start, end = opener.geometry.chunk_range(n)
        assert opener.open(n, ciphertext[start:end]) == long[n * CHUNK : (n + 1) * CHUNK]
    start, end = opener.geometry.chunk_range(40)
    with pytest.raises(AttachmentError, match="sealed there"):
        opener.open(41, ciphertext[start:end])
    with pytest.raises(AttachmentError, match="bytes"):
        opener.open(40, ciphertext[start : end - 1])
    with pytest.raises(UsageError):
        opener.open(1000, ciphertext[start:end])


def test_a_sealer_takes_the_size_that_was_said_and_seals_once() -> None:
    sealer = FileSealer(100, seeded("sealer"))
    sealer.push(bytes(99))
    with pytest.raises(UsageError, match="shorter"):
        sealer.finish()
    with pytest.raises(UsageError, match="not sealed"):
        sealer.descriptor("a", "a/b")
    sealer.push(b"\0")
    list(sealer.finish())
    with pytest.raises(UsageError, match="already"):
        sealer.finish()
    with pytest.raises(UsageError, match="longer"):
        sealer.push(b"\0")


def test_a_long_file_needs_few_chunks_of_memory() -> None:
    size, part = 48 * 1024 * 1024 + 1, bytes(CHUNK_SIZE)
    tracemalloc.start()
    try:
        sealer = FileSealer(size, seeded("long"))
        # The hash is known at the end: what is opened beside it is opened under a wrong one.
        descriptor = FileDescriptor(seeded("long")(32), size, CHUNK_SIZE, bytes(32), "a", "a/b")
        opener = FileOpener(descriptor)
        opened = 0
        for one in chain(repeat(part, size // CHUNK_SIZE), (b"\0",)):
            for piece in sealer.push(one):
                opened += sum(map(len, opener.push(piece)))
        for piece in sealer.finish():
            opened += sum(map(len, opener.push(piece)))
        with pytest.raises(AttachmentError, match="names"):
            opener.finish()
        assert size - CHUNK_SIZE <= opened < size
        assert tracemalloc.get_traced_memory()[1] < 16 * CHUNK_SIZE
    finally:
        tracemalloc.stop()


# The descriptor

WHOLE = FileDescriptor(
    key=content("key", 32),
    size=2**31,
    chunk_size=65_536,
    hash=content("hash", 32),
    name="Grüße 👋.pdf",
    type="application/vnd.oasis.opendocument.text",
)


def test_a_descriptor_is_read_as_it_was_written() -> None:
    longest = replace(WHOLE, name="👋" * 255, type="a/" + "b" * 125)
    for descriptor in (WHOLE, longest):
        assert decode_descriptor(encode_descriptor(descriptor)) == descriptor
    assert len(encode_descriptor(longest)) < MAX_DESCRIPTOR


@pytest.mark.parametrize(
    "fields",
    [
        {"key": bytes(31)},
        {"hash": bytes(33)},
        {"size": 2**31 + 1},
        {"chunk_size": 4095},
        {"chunk_size": 1024 * 1024 + 1},
        {"name": ""},
        {"name": "../notes.pdf"},
        {"name": "..\\notes.pdf"},
        {"name": ".."},
        {"name": "fdp.\u202etxt"},
        {"name": "a\nb"},
        {"name": "a" * 256},
        {"type": ""},
        {"type": "text/html; charset=x"},
        {"type": "Text/HTML"},
        {"type": "text/html\n"},
        {"type": "a/" + "b" * 126},
        {"type": None},
        {"note": "x"},
    ],
    ids=str,
)
def test_what_is_no_descriptor_is_refused(fields: dict[str, bytes | int | str | None]) -> None:
    data = encode_canonical({**descriptor_fields(WHOLE), **fields})
    with pytest.raises(RoomDataError):
        decode_descriptor(data)


GOOD = encode_descriptor(WHOLE)
MUTATED = st.tuples(st.integers(0, len(GOOD) - 1), st.integers(0, 255)).map(
    lambda change: GOOD[: change[0]] + bytes((change[1],)) + GOOD[change[0] + 1 :]
)


@settings(max_examples=500, deadline=None)
@given(st.one_of(st.binary(max_size=300), MUTATED))
def test_any_bytes_are_a_descriptor_in_its_one_spelling_or_a_room_data_error(data: bytes) -> None:
    with suppress(RoomDataError):
        assert encode_descriptor(decode_descriptor(data)) == data
