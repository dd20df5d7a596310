"""Wakes: who may be called and where (THREATS 43), what is sent (THREATS 21), that nobody waits for it."""

import asyncio
import ipaddress
import secrets
import sqlite3
import ssl
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

import pytest
import trustme
from sqlalchemy import Connection, insert, select

from server.backup import backup
from server.database import FILE, Readers
from server.errors import StartError
from server.ledger import Ledger
from server.push import COLLAPSE_S, MAX_OPEN, MAX_REST_S, MAX_TTL_S, MAX_WAITING, TRIES, Push, World
from server.push_call import (
    MAX_HEAD,
    Answer,
    CallError,
    ForbiddenAddressError,
    PushServices,
    judged,
    retry_after,
)
from server.push_endpoint import Endpoint, EndpointError, anyone_may_call, named_hosts, read_endpoint
from server.service import Service, start
from server.settings import Settings, check
from server.tables import ACCOUNTS, DEVICES, SUBSCRIPTIONS
from server.vapid import LIFETIME_S, RENEW_S, Vapid
from tests.house_server import HouseServer, run
from tests.opaque.session import ServerError, Session
from tests.push_service import PushService, Reply, claims_of
from wire import http
from wire.bounds import MAX_PUSH_ENDPOINT, from_base64url, to_base64url

T = TypeVar("T")
NAMED = frozenset({("push.example.org", 443), ("localhost", 8443)})
FCM = "https://fcm.googleapis.com/fcm/send/dVc:APA91b-x_y"


# Which endpoints.


@pytest.mark.parametrize(
    "text",
    [
        FCM,
        "https://fcm.googleapis.com:443/wp/x",
        "https://updates.push.services.mozilla.com/wpush/v2/gAAAAAB",
        "https://web.push.apple.com/QGuQyavXutnMH",
        "https://wns2-par02p.notify.windows.com/w/?token=BQYAAAC%2b",
        "https://push.example.org/x",
        "https://localhost:8443/x",
    ],
)
def test_a_push_service_that_is_known_or_named_may_be_called(text: str) -> None:
    assert (
        read_endpoint(text, NAMED).origin
        == text.replace(":443", "")[: text.replace(":443", "").index("/", 8)]
    )


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("http://fcm.googleapis.com/x", "plain https"),
        ("ftp://fcm.googleapis.com/x", "plain https"),
        ("https://fcm.googleapis.com@evil.example/x", "plain https"),
        ("https://evil.example#@fcm.googleapis.com/x", "plain https"),
        ("https://me:pw@fcm.googleapis.com/x", "plain https"),
        ("https://FCM.googleapis.com/x", "plain https"),
        ("https://fcm.googleapis.com", "plain https"),
        ("https://fcm.googleapis.com/x#y", "plain https"),
        ("https://fcm.googleapis.com/x\r\nHost: evil", "plain https"),
        ("https://fcm.googleapis.com/x y", "characters"),
        ("https://fcm.googleapis.com/é", "characters"),
        ("https://fcm.googleapis.com\\@evil.example/x", "plain https"),
        ("https://fcm.googleapis.com:8443/x", "known push service"),
        ("https://evilfcm.googleapis.com/x", "known push service"),
        ("https://evil.example/fcm.googleapis.com", "known push service"),
        ("https://fcm.googleapis.com.evil.example/x", "known push service"),
        ("https://notify.windows.com/x", "known push service"),
        ("https://evilnotify.windows.com/x", "known push service"),
        ("https://localhost/x", "known push service"),
        ("https://localhost:8444/x", "known push service"),
        ("https://127.0.0.1/x", "known push service"),
        ("https://[::1]/x", "plain https"),
        ("https://fcm.googleapis.com:0x1bb/x", "not an address"),
        ("https://[/x", "not an address"),
        ("", "plain https"),
        (FCM + "x" * MAX_PUSH_ENDPOINT, "too long"),
    ],
)
def test_any_other_endpoint_is_refused(text: str, why: str) -> None:
    with pytest.raises(EndpointError) as caught:
        read_endpoint(text, NAMED)
    assert caught.value.code == "push_endpoint"
    assert why in caught.value.message


