"""An MLSMessage is of a version and a wire format that exist, and bounded before it is parsed."""

import re

import pytest

from crypto.mls.errors import DecodeError
from crypto.mls.mls_message import MAX_MESSAGE_LENGTH, decode_mls_message, encode_mls_message
from crypto.mls.suites import suite_of
from tests.crypto.mls.simulation import Person
from tests.crypto.seeded_rng import seeded_rng


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"\0\2\0\1", "version 2"),
        (b"\0\1\0\6", "wire format 6"),
        (b"\0\1\0\0", "wire format 0"),
        # E26
        (bytes(MAX_MESSAGE_LENGTH + 1), "longer than"),
        (bytes(MAX_MESSAGE_LENGTH), "version 0"),
    ],
    ids=["version", "wire format", "no wire format", "too long", "as long as may be"],
)
def test_v008_v004_refuses(data: bytes, why: str) -> None:
    with pytest.raises(DecodeError, match=re.escape(why)):
        decode_mls_message(data)


def test_v008_holds_a_key_package_of_its_own_version() -> None:
    """RFC 9420 §10."""
    key_package = Person(suite_of(1), "ada", seeded_rng("version")).key_package().key_package
    message = encode_mls_message(key_package)
    assert decode_mls_message(message) == key_package
    with pytest.raises(DecodeError, match="another version"):
        decode_mls_message(message[:4] + b"\0\2" + message[6:])
