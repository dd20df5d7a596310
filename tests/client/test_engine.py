"""The engine's drivers: one thing at a time, stored before it is sent, bounded, and patient with networks."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace
from pathlib import Path

import httpx2
import pytest
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosedOK, InvalidStatus
from websockets.http11 import Response

from client.collegium import Collegium
from client.doctor import Finding, examine_server
from client.engine.draft import Draft, Opened
from client.engine.http import MAX_ANSWER, Http, may_pass, origin_of
from client.engine.queue import Queue
from client.engine.records import Account, Records, RejoinErrand, with_errand
from client.engine.session import MAX_INBOX
from client.engine.socket import ClientFrame, HealingSocket, messages
from client.engine.world import Socket, World, clock, system_world
from client.errors import CollegiumError, ServerError
from client.room.commands import Post
from client.room.core import Ready as RoomReady
from client.room.core import rejoin_room
from client.vault.storage import StorageChange, StorageRefusedError, VaultStorage, Wrap
from crypto.mls.kem import KeyPair
from tests.client.company import PASSPHRASE, House, found, opened, patience
from tests.client.memory_storage import MemoryStorage
from tests.client.room.world import ROOM, room_of
from tests.client.room.world import World as RoomWorld
from tests.house_server import run
from wire import frames
from wire import http as bodies
from wire.bounds import MAX_CLIENT_MESSAGE, MAX_FRAMES
from wire.codec import decode_client, encode

# The queue


def test_tasks_run_one_after_another_and_a_cancelled_caller_does_not_stop_one() -> None:
    async def work() -> None:
        queue, done = Queue(), []

        async def task(name: str) -> str:
            await asyncio.sleep(0.01)
            done.append(name)
            return name

        async def fails() -> None:
            raise ZeroDivisionError

        first = asyncio.create_task(queue.run(lambda: task("first")))
        second = asyncio.create_task(queue.run(lambda: task("second")))
        await asyncio.sleep(0)
        first.cancel()
        with pytest.raises(ZeroDivisionError):
            await queue.run(fails)
        assert await queue.run(lambda: task("third")) == "third"
        assert done == ["first", "second", "third"]
        assert first.cancelled()
        assert await second == "second"

    run(work())


# HTTP


def answering(answer: httpx2.Response | Exception) -> World:
    def handle(request: httpx2.Request) -> httpx2.Response:
        if isinstance(answer, Exception):
            raise answer
        return answer

    world = system_world(Path("/nonexistent"))
    return replace(world, transport=lambda _: httpx2.MockTransport(handle))


@pytest.mark.parametrize(
    ("answer", "code", "again"),
    [
        (httpx2.ConnectError("no"), "offline", True),
        (httpx2.ReadTimeout("no"), "offline", True),
        (httpx2.Response(502, text="<html>a proxy's page</html>"), "offline", True),
        (httpx2.Response(404, text="<html>a proxy's page</html>"), "server_answer", False),
        (httpx2.Response(302, headers={"location": "https://elsewhere.example"}), "server_answer", False),
        (httpx2.Response(200, json={"challenge": "short"}), "server_answer", False),
        (httpx2.Response(200, json={"challenge": "A" * 43, "more": 1}), "server_answer", False),
        (httpx2.Response(200, content=b"[" * 100_000), "server_answer", False),
        (httpx2.Response(200, content=b"x" * (MAX_ANSWER + 1)), "server_answer", False),
        (httpx2.Response(429, json={"code": "too_many", "message": "", "retry_after": 7}), "too_many", True),
        (httpx2.Response(503, json={"code": "storage", "message": ""}), "storage", True),
        (httpx2.Response(404, json={"code": "not_found", "message": ""}), "not_found", False),
    ],
)
def test_whatever_answers_is_a_refusal_of_one_kind(
    answer: httpx2.Response | Exception, code: str, again: bool
) -> None:
    async def work() -> None:
        http = Http(answering(answer), "http://127.0.0.1:1")
        with pytest.raises(ServerError) as refused:
            await http.call("POST", "/api/sign-in/challenge", bodies.Challenge)
        assert (refused.value.code, may_pass(refused.value)) == (code, again)
        await http.close()

    run(work())


@pytest.mark.parametrize(
    ("address", "origin"),
    [
        ("https://group.example.org/join#x", "https://group.example.org"),
        ("https://group.example.org:443", "https://group.example.org"),
        ("https://GROUP.example.org:8443/", "https://group.example.org:8443"),
        (" http://localhost:8400 ", "http://localhost:8400"),
        ("http://[::1]:8400", "http://[::1]:8400"),
    ],
)
def test_an_address_is_brought_into_one_form(address: str, origin: str) -> None:
    assert origin_of(address) == origin


@pytest.mark.parametrize(
    ("address", "code"),
    [
        ("group.example.org", "address"),
        ("ftp://group.example.org", "address"),
        ("https://", "address"),
        ("https://x:99999999", "address"),
        ("http://group.example.org", "insecure"),
        ("http://127.0.0.1.example.org", "insecure"),
        ("http://localhost.example.org", "insecure"),
    ],
)
def test_nothing_is_sent_without_tls_but_to_this_machine(address: str, code: str) -> None:
    with pytest.raises(CollegiumError) as refused:
        origin_of(address)
    assert refused.value.code == code


# The socket


class Wire:
    """One connection: what was sent is recorded, what comes is told by the test."""

    def __init__(self) -> None:
        self.sent: list[bytes] = []
        self.coming: asyncio.Queue[bytes | str | Exception] = asyncio.Queue()
        self.closed = False

    async def send(self, message: bytes) -> None:
        self.sent.append(message)

    async def __aiter__(self) -> AsyncIterator[bytes | str]:
        while True:
            message = await self.coming.get()
            if isinstance(message, Exception):
                raise message
            yield message

    async def close(self, code: int = 1000) -> None:
        self.closed = True
        self.coming.put_nowait(ConnectionClosedOK(None, None))


class Told:
    """The events, recorded."""

    def __init__(self) -> None:
        self.happened: list[str] = []
        self.came: list[frames.ServerFrame] = []
        self.ends = False

    async def address(self) -> str:
        self.happened.append("address")
        if self.ends:
            raise ServerError("sign_in", 403)
        return "ws://127.0.0.1/"

    def opened(self) -> None:
        self.happened.append("opened")

    async def frames(self, frames: Sequence[frames.ServerFrame]) -> None:
        self.came.extend(frames)

    def lost(self) -> None:
        self.happened.append("lost")

    def failed(self, error: Exception) -> bool:
        self.happened.append("failed")
        return self.ends


def wired() -> tuple[World, list[Wire]]:
    wires: list[Wire] = []

    async def dial(_: str) -> Socket:
        wires.append(Wire())
        return wires[-1]

    return World(bytes, clock, MemoryStorage().open, dial, lambda _: None), wires


async def until_true(look: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not look():  # noqa: ASYNC110  nothing tells
            await asyncio.sleep(0.01)


@pytest.mark.parametrize(
    "nonsense",
    [b"\xff", b"", "text", encode(frames.Ping()), ConnectionResetError(), ConnectionClosedOK(None, None)],
)
def test_a_stream_that_ends_or_makes_no_sense_begins_anew(nonsense: bytes | str | Exception) -> None:
    async def work() -> None:
        (world, wires), told = wired(), Told()
        socket = HealingSocket(world, told)
        socket.start()
        await until_true(lambda: told.happened == ["address", "opened"])
        wires[0].coming.put_nowait(encode(frames.Pong()))
        wires[0].coming.put_nowait(nonsense)
        await until_true(lambda: told.happened == ["address", "opened", "lost", "address", "opened"])
        assert told.came == [frames.Pong()]
        assert wires[0].closed
        socket.send([frames.Hello(cursors=[])])
        await until_true(lambda: wires[1].sent != [])
        assert wires[0].sent == []
        await socket.stop()
        assert wires[1].closed

    run(work())


def test_nothing_is_kept_for_a_later_connection_and_a_device_that_is_no_more_ends_it() -> None:
    async def work() -> None:
        (world, wires), told = wired(), Told()
        socket = HealingSocket(world, told)
        socket.send([frames.Hello(cursors=[])])  # nobody is there: the rooms say it again
        socket.start()
        await until_true(lambda: "opened" in told.happened)
        told.ends = True
        await socket.restart()
        await until_true(lambda: told.happened[-2:] == ["address", "failed"])
        await asyncio.sleep(0.5)
        assert told.happened[-2:] == ["address", "failed"]
        assert [wire.sent for wire in wires] == [[]]
        await socket.stop()

    run(work())


def test_many_frames_become_as_few_messages_as_the_server_takes() -> None:
    many: list[ClientFrame] = [frames.Cursor(room=bytes(16), n=n) for n in range(MAX_FRAMES + 1)]
    large: list[ClientFrame] = [
        frames.Send(
            room=bytes(16), id=bytes(16), kind="message", after=0, list=bytes(16), payload=bytes(2**20)
        )
        for _ in range(9)
    ]
    for given, count in ((many, 2), (large, 2), ([], 0)):
        made = messages(given)
        assert len(made) == count
        assert all(len(message) <= MAX_CLIENT_MESSAGE for message in made)
        assert [frame for message in made for frame in decode_client(message)] == given


# Stored, then sent


class Gate:
    """The store of a member, which a test can hold shut, or let refuse."""

    def __init__(self, inner: VaultStorage) -> None:
        self._inner = inner
        self.open = asyncio.Event()
        self.open.set()
        self.waiting = 0
        self.refuse: str | None = None
        self.written: dict[bytes, bytes] = {}

    async def wraps(self) -> Sequence[Wrap]:
        return await self._inner.wraps()

    async def rows(self, keys: Sequence[bytes]) -> Sequence[bytes | None]:
        return await self._inner.rows(keys)

    async def change(self, change: StorageChange) -> bool:
        self.waiting += 1
        await self.open.wait()
        self.waiting -= 1
        if self.refuse is not None:
            raise StorageRefusedError(self.refuse)
        self.written.update(change.put)
        return await self._inner.change(change)

    async def spoil(self, row: Callable[[bytes], bytes]) -> None:
        """By other hands, as a program that ignores the lock would."""
        put = {key: row(value) for key, value in self.written.items()}
        assert await self._inner.change(StorageChange(put=put))

    async def clear(self) -> None:
        await self._inner.clear()

    async def close(self) -> None:
        await self._inner.close()


class Tap:
    """A socket whose outgoing messages are recorded."""

    def __init__(self, inner: Socket, sent: list[frames.ClientFrame]) -> None:
        self._inner, self._sent = inner, sent

    async def send(self, message: bytes) -> None:
        self._sent.extend(decode_client(message))
        await self._inner.send(message)

    def __aiter__(self) -> AsyncIterator[bytes | str]:
        return self._inner.__aiter__()

    async def close(self, code: int = 1000) -> None:
        await self._inner.close(code)


class Gated:
    """A member whose store and socket are in a test's hands."""

    def __init__(self, store: Path) -> None:
        self.sent: list[frames.ClientFrame] = []
        self.gates: list[Gate] = []
        world = system_world(store)

        async def open_storage() -> VaultStorage:
            self.gates.append(Gate(await world.storage()))
            return self.gates[-1]

        async def dial(url: str) -> Socket:
            return Tap(await world.dial(url), self.sent)

        self.me = Collegium(replace(world, storage=open_storage, dial=dial), PASSPHRASE)

    @property
    def messages(self) -> int:
        return sum(isinstance(one, frames.Send) and one.kind == "message" for one in self.sent)


