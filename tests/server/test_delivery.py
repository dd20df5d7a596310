"""The delivery service over real sockets: order, retries, catching up, routing, requests (E17 to E23)."""

import asyncio
import contextlib
import secrets
from hashlib import sha384

import pytest
from websockets.exceptions import ConnectionClosed

from crypto.room.log_head import first_head, list_hash, next_head
from tests.house_server import HouseServer, run
from tests.opaque.session import Session
from wire import frames, http
from wire.codec import encode


async def group(house: HouseServer, count: int) -> tuple[bytes, list[Session]]:
    """A room with so many connected members of one device each."""
    founder = Session(house.base)
    await founder.register(house.token())
    room = await founder.create_room()
    await founder.connect()
    others = []
    for _ in range(count - 1):
        other = Session(house.base)
        await other.register(await founder.mint(room))
        await other.connect()
        await founder.add(room, other)
        await other.wait(frames.Welcome)
        others.append(other)
    members = [founder, *others]
    last = founder.rooms[room].last
    for member in members:
        await member.until(lambda m=member: m.rooms[room].last == last)  # type: ignore[misc]
        member.rooms[room].devices = list(founder.rooms[room].devices)
    return room, members


async def close(*members: Session) -> None:
    for member in members:
        await member.close()


def test_everyone_gets_every_entry_in_order_under_one_head(house: HouseServer) -> None:
    async def work() -> None:
        room, members = await group(house, 3)
        start = members[0].rooms[room].last
        await asyncio.gather(*(m.say(room, b"%d" % i) for m in members for i in range(1)))
        for number in range(20):
            await asyncio.gather(*(m.say(room, b"%d" % number) for m in members))
        heads = set()
        for member in members:
            view = member.rooms[room]
            await member.until(lambda v=view: v.last == start + 63)  # type: ignore[misc]
            head = first_head(room)
            for n in range(start + 1, start + 64):
                entry = view.entries[n]
                assert entry.device is None  # who sent a message is inside it alone
                head = next_head(head, n, entry.time, sha384(entry.payload).digest())
            times = [view.entries[n].time for n in sorted(view.entries)]
            assert times == sorted(times)
            heads.add(head)
        assert len(heads) == 1
        await close(*members)

    run(work())


def test_e17_a_retry_gets_the_same_answer_and_no_second_entry(house: HouseServer) -> None:
    async def work() -> None:
        room, (me, other) = await group(house, 2)
        send = me.message(room, b"once")
        first = await me.deliver(send)
        assert isinstance(first, frames.Ack)
        assert await me.deliver(send) == first
        # In one WebSocket message, and from a new socket, and after a Commit has made it stale.
        before = len(me.received)
        await me.send(send, send, send)
        await me.until(lambda: len([f for f in me.received[before:] if f == first]) == 3)
        await me.disconnect()
        await me.connect()
        assert await me.deliver(send) == first
        commit = other.commit(room, other.rooms[room].devices)
        assert isinstance(await other.deliver(commit), frames.Ack)
        assert await me.deliver(send) == first
        last = await other.say(room)
        assert last.n == first.n + 2
        await close(me, other)

    run(work())


def test_e17_what_a_commit_overtook_is_stale(house: HouseServer) -> None:
    async def work() -> None:
        room, (me, other) = await group(house, 2)
        late = me.message(room, b"late")
        done = await other.deliver(other.commit(room, other.rooms[room].devices))
        assert isinstance(done, frames.Ack)
        assert await me.deliver(late) == frames.Stale(room=room, id=late.id, after=done.n)
        # The same event, encrypted again: the same id.
        again = await me.deliver(me.message(room, b"late", late.id, after=done.n))
        assert isinstance(again, frames.Ack)
        # Of two Commits for one position, one wins.
        one, two = me.commit(room, me.rooms[room].devices), other.commit(room, me.rooms[room].devices)
        one, two = one.model_copy(update={"after": done.n}), two.model_copy(update={"after": done.n})
        answers = await asyncio.gather(me.deliver(one), other.deliver(two))
        assert sorted(type(a).__name__ for a in answers) == ["Ack", "Stale"]
        await close(me, other)

    run(work())


