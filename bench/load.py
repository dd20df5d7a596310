"""A load generator that costs little: raw sockets, frames built once, arrivals counted instead of decoded."""

import asyncio
import json
import os
import secrets
import struct
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha256
from typing import cast

import cbor2
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from crypto.room.log_head import list_hash
from tests.opaque.identity import public, sign
from tests.opaque.session import envelope
from wire import frames, http
from wire.bounds import from_base64url, to_base64url
from wire.codec import encode

ENTRY = cbor2.dumps("t") + cbor2.dumps("entry")
ACK = cbor2.dumps("t") + cbor2.dumps("ack")
CAUGHT_UP = cbor2.dumps("caught_up")
SEAM = len(ENTRY)
STAMP = b"<stamp>"
MASK = b"\0\0\0\0"  # a mask of zeros is a mask: nothing to compute


@dataclass
class Member:
    """A device as the database knows it."""

    device: bytes = field(default_factory=lambda: secrets.token_bytes(16))
    root: bytes = field(default_factory=lambda: secrets.token_bytes(32))
    key: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)

    @property
    def account(self) -> bytes:
        return sha256(b"Collegium 1.0 account" + self.root).digest()[:16]

    @property
    def public_key(self) -> bytes:
        return public(self.key)


def masked(data: bytes) -> bytes:
    """One WebSocket message of a client (RFC 6455 §5.2)."""
    length = len(data)
    if length < 126:
        return bytes((0x82, 0x80 | length)) + MASK + data
    if length < 1 << 16:
        return b"\x82\xfe" + length.to_bytes(2, "big") + MASK + data
    return b"\x82\xff" + length.to_bytes(8, "big") + MASK + data


class Template:
    """Send frames of one room: only the id and the stamp differ from one to the next."""

    def __init__(self, room: bytes, devices: list[bytes], size: int, after: int = 0) -> None:
        marker, stamp = b"\xa5" * 16, STAMP + b"\0" * 8
        content = stamp + secrets.token_bytes(size - len(stamp))
        frame = frames.Send(
            room=room,
            id=marker,
            kind="message",
            after=after,
            list=list_hash(devices),
            payload=envelope("message", room, marker, content),
        )
        whole = masked(encode(frame))
        first = whole.index(marker)
        second = whole.index(marker, first + 16)
        third = whole.index(stamp)
        self._parts = (
            whole[:first],
            whole[first + 16 : second],
            whole[second + 16 : third + len(STAMP)],
            whole[third + len(stamp) :],
        )

    def make(self) -> bytes:
        one, two, three, four = self._parts
        message_id = os.urandom(16)
        stamp = struct.pack(">q", time.perf_counter_ns())
        return b"".join((one, message_id, two, message_id, three, stamp, four))


