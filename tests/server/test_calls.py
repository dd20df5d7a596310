"""Calls over real sockets: the server as it is, and a unit process that does what answers say."""

import asyncio
import os
import secrets
import signal
from collections.abc import Callable, Iterator
from typing import TypeVar

import psutil  # type: ignore[import-untyped]
import pytest

from server.calls import WAKES
from tests.house_server import HouseServer, run
from tests.opaque.session import Session
from tests.push_service import PushService
from tests.server.test_delivery import close, group
from wire import frames, http
from wire.bounds import ID_BYTES, to_base64url
from wire.codec import encode

UNITS = 2
F = TypeVar("F")


@pytest.fixture(scope="module")
def pushes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PushService]:
    service = PushService(tmp_path_factory.mktemp("push"))
    yield service
    service.close()


@pytest.fixture(scope="module")
def calling(tmp_path_factory: pytest.TempPathFactory, pushes: PushService) -> Iterator[HouseServer]:
    folder = tmp_path_factory.mktemp("calling")
    main = ["-m", "tests.server.calling_house"]
    server = HouseServer(
        folder, main=main, media_workers=str(UNITS), push_hosts=pushes.host, push_ca=str(pushes.ca)
    ).start()
    yield server
    server.close()


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HouseServer]:
    """Without calls, and with the limits of every server."""
    server = HouseServer(tmp_path_factory.mktemp("house"), rate_factor="1").start()
    yield server
    server.close()


class Caller:
    """A device in, or on its way into, a room's call."""

    def __init__(self, device: Session, room: bytes) -> None:
        self.device, self.room = device, room
        self.session = secrets.token_bytes(ID_BYTES)

    async def join(self, resume: bool = False) -> frames.CallOffer:
        """The offer that comes of it."""
        seen = len(self.offers())
        await self.device.send(frames.CallJoin(room=self.room, session=self.session, resume=resume))
        return await self.offered(seen)

    async def answer(self, offer: frames.CallOffer, sdp: str = "here") -> None:
        frame = frames.CallAnswer(room=self.room, session=self.session, seq=offer.seq, sdp=sdp)
        await self.device.send(frame)

    async def come(self) -> "Caller":
        """Join, and have media."""
        await self.answer(await self.join())
        await self.until_seen({self.device.device: "here"})
        return self

    def offers(self) -> list[frames.CallOffer]:
        return [one for one in self.of(frames.CallOffer) if one.session == self.session]

    def ends(self) -> list[str]:
        return [one.code for one in self.of(frames.CallEnded) if one.session == self.session]

    def of(self, kind: type[F]) -> list[F]:
        found = (one for one in self.device.received if isinstance(one, kind))
        return [one for one in found if getattr(one, "room", None) == self.room]

    async def offered(self, after: int) -> frames.CallOffer:
        """The first offer after so many."""
        await self.device.until(lambda: len(self.offers()) > after)
        return self.offers()[after]

    async def ended(self) -> str:
        await self.device.until(lambda: bool(self.ends()))
        return self.ends()[0]

    async def until_seen(self, states: dict[bytes, str]) -> None:
        """Wait until the device was told that these are in the call so."""
        await until_seen(self.device, self.room, lambda seen: states.items() <= seen.items())


async def until_seen(device: Session, room: bytes, good: Callable[[dict[bytes, str]], bool]) -> None:
    """Wait until what the device was told last of the call is good."""

    def seen() -> dict[bytes, str]:
        told = [one for one in device.received if isinstance(one, frames.CallState) and one.room == room]
        return {one.device: one.state for one in told[-1].participants} if told else {}

    await device.until(lambda: good(seen()))


def states_of(device: Session) -> list[frames.CallState]:
    return [one for one in device.received if isinstance(one, frames.CallState)]


