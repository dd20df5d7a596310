"""KeyPackages: kept filled on the server, claimed, judged, and joined by (RFC 9420 §10, §16.8; E9, E10, E25,
E39; THREATS 2, 3, 4).
"""

import asyncio
import json
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from hashlib import sha384
from pathlib import Path

import httpx2
import pytest

from client.collegium import Collegium
from client.engine.key_packages import (
    GRACE_MS,
    KEPT_THERE,
    LOOK_EVERY_MS,
    MAX_KEPT,
    REFILL_BELOW,
    RENEW_BEFORE_MS,
    Claimed,
    Plan,
    Unavailable,
    claim_key_packages,
    kept_for,
    plan_upkeep,
    tend,
    with_seen,
    without_used,
)
from client.engine.records import KeptKeyPackage, SeenKeyPackage
from client.engine.world import World, clock, system_world
from client.errors import CollegiumError, ServerError
from client.vault.storage import StorageChange, StorageRefusedError, VaultStorage, Wrap
from crypto.identity.known_people import KnownPerson
from crypto.mls.group import epoch_authenticator
from crypto.mls.join_group import join_by_welcome
from crypto.mls.key_package import KeyPackageSecrets
from crypto.mls.suite import room_suite
from crypto.room.key_packages import ClaimedKeyPackage
from tests.client.company import PASSPHRASE, House, found, let_in, opened, patience, until
from tests.client.exchange import filled, joined_by, with_added
from tests.house_server import run
from wire import frames
from wire import http as bodies
from wire.bounds import from_base64url, to_base64url

PATH = "/api/key-packages"
DAY_MS = 24 * 3600 * 1000
NOW = 1_800_000_000_000

# The plan


def kept(name: str, days: float = 30, last_resort: bool = False, sent: bool = True) -> KeptKeyPackage:
    return KeptKeyPackage(
        ref=sha384(name.encode()).digest(),
        key_package=name.encode(),
        secrets=KeyPackageSecrets(b"i", b"e", b"s"),
        not_after=int(NOW + days * DAY_MS),
        last_resort=last_resort,
        sent=sent,
    )


LAST = kept("last", last_resort=True)


def there(
    *some: KeptKeyPackage, last: KeptKeyPackage | None = LAST, handed_out: int | None = None
) -> bodies.OwnKeyPackages:
    return bodies.OwnKeyPackages(
        available=[one.ref for one in some],
        last_resort=None if last is None else last.ref,
        last_resort_handed_out=handed_out,
    )


def some(count: int, days: float = 30) -> list[KeptKeyPackage]:
    return [kept(f"{number} {days}", days) for number in range(count)]


def test_a_new_device_leaves_twenty_and_one_of_last_resort() -> None:
    assert plan_upkeep([], there(last=None), NOW) == Plan((), (), KEPT_THERE, True, ())


@pytest.mark.parametrize(("left", "made"), [(20, 0), (REFILL_BELOW, 0), (REFILL_BELOW - 1, 11), (0, 20)])
def test_it_is_refilled_below_the_half(left: int, made: int) -> None:
    mine = [*some(20), LAST]
    plan = plan_upkeep(mine, there(*mine[:left]), NOW)
    assert (plan.singles, plan.last_resort, plan.upload, plan.withdrawn) == (made, False, (), ())
    assert plan.kept == tuple(mine)  # those that were handed out may still join


def test_what_runs_out_within_a_week_is_renewed_and_taken_back() -> None:
    days = RENEW_BEFORE_MS / DAY_MS
    old, last = some(20, days), kept("old last", days, last_resort=True)
    plan = plan_upkeep([*old, last], there(*old, last=last), NOW)
    assert (plan.singles, plan.last_resort) == (KEPT_THERE, True)
    assert set(plan.withdrawn) == {one.ref for one in old}
    # Their keys stay: one may have been handed out a moment ago.
    assert len(plan.kept) == 21
    fresh = some(20, days + 0.001)
    assert plan_upkeep([*fresh, LAST], there(*fresh), NOW).singles == 0


