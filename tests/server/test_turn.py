"""Credentials for TURN, and a real coturn that takes them: by UDP, TCP and TLS, to the media unit alone
(THREATS 33, 34).
"""

import asyncio
import hmac
import signal
import socket
import ssl
import time
from base64 import b64decode, b64encode
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aioice.stun import TransactionFailed
from aioice.turn import TurnClientProtocol, TurnClientTcpProtocol, TurnClientUdpProtocol
from pydantic import SecretStr

from server.errors import StartError
from server.settings import Settings, check
from server.turn_credentials import NAME_BYTES, TTL_S, turn_servers, turn_urls
from tests.house_server import ROOT, HouseServer, run
from tests.opaque.session import ServerError, Session
from tests.turn_server import TurnServer, composed, composed_environment
from wire.bounds import to_base64url

SECRET = "a secret of the tests, shared with coturn"
URLS = (
    "turn:localhost:3478?transport=udp turn:localhost:3478?transport=tcp, turns:localhost:5349?transport=tcp"
)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"turn_urls": "localhost:3478", "turn_secret": SECRET}, "TURN_URLS"),
        ({"turn_urls": "stun:localhost", "turn_secret": SECRET}, "TURN_URLS"),
        ({"turn_urls": "turn:me@localhost", "turn_secret": SECRET}, "TURN_URLS"),
        ({"turn_urls": "turn:localhost?transport=sctp", "turn_secret": SECRET}, "TURN_URLS"),
        ({"turn_urls": "turn:localhost " * 9, "turn_secret": SECRET}, "8 addresses"),
        ({"turn_urls": "turn:localhost"}, "belong together"),
        ({"turn_secret": SECRET}, "belong together"),
        ({"turn_urls": "turn:localhost", "turn_secret": "short"}, "short"),
        ({"turn_urls": "turn:localhost", "turn_secret_file": Path("/absent")}, "TURN_SECRET_FILE"),
        ({"turn_secret": SECRET, "turn_secret_file": Path("/absent")}, "not both"),
    ],
)
def test_settings_that_make_no_sense_are_refused(change: dict[str, Any], words: str) -> None:
    with pytest.raises(StartError, match=words):
        check(Settings(**change))


def test_addresses_of_every_kind_are_taken() -> None:
    check(Settings(turn_urls=URLS, turn_secret=SecretStr(SECRET)))
    check(Settings(turn_urls="", turn_secret=SecretStr("")))  # as the compose file leaves them
    assert turn_urls(URLS) == tuple(URLS.replace(",", "").split())
    assert turn_urls("turn:[2001:db8::1]:3478") == ("turn:[2001:db8::1]:3478",)


def test_a_secret_is_told_by_no_setting_that_is_printed() -> None:
    assert SECRET not in repr(Settings(turn_urls=URLS, turn_secret=SecretStr(SECRET)))


def test_a_credential_says_when_it_runs_out_and_nothing_else() -> None:
    made = turn_servers(("turn:localhost",), SECRET.encode(), 1_000_000, b"n" * NAME_BYTES)
    assert made.username == f"{1_000_000 + TTL_S}:{to_base64url(b'n' * NAME_BYTES)}"
    assert made.ttl == TTL_S <= 600
    assert b64decode(made.credential or "") == hmac.digest(SECRET.encode(), made.username.encode(), "sha1")


def test_without_a_turn_server_there_is_nothing_to_tell() -> None:
    assert turn_servers((), b"", 1_000_000, b"").model_dump(exclude_none=True) == {"urls": []}


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HouseServer]:
    """A server that shares the secret with coturn, by a file, and has the limits of every server."""
    folder = tmp_path_factory.mktemp("house")
    (folder / "secret").write_text(SECRET + "\n")
    server = HouseServer(
        folder, turn_urls=URLS, turn_secret_file=str(folder / "secret"), rate_factor="1"
    ).start()
    yield server
    server.close()


async def asked(house: HouseServer) -> dict[str, Any]:
    """What a new account is given."""
    me = Session(house.base)
    await me.register(house.token())
    found: dict[str, Any] = await me.http.post("/api/turn")
    assert to_base64url(me.identity.account) not in found["username"]
    assert to_base64url(me.device) not in found["username"]
    await me.http.close()
    return found


def test_a_device_is_given_fresh_credentials(house: HouseServer) -> None:
    async def work() -> None:
        first, second = await asked(house), await asked(house)
        assert first["urls"] == list(turn_urls(URLS))
        assert first["ttl"] == TTL_S
        assert 0 < int(first["username"].split(":")[0]) - time.time() <= TTL_S
        assert first["username"].split(":")[1] != second["username"].split(":")[1]

    run(work())


