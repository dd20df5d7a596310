"""RTP headers: what is found, what is refused, and any bytes at all (RFC 3550 §5.1, RFC 8285)."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from signaling.sfu import rtp
from signaling.sfu.extensions import AUDIO_LEVEL, MID, REPAIRED_RID, RID, TRANSPORT_WIDE_CC

FIXED = bytes([0x80, 96, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3])
EXTENDED = bytes([0x90]) + FIXED[1:]


def found(packet: bytes) -> rtp.Shape:
    shape = rtp.shape_of(packet)
    assert shape is not None
    return shape


def test_a_packet_as_browsers_send_it() -> None:
    extensions = {MID: b"1", RID: b"h", TRANSPORT_WIDE_CC: b"\x12\x34"}
    packet = rtp.build(96, 7, 9000, 5, b"payload", marker=True, extensions=extensions)
    shape = found(packet)
    assert packet[shape.payload : shape.end] == b"payload"
    assert packet[shape.wide : shape.wide + 2] == b"\x12\x34"
    assert (shape.name(packet, MID), shape.name(packet, RID)) == ("1", "h")
    assert shape.name(packet, REPAIRED_RID) is None
    assert rtp.read_fixed(packet)[1:] == (0x80 | 96, 7, 9000, 5)


def test_padding_in_front_of_elements_and_after_them() -> None:
    block = bytes([0xBE, 0xDE, 0, 2, 0, AUDIO_LEVEL << 4, 0xAA, 0, TRANSPORT_WIDE_CC << 4 | 1, 1, 2, 0])
    packet = EXTENDED + block + b"x"
    shape = found(packet)
    assert packet[shape.level] == 0xAA
    assert packet[shape.wide : shape.wide + 2] == b"\x01\x02"


def test_fifteen_ends_the_list() -> None:
    block = bytes([0xBE, 0xDE, 0, 2, 0xF0, 0, 0, 0, TRANSPORT_WIDE_CC << 4 | 1, 1, 2, 0])
    assert found(EXTENDED + block).wide == 0


def test_two_byte_extensions() -> None:
    block = bytes([0x10, 0x00, 0, 3, MID, 1, 0x31, 0, TRANSPORT_WIDE_CC, 2, 9, 8, AUDIO_LEVEL, 1, 7, 0])
    packet = EXTENDED + block + b"x"
    shape = found(packet)
    assert shape.name(packet, MID) == "1"
    assert packet[shape.wide : shape.wide + 2] == b"\x09\x08"
    assert packet[shape.level] == 7
    assert not shape.reusable


def test_contributing_sources_are_skipped() -> None:
    packet = bytes([0x82]) + FIXED[1:] + bytes(8) + b"payload"
    assert packet[found(packet).payload :] == b"payload"


def test_padding_at_the_end_is_no_payload() -> None:
    shape = found(rtp.build(97, 1, 2, 3, b"ab", padding=4))
    assert (shape.end - shape.payload, shape.padding) == (2, 4)
    assert not shape.reusable


@pytest.mark.parametrize(
    "packet",
    [
        b"",
        FIXED[:11],
        bytes([0x40]) + FIXED[1:],  # another version
        bytes([0x8F]) + FIXED[1:],  # fifteen contributing sources, and no bytes
        EXTENDED,
        EXTENDED + b"\xbe\xde\x00",
        EXTENDED + b"\xbe\xde\x00\x01",  # a block that runs over the end
        bytes([0xA0]) + FIXED[1:] + b"\x00",  # padding of no bytes
        bytes([0xA0]) + FIXED[1:] + b"\x02",  # more padding than packet
        FIXED + bytes(rtp.MAX_PACKET),
    ],
)
def test_no_packet(packet: bytes) -> None:
    assert rtp.shape_of(packet) is None


HEADERS = st.builds(
    lambda first, rest: bytes([first & 0x3F | 0x80]) + rest, st.integers(0, 255), st.binary(max_size=80)
)


@given(st.one_of(st.binary(max_size=100), HEADERS))
@settings(max_examples=500, derandomize=True, deadline=None)
def test_any_bytes_are_a_packet_or_none(packet: bytes) -> None:
    shape = rtp.shape_of(packet)
    if shape is not None:
        assert rtp.HEADER <= shape.payload <= shape.end <= len(packet)
        assert shape.end + shape.padding == len(packet)
        for at in (shape.wide and shape.wide + 1, shape.level):
            assert at < max(shape.payload, 1)
        for which in (MID, RID, REPAIRED_RID):
            name = shape.name(packet, which)
            assert name is None or name.isascii()


NAMES = st.fixed_dictionaries(
    {},
    optional={
        MID: st.binary(min_size=1, max_size=3),
        RID: st.binary(min_size=1, max_size=2),
        TRANSPORT_WIDE_CC: st.binary(min_size=2, max_size=2),
        AUDIO_LEVEL: st.binary(min_size=1, max_size=1),
    },
)


@given(NAMES, NAMES, st.binary(max_size=20))
@settings(max_examples=300, derandomize=True, deadline=None)
def test_a_shape_that_fits_says_the_same_as_looking_again(
    one: dict[int, bytes], other: dict[int, bytes], payload: bytes
) -> None:
    shape = found(rtp.build(96, 1, 2, 3, b"first", extensions=one))
    packet = rtp.build(96, 2, 3, 4, payload, extensions=other)
    again = found(packet)
    if shape.reusable and shape.fits(packet) and set(one) == set(other):
        assert (shape.wide, shape.level, shape.payload) == (again.wide, again.level, again.payload)
    if again.reusable:
        assert again.fits(packet)


def test_a_packet_that_ends_with_its_header_fits_no_shape_with_extensions() -> None:
    assert not found(rtp.build(96, 1, 2, 3, b"", extensions={MID: b"1"})).fits(EXTENDED)
    assert not found(FIXED).reusable
