"""Who is in the room's call, and what they say of themselves by signals (E38)."""

from dataclasses import replace

import pytest

from client.room import commands, effects
from client.room.core import CommandError
from client.room.sight import SightCall
from crypto.room.ephemeral import CallMedia, CallReaction, CallSignal, Hand
from tests.client.room.world import ROOM, Device, World, room_of
from wire.frames import CallParticipant, CallState, Ephemeral

Shown = tuple[int | None, bool, bool, bool]
QUIET: Shown = (None, False, False, False)


def on_call(seed: str, *people: str) -> tuple[World, list[Device]]:
    world = World(seed)
    devices = room_of(world, *people)
    world.run(60_000)
    devices[0].call(True)
    world.run(2_000)
    for one in devices[1:]:
        one.call(False)
    world.run(2_000)
    return world, devices


def call_of(device: Device) -> SightCall:
    call = device.view().call
    assert call is not None
    return call


def sitting_of(device: Device) -> bytes:
    sitting = call_of(device).sitting
    assert sitting is not None
    return sitting


def say(device: Device, signal: CallSignal) -> None:
    device.command(commands.SayInCall(signal))


def refusal(device: Device, signal: CallSignal) -> str:
    with pytest.raises(CommandError) as caught:
        say(device, signal)
    return caught.value.code


def shown(device: Device) -> list[Shown]:
    """Of each participant: the hand, and what is on."""
    return [(one.hand, one.mic, one.camera, one.screen) for one in call_of(device).participants]


def reactions(device: Device) -> list[str]:
    heard = (one.signal for one in device.effects if isinstance(one, effects.HeardInCall))
    return [signal.emoji for signal in heard if isinstance(signal, CallReaction)]


def signals_of(device: Device) -> int:
    sent = (frame for one in device.effects if isinstance(one, effects.Send) for frame in one.frames)
    return sum(isinstance(frame, Ephemeral) for frame in sent)


def test_who_is_in_the_call_is_shown_by_the_servers_word_of_the_members_alone() -> None:
    world, (anna, ben) = on_call("shown", "anna", "ben")
    call = call_of(anna)
    assert [one.account_id for one in call.participants] == [anna.me.account_id, ben.me.account_id]
    assert (call.sitting, call.media) == (sitting_of(ben), "on")
    stranger = CallParticipant(device=bytes(16), session=bytes(16), since=1, state="here")
    anna.input(CallState(room=ROOM, call=call.sitting, since=1, participants=[stranger]))
    assert call_of(anna).participants == ()
    ben.hang_up(False)
    anna.hang_up(True)
    world.run(1_000)
    assert (anna.view().call, ben.view().call) == (None, None)


def test_a_call_is_forgotten_when_the_server_has_sent_everything_and_said_nothing_of_one() -> None:
    world, (anna, ben) = on_call("silence", "anna", "ben")
    anna.hang_up(False)
    anna.disconnect()
    ben.hang_up(False)
    world.run(1_000)
    assert len(call_of(anna).participants) == 2  # what it heard last
    anna.connect()
    world.run(1_000)
    assert anna.view().call is None


def test_e38_hands_and_media_are_shown_also_to_whoever_comes_later_and_after_a_new_epoch() -> None:
    world, devices = on_call("hands", "anna", "ben", "cleo")
    anna, ben, cleo = devices
    cleo.hang_up(False)
    world.run(1_000)
    sitting, since = sitting_of(anna), world.now
    say(anna, CallMedia(sitting, mic=True, camera=True, screen=False))
    say(ben, Hand(sitting, True, since))
    world.run(1_500)
    expected = [(None, True, True, False), (since, False, False, False)]
    assert shown(anna) == shown(ben) == expected
    cleo.call(False)
    world.run(1_500)
    assert shown(cleo)[:2] == expected
    # What was said while Ben was away, he hears when he is back.
    ben.disconnect()
    say(anna, CallMedia(sitting, mic=False, camera=False, screen=False))
    say(cleo, Hand(sitting, True, since + 1))
    world.run(1_500)
    ben.connect()
    world.run(47_000)
    later = [QUIET, (since, False, False, False), (since + 1, False, False, False)]
    assert [shown(one) for one in devices] == [later] * 3
    anna.command(commands.Rename("A new epoch"))
    say(cleo, Hand(sitting, False, 0))
    world.run(2_000)
    assert [shown(one)[2] for one in devices] == [QUIET] * 3
    assert shown(anna)[1] == later[1]