def test_two_are_in_a_call_and_the_third_is_told(calling: HouseServer) -> None:
    async def work() -> None:
        room, (anna, ben, cleo) = await group(calling, 3)
        first, second = Caller(anna, room), Caller(ben, room)
        offer = await first.join()
        assert (offer.seq, offer.fresh, offer.streams) == (1, True, [])
        await first.answer(offer)
        await second.come()
        # Whoever was there is offered the newcomer's streams, on the connection that it has.
        again = await first.offered(1)
        assert (again.seq, again.fresh) == (2, False)
        assert [one.device for one in again.streams] == [ben.device]
        await until_seen(cleo, room, lambda seen: seen == {anna.device: "here", ben.device: "here"})
        # What a client wants of its layers reaches the unit, which shows it by an offer.
        await first.answer(again)
        layers = [frames.LayerOf(mid="4", layer="l")]
        await anna.send(frames.CallLayers(room=room, session=first.session, streams=layers))
        await first.offered(2)
        # Reports are for those in the call.
        report = await anna.wait(frames.CallReport, lambda f: len(f.participants) == 2)
        assert {one.device for one in report.participants} == {anna.device, ben.device}
        assert report.participants[0].loss_down == 0.25
        # They leave; the call is over.
        await anna.send(frames.CallLeave(room=room, session=first.session))
        assert await first.ended() == "left"
        await ben.send(frames.CallLeave(room=room, session=second.session))
        assert await second.ended() == "left"
        await until_seen(cleo, room, lambda seen: seen == {})
        assert states_of(cleo)[-1] == frames.CallState(room=room, participants=[])
        assert not any(isinstance(one, frames.CallReport | frames.CallOffer) for one in cleo.received)
        await close(anna, ben, cleo)

    run(work())


def test_who_connects_or_is_added_later_is_told_of_the_call(calling: HouseServer) -> None:
    async def work() -> None:
        room, (anna, ben) = await group(calling, 2)
        await ben.disconnect()
        caller = await Caller(anna, room).come()
        await ben.connect()
        state = states_of(ben)[0]
        assert (state.call, state.since) == (states_of(anna)[-1].call, states_of(anna)[-1].since)
        cleo = Session(calling.base)
        await cleo.register(await anna.mint(room))
        await cleo.connect()
        await anna.add(room, cleo)
        await until_seen(cleo, room, lambda seen: seen == {anna.device: "here"})
        assert caller.ends() == []
        await close(anna, ben, cleo)

    run(work())


def test_another_device_of_the_account_takes_over(calling: HouseServer) -> None:
    async def work() -> None:
        room, (anna, ben) = await group(calling, 2)
        second = Session(calling.base, anna.identity.other_device())
        await second.recover()
        await second.connect()
        await anna.add(room, second)
        first = await Caller(anna, room).come()
        over = await Caller(second, room).come()
        assert await first.ended() == "replaced"
        await until_seen(ben, room, lambda seen: seen == {second.device: "here"})
        # The first one's client comes back by itself: it is told, and takes nothing.
        await anna.send(frames.CallJoin(room=room, session=first.session, resume=True))
        await anna.until(lambda: first.ends() == ["replaced"] * 2)
        assert over.ends() == []
        await close(anna, ben, second)

    run(work())


def test_a_socket_that_breaks_costs_nothing(calling: HouseServer) -> None:
    async def work() -> None:
        room, (anna, ben) = await group(calling, 2)
        first, second = await Caller(anna, room).come(), Caller(ben, room)
        await anna.disconnect()
        await anna.connect()
        await until_seen(anna, room, lambda seen: seen == {anna.device: "here"})
        # Ben's coming makes an offer for Anna. It waits until her new socket says that the call goes on.
        await second.come()
        await first.until_seen({ben.device: "here"})
        assert first.offers() == []
        await anna.send(frames.CallJoin(room=room, session=first.session, resume=True))
        offer = await first.offered(0)
        assert (offer.seq, offer.fresh) == (2, False)  # the connection that there is
        assert [one.device for one in offer.streams] == [ben.device]
        assert first.ends() == second.ends() == []
        await close(anna, ben)

    run(work())


