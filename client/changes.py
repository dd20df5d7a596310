"""Waiting for something to come true."""

import asyncio
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


class Changes:
    """Whoever changes something tells; whoever waits looks again."""

    def __init__(self) -> None:
        self._next = asyncio.Event()

    def tell(self) -> None:
        told, self._next = self._next, asyncio.Event()
        told.set()

    async def until(self, look: Callable[[], T | None]) -> T:
        """What `look` finds, once it does not find None. It may raise, which ends the waiting."""
        while True:
            told = self._next
            found = look()
            if found is not None:
                return found
            await told.wait()
