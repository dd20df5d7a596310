"""How fast the delivery service is, everything on: sign-in, membership, idempotency, sync before ack.

The server runs in a process of its own on one core, the load generator on the other. 1 KB messages. Prints
figures.

./run bench delivery            everything (several minutes)
./run bench delivery hot        only the parts named: hot spread latency open idle catchup insert
"""

import asyncio
import os
import resource
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil  # type: ignore[import-untyped]
import uvloop
from sqlalchemy import insert

from bench import ejabberd
from bench.load import Calls, Member, Template, Wire, connect, until
from server.database import FILE, migrate
from server.database import connect as open_database
from server.ledger import pack_routing
from server.room import Routing
from server.service import deployment_id
from server.tables import ACCOUNTS, DEVICES, MEMBERS, ROOMS
from tests.house_server import HouseServer

SIZE = 1024
IN_FLIGHT = 64
SECONDS = 4.0
CONNECT_AT_ONCE = 32
PARTS = ("hot", "spread", "latency", "open", "idle", "catchup", "insert")
RUNS = 3  # of which the median is printed
# ejabberd 23 with SQLite in WAL on one core of such a machine, for orientation where it is not installed.
EJABBERD = {(1, 50): 19_400.0, (500, 10): 9_000.0}


class Stage:
    """A server with rooms and members made before it starts, so that only delivery is measured."""

    def __init__(self, rooms: int, size: int) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="collegium-bench-"))
        (self.folder / "data").mkdir()
        self.rooms = [os.urandom(16) for _ in range(rooms)]
        self.members = [[Member() for _ in range(size)] for _ in range(rooms)]
        self._seed()
        wrap = ["taskset", "-c", "0"] if shutil.which("taskset") else []
        self.house = HouseServer(self.folder, wrap=wrap, rate_factor="100000").start()
        assert self.house.process is not None
        self.process = psutil.Process(self.house.process.pid)
        self.wires: list[list[Wire]] = []

    def _seed(self) -> None:
        engine = open_database(self.folder / "data" / FILE, writer=True)
        migrate(engine)
        now = int(time.time() * 1000)
        with engine.begin() as database:
            self.deployment = deployment_id(database)
            for room, members in zip(self.rooms, self.members, strict=True):
                everyone = [m.device for m in members]
                database.execute(
                    insert(ACCOUNTS),
                    [
                        {"id": m.account, "root_key": m.root, "recovery_key": m.root, "backup": b"x"}
                        | {"user_handle": m.root, "created": now}
                        for m in members
                    ],
                )
                database.execute(
                    insert(DEVICES),
                    [
                        {"id": m.device, "account": m.account, "sign_in_key": m.public_key, "gone": False}
                        | {"created": now, "seen": now}
                        for m in members
                    ],
                )
                routing = pack_routing(Routing(new=frozenset(everyone)))
                values = {"id": room, "created": now, "time": now, "last": 0, "after": 0}
                values["routing"] = routing
                made = database.execute(insert(ROOMS).values(**values))
                key = made.inserted_primary_key
                assert key is not None
                row = {"room": key[0], "since": 0, "cursor": 0, "until": None}
                rows = [{**row, "device": device} for device in everyone]
                database.execute(insert(MEMBERS), rows)
        engine.dispose()

    async def connect(self, count: int | None = None) -> None:
        """Open a socket for every member (or the first `count`), signed in each."""
        limit = asyncio.Semaphore(CONNECT_AT_ONCE)
        spare = [Calls(self.house.port) for _ in range(CONNECT_AT_ONCE)]
        left = sum(len(m) for m in self.members) if count is None else count

        async def one(room: bytes, member: Member) -> Wire:
            async with limit:
                calls = spare.pop()
                try:
                    return await connect(self.house.port, calls, self.deployment, member, {room: 0})
                finally:
                    spare.append(calls)

        for room, members in zip(self.rooms, self.members, strict=True):
            chosen, left = members[: max(0, left)], left - len(members)
            self.wires.append([])
            if chosen:
                self.wires[-1] = list(await asyncio.gather(*(one(room, m) for m in chosen)))
        await until(lambda: all(w.caught_up for wires in self.wires for w in wires))

    def template(self, number: int) -> Template:
        return Template(self.rooms[number], [m.device for m in self.members[number]], SIZE)

    def cpu(self) -> float:
        times = self.process.cpu_times()
        return float(times.user + times.system)

    def close(self) -> None:
        self.house.close()
        shutil.rmtree(self.folder, ignore_errors=True)