def test_13_a_commit_that_takes_a_device_off_the_list_cuts_its_media(calling: HouseServer) -> None:
    async def work() -> None:
        room, (anna, ben, cleo) = await group(calling, 3)
        callers = [await Caller(one, room).come() for one in (anna, ben, cleo)]
        commit = anna.commit(room, [anna.device, ben.device])
        assert isinstance(await anna.deliver(commit), frames.Ack)
        assert await callers[2].ended() == "removed"
        await until_seen(ben, room, lambda seen: cleo.device not in seen)
        # At once: before the Commit itself goes out.
        await cleo.wait(frames.Entry, lambda f: f.id == commit.id)
        kinds = [type(one) for one in cleo.received]
        assert kinds.index(frames.CallEnded) < len(kinds) - 1 - kinds[::-1].index(frames.Entry)
        # Both lists are served until another account has sent (E20); calls do not wait for that.
        assert not any(isinstance(one, frames.Removed) for one in cleo.received)
        again = Caller(cleo, room)
        for session, code in ((again, "not_found"), (callers[2], "not_found")):
            await cleo.send(frames.CallJoin(room=room, session=session.session, resume=False))
            await cleo.until(lambda s=session, c=code: c in s.ends())  # type: ignore[misc]
        assert again.offers() == []
        assert [one.ends() for one in callers[:2]] == [[], []]
        # The word of another account: the device is out altogether.
        ben.rooms[room].devices = [anna.device, ben.device]
        await ben.say(room)
        await cleo.wait(frames.Removed)
        await close(anna, ben, cleo)

    run(work())


def test_13_a_leave_ends_the_call_before_the_room_ends(calling: HouseServer) -> None:
    async def work() -> None:
        room, (anna, ben) = await group(calling, 2)
        caller = await Caller(ben, room).come()
        await ben.send(ben.leave(room))
        assert await caller.ended() == "removed"
        await ben.wait(frames.Removed)
        kinds = [type(one) for one in ben.received]
        assert kinds.index(frames.CallEnded) < kinds.index(frames.Removed)
        assert kinds[-1] is frames.Removed  # nothing more follows
        await until_seen(anna, room, lambda seen: seen == {})
        await close(anna, ben)

    run(work())


def test_a_device_that_is_removed_from_its_account_is_out_without_a_socket(calling: HouseServer) -> None:
    async def work() -> None:
        room, (anna, ben) = await group(calling, 2)
        await Caller(anna, room).come()
        await until_seen(ben, room, lambda seen: seen == {anna.device: "here"})
        await anna.disconnect()
        await anna.http.call("DELETE", f"/api/devices/{to_base64url(anna.device)}")
        await until_seen(ben, room, lambda seen: seen == {})
        await close(anna, ben)

    run(work())


def test_whoever_signs_out_is_out(calling: HouseServer) -> None:
    async def work() -> None:
        room, (anna, ben) = await group(calling, 2)
        await Caller(anna, room).come()
        await until_seen(ben, room, lambda seen: seen == {anna.device: "here"})
        await anna.http.post("/api/sign-out")
        await until_seen(ben, room, lambda seen: seen == {})
        await close(anna, ben)

    run(work())


def test_one_device_is_in_one_call(calling: HouseServer) -> None:
    async def work() -> None:
        room, (anna, ben) = await group(calling, 2)
        other = await anna.create_room()
        first = await Caller(anna, room).come()
        second = await Caller(anna, other).come()
        assert await first.ended() == "left"
        assert second.ends() == []
        await until_seen(ben, room, lambda seen: seen == {})
        await close(anna, ben)

    run(work())


def test_what_is_not_ones_own_is_not_there(calling: HouseServer) -> None:
    async def work() -> None:
        room, (anna,) = await group(calling, 1)
        stranger = Session(calling.base)
        await stranger.register(calling.token())
        await stranger.connect()
        caller, nowhere = Caller(stranger, room), Caller(anna, secrets.token_bytes(ID_BYTES))
        for one in (caller, nowhere):
            await one.device.send(frames.CallJoin(room=one.room, session=one.session, resume=False))
            assert await one.ended() == "not_found"
        ring = secrets.token_bytes(ID_BYTES)
        await stranger.send(frames.Wake(room=room, ring=ring))
        refused = await stranger.wait(frames.Refused)
        assert (refused.id, refused.code) == (ring, "not_found")
        await close(anna, stranger)

    run(work())


