"""One person's way to the server: a proxy that their browser must use for everything.

It writes down every byte both ways and every address that was asked for; it can cut, drop or hold the
connection; and it can change what passes, which makes an honest server an evil one for this person alone.
"""

import asyncio
import threading
from asyncio import StreamReader, StreamWriter
from collections.abc import Callable, Coroutine, Iterable
from dataclasses import dataclass
from io import BytesIO
from typing import Any, Literal, TypeVar
from urllib.parse import urlsplit

import cbor2

from tests.e2e.sockets import BINARY, CONTINUATION, SocketFrame, frame, read_frame

T = TypeVar("T")
Frame = dict[str, Any]
Direction = Literal["up", "down"]

MAX_HEAD = 64 * 1024
WAIT_S = 20.0
NO_BODY = (204, 304)
# Whom Chromium asks for itself, whatever page is open: what the fields of a form could mean, and the like.
BROWSERS_OWN = (".googleapis.com:443", ".google.com:443", ".gvt1.com:443", ".gvt1.com")


@dataclass(frozen=True, slots=True)
class Asked:
    """A request of the browser, as far as the proxy sees it."""

    method: str
    authority: str
    path: str
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes


OnAnswer = Callable[[Asked, Answer], Answer]
# What goes on instead: frames, or bytes as they are (which need not be CBOR).
OnFrames = Callable[[Direction, list[Frame]], "list[Frame] | bytes"]