def test_e39_nothing_is_sent_before_the_state_that_made_it_is_stored(house: House, tmp_path: Path) -> None:
    async def work() -> None:
        gated = Gated(tmp_path / "ada")
        async with gated.me as ada:
            room = await found(house, ada, "Ada")
            async with patience():
                await room.say("one")
            before, gate = len(gated.sent), gated.gates[-1]
            gate.open.clear()
            saying = asyncio.create_task(room.say("two"))
            await until_true(lambda: gate.waiting > 0)
            await asyncio.sleep(0.1)
            silent = len(gated.sent) == before
            gate.open.set()
            assert silent
            async with patience():
                assert (await saying).n > 0
            assert len(gated.sent) > before

    run(work())


def test_a_full_disk_refuses_and_has_room_again_later(house: House, tmp_path: Path) -> None:
    async def work() -> None:
        gated = Gated(tmp_path / "ada")
        async with gated.me as ada:
            room = await found(house, ada, "Ada")
            async with patience():
                await room.say("one")
            before = gated.messages
            gated.gates[-1].refuse = "storage_full"
            with pytest.raises(CollegiumError) as refused:
                await room.say("two")
            assert refused.value.code == "storage_full"
            assert gated.messages == before
            gated.gates[-1].refuse = None
            async with patience():
                await room.say("three")
            assert [post.text for post in room.posts()] == ["one", "three"]

    run(work())


