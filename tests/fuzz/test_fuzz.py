"""The same bytes into both languages, a few thousand of them; `./run fuzz` goes on for longer."""

from collections.abc import Iterator

import pytest

from tests.conftest import SOAK
from tests.fuzz.fuzz import BATCH, DECODERS, Fuzz, fault, shrunk
from tests.walks.typescript_member import TypeScriptPeer

ROUNDS = 200 if SOAK else 4


@pytest.fixture(scope="module")
def fuzz() -> Iterator[Fuzz]:
    peer = TypeScriptPeer()
    yield Fuzz("tests", peer)
    peer.close()


def test_any_bytes_are_read_or_refused_alike_and_what_is_read_is_written_the_same(fuzz: Fuzz) -> None:
    for _ in range(ROUNDS):
        fuzz.decoders()
    assert {kind: fuzz.tried[kind] for kind in DECODERS} == dict.fromkeys(DECODERS, ROUNDS * BATCH)
    # What is changed at random is still read now and then, so that more is looked at than a first byte.
    assert min(fuzz.read[kind] for kind in DECODERS) > 0


def test_a_changed_message_comes_to_the_same_for_two_members_and_is_the_peers_fault(fuzz: Fuzz) -> None:
    for _ in range(ROUNDS):
        fuzz.messages()
    assert fuzz.tried["message"] == ROUNDS * (BATCH // 4)


def test_e36_a_changed_frame_of_a_call_is_heard_or_dropped_alike_and_never_heard_twice(fuzz: Fuzz) -> None:
    for _ in range(ROUNDS):
        fuzz.frames()
    assert fuzz.tried["frame"] == ROUNDS * 4 * (BATCH // 4)
    assert fuzz.read["frame"] > 0


@pytest.mark.parametrize(
    ("python", "typescript", "is_fault"),
    [
        (b"ab", b"ab", False),
        ("peer decode", "peer decode", False),
        (b"ab", "peer decode", True),
        (b"ab", b"ac", True),
        (b"ac", b"ac", True),
        ("caller integer_range", "caller integer_range", True),
        ("peer aead", "peer aead", True),
    ],
)
def test_a_difference_or_another_error_is_a_fault(
    python: bytes | str, typescript: bytes | str, is_fault: bool
) -> None:
    assert fault("commit", b"ab", python, typescript) is is_fault


def test_what_fails_is_made_small() -> None:
    assert shrunk(bytes(100) + b"x" + bytes(50) + b"y", lambda data: b"x" in data and b"y" in data) == b"xy"
