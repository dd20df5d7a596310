"""E16: few sizes, and texts that every language reads as they were written."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crypto.mls.errors import UsageError
from crypto.room.errors import RoomDataError
from crypto.room.events import message_bucket
from crypto.room.padding import pad_to, padded_length, unpad
from crypto.room.text import is_emoji, is_name, is_post_text, is_title


def test_e16_there_are_few_sizes() -> None:
    asked = [0, 1, 256, 257, 512, 513, 32_768, 32_769, 65_537]
    assert [padded_length(length) for length in asked] == [
        256,
        256,
        256,
        512,
        512,
        1024,
        32_768,
        65_536,
        98_304,
    ]
    assert {message_bucket(length) for length in (1, 50, 150)} == {256}


@settings(max_examples=200, derandomize=True, deadline=None)
@given(st.binary(max_size=300))
def test_e16_padding_comes_off_as_it_was_put_on(data: bytes) -> None:
    padded = pad_to(data, padded_length(len(data) + 1))
    assert len(padded) in (256, 512)
    assert unpad(padded) == data


@pytest.mark.parametrize("bad", [b"", bytes(9), b"\1\0\0"])
def test_e16_what_has_no_end_mark_is_refused(bad: bytes) -> None:
    with pytest.raises(RoomDataError):
        unpad(bad)
    with pytest.raises(UsageError):
        pad_to(bytes(256), 256)


@pytest.mark.parametrize(
    ("text", "is_line"),
    [
        ("Dr. Anna Müller-Özil", True),
        ("名" * 80, True),
        ("𠮷" * 80, True),
        ("\u0645\u06cc\u200c\u062e x", True),
        ("a\ufeffb", True),
        ("", False),
        ("名" * 81, False),
        (" Anna", False),
        ("Anna ", False),
        ("Anna\nBen", False),
        ("Anna\u2028Ben", False),
        ("Anna\x85", False),
        ("\u202eannA", False),
        ("\u2066Anna", False),
        ("\ufeffAnna", False),
        ("\ud800", False),
    ],
)
def test_e16_names_and_titles_are_lines(text: str, is_line: bool) -> None:
    assert is_name(text) is is_title(text) is is_line


def test_e16_posts_and_emoji_within_their_bounds() -> None:
    assert is_post_text("😀" * 20_000)
    assert is_post_text("a\n\tb\0\u202ec")
    assert not any(map(is_post_text, ("", "a" * 20_001, "\ufeffa", "a\ud800")))
    assert all(map(is_emoji, ("👍", "👩🏽\u200d⚕\ufe0f", "1\ufe0f\u20e3", "©", "😀" * 8)))
    wrong = ("", "😀" * 9, "no", "no 👎", "👍 ", "123", "👍\a", "👍\u202e", "\ufeff👍", "\ud83d")
    assert not any(map(is_emoji, wrong))