def test_a_laptop_was_closed(house: HouseServer) -> None:
    async def work() -> None:
        room, (me, away) = await group(house, 2)
        await away.disconnect()
        for number in range(1200):
            await me.send(me.message(room, b"%d" % number))
        last = (await me.say(room)).n
        await away.connect()
        view = away.rooms[room]
        assert view.last == last
        assert sorted(view.entries) == list(range(last - 1200, last + 1))
        caught = [f for f in away.received if isinstance(f, frames.CaughtUp)]
        assert caught == [frames.CaughtUp(room=room, last=last)]
        # Live from here on, with nothing twice.
        await me.say(room)
        await away.until(lambda: view.last == last + 1)
        numbers = [f.n for f in away.received if isinstance(f, frames.Entry)]
        assert numbers == sorted(set(numbers))
        await close(me, away)

    run(work())


def test_catching_up_under_load_leaves_no_gap_and_no_double(house: HouseServer) -> None:
    async def work() -> None:
        room, (me, away) = await group(house, 2)
        for _ in range(5):
            start = away.rooms[room].last
            await away.disconnect()
            for _ in range(300):
                await me.send(me.message(room, b"x" * 2000))
            await asyncio.gather(away.connect(), *(me.send(me.message(room)) for _ in range(300)))
            last = (await me.say(room)).n
            await away.until(lambda last=last: away.rooms[room].last == last)  # type: ignore[misc]
            numbers = [f.n for f in away.received if isinstance(f, frames.Entry)]
            assert numbers == list(range(start + 1, last + 1))
        await close(me, away)

    run(work())


def test_a_stalled_reader_holds_nobody_up_and_misses_nothing(house: HouseServer) -> None:
    """It reads nothing while 12 MB go to the room; the others get all; then it reads on from the log."""

    async def work() -> None:
        room, (me, fast, slow) = await group(house, 3)
        start = slow.rooms[room].last
        assert slow._socket is not None
        transport = slow._socket.transport
        transport.pause_reading()
        for _ in range(60):
            for _ in range(10):
                await me.send(me.message(room, b"x" * 20_000))
            last = (await me.say(room)).n
        await fast.until(lambda: fast.rooms[room].last == last)
        transport.resume_reading()
        await slow.until(lambda: slow.rooms[room].last == last)
        numbers = [f.n for f in slow.received if isinstance(f, frames.Entry) and f.n > start]
        assert numbers == list(range(start + 1, last + 1))
        metrics = (await me.http._client.get("/metrics")).text
        lagged = next(line for line in metrics.splitlines() if line.startswith("collegium_lagged_total"))
        assert float(lagged.split()[1]) >= 1
        await close(me, fast, slow)

    run(work())


def test_cursors_are_told_and_kept(house: HouseServer) -> None:
    async def work() -> None:
        room, (me, other) = await group(house, 2)
        last = (await me.say(room)).n
        await other.until(lambda: other.rooms[room].last == last)
        await other.send(frames.Cursor(room=room, n=last))
        told = await me.wait(frames.Cursors, lambda f: any(c.device == other.device for c in f.cursors))
        assert frames.DeviceCursor(device=other.device, n=last) in told.cursors
        # Never back, and never beyond the log.
        await other.send(frames.Cursor(room=room, n=last + 50), frames.Cursor(room=room, n=1))
        await me.disconnect()
        await me.connect()
        ready = await me.wait(frames.Ready)
        assert ready.rooms[0].cursors == [frames.DeviceCursor(device=other.device, n=last)]
        await close(me, other)

    run(work())


