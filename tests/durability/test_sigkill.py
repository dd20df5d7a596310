"""SIGKILL at a random moment under load, restart, compare: nothing acknowledged is lost, doubled or
reordered.
"""

import asyncio
import random
import sqlite3
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from websockets.exceptions import ConnectionClosed

from tests.conftest import SOAK
from tests.house_server import HouseServer, run
from tests.opaque.session import ServerError, Session
from wire import frames

LANES = 2  # servers side by side, one for each core
ROUNDS = 200 if SOAK else 20
IN_FLIGHT = 16


@dataclass
class Author:
    """One member who writes, remembers what was acknowledged, and sends the rest again under the same ids."""

    session: Session
    room: bytes
    number: int = 0
    waiting: list[tuple[bytes, bytes]] = field(default_factory=list)  # id, content
    acked: dict[bytes, frames.Ack] = field(default_factory=dict)
    contents: dict[bytes, bytes] = field(default_factory=dict)
    read: int = 0  # of the frames of this connection
    sent_after: int | None = None  # what all in flight on this connection names

    async def write(self, dice: random.Random) -> None:
        """Keep messages and now and then a Commit in flight until the server is gone."""
        try:
            await self.session.connect()
            self.read, self.sent_after = 0, None
            while True:
                await self._send_waiting(dice)
                if dice.random() < 0.1:
                    await self._commit(dice)
                await self._answers()
        except (ConnectionClosed, ConnectionError, OSError, ServerError, TimeoutError):
            await self.session.disconnect()

    async def _send_waiting(self, dice: random.Random) -> None:
        """Fill up what is in flight. Where a Commit came, all that waits goes again before anything new.

        All of it in one breath, with the same `after`: so a later message never overtakes an earlier one.
        """
        again = self.sent_after != self.session.rooms[self.room].after
        first = 0 if again else len(self.waiting)
        self.sent_after = self.session.rooms[self.room].after
        while len(self.waiting) < IN_FLIGHT:
            content = b"%s %d" % (self.session.device[:4].hex().encode(), self.number)
            self.number += 1
            self.waiting.append((dice.randbytes(16), content))
            self.contents[self.waiting[-1][0]] = content
        sends = [
            self.session.message(self.room, content, message_id)
            for message_id, content in self.waiting[first:]
        ]
        if sends:
            await self.session.send(*sends)

    async def _commit(self, dice: random.Random) -> None:
        devices = self.session.rooms[self.room].devices
        other = next(d for d in devices if d != self.session.device)
        message_id = dice.randbytes(16)
        commit = self.session.commit(self.room, devices, {other: b"welcome"}, message_id=message_id)
        self.contents[message_id] = b"commit"
        answer = await self.session.deliver(commit)
        if isinstance(answer, frames.Ack):
            self.acked[message_id] = answer
            self.session.rooms[self.room].after = max(self.session.rooms[self.room].after, answer.n)

    async def _answers(self) -> None:
        """Take what came since the last look, at least one frame."""
        await self.session.until(
            lambda: len(self.session.received) > self.read or self.session.closed_by_server, seconds=10
        )
        if self.session.closed_by_server:
            raise ConnectionError
        for frame in self.session.received[self.read :]:
            self.read += 1
            match frame:
                case frames.Ack(id=message_id):
                    self.acked[message_id] = frame
                    self.waiting = [one for one in self.waiting if one[0] != message_id]
                case frames.Refused(code=code):
                    raise AssertionError(code)


async def lane(folder: Path, rounds: int, seed: int) -> None:
    dice = random.Random(seed)
    house = HouseServer(folder)
    try:
        await asyncio.to_thread(house.start)
        one, two = Session(house.base), Session(house.base)
        await one.register(house.token())
        await two.register(house.token())
        room = await one.create_room()
        await one.connect()
        await one.add(room, two)
        await one.disconnect()
        authors = [Author(one, room), Author(two, room)]
        for _ in range(rounds):
            writing = [asyncio.create_task(author.write(dice)) for author in authors]
            before = sum(len(author.acked) for author in authors)
            # A random moment, counted in acknowledgements and then in time, so that it falls anywhere in a
            # commit.
            while sum(len(author.acked) for author in authors) < before + dice.randrange(1, 150):
                await asyncio.sleep(0.001)
                assert not all(task.done() for task in writing), house.log[-2000:]
            await asyncio.sleep(dice.random() * 0.01)
            house.kill()
            await asyncio.gather(*writing)
            await asyncio.to_thread(house.start)
            await compare(house, room, authors)
        assert sum(len(author.acked) for author in authors) > rounds
    finally:
        house.close()


async def compare(house: HouseServer, room: bytes, authors: list[Author]) -> None:
    """A reader takes the whole log from the start."""
    database = sqlite3.connect(house.data / "collegium.sqlite")
    assert database.execute("PRAGMA quick_check").fetchone() == ("ok",)
    orphans = database.execute(
        "SELECT count(*) FROM welcomes w LEFT JOIN log l ON l.room = w.room AND l.n = w.n AND l.kind = 1 "
        "WHERE l.n IS NULL"
    ).fetchone()
    assert orphans == (0,)  # a Commit and its Welcomes are one
    database.close()
    reader = Session(house.base, authors[0].session.identity)
    await reader.connect({room: 0})
    entries = reader.rooms[room].entries
    assert sorted(entries) == list(range(1, len(entries) + 1))
    seen = Counter(entry.id for entry in entries.values())
    assert max(seen.values()) == 1, "an entry stands twice in the log"
    for author in authors:
        for message_id, ack in author.acked.items():
            entry = entries.get(ack.n)
            assert entry is not None, "an acknowledged message is lost"
            assert (entry.id, entry.time) == (message_id, ack.time)
            assert entry.payload.endswith(author.contents[message_id])
        mine = [
            int(author.contents[entry.id].split()[1])
            for _, entry in sorted(entries.items())
            if entry.kind == "message" and entry.id in author.contents
        ]
        assert sorted(mine) == list(range(len(mine))), "a message is missing between others of its author"
    await reader.close()


def test_sigkill_loses_nothing(tmp_path: Path) -> None:
    async def work() -> None:
        folders = [tmp_path / f"lane{number}" for number in range(LANES)]
        for folder in folders:
            folder.mkdir()
        await asyncio.gather(
            *(lane(folder, ROUNDS // LANES, seed) for seed, folder in enumerate(folders, start=1))
        )

    run(work())


@pytest.mark.soak
def test_sigkill_with_other_dice(tmp_path: Path) -> None:
    run(lane(tmp_path, 50, 77))