def test_a_leave_that_overtakes_its_join(calling: HouseServer) -> None:
    async def work() -> None:
        room, (anna, ben) = await group(calling, 2)
        caller = Caller(anna, room)
        await anna.send(
            frames.CallJoin(room=room, session=caller.session, resume=False),
            frames.CallLeave(room=room, session=caller.session),
        )
        assert await caller.ended() == "left"
        await Caller(ben, room).come()
        assert anna.device not in {one.device for state in states_of(ben) for one in state.participants}
        assert caller.offers() == []
        assert caller.ends() == ["left"]
        await close(anna, ben)

    run(work())


@pytest.mark.parametrize(
    ("sdp", "code"),
    [
        ("refuse no_fingerprint", "answer_refused"),
        ("lost closed", "lost"),
        ("refuse full", "media_unavailable"),
    ],
)
def test_what_the_unit_refuses_ends_the_session(calling: HouseServer, sdp: str, code: str) -> None:
    async def work() -> None:
        room, (anna,) = await group(calling, 1)
        caller = Caller(anna, room)
        await caller.answer(await caller.join(), sdp)
        assert await caller.ended() == code
        await close(anna)

    run(work())


def test_a_lost_connection_is_made_anew(calling: HouseServer) -> None:
    async def work() -> None:
        room, (anna,) = await group(calling, 1)
        caller = Caller(anna, room)
        first = await caller.join()
        await caller.answer(first, "lost consent")
        second = await caller.offered(1)
        assert (second.seq, second.fresh) == (2, True)
        assert second.sdp != first.sdp  # another leg
        await caller.answer(second)
        await caller.until_seen({anna.device: "here"})
        await anna.send(frames.CallRestart(room=room, session=caller.session))
        assert not (await caller.offered(2)).fresh
        await caller.answer(caller.offers()[2], "silent")
        await caller.until_seen({anna.device: "silent"})
        assert caller.ends() == []
        await close(anna)

    run(work())


def test_twelve_come_in_the_same_second(calling: HouseServer) -> None:
    async def work() -> None:
        room, members = await group(calling, 12)
        callers = [Caller(one, room) for one in members]
        began = asyncio.get_running_loop().time()
        await asyncio.gather(*(caller.come() for caller in callers))
        everyone = {one.device: "here" for one in members}
        for one in members:
            await until_seen(one, room, lambda seen: seen == everyone)
        took = asyncio.get_running_loop().time() - began
        # Each change by itself would be 24 words to each of twelve.
        for one in members:
            assert len(states_of(one)) <= 2 + took / 0.1
        assert all(caller.ends() == [] for caller in callers)
        await close(*members)

    run(work())


# Units that die, and the server


def unit_pids(house: HouseServer) -> list[int]:
    assert house.process is not None
    children = psutil.Process(house.process.pid).children()
    return [child.pid for child in children if "tests.signaling.scripted_unit" in child.cmdline()]


def pid_of(offer: frames.CallOffer) -> int:
    return int(offer.sdp.split()[0])


def metric(text: str, name: str) -> float:
    (line,) = [line for line in text.splitlines() if line.startswith(name + " ")]
    return float(line.split()[1])


async def metrics(device: Session) -> str:
    return (await device.http._client.get("/metrics")).text


def test_when_a_unit_is_killed_the_call_goes_on_in_another(calling: HouseServer) -> None:
    async def work() -> None:
        room, (anna, ben) = await group(calling, 2)
        callers = [await Caller(one, room).come() for one in (anna, ben)]
        before = await metrics(anna)
        assert metric(before, "collegium_calls") >= 1
        assert metric(before, "collegium_call_participants") >= 2
        await callers[0].answer(await callers[0].offered(1))  # nothing is on its way
        counts = [len(caller.offers()) for caller in callers]
        pids = {pid_of(caller.offers()[-1]) for caller in callers}
        (pid,) = pids  # one call is in one unit
        os.kill(pid, signal.SIGKILL)
        for caller, count in zip(callers, counts, strict=True):
            offer = await caller.offered(count)
            assert offer.fresh
            assert pid_of(offer) != pid
            await caller.answer(offer)
        everyone = {anna.device: "here", ben.device: "here"}
        for caller in callers:
            await caller.until_seen(everyone)
            assert caller.ends() == []
        async with asyncio.timeout(20):
            while metric(await metrics(anna), "collegium_media_units") < UNITS:  # noqa: ASYNC110 (another process)
                await asyncio.sleep(0.05)
        after = await metrics(anna)
        ended = metric(after, "collegium_media_unit_ends_total")
        assert ended - metric(before, "collegium_media_unit_ends_total") == 1
        assert len(unit_pids(calling)) == UNITS
        await close(anna, ben)

    run(work())


