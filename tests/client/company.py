"""Members in one process, each with a store of its own, and what tests want of them."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from client.collegium import Collegium
from client.conversation import Post, Room
from client.room.sight import SightSystem
from tests.house_server import HouseServer
from wire.bounds import to_base64url

PASSPHRASE = "quiet harbour lantern seven"
TITLE = "Monday round"
PATIENCE_S = 30.0


@dataclass(frozen=True, slots=True)
class House:
    server: HouseServer

    def founder_link(self) -> str:
        return f"{self.server.base}/join#f.{to_base64url(self.server.token())}"


@asynccontextmanager
async def patience() -> AsyncIterator[None]:
    """Nothing in these tests takes so long on a machine that is only busy."""
    async with asyncio.timeout(PATIENCE_S):
        yield


@asynccontextmanager
async def opened(store: Path) -> AsyncIterator[Collegium]:
    async with Collegium.open(store, PASSPHRASE) as me:
        yield me


async def found(house: House, me: Collegium, name: str, title: str = TITLE) -> Room:
    """An account, and a group that it starts."""
    async with patience():
        await me.sign_up(house.founder_link(), name=name)
        await me.online()
        return await me.start(title)


async def let_in(room: Room, me: Collegium, name: str, link: str | None = None) -> Room:
    """Somebody new in this room."""
    async with patience():
        return await me.join(link or await room.invite(), name=name)


async def until(me: Collegium, look: Callable[[], bool]) -> None:
    async with patience():
        await me.until(lambda: look() or None)


async def reads(me: Collegium, room: Room, *texts: str) -> None:
    """This member has read all of these, sooner or later."""
    await until(me, lambda: set(texts) <= {post.text for post in room.posts(1_000)})


async def first(room: Room) -> Post:
    """The first post that `follow` gives."""
    async with patience():
        async for post in room.follow():
            return post
    raise AssertionError("follow ended")


def transcript(room: Room) -> list[tuple[int, str, str]]:
    """What the log has: position, author, text. The same for everybody who was there."""
    return [(post.n, post.author, post.text) for post in room.posts(10_000) if post.n > 0]


def names(room: Room) -> set[str]:
    return {one.name for one in room.members}


def happened(room: Room) -> list[str]:
    return [item.code for item in room.sight(1_000).items if isinstance(item, SightSystem)]
