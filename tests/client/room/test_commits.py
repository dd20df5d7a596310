"""What the group agrees on, a commit at a time (E14, E17, E21, E26 to E30)."""

import pytest

from client.room import commands, effects
from client.room.surface import CommandError
from crypto.mls.group import epoch
from crypto.room.invites import new_invite
from tests.client.room.delivery_service import FromServer
from tests.client.room.invariants import expect_converged
from tests.client.room.world import DAY, ROOM, Device, World, room_of
from wire.frames import Entry, Send


def kinds_from_leave(world: World) -> list[str]:
    kinds = [one.entry.kind for one in world.ds.rooms[ROOM].log if one.entry is not None]
    return list(kinds[kinds.index("leave") :])


def sent_by(device: Device, since: int = 0) -> list[Send]:
    return [
        frame
        for effect in device.effects[since:]
        if isinstance(effect, effects.Send)
        for frame in effect.frames
        if isinstance(frame, Send)
    ]


def test_e21_two_commits_at_once_one_wins_the_other_is_made_anew() -> None:
    world = World("race")
    anna, ben = room_of(world, "anna", "ben")
    anna.command(commands.Rename("By Anna"))
    made = new_invite(ben.rng, ben.me.account_id, world.now)
    ben.command(commands.Invite(made.open))
    world.run(2_000)
    for one in (anna, ben):
        assert one.view().title == "By Anna"
        assert len(one.view().invites) == 1
        assert one.told() == []
    assert ben.effects.count(effects.Invited(made.open.id)) == 1
    expect_converged(world)


def test_e21_when_another_commit_stands_first_ones_own_is_dropped_and_made_for_the_new_epoch() -> None:
    world = World("dropped")
    anna, ben = room_of(world, "anna", "ben")
    ben.meddle = lambda _: None
    ben.command(commands.Rename("By Ben"))
    before = ben.state.staged
    assert before is not None
    anna.command(commands.Rename("By Anna"))
    world.run(500)
    staged = ben.state.staged
    assert staged is not None
    assert staged.id != before.id
    assert staged.after == ben.state.log.after
    assert epoch(staged.next) == epoch(ben.group) + 1
    ben.meddle = None
    ben.reconnect()
    world.run(1_000)
    assert anna.view().title == "By Ben"
    expect_converged(world)


def test_e17_messages_that_race_with_a_commit_are_encrypted_again_and_come_once_each() -> None:
    world = World("stale")
    anna, ben = room_of(world, "anna", "ben")
    anna.command(commands.Rename("New"))
    said = [f"racing {i}" for i in range(20)]
    for text in said:
        ben.post(text)
    world.run(5_000)
    assert anna.texts() == said
    assert ben.texts() == said
    # A late answer to the first attempt makes no third one.
    assert len([frame for frame in sent_by(ben) if frame.kind == "message"]) < 50
    expect_converged(world)


def test_e17_what_was_sealed_before_a_commit_and_is_not_in_the_log_is_not_sent_as_it_was() -> None:
    world = World("sealed before")
    anna, ben = room_of(world, "anna", "ben")
    ben.meddle = lambda _: None
    ben.post("lost on the way")
    sealed = ben.state.outbox[0].sealed
    assert sealed is not None
    ben.disconnect()
    ben.meddle = None
    anna.command(commands.Rename("Meanwhile"))
    world.run(1_000)
    before = len(ben.effects)
    ben.connect()
    world.run(2_000)
    assert anna.texts() == ["lost on the way"]
    assert all(frame.payload != sealed.payload for frame in sent_by(ben, before))
    expect_converged(world)


def test_e16_what_was_lost_with_a_connection_goes_again_as_it_was_in_the_order_of_its_counters() -> None:
    world = World("lost in order")
    anna, ben = room_of(world, "anna", "ben")
    ben.meddle = lambda _: None
    for text in ("one", "two", "three"):
        ben.post(text)
    sealed = [one.sealed.payload for one in ben.state.outbox if one.sealed is not None]
    ben.disconnect()
    ben.meddle = None
    before = len(ben.effects)
    ben.connect()
    world.run(2_000)
    assert [frame.payload for frame in sent_by(ben, before)] == sealed
    assert anna.texts() == ["one", "two", "three"]
    expect_converged(world)


def test_e17_after_stale_nothing_is_sent_before_what_came_first_was_read() -> None:
    world = World("stale waits")
    anna, ben = room_of(world, "anna", "ben")
    late: list[FromServer] = []

    def delay(frame: FromServer) -> FromServer | None:
        """The commit comes after the answer that names it."""
        if isinstance(frame, Entry) and frame.kind == "commit":
            late.append(frame)
            return None
        return frame

    ben.tamper = delay
    anna.command(commands.Rename("First"))
    world.run(500)
    ben.post("waits")
    world.run(500)
    assert len(sent_by(ben)) > 0
    before = len(ben.effects)
    ben.post("waits as well")
    world.run(500)
    assert sent_by(ben, before) == []
    ben.tamper = None
    assert ben.link is not None
    ben.receive(ben.link, late[0])
    world.run(1_000)
    assert anna.texts() == ["waits", "waits as well"]
    expect_converged(world)