def test_threats_4_the_one_of_last_resort_is_another_once_it_was_handed_out() -> None:
    mine = [*some(20), LAST]
    assert not plan_upkeep(mine, there(*mine[:20]), NOW).last_resort
    assert plan_upkeep(mine, there(*mine[:20], handed_out=NOW - 1), NOW).last_resort
    assert plan_upkeep(mine, there(*mine[:20], last=None), NOW).last_resort
    # It was made and stored, and perhaps sent: it goes again, and no third one is made.
    new = kept("new", last_resort=True, sent=False)
    plan = plan_upkeep([*mine, new], there(*mine[:20], handed_out=NOW - 1), NOW)
    assert (plan.last_resort, plan.upload) == (False, (new,))


def test_private_keys_go_a_week_after_their_end_and_not_before() -> None:
    end = kept("end", 1)
    assert plan_upkeep([end], there(), end.not_after + GRACE_MS).kept == (end,)
    assert plan_upkeep([end], there(), end.not_after + GRACE_MS + 1).kept == ()


def test_what_the_server_was_not_heard_to_have_goes_again_and_counts() -> None:
    unsent = [replace(one, sent=False) for one in some(20)]
    plan = plan_upkeep([*unsent, LAST], there(), NOW)
    assert (plan.upload, plan.singles) == (tuple(unsent), 0)


def test_what_another_store_has_the_keys_of_is_taken_back() -> None:
    """E39: after an older copy of the store was put back, nobody should be added by keys that are lost."""
    plan = plan_upkeep([], there(*some(20)), NOW)
    assert (len(plan.withdrawn), plan.singles, plan.last_resort) == (20, KEPT_THERE, True)


def test_whoever_is_drained_keeps_no_keys_without_end() -> None:
    many = some(MAX_KEPT - 4)
    assert plan_upkeep([*many, LAST], there(), NOW).singles == 3
    assert plan_upkeep([*some(MAX_KEPT), LAST], there(), NOW).singles == 0


def test_what_was_seen_is_remembered_until_it_runs_out(house: House, tmp_path: Path) -> None:
    async def work() -> None:
        async with opened(tmp_path / "ada") as ada:
            await found(house, ada, "Ada")
            records = with_seen(ada.session.records, SeenKeyPackage(b"one", NOW), NOW)
            records = with_seen(records, SeenKeyPackage(b"two", NOW + 2), NOW)
            assert [one.ref for one in records.seen_key_packages] == [b"one", b"two"]
            records = with_seen(records, SeenKeyPackage(b"three", NOW + 9), NOW + 1)
            assert [one.ref for one in records.seen_key_packages] == [b"two", b"three"]

    run(work())


# A world in a test's hands


class DeadError(Exception):
    """From here on nothing more is done."""


@dataclass
class Steps:
    """Counts what touches the world once KeyPackages are looked after: before and after each request about
    them, and before and after whatever is stored. From step `at` on nothing reaches anything.
    """

    at: int | None = None
    taken: int = 0
    upkeep: bool = False
    apart: bool = False
    """No request about KeyPackages reaches the server; all else does."""

    @property
    def over(self) -> bool:
        return self.at is not None and self.taken > self.at

    def step(self) -> None:
        self.taken += 1
        if self.over:
            raise DeadError


class Storage:
    def __init__(self, inner: VaultStorage, steps: Steps) -> None:
        self._inner, self._steps = inner, steps

    async def wraps(self) -> Sequence[Wrap]:
        return await self._inner.wraps()

    async def rows(self, keys: Sequence[bytes]) -> Sequence[bytes | None]:
        return await self._inner.rows(keys)

    async def change(self, change: StorageChange) -> bool:
        if not self._steps.upkeep:
            return await self._inner.change(change)
        try:
            self._steps.step()
            held = await self._inner.change(change)
            self._steps.step()
        except DeadError as error:
            raise StorageRefusedError("storage_denied") from error
        return held

    async def clear(self) -> None:
        await self._inner.clear()

    async def close(self) -> None:
        await self._inner.close()


Alter = Callable[[httpx2.Request, httpx2.Response], httpx2.Response]


class Transport(httpx2.AsyncHTTPTransport):
    """`calls`: those about KeyPackages. `alter` may be a server of ours that misbehaves."""

    def __init__(self, steps: Steps, calls: list[str], altered: "Altered") -> None:
        super().__init__()
        self._steps, self._calls, self._altered = steps, calls, altered

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        if not request.url.path.startswith(PATH):
            return await super().handle_async_request(request)
        if self._steps.apart:
            raise httpx2.ConnectError("apart")
        self._steps.upkeep = True
        try:
            self._steps.step()
            self._calls.append(request.method)
            response = await super().handle_async_request(request)
            await response.aread()
            self._steps.step()
        except DeadError as error:
            raise httpx2.ConnectError("gone") from error
        return self._altered.by(request, response)


