"""Members without a browser in a call: the server as it is, its own media units, sound and pictures."""

import asyncio
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import islice
from pathlib import Path

import av
import psutil  # type: ignore[import-untyped]
import pytest

from client import ringing
from client.calls.frames import Refusal, Tally
from client.calls.media import TestPattern
from client.calls.participant import Participant
from client.collegium import Collegium
from client.conversation import Room
from client.doctor import examine_call
from client.room import effects
from client.room.sight import SightCaller
from crypto.room.attendance import CallItem
from crypto.room.origin import RingOrigin
from crypto.room.timeline import latest
from crypto.sframe.kid import Kind
from tests.client.company import House, found, let_in, opened, patience, until
from tests.client.shell import Shell
from tests.house_server import HouseServer, run
from wire.bounds import to_base64url

NAMES = ("Ada", "Ben", "Cleo")
# More than came by accident: a second of sound, a few pictures.
SOUNDS, PICTURES = 20, 3
MANY = 1_000
# E36: who merges a commit a little later than a sender has no key for what comes meanwhile.
EARLY = {Refusal.NO_KEY}


@pytest.fixture(scope="module")
def calling(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    server = HouseServer(tmp_path_factory.mktemp("calling"), media_workers="2").start()
    yield House(server)
    server.close()


@dataclass(frozen=True, slots=True)
class Caller:
    me: Collegium
    room: Room
    call: Participant

    @property
    def label(self) -> str:
        return to_base64url(self.me.session.records.account.device_id)

    def of(self, other: "Caller") -> Tally:
        """What this one counted of another."""
        return self.call.tallies.get(other.label, Tally())

    async def until(self, look: Callable[[], bool]) -> None:
        async with patience():
            await self.call.until(lambda: look() or None)

    async def perceives(self, other: "Caller") -> None:
        """Sound and pictures of another, decoded, beyond what came already."""
        before = self.of(other)
        sounds, pictures = before.opened.get(Kind.AUDIO, 0), before.pictures
        await self.until(
            lambda: (
                self.of(other).opened.get(Kind.AUDIO, 0) >= sounds + SOUNDS
                and self.of(other).pictures >= pictures + PICTURES
            )
        )


async def circle(stack: AsyncExitStack, house: House, folder: Path, names: tuple[str, ...]) -> list[Caller]:
    """A group, none of whom is in its call yet."""
    members: list[Collegium] = []
    rooms: list[Room] = []
    for name in names:
        me = await stack.enter_async_context(opened(folder / name))
        room = await let_in(rooms[0], me, name) if rooms else await found(house, me, name)
        members.append(me)
        rooms.append(room)
    callers = [
        Caller(me, room, Participant(me.session, room.id, TestPattern()))
        for me, room in zip(members, rooms, strict=True)
    ]
    for one in callers:
        await until(one.me, lambda one=one: len(one.room.members) == len(names))  # type: ignore[misc]
        stack.push_async_callback(one.call.leave)
    return callers


async def enter(*callers: Caller) -> None:
    for one in callers:
        async with patience():
            await one.call.enter()
        await one.until(lambda one=one: one.call.connected)  # type: ignore[misc]


def sittings(one: Room) -> list[CallItem]:
    return [item for item in latest(one._state.timeline, MANY) if isinstance(item, CallItem)]


def test_two_hear_and_see_each_other_over_an_epoch_and_the_room_says_who_was_there(
    calling: House, tmp_path: Path
) -> None:
    async def work() -> None:
        async with AsyncExitStack() as stack:
            ada, ben = await circle(stack, calling, tmp_path, NAMES[:2])
            async with patience():
                call = await ringing.ring(ada.me, ada.room, "Who can help?", "now", 1)
            await enter(ada, ben)
            await ada.perceives(ben)
            await ben.perceives(ada)
            # As many as were wanted are there, so the ring is over; the call is still the one that it led to.
            await until(ben.me, lambda: ringing.rings_of(ben.me, ben.room) == [])
            began = ada.call.epoch
            async with patience():
                await ada.room.rename("Tuesday round")  # a commit: another epoch, other keys
            for one in (ada, ben):
                await one.until(lambda one=one: one.call.epoch not in (None, began))  # type: ignore[misc]
            assert ada.call.epoch is not None
            for one, other in ((ada, ben), (ben, ada)):
                await one.until(
                    lambda one=one, other=other: (ada.call.epoch or 0) in one.of(other).epochs  # type: ignore[misc]
                )
                await one.perceives(other)
                heard = one.of(other)
                assert set(heard.refused) <= EARLY
                assert heard.undecodable == 0
                assert heard.size == (320, 180)
                # The tone as it was: a tenth of the loudest, by its power 23 dB below it.
                assert heard.loudest is not None
                assert -26 <= heard.loudest <= -20
                assert one.call.heard[Kind.AUDIO].packets > 0
            # Each is told by the others' devices what is on.
            await ada.until(
                lambda: all(one.mic and one.camera for one in _seats(ada)) and len(_seats(ada)) == 2
            )
            await ben.call.leave()
            await ada.call.leave()
            accounts = {ada.me.account_id, ben.me.account_id}
            for one in (ada, ben):
                await until(one.me, lambda one=one: _attended(one.room) == accounts)  # type: ignore[misc]
                (sitting,) = sittings(one.room)
                assert sitting.origin == RingOrigin(call, ada.me.account_id, "Who can help?")
            assert (ada.call.code, ben.call.code) == ("left", "left")

    run(work())


def _seats(one: Caller) -> list[SightCaller]:
    return [] if one.call.call is None else list(one.call.call.participants)


def _attended(room: Room) -> set[bytes]:
    return {attendance.account for item in sittings(room) for attendance in item.attended}


class WrongKey(Participant):
    """It encrypts by a key of its own making."""

    def begin(self, media: effects.Media) -> None:
        super().begin(replace(media, base_key=bytes(len(media.base_key))))


def test_a_third_with_a_wrong_key_harms_nobody_and_once_removed_opens_nothing(
    calling: House, tmp_path: Path
) -> None:
    async def work() -> None:
        async with AsyncExitStack() as stack:
            ada, ben, cleo = await circle(stack, calling, tmp_path, NAMES)
            liar = replace(cleo, call=WrongKey(cleo.me.session, cleo.room.id, TestPattern()))
            stack.push_async_callback(liar.call.leave)
            await enter(ada, ben, liar)
            for one in (ada, ben):
                await one.until(lambda one=one: one.of(cleo).refused.get(Refusal.FORGED, 0) > SOUNDS)  # type: ignore[misc]
                assert one.of(cleo).opened == {}
            await ada.perceives(ben)
            await ben.perceives(ada)
            assert ada.of(ben).refused.keys() | ben.of(ada).refused.keys() <= EARLY
            # With the right keys it is heard, and hears.
            await liar.call.leave()
            await enter(cleo)
            await ada.perceives(cleo)
            await cleo.perceives(ada)
            with_cleo = ada.call.epoch
            (member,) = [one for one in ada.room.members if one.name == "Cleo"]
            async with patience():
                await ada.room.remove(member)
            await cleo.until(lambda: cleo.call.stage == "ended")
            assert cleo.call.code == "removed"
            opened_before = dict(cleo.of(ada).opened)
            for one, other in ((ada, ben), (ben, ada)):
                await one.until(lambda one=one: (one.call.epoch or 0) > (with_cleo or 0))  # type: ignore[misc]
                await one.perceives(other)
            assert cleo.of(ada).opened == opened_before
            assert not cleo.call.connected
            assert not cleo.call.sends

    run(work())


def test_a_broken_socket_leaves_the_media_and_a_killed_unit_is_healed_from(
    calling: House, tmp_path: Path
) -> None:
    async def work() -> None:
        async with AsyncExitStack() as stack:
            ada, ben = await circle(stack, calling, tmp_path, NAMES[:2])
            await enter(ada, ben)
            await ada.perceives(ben)
            # The socket breaks: the seat is kept, and the media goes on as it is.
            life = ada.me.session._life
            await ada.me.session._socket.restart()
            await until(ada.me, lambda: ada.me.session._life >= life + 2 and ada.me.session.online)
            await ada.perceives(ben)
            await ben.perceives(ada)
            assert (ada.call.paths, ada.call.stage) == (1, "here")
            way = ada.call._way
            assert way is not None
            os.kill(_unit_on(calling.server, way.offer.candidates[0].port), signal.SIGKILL)
            for one in (ada, ben):
                await one.until(lambda one=one: one.call.paths == 2 and one.call.connected)  # type: ignore[misc]
            await ada.perceives(ben)
            await ben.perceives(ada)

    run(work())


def _unit_on(server: HouseServer, port: int) -> int:
    assert server.process is not None
    for child in psutil.Process(server.process.pid).children():
        if any(one.laddr.port == port for one in child.net_connections("udp4")):
            return int(child.pid)
    raise AssertionError("no unit has this port")


def test_the_doctor_says_that_the_way_of_media_is_open(calling: House, tmp_path: Path) -> None:
    async def work() -> None:
        async with opened(tmp_path / "Ada") as ada:
            room = await found(calling, ada, "Ada")
            findings = {one.name: one.verdict async for one in examine_call(ada, room)}
            assert findings == dict.fromkeys(("media path", "media sent", "round trip"), "ok")
            # Whoever only tried has nothing to tell the group.
            assert sittings(room) == []
            assert ada.session.call.room_id is None

    run(work())


def _film(path: Path) -> None:
    """Two seconds of the test pattern in a file, of another size, and a tone."""
    pattern = TestPattern()
    with av.open(str(path), "w") as container:
        video = container.add_stream("libvpx", rate=10)
        video.options = {"deadline": "realtime", "cpu-used": "8"}
        video.width, video.height, video.pix_fmt = 640, 360, "yuv420p"
        audio = container.add_stream("libopus", rate=48_000)
        audio.layout = "mono"
        for number, picture in enumerate(islice(pattern.pictures(), 20)):
            frame = picture.frame.reformat(width=640, height=360)
            frame.pts, frame.time_base = number, Fraction(1, 10)
            container.mux(video.encode(frame))
        container.mux(video.encode(None))
        for number, sound in enumerate(islice(pattern.sounds(), 100)):
            sound.pts, sound.time_base = number * 960, Fraction(1, 48_000)
            container.mux(audio.encode(sound))
        container.mux(audio.encode(None))


def test_the_command_sends_a_file_and_counts_the_others(calling: House, tmp_path: Path) -> None:
    async def work() -> None:
        _film(tmp_path / "film.webm")
        async with AsyncExitStack() as stack:
            (ada,) = await circle(stack, calling, tmp_path, NAMES[:1])
            shell = Shell(tmp_path / "shell")
            shell.store.parent.mkdir()
            async with patience():
                link = await ada.room.invite()
            await asyncio.to_thread(shell.run, "join", link, "--name", "Ben")
            await enter(ada)
            command = ("call", "Monday", "--file", str(tmp_path / "film.webm"), "--seconds", "3")
            joined = asyncio.create_task(asyncio.to_thread(shell.ask, *command))
            await ada.until(lambda: any(one.pictures > PICTURES for one in ada.call.tallies.values()))
            (heard,) = ada.call.tallies.values()
            assert heard.size == (640, 360)
            assert heard.opened[Kind.AUDIO] > 0
            counted = (await joined)["call"]
            assert counted["sent"]["audio"] > 0
            (received,) = counted["received"]
            assert (received["name"], received["device"]) == ("Ada", ada.label)
            assert received["opened"]["audio"] > SOUNDS
            assert set(received["refused"]) <= EARLY
            assert received["size"] == [320, 180]
            await ada.call.leave()
            await until(ada.me, lambda: len(_attended(ada.room)) == 2)

    run(work())