def test_a_newcomer_gets_its_welcome_and_what_follows(house: HouseServer) -> None:
    async def work() -> None:
        room, (me, other) = await group(house, 2)
        await me.say(room, b"before")
        new = Session(house.base)
        await new.register(await me.mint(room))
        added = await me.add(room, new)
        after = await me.say(room, b"after")
        # It was not connected: the Welcome waits, once for every hello until the cursor has reached it.
        for _ in range(2):
            await new.connect({})
            welcome = await new.wait(frames.Welcome)
            assert (welcome.n, welcome.payload) == (added.n, b"welcome " + new.device)
            assert [f.n for f in new.received if isinstance(f, frames.Entry)] == [after.n]
            if _ == 0:
                await new.disconnect()
        await new.send(frames.Cursor(room=room, n=after.n))
        await me.wait(frames.Cursors, lambda f: any(c.device == new.device for c in f.cursors))
        await new.disconnect()
        await new.connect()
        assert not [f for f in new.received if isinstance(f, frames.Welcome)]
        # Nothing from before its time, however it asks.
        await new.send(frames.Fetch.model_validate({"room": room, "from": 1, "limit": 1000}))
        await new.wait(frames.Entry)
        assert min(f.n for f in new.received if isinstance(f, frames.Entry)) == after.n
        await close(new, me, other)

    run(work())


def test_e20_one_removed_gets_the_entry_and_then_nothing(house: HouseServer) -> None:
    async def work() -> None:
        room, (me, other, gone) = await group(house, 3)
        rest = [d for d in me.rooms[room].devices if d != gone.device]
        done = await me.deliver(me.commit(room, rest))
        assert isinstance(done, frames.Ack)
        entry = await gone.wait(frames.Entry, lambda f: f.n == done.n)
        assert (entry.kind, entry.device) == ("commit", me.device)
        routing = await other.wait(frames.Routing, lambda f: gone.device in f.old)
        assert routing.new == sorted(rest)
        await other.until(lambda: other.rooms[room].after == done.n)
        await other.say(room)  # another account repeats the new list
        removed = await gone.wait(frames.Removed)
        assert removed.n == done.n
        await me.say(room)
        refused = await gone.deliver(gone.message(room, after=done.n))
        assert isinstance(refused, frames.Refused)
        assert refused.code == "not_found"
        last = max(f.n for f in gone.received if isinstance(f, frames.Entry))
        assert last == done.n + 1
        await close(me, other, gone)

    run(work())


def test_one_removed_while_away_is_told_when_it_comes_back(house: HouseServer) -> None:
    async def work() -> None:
        room, (me, other, gone) = await group(house, 3)
        await gone.disconnect()
        said = await me.say(room)
        rest = [d for d in me.rooms[room].devices if d != gone.device]
        done = await me.deliver(me.commit(room, rest))
        assert isinstance(done, frames.Ack)
        await other.until(lambda: other.rooms[room].after == done.n)
        await other.say(room)
        await gone.connect(caught_up=False)
        ready = await gone.wait(frames.Ready)
        assert ready.rooms == []
        removed = await gone.wait(frames.Removed)
        assert removed.n == done.n
        assert [f.n for f in gone.received if isinstance(f, frames.Entry)] == [said.n, done.n]
        await close(me, other, gone)

    run(work())


def test_e14_leaving_is_honoured_at_once(house: HouseServer) -> None:
    async def work() -> None:
        room, (me, gone) = await group(house, 2)
        left = await gone.deliver(gone.leave(room))
        assert isinstance(left, frames.Ack)
        await gone.wait(frames.Removed, lambda f: f.n == left.n)
        entry = await me.wait(frames.Entry, lambda f: f.n == left.n)
        assert (entry.kind, entry.device) == ("leave", gone.device)
        await me.until(lambda: me.rooms[room].after == left.n)
        await me.say(room)
        refused = await gone.deliver(gone.message(room, after=left.n))
        assert isinstance(refused, frames.Refused)
        assert not [f for f in gone.received if isinstance(f, frames.Entry) and f.n > left.n]
        await close(me, gone)

    run(work())


def test_e22_a_device_asks_to_be_added_again(house: HouseServer) -> None:
    async def work() -> None:
        room, (me, lost) = await group(house, 2)
        new = Session(house.base, lost.identity.other_device())
        await new.recover()
        await new.connect()
        ask = http.RejoinRequest(room_id=room, sealed=b"again")
        await new.http.post("/api/rejoin-requests", ask)
        request = await me.wait(frames.Request)
        assert request.kind == "rejoin"
        devices = [*(d for d in me.rooms[room].devices if d != lost.device), new.device]
        commit = me.commit(room, devices, {new.device: b"welcome"}, answered=[request.request_id])
        done = await me.deliver(commit)
        assert isinstance(done, frames.Ack)
        assert (await new.wait(frames.Welcome)).n == done.n
        await me.wait(frames.RequestGone, lambda f: f.request_id == request.request_id)
        # Answered: nobody who comes later is asked again.
        await me.disconnect()
        await me.connect()
        assert not [f for f in me.received if isinstance(f, frames.Request)]
        await close(me, lost, new)

    run(work())


