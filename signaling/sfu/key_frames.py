"""Who may ask for a key frame, and how often.

A member with a wrong key decodes nothing and asks without end; who lost packets asks now and then, and each
of its requests is a picture that stands still. A key frame is large and goes to everybody. So what counts
is key frames that came, not requests: who asks has some at once and then so many in a second, and as long
as none has come, a request is made again soon: it may have been lost itself.
"""

from typing import Final

BURST: Final = 4.0
REFILL: Final = 0.25
"""Key frames each second of one who asks without end."""
SWITCH_BURST: Final = 6.0
SWITCH_REFILL: Final = 1.0
"""Of a receiver that changes over to another layer: because we sent it there, or because it wished so."""

SOURCE_GAP: Final = 0.3
"""Seconds after a request in which a browser answers no other one."""
SOURCE_BURST: Final = 6.0
SOURCE_REFILL: Final = 0.5
"""Key frames each second of one source, on the whole."""


class _Purse:
    """A token bucket: full at first."""

    __slots__ = ("_at", "_level", "_most", "_refill")

    def __init__(self, most: float, refill: float) -> None:
        self._most = self._level = most
        self._refill = refill
        self._at = 0.0

    def has(self, now: float) -> bool:
        self._level = min(self._most, self._level + (now - self._at) * self._refill)
        self._at = now
        return self._level >= 1

    def pay(self) -> None:
        self._level -= 1


class Requester:
    """One receiver and one stream. It pays with the first key frame that comes after its request."""

    __slots__ = ("_asked", "_purse")

    def __init__(self, burst: float = BURST, refill: float = REFILL) -> None:
        self._purse = _Purse(burst, refill)
        self._asked: float | None = None

    def may_ask(self, now: float, came: float) -> bool:
        """`came` is when the source's last key frame began."""
        if self._asked is not None and came > self._asked:
            self._asked = None
            self._purse.pay()
        if not self._purse.has(now):
            return False
        if self._asked is None:
            self._asked = now
        return True


class Source:
    """One layer of one sender: a burst, then so many in a second, never two requests in one moment."""

    __slots__ = ("_next", "_purse", "_waited_for", "came_at")

    def __init__(self) -> None:
        self._purse = _Purse(SOURCE_BURST, SOURCE_REFILL)
        self._next = 0.0
        self._waited_for = False
        self.came_at = float("-inf")
        """When the last key frame began."""

    def is_free(self, now: float) -> bool:
        """Whether the sender would listen to a request now."""
        return now >= self._next

    def bears(self, now: float) -> bool:
        """Whether it may be asked on behalf of those who receive it."""
        return self._purse.has(now)

    def asked(self, now: float) -> None:
        self._next = now + SOURCE_GAP
        self._waited_for = True

    def came(self, now: float) -> None:
        """A key frame begins. One that nobody asked for costs nobody anything."""
        self.came_at = now
        if self._waited_for:
            self._waited_for = False
            self._purse.pay()
