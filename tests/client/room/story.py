"""What one device of a room is sent from its Welcome on, written down with its secrets, and how that ends.

The same story is told in TypeScript (`web/tests/room/core/story.ts`). Either language reads both: the
device joins and takes every frame, and must end where the one that told it ended. It says nothing itself,
so that nothing in the log is its own.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from client.room import commands, effects
from client.room.core import (
    Env,
    Input,
    JoinExpectation,
    Me,
    RoomState,
    decode_expectation,
    join_room,
    room_view,
    step,
)
from client.room.sight import SightPost, SightSystem
from crypto.mls.group import epoch, epoch_authenticator
from crypto.mls.key_package import KeyPackageSecrets
from crypto.room.ephemeral import CallMedia, CallReaction, Hand
from crypto.room.snapshot import Snapshot, encode_snapshot, snapshot_hash
from tests.client.room.delivery_service import FromServer
from tests.client.room.world import World, room_of
from tests.crypto.identity.people import DEPLOYMENT, id_of, seeded, someone
from wire.bounds import from_base64url, to_base64url
from wire.codec import decode_server, encode
from wire.frames import Bye, CallEnded, CallOffer, CallReport, CallState, Pong, Ready, Welcome, Woken

FOLDER = Path(__file__).resolve().parents[2] / "agreement"
READER = "cleo"


@dataclass(frozen=True, slots=True)
class Story:
    expectation: JoinExpectation
    frames: list[tuple[int, bytes]]
    """When (ms), and the frame as it stands on the socket."""
    end: dict[str, Any]
    call: list[list[Any]]
    """What it was given of a call that it went into when it was told of one, and what was said there."""


def env_at(time: int) -> Env:
    identity = someone(READER).identity
    device_id = id_of(f"device {READER} phone")
    me = Me(identity.account_id, device_id, DEPLOYMENT, identity, READER)
    return Env(time, time, seeded(f"reader {time}"), me)


def tell() -> Story:
    """A room in which most things happen that a room knows."""
    world = World("story")
    anna, ben = room_of(world, "anna", "ben")
    fragment = anna.invite()
    world.run(1_000)
    cleo = world.device(READER)
    frames: list[tuple[int, bytes]] = []

    def listen(frame: FromServer) -> FromServer:
        if not isinstance(frame, Ready | Bye):
            frames.append((world.now, encode(frame)))
        if call_in(frame):
            world.at(world.now, lambda: cleo.call(False))
        return frame

    cleo.tamper = listen
    cleo.meddle = lambda _: None
    cleo.accept(fragment)
    assert cleo.expectation is not None
    expectation = decode_expectation(cleo.expectation)
    world.run(20_000)
    anna.post("Good morning. Who is here?")
    world.run(500)
    ben.command(commands.Post("I am — Grüße 👋", reply_to=anna.post_id("Good morning. Who is here?")))
    anna.post("Thiss is wrong")
    world.run(500)
    anna.command(commands.Edit(anna.post_id("Thiss is wrong"), "This is right"))
    ben.command(commands.React(anna.post_id("Good morning. Who is here?"), "👍", True))
    ben.post("Not for long")
    world.run(500)
    ben.command(commands.Delete(ben.post_id("Not for long")))
    ben.command(commands.Rename("Wednesday group"))
    world.run(1_000)
    fragment = ben.invite()
    world.run(1_000)
    dora = world.device("dora")
    dora.accept(fragment)
    world.run(20_000)
    anna.call(True)
    world.run(1_000)
    ben.call(False)
    world.run(1_000)
    sight = ben.view().call
    assert sight is not None
    assert sight.sitting is not None
    sitting = sight.sitting
    anna.command(commands.SayInCall(CallMedia(sitting, mic=True, camera=True, screen=False)))
    ben.command(commands.SayInCall(Hand(sitting, on=True, since=world.now)))
    ben.command(commands.SayInCall(CallReaction(sitting, "👏")))
    world.run(1_000)
    laptop = world.device("ben", "laptop")
    laptop.recover(ben.pin())
    world.run(20_000)
    dora.post("Hello from Dora")
    laptop.post("Hello from my laptop")
    world.run(1_000)
    anna.command(commands.RemoveMember(dora.me.account_id))
    world.run(1_000)
    ben.command(commands.Leave())
    world.run(10_000)
    anna.post("Only us now")
    anna.command(commands.Typing())
    world.run(500)
    return Story(expectation, frames, end_of(cleo.state, world.now), call_of(cleo.effects))


def call_in(frame: object) -> bool:
    """The word that somebody is in a call, for a device that is not in it."""
    me = id_of(f"device {READER} phone")
    devices = [one.device for one in frame.participants] if isinstance(frame, CallState) else []
    return devices != [] and me not in devices


def call_of(done: Iterable[effects.Effect]) -> list[list[Any]]:
    out: list[list[Any]] = []
    for effect in done:
        match effect:
            case effects.Media():
                out.append(["media", effect.epoch, to_base64url(effect.base_key), list(effect.leaves)])
            case effects.MediaHold(gone):
                out.append(["hold", None if gone is None else gone.leaf])
            case effects.MediaEnd():
                out.append(["end"])
            case effects.HeardInCall(_, device, signal):
                out.append(["heard", to_base64url(device), signal.kind])
    return out


def end_of(state: RoomState, time: int) -> dict[str, Any]:
    """What two devices that were sent the same must agree on."""
    assert state.membership is not None
    assert state.log.head is not None
    group = state.membership.group
    sight = room_view(state, env_at(time), 1_000)
    fold = Snapshot(state.log.n, state.log.head, state.fold)
    return {
        "at": time,
        "n": state.log.n,
        "head": to_base64url(state.log.head),
        "epoch": epoch(group),
        "authenticator": to_base64url(epoch_authenticator(group)),
        "fold": to_base64url(snapshot_hash(encode_snapshot(fold))),
        "title": sight.title,
        "members": [[one.name, one.devices, one.founder] for one in sight.members],
        "typing": [to_base64url(one) for one in sight.typing],
        "media": "off" if sight.call is None else sight.call.media,
        "callers": [
            [to_base64url(one.device_id), one.hand, one.mic, one.camera, one.screen]
            for one in (() if sight.call is None else sight.call.participants)
        ],
        "posts": [
            [
                item.n,
                item.author_name,
                item.text,
                item.deleted,
                None if item.reply_to is None else item.reply_to.text,
                [[one.emoji, list(one.who)] for one in item.reactions],
            ]
            for item in sight.items
            if isinstance(item, SightPost)
        ],
        "lines": [
            [item.n, item.code, item.who, item.by, item.detail]
            for item in sight.items
            if isinstance(item, SightSystem)
        ],
    }


def read(story: Story) -> tuple[dict[str, Any], list[list[Any]], list[str]]:
    """How it ends for a device that is given the story, what it had of the call, and what it alarmed."""
    state: RoomState | None = None
    done: list[effects.Effect] = []
    for time, data in story.frames:
        (frame,) = decode_server(data)
        env = env_at(time)
        if state is None:
            if isinstance(frame, Welcome):
                state = join_room(env, story.expectation, frame).state
            continue
        assert not isinstance(frame, Ready | Bye | Pong | CallOffer | CallEnded | CallReport | Woken)
        inputs: list[Input] = [frame]
        if call_in(frame):
            inputs.append(commands.MediaOn(rekey=False))
        for one in inputs:
            stepped = step(state, one, env)
            state = stepped.state
            done += stepped.effects
    assert state is not None
    alarms: list[str] = [effect.code for effect in done if isinstance(effect, effects.Alarm)]
    return end_of(state, story.end["at"]), call_of(done), alarms


_EXPECTED = ("room_id", "invite_id", "secret", "inviter_root", "request_hash", "key_package")
_SECRETS = ("init_private_key", "encryption_private_key", "signature_private_key")


def load(name: str) -> Story:
    raw = json.loads((FOLDER / name).read_text())
    expected, secrets = raw["expectation"], raw["expectation"]["secrets"]
    expectation = JoinExpectation(
        **{one: from_base64url(expected[one]) for one in _EXPECTED},
        secrets=KeyPackageSecrets(**{one: from_base64url(secrets[one]) for one in _SECRETS}),
    )
    frames = [(time, from_base64url(data)) for time, data in raw["frames"]]
    return Story(expectation, frames, raw["end"], raw["call"])


def save(name: str, story: Story) -> None:
    expected = {one: to_base64url(getattr(story.expectation, one)) for one in _EXPECTED}
    secrets = {one: to_base64url(getattr(story.expectation.secrets, one)) for one in _SECRETS}
    raw = {
        "expectation": {**expected, "secrets": secrets},
        "frames": [[time, to_base64url(data)] for time, data in story.frames],
        "end": story.end,
        "call": story.call,
    }
    (FOLDER / name).write_text(json.dumps(raw, indent=1, ensure_ascii=False) + "\n")
