"""The unit's port, over real sockets on loopback. Each way of sending is tested by the same tests."""

import asyncio
import ctypes
import errno
import os
import socket
from collections.abc import Awaitable, Callable

import pytest

from signaling.sfu import mail
from signaling.sfu.batch import FULL, SLOT, SLOTS, Batch
from signaling.sfu.mail import MAX_NAMES, MAX_UNSENT, AllAtOnce, Mail, OneByOne, Sends, sends_many
from signaling.sfu.stun import Address
from signaling.sfu.unit import bound_socket

PATIENCE_S = 20.0
NOBODY: Address = ("255.255.255.255", 9)  # the kernel refuses it: broadcasts are not asked for
Way = Callable[[Batch, socket.socket], Sends]


class Room:
    """For so many a socket has room; then there is none, as the kernel says it."""

    def __init__(self, places: int) -> None:
        self.places = places

    def one_by_one(self, batch: Batch, bound: socket.socket) -> Sends:
        def send(data: memoryview, to: Address) -> None:
            if self.places == 0:
                raise BlockingIOError
            self.places -= 1
            bound.sendto(data, to)

        return OneByOne(batch, send)

    def all_at_once(self, batch: Batch, bound: socket.socket) -> Sends:
        real = sends_many()
        assert real is not None

        def call(number: int, begin: int, count: int, flags: int) -> int:
            if self.places == 0:
                ctypes.set_errno(errno.EAGAIN)
                return -1
            sent = real(number, begin, min(count, self.places), flags)
            self.places -= max(0, sent)
            return sent

        return AllAtOnce(batch, bound, call)


FULL_SOCKETS = [
    pytest.param(Room.one_by_one, id="one by one"),
    pytest.param(Room.all_at_once, id="all at once"),
]


@pytest.fixture(params=["one by one", "all at once"])
def way(request: pytest.FixtureRequest) -> Way:
    if request.param == "one by one":
        return lambda batch, bound: OneByOne(batch, bound.sendto)
    call = sends_many()
    if call is None:
        pytest.skip("this machine has no sendmmsg")
    return lambda batch, bound: AllAtOnce(batch, bound, call)


def run(work: Callable[[], Awaitable[None]]) -> None:
    async def bounded() -> None:
        await asyncio.wait_for(work(), PATIENCE_S)

    asyncio.run(bounded())


def opened(host: str = "127.0.0.1") -> socket.socket:
    made = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM)
    made.bind((host, 0))
    made.settimeout(PATIENCE_S)
    return made


def name(of: socket.socket, mapped: bool = False) -> Address:
    host, port = of.getsockname()[:2]
    return (f"::ffff:{host}" if mapped else host, port)


def nothing(_: list[tuple[bytes, Address]]) -> None:
    raise AssertionError("nobody sends anything")


def test_a_batch_goes_to_each_of_many_whole_and_in_order(way: Way) -> None:
    async def work() -> None:
        port = Mail(bound_socket("127.0.0.1", 0), nothing, way)
        clients = [opened() for _ in range(7)]
        sent: list[list[bytes]] = [[] for _ in clients]
        for _ in range(3):
            number = 0
            while not port.batch.full:
                # Of every length up to the longest.
                data = os.urandom(number * 251 % (SLOT + 1))
                port.batch.add(data, name(clients[number % 7]))
                sent[number % 7].append(data)
                number += 1
            port.send()
            assert port.batch.count == 0
            for client, datagrams in zip(clients, sent, strict=True):
                assert [client.recv(2048) for _ in datagrams] == datagrams
                datagrams.clear()
        assert port.dropped == 0
        port.close()
        for client in clients:
            client.close()

    run(work)


def test_one_who_cannot_be_reached_hinders_nobody(way: Way) -> None:
    async def work() -> None:
        port = Mail(bound_socket("127.0.0.1", 0), nothing, way)
        client = opened()
        for to in (NOBODY, name(client), NOBODY, NOBODY, name(client), ("127.0.0.1", 0)):
            port.batch.add(b"%d" % port.batch.count, to)
        port.send()
        assert [client.recv(100), client.recv(100)] == [b"1", b"4"]
        assert port.dropped == 4
        port.batch.add(b"after it", name(client))
        port.send()
        assert client.recv(100) == b"after it"
        port.close()
        client.close()

    run(work)


def test_a_socket_of_ipv6_reaches_both_families(way: Way) -> None:
    async def work() -> None:
        port = Mail(bound_socket("::", 0), nothing, way)
        old, new = opened(), opened("::1")
        port.batch.add(b"old", name(old, mapped=True))
        port.batch.add(b"new", name(new))
        port.batch.add(b"no such network", ("fe80::1%nowhere0", 9))
        port.batch.add(b"again", name(old, mapped=True))
        port.send()
        assert (old.recv(100), new.recv(100), old.recv(100)) == (b"old", b"new", b"again")
        assert port.dropped == 1
        port.close()
        old.close()
        new.close()

    run(work)


