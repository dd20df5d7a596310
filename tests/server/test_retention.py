"""What is deleted and what stays (E23), on a real database and through a real server."""

from hashlib import sha384
from pathlib import Path

from crypto.room.log_head import first_head, next_head
from tests.house_server import HouseServer, run
from tests.opaque.session import Session
from wire import frames


async def reader_of_everything(house: HouseServer, owner: Session, room: bytes) -> Session:
    reader = Session(house.base, owner.identity)
    await reader.connect({room: 0})
    return reader


def test_e23_what_all_have_goes_and_its_hash_stays(tmp_path: Path) -> None:
    house = HouseServer(tmp_path, collect_seconds="0.1").start()

    async def work() -> None:
        me, other = Session(house.base), Session(house.base)
        await me.register(house.token())
        room = await me.create_room()
        await me.connect()
        await other.register(await me.mint(room))
        await me.add(room, other)
        for number in range(10):
            await me.say(room, b"%d" % number)
        kept = dict(me.rooms[room].entries)
        await me.send(frames.Cursor(room=room, n=11))
        await me.wait(frames.Cursors)
        # The other has acknowledged nothing yet: everything from its Welcome on stays.
        await other.connect()
        assert sorted(other.rooms[room].entries) == list(range(2, 12))
        await other.send(frames.Cursor(room=room, n=6))
        await other.wait(frames.Cursors, lambda f: any(c.device == other.device for c in f.cursors))
        await me.disconnect()
        while True:
            await me.connect({room: 0})
            if me.rooms[room].gaps and max(me.rooms[room].gaps) == 6:
                break
            await me.disconnect()
        view = me.rooms[room]
        assert sorted(view.gaps) == list(range(1, 7))
        assert [f.n for f in me.received if isinstance(f, frames.Entry)] == list(range(7, 12))
        # The head can be recomputed from what is left.
        head = whole = first_head(room)
        for n in range(1, 12):
            entry = kept[n]
            digest = sha384(entry.payload).digest()
            whole = next_head(whole, n, entry.time, digest)
            gap = view.gaps.get(n)
            head = next_head(head, n, gap.time if gap else entry.time, gap.hash if gap else digest)
        assert head == whole
        # Positions go on where they were, also after everything is gone and the server was restarted.
        for one in (me, other):
            await one.send(frames.Cursor(room=room, n=11))
        await me.wait(frames.Cursors, lambda f: frames.DeviceCursor(device=other.device, n=11) in f.cursors)
        while True:
            await me.disconnect()
            await me.connect({room: 0})
            if max(me.rooms[room].gaps) == 11:
                break
        house.kill()
        house.start()
        await me.disconnect()
        await me.connect()
        assert (await me.say(room)).n == 12
        await me.close()
        await other.close()

    try:
        run(work())
    finally:
        house.close()


def test_messages_beyond_the_retention_go_and_commits_stay(tmp_path: Path) -> None:
    house = HouseServer(tmp_path, collect_seconds="0.1", retention_days="0.00000001").start()

    async def work() -> None:
        me = Session(house.base)
        await me.register(house.token())
        room = await me.create_room()
        await me.connect()
        await me.say(room)
        await me.deliver(me.commit(room, [me.device]))
        await me.until(lambda: 2 in me.rooms[room].entries)
        await me.say(room)
        while True:
            await me.disconnect()
            me.rooms[room].entries.clear()
            await me.connect({room: 0})
            if len(me.rooms[room].gaps) == 2:
                break
        assert sorted(me.rooms[room].gaps) == [1, 3]
        assert [(n, e.kind) for n, e in me.rooms[room].entries.items()] == [(2, "commit")]
        await me.close()

    try:
        run(work())
    finally:
        house.close()