@pytest.mark.parametrize(
    "address",
    [
        "0.0.0.0",
        "10.1.2.3",
        "100.64.0.1",
        "127.0.0.1",
        "169.254.169.254",
        "172.16.0.1",
        "192.168.1.1",
        "224.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::ffff:8.8.8.8",
        "::127.0.0.1",
        "64:ff9b::808:808",
        "64:ff9b:1::808:808",
        "2002:7f00:1::1",
        "2001:0:808:808::1",
        "fc00::1",
        "fd12::1",
        "fe80::1",
        "fec0::1",
        "ff02::1",
        "2001:db8::1",
    ],
)
def test_an_address_inside_is_never_called(address: str) -> None:
    assert not anyone_may_call(ipaddress.ip_address(address))


@pytest.mark.parametrize("address", ["8.8.8.8", "142.250.0.1", "2a00:1450:4001::1", "2620:149::1"])
def test_an_address_of_the_open_internet_is(address: str) -> None:
    assert anyone_may_call(ipaddress.ip_address(address))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"push_hosts": "https://push.example.org"}, "PUSH_HOSTS"),
        ({"push_hosts": "push.example.org:0"}, "PUSH_HOSTS"),
        ({"push_hosts": "push.example.org:99999"}, "PUSH_HOSTS"),
        ({"push_hosts": " ".join(f"p{n}.example.org" for n in range(17))}, "16 hosts"),
        ({"push_contact": "someone@example.org"}, "mailto:"),
        ({"push_ca": Path("/absent.pem")}, "PUSH_CA"),
    ],
)
def test_settings_that_make_no_sense_are_refused(change: dict[str, Any], words: str) -> None:
    with pytest.raises(StartError, match=words):
        check(Settings(**change))


def test_hosts_are_named_with_or_without_a_port() -> None:
    assert named_hosts("push.example.org, localhost:8443") == NAMED
    check(Settings(push_hosts="push.example.org", push_contact="mailto:someone@example.org"))


def test_an_authority_that_is_no_certificate_is_refused(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("nothing")
    with pytest.raises(StartError, match="PUSH_CA"):
        PushServices(authority=tmp_path / "ca.pem")


# The key.


def test_a_token_is_for_one_push_service_and_half_a_day() -> None:
    vapid = Vapid(secrets.token_bytes(32), "mailto:someone@example.org")
    first = vapid.authorization("https://push.example.org", 1_000_000)
    assert claims_of(first) == {
        "aud": "https://push.example.org",
        "exp": 1_000_000 + LIFETIME_S,
        "sub": "mailto:someone@example.org",
    }
    assert LIFETIME_S <= 24 * 3600  # RFC 8292 §2
    assert first.endswith("k=" + to_base64url(vapid.public_key))
    assert vapid.authorization("https://push.example.org", 1_000_000 + RENEW_S - 1) == first
    assert (
        claims_of(vapid.authorization("https://other.example.org", 1_000_000))["aud"]
        == "https://other.example.org"
    )
    later = claims_of(vapid.authorization("https://push.example.org", 1_000_000 + RENEW_S))
    assert later["exp"] == 1_000_000 + RENEW_S + LIFETIME_S
    # The server's clock was set back: a token from the future would be refused.
    assert claims_of(vapid.authorization("https://push.example.org", 500_000))["exp"] == 500_000 + LIFETIME_S


async def key_of(me: Session) -> dict[str, Any]:
    found: dict[str, Any] = await me.http.call("GET", "/api/push")
    return found


def test_the_key_is_made_once_kept_private_and_in_every_backup(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path / "data")

    async def key() -> bytes:
        service = await start(settings)
        await service.close()
        return service.push.vapid.public_key

    first = run(key())
    assert run(key()) == first
    assert (settings.data / FILE).stat().st_mode & 0o777 == 0o600
    backup(settings.data, tmp_path / "backup")
    assert (tmp_path / "backup").stat().st_mode & 0o777 == 0o600
    assert vapid_of(tmp_path / "backup").public_key == first


def vapid_of(database: Path) -> Vapid:
    """With the key that lies in a database."""
    opened = sqlite3.connect(database, timeout=10)
    (private,) = opened.execute("SELECT value FROM meta WHERE name = 'vapid_key'").fetchone()
    opened.close()
    return Vapid(private, "mailto:someone@example.org")


# What a device may say.


@pytest.fixture(scope="module")
def pushes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PushService]:
    service = PushService(tmp_path_factory.mktemp("push"))
    yield service
    service.close()


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory, pushes: PushService) -> Iterator[HouseServer]:
    """A server that may call the tests' push service, and has the limits of every server."""
    folder = tmp_path_factory.mktemp("house")
    server = HouseServer(folder, push_hosts=pushes.host, push_ca=str(pushes.ca), rate_factor="1").start()
    yield server
    server.close()