@pytest.mark.parametrize("full", FULL_SOCKETS)
def test_what_a_full_socket_has_no_room_for_leaves_later_and_in_order(
    full: Callable[[Room, Batch, socket.socket], Sends],
) -> None:
    async def work() -> None:
        room, client = Room(3), opened()
        port = Mail(bound_socket("127.0.0.1", 0), nothing, lambda *of: full(room, *of))
        for number in range(5):
            port.batch.add(b"%d" % number, name(client))
        port.send()
        room.places = 1
        port.batch.add(b"5", name(client))
        port.send()  # it may not overtake what waits
        assert [client.recv(100) for _ in range(3)] == [b"0", b"1", b"2"]
        client.setblocking(False)
        assert await asyncio.get_running_loop().sock_recv(client, 100) == b"3"
        room.places = 100
        got = [await asyncio.get_running_loop().sock_recv(client, 100) for _ in range(2)]
        assert got == [b"4", b"5"]
        port.batch.add(b"6", name(client))
        port.send()
        assert client.recv(100) == b"6"  # at once again
        assert port.dropped == 0
        port.close()
        client.close()

    run(work)


@pytest.mark.parametrize("full", FULL_SOCKETS)
def test_what_waits_is_bounded_and_the_newest_is_dropped(
    full: Callable[[Room, Batch, socket.socket], Sends],
) -> None:
    async def work() -> None:
        room, client = Room(0), opened()
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        port = Mail(bound_socket("127.0.0.1", 0), nothing, lambda *of: full(room, *of))
        count = 0
        for _ in range(6):
            while not port.batch.full:
                port.batch.add(b"%d" % count, name(client))
                count += 1
            port.send()
        assert port.dropped == count - MAX_UNSENT > FULL
        room.places = 10_000
        client.setblocking(False)
        for number in range(MAX_UNSENT):
            assert await asyncio.get_running_loop().sock_recv(client, 100) == b"%d" % number
        port.close()
        client.close()

    run(work)


def test_names_are_made_once_and_not_kept_without_end() -> None:
    call = sends_many()
    if call is None:
        pytest.skip("this machine has no sendmmsg")
    with bound_socket("127.0.0.1", 0) as bound:
        batch = Batch()
        way = AllAtOnce(batch, bound, call)
        for port in range(1, MAX_NAMES + 3 * SLOTS):
            batch.add(b"", ("127.0.0.1", port))
            if batch.full:
                assert way.send() == FULL
                batch.count = 0
                assert len(way._names) == len(way._names._held) <= MAX_NAMES + SLOTS
        assert way._names[("127.0.0.1", port)] == way._names[("127.0.0.1", port)]


def test_what_is_longer_than_any_datagram_of_ours_is_a_mistake() -> None:
    batch = Batch()
    batch.add(bytes(SLOT), NOBODY)
    with pytest.raises(ValueError, match="fit"):
        batch.add(bytes(SLOT + 1), NOBODY)
    assert batch.datagrams() == [(bytes(SLOT), NOBODY)]


def test_what_comes_is_read_in_bursts_with_whom_it_is_from() -> None:
    async def work() -> None:
        bursts: list[list[tuple[bytes, Address]]] = []
        bound = bound_socket("127.0.0.1", 0)
        client = opened()
        for number in range(2 * mail.BURST + 1):
            client.sendto(b"%d" % number, bound.getsockname())
        enough = asyncio.Event()

        def received(burst: list[tuple[bytes, Address]]) -> None:
            bursts.append(burst)
            if sum(map(len, bursts)) > 2 * mail.BURST:
                enough.set()

        port = Mail(bound, received)
        await enough.wait()
        assert [one for burst in bursts for one in burst] == [
            (b"%d" % number, name(client)) for number in range(2 * mail.BURST + 1)
        ]
        assert max(map(len, bursts)) == mail.BURST
        port.close()
        client.close()

    run(work)


def test_what_comes_within_a_moment_is_read_together_and_what_comes_seldom_at_once() -> None:
    async def work() -> None:
        now, pauses = 10.0, []
        bursts: list[list[bytes]] = []
        bound, client = bound_socket("127.0.0.1", 0), opened()
        client.connect(bound.getsockname())

        def pause(seconds: float) -> None:
            pauses.append(seconds)
            client.send(b"came meanwhile")

        def received(burst: list[tuple[bytes, Address]]) -> None:
            bursts.append([data for data, _ in burst])
            read.set()

        read = asyncio.Event()
        port = Mail(bound, received, clock=lambda: now, pause=pause)

        async def sent(*datagrams: bytes) -> list[bytes]:
            for data in datagrams:
                client.send(data)
            read.clear()
            await read.wait()
            return bursts[-1]

        assert await sent(b"first") == [b"first"]
        assert pauses == []
        now += 0.25 * mail.GATHER_S  # and the one packet has shortened the time by its part
        assert await sent(b"soon") == [b"soon", b"came meanwhile"]
        assert pauses == [pytest.approx((0.75 - 1 / mail.BURST) * mail.GATHER_S)]
        now += 1.01 * mail.GATHER_S
        assert await sent(b"later") == [b"later"]
        # Where there is more than a burst nobody waits for yet more.
        now += 1.01 * mail.GATHER_S
        assert await sent(*[b"many"] * (mail.BURST + 1)) == [b"many"] * mail.BURST
        read.clear()
        await read.wait()
        assert bursts[-1] == [b"many"]
        assert len(pauses) == 1
        now -= 100  # a clock that was set back holds nobody up for longer
        await sent(b"again")
        assert pauses[1:] == [mail.GATHER_S]
        port.close()
        client.close()

    run(work)