def test_e14_what_somebody_may_not_do_is_refused_at_once() -> None:
    world = World("refused")
    _, ben = room_of(world, "anna", "ben")
    for command, code in (
        (commands.RemoveMember(bytes(16)), "not_here"),
        (commands.Rename(""), "title"),
        (commands.WithdrawInvite(bytes(16)), "invite_unknown"),
        (commands.WithdrawRemoval(bytes(16)), "not_approved"),
    ):
        with pytest.raises(CommandError) as caught:
            ben.command(command)
        assert caught.value.code == code
    assert ben.state.intents == ()


def test_e28_an_invite_that_was_withdrawn_lets_nobody_in() -> None:
    world = World("withdrawn")
    anna, _ = room_of(world, "anna", "ben")
    fragment = anna.invite()
    world.run(1_000)
    invite_id = anna.view().invites[0].invite_id
    anna.command(commands.WithdrawInvite(invite_id))
    world.run(1_000)
    assert anna.effects.count(effects.WithdrawToken(invite_id)) == 1
    cleo = world.device("cleo")
    cleo.accept(fragment)
    world.run(60_000)
    assert cleo.known is None
    assert len(anna.view().members) == 2
    expect_converged(world)


def test_e28_any_members_device_admits_when_the_inviter_is_away() -> None:
    world = World("away")
    anna, ben = room_of(world, "anna", "ben")
    fragment = anna.invite()
    world.run(1_000)
    anna.disconnect()
    cleo = world.device("cleo")
    cleo.accept(fragment)
    world.run(30_000)
    assert cleo.stage == "member"
    assert len(ben.view().members) == 3
    anna.connect()
    world.run(60_000)
    expect_converged(world)


def test_e26_a_device_updates_its_keys_within_a_week_of_the_first_event_and_an_idle_one_does_not() -> None:
    world = World("update")
    anna, ben = room_of(world, "anna", "ben")
    world.sleep(8 * DAY)
    before = epoch(anna.group)
    world.sleep(8 * DAY)
    assert epoch(anna.group) == before
    anna.post("an event")
    world.run(1_000)
    world.sleep(8 * DAY)
    assert epoch(anna.group) == before + 2
    expect_converged(world)
    assert ben.told() == []


def test_e8_a_certificate_is_renewed_before_it_runs_out() -> None:
    world = World("renewal")
    anna, ben = room_of(world, "anna", "ben")
    before = ben.membership.me
    world.sleep(160 * DAY)
    after = ben.membership.me
    assert after.not_after > before.not_after
    assert after.certificate_serial > before.certificate_serial
    world.sleep(60 * DAY)
    ben.post("still here")
    world.run(1_000)
    assert anna.texts() == ["still here"]
    expect_converged(world)


def test_a_server_that_cannot_store_is_asked_again_and_nothing_is_lost() -> None:
    world = World("storage")
    anna, ben = room_of(world, "anna", "ben")
    world.ds.refusing = 3
    said = [f"message {i}" for i in range(6)]
    for text in said:
        anna.post(text)
    world.run(10_000)
    assert len(ben.texts()) == 6
    # What was refused is sealed anew: under its first counter it would be a repetition.
    assert "unreadable" not in ben.lines()
    world.ds.refusing = 1
    anna.command(commands.Rename("Later"))
    world.run(10_000)
    assert sorted(ben.texts()) == said
    assert ben.view().title == "Later"
    expect_converged(world)


# Going


def test_e14_who_leaves_is_gone_for_all_before_anything_else_is_sent() -> None:
    world = World("leave")
    anna, ben, cleo = room_of(world, "anna", "ben", "cleo")
    ben.command(commands.Leave())
    world.run(60)
    anna.post("after Ben")
    world.run(10_000)
    assert kinds_from_leave(world) == ["leave", "commit", "message"]
    assert ben.stage == "left"
    assert ben.state.membership is None
    assert not {"epoch", "ratchets"} & set(ben.rows)
    assert ben.texts() == []
    for one in (anna, cleo):
        assert one.names() == ["anna", "cleo"]
        assert one.texts() == ["after Ben"]
        assert one.lines()[-1] == "left"
        assert one.told() == []
    expect_converged(world)


def test_e14_e21_who_leaves_while_a_commit_of_their_own_is_on_its_way_goes_after_it_for_all() -> None:
    world = World("leave behind a commit")
    anna, ben, cleo = room_of(world, "anna", "ben", "cleo")
    ben.command(commands.Rename("One last thing"))
    ben.command(commands.Leave())
    world.run(10_000)
    assert ben.stage == "left"
    for one in (anna, cleo):
        assert one.view().title == "One last thing"
        assert one.names() == ["anna", "cleo"]
        assert one.lines()[-1] == "left"
        assert one.told() == []
    expect_converged(world)