def test_e39_a_store_that_somebody_else_wrote_to_sends_nothing_more(house: House, tmp_path: Path) -> None:
    async def work() -> None:
        gated = Gated(tmp_path / "ada")
        async with gated.me as ada:
            room = await found(house, ada, "Ada")
            async with patience():
                await room.say("one")
            await gated.gates[-1].spoil(lambda row: bytes(len(row)))
            before = gated.messages
            with pytest.raises(CollegiumError) as refused:
                await room.say("two")
            # Also where one of its own errands has met it before, and the engine has stopped already.
            assert refused.value.code == "storage_conflict"
            with pytest.raises(CollegiumError) as again:
                await room.say("three")
            assert again.value.code == "storage_conflict"
            assert gated.messages == before
            assert ada.session.failure is not None

    run(work())


def test_what_comes_too_fast_waits_at_the_socket(house: House, tmp_path: Path) -> None:
    async def work() -> None:
        gated = Gated(tmp_path / "ada")
        async with gated.me as ada:
            room = await found(house, ada, "Ada")
            gate = gated.gates[-1]
            gate.open.clear()
            saying = asyncio.create_task(room.say("the disk stands still"))
            await until_true(lambda: gate.waiting > 0)
            noise = [frames.RequestGone(room=room.id, request_id=bytes(16))] * (2 * MAX_INBOX)
            coming = asyncio.create_task(ada.session.frames(noise))
            await asyncio.sleep(0.1)
            waited = not coming.done()
            gate.open.set()
            assert waited
            async with patience():
                await asyncio.gather(coming, saying)

    run(work())


