"""RTCP: each part there and back, compounds and reduced sizes, and any bytes at all."""

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from signaling.sfu import rtcp, transport_feedback

BLOCK = rtcp.Block(9, 25, -3, 0x1234567, 80, 0xABCDEF01, 65536)
PARTS: list[tuple[bytes, list[rtcp.Part]]] = [
    (
        rtcp.sender_report(1, 2**63 + 5, 7, 8, 9, [BLOCK]),
        [rtcp.SenderReport(1, 2**63 + 5, 7, 8, 9, (BLOCK,))],
    ),
    (rtcp.receiver_report(1, [BLOCK, BLOCK]), [rtcp.ReceiverReport(1, (BLOCK, BLOCK))]),
    (rtcp.receiver_report(1, []), [rtcp.ReceiverReport(1, ())]),
    (rtcp.source_description(1, b"name"), []),
    (rtcp.goodbye([5, 6]), [rtcp.Goodbye((5, 6))]),
    (rtcp.nack(1, 2, [3, 4, 19, 20]), [rtcp.Nack(2, (3, 4, 19, 20))]),
    (rtcp.picture_loss(1, 2), [rtcp.KeyFrameRequest((2,))]),
    (rtcp.full_intra(1, 2, 3), [rtcp.KeyFrameRequest((2,))]),
    (rtcp.wide_feedback(1, 2, b"12345678"), [rtcp.WideFeedback(b"12345678")]),
]


@pytest.mark.parametrize(("packet", "parts"), PARTS)
def test_there_and_back(packet: bytes, parts: list[rtcp.Part]) -> None:
    assert rtcp.parse(packet) == parts


def test_a_compound_is_its_parts_in_order() -> None:
    assert rtcp.parse(b"".join(packet for packet, _ in PARTS)) == [
        part for _, parts in PARTS for part in parts
    ]


def test_what_is_unknown_is_skipped() -> None:
    extended_report = bytes([0x80, 207, 0, 1, 0, 0, 0, 1])
    remb = bytes([0x8F, 206, 0, 3]) + bytes(12)
    assert rtcp.parse(extended_report + remb + rtcp.picture_loss(1, 2)) == [rtcp.KeyFrameRequest((2,))]


def test_numbers_that_wrap() -> None:
    assert rtcp.parse(rtcp.nack(1, 2, [0xFFFF, 0x10000, 0x10005])) == [rtcp.Nack(2, (0xFFFF, 0, 5))]


def test_a_name_of_each_length_ends_with_a_zero() -> None:
    for length in range(12):
        packet = rtcp.source_description(7, b"n" * length)
        assert len(packet) % 4 == 0
        assert packet[-1] == 0
        assert rtcp.parse(packet + rtcp.goodbye([1])) == [rtcp.Goodbye((1,))]


def test_padding() -> None:
    padded = (
        bytes([0xA1]) + rtcp.picture_loss(1, 2)[1:3] + b"\x03" + rtcp.picture_loss(1, 2)[4:] + b"\0\0\0\4"
    )
    assert rtcp.parse(padded) == [rtcp.KeyFrameRequest((2,))]
    assert rtcp.parse(padded + rtcp.picture_loss(3, 4)) == [
        rtcp.KeyFrameRequest((2,)),
        rtcp.KeyFrameRequest((4,)),
    ]


@pytest.mark.parametrize("count", range(1, 9))
def test_feedback_that_a_browser_padded_to_whole_words(count: int) -> None:
    """Chromium says so in the header, with one to three bytes: three of four of its feedbacks."""
    arrivals: list[int | None] = [1000 + 4 * i for i in range(count)]
    body = transport_feedback.write(7, arrivals, 0)
    used = 8 + 2 + count
    padding = -used % 4
    if padding:
        body = body[:-1] + bytes([padding])
    packet = bytearray(rtcp.wide_feedback(1, 2, body))
    packet[0] |= 0x20 if padding else 0
    parts = rtcp.parse(bytes(packet) + rtcp.receiver_report(1, []))
    assert parts is not None
    assert isinstance(parts[0], rtcp.WideFeedback)
    assert transport_feedback.read(parts[0].body) == (7, arrivals)


@pytest.mark.parametrize(
    "packet",
    [
        b"",
        b"\x80\xc8\x00",
        b"\x40\xc9\x00\x00",
        b"\x80\xc9\x00\x02" + bytes(4),  # longer than it is
        b"\x81\xc9\x00\x01" + bytes(4),  # a block that is not there
        b"\x80\xc8\x00\x01" + bytes(4),
        b"\x82\xcb\x00\x01" + bytes(4),
        b"\x81\xce\x00\x01" + bytes(4),
        b"\x80\xc9\x00\x01\x00\x00\x00\x01\x00",  # a byte too many
        bytes([0xA0, 201, 0, 1, 0, 0, 0, 5]),  # padding that is longer than its part
        bytes([0xA0, 201, 0, 1, 0, 0, 0, 0]),  # padding of nothing
        rtcp.receiver_report(1, []) * (rtcp.MAX_PARTS + 1),
        rtcp.receiver_report(1, []) * (rtcp.MAX_COMPOUND // 8 + 1),
    ],
)
def test_malformed(packet: bytes) -> None:
    assert rtcp.parse(packet) is None


def test_what_is_built_stays_within_a_packet() -> None:
    assert len(rtcp.nack(1, 2, range(0, 60_000, 20))) <= 1500
    assert len(rtcp.receiver_report(1, [BLOCK] * 60)) <= 1500


@given(st.binary(max_size=120), st.integers(0, 2**32))
@settings(max_examples=400, derandomize=True, deadline=None)
def test_any_bytes_are_parts_or_none(noise: bytes, seed: int) -> None:
    dice = Random(seed)
    valid = bytearray(b"".join(packet for packet, _ in dice.sample(PARTS, 3)))
    for _ in range(dice.randrange(4)):
        valid[dice.randrange(len(valid))] = dice.randrange(256)
    for data in (noise, bytes(valid), bytes(valid[: dice.randrange(len(valid))])):
        parts = rtcp.parse(data)
        assert parts is None or len(parts) <= rtcp.MAX_PARTS
