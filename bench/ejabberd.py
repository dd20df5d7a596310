"""The peer of `bench delivery`: Debian's ejabberd on one core, rooms as MUC, archived in SQLite (WAL).

What it is asked for is close to what our server does: members sign in, a message is stored in the room's
archive and goes to every occupant, its sender included. Messages have 1 KB of text.
"""

import asyncio
import base64
import os
import re
import shutil
import socket
import sqlite3
import subprocess
import tempfile
import time
from collections.abc import Callable
from itertools import cycle
from pathlib import Path
from typing import cast

import psutil  # type: ignore[import-untyped]

from tests.house_server import free_port

DOMAIN = "localhost"
MUC = "rooms.localhost"
START_S = 60
AT_ONCE = 25
"""Rooms that fill at the same time: each step of signing in waits for a delayed acknowledgement."""
LIBRARY = Path("/usr/lib/x86_64-linux-gnu")
# Every groupchat message that arrives, and its id, without parsing XML.
ARRIVAL = b"type='groupchat'"
OWN = re.compile(rb" id='m(\d+)-(\d+)'")

CONFIG = """
hosts: ["{domain}"]
loglevel: error
auth_method: anonymous
anonymous_protocol: sasl_anon
allow_multiple_connections: true
default_db: sql
sql_type: sqlite
sql_database: "{folder}/ejabberd.sqlite"
shaper: {{}}
listen:
  - {{port: {port}, ip: "127.0.0.1", module: ejabberd_c2s, max_stanza_size: 262144, access: all}}
acl: {{}}
modules:
  mod_mam: {{default: always, request_activates_archiving: false, assume_mam_usage: true}}
  mod_muc:
    host: "{muc}"
    history_size: 0
    max_users: 1000
    min_message_interval: 0
    default_room_options: {{mam: true, persistent: false, anonymous: true, public: false, logging: false}}
"""


def missing() -> str | None:
    """What this machine lacks for the peer, or None."""
    if shutil.which("ejabberdctl") is None or shutil.which("erl") is None:
        return "ejabberd is not installed"
    if not list(Path("/usr/lib/erlang/lib").glob("p1_sqlite3-*")):
        return "ejabberd's SQLite driver (erlang-p1-sqlite3) is not installed"
    return None