def test_a_damaged_row_is_said_and_nothing_false_is_shown(house: House, tmp_path: Path) -> None:
    async def work() -> None:
        gated = Gated(tmp_path / "ada")
        async with gated.me as ada:
            room = await found(house, ada, "Ada")
            async with patience():
                await room.say("one")
            await gated.gates[-1].spoil(lambda row: row[:-1] + bytes([row[-1] ^ 1]))
        with pytest.raises(CollegiumError) as damaged:
            async with opened(tmp_path / "ada"):
                pass
        assert damaged.value.code == "storage_damaged"

    run(work())


def test_a_room_that_fails_rests_and_the_others_go_on(house: House, tmp_path: Path) -> None:
    async def work() -> None:
        async with opened(tmp_path / "ada") as ada:
            bad, good = await found(house, ada, "Ada", "Bad"), await ada.start("Good")
            rooms = ada.session.rooms
            # A state that no step can work on.
            broken = {**rooms, bad.id: replace(rooms[bad.id], log=None)}  # type: ignore[arg-type]
            draft = Draft(Opened(ada.session.records, broken), ada.session.env())
            draft.tick()
            draft.step(good.id, Post("still here"))
            assert [*draft.failed] == [bad.id]
            assert [alarm.code for alarm in draft.records.alarms] == ["room_failed"]
            assert draft.room(bad.id) is broken[bad.id]
            after = draft.room(good.id)
            assert after is not None
            assert after.outbox != rooms[good.id].outbox

    run(work())


# The doctor


def healthy(request: httpx2.Request) -> httpx2.Response:
    if request.url.path == "/readyz":
        return httpx2.Response(503, json={"status": "starting"})
    limits = {"payload": 1, "welcome": 1, "sealed": 1, "ephemeral": 1}
    info = {"deployment_id": "A" * 22, "version": "1", "time": clock(), "limits": limits}
    return httpx2.Response(200, json=info)


def test_e22_a_request_to_be_added_is_posted_no_more_once_its_answer_is_there() -> None:
    world = RoomWorld("one request")
    _, ben = room_of(world, "anna", "ben")
    laptop, pin = world.device("ben", "laptop"), ben.pin()
    me, identity = laptop.me, laptop.me.identity
    keys = KeyPair(identity.identity_key.private_key, identity.identity_key.public_key)
    account = Account(
        "http://localhost", me.deployment_id, identity, me.device_id, keys, "Ben", None, None, None
    )
    draft = Draft(Opened(Records(account), {}), laptop.env())

    def asked() -> list[RejoinErrand]:
        return [one for one in draft.records.errands if isinstance(one, RejoinErrand)]

    draft.add(rejoin_room(draft.env, pin))
    (first,) = asked()
    # Every connection asks again: one that waits, or is on its way, is the same errand.
    draft.step(ROOM, RoomReady(None))
    assert [one is first for one in asked()] == [True]
    # … and one that waits because the server said so is tried at once.
    draft.records = with_errand(draft.records, replace(first, not_before=draft.env.now + 1_000))
    draft.step(ROOM, RoomReady(None))
    assert asked() == [first]
    world.ds.request(me.device_id, ROOM, "rejoin", first.sealed)
    world.run(20_000)
    draft.step(ROOM, world.ds.rooms[ROOM].welcomes[me.device_id])
    assert draft.rooms[ROOM].stage == "member"
    assert asked() == []


def test_the_doctor_tells_a_proxy_that_passes_no_sockets_from_one_that_does() -> None:
    async def look(error: Exception) -> dict[str, Finding]:
        async def dial(_: str) -> Socket:
            raise error

        world = replace(
            system_world(Path("/nonexistent")), dial=dial, transport=lambda _: httpx2.MockTransport(healthy)
        )
        return {one.name: one async for one in examine_server(world, "http://127.0.0.1:1")}

    async def work() -> None:
        for status, verdict in ((403, "ok"), (400, "failed"), (426, "failed"), (502, "failed")):
            found = await look(InvalidStatus(Response(status, "", Headers())))
            assert found["socket"].verdict == verdict
            assert found["server"].verdict == "ok"
            assert found["storage"].verdict == "failed"
        assert (await look(ConnectionRefusedError()))["socket"].verdict == "failed"

    run(work())