def refused(caught: pytest.ExceptionInfo[ServerError]) -> tuple[int, str]:
    return caught.value.status, caught.value.code


def test_a_device_names_its_endpoint_and_takes_it_back(house: HouseServer) -> None:
    async def work() -> None:
        me = Session(house.base)
        await me.register(house.token())
        assert (await key_of(me))["subscribed"] is False
        for endpoint in (FCM, FCM + "2"):
            await me.http.call("PUT", "/api/push", http.PushEndpoint(endpoint=endpoint))
        assert (await key_of(me))["subscribed"] is True
        assert stored(house, me.device) == [FCM + "2"]
        await me.http.call("DELETE", "/api/push")
        await me.http.call("DELETE", "/api/push")
        assert (await key_of(me))["subscribed"] is False
        with pytest.raises(ServerError) as caught:
            await me.http.call("PUT", "/api/push", http.PushEndpoint(endpoint="https://10.0.0.1/x"))
        assert refused(caught) == (403, "push_endpoint")
        long = http.PushEndpoint.model_construct(endpoint=FCM + "x" * MAX_PUSH_ENDPOINT)
        with pytest.raises(ServerError) as caught:
            await me.http.call("PUT", "/api/push", long)
        assert refused(caught) == (400, "malformed")
        me.http.session = None
        for method in ("GET", "PUT", "DELETE"):
            body = http.PushEndpoint(endpoint=FCM) if method == "PUT" else None
            with pytest.raises(ServerError) as caught:
                await me.http.call(method, "/api/push", body)
            assert refused(caught) == (401, "signed_out")

    run(work())


def stored(house: HouseServer, device: bytes) -> list[str]:
    database = sqlite3.connect(house.data / FILE, timeout=10)
    rows = database.execute("SELECT endpoint FROM subscriptions WHERE device = ?", (device,)).fetchall()
    database.close()
    return [endpoint for (endpoint,) in rows]


def test_whoever_signs_out_or_is_removed_is_woken_no_more(house: HouseServer) -> None:
    async def work() -> None:
        me = Session(house.base)
        await me.register(house.token())
        await me.http.call("PUT", "/api/push", http.PushEndpoint(endpoint=FCM))
        assert stored(house, me.device) == [FCM]
        await me.http.post("/api/sign-out")
        assert stored(house, me.device) == []
        await me.sign_in()
        await me.http.call("PUT", "/api/push", http.PushEndpoint(endpoint=FCM))
        await me.http.call("DELETE", f"/api/devices/{to_base64url(me.device)}")
        assert stored(house, me.device) == []

    run(work())


def test_changes_are_bounded_in_number(house: HouseServer) -> None:
    async def work() -> None:
        me = Session(house.base)
        await me.register(house.token())
        for _ in range(30):
            await me.http.call("PUT", "/api/push", http.PushEndpoint(endpoint=FCM))
        with pytest.raises(ServerError) as caught:
            await me.http.call("DELETE", "/api/push")
        assert refused(caught) == (429, "too_many")

    run(work())


# What is sent.


@asynccontextmanager
async def served(folder: Path, pushes: PushService, **settings: Any) -> AsyncIterator[Service]:
    """The parts of a server in this process, as it is set for this push service."""
    found = Settings(
        data=folder / "data",
        push_hosts=pushes.host,
        push_ca=pushes.ca,
        push_contact="mailto:someone@example.org",
        **settings,
    )
    service = await start(found)
    try:
        yield service
    finally:
        await service.close()


