"""Members without a browser who fill a call, several in one process: what a test asks of all at once."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack
from itertools import islice
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from client.calls.media import Picture, TestPattern
from client.calls.participant import Participant
from client.collegium import Collegium
from client.conversation import Room
from client.errors import CollegiumError
from crypto.sframe.kid import Kind
from tests.nursery import processes

PASSPHRASE = "quiet harbour lantern seven"
CALL_S = 180.0
# More than what comes by accident.
SOUNDS, PICTURES = 10, 2
EVERY = 3


class Slow(TestPattern):
    """Four pictures a second: there are many of them."""

    def pictures(self) -> Iterator[Picture]:
        return islice(super().pictures(), 0, None, EVERY)


class _Singer:
    def __init__(self, me: Collegium, room: Room) -> None:
        self.me, self.room = me, room
        self.call = Participant(me.session, room.id, Slow())

    async def enter(self) -> None:
        self.call = Participant(self.me.session, self.room.id, Slow())
        await self.call.enter()
        await self.call.until(lambda: self.call.connected or None)

    def _sounds(self) -> dict[str, int]:
        return {label: one.opened.get(Kind.AUDIO, 0) for label, one in self.call.tallies.items()}

    def _perceives(self, before: dict[str, int], voices: int, pictures: int) -> bool:
        heard = sum(now >= before.get(label, 0) + SOUNDS for label, now in self._sounds().items())
        seen = sum(one.pictures >= PICTURES for one in self.call.tallies.values())
        return heard >= voices and seen >= pictures

    async def perceive(self, voices: int, pictures: int) -> None:
        before = self._sounds()
        await self.call.until(lambda: self._perceives(before, voices, pictures) or None)


class _Choir:
    """The calls, inside the process."""

    def __init__(self, stack: AsyncExitStack, folder: Path) -> None:
        self._stack, self._folder = stack, folder
        self._singers: list[_Singer] = []

    async def join(self, link: str, name: str) -> None:
        me = await self._stack.enter_async_context(Collegium.open(self._folder / name, PASSPHRASE))
        self._singers.append(_Singer(me, await me.join(link, name=name)))

    async def enter(self) -> None:
        """All in the same moment."""
        await asyncio.gather(*(one.enter() for one in self._singers))

    async def perceive(self, voices: int, pictures: int) -> None:
        """From now on each hears so many, and has seen so many since they came.

        On a machine that is too slow for all of it the unit leaves out pictures before voices, as it should.
        """
        await asyncio.gather(*(one.perceive(voices, pictures) for one in self._singers))

    async def counts(self) -> list[tuple[int, int]]:
        """Of how many others each has voices and pictures so far."""
        every = [list(one.call.tallies.values()) for one in self._singers]
        return [
            (sum(one.opened.get(Kind.AUDIO, 0) > 0 for one in of), sum(one.pictures > 0 for one in of))
            for of in every
        ]

    async def leave(self) -> None:
        await asyncio.gather(*(one.call.leave() for one in self._singers))


async def _serve(folder: Path, line: Connection) -> None:
    async with AsyncExitStack() as stack:
        served = _Choir(stack, folder)
        while (asked := await asyncio.to_thread(line.recv)) is not None:
            name, arguments = asked
            call: Callable[..., Any] = getattr(served, name)
            try:
                async with asyncio.timeout(CALL_S):
                    answer = await call(*arguments)
            except (CollegiumError, TimeoutError) as error:
                line.send((getattr(error, "code", "timeout"), f"{error!r} {await served.counts()}"))
            else:
                line.send((None, answer))


def _main(folder: Path, line: Connection) -> None:
    asyncio.run(_serve(folder, line))


class Choir:
    """The same from outside. What is begun with `ask` is done when `answer` comes back."""

    def __init__(self, folder: Path) -> None:
        self._line, theirs = processes.Pipe()
        self._process = processes.Process(target=_main, args=(folder, theirs), daemon=True)
        self._process.start()
        theirs.close()

    def ask(self, name: str, *arguments: object) -> None:
        self._line.send((name, arguments))

    def answer(self) -> Any:
        assert self._line.poll(CALL_S + 10), "they do not answer"
        code, answer = self._line.recv()
        assert code is None, f"{code} {answer}"
        return answer

    def call(self, name: str, *arguments: object) -> Any:
        self.ask(name, *arguments)
        return self.answer()

    def close(self) -> None:
        if self._process.is_alive():
            self._line.send(None)
            self._process.join(CALL_S)
