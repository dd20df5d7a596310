"""Devices that were away for long, and what newcomers are told (E10, E23, E24)."""

from dataclasses import replace

from client.room import commands
from client.room.sight import SightSystem
from crypto.mls.group import epoch
from tests.client.room.delivery_service import FromServer
from tests.client.room.invariants import expect_converged
from tests.client.room.world import DAY, HOUR, ROOM, World, room_of
from wire.frames import Entry


def test_e23_a_commit_was_deleted_unread_the_device_asks_to_be_added_again_and_comes_back() -> None:
    world = World("lost commit")
    anna, ben = room_of(world, "anna", "ben")
    ben.disconnect()
    anna.command(commands.Rename("Renamed"))
    world.run(1_000)
    anna.post("not kept")
    world.run(1_000)
    world.ds.collect(ROOM, anna.state.log.n)
    anna.post("kept")
    world.run(1_000)
    ben.connect()
    ben.post("written while away")
    world.run(60_000)
    assert ben.view().title == "Renamed"
    assert anna.texts() == ["not kept", "kept", "written while away"]
    assert ben.texts() == ["written while away"]
    # What could not be read was missed; nothing of the epoch that it never had was taken for damaged.
    details = [item.detail for item in ben.view().items if isinstance(item, SightSystem)]
    assert [one for one in details if one in ("missed", "damaged")] == ["missed", "missed"]
    assert [*anna.told(), *ben.told()] == []
    expect_converged(world)


def test_e23_the_same_when_nothing_follows_the_commit_that_was_deleted() -> None:
    world = World("lost last commit")
    anna, ben = room_of(world, "anna", "ben")
    ben.disconnect()
    anna.command(commands.Rename("Renamed"))
    world.run(1_000)
    world.ds.collect(ROOM, anna.state.log.n)
    ben.connect()
    world.run(60_000)
    assert ben.view().title == "Renamed"
    expect_converged(world)


def test_e10_a_device_whose_certificate_has_run_out_is_removed_and_nothing_happens_before() -> None:
    world = World("expired")
    anna, ben, cleo = room_of(world, "anna", "ben", "cleo")
    cleo.disconnect()
    world.sleep(160 * DAY)
    assert len(anna.view().members) == 3
    world.sleep(25 * DAY)
    assert anna.names() == ["anna", "ben"]
    cleo.connect()
    world.run(5_000)
    assert cleo.stage == "removed"
    assert ben.told() == []
    expect_converged(world)


def test_e10_a_device_whose_own_clock_is_a_day_ahead_removes_nobody_and_is_understood() -> None:
    world = World("clock")
    anna, ben = room_of(world, "anna", "ben")
    ben.reconnect()
    ben.clock_off = DAY
    ben.command(commands.Rename("From the future"))
    ben.post("tomorrow")
    world.run(2_000)
    assert anna.view().title == "From the future"
    assert anna.texts() == ["tomorrow"]
    assert anna.told() == []
    expect_converged(world)


def test_e10_a_device_whose_own_clock_is_a_year_ahead_removes_nobody_and_does_not_renew_without_end() -> None:
    world = World("year ahead")
    anna, ben = room_of(world, "anna", "ben")
    before = epoch(anna.group)
    ben.clock_off = 365 * DAY
    ben.reconnect()
    ben.post("next year")
    world.run(60_000)
    assert epoch(anna.group) == before + 1  # its update after so long (E26)
    assert anna.texts() == ["next year"]
    assert anna.names() == ["anna", "ben"]
    expect_converged(world)


def test_e22_what_was_said_where_the_log_is_not_followed_any_more_stands_there_and_goes_only_once() -> None:
    world = World("skipped")
    anna, ben = room_of(world, "anna", "ben")
    first, last = ben.state.log.n + 1, world.ds.rooms[ROOM].last + 1_000

    def held_back(frame: FromServer) -> FromServer | None:
        """Nothing from here up to Ben's coming back ever reaches him."""
        nonlocal last
        if ben.state.newcomer is not None:
            last = ben.state.newcomer.c
        return None if isinstance(frame, Entry) and first <= frame.n <= last else frame

    ben.tamper = held_back
    ben.post("on the server")
    world.run(1_000)
    assert ben.posts()[-1].delivery == "server"
    anna.post("not for Ben")
    world.run(1_000)
    ben.reconnect()
    world.run(240_000)
    assert ben.told() == ["log_broken"]
    assert ben.stage == "member"
    assert ben.texts() == ["on the server"]
    assert ben.state.outbox == ()
    anna.command(commands.Rename("And on"))
    world.run(60_000)
    assert anna.texts() == ["on the server", "not for Ben"]
    assert ben.texts() == ["on the server"]
    expect_converged(world)


