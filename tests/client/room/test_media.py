"""When a device is given the keys of a call, when it must not encrypt, and how the keys go again (E14, E19,
E35 to E37).
"""

from dataclasses import replace

import cbor2
import pytest

from client.room import commands, effects
from client.room.call_state import NO_MEDIA
from client.room.core import CORE_ROW, CommandError, load_room, room_rows
from client.room.staged import Upkeep
from crypto.mls.group import Group, epoch, export_secret, group_secrets
from tests.client.room.delivery_service import FromServer
from tests.client.room.invariants import expect_converged, expect_media, expect_stored
from tests.client.room.world import HOUR, ROOM, Device, World, room_of
from wire.frames import CallState, Cursors, Entry, Refused, Send


def base_key_of(group: Group) -> bytes:
    return export_secret(group, "SFrame 1.0 Base Key", b"", 32)


def commits(world: World) -> int:
    return sum(one.entry is not None and one.entry.kind == "commit" for one in world.ds.rooms[ROOM].log)


def given(device: Device) -> list[int]:
    return [one.epoch for one in device.effects if isinstance(one, effects.Media)]


def keys_of(device: Device) -> effects.Media:
    assert device.keys is not None
    return device.keys


def no_commits(frame: Send) -> Send | None:
    return None if frame.kind == "commit" else frame


def refusal(device: Device, command: commands.Command) -> str:
    with pytest.raises(CommandError) as caught:
        device.command(command)
    return caught.value.code


def quiet(seed: str, *people: str) -> tuple[World, list[Device]]:
    """A room in which nothing is left to be done."""
    world = World(seed)
    devices = room_of(world, *people)
    world.run(60_000)
    return world, devices


def on_call(seed: str, *people: str) -> tuple[World, list[Device]]:
    """All of them in a call."""
    world, devices = quiet(seed, *people)
    devices[0].call(True)
    world.run(2_000)
    for one in devices[1:]:
        one.call(False)
    world.run(2_000)
    assert all(one.sending for one in devices)
    return world, devices


def fork(world: World, victim: Device, author: Device) -> None:
    """For one device the log is another from its next entry on, and the one after that shows it (E19)."""
    at = victim.state.log.n + 1

    def later(frame: FromServer) -> FromServer:
        if isinstance(frame, Entry) and frame.n == at:
            return frame.model_copy(update={"time": frame.time + 1})
        return frame

    victim.tamper = later
    author.post("one")
    world.run(500)
    victim.tamper = None
    author.post("two")
    world.run(500)
    assert victim.view().state == "paused"


# A call begins


def test_e37_it_begins_with_a_commit_of_its_starter_and_no_key_is_given_before_that_is_merged() -> None:
    world, (anna, ben) = quiet("start", "anna", "ben")
    before = epoch(anna.group)
    leaf = anna.group.tree.leaf(anna.group.own_leaf)
    anna.call(True)
    staged = anna.state.staged
    assert staged is not None
    assert staged.purpose == Upkeep("before_call")
    sight = anna.view().call
    assert sight is not None
    assert sight.media == "waiting"
    assert given(anna) == []
    world.run(2_000)
    assert given(anna) == [before + 1]
    renewed = anna.group.tree.leaf(anna.group.own_leaf)
    assert leaf is not None
    assert renewed is not None
    assert renewed.encryption_key != leaf.encryption_key
    assert anna.state.chores.called
    # Whoever comes in later has them at once: the epoch is the call's.
    ben.call(False)
    assert given(ben) == [before + 1]
    assert keys_of(ben).base_key == keys_of(anna).base_key == base_key_of(anna.group)
    assert [keys_of(one).own_leaf for one in (anna, ben)] == [0, 1]
    assert keys_of(anna).leaves == {
        leaf: effects.CallLeaf(one.me.device_id, one.me.account_id) for leaf, one in enumerate((anna, ben))
    }
    assert keys_of(anna).base_key.hex() not in repr(keys_of(anna))
    world.run(1_000)
    expect_converged(world)


def begun_without_a_commit(seed: str) -> tuple[World, list[Device]]:
    """Anna begins a call: the server names her in it, and her commit is on its way."""
    world, (anna, ben, cleo) = quiet(seed, "anna", "ben", "cleo")
    anna.meddle = no_commits
    anna.call(True)
    world.run(500)
    return world, [anna, ben, cleo]


