"""The VP8 payload descriptor (RFC 7741 §4.2)."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from signaling.sfu import vp8

KEY, DELTA = b"\x10\x02", b"\x11\x02"


@pytest.mark.parametrize(
    ("payload", "parsed"),
    [
        # As Chromium sends a layer: picture id of 15 bits, TL0PICIDX, temporal layer.
        (bytes([0x90, 0xE0, 0x81, 0x02, 7, 0x00]) + KEY, (True, 0x90E0, 0x102, 7, 5)),
        (bytes([0x90, 0xE0, 0x81, 0x02, 7, 0x00]) + DELTA, (False, 0x90E0, 0x102, 7, 5)),
        (bytes([0x80, 0xE0, 0x81, 0x02, 7, 0x00]) + KEY, (False, 0x80E0, 0x102, 7, 5)),  # no start
        (bytes([0x91, 0x80, 0x80, 0x05]) + KEY, (False, 0x9180, 5, -1, 4)),  # the second partition
        (bytes([0x90, 0x80, 0x80, 0x05]) + KEY, (True, 0x9080, 5, -1, 4)),
        (bytes([0x90, 0x80, 0x15]) + KEY, (True, 0x9080, -2 - 0x15, -1, 3)),  # 7 bits
        (bytes([0x10]) + KEY, (True, 0x1000, -1, -1, 0)),
        (bytes([0x90, 0x10, 0x20]) + KEY, (True, 0x9010, -1, -1, 0)),  # a key index alone: as it is
    ],
)
def test_what_is_found(payload: bytes, parsed: vp8.Descriptor) -> None:
    assert vp8.parse(payload, 0, len(payload)) == parsed


def test_bytes_that_end_too_soon() -> None:
    whole = bytes([0x90, 0xF0, 0x81, 0x02, 7, 0x00]) + KEY
    assert [vp8.parse(whole, 0, end) is None for end in range(8)] == [True] * 7 + [False]


@given(st.booleans(), *[st.one_of(st.none(), st.integers(0, top)) for top in (32767, 255, 3)], st.booleans())
@settings(max_examples=200, derandomize=True, deadline=None)
def test_there_and_back(
    start: bool, picture: int | None, tl0: int | None, tid: int | None, key: bool
) -> None:
    head = vp8.descriptor(start=start, picture=picture, tl0=tl0, tid=tid)
    payload = head + (KEY if key else DELTA)
    parsed = vp8.parse(payload, 0, len(payload))
    assert parsed is not None
    assert parsed[0] == (start and key)
    if picture is not None:
        assert parsed[2] == picture
        assert parsed[3] == (-1 if tl0 is None else tl0)
    else:
        assert parsed[2:] == (-1, -1, 0)


@given(st.binary(max_size=12), st.integers(0, 12))
@settings(max_examples=500, derandomize=True, deadline=None)
def test_any_bytes_are_a_descriptor_or_none(payload: bytes, at: int) -> None:
    parsed = vp8.parse(payload, at, len(payload))
    if parsed is not None:
        assert at <= parsed[4] < len(payload)
