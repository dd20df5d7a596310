"""KeyPackages on the server: handed out once, to whom they may be, bounded, and gone when they run out
(RFC 9420 §10, §16.8; THREATS 3, 4, 39, 40).
"""

import asyncio
import random
import sqlite3
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from hashlib import sha384
from pathlib import Path
from typing import Any

import httpx2
import pytest

from server.database import FILE, connect
from server.key_packages import CLAIMS_FROM_DEVICE, CLAIMS_OF_ACCOUNT
from server.ledger import Ledger
from server.retention import collect
from tests.house_server import HouseServer, run
from tests.opaque.session import ServerError, Session
from wire import http
from wire.bounds import MAX_CLAIM, MAX_KEY_PACKAGE, MAX_KEY_PACKAGES, from_base64url, to_base64url

PATH = "/api/key-packages"
DAY_MS = 24 * 3600 * 1000


def package(name: str, days: float = 30, last_resort: bool = False) -> http.KeyPackage:
    """Bytes that mean nothing: the server does not look."""
    payload = f"a KeyPackage called {name}".encode()
    not_after = int(time.time() * 1000 + days * DAY_MS)
    ref = sha384(payload).digest()
    return http.KeyPackage(ref=ref, not_after=not_after, payload=payload, last_resort=last_resort)


async def put(me: Session, *packages: http.KeyPackage, withdrawn: Sequence[bytes] = ()) -> Any:
    body = http.KeyPackages(key_packages=list(packages), withdrawn=list(withdrawn))
    return await me.http.call("PUT", PATH, body)


async def own(me: Session) -> http.OwnKeyPackages:
    return http.OwnKeyPackages.model_validate(await me.http.call("GET", PATH))


async def claim(me: Session, *devices: bytes) -> list[tuple[bytes, str, bool]]:
    """Device, name and whether it is the last resort's."""
    answer = await me.http.post(PATH + "/claim", http.KeyPackageClaim(devices=list(devices)))
    found = http.ClaimedKeyPackages.model_validate(answer).key_packages
    return [(one.device_id, one.payload.decode().split()[-1], one.last_resort) for one in found]


async def registered(house: HouseServer, count: int) -> list[Session]:
    made = [Session(house.base) for _ in range(count)]
    for one in made:
        await one.register(house.token())
    return made


async def together(house: HouseServer, count: int) -> list[Session]:
    """So many people in one room."""
    made = await registered(house, count)
    room = await made[0].create_room()
    await made[0].connect()
    await made[0].add(room, *made[1:])
    return made


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while True:
            if holds():
                return
            await asyncio.sleep(0.001)


async def end(*sessions: Session) -> None:
    for one in sessions:
        await one.close()


def rows(house: HouseServer, query: str, *values: object) -> list[Any]:
    database = sqlite3.connect(house.data / "collegium.sqlite", timeout=10)
    with database:
        found = database.execute(query, values).fetchall()
    database.close()
    return found


def test_each_is_handed_out_once_and_the_last_resort_when_there_is_no_other(house: HouseServer) -> None:
    async def work() -> None:
        me, other = await together(house, 2)
        packages = [package("later", 20), package("sooner", 10), package("last", 5, last_resort=True)]
        stored = await put(me, *packages)
        refs = {one.payload.decode().split()[-1]: one.ref for one in packages}
        here = await own(me)
        assert http.OwnKeyPackages.model_validate(stored) == here
        assert here.available == [refs["sooner"], refs["later"]]
        assert (here.last_resort, here.last_resort_handed_out) == (refs["last"], None)
        assert await claim(other, me.device) == [(me.device, "sooner", False)]
        assert await claim(other, me.device) == [(me.device, "later", False)]
        assert (await own(me)).last_resort_handed_out is None
        before = int(time.time() * 1000)
        assert await claim(other, me.device) == [(me.device, "last", True)]
        first = (await own(me)).last_resort_handed_out
        assert first is not None
        assert before <= first <= int(time.time() * 1000)
        assert await claim(other, me.device) == [(me.device, "last", True)]
        assert (await own(me)) == http.OwnKeyPackages(
            available=[], last_resort=refs["last"], last_resort_handed_out=first
        )
        await end(me, other)

    run(work())