def test_e37_whoever_comes_before_the_starters_commit_is_there_waits_for_it() -> None:
    world, (anna, ben, cleo) = begun_without_a_commit("early second")
    before, count = epoch(anna.group), commits(world)
    ben.call(False)
    cleo.call(False)
    world.run(1_000)
    assert (ben.media, given(ben), given(cleo)) == ("waiting", [], [])
    anna.meddle = None
    anna.reconnect()
    world.run(1_000)
    for one in (anna, ben, cleo):
        assert given(one) == [before + 1]
        assert one.told() == []
    world.run(30_000)
    assert commits(world) == count + 1
    expect_converged(world)


def test_e37_where_the_starter_is_gone_before_its_commit_one_of_the_others_makes_it() -> None:
    world, (anna, ben, cleo) = begun_without_a_commit("starter gone")
    before, count = epoch(ben.group), commits(world)
    ben.call(False)
    cleo.call(False)
    anna.disconnect()
    world.run(3_000)
    assert given(ben) == given(cleo) == []
    world.run(4_000)
    assert given(ben) == given(cleo) == [before + 1]
    assert commits(world) == count + 1
    assert ben.state.log.maker.device_id in (ben.me.device_id, cleo.me.device_id)


def test_e37_a_begin_that_cannot_be_is_waited_for_once() -> None:
    """By a server that says of the call that it began tomorrow."""
    world, (anna, ben) = quiet("tomorrow", "anna", "ben")

    def tomorrow(frame: FromServer) -> FromServer:
        late = isinstance(frame, CallState) and frame.since is not None
        return frame.model_copy(update={"since": world.now + 24 * HOUR}) if late else frame

    ben.tamper = tomorrow
    anna.call(True)
    world.run(1_000)
    count = commits(world)
    ben.call(False)
    world.run(60_000)
    assert ben.sending
    assert commits(world) == count + 1
    world.run(60_000)
    assert commits(world) == count + 1


def test_e37_anybodys_commit_does_while_this_device_is_level() -> None:
    world, (anna, ben) = quiet("start by another", "anna", "ben")
    before = commits(world)
    anna.meddle = no_commits
    anna.call(True)
    ben.command(commands.Rename("By Ben"))
    world.run(1_000)
    assert given(anna) == [epoch(ben.group)]
    assert commits(world) == before + 1
    assert anna.state.staged is None


def test_e37_a_commit_that_is_only_caught_up_with_does_not() -> None:
    """It may be from days before."""
    world, (anna, ben) = quiet("start after absence", "anna", "ben")
    anna.disconnect()
    ben.command(commands.Rename("Long ago"))
    world.run(1_000)
    before = epoch(ben.group)
    anna.call(True)
    anna.connect()
    world.run(2_000)
    assert given(anna) == [before + 1]


def test_who_comes_in_is_given_no_keys_of_an_epoch_that_may_be_over() -> None:
    world, (anna, ben) = quiet("not level", "anna", "ben")
    ben.disconnect()
    anna.command(commands.Rename("Meanwhile"))
    world.run(1_000)
    ben.call(False)
    assert given(ben) == []
    ben.connect()
    world.run(1_000)
    assert given(ben) == [epoch(anna.group)]


def test_a_commit_of_ones_own_for_something_else_does_as_well() -> None:
    world, (anna, _) = quiet("start with an intent", "anna", "ben")
    before = commits(world)
    anna.disconnect()
    anna.command(commands.Rename("And a call"))
    anna.call(True)
    anna.connect()
    world.run(2_000)
    assert commits(world) == before + 1
    assert anna.sending


def test_a_start_that_is_taken_back_leaves_nothing() -> None:
    world, (anna, _) = quiet("taken back", "anna", "ben")
    before = commits(world)
    anna.disconnect()
    anna.call(True)
    anna.hang_up(True)
    assert anna.state.media == NO_MEDIA
    anna.connect()
    world.run(60_000)
    assert commits(world) == before
    assert given(anna) == []
    expect_converged(world)


