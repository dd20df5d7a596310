"""Whatever well-formed frames a server sends: a step answers, never raises, and what it leads to can be
stored and loaded.
"""

import os
from collections.abc import Sequence
from dataclasses import replace
from typing import TypeVar

from client.room import commands
from client.room.core import RoomState, Tick, load_room, room_rows, step
from client.room.surface import Frame
from crypto.room.ephemeral import CallReaction, Hand
from tests.client.room.delivery_service import FromServer
from tests.client.room.world import ROOM, Device, World, room_of
from wire.frames import (
    Ack,
    Bye,
    CallState,
    CaughtUp,
    Entry,
    Ephemeral,
    Gap,
    GapEntry,
    Ready,
    Refused,
    Removed,
    Request,
    Stale,
    Welcome,
)

SOAK = os.environ.get("COLLEGIUM_SOAK") == "1"
ROUNDS = 400 if SOAK else 15
FRAMES = 30

T = TypeVar("T")


def overheard() -> tuple[Device, list[RoomState], list[Frame]]:
    """Frames as they really came, to be bent, and the states that they came upon."""
    world = World("noise")
    anna, ben = room_of(world, "anna", "ben")
    frames: list[Frame] = []
    states: list[RoomState] = []

    def listen(frame: FromServer) -> FromServer:
        if not isinstance(frame, Ready | Bye):
            frames.append(frame)
        states.append(ben.state)
        return frame

    ben.tamper = listen
    anna.call(True)
    anna.post("one")
    ben.post("two")
    world.run(1_000)
    ben.call(False)
    anna.command(commands.Rename("Renamed"))
    anna.command(commands.Typing())
    fragment = ben.invite()
    world.run(2_000)
    cleo = world.device("cleo")
    cleo.accept(fragment)
    world.run(20_000)
    cleo.call(False)
    world.run(1_000)
    sitting = world.ds.rooms[ROOM].call
    assert sitting is not None
    assert sitting.call is not None
    cleo.command(commands.SayInCall(Hand(sitting.call, True, world.now)))
    cleo.command(commands.SayInCall(CallReaction(sitting.call, "👏")))
    world.run(1_000)
    cleo.command(commands.Leave())
    world.run(5_000)
    anna.hang_up(False)
    ben.reconnect()
    world.run(2_000)
    return ben, states, frames


class Bender:
    def __init__(self, world: World) -> None:
        self._world = world

    def pick(self, of: Sequence[T]) -> T:
        return of[self._world.draw(len(of))]

    def octets(self, of: bytes) -> bytes:
        world, out = self._world, bytearray(of)
        dice = world.draw(4)
        if dice == 0:
            return world.rng(world.draw(200))
        if dice == 1:
            return of[: world.draw(len(of) + 1)]
        if out:
            out[world.draw(len(out))] ^= 1 << world.draw(8)
        return bytes(out)

    def position(self, of: int, state: RoomState) -> int:
        n = state.log.n
        return self.pick((of, n + 1, n, n + 2, 0, 2**53 - 1))

    def bend(self, state: RoomState, frame: Frame) -> Frame:
        """Models are changed without being checked: a bent position may be 0, a payload empty."""

        def n(of: int) -> int:
            return self.position(of, state)

        match frame:
            case Entry():
                kind = frame.kind if self._world.draw(2) == 0 else self.pick(("message", "commit", "leave"))
                payload = frame.payload if self._world.draw(3) == 0 else self.octets(frame.payload)
                return frame.model_copy(update={"n": n(frame.n), "kind": kind, "payload": payload})
            case Gap():
                entries = [one.model_copy(update={"n": n(one.n)}) for one in frame.entries]
                return frame.model_copy(update={"entries": entries})
            case Ack():
                return frame.model_copy(update={"n": n(frame.n)})
            case Stale():
                return frame.model_copy(update={"after": n(frame.after)})
            case Welcome():
                return frame.model_copy(update={"n": n(frame.n), "payload": self.octets(frame.payload)})
            case Request():
                kind = self.pick(("join", "rejoin"))
                return frame.model_copy(update={"kind": kind, "sealed": self.octets(frame.sealed)})
            case CaughtUp():
                return frame.model_copy(update={"last": n(frame.last)})
            case Removed():
                return Stale(room=ROOM, id=self._world.rng(16), after=n(0))
            case CallState():
                there = [one for one in frame.participants if self._world.draw(2) == 0]
                call = self.pick((frame.call, None, self._world.rng(16)))
                return frame.model_copy(update={"call": call, "participants": there})
            case Ephemeral():
                return frame.model_copy(update={"payload": self.octets(frame.payload)})
            case _:
                return frame


def test_a_server_that_sends_anything_brings_no_step_to_fail() -> None:
    ben, states, heard = overheard()
    world = ben.world
    bender = Bender(world)
    frames: list[Frame] = [
        *heard,
        Gap(room=ROOM, entries=[GapEntry(n=9, time=world.now, hash=world.rng(48))]),
        Stale(room=ROOM, id=world.rng(16), after=3),
        Refused(room=ROOM, id=world.rng(16), code="storage", message=""),
        Welcome(room=ROOM, n=50, time=world.now, payload=world.rng(300)),
    ]
    for _ in range(ROUNDS):
        state = bender.pick(states)
        for _ in range(FRAMES):
            env = ben.env()
            state = step(state, bender.bend(state, bender.pick(frames)), env).state
            if world.draw(5) == 0:
                state = step(state, Tick(), replace(env, now=world.now + 10 ** world.draw(9))).state
        loaded = load_room(room_rows(None, state).put)
        assert loaded.log == state.log
        assert loaded.timeline == state.timeline