def test_e24_another_state_than_the_others_have_is_disputed_and_stays_provisional() -> None:
    world = World("disputed")
    anna, ben = room_of(world, "anna", "ben")
    fragment = anna.invite()
    world.run(1_000)
    fold = anna.state.fold
    names = {**fold.names, ben.me.account_id: "Benjamin"}
    anna.known = replace(anna.state, fold=replace(fold, names=names))
    cleo = world.device("cleo")
    cleo.accept(fragment)
    world.run(30_000)
    assert cleo.told() == ["snapshot_disputed ben"]
    assert cleo.view().provisional


def test_e24_each_account_says_one_word_about_a_snapshot_and_not_before_it_may_have_its_own_state() -> None:
    world = World("one word")
    anna, ben, *_ = room_of(world, "anna", "ben", "cleo", "dora")
    world.run(120_000)
    assert all(one.state.provisional is None for one in world.devices)
    assert all(one.state.duties == () for one in world.devices)
    # Profiles of four; for each later Add one page, and a word of each that was there besides the adder.
    log = world.ds.rooms[ROOM].log
    messages = sum(one.entry is not None and one.entry.kind == "message" for one in log)
    assert messages == 4 + 3 + (0 + 1 + 2)
    assert [*anna.told(), *ben.told()] == []
    expect_converged(world)


def test_e24_an_account_with_two_devices_says_one_word_all_the_same() -> None:
    world = World("one word of two devices")
    anna, ben = room_of(world, "anna", "ben")
    laptop = world.device("ben", "laptop")
    laptop.recover(ben.pin())
    world.run(30_000)
    before = anna.state.log.n
    fragment = anna.invite()
    world.run(1_000)
    cleo = world.device("cleo")
    cleo.accept(fragment)
    world.run(120_000)
    # Anna's snapshot, Cleo's profile, and one word of Ben's: when one of his devices has spoken, the other is
    # still.
    log = world.ds.rooms[ROOM].log[before:]
    assert sum(one.entry is not None and one.entry.kind == "message" for one in log) == 3
    assert cleo.state.provisional is None
    assert ben.state.duties == laptop.state.duties == ()
    expect_converged(world)


def test_e24_a_state_that_nobody_has_confirmed_confirms_nothing() -> None:
    world = World("unconfirmed")
    anna, ben = room_of(world, "anna", "ben")
    ben.disconnect()
    cleo, dora = world.device("cleo"), world.device("dora")
    for one in (cleo, dora):
        fragment = anna.invite()
        world.run(1_000)
        one.accept(fragment)
        world.run(60_000)
        # Ben alone was there besides whoever gave it, and he is away.
        assert one.view().provisional
    ben.connect()
    world.run(60_000)
    assert not cleo.view().provisional
    assert not dora.view().provisional
    expect_converged(world)


def test_e24_where_everyone_who_could_confirm_a_state_is_gone_it_stands() -> None:
    world = World("witness gone")
    anna, ben = room_of(world, "anna", "ben")
    ben.disconnect()
    fragment = anna.invite()
    world.run(1_000)
    cleo = world.device("cleo")
    cleo.accept(fragment)
    world.run(60_000)
    assert cleo.view().provisional
    anna.command(commands.RemoveMember(ben.me.account_id))
    world.run(5_000)
    assert cleo.names() == ["anna", "cleo"]
    assert not cleo.view().provisional
    expect_converged(world)


def test_e22_a_newcomer_whom_a_recovered_device_cannot_know_does_not_answer_it_for_ever() -> None:
    """The pin list is from before Dora came, and her leaf is the first."""
    world = World("stranger first")
    anna, ben, cleo = room_of(world, "anna", "ben", "cleo")
    pin = cleo.pin()
    cleo.disconnect()
    anna.command(commands.Leave())
    world.run(10_000)
    fragment = ben.invite()
    world.run(1_000)
    dora = world.device("dora")
    dora.accept(fragment)
    world.run(20_000)
    assert (dora.group.own_leaf, ben.group.own_leaf) == (0, 1)
    tablet = world.device("cleo", "tablet")
    tablet.recover(pin)
    world.run(60_000)
    # E25: she may be whoever the server likes.
    assert (tablet.stage, tablet.told()) == ("rejoining", ["welcome"])
    assert ben.state.log.maker.account_id == dora.me.account_id
    world.run(6 * HOUR)
    assert tablet.stage == "member"
    assert ben.state.log.maker.device_id == ben.me.device_id
    expect_converged(world)


def test_e22_whoever_asks_again_is_answered_by_their_own_other_device_first() -> None:
    world = World("own first")
    _, _, cleo = room_of(world, "anna", "ben", "cleo")
    tablet = world.device("cleo", "tablet")
    tablet.recover(cleo.pin())
    world.run(10_000)
    assert tablet.stage == "member"
    assert cleo.state.log.maker.device_id == cleo.me.device_id
    expect_converged(world)
