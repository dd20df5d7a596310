"""A group is called, by programs and commands: what devices say of themselves, and what people are shown."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from client import ringing
from client.collegium import Collegium
from client.conversation import Room
from client.engine.world import Socket, dial, system_world
from client.errors import CollegiumError
from crypto.room.calls import RingView
from tests.client.company import PASSPHRASE, House, found, let_in, opened, patience, until
from tests.client.shell import Shell
from tests.client.test_engine import Tap
from tests.house_server import run
from wire import frames

WHY = "A client does not answer"


def states(me: Collegium, room: Room) -> dict[str, str]:
    return {
        ringing.name_of(room, one.account): one.state
        for view in ringing.rings_of(me, room)
        for one in view.asked
    }


def the(me: Collegium, room: Room) -> RingView:
    (view,) = ringing.rings_of(me, room)
    return view


def test_a_program_is_reached_by_itself_and_has_seen_nothing(house: House, tmp_path: Path) -> None:
    sent: list[frames.ClientFrame] = []

    async def tapped(url: str) -> Socket:
        return Tap(await dial(url), sent)

    async def work() -> None:
        world = replace(system_world(tmp_path / "ada"), dial=tapped)
        async with Collegium(world, PASSPHRASE) as ada, opened(tmp_path / "ben") as ben:
            room = await found(house, ada, "Ada")
            his = await let_in(room, ben, "Ben")
            async with patience():
                call = await ringing.ring(ada, room, WHY, "now", 1)
            await until(ada, lambda: states(ada, room) == {"Ben": "reached"})
            assert the(ada, room).ring.why == WHY
            # Whoever has no socket is woken once, as the ring is on the server.
            await until(ada, lambda: any(isinstance(one, frames.Wake) for one in sent))
            async with patience():
                await ringing.reply(ben, his, the(ben, his), "5")
            await until(ada, lambda: states(ada, room) == {"Ben": "later"})
            due = the(ada, room).asked[0].due
            assert due == the(ada, room).ring.answers[0].at + 5 * 60_000
            # Another word takes the place of that one, and what the device says by itself does not.
            async with patience():
                await ringing.reply(ben, his, the(ben, his), "join")
            await until(ada, lambda: the(ada, room).enough)
            assert [one for one in sent if isinstance(one, frames.Wake)] == [
                frames.Wake(room=room.id, ring=call)
            ]
        async with opened(tmp_path / "ben") as ben:
            # Opened again: it has answered, and says nothing more.
            async with patience():
                await ben.up_to_date()
            his = ben.room("Monday")
            assert states(ben, his) == {"Ben": "joining"}
            assert ben.session.rooms[his.id].outbox == ()

    run(work())


def test_a_ring_is_over_when_as_many_as_were_wanted_are_in_the_call(house: House, tmp_path: Path) -> None:
    async def work() -> None:
        async with opened(tmp_path / "ada") as ada, opened(tmp_path / "ben") as ben:
            room = await found(house, ada, "Ada")
            his = await let_in(room, ben, "Ben")
            async with patience():
                call = await ringing.ring(ada, room, WHY, "today", 1)
            await until(ben, lambda: len(ringing.rings_of(ben, his)) == 1)

            def seats(*members: Collegium) -> frames.CallState:
                devices = [one.session.records.account.device_id for one in members]
                here = [
                    frames.CallParticipant(device=one, session=one, since=1, state="here") for one in devices
                ]
                return frames.CallState(room=room.id, call=bytes(16), since=1, participants=here)

            async def told(state: frames.CallState) -> None:
                await ada.session.work(lambda draft: draft.step(room.id, state))

            await told(seats(ada))
            assert ringing.view_of(ada, room, call) is not None
            await told(seats(ada, ben))
            await until(ben, lambda: ringing.rings_of(ben, his) == [])
            assert "rang_off" not in [getattr(one, "code", "") for one in his.items(0)]

    run(work())


def test_what_cannot_be_rung_or_answered_is_said(house: House, tmp_path: Path) -> None:
    async def work() -> None:
        async with opened(tmp_path / "ada") as ada:
            room = await found(house, ada, "Ada")
            with pytest.raises(CollegiumError) as nothing:
                await ringing.ring(ada, room, "", "now", 1)
            assert nothing.value.code == "out_of_bounds"
            async with patience():
                await ringing.ring(ada, room, WHY, "now", 1)
            view = the(ada, room)
            gone = replace(view, ring=replace(view.ring, call=bytes(16)))
            with pytest.raises(CollegiumError) as over:
                await ringing.reply(ada, room, gone, "join")
            assert over.value.code == "no_ring"

    run(work())


def test_the_commands_call_a_group_and_answer(house: House, tmp_path: Path) -> None:
    ada, ben = Shell(tmp_path / "ada"), Shell(tmp_path / "ben")
    for one in (ada, ben):
        one.store.parent.mkdir()
    ada.run("join", house.founder_link(), "--name", "Ada", "--start", "Monday round")
    link = ada.run("link", "Monday").strip()
    listening = ada.start("read", "Monday", "--follow")
    ben.run("join", link, "--name", "Ben")
    listening.interrupt()
    listening.end()
    assert ben.ask("answer", "Monday", code=1)["error"]["code"] == "no_ring"
    # Nobody is there: it says so, and the call goes on.
    shown = ada.run("ring", "Monday", WHY, "--urgency", "today", "--wait", "1")
    assert f"Ada calls the group (today): {WHY}" in shown
    assert "Ben: not reached yet" in shown
    answered = ben.run("answer", "Monday", "15")
    assert f"Ada calls the group (today): {WHY}" in answered
    assert "Ben: comes at 2" in answered
    ringing_ = ada.start("ring", "Monday", "And now?", "--urgency", "today", "--json")
    first = json.loads(ringing_.lines(1)[0])
    assert (first["why"], first["enough"], first["asked"][0]["name"]) == ("And now?", False, "Ben")
    assert ben.ask("answer", "Monday", "join")["asked"][0]["state"] == "joining"
    assert ringing_.end() == 0
    last = json.loads(ringing_.text("out").splitlines()[-1])
    assert (last["call"], last["enough"], last["asked"][0]["state"]) == (first["call"], True, "joining")
