"""One socket to the delivery service that heals by itself: it tries again with growing, jittered waits."""

import asyncio
import random
from collections.abc import Iterable, Sequence
from typing import Protocol

from websockets.exceptions import WebSocketException

from client.engine.world import Socket, World
from wire.bounds import MAX_CLIENT_MESSAGE, MAX_FRAMES
from wire.codec import DecodeError, decode_server, encode
from wire.frames import (
    Bye,
    CallAnswer,
    CallJoin,
    CallLeave,
    Cursor,
    Ephemeral,
    Fetch,
    Hello,
    Send,
    ServerFrame,
    Wake,
)

FIRST_WAIT_S = 0.25
LONGEST_WAIT_S = 15.0

ClientFrame = Hello | Send | Cursor | Fetch | Ephemeral | CallJoin | CallAnswer | CallLeave | Wake


class SocketEvents(Protocol):
    async def address(self) -> str:
        """Where to, with a one-use ticket. Raises when there is none to be had now."""
        ...

    def opened(self) -> None: ...

    async def frames(self, frames: Sequence[ServerFrame]) -> None:
        """Returns when there is room for more."""
        ...

    def lost(self) -> None:
        """The socket is gone."""
        ...

    def failed(self, error: Exception) -> bool:
        """There was no ticket. True: for a reason that waiting does not mend, so this socket ends."""
        ...


def messages(frames: Iterable[ClientFrame]) -> list[bytes]:
    """As few WebSocket messages as the server's bounds allow."""
    out: list[bytes] = []
    part, count = bytearray(), 0
    for frame in frames:
        one = encode(frame)
        if count == MAX_FRAMES or (part and len(part) + len(one) > MAX_CLIENT_MESSAGE):
            out.append(bytes(part))
            part, count = bytearray(), 0
        part += one
        count += 1
    if part:
        out.append(bytes(part))
    return out


class HealingSocket:
    """Began by `start`; everything happens in one task until `stop`."""

    def __init__(self, world: World, events: SocketEvents) -> None:
        self._world, self._events = world, events
        self._task: asyncio.Task[None] | None = None
        self._socket: Socket | None = None
        self._outgoing: asyncio.Queue[bytes] = asyncio.Queue()
        self._hurry = asyncio.Event()
        self._wait = FIRST_WAIT_S

    def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name="collegium socket")

    def send(self, frames: Iterable[ClientFrame]) -> None:
        """If the socket is open; what must not be lost is kept by the caller until it is acknowledged.

        What waits here is bounded by what the rooms have in flight.
        """
        if self._socket is not None:
            for message in messages(frames):
                self._outgoing.put_nowait(message)

    def hurry(self) -> None:
        """There is a reason to try at once."""
        self._hurry.set()

    async def restart(self) -> None:
        """Begin anew: the stream no longer makes sense, or the clock has leapt."""
        if self._socket is not None:
            await self._socket.close(4000)

    async def stop(self) -> None:
        if self._task is None:
            return
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        self._task = None

    async def _run(self) -> None:
        while True:
            try:
                address = await self._events.address()
            except Exception as error:
                if self._events.failed(error):
                    return
            else:
                await self._live(address)
            # Jitter, so that a restarted server is not met by everyone in the same instant.
            await self._pause(self._wait * random.uniform(0.5, 1.0))  # noqa: S311
            self._wait = min(self._wait * 2, LONGEST_WAIT_S)

    async def _pause(self, seconds: float) -> None:
        self._hurry.clear()
        try:
            async with asyncio.timeout(seconds):
                await self._hurry.wait()
                self._wait = FIRST_WAIT_S
        except TimeoutError:
            pass

    async def _live(self, address: str) -> None:
        """One connection, from its opening to its end."""
        try:
            socket = await self._world.dial(address)
        except (OSError, WebSocketException):
            return
        self._socket, self._outgoing = socket, asyncio.Queue()
        writer = asyncio.create_task(self._write(socket, self._outgoing))
        try:
            self._events.opened()
            await self._read(socket)
        except (OSError, WebSocketException, DecodeError):
            pass  # over, or not our protocol: begin anew
        finally:
            self._socket = None
            writer.cancel()
            self._events.lost()
            await asyncio.gather(writer, self._quietly_close(socket), return_exceptions=True)

    async def _quietly_close(self, socket: Socket) -> None:
        await socket.close(1000)

    async def _read(self, socket: Socket) -> None:
        async for message in socket:
            if isinstance(message, str):
                raise DecodeError("text")
            frames = decode_server(message)
            # Only now: a server that accepts and then sends us away must not be asked four times a second.
            if any(not isinstance(frame, Bye) for frame in frames):
                self._wait = FIRST_WAIT_S
            await self._events.frames(frames)

    async def _write(self, socket: Socket, outgoing: "asyncio.Queue[bytes]") -> None:
        try:
            while True:
                await socket.send(await outgoing.get())
        except (OSError, WebSocketException):
            pass  # the reader finds the same end, and goes on from there