def test_e38_hands_and_media_are_forgotten_when_a_device_leaves_and_a_hand_when_the_sitting_ends() -> None:
    world, devices = on_call("forgotten", "anna", "ben")
    anna, ben = devices
    sitting = sitting_of(anna)
    say(ben, CallMedia(sitting, mic=True, camera=False, screen=False))
    say(ben, Hand(sitting, True, world.now))
    world.run(1_500)
    ben.hang_up(False)
    world.run(1_000)
    assert anna.state.call.heard == {}
    ben.call(False)
    world.run(2_000)
    assert shown(anna)[1] == QUIET
    say(ben, Hand(sitting, True, world.now))
    say(anna, Hand(sitting, True, world.now))
    say(anna, CallMedia(sitting, mic=True, camera=False, screen=False))
    world.run(2_000)
    # The server begins anew: it is another sitting, with the same people.
    for one in devices:
        world.ds.call_leave(ROOM, one.me.device_id)
    world.run(100)
    assert (anna.state.call.heard, anna.state.call.sitting) == ({}, None)
    for one in devices:
        world.ds.call_join(ROOM, one.me.device_id)
    world.run(3_000)
    assert sitting_of(anna) != sitting
    assert shown(ben)[0] == (None, True, False, False)
    assert shown(anna)[1] == QUIET
    say(anna, Hand(sitting_of(anna), True, world.now))
    world.run(2_000)
    assert shown(anna)[0] == (world.now - 2_000, True, False, False)
    going = anna.state.call.sitting
    assert going is not None
    anna.input(CallState(room=ROOM, call=bytes(16), since=1, participants=list(going.participants)))
    assert shown(anna)[0] == (None, True, False, False)


def test_e38_what_was_lost_on_the_way_is_said_again_in_the_next_epoch() -> None:
    world, (anna, ben) = on_call("lost", "anna", "ben")
    ben.tamper = lambda frame: None if isinstance(frame, Ephemeral) else frame
    say(anna, CallMedia(sitting_of(anna), mic=True, camera=False, screen=False))
    world.run(2_000)
    ben.tamper = None
    assert shown(ben)[0] == QUIET
    ben.command(commands.Rename("A new epoch"))
    world.run(2_000)
    assert shown(ben)[0] == (None, True, False, False)


def test_e38_they_are_said_once_a_second_at_the_most_whatever_a_person_does() -> None:
    world, (anna, ben) = on_call("bounded", "anna", "ben")
    sitting = sitting_of(anna)
    world.run(10_000)
    before = signals_of(anna)
    for i in range(100):
        say(anna, CallMedia(sitting, mic=i % 2 == 0, camera=False, screen=False))
        world.run(20)
    world.run(2_000)
    assert signals_of(anna) - before < 10
    assert shown(ben)[0] == QUIET


def test_e38_a_reaction_reaches_the_others_once_and_a_flood_is_neither_said_nor_shown() -> None:
    world, (anna, ben) = on_call("reactions", "anna", "ben")
    clap = CallReaction(sitting_of(anna), "👏")
    say(anna, clap)
    assert refusal(anna, clap) == "too_often"
    world.run(1_000)
    assert (reactions(ben), reactions(anna)) == (["👏"], [])
    say(anna, clap)
    world.run(1_000)
    assert len(reactions(ben)) == 2
    # Somebody's device that does not keep to it.
    for _ in range(20):
        anna.known = replace(anna.state, call=replace(anna.state.call, reacted={}))
        say(anna, clap)
        world.run(20)
    world.run(1_000)
    assert len(reactions(ben)) < 6


def test_e38_a_signal_is_refused_to_whoever_is_in_no_call_and_of_another_sitting_counts_for_nothing() -> None:
    world, (anna, ben) = on_call("refused", "anna", "ben")
    sitting, other = sitting_of(anna), bytes(16)
    assert refusal(anna, CallReaction(other, "👏")) == "not_in_call"
    assert refusal(anna, Hand(other, True, 1)) == "not_in_call"
    assert refusal(anna, CallReaction(sitting, "no emoji")) == "emoji"
    # Ben takes this for another sitting.
    call = ben.state.call
    assert call.sitting is not None
    ben.known = replace(ben.state, call=replace(call, sitting=replace(call.sitting, id=other)))
    say(anna, Hand(sitting, True, world.now))
    say(anna, CallReaction(sitting, "👏"))
    world.run(1_500)
    assert (reactions(ben), ben.state.call.heard) == ([], {})
    anna.hang_up(False)
    assert refusal(anna, Hand(sitting, True, 1)) == "not_in_call"
    (alone,) = room_of(World("gone"), "anna")
    assert refusal(alone, Hand(sitting, True, 1)) == "not_in_call"
