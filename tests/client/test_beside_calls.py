"""A program that is in no call: what its server tells of calls changes nothing."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

from client.collegium import Collegium
from client.engine.world import Socket, dial, system_world
from tests.client.company import PASSPHRASE, House, found, let_in, opened, patience, reads
from tests.house_server import run
from tests.wire.test_frames import SERVER
from wire.codec import decode_server, encode
from wire.frames import CallNews, Ready


class BesideCalls:
    """A socket whose server tells of calls after everything that it says."""

    def __init__(self, inner: Socket) -> None:
        self._inner = inner
        self.told = 0

    async def send(self, message: bytes) -> None:
        await self._inner.send(message)

    async def __aiter__(self) -> AsyncIterator[bytes | str]:
        async for message in self._inner:
            yield message
            assert isinstance(message, bytes)
            rooms = [
                room.room for one in decode_server(message) if isinstance(one, Ready) for room in one.rooms
            ]
            rooms += [one.room for one in decode_server(message) if hasattr(one, "room") and one.room]
            for room in rooms:
                news = [one.model_copy(update={"room": room}) for one in SERVER if isinstance(one, CallNews)]
                self.told += len(news)
                yield encode(*news)

    async def close(self, code: int = 1000) -> None:
        await self._inner.close(code)


def test_news_of_calls_are_passed_over(house: House, tmp_path: Path) -> None:
    sockets: list[BesideCalls] = []

    async def dial_beside(url: str) -> Socket:
        sockets.append(BesideCalls(await dial(url)))
        return sockets[-1]

    async def work() -> None:
        world = replace(system_world(tmp_path / "ada"), dial=dial_beside)
        async with Collegium(world, PASSPHRASE) as ada, opened(tmp_path / "ben") as ben:
            room = await found(house, ada, "Ada")
            his = await let_in(room, ben, "Ben")
            async with patience():
                await room.say("Who can take Tuesday?")
                await his.say("I can.")
            await reads(ada, room, "I can.")
            assert ada.alarms == []
        # On the first socket: none of it was taken for another protocol.
        assert len(sockets) == 1
        assert sockets[0].told > 0

    run(work())
