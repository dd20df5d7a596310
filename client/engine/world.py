"""Everything of the world outside that the engine touches. Tests have one that records, refuses and dies."""

import ipaddress
import secrets
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

import httpx2
from websockets.asyncio.client import connect

from client.vault.sqlite import sqlite_storage
from client.vault.storage import OpenStorage
from crypto.mls.bytes import Rng
from wire.bounds import MAX_SERVER_MESSAGE

# A dead connection is noticed within the sum of the two. These are the protocol's own pings, which browsers
# cannot send.
PING_EVERY_S = 20
PONG_WITHIN_S = 10
OPEN_WITHIN_S = 20
# On a dead network the closing itself would take long.
CLOSE_WITHIN_S = 1


class Socket(Protocol):
    """One WebSocket: binary messages both ways. Raises OSError or WebSocketException when it is over."""

    async def send(self, message: bytes) -> None: ...

    def __aiter__(self) -> AsyncIterator[bytes | str]: ...

    async def close(self, code: int = 1000) -> None: ...


@dataclass(frozen=True, slots=True)
class World:
    rng: Rng
    now: Callable[[], int]
    """Milliseconds since the epoch, by this device's clock."""
    storage: OpenStorage
    dial: Callable[[str], Awaitable[Socket]]
    """Open a WebSocket; the address holds a one-use ticket. Raises OSError or WebSocketException."""
    transport: Callable[[str], httpx2.AsyncBaseTransport | None]
    """For HTTP to an origin; None: httpx2's own."""


def clock() -> int:
    return time.time_ns() // 1_000_000


def trust() -> ssl.SSLContext:
    """Who vouches for servers: this system's authorities, and whom SSL_CERT_FILE names."""
    return ssl.create_default_context()


def is_here(url: str) -> bool:
    """Whether an address is of this machine: no proxy stands before it."""
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


async def dial(url: str) -> Socket:
    """Without compression: what travels is ciphertext."""
    secure = url.startswith("wss:")
    return await connect(
        url,
        ssl=trust() if secure else None,
        compression=None,
        max_size=MAX_SERVER_MESSAGE,
        open_timeout=OPEN_WITHIN_S,
        ping_interval=PING_EVERY_S,
        ping_timeout=PONG_WITHIN_S,
        close_timeout=CLOSE_WITHIN_S,
        proxy=None if is_here(url) else True,
    )


def system_world(store: Path) -> World:
    return World(
        rng=secrets.token_bytes,
        now=clock,
        storage=sqlite_storage(store),
        dial=dial,
        transport=lambda _: None,
    )
