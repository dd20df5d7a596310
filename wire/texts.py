"""Texts that people write into events: how long they may be, and what may not stand in them."""

import re
from typing import Annotated

from pydantic import AfterValidator, Field

MAX_POST = 20_000  # characters, as everywhere: code points
MAX_NAME = 80
MAX_WHY = 200
MAX_EMOJI_BYTES = 32

# Controls, line separators and marks that turn the reading direction: in one line of text they only deceive.
_NOT_IN_A_LINE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
_LETTER_OR_SPACE = re.compile("[A-Za-z ]")
_LEAST_EMOJI = 0xA9  # ©
# Decoders of other languages take it away at the beginning of a text: what is read is not what was written.
_BYTE_ORDER_MARK = "\ufeff"


def _text(text: str) -> str:
    if text.startswith(_BYTE_ORDER_MARK):
        raise ValueError("a byte order mark")
    return text


def _line(text: str) -> str:
    if _NOT_IN_A_LINE.search(text) or text.startswith(" ") or text.endswith(" "):
        raise ValueError("not a line of text")
    return text


def _emoji(text: str) -> str:
    """Something to react with: no letters or spaces, and at least one sign beyond ASCII."""
    if len(text.encode()) > MAX_EMOJI_BYTES or _NOT_IN_A_LINE.search(text) or _LETTER_OR_SPACE.search(text):
        raise ValueError("not an emoji")
    if all(ord(character) < _LEAST_EMOJI for character in text):
        raise ValueError("not an emoji")
    return text


PostText = Annotated[str, Field(min_length=1, max_length=MAX_POST), AfterValidator(_text)]
Name = Annotated[str, Field(min_length=1, max_length=MAX_NAME), AfterValidator(_text), AfterValidator(_line)]
Why = Annotated[str, Field(min_length=1, max_length=MAX_WHY), AfterValidator(_text), AfterValidator(_line)]
Emoji = Annotated[
    str,
    Field(min_length=1, max_length=MAX_EMOJI_BYTES),
    AfterValidator(_text),
    AfterValidator(_emoji),
]