async def subscribed(service: Service, *endpoints: str) -> list[bytes]:
    """Devices with these endpoints."""
    devices = [secrets.token_bytes(16) for _ in endpoints]
    account = secrets.token_bytes(16)

    def insert_all(database: Any, _ledger: Ledger) -> None:
        sealed = {"root_key": b"r", "recovery_key": b"r", "backup": b"b", "user_handle": b"u", "created": 1}
        database.execute(insert(ACCOUNTS).values(id=account, **sealed))
        for device, endpoint in zip(devices, endpoints, strict=True):
            row = {"account": account, "sign_in_key": b"k", "created": 1, "seen": 1, "gone": False}
            database.execute(insert(DEVICES).values(id=device, **row))
            database.execute(insert(SUBSCRIPTIONS).values(device=device, endpoint=endpoint))

    await service.hub.change(insert_all)
    return devices


async def endpoints_left(service: Service) -> list[str]:
    return await service.readers.read(lambda db: list(db.execute(select(SUBSCRIPTIONS.c.endpoint)).scalars()))


def test_a_wake_is_signed_short_lived_urgent_and_empty(tmp_path: Path, pushes: PushService) -> None:
    async def work() -> None:
        async with served(tmp_path, pushes) as service:
            (device,) = await subscribed(service, pushes.endpoint("one"))
            nobody = secrets.token_bytes(16)
            before = len(pushes.received)
            assert await service.push.wake([device, nobody, device], ttl=45) == {device}
            (seen,) = pushes.received[before:]
            claims = claims_of(seen.headers["authorization"])
            assert (seen.method, seen.path, seen.body) == ("POST", "/push/one", b"")
            assert claims["aud"] == f"https://{pushes.host}"
            assert claims["sub"] == "mailto:someone@example.org"
            assert time.time() < float(str(claims["exp"])) <= time.time() + 24 * 3600
            given = {name: value for name, value in seen.headers.items() if name != "authorization"}
            assert given == {
                "host": pushes.host,
                "ttl": "45",
                "urgency": "high",
                "topic": "wake",
                "content-length": "0",
                "connection": "close",
            }
            assert seen.headers["authorization"].endswith("k=" + to_base64url(service.push.vapid.public_key))

    run(work())


def test_a_redirect_is_not_followed(tmp_path: Path, pushes: PushService) -> None:
    async def work() -> None:
        async with served(tmp_path, pushes) as service:
            before = len(pushes.received)
            names = [f"moved-{status}" for status in (301, 302, 303, 307, 308)]
            for name in names:
                location = (("location", pushes.endpoint("elsewhere")),)
                pushes.says(name, Reply(int(name[-3:]), location))
            devices = await subscribed(service, *(pushes.endpoint(name) for name in names))
            assert await service.push.wake(devices, ttl=45) == frozenset()
            assert sorted(one.path for one in pushes.received[before:]) == [f"/push/{name}" for name in names]

    run(work())


@pytest.mark.parametrize("status", [404, 410])
def test_a_subscription_that_is_over_is_deleted(tmp_path: Path, pushes: PushService, status: int) -> None:
    async def work() -> None:
        async with served(tmp_path, pushes) as service:
            over, good = f"over-{status}", f"good-{status}"
            pushes.says(over, Reply(status))
            first, second = await subscribed(service, pushes.endpoint(over), pushes.endpoint(good))
            assert await service.push.wake([first, second], ttl=45) == {second}
            assert await endpoints_left(service) == [pushes.endpoint(good)]

    run(work())