def test_a_start_that_the_server_refuses_is_none() -> None:
    world, (anna, ben) = quiet("refused", "anna", "ben")

    def refuse(frame: FromServer) -> FromServer:
        staged = anna.state.staged
        if not isinstance(frame, Cursors) or staged is None:
            return frame
        return Refused(room=ROOM, id=staged.id, code="not_found", message="")

    anna.tamper = refuse
    anna.meddle = lambda _: None
    anna.call(True)
    ben.post("a frame to carry it")
    world.run(2_000)
    assert effects.Dropped("media_on", "not_found") in anna.effects
    assert effects.MediaEnd() in anna.effects
    assert anna.media == "off"
    assert given(anna) == []


def test_e24_a_newcomer_waits_until_its_head_is_known() -> None:
    world, (anna, _) = quiet("newcomer in call", "anna", "ben")
    anna.call(True)
    fragment = anna.invite()
    world.run(2_000)
    cleo = world.device("cleo")
    # Nothing of Anna's but the commit leaves her device.
    anna.meddle = lambda frame: frame if frame.kind == "commit" else None
    cleo.accept(fragment)
    world.run(5_000)
    assert cleo.state.newcomer is not None
    cleo.call(False)
    world.run(100)
    assert cleo.media == "waiting"
    assert given(cleo) == []
    world.run(20_000)
    assert cleo.state.newcomer is None
    assert keys_of(cleo).base_key == keys_of(anna).base_key


def test_whoever_may_not_send_is_refused_and_told_why() -> None:
    world, (anna, ben, cleo) = quiet("refusals", "anna", "ben", "cleo")
    fork(world, ben, anna)
    assert refusal(ben, commands.MediaOn(rekey=False)) == "paused"
    cleo.disconnect()
    cleo.command(commands.Leave())
    assert refusal(cleo, commands.MediaOn(rekey=True)) == "leaving"
    cleo.connect()
    world.run(1_000)
    assert refusal(cleo, commands.MediaOn(rekey=True)) == "not_a_member"
    cleo.command(commands.MediaOff(rekey=True))  # always taken
    laptop = world.device("anna", "laptop")
    laptop.recover(anna.pin())
    assert refusal(laptop, commands.MediaOn(rekey=False)) == "rejoining"


# A call goes on


def test_e36_every_merge_gives_the_keys_of_the_new_epoch_to_those_alone_who_are_in_it() -> None:
    world, (anna, ben, cleo) = on_call("switches", "anna", "ben", "cleo")
    first = keys_of(anna)
    fragment = anna.invite()
    world.run(1_000)
    dora = world.device("dora")
    dora.accept(fragment)
    world.run(20_000)
    dora.call(False)
    world.run(1_000)
    for one in (anna, ben, cleo, dora):
        assert keys_of(one).epoch == epoch(anna.group)
        assert len(keys_of(one).leaves) == 4
        assert one.sending
    second = keys_of(anna)
    assert second.epoch == first.epoch + 2
    anna.command(commands.RemoveMember(cleo.me.account_id))
    world.run(1_000)
    assert (cleo.keys, cleo.state.membership, cleo.media) == (None, None, "off")
    assert cleo.effects.count(effects.MediaEnd()) == 1
    for one in (anna, ben, dora):
        assert keys_of(one).epoch == second.epoch + 1
        assert all(who.device_id != cleo.me.device_id for who in keys_of(one).leaves.values())
        assert keys_of(one).base_key != second.base_key
    expect_converged(world)


def test_e14_nothing_is_encrypted_between_a_leave_and_its_commit_and_who_goes_is_unheard_at_once() -> None:
    world, (anna, ben, cleo) = on_call("hold", "anna", "ben", "cleo")
    before, going = keys_of(anna), ben.group.own_leaf
    for one in (anna, cleo):
        one.meddle = no_commits
    ben.command(commands.Leave())
    assert ben.keys is None  # at once, whatever the server says
    world.run(3_000)
    for one in (anna, cleo):
        assert (one.sending, one.unheard, one.media) == (False, [going], "held")
        assert keys_of(one).epoch == before.epoch
        expect_media(one)
    for one in (anna, cleo):
        one.meddle = None
        one.reconnect()
    world.run(5_000)
    for one in (anna, cleo):
        assert (one.sending, keys_of(one).epoch, one.unheard) == (True, before.epoch + 1, [going])
        assert going not in keys_of(one).leaves
    expect_converged(world)