def test_e22_a_request_that_comes_again_after_its_answer_opens_no_second_one(house: HouseServer) -> None:
    async def work() -> None:
        room, (me, lost) = await group(house, 2)
        new = Session(house.base, lost.identity.other_device())
        await new.recover()
        await new.connect()
        ask = http.RejoinRequest(room_id=room, sealed=b"again")

        async def post(body: http.RejoinRequest) -> bytes:
            return http.RequestPosted.model_validate(
                await new.http.post("/api/rejoin-requests", body)
            ).request_id

        first = await post(ask)
        assert await post(ask) == first
        await me.wait(frames.Request)
        devices = [*me.rooms[room].devices, new.device]
        done = await me.deliver(me.commit(room, devices, {new.device: b"welcome"}, answered=[first]))
        assert isinstance(done, frames.Ack)
        assert await post(ask) == first
        # Another is asked for: a device may need to come back more than once.
        second = await post(http.RejoinRequest(room_id=room, sealed=b"once more"))
        assert second != first
        await me.wait(frames.Request, lambda f: f.request_id == second)
        assert [f.request_id for f in me.received if isinstance(f, frames.Request)] == [first, second]
        await me.disconnect()
        await me.connect()
        await me.wait(frames.Request, lambda f: f.request_id == second)
        assert [f.request_id for f in me.received if isinstance(f, frames.Request)] == [second]
        await close(me, lost, new)

    run(work())


def test_requests_wait_for_whoever_comes(house: HouseServer) -> None:
    async def work() -> None:
        room, (me, other) = await group(house, 2)
        token = await me.mint(room)
        await me.disconnect()
        await other.disconnect()
        guest = Session(house.base)
        await guest.register(token)
        await guest.http.post("/api/join-requests", http.JoinRequest(token=token, sealed=b"please"))
        await other.connect()
        assert (await other.wait(frames.Request)).sealed == b"please"
        await close(me, other, guest)

    run(work())


def test_ephemeral_frames_reach_the_others_and_no_disk(house: HouseServer) -> None:
    async def work() -> None:
        room, (me, other) = await group(house, 2)
        stranger = Session(house.base)
        await stranger.register(house.token())
        await stranger.connect()
        canary = secrets.token_bytes(24)
        await stranger.send(frames.Ephemeral(room=room, payload=b"forged"))
        await me.send(frames.Ephemeral(room=room, payload=canary))
        assert (await other.wait(frames.Ephemeral)).payload == canary
        await me.say(room)
        assert not [f for f in me.received if isinstance(f, frames.Ephemeral)]
        for file in house.data.iterdir():
            assert canary not in file.read_bytes()
        await close(me, other, stranger)

    run(work())


def test_frames_for_rooms_of_others_are_refused_alike(house: HouseServer) -> None:
    async def work() -> None:
        room, (me,) = await group(house, 1)
        await me.say(room)
        stranger = Session(house.base)
        await stranger.register(house.token())
        answers = []
        for there in (room, secrets.token_bytes(16)):
            await stranger.connect({there: 0})
            hello = await stranger.wait(frames.Refused, lambda f, there=there: f.room == there)  # type: ignore[misc]
            stranger.rooms[there] = me.rooms[room]
            send = await stranger.deliver(stranger.message(there))
            assert isinstance(send, frames.Refused)
            await stranger.send(frames.Cursor(room=there, n=1), frames.Ping())
            await stranger.wait(frames.Pong)
            assert not [f for f in stranger.received if isinstance(f, frames.Entry)]
            answers.append((hello.code, send.code))
            await stranger.disconnect()
        assert answers[0] == answers[1] == ("not_found", "not_found")
        await close(me, stranger)

    run(work())


