"""A full disk, a second server, a backup while serving, a restore, a stop in order."""

import asyncio
import re
import resource
import sqlite3
from pathlib import Path

import pytest

from tests.house_server import HouseServer, run
from tests.opaque.session import Session
from wire import frames


async def member(house: HouseServer) -> tuple[Session, bytes]:
    me = Session(house.base)
    await me.register(house.token())
    room = await me.create_room()
    await me.connect()
    return me, room


def limit_files(house: HouseServer, size: int) -> None:
    """No file of the server may grow beyond this: what a full disk looks like to SQLite."""
    assert house.process is not None
    resource.prlimit(house.process.pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


def wal_rounds(house: HouseServer) -> int:
    """How often the WAL has begun anew: the checkpoint sequence number in its header."""
    with (house.data / "collegium.sqlite-wal").open("rb") as wal:
        return int.from_bytes(wal.read(16)[12:], "big")


@pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="only Linux limits another process")
def test_a_full_disk_refuses_and_takes_nothing_half(tmp_path: Path) -> None:
    house = HouseServer(tmp_path).start()

    async def work() -> None:
        me, room = await member(house)
        await me.say(room, b"before")
        limit_files(house, 1)  # no WAL, however far it was checkpointed, and no log
        sends = [me.message(room, b"%d" % number + b"x" * 5000) for number in range(5)]
        for send in sends:
            answer = await me.deliver(send)
            assert isinstance(answer, frames.Refused)
            assert answer.code == "storage"
        new = Session(house.base)
        with pytest.raises(Exception, match="503 storage"):
            await me.mint(room)
        # Space again: the same ids are taken, once, and the order has no hole.
        limit_files(house, resource.RLIM_INFINITY)
        answers = [await me.deliver(send) for send in sends]
        assert [a.n for a in answers if isinstance(a, frames.Ack)] == [2, 3, 4, 5, 6]
        await new.register(await me.mint(room))
        await me.disconnect()
        await me.connect({room: 0})
        assert [e.id for _, e in sorted(me.rooms[room].entries.items())][1:] == [s.id for s in sends]
        # The log lies on the same disk here: that it could not be written stopped nobody, and is counted.
        metrics = (await me.http._client.get("/metrics")).text
        failed = next(line for line in metrics.splitlines() if line.startswith("collegium_log_failed_total"))
        assert float(failed.split()[1]) > 0
        await me.close()
        await new.close()

    try:
        run(work())
    finally:
        house.close()


def test_the_wal_begins_anew_under_load(tmp_path: Path) -> None:
    """Checkpoints beside the writer never catch up while it writes; then the writer lends a hand."""
    small = (
        "import server.writer as w; w.WAL_RESTART_PAGES = 200; w.CHECKPOINT_EVERY_S = 0.02; import sys; "
        "sys.argv = ['server', 'serve']; from server.cli import main; main()"
    )
    house = HouseServer(tmp_path, main=["-c", small]).start()

    async def work() -> None:
        me, room = await member(house)
        before, sent = wal_rounds(house), 0

        def most_are_there() -> bool:
            return me.rooms[room].last >= sent - 500  # so some always wait

        while wal_rounds(house) < before + 3:
            assert sent < 40_000, "the WAL only ever grew"
            for _ in range(500):
                sent += 1
                await me.send(me.message(room, b"%d" % sent + b"x" * 5000))
            await me.until(most_are_there)
        await me.until(lambda: me.rooms[room].last == sent)
        assert len([f for f in me.received if isinstance(f, frames.Ack)]) == sent
        await me.close()

    try:
        run(work())
        assert house.log == ""
    finally:
        house.close()


def test_a_second_server_on_the_folder_is_refused(tmp_path: Path) -> None:
    house = HouseServer(tmp_path).start()
    second = HouseServer(tmp_path)
    try:
        done = second.run("serve")
        assert done.returncode != 0
        assert "Another server is running on the data folder" in done.stderr
        assert "Traceback" not in done.stderr
        # The first one is unharmed.
        run(member(house))
    finally:
        second.close()
        house.close()


def test_a_backup_while_serving_and_a_restore(tmp_path: Path) -> None:
    folders = [tmp_path / "one", tmp_path / "two"]
    for folder in folders:
        folder.mkdir()
    house, other = HouseServer(folders[0]).start(), HouseServer(folders[1])
    file = tmp_path / "backup.sqlite"

    async def write() -> tuple[Session, bytes, int]:
        me, room = await member(house)
        acked = [await me.say(room, b"%d" % number) for number in range(200)]
        backing_up = asyncio.create_task(asyncio.to_thread(house.run, "backup", str(file)))
        during = 0
        while not backing_up.done():
            await me.say(room, b"during")
            during += 1
        done = await backing_up
        assert done.returncode == 0, done.stderr
        assert during > 0
        again = await asyncio.to_thread(house.run, "backup", str(file))
        assert again.returncode != 0
        assert "exists already" in again.stderr
        locked = await asyncio.to_thread(house.run, "restore", str(file))
        assert locked.returncode != 0
        assert "Another server is running" in locked.stderr
        await me.close()
        return me, room, acked[-1].n

    async def read(me: Session, room: bytes, last: int) -> None:
        back = Session(other.base, me.identity)
        await back.connect({room: 0})
        numbers = sorted(back.rooms[room].entries)
        assert numbers == list(range(1, len(numbers) + 1))
        assert len(numbers) >= last
        for n in range(1, last + 1):
            assert back.rooms[room].entries[n] == me.rooms[room].entries[n]
        assert (await back.say(room)).n == len(numbers) + 1
        await back.close()

    try:
        me, room, last = run(write())
        assert file.stat().st_mode & 0o077 == 0
        done = other.run("restore", str(file))
        assert done.returncode == 0, done.stderr
        other.start()
        run(read(me, room, last))
        other.stop()
        # What is there is kept aside, never overwritten.
        done = other.run("restore", str(file))
        aside = re.search(r"kept as (\S+)", done.stdout)
        assert aside is not None
        kept = sqlite3.connect(aside[1])
        assert kept.execute("SELECT count(*) FROM log").fetchone()[0] > last
        kept.close()
    finally:
        other.close()
        house.close()


def test_what_is_no_backup_is_refused_and_changes_nothing(tmp_path: Path) -> None:
    house = HouseServer(tmp_path).start()
    house.stop()
    before = (house.data / "collegium.sqlite").read_bytes()
    empty, nonsense, other = (tmp_path / name for name in ("empty", "nonsense", "other"))
    empty.write_bytes(b"")
    nonsense.write_bytes(b"nonsense" * 1000)
    database = sqlite3.connect(other)
    database.execute("CREATE TABLE x (y)")
    database.close()
    for file in (empty, nonsense, other, tmp_path / "absent"):
        done = house.run("restore", str(file))
        assert done.returncode != 0
        assert done.stderr.startswith("collegium: ")
        assert (house.data / "collegium.sqlite").read_bytes() == before
    house.close()


def test_a_stop_in_order_says_goodbye_and_keeps_everything(tmp_path: Path) -> None:
    house = HouseServer(tmp_path).start()

    async def work() -> None:
        me, room = await member(house)
        acks = [await me.say(room) for _ in range(20)]
        code = await asyncio.to_thread(house.stop)
        assert code == 0
        await me.wait(frames.Bye, lambda f: f.code == "restart")
        await me.until(lambda: me.closed_by_server)
        await asyncio.to_thread(house.start)
        await me.disconnect()
        await me.connect({room: 0})
        assert me.rooms[room].last == acks[-1].n
        await me.close()

    try:
        run(work())
        assert house.log == ""
    finally:
        house.close()
