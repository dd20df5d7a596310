"""The clear header of a PrivateMessage: read exactly, or refused."""

import contextlib
import gzip
import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crypto.mls.envelope import (
    MAX_AUTHENTICATED_DATA,
    ContentType,
    Envelope,
    EnvelopeError,
    read_envelope,
    write_envelope,
)

GOOD = Envelope(b"g" * 16, 7, ContentType.APPLICATION, b"i" * 16)
BYTES = write_envelope(GOOD, b"s" * 28, b"c" * 300)
VECTORS = Path(__file__).resolve().parents[1] / "vectors/mls/messages.json.gz"


def test_reads_what_it_wrote() -> None:
    assert read_envelope(BYTES) == GOOD


@pytest.mark.parametrize("length", [0, 63, 64, 16383, 16384, 70_000])
def test_every_form_of_length(length: int) -> None:
    assert read_envelope(write_envelope(GOOD, b"", b"c" * length)) == GOOD


def test_official_private_messages() -> None:
    cases = json.loads(gzip.decompress(VECTORS.read_bytes()))
    messages = [bytes.fromhex(case["private_message"]) for case in cases]
    assert messages
    for message in messages:
        read = read_envelope(message)
        assert read.group_id in message


@pytest.mark.parametrize("name", ["mls_welcome", "public_message_application", "mls_key_package"])
def test_official_messages_of_other_forms_are_refused(name: str) -> None:
    case = json.loads(gzip.decompress(VECTORS.read_bytes()))[0]
    with pytest.raises(EnvelopeError):
        read_envelope(bytes.fromhex(case[name]))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        BYTES[:-1],
        BYTES + b"\0",
        b"\x00\x02" + BYTES[2:],
        b"\x00\x01\x00\x01" + BYTES[4:],
        BYTES[:4] + b"\xc0" + BYTES[5:],
        BYTES[:4] + b"\x40\x10" + BYTES[5:],  # 16 written in two bytes
        BYTES[:29] + b"\x00" + BYTES[30:],
        BYTES[:29] + b"\x04" + BYTES[30:],
        BYTES[:4] + b"\xbf\xff\xff\xff",
    ],
)
def test_refused(data: bytes) -> None:
    with pytest.raises(EnvelopeError):
        read_envelope(data)


def test_what_travels_in_the_clear_is_bounded() -> None:
    def read(length: int) -> Envelope:
        envelope = Envelope(b"room", 1, ContentType.APPLICATION, bytes(length))
        return read_envelope(write_envelope(envelope, b"sender", b"ciphertext"))

    assert len(read(MAX_AUTHENTICATED_DATA).authenticated_data) == MAX_AUTHENTICATED_DATA
    with pytest.raises(EnvelopeError, match="too much authenticated data"):
        read(MAX_AUTHENTICATED_DATA + 1)


@settings(max_examples=300, derandomize=True, deadline=None)
@given(st.binary(max_size=100), st.integers(0, 60))
def test_any_bytes_are_read_or_refused(tail: bytes, keep: int) -> None:
    with contextlib.suppress(EnvelopeError):
        read_envelope(BYTES[:keep] + tail)