def test_the_same_upload_again_changes_nothing(house: HouseServer) -> None:
    async def work() -> None:
        me, other = await together(house, 2)
        batch = [package("one"), package("two"), package("last", last_resort=True)]
        first = await put(me, *batch)
        assert await put(me, *batch) == first
        await claim(other, me.device)
        await claim(other, me.device)
        await claim(other, me.device)
        # Its answer was lost, and meanwhile all were handed out: nothing comes back to be handed out twice.
        again = await put(me, *batch)
        assert again["available"] == []
        assert again["last_resort_handed_out"] > 0
        assert await claim(other, me.device) == [(me.device, "last", True)]
        await end(me, other)

    run(work())


def test_a_new_last_resort_takes_the_place_of_the_old_one(house: HouseServer) -> None:
    async def work() -> None:
        me, other = await together(house, 2)
        old, new, spare = package("old", last_resort=True), package("new", last_resort=True), package("spare")
        await put(me, old)
        await claim(other, me.device)
        renewed = await put(me, new)
        assert (renewed["last_resort"], renewed.get("last_resort_handed_out")) == (
            to_base64url(new.ref),
            None,
        )
        assert await claim(other, me.device) == [(me.device, "new", True)]
        # Taken back by its owner: what is still there goes.
        await put(me, spare)
        assert (await put(me, withdrawn=[spare.ref, new.ref, bytes(32)]))["available"] == []
        assert await claim(other, me.device) == []
        await end(me, other)

    run(work())


def test_threats_39_who_shares_no_room_is_told_what_is_told_of_nobody(house: HouseServer) -> None:
    async def work() -> None:
        me, colleague, empty = await together(house, 3)
        stranger, alone = await registered(house, 2)
        for one in (me, stranger, alone, colleague):
            await put(one, package(f"of-{one.device.hex()}"), package("last", last_resort=True))
        unknown = bytes(16)
        answers = [
            await claim(colleague, device)
            for device in (unknown, stranger.device, alone.device, empty.device, colleague.device)
        ]
        assert answers == [[]] * 5
        assert await claim(stranger, me.device, colleague.device) == []
        # In one claim with others, the others are there, in the order of the claim.
        asked = [stranger.device, me.device, unknown, colleague.device]
        assert [one[0] for one in await claim(empty, *asked)] == [me.device, colleague.device]
        assert len((await own(stranger)).available) == 1
        await end(me, colleague, empty, stranger, alone)

    run(work())


def test_another_device_of_an_account_in_the_room_can_be_claimed_until_nobody_of_it_is(
    house: HouseServer,
) -> None:
    async def work() -> None:
        me, other = await together(house, 2)
        room = next(iter(me.rooms))
        second = Session(house.base, other.identity.other_device())
        await second.recover()
        await put(second, package("one", 9), package("two", 10))
        assert await claim(me, second.device) == [(second.device, "one", False)]
        # The second is in no room itself: it may be claimed, and claims nothing.
        assert await claim(second, me.device) == []
        await other.connect()
        await other.deliver(other.leave(room))
        assert await claim(me, second.device) == []
        assert await claim(other, me.device) == []
        await end(me, other, second)

    run(work())


def test_a_removed_devices_packages_go_with_it(house: HouseServer) -> None:
    async def work() -> None:
        me, other = await together(house, 2)
        second = Session(house.base, other.identity.other_device())
        await second.recover()
        await put(second, package("one"), package("last", last_resort=True))
        await other.http.call("DELETE", f"/api/devices/{to_base64url(second.device)}")
        assert await claim(me, second.device) == []
        found = rows(house, "SELECT count(*) FROM key_packages WHERE device = ?", second.device)
        assert found == [(0,)]
        await end(me, other, second)

    run(work())


