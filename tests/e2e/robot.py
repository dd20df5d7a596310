"""A member without a browser, in a process of its own that can be killed: what a test asks of it, one call at
a time.
"""

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from client.collegium import Collegium
from client.errors import CollegiumError
from client.room.sight import SightPost
from tests.nursery import processes

PASSPHRASE = "quiet harbour lantern seven"
CALL_S = 60.0


class _Served:
    """The calls, inside the process."""

    def __init__(self, me: Collegium) -> None:
        self._me = me
        self._saying: asyncio.Task[Any] | None = None

    async def join(self, link: str, name: str) -> None:
        await self._me.join(link, name=name)

    async def say(self, text: str) -> None:
        await self._room.say(text)

    async def begin_to_say(self, text: str) -> None:
        """Stored, and perhaps on its way: the answer is not waited for."""
        self._saying = asyncio.create_task(self._room.say(text))
        await self.reads(text)

    async def invite(self) -> str:
        return str(await self._room.invite())

    async def remove(self, name: str) -> None:
        await self._room.remove(next(one for one in self._room.members if one.name == name))

    async def names(self, *wanted: str) -> None:
        """Until these are the members."""
        await self._me.until(lambda: {one.name for one in self._room.members} == set(wanted) or None)

    async def state(self, wanted: str) -> None:
        """Until the room is in this state."""
        await self._me.until(lambda: self._room.state == wanted or None)

    async def reads(self, text: str) -> None:
        """Until somebody has said this."""
        await self._me.until(lambda: any(post.text == text for post in self._room.posts(1_000)) or None)

    async def log(self, n: int) -> tuple[int, bytes | None]:
        """Where it is in the log once it is at n at least, and the head there (E19)."""
        await self._me.until(lambda: self._room.position >= n or None)
        log = self._me.session.rooms[self._room.id].log
        return log.n, log.head

    async def posts(self) -> list[tuple[int, str, str]]:
        """Position, author and text of all that it has."""
        items = self._room.sight(10_000).items
        return [(one.n, one.author_name, one.text) for one in items if isinstance(one, SightPost)]

    async def alarms(self) -> list[str]:
        return [one.code for one in self._me.alarms]

    @property
    def _room(self) -> Any:
        (room,) = self._me.rooms
        return room


async def _serve(store: Path, line: Connection) -> None:
    async with Collegium.open(store, PASSPHRASE) as me:
        served = _Served(me)
        while (asked := await asyncio.to_thread(line.recv)) is not None:
            name, arguments = asked
            call: Callable[..., Awaitable[Any]] = getattr(served, name)
            try:
                async with asyncio.timeout(CALL_S):
                    answer = await call(*arguments)
            except (CollegiumError, TimeoutError) as error:
                line.send((getattr(error, "code", "timeout"), repr(error)))
            else:
                line.send((None, answer))


def _main(store: Path, line: Connection) -> None:
    asyncio.run(_serve(store, line))


class Robot:
    """The same from outside."""

    def __init__(self, name: str, folder: Path) -> None:
        self.name, self._store = name, folder / f"{name}.sqlite"
        self.start()

    def start(self) -> None:
        self._line, theirs = processes.Pipe()
        self._process = processes.Process(target=_main, args=(self._store, theirs), daemon=True)
        self._process.start()
        theirs.close()

    def kill(self) -> None:
        """As the power does."""
        assert self._process.pid is not None
        os.kill(self._process.pid, signal.SIGKILL)
        self._process.join()

    def reload(self) -> None:
        """Killed, and started again on the same store."""
        self.kill()
        self.start()

    def stop(self) -> None:
        if self._process.is_alive():
            self._line.send(None)
            self._process.join(CALL_S)

    def call(self, name: str, *arguments: object) -> Any:
        self._line.send((name, arguments))
        assert self._line.poll(CALL_S + 10), f"{self.name} does not answer {name}"
        code, answer = self._line.recv()
        assert code is None, f"{self.name} could not {name}: {code} {answer}"
        return answer

    def join(self, link: str) -> None:
        self.call("join", link, self.name)

    def say(self, text: str) -> None:
        self.call("say", text)

    def begin_to_say(self, text: str) -> None:
        self.call("begin_to_say", text)

    def invite(self) -> str:
        return str(self.call("invite"))

    def remove(self, name: str) -> None:
        self.call("remove", name)

    def sees(self, *names: str) -> None:
        self.call("names", *names)

    def is_removed(self) -> None:
        self.call("state", "removed")

    def reads(self, text: str) -> None:
        self.call("reads", text)

    def log(self, n: int = 0) -> tuple[int, bytes | None]:
        found: tuple[int, bytes | None] = self.call("log", n)
        return found

    def posts(self) -> list[tuple[int, str, str]]:
        found: list[tuple[int, str, str]] = self.call("posts")
        return found

    def texts(self) -> list[str]:
        return [text for _, _, text in self.posts()]

    def alarms(self) -> list[str]:
        found: list[str] = self.call("alarms")
        return found