class Ejabberd:
    """One Erlang machine with one scheduler, pinned to the first core, on loopback, not distributed."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="collegium-bench-ejabberd-"))
        self.port = free_port()
        config = CONFIG.format(domain=DOMAIN, muc=MUC, folder=self.folder, port=self.port)
        (self.folder / "ejabberd.yml").write_text(config)
        database = sqlite3.connect(self.folder / "ejabberd.sqlite")
        database.execute("PRAGMA journal_mode=WAL")
        schema = next(LIBRARY.glob("ejabberd-*/priv/sql/lite.sql"))
        database.executescript(schema.read_text())
        database.close()
        env = dict(
            os.environ,
            EJABBERD_CONFIG_PATH=str(self.folder / "ejabberd.yml"),
            EJABBERD_LOG_PATH=str(self.folder / "ejabberd.log"),
            ERL_LIBS=str(LIBRARY),
            HOME=str(self.folder),
        )
        command = [
            "erl",
            "-noinput",
            "+S",
            "1:1",
            "+SDcpu",
            "1:1",
            "+SDio",
            "1",
            "+K",
            "true",
            "+P",
            "250000",
        ]
        command += ["-mnesia", "dir", f'"{self.folder}/mnesia"', "-s", "ejabberd"]
        if shutil.which("taskset"):
            command = ["taskset", "-c", "0", *command]
        with (self.folder / "output").open("w") as output:
            self._process = subprocess.Popen(
                command, cwd=self.folder, env=env, stdout=output, stderr=output, start_new_session=True
            )
        self.process = psutil.Process(self._process.pid)
        self._wait()

    def _wait(self) -> None:
        deadline = time.monotonic() + START_S
        while time.monotonic() < deadline:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            if self._process.poll() is not None:
                break
            time.sleep(0.1)
        output = (self.folder / "output").read_text()[-2000:]
        self.close()
        raise ConnectionError(f"ejabberd does not answer: {output}")

    def cpu(self) -> float:
        times = self.process.cpu_times()
        return float(times.user + times.system)

    def close(self) -> None:
        self._process.kill()
        self._process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


class Occupant(asyncio.Protocol):
    """One XMPP stream in one room. Counts what arrives; tells when a message of its own has come back."""

    def __init__(self, number: int, room: str) -> None:
        self.number, self.room = number, room
        self.entries = 0
        self.on_back: Callable[[], None] | None = None
        self._sent = 0
        self._tail = b""
        self._buffer = b""
        self._joined: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._step = self._features
        body = base64.b64encode(os.urandom(768)).decode()
        self._message = (
            f"<message to='{room}@{MUC}' type='groupchat' id='m{number}-%d'><body>{body}</body></message>"
        )

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._open()

    def _open(self) -> None:
        stream = (
            f"<stream:stream to='{DOMAIN}' version='1.0' xmlns='jabber:client' "
            "xmlns:stream='http://etherx.jabber.org/streams'>"
        )
        self._write("<?xml version='1.0'?>" + stream)

    def _write(self, text: str) -> None:
        self._transport.write(text.encode())

    async def joined(self) -> None:
        await asyncio.wait_for(self._joined, 60)

    def data_received(self, data: bytes) -> None:
        if not self._joined.done():
            self._buffer += data
            self._step()
            return
        seam = self._tail + data[: len(ARRIVAL) - 1]
        self.entries += data.count(ARRIVAL) + seam.count(ARRIVAL) - data[: len(ARRIVAL) - 1].count(ARRIVAL)
        self._tail = (self._tail + data)[-(len(ARRIVAL) - 1) :]
        if self.on_back is not None:
            self._came_back(data, self.on_back)

    def _came_back(self, data: bytes, on_back: Callable[[], None]) -> None:
        # Ids that two chunks share are found in the next: the buffer keeps what follows the last whole one.
        whole = self._buffer + data
        end = 0
        for match in OWN.finditer(whole):
            end = match.end()
            if int(match[1]) == self.number:
                on_back()
        self._buffer = whole[end:][-40:]

    def send(self) -> None:
        self._sent += 1
        self._write(self._message % self._sent)

    # Signing in, one step for each answer

    def _features(self) -> None:
        if b"</stream:features>" in self._buffer:
            self._buffer, self._step = b"", self._success
            self._write("<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='ANONYMOUS'/>")

    def _success(self) -> None:
        if b"<success" in self._buffer:
            self._buffer, self._step = b"", self._again
            self._open()
        elif b"<failure" in self._buffer:
            self._joined.set_exception(ConnectionError(self._buffer.decode()))

    def _again(self) -> None:
        if b"</stream:features>" in self._buffer:
            self._buffer, self._step = b"", self._bound
            bind = "<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/>"
            self._write(f"<iq type='set' id='bind'>{bind}</iq>")

    def _bound(self) -> None:
        if b"id='bind'" in self._buffer and b"</iq>" in self._buffer:
            self._buffer, self._step = b"", self._entered
            self._write(
                f"<presence to='{self.room}@{MUC}/m{self.number}'>"
                "<x xmlns='http://jabber.org/protocol/muc'><history maxstanzas='0'/></x></presence>"
            )

    def _entered(self) -> None:
        # XEP-0045 §7.2.15: the room's subject ends the entering. A new room is unlocked first.
        if b"code='201'" in self._buffer:
            form = "<x xmlns='jabber:x:data' type='submit'/>"
            query = f"<query xmlns='http://jabber.org/protocol/muc#owner'>{form}</query>"
            self._write(f"<iq to='{self.room}@{MUC}' type='set' id='own'>{query}</iq>")
            self._buffer, self._step = b"", self._unlocked
        elif b"<subject" in self._buffer:
            self._buffer = b""
            self._joined.set_result(None)

    def _unlocked(self) -> None:
        if b"id='own'" in self._buffer:
            self._buffer = b""
            self._joined.set_result(None)


async def _occupied(server: Ejabberd, room: int, size: int) -> list[Occupant]:
    """Who comes first makes the room; the others wait for that."""
    occupants: list[Occupant] = []
    for number in range(size):
        _, occupant = await asyncio.get_running_loop().create_connection(
            lambda n=number: Occupant(n, f"r{room}"),  # type: ignore[misc]
            "127.0.0.1",
            server.port,
        )
        occupants.append(occupant)
        if number == 0:
            await occupant.joined()
    await asyncio.gather(*(occupant.joined() for occupant in occupants))
    return occupants


async def measure(rooms: int, size: int, seconds: float, in_flight: int) -> dict[str, float]:
    """Closed loop as in `Flow.closed_loop`: delivered/s, messages/s, and CPU per delivery in µs."""
    server = Ejabberd()
    try:
        everyone: list[list[Occupant]] = []
        for first in range(0, rooms, AT_ONCE):
            some = range(first, min(first + AT_ONCE, rooms))
            everyone += await asyncio.gather(*(_occupied(server, room, size) for room in some))
        senders = [one for occupants in everyone for one in occupants[: max(1, 8 // rooms)]]
        flat = [one for occupants in everyone for one in occupants]
        turn = cycle(senders)
        for sender in senders:
            sender.on_back = lambda: next(turn).send()
        for _ in range(in_flight):
            next(turn).send()
        await asyncio.sleep(1)
        before, cpu, start = sum(one.entries for one in flat), server.cpu(), time.perf_counter()
        await asyncio.sleep(seconds)
        took, count = time.perf_counter() - start, sum(one.entries for one in flat) - before
        used = server.cpu() - cpu
        return {
            "delivered": count / took,
            "messages": count / took / size,
            "cpu_us": used / max(1, count) * 1e6,
            "server": used / took,
        }
    finally:
        server.close()