def test_nobody_else_is_and_nobody_without_end(house: HouseServer) -> None:
    async def work() -> None:
        me = Session(house.base)
        with pytest.raises(ServerError) as caught:
            await me.http.post("/api/turn")
        assert (caught.value.status, caught.value.code) == (401, "signed_out")
        await me.register(house.token())
        for _ in range(20):
            await me.http.post("/api/turn")
        with pytest.raises(ServerError) as caught:
            await me.http.post("/api/turn")
        assert (caught.value.status, caught.value.code) == (429, "too_many")

    run(work())


# Through coturn.


@pytest.fixture(scope="module")
def coturn(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TurnServer]:
    server = TurnServer(tmp_path_factory.mktemp("coturn"), SECRET)
    yield server
    server.close()


class Heard(asyncio.DatagramProtocol):
    """What comes back through the relay."""

    def __init__(self) -> None:
        self.data: asyncio.Queue[tuple[bytes, tuple[str, int]]] = asyncio.Queue()

    def datagram_received(self, data: bytes, addr: Any) -> None:
        self.data.put_nowait((data, (addr[0], addr[1])))

    def connection_lost(self, exc: Exception | None) -> None:
        pass


class Echo(asyncio.DatagramProtocol):
    """The tests' own in the place of the media unit: gives everything back."""

    transport: asyncio.DatagramTransport
    seen = 0

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def datagram_received(self, data: bytes, addr: Any) -> None:
        self.seen += 1
        self.transport.sendto(data, addr)


@asynccontextmanager
async def client(
    coturn: TurnServer, way: str, username: str, credential: str
) -> AsyncIterator[TurnClientProtocol]:
    """aioice's TURN client, by UDP, TCP or TLS."""
    loop = asyncio.get_running_loop()
    server = ("127.0.0.1", coturn.tls_port if way == "tls" else coturn.port)
    given = (server, username, credential, 600, 500)
    protocol: TurnClientProtocol
    if way == "udp":
        _, protocol = await loop.create_datagram_endpoint(
            lambda: TurnClientUdpProtocol(*given), remote_addr=server, family=socket.AF_INET
        )
    else:
        context = ssl.create_default_context(cafile=str(coturn.ca)) if way == "tls" else None
        name = "localhost" if way == "tls" else None
        _, protocol = await loop.create_connection(
            lambda: TurnClientTcpProtocol(*given), *server, ssl=context, server_hostname=name
        )
    protocol.receiver = Heard()
    try:
        yield protocol
    finally:
        if protocol.refresh_task is not None:
            await protocol.delete()
        protocol.transport.close()


@asynccontextmanager
async def echo(address: str) -> AsyncIterator[tuple[Echo, tuple[str, int]]]:
    transport, protocol = await asyncio.get_running_loop().create_datagram_endpoint(
        Echo, local_addr=(address, 0)
    )
    yield protocol, transport.get_extra_info("sockname")
    transport.close()


@pytest.mark.parametrize("way", ["udp", "tcp", "tls"])
def test_a_datagram_goes_through_and_comes_back(house: HouseServer, coturn: TurnServer, way: str) -> None:
    """With what our server gave out, by each way that networks leave open."""

    async def work() -> None:
        given = await asked(house)
        async with (
            echo("127.0.0.1") as (unit, address),
            client(coturn, way, given["username"], given["credential"]) as turn,
        ):
            relayed = await turn.connect()
            assert relayed[0] == "127.0.0.1"
            await turn.send_data(b"through the relay", address)
            assert isinstance(turn.receiver, Heard)
            heard = await asyncio.wait_for(turn.receiver.data.get(), 20)
            assert heard == (b"through the relay", address)
            assert unit.seen == 1

    run(work())


def test_a_renewed_certificate_is_read_when_it_is_told_so(coturn: TurnServer) -> None:
    """By the signal that README.md names."""
    before = coturn.shown_certificate()
    coturn.renew_certificate()
    assert "kill -s SIGUSR2 coturn" in (ROOT / "README.md").read_text()
    coturn.process.send_signal(signal.SIGUSR2)
    deadline = time.monotonic() + 20
    while coturn.shown_certificate() == before:
        assert time.monotonic() < deadline, "".join(coturn.said)
        time.sleep(0.02)