@contextmanager
def stage(rooms: int, size: int) -> Iterator[Stage]:
    made = Stage(rooms, size)
    try:
        yield made
    finally:
        made.close()


class Flow:
    """Keeps messages in flight from a few members of each room, and counts what arrives."""

    def __init__(self, on: Stage) -> None:
        self.stage = on
        self.all = [wire for wires in on.wires for wire in wires]
        self.acked = 0
        self.sent = 0
        self._senders = [
            (wire, on.template(number))
            for number, wires in enumerate(on.wires)
            for wire in wires[: max(1, 8 // len(on.wires))]
        ]
        self._next = 0
        self._going = False
        for wire, _ in self._senders:
            wire.on_acks = self._acks

    def send(self) -> None:
        wire, template = self._senders[self._next]
        self._next = (self._next + 1) % len(self._senders)
        self.sent += 1
        wire.write(template.make())

    def _acks(self, count: int) -> None:
        self.acked += count
        if self._going:
            for _ in range(count):
                self.send()

    def delivered(self) -> int:
        return sum(wire.entries for wire in self.all)

    async def settle(self) -> None:
        """Wait until everything sent has arrived everywhere."""
        per_message = len(self.all) // len(self.stage.rooms)
        await until(lambda: self.acked == self.sent)
        await until(lambda: self.delivered() >= self.sent * per_message)

    async def closed_loop(self, seconds: float, in_flight: int = IN_FLIGHT) -> dict[str, float]:
        self._going = True
        for _ in range(in_flight):
            self.send()
        await asyncio.sleep(0.5)
        before, messages, cpu = self.delivered(), self.acked, self.stage.cpu()
        own, start = time.process_time(), time.perf_counter()
        await asyncio.sleep(seconds)
        took = time.perf_counter() - start
        count = self.delivered() - before
        out = {
            "delivered": count / took,
            "messages": (self.acked - messages) / took,
            "cpu_us": (self.stage.cpu() - cpu) / max(1, count) * 1e6,
            "server": (self.stage.cpu() - cpu) / took,
            "headroom": 1 - (time.process_time() - own) / took,
        }
        self._going = False
        await self.settle()
        return out

    async def open_loop(self, rate: float, seconds: float) -> list[float]:
        """Send at a rate whatever comes back. Gives the latencies in ms from send to each arrival, sorted."""
        for wire in self.all:
            wire.latencies = []
        start, count = time.perf_counter(), 0
        while (now := time.perf_counter() - start) < seconds:
            due = int(now * rate)
            while count < due:
                self.send()
                count += 1
            await asyncio.sleep(max(0.0, (count + 1) / rate - now) if rate < 2000 else 0)
        await self.settle()
        found = sorted(one / 1e6 for wire in self.all for one in wire.latencies or ())
        for wire in self.all:
            wire.latencies = None
        return found


def quantile(values: list[float], q: float) -> float:
    return values[min(len(values) - 1, int(len(values) * q))] if values else float("nan")


def say(line: str) -> None:
    print(line, flush=True)


async def closed(rooms: int, size: int) -> dict[str, float]:
    """The run with the median rate."""
    found = []
    for _ in range(RUNS):
        with stage(rooms, size) as on:
            await on.connect()
            found.append(await Flow(on).closed_loop(SECONDS))
    return sorted(found, key=lambda one: one["delivered"])[RUNS // 2]


async def beside(rooms: int, size: int, ours: float) -> str:
    """How many times the peer's rate that is, the peer measured now where it is installed."""
    why = ejabberd.missing()
    if why is not None:
        known = EJABBERD[rooms, size]
        return f"{ours / known:.1f} x the {known:,.0f}/s that ejabberd reached on such a machine; {why} here"
    found = [await ejabberd.measure(rooms, size, SECONDS, IN_FLIGHT) for _ in range(RUNS)]
    peer = sorted(found, key=lambda one: one["delivered"])[RUNS // 2]
    return (
        f"{ours / peer['delivered']:.1f} x ejabberd: {peer['delivered']:,.0f} delivered/s, "
        f"{peer['cpu_us']:.1f} us CPU each"
    )


def figures_of(found: dict[str, float]) -> str:
    return (
        f"{found['delivered']:9,.0f} delivered/s ({found['messages']:,.0f} messages/s, "
        f"{found['cpu_us']:.2f} us CPU each, server core {found['server']:.0%} busy, "
        f"generator {found['headroom']:.0%} idle)"
    )


async def hot() -> None:
    for size in (10, 50, 200):
        found = await closed(1, size)
        say(f"hot room of {size:3}: {figures_of(found)}")
        if size == 50:
            say("    " + await beside(1, size, found["delivered"]))


async def spread() -> None:
    found = await closed(500, 10)
    say(f"500 rooms of 10: {figures_of(found)}")
    say("    " + await beside(500, 10, found["delivered"]))


async def latency() -> None:
    with stage(1, 50) as on:
        await on.connect()
        flow = Flow(on)
        await flow.open_loop(100, 1)
        for rate in (20, 400):
            found = await flow.open_loop(rate, 10)
            say(
                f"room of 50 at {rate:3} messages/s: p50 {quantile(found, 0.5):.2f} ms, "
                f"p99 {quantile(found, 0.99):.2f} ms, p99.9 {quantile(found, 0.999):.2f} ms"
            )


async def open_loop() -> None:
    """The highest rate at which p99 stays under 50 ms, to about a tenth."""
    for rooms, size in ((1, 50), (500, 10)):
        with stage(rooms, size) as on:
            await on.connect()
            flow = Flow(on)
            best, rate, step = 0.0, 1000.0, 2.0
            while step > 1.1:
                p99 = quantile(await flow.open_loop(rate, 2), 0.99)
                if p99 < 50:
                    best, rate = rate, rate * step
                else:
                    step **= 0.5
                    rate = best * step if best else rate / 2
            say(
                f"open loop, {rooms} room(s) of {size}: {best:,.0f} messages/s = "
                f"{best * size:,.0f} delivered/s with p99 under 50 ms"
            )


async def idle() -> None:
    with stage(500, 10) as on:
        bare = on.process.memory_info().rss / 2**20
        for count in (1000, 5000):
            on.wires = []
            await on.connect(count)
            rss = on.process.memory_info().rss / 2**20
            say(f"{count} idle sockets: {rss:.0f} MB ({bare:.0f} MB before)")


async def catchup() -> None:
    with stage(1, 2) as on:
        await on.connect(1)
        flow = Flow(on)
        for _ in range(5000):
            flow.send()
        await until(lambda: flow.acked == 5000)
        took = []
        for _ in range(5):
            calls = Calls(on.house.port)
            start = time.perf_counter()
            wire = await connect(on.house.port, calls, on.deployment, on.members[0][1], {on.rooms[0]: 0})
            opened = time.perf_counter()
            await until(lambda w=wire: w.caught_up > 0)  # type: ignore[misc]
            took.append((time.perf_counter() - opened) * 1000)
            assert wire.entries == 5000
            assert wire.transport is not None
            wire.transport.close()
            signing = (opened - start) * 1000
        say(
            f"catch-up of 5,000 messages: {sorted(took)[2]:.0f} ms "
            f"(sign-in, ticket and socket {signing:.0f} ms)"
        )


async def insert_cost() -> None:
    with stage(1, 2) as on:
        await on.connect(1)
        flow = Flow(on)

        async def cost() -> str:
            figures = await flow.closed_loop(2)
            return f"{figures['cpu_us']:.0f} us CPU a message, {figures['messages']:,.0f} messages/s"

        async def fill(rows: int) -> None:
            while flow.sent < rows:
                for _ in range(512):
                    flow.send()
                await until(lambda: flow.acked == flow.sent)

        await fill(10_000)
        say(f"insert with  10,000 rows: {await cost()}")
        await fill(300_000)
        say(f"insert with 300,000 rows: {await cost()}")


JOBS = {
    "hot": hot,
    "spread": spread,
    "latency": latency,
    "open": open_loop,
    "idle": idle,
    "catchup": catchup,
    "insert": insert_cost,
}


def main(parts: list[str]) -> None:
    unknown = set(parts) - set(PARTS)
    if unknown:
        sys.exit(f"no such part: {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}")
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    cores = os.sched_getaffinity(0)
    if len(cores) > 1:
        os.sched_setaffinity(0, cores - {0} or cores)
    for part in parts or PARTS:
        uvloop.run(JOBS[part]())


if __name__ == "__main__":
    main(sys.argv[1:])