def test_a_subscription_that_was_renewed_meanwhile_stays(tmp_path: Path, pushes: PushService) -> None:
    """410 came for the endpoint of before."""

    class Renewing:
        async def post(self, endpoint: Endpoint, _authorization: str, _ttl: int) -> Answer:
            await service.hub.change(
                lambda db, _ledger: (
                    db.execute(SUBSCRIPTIONS.update().values(endpoint=pushes.endpoint("new"))).rowcount
                )
            )
            return Answer(410, None)

        def close(self) -> None:
            pass

    service: Service

    async def work() -> None:
        nonlocal service
        async with served(tmp_path, pushes) as service:
            (device,) = await subscribed(service, pushes.endpoint("old"))
            push = Push(
                service.readers, service.hub.change, service.push.vapid, Renewing(), service.push.named
            )
            assert await push.wake([device], ttl=45) == frozenset()
            assert await endpoints_left(service) == [pushes.endpoint("new")]

    run(work())


class Time:
    """Fake time: whoever waits has waited."""

    def __init__(self) -> None:
        self.now, self.waits = 1000.0, list[float]()

    async def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.now += seconds

    @property
    def world(self) -> World:
        return World(now=lambda: self.now, wall=time.time, sleep=self.sleep, spread=lambda: 1.0)


def with_time(service: Service, clock: Time) -> Push:
    posts = PushServices(authority=service.settings.push_ca)
    return Push(
        service.readers, service.hub.change, service.push.vapid, posts, service.push.named, clock.world
    )


def test_a_push_service_that_asks_for_rest_gets_it(tmp_path: Path, pushes: PushService) -> None:
    async def work() -> None:
        async with served(tmp_path, pushes) as service:
            clock = Time()
            push = with_time(service, clock)
            busy, busier = pushes.endpoint("busy"), pushes.endpoint("busier")
            pushes.says("busy", Reply(429, (("retry-after", "7"),)))
            pushes.says("busier", Reply(503, (("retry-after", "999999"),)))
            one, two = await subscribed(service, busy, busier)
            before = len(pushes.received)
            assert await push.wake([one], ttl=45) == {one}
            assert clock.waits == [7.0]
            # What is left of the time is what the push service is given.
            assert [seen.headers["ttl"] for seen in pushes.received[before:]] == ["45", "38"]
            # A rest that outlasts the wake is kept, by the wakes after it as well, and has a bound.
            assert await push.wake([two], ttl=45) == frozenset()
            clock.now += MAX_REST_S - 1
            assert await push.wake([two], ttl=45) == frozenset()
            assert len(pushes.received) == before + 3
            clock.now += 2 + COLLAPSE_S
            assert await push.wake([two], ttl=45) == {two}
            assert len(pushes.received) == before + 4
            await push.close()

    run(work())


def test_a_push_service_that_fails_is_tried_a_few_times(tmp_path: Path, pushes: PushService) -> None:
    async def work() -> None:
        async with served(tmp_path, pushes) as service:
            clock = Time()
            push = with_time(service, clock)
            pushes.says("failing", *(Reply(500) for _ in range(TRIES)))
            (device,) = await subscribed(service, pushes.endpoint("failing"))
            before = len(pushes.received)
            assert await push.wake([device], ttl=99_999) == frozenset()
            assert len(pushes.received) == before + TRIES
            assert clock.waits == [2.0, 4.0]
            assert pushes.received[before].headers["ttl"] == str(MAX_TTL_S)
            await push.close()

    run(work())


def test_wakes_of_a_few_seconds_are_one(tmp_path: Path, pushes: PushService) -> None:
    async def work() -> None:
        async with served(tmp_path, pushes) as service:
            clock = Time()
            push = with_time(service, clock)
            (device,) = await subscribed(service, pushes.endpoint("often"))
            before = len(pushes.received)
            both = await asyncio.gather(push.wake([device], ttl=45), push.wake([device], ttl=45))
            clock.now += COLLAPSE_S - 0.1
            assert [*both, await push.wake([device], ttl=45)] == [{device}] * 3
            assert len(pushes.received) == before + 1
            clock.now += 0.1
            assert await push.wake([device], ttl=45) == {device}
            assert len(pushes.received) == before + 2
            await push.close()

    run(work())


class Slow:
    """A push service that answers when it is told to; it counts how many wait for it."""

    def __init__(self) -> None:
        self.go = asyncio.Event()
        self.now = self.most = self.all = 0
        self.more = asyncio.Event()

    async def post(self, _endpoint: Endpoint, _authorization: str, _ttl: int) -> Answer:
        self.now, self.all = self.now + 1, self.all + 1
        self.most = max(self.most, self.now)
        if self.now == MAX_OPEN:
            self.more.set()
        await self.go.wait()
        self.now -= 1
        return Answer(201, None)

    def close(self) -> None:
        pass


