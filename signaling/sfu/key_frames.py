"""Who may ask for a key frame, and how often.

A member with a wrong key decodes nothing and asks without end. A key frame is large and goes to everybody,
so each who asks waits longer every time, and each source is asked no more often than it can bear.
"""

from typing import Final

FIRST_WAIT: Final = 0.4
MAX_WAIT: Final = 4.0
MAX_SWITCH_WAIT: Final = 1.0
"""Of a receiver that changes over to another layer: because we sent it there, or because it wished so."""
CALM: Final = 8.0
"""Seconds without asking after which waits are short again."""

SOURCE_GAP: Final = 0.3
SOURCE_BURST: Final = 6.0
SOURCE_REFILL: Final = 0.5
"""Key frames each second of one source, on the whole."""


class Requester:
    """One receiver and one stream. Its first request is granted, the next after a wait that doubles."""

    __slots__ = ("_asked", "_longest", "_next", "_wait")

    def __init__(self, longest: float = MAX_WAIT) -> None:
        self._longest = longest
        self._wait = FIRST_WAIT
        self._next = 0.0
        self._asked = 0.0

    def may_ask(self, now: float) -> bool:
        if now - self._asked > CALM:
            self._wait = FIRST_WAIT
        self._asked = now
        if now < self._next:
            return False
        self._next = now + self._wait
        self._wait = min(self._longest, 2 * self._wait)
        return True


class Source:
    """One layer of one sender: a burst, then so many in a second, never two in one moment."""

    __slots__ = ("_at", "_level", "_next")

    def __init__(self) -> None:
        self._level = SOURCE_BURST
        self._at = 0.0
        self._next = 0.0

    def is_ready(self, now: float) -> bool:
        self._level = min(SOURCE_BURST, self._level + (now - self._at) * SOURCE_REFILL)
        self._at = now
        return now >= self._next and self._level >= 1

    def asked(self, now: float) -> None:
        self._level -= 1
        self._next = now + SOURCE_GAP
