"""Seeded walks: people come, write, quarrel over commits, lose connections and power, and go. In the end
all agree.
"""

import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TypeVar

import pytest

from client.room import commands
from client.room.sight import SightPost
from client.room.surface import CommandError
from tests.client.room.delivery_service import in_call
from tests.client.room.invariants import expect_converged, expect_media, expect_stored, true_head
from tests.client.room.world import ROOM, CrashAt, CrashPoint, Device, World, room_of

SOAK = os.environ.get("COLLEGIUM_SOAK") == "1"
WALKS = 60 if SOAK else 6
STEPS = 120 if SOAK else 50
POINTS: tuple[CrashPoint, ...] = ("before_write", "after_write", "amid_effects")

T = TypeVar("T")


class Walk:
    """`copies`: now and then a device is restored from an old copy of its disk (E39)."""

    def __init__(self, seed: str, copies: bool) -> None:
        self.world = World(seed)
        self.founder = room_of(self.world, "anna", "ben", "cleo")[0]
        self.world.latency = 400
        self.said: dict[str, Device] = {}
        self._copies = copies
        self._count = 0
        self._names = ["dora", "emil", "fanny"]
        self._laptops = 2
        self._copy: tuple[Device, dict[str, bytes]] | None = None
        self._restored: list[Device] = []
        self._pinned: dict[bytes, set[bytes]] = {}
        """The accounts on the pin list by which a device came, by device."""

    def members(self) -> list[Device]:
        return [one for one in self.world.devices if one.stage == "member"]

    def pick(self, of: Sequence[T]) -> T:
        return of[self.world.draw(len(of))]

    def attempt(self, run: Callable[[], None]) -> None:
        """Refusals are answers, not failures: the room may have changed under the person's hands."""
        with suppress(CommandError):
            run()

    def act(self) -> None:
        world, who = self.world, self.pick(self.members())
        dice = world.draw(100)
        if dice < 37:
            self.say(who)
        elif dice < 45:
            self.attempt(lambda: self.call(who))
        elif dice < 55:
            self.attempt(lambda: self.react(who))
        elif dice < 62:
            self._count += 1
            self.attempt(lambda: who.command(commands.Rename(f"Title {self._count}")))
        elif dice < 67:
            self.invite(who)
        elif dice < 70 and who is not self.founder and len(self.members()) > 3:
            self.attempt(lambda: who.command(commands.Leave()))
        elif dice < 72 and len(self.members()) > 3:
            self.attempt(self.remove)
        elif dice < 82:
            who.disconnect()
        elif dice < 90:
            for one in world.devices:
                one.connect()
        elif dice < 97:
            who.crash_at = CrashAt(self.pick(POINTS), world.draw(10))
        elif dice < 98:
            world.ds.refusing = 1 + world.draw(3)
        elif dice < 99:
            world.ds.collect(ROOM)
        else:
            self.recover(who)
        if self._copies and world.draw(12) == 0:
            self.restore()
        world.run(world.draw(900))
        for one in self.members():
            expect_media(one)

    def say(self, who: Device) -> None:
        self._count += 1
        text, crashes = f"{who.person} {self._count}", who.crashes

        def post() -> None:
            who.post(text)
            if who.crashes == crashes or text in who.texts():
                self.said[text] = who

        self.attempt(post)

    def react(self, who: Device) -> None:
        posts = who.posts()
        if posts:
            target, on = self.pick(posts).id, self.world.draw(3) > 0
            who.command(commands.React(target, "👍", on))

    def invite(self, who: Device) -> None:
        if not self._names:
            return
        name = self._names.pop()

        def come() -> None:
            fragment = who.invite()
            self.world.run(3_000)
            self.world.device(name).accept(fragment)

        self.attempt(come)

    def call(self, who: Device) -> None:
        """Into the room's call, or out of it; the last to leave does not always do its part (E37)."""
        there = in_call(self.world.ds.rooms[ROOM])
        if who.media == "off":
            who.call(not there)
        else:
            who.hang_up(len(there) == 1 and self.world.draw(3) > 0)

    def recover(self, who: Device) -> None:
        """One more device of somebody who is here."""
        if self._laptops > 0 and who.person != "anna":
            name = f"laptop {self._laptops}"
            self._laptops -= 1
            device, pin = self.world.device(who.person, name), who.pin()
            self._pinned[device.me.device_id] = {one.account_id for one in pin.accounts}
            device.recover(pin)

    def restore(self) -> None:
        """Copy a disk; some time later bring that copy back. What was on its way then may be lost with the
        disk.
        """
        if self._copy is None:
            device = self.pick(self.members())
            if device is not self.founder:
                self._copy = device, dict(device.rows)
            return
        device, rows = self._copy
        self._copy = None
        if device.stage != "member":
            return
        kept = {item.text for item in device.posts() if item.n > 0}
        lost = [text for text, who in self.said.items() if who is device and text not in kept]
        for text in lost:
            del self.said[text]
        self._restored.append(device)
        device.rows = rows
        device.crash()

    def may_refuse(self, device: Device) -> bool:
        """Whether it may not know whoever adds it, and then waits for an hour (E22): an old copy, or a pin
        list from before somebody came.
        """
        everyone = {one.me.account_id for one in self.world.devices}
        pinned = self._pinned.get(device.me.device_id, everyone)
        return device in self._restored or not everyone <= pinned

    def remove(self) -> None:
        others = [one for one in self.members() if one is not self.founder]
        self.founder.command(commands.RemoveMember(self.pick(others).me.account_id))

    def rest(self) -> None:
        """Everybody comes back, and all that was begun is finished."""
        self.world.ds.refusing = 0
        self.world.latency = 20
        for one in self.world.devices:
            one.crash_at = None
            one.connect()
        self.world.run(60_000)
        for one in self.world.devices:
            expect_media(one)
        for one in self.members():
            one.hang_up(False)
        self.world.run(180_000)

    def check(self) -> None:
        for one in self.world.devices:
            expected = {"welcome"} if self.may_refuse(one) else set[str]()
            if one in self._restored:
                expected.add(f"copy {one.person}")
            assert set(one.told()) <= expected
        expect_converged(self.world)
        all_posts = self.founder.posts()
        # Whoever still belongs here has lost nothing that it said.
        for text, who in self.said.items():
            if who.stage == "member":
                assert sum(item.text == text for item in all_posts) == 1, text
        for device in self.members():
            expect_stored(device)
            # Between an old copy and its coming back a device has not read what others said.
            if device in self._restored:
                continue
            since = self.world.ds.rooms[ROOM].members[device.me.device_id].since
            assert simple(device.posts(), since) == simple(all_posts, since), device.person
        assert self.founder.state.log.head == true_head(self.world)


def simple(posts: Sequence[SightPost], since: int) -> list[object]:
    return [
        (post.n, post.text, [(one.emoji, sorted(one.who)) for one in post.reactions])
        for post in posts
        if post.n > since
    ]


@pytest.mark.parametrize("seed", range(WALKS))
def test_a_walk_ends_in_agreement(seed: int) -> None:
    walk = Walk(f"walk {seed}", copies=seed % 3 == 2)
    for _ in range(STEPS):
        walk.act()
    walk.rest()
    walk.check()
