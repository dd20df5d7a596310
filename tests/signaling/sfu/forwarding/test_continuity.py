"""Random calls: whatever is wished, lost, doubled, delayed or given up, each stream stays continuous.

The room itself asserts as packets leave that none leaves twice under one number (`World`): with AES-GCM that
would give the key of its authentication away.
"""

import os
from itertools import pairwise
from random import Random

import pytest

from signaling.sfu import rtcp
from signaling.sfu.control import Kind, Layer
from tests.signaling.sfu.forwarding.link import Link
from tests.signaling.sfu.forwarding.world import Browser, World

LOW_RATES = {"l": 60_000, "m": 120_000, "h": 250_000}


def path(world: World, dice: Random) -> Link:
    return Link(
        world.dice,
        capacity=dice.choice([150e3, 600e3, 5e6]),
        delay=dice.choice([0.005, 0.05, 0.2]),
        jitter=dice.choice([0.0, 0.01, 0.08]),
        loss=dice.choice([0.0, 0.02, 0.2]),
        reorder=dice.random() < 0.5,
    )


def disturb(world: World, people: list[Browser], dice: Random) -> None:
    """One thing that happens in calls, or that somebody contrives."""
    one, other = dice.sample(people, 2)
    forwarder = world.forwarder
    stream = dice.choice([*one.lines.values()]) if one.lines else None
    match dice.randrange(9):
        case 0 | 1 | 2:
            if stream is not None:
                forwarder.wants(one.session, one.mids[stream.ssrc], dice.choice([*Layer]), world.now)
        case 3:
            if stream is not None:
                forwarder.unsubscribe(one.session, one.mids[stream.ssrc])
                forwarder.subscribe(one.session, one.mids[stream.ssrc], stream)
        case 4:
            for upstream in one.streams.values():
                upstream.sequence += dice.choice([1, 40, 700, 5_000, 40_000])
        case 5:
            for upstream in one.streams.values():
                upstream.ssrc += 100_000  # as after a change of tracks
        case 6:
            if stream is not None:
                numbers = sorted({dice.randrange(0x10000) for _ in range(40)})
                newest = one.got[stream.ssrc].highest
                if newest is not None:
                    numbers = [newest - 60 + i for i in range(70)]
                one.say(rtcp.nack(1, stream.ssrc, numbers) + rtcp.picture_loss(1, stream.ssrc))
        case 7:
            one.down.capacity = dice.choice([100e3, 500e3, 5e6])
            other.up.loss = dice.choice([0.0, 0.1])
        case _:
            world.forwarder.unpublish(other.session, "1")
            world.publish(other, Kind.CAMERA)
            world.connect()


@pytest.mark.parametrize("seed", range(300 if os.environ.get("COLLEGIUM_SOAK") else 8))
def test_any_call_is_made_of_continuous_streams(seed: int) -> None:
    dice = Random(seed)
    world = World(f"call {seed}")
    people = [world.join(name, path(world, dice), path(world, dice)) for name in "abc"]
    for one in people:
        one.twice = dice.choice([0.0, 0.1])
        world.publish(one, Kind.AUDIO, Kind.CAMERA)
        world.talk(one)
        world.film(one, rates=LOW_RATES)
    world.connect()
    for _ in range(25):
        disturb(world, people, dice)
        world.run(dice.choice([0.02, 0.1, 0.5]))
    assert any(one.repairs for one in people) or world.packets_left < 3000
    for receiver in people:
        for ssrc, got in receiver.got.items():
            numbers = sorted(got.sequences)
            if got.pictures:
                check_pictures(numbers, got.pictures, got.times)
            assert ssrc == receiver.ever[ssrc].ssrc
    assert world.packets_left > 100


def check_pictures(numbers: list[int], pictures: dict[int, int], times: dict[int, int]) -> None:
    """Picture ids don't run back as numbers go on, and one frame has one time."""
    for before, after in pairwise(numbers):
        step = pictures[after] - pictures[before] & 0x7FFF
        assert step < 0x4000
        ahead = times[after] - times[before] & 0xFFFFFFFF
        assert ahead < 0x80000000
        if step == 0:
            assert ahead == 0
        else:
            assert ahead > 0