class LookedUp(Readers):
    """The database, as before; says when so many look-ups have gone on to what follows them."""

    def __init__(self, readers: Readers, wanted: int) -> None:
        self._readers, self._left = readers, wanted
        self.all = asyncio.Event()

    async def read(self, query: Callable[[Connection], T]) -> T:
        found = await self._readers.read(query)
        self._left -= 1
        if self._left == 0:
            self.all.set()  # whoever waits for this runs after the caller has used what was found
        return found


def test_calls_at_once_and_wakes_that_wait_are_bounded(tmp_path: Path, pushes: PushService) -> None:
    async def work() -> None:
        async with served(tmp_path, pushes) as service:
            slow = Slow()
            devices = await subscribed(service, *(pushes.endpoint(f"s{n}") for n in range(MAX_WAITING + 40)))
            groups = [devices[at : at + 200] for at in range(0, len(devices), 200)]
            looked = LookedUp(service.readers, len(groups))
            push = Push(looked, service.hub.change, service.push.vapid, slow, service.push.named)
            waking = [asyncio.create_task(push.wake(group, ttl=45)) for group in groups]
            await asyncio.wait_for(slow.more.wait(), 20)
            await asyncio.wait_for(looked.all.wait(), 20)
            # While the push service is silent, everything else goes on.
            assert await endpoints_left(service) != []
            slow.go.set()
            woken = [device for task in waking for device in await task]
            assert slow.most == MAX_OPEN
            assert len(woken) == slow.all == MAX_WAITING

    run(work())


def test_whoever_stops_waiting_stops_no_wake(tmp_path: Path, pushes: PushService) -> None:
    async def work() -> None:
        async with served(tmp_path, pushes) as service:
            slow = Slow()
            push = Push(service.readers, service.hub.change, service.push.vapid, slow, service.push.named)
            devices = await subscribed(service, *(pushes.endpoint(f"w{n}") for n in range(MAX_OPEN)))
            first = asyncio.create_task(push.wake(devices, ttl=45))
            await asyncio.wait_for(slow.more.wait(), 20)
            second = asyncio.create_task(push.wake(devices, ttl=45))
            first.cancel()
            await asyncio.gather(first, return_exceptions=True)
            slow.go.set()
            assert await second == frozenset(devices)
            assert slow.all == MAX_OPEN

    run(work())


# Where the call goes.


def test_an_address_inside_is_refused_at_the_moment_of_the_call(tmp_path: Path, pushes: PushService) -> None:
    """The name is a known push service's, and it leads to this machine, where somebody listens."""
    asked: list[str] = []

    async def resolve(host: str, _port: int) -> Sequence[str]:
        asked.append(host)
        return ["127.0.0.1", "::1", "::ffff:127.0.0.1", "fe80::1%lo", "10.0.0.1"]

    async def work() -> None:
        services = PushServices(resolve, pushes.ca)
        before = len(pushes.received)
        inside = Endpoint("fcm.googleapis.com", pushes.port, "/push/inside", named=False)
        with pytest.raises(ForbiddenAddressError):
            await services.post(inside, "vapid t=x, k=y", 45)
        assert asked == ["fcm.googleapis.com"]
        assert len(pushes.received) == before
        # The same call of a host that was named by hand goes through, so it is the judgement that stopped it.
        named = Endpoint("localhost", pushes.port, "/push/inside", named=True)
        assert (await services.post(named, "vapid t=x, k=y", 45)).status == 201
        assert asked == ["fcm.googleapis.com", "localhost"]  # one look-up for a call
        services.close()

    run(work())


def test_a_name_may_have_a_good_address_beside_bad_ones() -> None:
    endpoint = Endpoint("fcm.googleapis.com", 443, "/x", named=False)
    assert judged(endpoint, ["10.0.0.1", "8.8.8.8", "::1"]) == ["8.8.8.8"]


