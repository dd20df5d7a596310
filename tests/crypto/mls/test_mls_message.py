"""An MLSMessage is of a version and a wire format that exist, and bounded before it is parsed."""

import re

import pytest

from crypto.mls.codec import decode
from crypto.mls.errors import DecodeError
from crypto.mls.framing import PrivateMessage, PublicMessage, read_authenticated_content
from crypto.mls.group_info import GroupInfo
from crypto.mls.key_package import KeyPackage
from crypto.mls.mls_message import (
    MAX_MESSAGE_LENGTH,
    MlsMessage,
    decode_mls_message,
    encode_mls_message,
)
from crypto.mls.suites import suite_of
from crypto.mls.welcome import Welcome
from tests.crypto.mls.simulation import Person
from tests.crypto.seeded_rng import seeded_rng
from tests.crypto.vectors import Record, VectorFile, b, each_vector_file, report

MESSAGES: dict[str, type[MlsMessage]] = {
    "mls_welcome": Welcome,
    "mls_group_info": GroupInfo,
    "mls_key_package": KeyPackage,
    "public_message_application": PublicMessage,
    "public_message_proposal": PublicMessage,
    "public_message_commit": PublicMessage,
    "private_message": PrivateMessage,
}


@each_vector_file("mls/messages")
def test_whole_messages(file: VectorFile, record_property: Record) -> None:
    entries = file.entries()
    for entry in entries:
        for name, kind in MESSAGES.items():
            message = decode_mls_message(b(entry[name]))
            assert isinstance(message, kind)
            assert encode_mls_message(message) == b(entry[name])
    report(file, record_property, len(entries))


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


@pytest.mark.parametrize("wire_format", [0, 3, 4, 5, 6])
def test_v008_is_signed_for_a_wire_format_that_carries_content(wire_format: int) -> None:
    with pytest.raises(DecodeError, match=f"wire format {wire_format} carries no content"):
        decode(wire_format.to_bytes(2, "big"), read_authenticated_content)
