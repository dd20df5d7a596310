"""Header, KID and window (RFC 9605 §4.3; E35, E36)."""

from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crypto.mls.errors import AeadError, DecodeError, UsageError
from crypto.sframe.header import MAX_HEADER_LENGTH, decode_header, encode_header
from crypto.sframe.kid import Kind, draw_kid, epoch_byte_of, kind_of, leaf_of
from crypto.sframe.protect import protect, unprotect
from crypto.sframe.replay_window import WINDOW, ReplayWindow
from crypto.sframe.suites import sframe_suite
from tests.crypto.sframe.call import octets

# Of every length alike: a number drawn from all 64 bits nearly always has eight bytes.
U64 = st.tuples(st.integers(0, 2**64 - 1), st.integers(0, 64)).map(lambda drawn: drawn[0] >> drawn[1])


@settings(deadline=None)
@given(U64, U64, st.binary(max_size=4), st.binary(max_size=8))
def test_a_header_is_read_as_it_was_written(kid: int, ctr: int, before: bytes, after: bytes) -> None:
    written = encode_header(kid, ctr)
    assert len(written) <= MAX_HEADER_LENGTH
    assert decode_header(before + written + after, len(before)) == (kid, ctr, len(written))


@settings(max_examples=1000, deadline=None)
@given(st.binary(max_size=20))
def test_any_bytes_are_a_header_in_its_one_spelling_or_a_decode_error(data: bytes) -> None:
    with suppress(DecodeError):
        kid, ctr, length = decode_header(data)
        assert encode_header(kid, ctr) == data[:length]


@pytest.mark.parametrize(
    "data",
    ["", "9001", "0901", "8007", "0807", "9000ff", "f000ffffffffffffff", "0b00000100"],
)
def test_a_header_that_is_cut_short_or_not_the_shortest_is_refused(data: str) -> None:
    with pytest.raises(DecodeError):
        decode_header(bytes.fromhex(data))


@pytest.mark.parametrize(("kid", "ctr"), [(2**64, 0), (0, 2**64), (-1, 0), (0, -1)])
def test_a_header_holds_no_more_than_64_bits(kid: int, ctr: int) -> None:
    with pytest.raises(UsageError):
        encode_header(kid, ctr)


@pytest.mark.parametrize("number", [1, 2, 3, 4, 5])
def test_a_change_anywhere_is_refused(number: int) -> None:
    suite, base_key = sframe_suite(number), octets("base key", 32)
    sealed = protect(suite, base_key, 0x1234, 99, b"metadata", b"a frame")
    assert unprotect(suite, lambda _: base_key, b"metadata", sealed).plaintext == b"a frame"
    assert len(sealed) == 4 + 7 + suite.aead.nt
    for i in range(len(sealed)):
        broken = sealed[:i] + bytes((sealed[i] ^ 1,)) + sealed[i + 1 :]
        with pytest.raises((AeadError, DecodeError)):
            unprotect(suite, lambda _: base_key, b"metadata", broken)
    for metadata, data in ((b"metadat", sealed), (b"metadata", sealed[: 3 + suite.aead.nt])):
        with pytest.raises(AeadError):
            unprotect(suite, lambda _: base_key, metadata, data)
    with pytest.raises(UsageError):
        suite.aead.seal(bytes(31), bytes(12), b"", b"")
    with pytest.raises(UsageError):
        suite.aead.seal(bytes(suite.aead.nk), bytes(8), b"", b"")


def test_e35_what_a_kid_is_made_of() -> None:
    # The two upper bits of what was drawn give way to the kind.
    drawn = [
        draw_kid(kind, 0x9A, 0x1BC, lambda _: b"\xc1\x02\x03\x04\x05\x06")
        for kind in (Kind.AUDIO, Kind.CAMERA, Kind.SCREEN, Kind.SCREEN_AUDIO)
    ]
    assert drawn == [0x0102030405069ABC, 0x4102030405069ABC, 0x8102030405069ABC, 0xC102030405069ABC]
    assert draw_kid(Kind.SCREEN_AUDIO, 255, 255, lambda n: b"\xff" * n) == 2**64 - 1
    for kind, kid in zip(Kind, drawn, strict=True):
        assert (kind_of(kid), leaf_of(kid), epoch_byte_of(kid)) == (kind, 0x9A, 0xBC)


@pytest.mark.parametrize("leaf", [-1, 256])
def test_e35_a_kid_has_room_for_256_leaves(leaf: int) -> None:
    with pytest.raises(UsageError):
        draw_kid(Kind.AUDIO, leaf, 0, bytes)


def test_e35_a_short_draw_makes_no_kid() -> None:
    with pytest.raises(UsageError):
        draw_kid(Kind.AUDIO, 0, 0, lambda n: bytes(n - 1))


def test_e36_the_window_is_4096_wide() -> None:
    window = ReplayWindow()
    assert WINDOW == 4096
    counters = [0, 0, 5000, 5000 - WINDOW, 5001 - WINDOW, 5001 - WINDOW, 2**32 - 1, 2**32 - 1, 2**32 - 2]
    assert [window.mark(ctr) for ctr in counters] == [
        True,
        False,
        True,
        False,
        True,
        False,
        True,
        False,
        True,
    ]


JUMPS = st.one_of(
    st.integers(-8, 8),
    st.integers(-2 * WINDOW, 2 * WINDOW),
    st.sampled_from([WINDOW - 1, WINDOW, WINDOW + 1, 1 - WINDOW, -WINDOW]),
)


@settings(max_examples=200, deadline=None)
@given(st.lists(JUMPS, max_size=200))
def test_e36_the_window_is_the_rule_for_any_order(jumps: list[int]) -> None:
    window, seen, highest, at = ReplayWindow(), set[int](), -1, 10_000
    for by in jumps:
        at = max(0, at + by)
        expected = at > highest - WINDOW and at not in seen
        assert window.is_fresh(at) is expected
        assert window.mark(at) is expected
        if expected:
            seen.add(at)
            highest = max(highest, at)


def test_asking_a_window_changes_nothing() -> None:
    window = ReplayWindow()
    window.mark(10)
    assert window.is_fresh(9000)
    assert window.mark(9)