@pytest.mark.parametrize("why", ["authority", "name"])
def test_a_certificate_of_somebody_else_gets_nothing(pushes: PushService, why: str) -> None:
    async def resolve(_host: str, _port: int) -> Sequence[str]:
        return ["127.0.0.1"]

    async def work() -> None:
        services = PushServices(resolve, pushes.ca if why == "name" else None)
        host = "other.example.org" if why == "name" else "localhost"
        before = len(pushes.received)
        with pytest.raises(CallError, match="SSLCertVerificationError"):
            await services.post(Endpoint(host, pushes.port, "/push/x", named=True), "vapid t=x, k=y", 45)
        assert len(pushes.received) == before
        services.close()

    run(work())


@pytest.mark.parametrize(
    ("says", "error"),
    [
        (b"HTTP/1.1 201 Created\r\n" + b"x: y\r\n" * MAX_HEAD, "RemoteProtocolError|too long"),
        (b"HTTP/1.1 103 Early Hints\r\n\r\n" * MAX_HEAD, "too long"),
        (b"not http at all\r\n\r\n", "RemoteProtocolError"),
        (b"", "no answer|RemoteProtocolError"),
        (None, "TimeoutError"),
    ],
)
def test_an_answer_that_is_none_is_bounded(tmp_path: Path, says: bytes | None, error: str) -> None:
    """Endless heads, endless interim answers, nonsense, a closed line, silence."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        try:
            if says is None:
                await reader.read()  # until the other side gives up
            else:
                writer.write(says)
                await writer.drain()
        except ConnectionError:
            pass  # the other side had enough
        finally:
            writer.close()

    async def work() -> None:
        server = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=context)
        port = server.sockets[0].getsockname()[1]
        within = 0.5 if says is None else 20
        services = PushServices(authority=tmp_path / "ca.pem", within=within)
        with pytest.raises(CallError, match=error):
            await services.post(Endpoint("localhost", port, "/x", named=True), "vapid t=x, k=y", 45)
        services.close()
        server.close()

    run(work())


def test_what_a_push_service_asks_for_is_read_in_both_forms() -> None:
    """RFC 9110 §10.2.3."""
    assert retry_after([(b"retry-after", b"120")]) == 120
    assert retry_after([(b"retry-after", b"9" * 400)]) == 999_999_999
    date = b"Mon, 30 Nov 2026 12:00:00 GMT"
    assert retry_after([(b"date", date), (b"retry-after", b"Mon, 30 Nov 2026 12:01:00 GMT")]) == 60
    assert retry_after([(b"date", date), (b"retry-after", b"Mon, 30 Nov 2026 11:00:00 GMT")]) == 0
    for nonsense in (b"soon", b"-5", "²".encode("latin-1"), b""):
        assert retry_after([(b"date", date), (b"retry-after", nonsense)]) is None
    assert retry_after([(b"retry-after", date)]) is None
    assert retry_after([]) is None


# All of it.


async def changes_nothing(_run: object) -> int:
    raise AssertionError("nothing is to be changed")


def test_from_a_subscription_to_a_wake(house: HouseServer, pushes: PushService) -> None:
    """A server in a process of its own takes the subscription; what wakes reads it from its database."""

    async def work() -> None:
        me = Session(house.base)
        await me.register(house.token())
        await me.http.call("PUT", "/api/push", http.PushEndpoint(endpoint=pushes.endpoint("whole")))
        key = from_base64url((await key_of(me))["key"])
        readers = Readers(house.data / FILE)
        vapid = vapid_of(house.data / FILE)
        push = Push(
            readers, changes_nothing, vapid, PushServices(authority=pushes.ca), named_hosts(pushes.host)
        )
        before = len(pushes.received)
        assert await push.wake([me.device], ttl=30) == {me.device}
        (seen,) = pushes.received[before:]
        assert seen.path == "/push/whole"
        # What the browser subscribed with is what the push service finds the wake signed by.
        claims_of(seen.headers["authorization"])
        assert seen.headers["authorization"].endswith("k=" + to_base64url(key))
        await push.close()
        readers.close()

    run(work())