def test_e14_whoever_comes_in_while_a_leave_waits_is_given_nothing_before_its_commit() -> None:
    world, (anna, ben, cleo) = quiet("leave first", "anna", "ben", "cleo")
    for one in (anna, cleo):
        one.meddle = no_commits
    ben.command(commands.Leave())
    world.run(1_000)
    before = epoch(cleo.group)
    cleo.call(False)
    world.run(1_000)
    assert given(cleo) == []
    anna.meddle = cleo.meddle = None
    anna.reconnect()
    world.run(5_000)
    assert given(cleo) == [before + 1]


def test_e19_nothing_is_encrypted_while_the_room_is_paused_also_not_for_a_new_epoch() -> None:
    world, (anna, ben, cleo) = on_call("pause", "anna", "ben", "cleo")
    before = keys_of(ben)
    fork(world, ben, anna)
    assert (ben.sending, keys_of(ben), ben.unheard) == (False, before, [])
    assert ben.effects.count(effects.MediaHold(None)) == 1
    ben.command(commands.Resume())
    assert (ben.sending, keys_of(ben)) == (True, before)
    # Once more, and this time the epoch goes on meanwhile.
    world.run(1_000)
    anna.command(commands.Resume())
    fork(world, cleo, anna)
    anna.command(commands.Rename("Meanwhile"))
    world.run(2_000)
    assert epoch(cleo.group) == before.epoch + 1
    assert (cleo.sending, keys_of(cleo).epoch) == (False, before.epoch)
    cleo.command(commands.Resume())
    assert (cleo.sending, keys_of(cleo).epoch) == (True, before.epoch + 1)


def test_e39_a_copy_of_this_device_ends_its_part_and_after_the_rejoin_the_person_comes_in_again() -> None:
    world, (_, ben, _) = on_call("copy", "anna", "ben", "cleo")
    copy = dict(ben.rows)
    ben.post("one")
    world.run(1_000)
    ben.rows = copy
    ben.crash()
    ben.call(False)
    world.run(5_000)
    assert "copy ben" in ben.told()
    assert (ben.keys, ben.media) == (None, "off")
    world.run(30_000)
    assert ben.stage == "member"
    assert ben.keys is None
    ben.call(False)
    world.run(1_000)
    assert keys_of(ben).epoch == epoch(ben.group)
    expect_converged(world)


def test_e18_a_commit_that_this_device_cannot_complete_ends_its_part() -> None:
    world, (anna, ben, cleo) = on_call("stuck", "anna", "ben", "cleo")
    # What Anna's path holds for Cleo opens with no key of hers.
    membership = cleo.membership
    spoilt = {at: bytes(len(key)) for at, key in membership.group.private_tree.items()}
    group = replace(membership.group, private_tree=spoilt)
    cleo.known = replace(cleo.state, membership=replace(membership, group=group))
    anna.command(commands.Rename("Renamed"))
    world.run(60)
    assert cleo.told() == ["stuck anna"]
    assert cleo.stage == "rejoining"
    assert cleo.state.membership is not None
    assert (cleo.keys, cleo.media) == (None, "off")
    world.run(60_000)
    assert cleo.stage == "member"
    assert cleo.keys is None
    assert anna.sending
    assert ben.sending


def test_a_lost_connection_changes_nothing_and_what_was_missed_is_caught_up_with() -> None:
    world, (anna, ben) = on_call("reconnect", "anna", "ben")
    before = keys_of(ben)
    ben.disconnect()
    anna.command(commands.Rename("Meanwhile"))
    world.run(1_000)
    assert (ben.sending, keys_of(ben)) == (True, before)
    ben.connect()
    world.run(1_000)
    assert (ben.sending, keys_of(ben).epoch) == (True, before.epoch + 1)
    assert not any(isinstance(one, effects.MediaHold | effects.MediaEnd) for one in ben.effects)
    expect_converged(world)


# After a call


def test_e37_the_last_to_leave_commits_and_nobody_else_does() -> None:
    world, devices = on_call("last", "anna", "ben", "cleo")
    anna, ben, cleo = devices
    called, exporter = keys_of(anna), anna.group.secrets.exporter
    anna.hang_up(False)
    cleo.hang_up(False)
    world.run(40_000)
    assert epoch(ben.group) == called.epoch
    assert (anna.keys, cleo.keys, ben.sending) == (None, None, True)
    ben.hang_up(True)
    world.run(1_000)
    for one in devices:
        assert epoch(one.group) == called.epoch + 1
        assert one.state.log.maker.device_id == ben.me.device_id
        assert not one.state.chores.called
        # What the call's key was made of is gone, and nothing that is left gives it.
        assert exporter not in group_secrets(one.group)
        assert base_key_of(one.group) != called.base_key
    before = commits(world)
    world.run(120_000)
    assert commits(world) == before
    expect_converged(world)


