"""One call of a push service: an empty POST over TLS (RFC 8030 §5), at an address that was judged.

The name is looked up once, the addresses are judged, and the socket is opened to one of them, so no second
look-up can lead elsewhere (THREATS 43). Redirects are answers like any other: nothing follows them.
"""

import asyncio
import ipaddress
import socket
import ssl
from collections.abc import Awaitable, Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from pathlib import Path

import h11

from server.errors import StartError
from server.push_endpoint import Endpoint, anyone_may_call

CONNECT_S = 5.0
CALL_S = 10.0  # all of it: look-up, connection, answer
MAX_ADDRESSES = 3  # tried of one name
MAX_HEAD = 16 * 1024  # of an answer; its body is not read
NAME_THREADS = 2
# RFC 8030 §5.4: of several wakes that wait at the push service, the last one alone is delivered.
TOPIC = "wake"

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]


class CallError(Exception):
    """The push service's, or the network's: there is no answer."""


class ForbiddenAddressError(CallError):
    """The name of a push service leads to where not everybody may call: nothing was sent."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a push service said. `retry_after` in seconds, as it was given."""

    status: int
    retry_after: float | None


class Resolver:
    """Names to addresses, by this system, in threads of its own: a slow look-up holds up nothing else."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(NAME_THREADS, thread_name_prefix="names")

    async def __call__(self, host: str, port: int) -> list[str]:
        loop = asyncio.get_running_loop()
        try:
            found = await loop.run_in_executor(
                self._threads, lambda: socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            )
        except OSError as error:
            raise CallError("the name is not known") from error
        return [str(address[0]) for *_, address in found]

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)


class PushServices:
    """Calls them. `authority` is a PEM file of who certifies the hosts named by hand; `within`, in seconds,
    is for a whole call.
    """

    def __init__(
        self, resolve: Resolve | None = None, authority: Path | None = None, within: float = CALL_S
    ) -> None:
        self._resolver = Resolver()
        self._resolve, self._within = resolve or self._resolver, within
        self._known, self._named = ssl.create_default_context(), ssl.create_default_context()
        if authority is not None:
            try:
                self._named.load_verify_locations(authority)
            except (OSError, ssl.SSLError) as error:
                raise StartError(f"COLLEGIUM_PUSH_CA: {authority} is not a readable PEM file.") from error

    async def post(self, endpoint: Endpoint, authorization: str, ttl: int) -> Answer:
        """Raises CallError. Never longer than `within`."""
        try:
            async with asyncio.timeout(self._within):
                addresses = judged(endpoint, await self._resolve(endpoint.host, endpoint.port))
                reader, writer = await self._connect(endpoint, addresses)
                try:
                    return await exchange(reader, writer, endpoint, authorization, ttl)
                finally:
                    # At once: an answer's body, however long, is not waited for.
                    writer.transport.abort()
        except (OSError, TimeoutError, h11.RemoteProtocolError) as error:
            raise CallError(type(error).__name__) from error

    def close(self) -> None:
        self._resolver.close()

    async def _connect(
        self, endpoint: Endpoint, addresses: Sequence[str]
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        context = self._named if endpoint.named else self._known
        last: Exception = CallError("no address")
        for address in addresses[:MAX_ADDRESSES]:
            try:
                # To the judged address; the certificate must still be for the name.
                async with asyncio.timeout(CONNECT_S):
                    return await asyncio.open_connection(
                        address, endpoint.port, ssl=context, server_hostname=endpoint.host, limit=MAX_HEAD
                    )
            except (OSError, TimeoutError) as error:
                last = error
        raise last


def judged(endpoint: Endpoint, found: Sequence[str]) -> list[str]:
    """The addresses that may be called. Raises ForbiddenAddressError when there is none."""
    plain = [one.partition("%")[0] for one in found]  # a zone would be of a link-local address
    allowed = [one for one in plain if endpoint.named or anyone_may_call(ipaddress.ip_address(one))]
    if not allowed:
        raise ForbiddenAddressError("no address of this name may be called")
    return allowed


async def exchange(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    endpoint: Endpoint,
    authorization: str,
    ttl: int,
) -> Answer:
    """Send the one request, and read the head of its answer."""
    line = h11.Connection(h11.CLIENT, max_incomplete_event_size=MAX_HEAD)
    request = h11.Request(
        method="POST",
        target=endpoint.target,
        headers=[
            ("Host", endpoint.authority),
            ("Authorization", authorization),
            ("TTL", str(ttl)),
            ("Urgency", "high"),
            ("Topic", TOPIC),
            ("Content-Length", "0"),
            ("Connection", "close"),
        ],
    )
    sent = (line.send(request) or b"") + (line.send(h11.EndOfMessage()) or b"")
    writer.write(sent)
    await writer.drain()
    taken = 0
    while True:
        match line.next_event():
            case h11.Response() as response:
                return Answer(response.status_code, retry_after(response.headers))
            case h11.NEED_DATA:
                data = await reader.read(MAX_HEAD)
                taken += len(data)
                if taken > MAX_HEAD:  # also of many short interim answers
                    raise CallError("the answer's head is too long")
                line.receive_data(data)
            case h11.InformationalResponse():
                continue
            case _:
                raise CallError("no answer")


def retry_after(headers: Iterable[tuple[bytes, bytes]]) -> float | None:
    """Seconds, or a date against the answer's own Date (RFC 9110 §10.2.3). What cannot be read counts as
    absent.
    """
    given = {name: value.decode("latin-1") for name, value in headers}
    text = given.get(b"retry-after")
    if text is None:
        return None
    if text.isascii() and text.isdigit():
        return float(text[:9])
    at, now = _date(text), _date(given.get(b"date", ""))
    return max(0.0, at - now) if at is not None and now is not None else None


def _date(text: str) -> float | None:
    try:
        return parsedate_to_datetime(text).timestamp()
    except (TypeError, ValueError, OverflowError):
        return None