@pytest.mark.parametrize("why", ["secret", "expired", "stretched", "nobody"])
def test_a_wrong_or_expired_credential_opens_nothing(coturn: TurnServer, why: str) -> None:
    now = int(time.time())
    secret = b"another secret of somebody else" if why == "secret" else SECRET.encode()
    made_at = now - TTL_S - 60 if why in ("expired", "stretched") else now
    made = turn_servers(("turn:localhost",), secret, made_at, b"n" * NAME_BYTES)
    username, credential = made.username or "", made.credential or ""
    if why == "stretched":  # the time of one that ran out is written anew
        username = f"{now + TTL_S}:{username.split(':')[1]}"
    if why == "nobody":
        username, credential = "somebody", b64encode(hmac.digest(secret, b"somebody", "sha1")).decode()

    async def work() -> None:
        async with client(coturn, "udp", username, credential) as turn:
            with pytest.raises(TransactionFailed) as caught:
                await turn.connect()
            assert caught.value.response.error_code == 401

    run(work())


def test_a_coturn_without_a_secret_lets_nobody_in(tmp_path: Path) -> None:
    """The compose file started without one: it is not taken for an empty secret, which everybody knows."""
    forgotten = TurnServer(tmp_path, "")
    made = turn_servers(("turn:localhost",), b"", int(time.time()), b"n" * NAME_BYTES)

    async def work() -> None:
        async with client(forgotten, "udp", made.username or "", made.credential or "") as turn:
            with pytest.raises(TransactionFailed) as caught:
                await turn.connect()
            assert caught.value.response.error_code == 401

    run(work())
    forgotten.close()


@pytest.mark.parametrize(
    "peer", ["127.0.0.2", "10.0.0.1", "169.254.169.254", "192.168.1.1", "8.8.8.8", "0.0.0.0", "224.0.0.1"]
)
def test_nothing_but_the_media_unit_is_reached(coturn: TurnServer, peer: str) -> None:
    """THREATS 34: neighbours of the relay, and the open internet as well."""
    made = turn_servers(("turn:localhost",), SECRET.encode(), int(time.time()), b"p" * NAME_BYTES)

    async def work() -> None:
        async with client(coturn, "udp", made.username or "", made.credential or "") as turn:
            await turn.connect()
            with pytest.raises(TransactionFailed) as caught:
                await turn.send_data(b"x", (peer, 9))
            assert caught.value.response.error_code == 403

    run(work())


def test_a_neighbour_that_listens_hears_nothing(coturn: TurnServer) -> None:
    made = turn_servers(("turn:localhost",), SECRET.encode(), int(time.time()), b"q" * NAME_BYTES)

    async def work() -> None:
        async with (
            echo("127.0.0.1") as (unit, good),
            echo("127.0.0.2") as (inside, bad),
            client(coturn, "udp", made.username or "", made.credential or "") as turn,
        ):
            await turn.connect()
            with pytest.raises(TransactionFailed):
                await turn.send_data(b"to the neighbour", bad)
            await turn.send_data(b"to the unit", good)
            assert isinstance(turn.receiver, Heard)
            await asyncio.wait_for(turn.receiver.data.get(), 20)
            assert (unit.seen, inside.seen) == (1, 0)

    run(work())


def test_the_compose_file_knows_every_option(coturn: TurnServer) -> None:
    assert "Bad configuration format" not in "".join(coturn.said)
    options = composed(COLLEGIUM_DOMAIN="d", COLLEGIUM_ADDRESS="192.0.2.1", COLLEGIUM_TURN_SECRET="s")
    assert {"use-auth-secret", "no-cli", "no-tcp-relay", "allowed-peer-ip=192.0.2.1"} <= set(options)


@pytest.mark.parametrize("secret", ["", SECRET])
def test_the_compose_file_starts_our_server_with_settings_that_it_takes(
    secret: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    facts = {"COLLEGIUM_DOMAIN": "group.example.org", "COLLEGIUM_ADDRESS": "203.0.113.5"}
    for name, value in composed_environment(**facts, COLLEGIUM_TURN_SECRET=secret).items():
        monkeypatch.setenv(name, value)
    found = Settings(host="0.0.0.0")
    check(found)
    assert found.media_addresses == ("203.0.113.5",)
    # The same ports that its coturn listens on.
    ports = {
        line.partition("=")[2]
        for line in composed(**facts, COLLEGIUM_TURN_SECRET=secret)
        if "listening-port" in line
    }
    told = turn_urls(found.turn_urls)
    assert {url.split(":")[2].split("?")[0] for url in told} == (ports if secret else set())
