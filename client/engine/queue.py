"""One thing after another: whatever the engine does to its state is a task here, so nothing interleaves."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

T = TypeVar("T")


class Queue:
    def __init__(self) -> None:
        self._turn = asyncio.Lock()  # it wakes those who wait in the order in which they came
        self._running: set[asyncio.Task[Any]] = set()

    async def run(self, task: Callable[[], Awaitable[T]]) -> T:
        """Run after everything before it, whether that succeeded or not.

        Whoever waits may be cancelled; the task goes on: what has begun to be stored is stored, and what is
        in memory must say the same.
        """
        doing = asyncio.create_task(self._alone(task))
        self._running.add(doing)
        doing.add_done_callback(self._done)
        return await asyncio.shield(doing)

    async def _alone(self, task: Callable[[], Awaitable[T]]) -> T:
        async with self._turn:
            return await task()

    def _done(self, task: "asyncio.Task[Any]") -> None:
        self._running.discard(task)
        if not task.cancelled():
            task.exception()  # whoever asked for it is told; nobody else needs to be