def test_e37_the_last_to_leave_commits_also_where_the_server_does_not_say_that_nobody_is_left() -> None:
    world, (anna, ben) = on_call("silent server", "anna", "ben")
    anna.hang_up(False)
    world.run(1_000)
    ben.tamper = lambda frame: None if isinstance(frame, CallState) else frame
    before = epoch(ben.group)
    ben.hang_up(True)
    world.run(1_500)
    assert epoch(ben.group) == before
    world.run(1_500)
    assert epoch(ben.group) == before + 1


def test_e37_where_the_last_was_killed_one_of_the_others_does_it_after_30_seconds() -> None:
    world, (anna, ben, cleo) = on_call("killed", "anna", "ben", "cleo")
    anna.hang_up(False)
    cleo.hang_up(False)
    world.run(1_000)
    before, count, since = epoch(anna.group), commits(world), len(cleo.effects)
    ben.crash()
    world.run(29_000)
    assert epoch(anna.group) == before
    world.run(3_000)
    assert epoch(anna.group) == before + 1
    assert anna.state.log.maker.device_id == anna.me.device_id  # the first by turns
    world.run(60_000)
    assert commits(world) == count + 1
    sent = [frame for one in cleo.effects[since:] if isinstance(one, effects.Send) for frame in one.frames]
    assert not any(isinstance(frame, Send) and frame.kind == "commit" for frame in sent)
    expect_converged(world)


def test_e37_whoever_took_itself_for_the_last_and_was_not_waits_like_the_others() -> None:
    world, (anna, ben) = on_call("not the last", "anna", "ben")
    before = epoch(anna.group)
    anna.hang_up(True)
    world.run(1_000)
    ben.crash()
    world.run(20_000)
    assert epoch(anna.group) == before
    world.run(20_000)
    assert epoch(anna.group) == before + 1


def test_e37_whoever_was_given_keys_owes_it_without_any_word_of_the_server() -> None:
    world, (anna, _) = quiet("no word", "anna", "ben")
    anna.tamper = lambda frame: None if isinstance(frame, CallState) else frame
    anna.call(True)
    world.run(2_000)
    assert anna.sending
    assert anna.stored().chores.called


def test_e37_where_the_first_by_turns_is_away_the_next_one_does() -> None:
    world, (anna, ben, cleo) = on_call("by turns", "anna", "ben", "cleo")
    anna.disconnect()
    world.ds.call_leave(ROOM, anna.me.device_id)
    world.run(120_000)
    for one in (ben, cleo):
        one.hang_up(False)
    count = commits(world)
    world.run(50_000)
    assert commits(world) == count + 1
    assert ben.state.log.maker.device_id == ben.me.device_id


def test_e37_devices_that_were_all_killed_or_offline_owe_it_still_when_they_come_back() -> None:
    world, devices = on_call("all gone", "anna", "ben", "cleo")
    count = commits(world)
    for one in devices:
        one.crash()
        assert one.state.chores.called
    world.sleep(HOUR)
    for one in devices:
        one.connect()
    world.run(60_000)
    assert commits(world) == count + 1
    expect_converged(world)


def test_e37_as_long_as_anybody_is_in_it_nobody_commits() -> None:
    """Who comes in meanwhile takes it over."""
    world, (anna, ben, cleo) = on_call("goes on", "anna", "ben", "cleo")
    before = epoch(anna.group)
    anna.hang_up(False)
    cleo.hang_up(False)
    world.run(120_000)
    assert epoch(anna.group) == before
    ben.hang_up(False)
    world.run(20_000)
    anna.call(False)
    world.run(120_000)
    assert epoch(anna.group) == before
    anna.hang_up(True)
    world.run(1_000)
    assert epoch(anna.group) == before + 1


def endless(frame: FromServer) -> FromServer | None:
    """A server that does not say that anybody has left."""
    return None if isinstance(frame, CallState) else frame