@dataclass
class Altered:
    by: Alter


def as_it_is(_: httpx2.Request, response: httpx2.Response) -> httpx2.Response:
    return response


class Held:
    """A member whose steps, clock and answers are in a test's hands."""

    def __init__(self, store: Path, die_at: int | None = None, apart: bool = False) -> None:
        self.steps, self.altered = Steps(die_at), Altered(as_it_is)
        self.steps.apart = apart
        self.calls: list[str] = []
        self.ahead = 0
        world = system_world(store)

        async def open_storage() -> VaultStorage:
            return Storage(await world.storage(), self.steps)

        self.world: World = replace(
            world,
            now=lambda: clock() + self.ahead,
            storage=open_storage,
            transport=lambda _: Transport(self.steps, self.calls, self.altered),
        )
        self.me = Collegium(self.world, PASSPHRASE)

    @property
    def done(self) -> bool:
        """All that was made is there."""
        mine = self.me.session.records.key_packages
        return self.calls[-1:] == ["PUT"] and all(one.sent for one in mine)


def device_of(me: Collegium) -> bytes:
    return me.session.records.account.device_id


async def own(me: Collegium) -> bodies.OwnKeyPackages:
    return await me.session.auth.call("GET", PATH, bodies.OwnKeyPackages)


async def claim(me: Collegium, *others: Collegium) -> list[Claimed]:
    async with patience():
        (room,) = me.rooms
        devices = [device_of(other) for other in others]
        answer = await claim_key_packages(me.session, room.id, devices)
        assert list(answer) == devices
        return list(answer.values())


def taken(claimed: Claimed) -> ClaimedKeyPackage:
    assert isinstance(claimed, ClaimedKeyPackage), claimed
    return claimed


def on_disk(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.iterdir() if path.is_file())


# Filled, claimed, joined by


def test_a_group_is_joined_by_a_claimed_one_and_its_keys_go(house: House, tmp_path: Path) -> None:
    async def work() -> None:
        async with opened(tmp_path / "ada") as ada, opened(tmp_path / "ben") as ben:
            room = await found(house, ada, "Ada")
            await let_in(room, ben, "Ben")
            await until(ben, lambda: filled(ben))
            single = taken((await claim(ada, ben))[0])
            assert not single.last_resort
            staged = with_added(ada, single)
            welcome = staged.welcome or b""
            # E25: nobody comes into a group by the Welcome alone.
            came = frames.Welcome(room=bytes(16), n=1, time=1, payload=welcome)
            before = ben.session.records, ben.session.rooms
            await ben.session.frames([came])
            await ben.session.work(lambda _: None)
            assert (ben.session.records.key_packages, [*ben.session.rooms]) == (
                before[0].key_packages,
                [*before[1]],
            )
            # Whoever expects it finds the keys, and joins.
            mine = kept_for(ben.session.records, welcome)
            assert mine is not None
            assert mine.ref == single.ref
            assert await joined_by(ben, welcome) == epoch_authenticator(staged.next)
            assert kept_for(ben.session.records, welcome) is None
        async with opened(tmp_path / "ben") as ben:
            assert kept_for(ben.session.records, welcome) is None
            assert filled(ben) or len(ben.session.records.key_packages) == KEPT_THERE

    run(work())