class Loop:
    """An event loop in a thread of its own, for all relays of a run."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever, daemon=True, name="relays")
        self._thread.start()

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(WAIT_S)

    def close(self) -> None:
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(WAIT_S)
        self.loop.close()


def decode(message: bytes) -> list[Frame]:
    """A socket message: a CBOR sequence of frames."""
    stream, frames = BytesIO(message), []
    while stream.tell() < len(message):
        frames.append(cbor2.load(stream))
    return frames


def encode(frames: Iterable[Frame]) -> bytes:
    return b"".join(cbor2.dumps(one, canonical=True) for one in frames)


async def _head(reader: StreamReader) -> tuple[str, list[tuple[str, str]]] | None:
    """First line and header fields; None at an orderly end."""
    try:
        raw = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError as end:
        if end.partial:
            raise
        return None
    first, *lines = raw.decode("latin-1").rstrip("\r\n").split("\r\n")
    return first, [(k.strip().lower(), v.strip()) for k, _, v in (line.partition(":") for line in lines)]


async def _body(reader: StreamReader, headers: list[tuple[str, str]]) -> bytes:
    fields = dict(headers)
    if fields.get("transfer-encoding", "").lower() == "chunked":
        whole = b""
        while size := int((await reader.readuntil(b"\r\n")).split(b";")[0], 16):
            whole += await reader.readexactly(size)
            await reader.readexactly(2)
        await reader.readuntil(b"\r\n")
        return whole
    return await reader.readexactly(int(fields.get("content-length", "0")))


def _encode_head(first: str, headers: Iterable[tuple[str, str]]) -> bytes:
    return "\r\n".join([first, *(f"{k}: {v}" for k, v in headers), "", ""]).encode("latin-1")


class Relay:
    """The proxy of one browser context, in front of the server at 127.0.0.1:`server_port`."""

    def __init__(self, loop: Loop, server_port: int) -> None:
        self._loop, self._server_port = loop, server_port
        self.origin = f"http://localhost:{server_port}"
        self._home = (f"localhost:{server_port}", f"127.0.0.1:{server_port}")
        self.asked: list[Asked] = []
        self.answered: list[Asked] = []
        self.raw: list[bytes] = []
        """Every byte between browser and proxy, both ways, as it was on the wire."""
        self.messages: list[tuple[Direction, bytes]] = []
        """Every socket message without its mask."""
        self.faults: list[Exception] = []
        """What went wrong in the relay itself, or in what a test told it to do. Fails the test."""
        self.on_answer: OnAnswer | None = None
        self.on_frames: OnFrames | None = None
        self._is_cut = False
        self._open: set[StreamWriter] = set()
        self._sockets: set[StreamWriter] = set()
        self._flowing = asyncio.Event()
        self._server = loop.do(self._listen())
        self.port = int(self._server.sockets[0].getsockname()[1])

    # What a test does with it.

    @property
    def strangers(self) -> list[Asked]:
        """What was asked of anybody but our server, on behalf of a page."""
        return [
            one
            for one in self.asked
            if one.authority not in self._home and not one.authority.endswith(BROWSERS_OWN)
        ]

    def frames(self, direction: Direction) -> list[Frame]:
        """All frames that passed so far."""
        return [one for way, message in self.messages if way == direction for one in decode(message)]

    def cut(self) -> None:
        """The network is gone: nothing passes, and nobody is told."""
        self._loop.do(self._cut(True))

    def heal(self) -> None:
        self._loop.do(self._cut(False))

    def drop(self) -> None:
        """Every connection breaks; new ones are taken."""
        self._loop.do(self._drop())

    def stall(self) -> None:
        """Connections stay, but nothing moves until `flow`."""
        self._loop.do(self._flow(False))

    def flow(self) -> None:
        self._loop.do(self._flow(True))

    def inject(self, sent: "list[Frame] | bytes") -> None:
        """Say something to the browser on its socket, as if it came from the server."""
        self._loop.do(self._inject(sent if isinstance(sent, bytes) else encode(sent)))

    def close(self) -> None:
        self._loop.do(self._close())

    # How it does it.

    async def _listen(self) -> asyncio.Server:
        self._flowing.set()
        return await asyncio.start_server(self._serve, "127.0.0.1", 0, limit=MAX_HEAD)

    async def _cut(self, now: bool) -> None:
        self._is_cut = now
        if now:
            await self._drop()

    async def _drop(self) -> None:
        for writer in list(self._open):
            writer.transport.abort()

    async def _flow(self, now: bool) -> None:
        if now:
            self._flowing.set()
        else:
            self._flowing.clear()

    async def _inject(self, message: bytes) -> None:
        assert self._sockets, "the browser has no socket open"
        for writer in self._sockets:
            self._write_down("down", message)
            writer.write(frame(message))
            await writer.drain()

    async def _close(self) -> None:
        self._server.close()
        self._is_cut = True
        self._flowing.set()
        await self._drop()

    def _write_down(self, direction: Direction, message: bytes) -> None:
        self.messages.append((direction, message))

    async def _serve(self, reader: StreamReader, writer: StreamWriter) -> None:
        self._open.add(writer)
        upstream: StreamWriter | None = None
        try:
            if self._is_cut:
                return
            up_reader, upstream = await asyncio.open_connection(
                "127.0.0.1", self._server_port, limit=MAX_HEAD
            )
            self._open.add(upstream)
            await self._requests(reader, writer, up_reader, upstream)
        except (OSError, asyncio.IncompleteReadError):
            pass  # one end is gone; the other learns of it below
        except Exception as fault:
            self.faults.append(fault)
        finally:
            for one in (writer, upstream):
                if one is not None:
                    one.transport.abort()
                    self._open.discard(one)

    async def _requests(
        self, reader: StreamReader, writer: StreamWriter, up_reader: StreamReader, upstream: StreamWriter
    ) -> None:
        tunnel = ""
        while (head := await _head(reader)) is not None:
            first, headers = head
            self.raw.append(_encode_head(first, headers))
            method, target, _ = first.split(" ")
            await self._flowing.wait()
            if method == "CONNECT":
                if target not in self._home:
                    self.asked.append(Asked(method, target, "", tuple(headers)))
                    return
                tunnel = target
                writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
                continue
            parts = urlsplit(target)
            body = await _body(reader, headers)
            self.raw.append(body)
            path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
            asked = Asked(method, parts.netloc or tunnel, path, tuple(headers), body)
            self.asked.append(asked)
            if asked.authority not in self._home:
                return
            kept = [(k, v) for k, v in headers if k != "proxy-connection"]
            upstream.write(_encode_head(f"{method} {path} HTTP/1.1", kept) + body)
            answered = await _head(up_reader)
            if answered is None:
                return
            if answered[0].split(" ")[1] == "101":
                self.raw.append(_encode_head(*answered))
                writer.write(_encode_head(*answered))
                await self._socket(reader, writer, up_reader, upstream)
                return
            await self._answer(writer, up_reader, asked, answered)

    async def _answer(
        self,
        writer: StreamWriter,
        up_reader: StreamReader,
        asked: Asked,
        head: tuple[str, list[tuple[str, str]]],
    ) -> None:
        status = int(head[0].split(" ")[1])
        has_body = asked.method != "HEAD" and status not in NO_BODY
        body = await _body(up_reader, head[1]) if has_body else b""
        kept = tuple((k, v) for k, v in head[1] if k not in ("transfer-encoding", "content-length"))
        answer = Answer(status, kept, body)
        if self.on_answer is not None:
            answer = self.on_answer(asked, answer)
        length = [("content-length", str(len(answer.body)))] if has_body else []
        out = _encode_head(f"HTTP/1.1 {answer.status} -", [*answer.headers, *length]) + answer.body
        await self._flowing.wait()
        self.raw.append(out)
        writer.write(out)
        await writer.drain()
        self.answered.append(asked)

    async def _socket(
        self, reader: StreamReader, writer: StreamWriter, up_reader: StreamReader, upstream: StreamWriter
    ) -> None:
        self._sockets.add(writer)
        ways = [
            asyncio.create_task(self._pump("up", reader, upstream)),
            asyncio.create_task(self._pump("down", up_reader, writer)),
        ]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._sockets.discard(writer)
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)

    async def _pump(self, direction: Direction, reader: StreamReader, writer: StreamWriter) -> None:
        held: list[SocketFrame] = []
        while True:
            one = await read_frame(reader)
            if direction == "up":
                self.raw.append(one.raw)
            await self._flowing.wait()
            if one.control or one.opcode not in (BINARY, CONTINUATION):
                writer.write(one.raw)
            else:
                held.append(one)
                if one.final:
                    writer.write(self._pass_on(direction, held))
                    held = []
            await writer.drain()

    def _pass_on(self, direction: Direction, held: list[SocketFrame]) -> bytes:
        message = b"".join(one.payload for one in held)
        out = b"".join(one.raw for one in held)
        if self.on_frames is not None:
            changed = self.on_frames(direction, decode(message))
            if changed != decode(message):
                message = changed if isinstance(changed, bytes) else encode(changed)
                out = frame(message, mask=direction == "up") if message else b""
        self._write_down(direction, message)
        if direction == "down":
            self.raw.append(out)
        return out