def test_e37_twelve_who_leave_a_call_that_never_ends_supersede_it_once_within_minutes() -> None:
    people = ("anna", "ben", "cleo", "dora", "emil", "fanny", "greta", "hans", "ida", "jan", "kim", "lea")
    world, devices = on_call("endless", *people)
    before, count = epoch(devices[0].group), commits(world)
    since = [len(one.effects) for one in devices]
    for one in devices:
        one.tamper = endless
        one.hang_up(False)
    world.run(4 * 60_000)
    assert epoch(devices[0].group) == before
    world.run(2 * 60_000)
    assert {epoch(one.group) for one in devices} == {before + 1}
    assert commits(world) == count + 1
    # By turns: the others do not even try.
    done = [effect for one, at in zip(devices, since, strict=True) for effect in one.effects[at:]]
    sent = [frame for effect in done if isinstance(effect, effects.Send) for frame in effect.frames]
    assert sum(isinstance(frame, Send) and frame.kind == "commit" for frame in sent) == 1
    world.run(HOUR)
    assert commits(world) == count + 1


def test_e37_whoever_left_a_call_that_goes_on_has_its_keys_for_minutes_at_most() -> None:
    world, (anna, ben, cleo) = on_call("goes on without", "anna", "ben", "cleo")
    before, count = epoch(anna.group), commits(world)
    cleo.hang_up(False)
    world.run(6 * 60_000)
    assert epoch(cleo.group) == before + 1
    assert cleo.state.log.maker.device_id == cleo.me.device_id
    assert keys_of(anna).epoch == keys_of(ben).epoch == before + 1
    # It was given no keys since: the next ones are not for it to supersede.
    world.run(HOUR)
    assert commits(world) == count + 1


def test_e37_a_call_of_which_a_device_only_heard_is_superseded_after_hours() -> None:
    world, (anna, ben) = quiet("heard for hours", "anna", "ben")
    count = commits(world)
    world.ds.call_join(ROOM, ben.me.device_id)
    world.run(5 * HOUR)
    assert commits(world) == count
    world.run(2 * HOUR)
    assert commits(world) == count + 1
    assert anna.state.log.maker.device_id == anna.me.device_id


def test_e37_any_commit_after_the_call_does() -> None:
    world, devices = on_call("another commit", "anna", "ben")
    for one in devices:
        one.hang_up(False)
    world.run(5_000)
    devices[0].command(commands.Rename("Afterwards"))
    world.run(1_000)
    count = commits(world)
    world.run(120_000)
    assert commits(world) == count
    expect_converged(world)


def test_e37_a_commit_during_the_call_does_not() -> None:
    world, devices = on_call("commit within", "anna", "ben", "cleo")
    devices[2].hang_up(False)
    world.run(1_000)
    devices[0].command(commands.Rename("Within"))
    world.run(1_000)
    assert [one.state.chores.called for one in devices] == [True, True, True]
    count = commits(world)
    for one in devices:
        one.hang_up(False)
    world.run(60_000)
    assert commits(world) == count + 1


def test_a_call_that_the_server_only_names_is_followed_by_a_commit_of_whoever_heard_of_it() -> None:
    world, (anna, ben) = quiet("heard of", "anna", "ben")
    before = epoch(anna.group)
    world.ds.call_join(ROOM, ben.me.device_id)
    world.run(1_000)
    assert anna.state.chores.called
    expect_stored(anna)
    world.ds.call_leave(ROOM, ben.me.device_id)
    world.run(60_000)
    assert epoch(anna.group) == before + 1


# What is stored


def test_e37_what_is_stored_says_that_there_was_a_call_and_no_more() -> None:
    world, (anna, _) = on_call("stored", "anna", "ben")
    rows = [*room_rows(None, anna.state).put.values(), *anna.rows.values()]
    assert len(world.base_keys) == 1
    assert not any(key in row for row in rows for key in world.base_keys.values())
    loaded = anna.stored()
    assert (loaded.media, loaded.chores.called) == (NO_MEDIA, True)


def test_a_room_that_was_stored_before_there_were_calls_loads() -> None:
    _, (anna, _) = quiet("old store", "anna", "ben")
    rows = room_rows(None, anna.state).put
    core = cbor2.loads(rows[CORE_ROW])
    del core["chores"]["called"], core["fold"]["rings"], core["fold"]["meetings"]
    loaded = load_room({**rows, CORE_ROW: cbor2.dumps({**core, "format": 1})})
    assert loaded.chores == replace(anna.state.chores, called=False)