def test_the_last_resort_is_marked_joins_twice_and_is_rotated(house: House, tmp_path: Path) -> None:
    async def work() -> None:
        held = Held(tmp_path / "ben")
        async with opened(tmp_path / "ada") as ada, held.me as ben:
            room = await found(house, ada, "Ada")
            theirs = await let_in(room, ben, "Ben")
            await until(ben, lambda: filled(ben))
            singles = [taken((await claim(ada, ben))[0]) for _ in range(KEPT_THERE)]
            assert len({one.ref for one in singles}) == KEPT_THERE
            last = [taken((await claim(ada, ben))[0]) for _ in range(2)]
            assert [one.last_resort for one in last] == [True, True]
            assert last[0].ref == last[1].ref
            for one in last:
                welcome = with_added(ada, one).welcome or b""
                mine = kept_for(ben.session.records, welcome)
                assert mine is not None
                join_by_welcome(
                    suite=room_suite, welcome=welcome, key_package=mine.key_package, secrets=mine.secrets
                )
                assert without_used(ben.session.records, mine) is ben.session.records
            looked = len(held.calls)
            held.ahead = LOOK_EVERY_MS - 600_000
            await theirs.say("not yet")
            assert len(held.calls) == looked
            # THREATS 4: at the next look, half a day later, there is another, and the rest is filled up.
            held.ahead = LOOK_EVERY_MS + 60_000
            await theirs.say("now")
            await until(ben, lambda: len(ben.session.records.key_packages) == 2 * KEPT_THERE + 2)
            await until(ben, lambda: all(one.sent for one in ben.session.records.key_packages))
            now_there = await own(ben)
            assert len(now_there.available) == KEPT_THERE
            assert now_there.last_resort not in (None, last[0].ref)
            assert now_there.last_resort_handed_out is None

    run(work())


def test_e39_private_keys_are_sealed_and_stored_before_the_server_hears(house: House, tmp_path: Path) -> None:
    async def work() -> None:
        held = Held(tmp_path / "ada")
        stored: list[int] = []

        def look(request: httpx2.Request, response: httpx2.Response) -> httpx2.Response:
            if request.method == "PUT":
                sent = {one["ref"] for one in json.loads(request.content)["key_packages"]}
                known = {to_base64url(one.ref) for one in held.me.session.records.key_packages}
                stored.append(len(sent & known) if sent <= known else -1)
            return response

        held.altered.by = look
        async with held.me as ada:
            await found(house, ada, "Ada")
            await until(ada, lambda: filled(ada))
            secrets = [one.secrets for one in ada.session.records.key_packages]
        assert stored == [KEPT_THERE + 1]
        disk = on_disk(tmp_path)
        assert len(disk) > 50_000
        for one in secrets:
            for key in (one.init_private_key, one.encryption_private_key, one.signature_private_key):
                assert key not in disk

    run(work())


# Of one look, before and after each: the question, what is made, the upload, and that it was heard. What was
# made in an earlier life is not made again, so six are certain.
STEPS, CERTAIN = 8, 6


def test_a_kill_at_any_step_leaves_nothing_half(house: House, tmp_path: Path) -> None:
    """Ada's upkeep ends at each of its steps in turn; meanwhile Ben claims. Whatever he was ever handed, she
    has the private keys of, and he is handed nothing twice.
    """

    async def work() -> None:
        handed: list[bytes] = []
        deaths = set()
        async with opened(tmp_path / "ben") as ben:
            room = await found(house, ben, "Ben")
            async with Held(tmp_path / "ada", apart=True).me as ada:
                await let_in(room, ada, "Ada")
                device = device_of(ada)
            for number in range(STEPS, 0, -1):
                held = Held(tmp_path / "ada", die_at=number)
                with suppress(CollegiumError):
                    async with held.me, patience():
                        while not held.steps.over and not held.done:  # noqa: ASYNC110  nothing tells
                            await asyncio.sleep(0.005)
                if held.steps.over:
                    deaths.add(number)
                async with patience():
                    for _ in range(12):
                        (one,) = (await claim_key_packages(ben.session, room.id, [device])).values()
                        if isinstance(one, Unavailable) or one.last_resort:
                            break
                        handed.append(one.ref)
            assert deaths >= set(range(1, CERTAIN))
            assert len(handed) == len(set(handed)) > 2 * KEPT_THERE
            async with opened(tmp_path / "ada") as ada:
                async with patience():
                    while len((left := await own(ada)).available) < REFILL_BELOW:  # noqa: ASYNC110
                        await asyncio.sleep(0.01)
                await until(ada, lambda: all(one.sent for one in ada.session.records.key_packages))
                known = {one.ref for one in ada.session.records.key_packages}
                assert set(handed) <= known
                assert set(left.available) <= known
                assert left.last_resort in known

    run(work())


# Attacks


def claim_answer(alter: Callable[[list[dict[str, object]]], list[dict[str, object]]]) -> Alter:
    """A server that hands out something else."""

    def by(request: httpx2.Request, response: httpx2.Response) -> httpx2.Response:
        if not request.url.path.endswith("/claim"):
            return response
        given = json.loads(response.content)["key_packages"]
        return httpx2.Response(200, json={"key_packages": alter(given)}, request=request)

    return by