def test_e14_a_person_leaves_with_all_devices() -> None:
    world = World("leave all")
    anna, ben = room_of(world, "anna", "ben")
    laptop = world.device("ben", "laptop")
    laptop.recover(ben.pin())
    world.run(20_000)
    assert [one.devices for one in anna.view().members] == [1, 2]
    laptop.command(commands.Leave())
    world.run(10_000)
    assert laptop.stage == "left"
    assert ben.stage == "removed"
    assert anna.names() == ["anna"]
    assert anna.lines().count("left") == 1
    expect_converged(world)


def test_e14_whoever_sees_a_leave_sends_nothing_before_it_is_committed_also_when_others_should() -> None:
    world = World("leave first")
    anna, ben, cleo = room_of(world, "anna", "ben", "cleo")
    ben.command(commands.Leave())
    anna.disconnect()
    while not cleo.state.leaves:
        world.run(1)
    cleo.post("after Ben")
    assert cleo.state.outbox[0].sealed is None
    world.run(10_000)
    assert kinds_from_leave(world) == ["leave", "commit", "message"]
    anna.connect()
    world.run(5_000)
    assert anna.texts() == ["after Ben"]
    expect_converged(world)


def test_e14_the_founder_removes_alone_and_the_removed_reads_nothing_that_follows() -> None:
    world = World("remove")
    anna, ben, cleo = room_of(world, "anna", "ben", "cleo")
    anna.post("while Cleo is here")
    world.run(1_000)
    anna.command(commands.RemoveMember(cleo.me.account_id))
    world.run(1_000)
    anna.post("without Cleo")
    ben.post("indeed")
    world.run(5_000)
    assert cleo.stage == "removed"
    # Nothing of the group is left, in memory or on the disk.
    assert cleo.state.membership is None
    assert not {"epoch", "ratchets", "staged"} & set(cleo.rows)
    assert cleo.texts() == ["while Cleo is here"]
    assert cleo.lines()[-1] == "removed"
    with pytest.raises(CommandError, match="not_a_member"):
        cleo.post("hello?")
    assert ben.texts() == ["while Cleo is here", "without Cleo", "indeed"]
    expect_converged(world)


def test_e14_others_need_half_of_the_other_members_and_at_least_two() -> None:
    world = World("approvals")
    anna, ben, cleo, dora = room_of(world, "anna", "ben", "cleo", "dora")
    dora_id = dora.me.account_id
    ben.command(commands.RemoveMember(dora_id))
    world.run(2_000)
    (removal,) = cleo.view().removals
    assert (removal.name, removal.approvals, removal.needed) == ("dora", 1, 2)
    assert not removal.approved_by_me
    ben.command(commands.WithdrawRemoval(dora_id))
    world.run(2_000)
    assert cleo.view().removals == ()
    ben.command(commands.RemoveMember(dora_id))
    world.run(2_000)
    cleo.command(commands.RemoveMember(dora_id))
    world.run(2_000)
    assert dora.stage == "removed"
    assert len(anna.view().members) == 3
    expect_converged(world)


def test_whoever_was_removed_while_away_learns_it_when_it_comes_back() -> None:
    world = World("removed away")
    anna, ben, cleo = room_of(world, "anna", "ben", "cleo")
    cleo.disconnect()
    anna.post("one more")
    world.run(500)
    anna.command(commands.RemoveMember(cleo.me.account_id))
    world.run(1_000)
    ben.post("not for Cleo")
    world.run(1_000)
    cleo.connect()
    world.run(1_000)
    assert cleo.stage == "removed"
    assert cleo.texts() == ["one more"]
    expect_converged(world)


def test_whoever_left_can_be_invited_again_and_keeps_what_it_had_read() -> None:
    world = World("again")
    anna, ben = room_of(world, "anna", "ben")
    anna.post("before")
    world.run(1_000)
    ben.command(commands.Leave())
    world.run(5_000)
    fragment = anna.invite()
    world.run(1_000)
    ben.accept(fragment)
    world.run(15_000)
    assert ben.stage == "member"
    anna.post("after")
    ben.post("back")
    world.run(1_000)
    assert sorted(ben.texts()) == ["after", "back", "before"]
    expect_converged(world)


def test_e9_a_lost_device_is_revoked_by_its_persons_own_statement() -> None:
    world = World("revoked")
    anna, ben = room_of(world, "anna", "ben")
    laptop = world.device("ben", "laptop")
    laptop.recover(ben.pin())
    world.run(20_000)
    assert [one.devices for one in anna.view().members] == [1, 2]
    ben.revoke(laptop)
    world.run(5_000)
    assert laptop.stage == "removed"
    assert [one.devices for one in anna.view().members] == [1, 1]
    expect_converged(world)