def test_after_a_restart_of_the_server_everyone_is_back_without_an_end(calling: HouseServer) -> None:
    async def work() -> None:
        room, (anna, ben) = await group(calling, 2)
        callers = [await Caller(one, room).come() for one in (anna, ben)]
        old = [caller.offers()[-1].sdp for caller in callers]
        units = [psutil.Process(pid) for pid in unit_pids(calling)]
        calling.kill()
        await asyncio.gather(*(one.until(lambda one=one: one.closed_by_server) for one in (anna, ben)))  # type: ignore[misc]
        calling.start()
        for caller, sdp in zip(callers, old, strict=True):
            await caller.device.disconnect()
            await caller.device.connect()
            offer = await caller.join(resume=True)
            assert offer.fresh
            assert offer.sdp != sdp
            await caller.answer(offer)
        for caller in callers:
            await caller.until_seen({anna.device: "here", ben.device: "here"})
            assert caller.ends() == []
        # The units of a server that was killed end with it.
        assert len(units) == UNITS
        _, alive = await asyncio.to_thread(psutil.wait_procs, units, 10)
        assert alive == []
        await close(anna, ben)

    run(work())


# Waking


def test_a_ring_wakes_the_devices_that_have_no_socket(calling: HouseServer, pushes: PushService) -> None:
    async def work() -> None:
        room, (anna, ben, cleo) = await group(calling, 3)
        for number, one in enumerate((anna, ben, cleo)):
            endpoint = http.PushEndpoint(endpoint=pushes.endpoint(f"calls-{number}"))
            await one.http.call("PUT", "/api/push", endpoint)
        await cleo.disconnect()
        ring = secrets.token_bytes(ID_BYTES)
        await anna.send(frames.Wake(room=room, ring=ring))
        woken = await anna.wait(frames.Woken)
        assert woken == frames.Woken(room=room, ring=ring, devices=[cleo.device])
        assert [one.path for one in pushes.received] == ["/push/calls-2"]
        assert not any(isinstance(one, frames.Woken) for one in ben.received)
        await close(anna, ben, cleo)

    run(work())


def test_rings_are_bounded_for_an_account_in_a_room(house: HouseServer) -> None:
    async def work() -> None:
        room, (anna, ben) = await group(house, 2)
        other = await anna.create_room()
        await ben.disconnect()
        for _ in range(WAKES[0] + 1):
            await anna.send(frames.Wake(room=room, ring=secrets.token_bytes(ID_BYTES)))
        refused = await anna.wait(frames.Refused)
        assert refused.code == "too_many"
        await anna.until(lambda: len([f for f in anna.received if isinstance(f, frames.Woken)]) == WAKES[0])
        # Another room is another matter.
        await anna.send(frames.Wake(room=other, ring=refused.id or b""))
        await anna.wait(frames.Woken, lambda f: f.room == other)
        await close(anna, ben)

    run(work())


def test_where_calls_are_off_nobody_waits_for_one(house: HouseServer) -> None:
    async def work() -> None:
        room, (anna,) = await group(house, 1)
        caller = Caller(anna, room)
        await anna.send(frames.CallJoin(room=room, session=caller.session, resume=False))
        assert await caller.ended() == "media_unavailable"
        await close(anna)

    run(work())


def test_a_frame_out_of_bounds_ends_the_socket(calling: HouseServer) -> None:
    async def work() -> None:
        room, (anna,) = await group(calling, 1)
        long = frames.CallAnswer.model_construct(
            t="call_answer", room=room, session=room, seq=1, sdp="x" * 65_537
        )
        await anna.send_bytes(encode(long))
        assert (await anna.wait(frames.Refused)).code == "malformed"
        assert (await anna.wait(frames.Bye)).code == "malformed"
        await close(anna)

    run(work())
