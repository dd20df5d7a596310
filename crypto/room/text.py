"""Which texts may stand in a room, in characters (code points), as wire/texts.py has it."""

import re
from typing import Final

MAX_TITLE: Final = 80
MAX_NAME: Final = 80
MAX_POST: Final = 20_000
MAX_EMOJI_BYTES: Final = 32
MAX_FILE_NAME: Final = 255
MAX_WHY: Final = 200

# Controls, line separators and marks that turn the reading direction: in one line of text they only deceive.
_NOT_IN_A_LINE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
# Half of a pair: no character, and no UTF-8.
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")
_LETTER_OR_SPACE = re.compile("[A-Za-z ]")
_LEAST_EMOJI: Final = 0xA9  # ©
# Decoders of other languages take it away at the beginning of a text, so that what is read is not what was
# written.
BYTE_ORDER_MARK: Final = "\ufeff"


def _is_text(text: str, limit: int) -> bool:
    """Something, within the limit, that every language reads as it was written."""
    if not 0 < len(text) <= limit or text.startswith(BYTE_ORDER_MARK):
        return False
    return _LONE_SURROGATE.search(text) is None


def _is_line(text: str, limit: int) -> bool:
    if not _is_text(text, limit) or _NOT_IN_A_LINE.search(text):
        return False
    return not text.startswith(" ") and not text.endswith(" ")


def is_name(text: str) -> bool:
    """A person's name, as colleagues see it."""
    return _is_line(text, MAX_NAME)


def is_title(text: str) -> bool:
    """A room's title."""
    return _is_line(text, MAX_TITLE)


def is_why(text: str) -> bool:
    """Why somebody rings: one line."""
    return _is_line(text, MAX_WHY)


def is_post_text(text: str) -> bool:
    """What a person writes. Line breaks and all are theirs; only bounds are checked."""
    return _is_text(text, MAX_POST)


def is_file_name(text: str) -> bool:
    """A name that a file can be stored under: no folder, and no way up."""
    return _is_line(text, MAX_FILE_NAME) and not set("/\\") & set(text) and text not in (".", "..")


def is_emoji(text: str) -> bool:
    """Something to react with: short, without letters or spaces, and with at least one sign beyond ASCII."""
    if not _is_text(text, MAX_EMOJI_BYTES) or len(text.encode()) > MAX_EMOJI_BYTES:
        return False
    if _NOT_IN_A_LINE.search(text) or _LETTER_OR_SPACE.search(text):
        return False
    return any(ord(character) >= _LEAST_EMOJI for character in text)