def test_what_has_run_out_is_not_served_and_is_collected(tmp_path: Path) -> None:
    house = HouseServer(tmp_path, collect_seconds="3600").start()

    async def work() -> None:
        me, other = await together(house, 2)
        await put(me, package("fresh"), package("stale"), package("last", last_resort=True))
        past = int(time.time() * 1000) - 1
        fresh = sha384(b"a KeyPackage called fresh").digest()
        rows(house, "UPDATE key_packages SET not_after = ? WHERE ref <> ?", past, fresh)
        rows(house, "INSERT INTO claim_counts VALUES (?, ?, 1)", bytes(16), past // 3_600_000 - 25)
        assert (await own(me)) == http.OwnKeyPackages(available=[fresh])
        assert await claim(other, me.device) == [(me.device, "fresh", False)]
        assert await claim(other, me.device) == []
        await end(me, other)

    try:
        run(work())
        assert house.stop() == 0
    finally:
        house.close()
    engine = connect(house.data / FILE, writer=True)
    with engine.begin() as connection:
        collect(connection, Ledger(), int(time.time() * 1000), 90)
    engine.dispose()
    assert rows(house, "SELECT payload, handed_out > 0 FROM key_packages") == [(None, 1)]
    assert rows(house, "SELECT count(*) FROM claim_counts WHERE subject = ?", bytes(16)) == [(0,)]


def test_what_is_too_much_or_not_in_form_is_refused(house: HouseServer) -> None:
    async def refused(me: Session, *packages: http.KeyPackage) -> str:
        with pytest.raises(ServerError) as error:
            await put(me, *packages)
        return error.value.code

    async def raw(me: Session, method: str, path: str, body: object) -> str:
        headers = {"authorization": "Bearer " + to_base64url(me.http.session or b"")}
        async with httpx2.AsyncClient(base_url=house.base) as client:
            answer = await client.request(method, path, json=body, headers=headers)
        return str(answer.json()["code"])

    async def work() -> None:
        [me] = await registered(house, 1)
        one = package("one")
        assert await refused(me, one, one) == "malformed"
        assert (
            await refused(me, package("a", last_resort=True), package("b", last_resort=True)) == "malformed"
        )
        assert await refused(me, package("old", -1)) == "lifetime"
        assert await refused(me, package("long", 33)) == "lifetime"
        good = {"ref": "A" * 43, "not_after": one.not_after, "payload": "AA", "last_resort": False}
        long = to_base64url(bytes(MAX_KEY_PACKAGE + 1))
        for wrong in (
            {**good, "ref": to_base64url(bytes(33))},
            {**good, "ref": to_base64url(bytes(31))},
            {**good, "payload": ""},
            {**good, "payload": long},
            {**good, "last_resort": 1},
            {**good, "more": 1},
        ):
            body = {"key_packages": [wrong], "withdrawn": []}
            assert await raw(me, "PUT", PATH, body) == "malformed"
        crowd = {"key_packages": [good] * (MAX_KEY_PACKAGES + 1), "withdrawn": []}
        assert await raw(me, "PUT", PATH, crowd) == "malformed"
        heavy = {**good, "payload": long[:-4]}
        assert await raw(me, "PUT", PATH, {"key_packages": [heavy] * 25, "withdrawn": []}) == "too_large"
        for devices in ([], ["A" * 22] * 2, [to_base64url(bytes([i] * 16)) for i in range(MAX_CLAIM + 1)]):
            assert await raw(me, "POST", PATH + "/claim", {"devices": devices}) == "malformed"
        # As many as fit, and none of a batch beyond.
        await put(me, *[package(f"{number}") for number in range(MAX_KEY_PACKAGES - 1)])
        assert await refused(me, package("x"), package("y")) == "too_many_key_packages"
        assert len((await own(me)).available) == MAX_KEY_PACKAGES - 1
        await put(me, package("x"), package("last", last_resort=True))
        nobody = Session(house.base)
        for method, path in (("GET", PATH), ("PUT", PATH), ("POST", PATH + "/claim")):
            with pytest.raises(ServerError) as error:
                await nobody.http.call(method, path)
            assert error.value.code == "signed_out"
        await end(me, nobody)

    run(work())


FACTOR = 0.5


def test_threats_4_quotas_survive_a_restart_and_move_on(tmp_path: Path) -> None:
    house = HouseServer(tmp_path, rate_factor=str(FACTOR)).start()
    of_account, from_device = int(CLAIMS_OF_ACCOUNT * FACTOR), int(CLAIMS_FROM_DEVICE * FACTOR)

    async def too_many(me: Session, *devices: bytes) -> bool:
        try:
            await claim(me, *devices)
        except ServerError as error:
            if (error.status, error.code) != (429, "too_many"):
                raise
            return True
        return False

    async def work() -> None:
        me, drainer, other = await together(house, 3)
        batch = [package(f"{number}", 5 + number / 10) for number in range(from_device + 1)]
        await put(me, *batch, package("last", last_resort=True))
        taken = [(await claim(drainer, me.device))[0][2] for _ in range(from_device + 1)]
        # From a device no more than its quota; then it is added by its last resort, whoever asks.
        assert taken == [False] * from_device + [True]
        assert (await claim(other, me.device))[0][2]
        assert len((await own(me)).available) == 1
        # An account claims no more than its quota, whether there was something or not.
        unknown = [bytes([0, number] * 8) for number in range(of_account)]
        left = of_account - from_device - 1
        for at in range(0, left, MAX_CLAIM):
            assert not await too_many(drainer, *unknown[at : min(at + MAX_CLAIM, left)])
        assert await too_many(drainer, unknown[0])
        assert await too_many(drainer, me.device)
        assert not await too_many(other, me.device)
        await asyncio.to_thread(house.kill)
        await asyncio.to_thread(house.start)
        assert await too_many(drainer, me.device)
        assert (await claim(other, me.device))[0][2]
        # The window moves on by the hour.
        rows(house, "UPDATE claim_counts SET hour = hour - 24")
        assert await claim(drainer, me.device) == [(me.device, f"{from_device}", False)]
        await end(me, drainer, other)

    try:
        run(work())
    finally:
        house.close()


KILLS = 2
STORED = 90


def test_nothing_is_handed_out_twice_whenever_the_server_is_killed(tmp_path: Path) -> None:
    """Three claim at the same time; the server is killed in the middle and started again."""
    house = HouseServer(tmp_path).start()
    dice = random.Random(16_8)
    taken: list[str] = []

    def reached(goal: int) -> bool:
        return len(taken) >= goal

    async def claims(me: Session, target: bytes, enough: int) -> None:
        """Until so many were handed out, or the server is gone."""
        with suppress(httpx2.HTTPError, OSError):
            while len(taken) < enough and (found := await claim(me, target)):
                taken.extend(name for _, name, _ in found)

    async def work() -> None:
        target, *claimers = await together(house, 4)
        batch = [package(f"{number}") for number in range(STORED)]
        await put(target, *batch)
        for _ in range(KILLS):
            goal = len(taken) + dice.randrange(4, 12)
            asking = [asyncio.create_task(claims(one, target.device, STORED)) for one in claimers]
            await until(partial(reached, goal))
            await asyncio.to_thread(house.kill)
            await asyncio.gather(*asking)
            await asyncio.to_thread(house.start)
            # The owner does not know whether its upload was heard, and says it again.
            await put(target, *batch)
        await asyncio.gather(*[claims(one, target.device, STORED + 1) for one in claimers])
        assert len(taken) == len(set(taken))
        # An answer may be lost with the server, at most one for each claimer and kill.
        assert STORED - 3 * KILLS <= len(taken) <= STORED
        assert (await own(target)).available == []
        # What was handed out is on the disk no more.
        assert rows(house, "SELECT count(*) FROM key_packages WHERE payload IS NOT NULL") == [(0,)]
        await end(target, *claimers)

    try:
        run(work())
    finally:
        house.close()


def test_a_ref_is_as_long_as_a_hash() -> None:
    for length in (32, 48):
        assert http.OwnKeyPackages(available=[bytes(length)]).available == [bytes(length)]
    assert from_base64url(http.OwnKeyPackages(available=[bytes(32)]).model_dump(mode="json")["available"][0])