def test_threats_2_3_an_evil_server_is_told_from_an_honest_one(house: House, tmp_path: Path) -> None:
    async def work() -> None:
        held = Held(tmp_path / "ada")
        async with (
            held.me as ada,
            opened(tmp_path / "ben") as ben,
            opened(tmp_path / "cleo") as cleo,
        ):
            room = await found(house, ada, "Ada")
            await let_in(room, ben, "Ben")
            await let_in(room, cleo, "Cleo")
            for other in (ada, ben, cleo):
                await until(other, lambda other=other: filled(other))  # type: ignore[misc]
            last: list[dict[str, object]] = []

            def keep(given: list[dict[str, object]]) -> list[dict[str, object]]:
                last[:] = given
                return given

            async def codes(alter: Callable[[list[dict[str, object]]], list[dict[str, object]]]) -> list[str]:
                held.altered.by = claim_answer(alter)
                answer = await claim(ada, ben, cleo)
                return [one.code if isinstance(one, Unavailable) else "taken" for one in answer]

            assert await codes(keep) == ["taken", "taken"]
            old = [dict(one) for one in last]

            def swapped(given: list[dict[str, object]]) -> list[dict[str, object]]:
                one, two = given
                return [{**one, "payload": two["payload"]}, {**two, "payload": one["payload"]}]

            def spoiled(given: list[dict[str, object]]) -> list[dict[str, object]]:
                data = bytearray(from_base64url(str(given[0]["payload"])))
                data[-1] ^= 1
                return [{**given[0], "payload": to_base64url(bytes(data))}, given[1]]

            assert await codes(swapped) == ["key_package_account", "key_package_account"]
            assert await codes(lambda _: old) == ["key_package_seen", "key_package_seen"]
            assert await codes(spoiled) == ["v402_key_package_signature", "taken"]
            assert await codes(lambda given: given[1:]) == ["none", "taken"]
            # E10: by the own clock. It is right again; what was refused then is not used later either.
            held.ahead = 40 * DAY_MS
            assert await codes(lambda given: given) == ["key_package_expired", "key_package_expired"]
            # Its own keys do not go by that clock.
            mine = ada.session.records.key_packages
            await tend(ada.session)
            assert ada.session.records.key_packages == mine
            held.ahead = 0
            # The seen ones are known after a restart as well.
            assert len(ada.session.records.seen_key_packages) == 4
            for nonsense in (
                lambda given: [given[0], given[0]],
                lambda given: [{**given[0], "device_id": to_base64url(bytes(16))}],
                lambda given: [*given, {**given[0], "device_id": to_base64url(bytes(16))}],
                lambda given: [{**given[0], "payload": ""}],
            ):
                held.altered.by = claim_answer(nonsense)
                with pytest.raises(ServerError) as refused:
                    await claim(ada, ben, cleo)
                assert refused.value.code == "server_answer"
            held.altered.by = as_it_is
            # E7: whose keys are disputed is not added before they are compared.
            people = ada.session.records.people
            account = ben.session.records.account.identity.account_id
            blocked: KnownPerson = replace(people[account], standing="blocked")
            await ada.session.work(
                lambda draft: setattr(
                    draft, "records", replace(draft.records, people={**people, account: blocked})
                )
            )
            assert await claim(ada, ben) == [Unavailable("identity_blocked")]
            # Neither oneself nor a device that is not in the room is asked for.
            before = len(held.calls)
            answer = await claim_key_packages(ada.session, room.id, [device_of(ada), bytes(16)])
            assert [*answer.values()] == [Unavailable("not_here")] * 2
            assert len(held.calls) == before
            with pytest.raises(CollegiumError) as unknown:
                await claim_key_packages(ada.session, bytes(16), [device_of(ben)])
            assert unknown.value.code == "not_found"

    run(work())


def test_a_device_that_has_left_none_there_is_told_as_none(house: House, tmp_path: Path) -> None:
    async def work() -> None:
        held = Held(tmp_path / "ben", apart=True)
        async with opened(tmp_path / "ada") as ada, held.me as ben:
            room = await found(house, ada, "Ada")
            await let_in(room, ben, "Ben")
            assert await claim(ada, ben) == [Unavailable("none")]

    run(work())
