"""A program that ends between any two of its steps: what was stored goes on, what was acknowledged stays,
nothing comes twice.
"""

import os

import pytest

from client.room import commands
from tests.client.room.invariants import expect_converged, expect_media, expect_stored
from tests.client.room.world import ROOM, CrashAt, CrashPoint, Device, World, room_of

SOAK = os.environ.get("COLLEGIUM_SOAK") == "1"
POINTS: tuple[CrashPoint, ...] = ("before_write", "after_write", "amid_effects")
INPUTS = 24
"""So many inputs does each device of the story below have at the least."""
EVERY = 1 if SOAK else 9


def story(seed: str, whose: int, point: CrashPoint, inputs: int) -> Device:
    """Everything that an honest room does in a few seconds, with one device that crashes once."""
    world = World(seed)
    anna, ben = room_of(world, "anna", "ben")
    cleo = world.device("cleo")
    crasher = (anna, ben, cleo)[whose]
    crasher.crash_at = CrashAt(point, inputs)
    said: list[str] = []

    def say(who: Device, text: str) -> None:
        if who.stage != "member":
            return
        crashes = who.crashes
        who.post(text)
        # A crash before it was stored: the person sees that it is not there.
        if who.crashes == crashes or text in who.texts():
            said.append(text)

    def call(who: Device, rekey: bool) -> None:
        if who.stage == "member" and who.media == "off":
            who.call(rekey)

    say(anna, "one")
    call(anna, True)
    say(ben, "two")
    world.run(100)
    call(ben, False)
    fragment = anna.invite()
    say(ben, "three")
    world.run(1_000)
    cleo.accept(fragment)
    world.run(400)
    call(crasher, False)
    say(anna, "four")
    ben.command(commands.Rename("Renamed"))
    say(ben, "five")
    world.run(15_000)
    say(cleo, "six")
    call(cleo, False)
    ben.hang_up(False)
    say(anna, "seven")
    world.run(1_000)
    for one in world.devices:
        expect_media(one)
    cleo.hang_up(False)
    anna.hang_up(True)
    world.run(90_000)
    assert [code for one in world.devices for code in one.told()] == []
    assert sorted(anna.texts()) == sorted(said)
    assert anna.texts() == ben.texts()
    expect_converged(world)
    for one in world.devices:
        if one.known is not None:
            expect_stored(one)
    return crasher


@pytest.mark.parametrize("whose", [0, 1, 2], ids=["the founder", "a member", "a newcomer"])
@pytest.mark.parametrize("point", POINTS)
def test_a_crash_loses_nothing_and_doubles_nothing(point: CrashPoint, whose: int) -> None:
    first = (whose * 3 + POINTS.index(point)) % EVERY
    crashes = 0
    for inputs in range(first, INPUTS, EVERY):
        crashes += story(f"crash {point} {whose} {inputs}", whose, point, inputs).crashes
    assert crashes > 0


def test_e22_a_request_that_was_stored_and_never_posted_is_posted_with_the_next_connection() -> None:
    world = World("never posted")
    _, ben = room_of(world, "anna", "ben")
    laptop = world.device("ben", "laptop")
    laptop.crash_at = CrashAt("after_write", 0)
    laptop.recover(ben.pin())
    assert (laptop.crashes, laptop.stage) == (1, "rejoining")
    assert world.ds.rooms[ROOM].requests == []
    world.run(20_000)
    assert laptop.stage == "member"
    expect_converged(world)