@pytest.mark.parametrize(
    "data",
    [
        b"\xff",
        b"",
        b"\x81" * 5000,
        encode(frames.Pong()),
        encode(frames.Ping()) + b"\x00",
        encode(
            frames.Send(room=b"r" * 16, id=b"i" * 16, kind="message", after=0, list=b"l" * 16, payload=b"p")
        )[:-3],
    ],
    ids=["no item", "empty", "deep", "other side's", "one good one bad", "cut short"],
)
def test_malformed_bytes_end_the_socket_with_a_reason(house: HouseServer, data: bytes) -> None:
    async def work() -> None:
        me = Session(house.base)
        await me.register(house.token())
        await me.connect()
        await me.send_bytes(data)
        refused = await me.wait(frames.Refused)
        assert refused.code == "malformed"
        await me.wait(frames.Bye)
        await me.until(lambda: me.closed_by_server)
        await me.connect()  # nothing is left over
        await me.close()

    run(work())


def test_an_oversized_message_ends_the_socket(house: HouseServer) -> None:
    async def work() -> None:
        me = Session(house.base)
        await me.register(house.token())
        await me.connect()
        with contextlib.suppress(OSError, ConnectionClosed):
            await me.send_bytes(b"\0" * (8 * 1024 * 1024 + 1))
        await me.until(lambda: me.closed_by_server)
        await me.connect()
        await me.close()

    run(work())


def test_hello_comes_first_and_once(house: HouseServer) -> None:
    async def work() -> None:
        me = Session(house.base)
        await me.register(house.token())
        await me.connect()
        await me.send(frames.Hello(cursors=[]))
        assert (await me.wait(frames.Refused)).code == "hello_twice"
        await me.until(lambda: me.closed_by_server)
        await me.close()

    run(work())


@pytest.mark.parametrize("field", ["payload", "id", "room", "kind"])
def test_a_frame_that_does_not_fit_its_envelope_is_refused(house: HouseServer, field: str) -> None:
    async def work() -> None:
        room, (me,) = await group(house, 1)
        second = await me.create_room()
        changed = {"payload": b"\x00\x01\x00\x02", "id": b"?" * 16, "room": second, "kind": "leave"}
        answer = await me.deliver(me.message(room).model_copy(update={field: changed[field]}))
        assert isinstance(answer, frames.Refused)
        assert answer.code.startswith("envelope")
        assert (await me.say(room)).n == 1  # nothing was taken
        await me.close()

    run(work())


def test_a_commit_and_its_welcomes_are_one(house: HouseServer) -> None:
    """A list with a device that does not exist is refused whole: no entry, no Welcome, no place."""

    async def work() -> None:
        room, (me,) = await group(house, 1)
        new = Session(house.base)
        await new.register(await me.mint(room))
        devices = [me.device, new.device, b"?" * 16]
        answer = await me.deliver(me.commit(room, devices, {new.device: b"w"}))
        assert isinstance(answer, frames.Refused)
        assert answer.code == "unknown_device"
        await new.connect()
        assert (await new.wait(frames.Ready)).rooms == []
        assert (await me.say(room)).n == 1
        await close(me, new)

    run(work())


def test_messages_reordered_on_the_way_keep_the_order_of_arrival(house: HouseServer) -> None:
    async def work() -> None:
        room, (me, other) = await group(house, 2)
        sends = [me.message(room, b"%d" % number) for number in range(50)]
        await me.send(*reversed(sends), *sends)
        await other.until(lambda: len(other.rooms[room].entries) >= 50)
        last = (await me.say(room)).n
        await other.until(lambda: other.rooms[room].last == last)
        got = [e.id for n, e in sorted(other.rooms[room].entries.items()) if e.kind == "message"][:-1]
        assert got == [send.id for send in reversed(sends)]
        await close(me, other)

    run(work())


def test_the_list_hash_is_of_sorted_ids() -> None:
    assert list_hash([b"b" * 16, b"a" * 16]) == list_hash([b"a" * 16, b"b" * 16])
