"""A member in a process of its own that kills itself, as the power does, at the n-th step that it takes.

Steps are what touches the world: before and after each transaction of the store, before and after each
message of the socket in either direction, before and after each HTTP request.
"""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from pathlib import Path

import httpx2

from client.collegium import Collegium
from client.engine.world import Socket, World, system_world
from client.errors import CollegiumError
from client.vault.storage import StorageChange, VaultStorage, Wrap
from tests.client.company import PASSPHRASE, until

TITLES = 4
PATIENCE_S = 60


class Doom:
    """Counts steps; the one with number `at` is the last one."""

    def __init__(self, at: int | None) -> None:
        self.left = at

    def step(self) -> None:
        if self.left is not None:
            self.left -= 1
            if self.left < 0:
                os.kill(os.getpid(), signal.SIGKILL)


class DoomedStorage:
    def __init__(self, inner: VaultStorage, doom: Doom) -> None:
        self._inner, self._doom = inner, doom

    async def wraps(self) -> Sequence[Wrap]:
        return await self._inner.wraps()

    async def rows(self, keys: Sequence[bytes]) -> Sequence[bytes | None]:
        return await self._inner.rows(keys)

    async def change(self, change: StorageChange) -> bool:
        self._doom.step()
        held = await self._inner.change(change)
        self._doom.step()
        return held

    async def clear(self) -> None:
        await self._inner.clear()

    async def close(self) -> None:
        await self._inner.close()


class DoomedSocket:
    def __init__(self, inner: Socket, doom: Doom) -> None:
        self._inner, self._doom = inner, doom

    async def send(self, message: bytes) -> None:
        self._doom.step()
        await self._inner.send(message)
        self._doom.step()

    async def __aiter__(self) -> AsyncIterator[bytes | str]:
        async for message in self._inner:
            self._doom.step()
            yield message
            self._doom.step()

    async def close(self, code: int = 1000) -> None:
        await self._inner.close(code)


class DoomedTransport(httpx2.AsyncHTTPTransport):
    def __init__(self, doom: Doom) -> None:
        super().__init__()
        self._doom = doom

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        self._doom.step()
        response = await super().handle_async_request(request)
        await response.aread()
        self._doom.step()
        return response


def doomed_world(store: Path, doom: Doom) -> World:
    world = system_world(store)

    async def open_storage() -> VaultStorage:
        return DoomedStorage(await world.storage(), doom)

    async def dial(url: str) -> Socket:
        doom.step()
        return DoomedSocket(await world.dial(url), doom)

    return replace(world, storage=open_storage, dial=dial, transport=lambda _: DoomedTransport(doom))


async def _talk(store: Path, link: str, name: str, count: int, die_at: int | None) -> None:
    async with (
        Collegium(doomed_world(store, Doom(die_at)), PASSPHRASE) as me,
        asyncio.timeout(PATIENCE_S),
    ):
        room = await me.join(link, name=name)
        for number in range(count):
            # What was stored is sent by itself: only what this store does not know is said anew.
            known = {post.text for post in room.posts(10_000) if post.mine}
            text = f"{name} {number}"
            if text not in known:
                await room.say(text)
            title = f"{name}'s round {number}"
            if number % TITLES == 0 and not any(
                item.detail == title for item in room.sight(10_000).items if not hasattr(item, "text")
            ):
                await room.rename(title)
        await until(me, lambda: all(post.n > 0 for post in room.posts(10_000)))


def talk(store: Path, link: str, name: str, count: int, die_at: int | None) -> None:
    """Join, write numbered posts, and commit a new title now and then; go on where an earlier process was
    killed.
    """
    try:
        asyncio.run(_talk(store, link, name, count, die_at))
    except CollegiumError as error:
        raise SystemExit(f"{name}: {error.code}") from error