class Wire(asyncio.Protocol):
    """One socket. Walks over frames, counts entries and acks, answers pings."""

    def __init__(self, request: bytes, opened: "asyncio.Future[Wire]") -> None:
        self._request, self._opened = request, opened
        self.transport: asyncio.Transport | None = None
        self._upgraded = False
        self._rest = b""
        self._tail = b""
        self._skip = 0
        self.entries = 0
        self.acks = 0
        self.caught_up = 0
        self.on_acks: Callable[[int], None] | None = None
        self.latencies: list[int] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)  # uvloop's is one in all but name
        self.transport.write(self._request)

    def connection_lost(self, exc: Exception | None) -> None:
        if not self._opened.done():
            self._opened.set_exception(exc or ConnectionError("closed"))

    def write(self, data: bytes) -> None:
        assert self.transport is not None
        self.transport.write(data)

    def data_received(self, data: bytes) -> None:
        if not self._upgraded:
            data = self._rest + data
            head, found, data = data.partition(b"\r\n\r\n")
            if not found:
                self._rest = head
                return
            self._rest = b""
            if b" 101 " not in head:
                self._opened.set_exception(ConnectionError(head[:80].decode("latin-1")))
                return
            self._upgraded = True
            self._opened.set_result(self)
        if self._rest:
            data, self._rest = self._rest + data, b""
            self._tail = b""  # a head of a frame holds no marker, and none ends in one
        # What lies across two chunks is looked for in a few bytes of both.
        seam = self._tail + data[: SEAM - 1]
        entries = data.count(ENTRY) + seam.count(ENTRY) - data[: SEAM - 1].count(ENTRY)
        if entries:
            self.entries += entries
            if self.latencies is not None:
                self._measure(data)
        if self.on_acks is not None:
            acks = data.count(ACK) + seam.count(ACK) - data[: SEAM - 1].count(ACK) - self._tail.count(ACK)
            if acks:
                self.acks += acks
                self.on_acks(acks)
        if not self.caught_up and (CAUGHT_UP in data or CAUGHT_UP in seam):
            self.caught_up = 1
        self._tail = (self._tail + data)[-(SEAM - 1) :] if len(data) < SEAM else data[-(SEAM - 1) :]
        self._walk(data)

    def _measure(self, data: bytes) -> None:
        now, at = time.perf_counter_ns(), data.find(STAMP)
        assert self.latencies is not None
        while at >= 0:
            stamp = data[at + len(STAMP) : at + len(STAMP) + 8]
            if len(stamp) == 8:
                self.latencies.append(now - struct.unpack(">q", stamp)[0])
            at = data.find(STAMP, at + 1)

    def _walk(self, data: bytes) -> None:
        """Find the heads of frames, for pings. A frame's head that is cut stays for the next time."""
        at, end = self._skip, len(data)
        while at + 2 <= end:
            length, head = data[at + 1] & 0x7F, 2
            if length == 126:
                head = 4
            elif length == 127:
                head = 10
            if at + head > end:
                break
            if head > 2:
                length = int.from_bytes(data[at + 2 : at + head], "big")
            if data[at] == 0x89:
                self.write(b"\x8a" + bytes((0x80 | length,)) + MASK + data[at + head : at + head + length])
            at += head + length
        if at < end:
            self._rest = data[at:]
            self._skip = 0
        else:
            self._skip = at - end


class Calls:
    """HTTP over one kept connection."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def post(self, path: str, body: bytes, session: str | None = None) -> dict[str, str]:
        if self._streams is None:
            self._streams = await asyncio.open_connection("127.0.0.1", self._port)
        reader, writer = self._streams
        bearer = f"authorization: Bearer {session}\r\n" if session else ""
        writer.write(
            f"POST {path} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n"
            f"collegium-client: sdk\r\n{bearer}content-length: {len(body)}\r\n\r\n".encode()
            + body
        )
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
        answer: dict[str, str] = json.loads(await reader.readexactly(length))
        if b" 20" not in head.split(b"\r\n")[0]:
            raise ConnectionError(f"{path}: {answer}")
        return answer


async def connect(
    port: int, calls: Calls, deployment: bytes, member: Member, cursors: dict[bytes, int]
) -> Wire:
    """Sign in by challenge, get a ticket, open the socket, say hello, be caught up in `cursors`' rooms."""
    device = to_base64url(member.device)
    asked = await calls.post("/api/sign-in/challenge", json.dumps({"device_id": device}).encode())
    signed = deployment + member.device + from_base64url(asked["challenge"])
    signature = to_base64url(sign(member.key, http.SIGN_IN_LABEL, signed))
    body = {"device_id": device, "challenge": asked["challenge"], "signature": signature}
    session = (await calls.post("/api/sign-in", json.dumps(body).encode()))["session"]
    ticket = (await calls.post("/api/tickets", b"", session))["ticket"]
    request = (
        f"GET /api/socket?ticket={ticket} HTTP/1.1\r\nhost: 127.0.0.1\r\nupgrade: websocket\r\n"
        "connection: Upgrade\r\nsec-websocket-version: 13\r\n"
        "sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    ).encode()
    loop = asyncio.get_running_loop()
    opened: asyncio.Future[Wire] = loop.create_future()
    await loop.create_connection(lambda: Wire(request, opened), "127.0.0.1", port)
    wire = await opened
    hello = frames.Hello(cursors=[frames.RoomCursor(room=room, n=n) for room, n in cursors.items()])
    wire.write(masked(encode(hello)))
    return wire


async def until(condition: Callable[[], bool], seconds: float = 60) -> None:
    """Wait for counters to get somewhere."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError
        await asyncio.sleep(0.002)
