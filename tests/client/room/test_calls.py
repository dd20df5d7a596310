"""Calls and meetings in a room: said, folded alike, shown, given to newcomers (E24), stored (E39)."""

from dataclasses import replace
from typing import Any

import cbor2
import pytest

from client.room import commands, effects
from client.room.core import CORE_ROW, load_room
from client.room.outbox import RING_WAITS_MS
from client.room.sight import SightSystem
from client.room.surface import CommandError
from crypto.mls.errors import StorageError
from crypto.room import call_bodies as bodies
from crypto.room.calls import ring_view
from crypto.room.fold import FOLD_VERSION, FORMER_FOLD_VERSION
from crypto.room.meetings import occurrences
from crypto.room.roster import accounts_of
from crypto.room.timeline import SystemItem, with_system
from tests.client.room.invariants import expect_converged, expect_stored
from tests.client.room.world import Device, World, room_of
from tests.crypto.identity.people import id_of

CALL, MEETING, SITTING = id_of("call"), id_of("meeting"), id_of("sitting")
RING = bodies.Ring(CALL, "now", "A client does not answer", 2)
PLAN = bodies.Meeting(
    MEETING, "Balint", "2027-03-02T18:00", "Europe/Lisbon", 90, "FREQ=WEEKLY;INTERVAL=2;BYDAY=TU"
)


def say(device: Device, *events: bodies.CallEvent) -> None:
    for event in events:
        device.command(commands.Say(event))


def listened(device: Device) -> list[effects.Effect]:
    """What comes out of a device from now on."""
    heard: list[effects.Effect] = []
    act = device._act

    def listen(effect: effects.Effect) -> None:
        heard.append(effect)
        act(effect)

    device._act = listen  # type: ignore[method-assign]
    return heard


def test_a_call_is_rung_answered_and_met() -> None:
    world = World("ring")
    anna, ben, cleo = room_of(world, "anna", "ben", "cleo")
    heard = listened(ben), listened(anna)
    say(anna, RING)
    world.run(1_000)
    assert [one for one in heard[0] if isinstance(one, effects.Rang)] == [effects.Rang(CALL)]
    assert not [one for one in heard[1] if isinstance(one, effects.Rang)]
    say(ben, bodies.RingAnswer(CALL, "ringing"), bodies.RingAnswer(CALL, "joining"))
    say(cleo, bodies.RingAnswer(CALL, "in", 15))
    world.run(1_000)
    expect_converged(world)
    (ring,) = cleo.state.fold.rings
    view = ring_view(ring, accounts_of(cleo.membership.roster), world.now)
    assert (view.joining, view.coming, view.needed, view.enough) == (1, 2, 2, False)
    say(ben, bodies.RingEnd(CALL, "met"))
    world.run(1_000)
    assert anna.state.fold.rings == ()
    expect_converged(world)


def test_what_happens_is_told_in_lines() -> None:
    world = World("lines")
    anna, ben = room_of(world, "anna", "ben")
    began = world.now - 42 * 60_000
    say(anna, RING, bodies.RingEnd(CALL, "withdrawn"), PLAN)
    say(anna, bodies.MeetingChange(MEETING, "2027-03-16T18:00", "2027-03-17T18:30", 60))
    world.run(1_000)
    say(ben, bodies.MeetingCancel(MEETING, "2027-03-30T18:00"), bodies.MeetingCancel(MEETING))
    say(ben, bodies.Attended(SITTING, began, world.now), bodies.MeetingCancel(MEETING))
    say(anna, bodies.Attended(SITTING, began + 60_000, world.now))
    world.run(1_000)
    for one in (anna, ben):
        assert one.lines()[-7:] == [
            "rang",
            "rang_off",
            "meeting",
            "meeting_moved",
            "meeting_cancelled",
            "meeting_ended",
            "call",
        ]
        expect_stored(one)
    shown = anna.view().items[-1]
    assert isinstance(shown, SightSystem)
    assert (shown.detail, sorted(shown.who.split(", "))) == ("42", ["anna", "ben"])
    expect_converged(world)


def line_of(device: Device) -> SightSystem:
    shown = device.view().items[-1]
    assert isinstance(shown, SightSystem)
    return shown


def test_a_call_is_shown_as_what_it_was_called_for_also_when_its_ring_is_over() -> None:
    world = World("called")
    anna, ben = room_of(world, "anna", "ben")
    began = world.now
    say(anna, RING, bodies.RingEnd(CALL, "met"))
    world.run(1_000)
    say(ben, bodies.Attended(SITTING, began, began + 1))
    world.run(1_000)
    assert (line_of(anna).code, line_of(anna).about) == ("call", "")
    say(ben, bodies.Attended(SITTING, began, world.now, ring=CALL))
    # The first word that names something decides.
    say(anna, bodies.Attended(SITTING, began, world.now, ring=id_of("another call")))
    world.run(1_000)
    for one in (anna, ben):
        assert one.lines()[-2:] == ["rang", "call_rung"]
        line = line_of(one)
        assert (line.by, line.about, line.detail) == ("anna", RING.why, "1")
        expect_stored(one)
    expect_converged(world)


def test_a_call_of_a_meeting_is_shown_by_its_title_and_stays_so_when_the_meeting_is_called_off() -> None:
    world = World("met")
    anna, ben = room_of(world, "anna", "ben")
    began = world.now
    say(anna, PLAN, bodies.MeetingChange(MEETING, "2027-03-16T18:00", "2027-03-17T18:30", 60))
    say(ben, bodies.Attended(SITTING, began, began, meeting=MEETING, occurrence="2027-03-16T18:00"))
    world.run(1_000)
    say(anna, bodies.MeetingCancel(MEETING))
    world.run(1_000)
    (line,) = [one for one in ben.view().items if isinstance(one, SightSystem) and one.code == "call_meeting"]
    assert (line.about, line.who) == ("Balint, 2027-03-17 18:30", "ben")
    expect_stored(ben)


def test_a_ring_takes_no_line_that_is_there_already() -> None:
    """Whoever rings chooses the id of the call, perhaps one that has been: lines have ids of their own."""
    world = World("same call")
    anna, ben = room_of(world, "anna", "ben")
    for _ in range(2):
        say(anna, RING, bodies.RingEnd(CALL, "withdrawn"))
        world.run(1_000)
    ids = [one.id for one in ben.view().items]
    assert ben.lines()[-4:] == ["rang", "rang_off"] * 2
    assert len(ids) == len(set(ids))


def test_e39_a_store_of_before_calls_were_of_something_is_read() -> None:
    world = World("before origins")
    anna, _ = room_of(world, "anna", "ben")
    began = world.now
    say(anna, bodies.Attended(SITTING, began, began + 1))
    world.run(1_000)
    name = next(one for one in anna.rows if one.startswith("timeline/"))
    items = [
        {field: value for field, value in one.items() if field != "origin"}
        for one in cbor2.loads(anna.rows[name])
    ]
    assert load_room({**anna.rows, name: cbor2.dumps(items)}).timeline == anna.state.timeline
    with pytest.raises(StorageError):
        load_room({**anna.rows, name: cbor2.dumps([{**one, "origins": None} for one in items])})


def test_e24_a_newcomer_is_given_what_rings_and_what_is_planned() -> None:
    world = World("newcomer")
    anna, ben = room_of(world, "anna", "ben")
    say(anna, RING, PLAN)
    world.run(1_000)
    say(ben, bodies.RingAnswer(CALL, "joining"), bodies.MeetingAnswer(MEETING, "yes"))
    world.run(1_000)
    cleo = world.device("cleo")
    cleo.accept(anna.invite())
    world.run(30_000)
    assert cleo.state.fold.rings == anna.state.fold.rings != ()
    assert cleo.state.fold.meetings == anna.state.fold.meetings != ()
    begins = occurrences(cleo.state.fold.meetings, 1_804_000_000_000, 1_805_000_000_000)
    assert [one.start for one in begins] == ["2027-03-02T18:00"]
    say(cleo, bodies.RingAnswer(CALL, "cannot"), bodies.MeetingAnswer(MEETING, "maybe"))
    world.run(1_000)
    expect_converged(world)


def test_who_leaves_rings_and_comes_no_more() -> None:
    world = World("leaves")
    anna, ben, _ = room_of(world, "anna", "ben", "cleo")
    say(ben, RING, PLAN, bodies.MeetingAnswer(MEETING, "yes"))
    world.run(1_000)
    ben.command(commands.Leave())
    world.run(30_000)
    assert anna.state.fold.rings == ()
    assert anna.state.fold.meetings[0].answers == ()
    expect_converged(world)


@pytest.mark.parametrize(("away", "sent"), [(RING_WAITS_MS - 60_000, True), (RING_WAITS_MS, False)])
def test_a_ring_that_could_not_be_sent_in_time_is_not_sent(away: int, sent: bool) -> None:
    world = World("late")
    anna, ben = room_of(world, "anna", "ben")
    anna.disconnect()
    heard = listened(anna)
    say(anna, RING, PLAN)
    world.run(away)
    anna.connect()
    world.run(5_000)
    assert bool(ben.state.fold.rings) is sent
    assert len(ben.state.fold.meetings) == 1
    dropped = [one for one in heard if isinstance(one, effects.Dropped)]
    assert dropped == ([] if sent else [effects.Dropped("ring", "ring_late")])
    expect_converged(world)


def test_nothing_out_of_bounds_is_said() -> None:
    world = World("bounds")
    (anna,) = room_of(world, "anna")
    for event in (
        replace(RING, why=""),
        replace(RING, wanted=12),
        replace(PLAN, start="2027-03-03T18:00"),
        replace(PLAN, zone="../etc"),
        bodies.RingAnswer(CALL, "in", 7),
    ):
        with pytest.raises(CommandError, match="out_of_bounds"):
            say(anna, event)


# The former version


def former(rows: dict[str, bytes], **changes: Any) -> dict[str, bytes]:
    """A stored room as the former program had it: its fold knew neither rings nor meetings."""
    core = cbor2.loads(rows[CORE_ROW])
    fold = {name: value for name, value in core["fold"].items() if name not in ("rings", "meetings")}
    core = {**core, "format": 1, "fold": {**fold, "version": FORMER_FOLD_VERSION}, **changes}
    return {**rows, CORE_ROW: cbor2.dumps(core)}


def test_e39_a_room_that_the_former_program_stored_is_read() -> None:
    world = World("former store")
    anna, _ = room_of(world, "anna", "ben")
    anna.post("Hello")
    world.run(1_000)
    loaded = load_room(former(anna.rows))
    assert loaded.fold == anna.state.fold
    assert loaded.fold.version == FOLD_VERSION
    assert loaded.whole
    assert loaded.timeline == anna.state.timeline


def test_e23_what_the_former_program_passed_without_knowing_it_is_missing_from_the_fold() -> None:
    world = World("former unread")
    anna, _ = room_of(world, "anna", "ben")
    line = SystemItem(id_of("unknown"), 9, world.now, "newer_version", None, None, "")
    anna.known = replace(anna.state, timeline=with_system(anna.state.timeline, line))
    anna.post("Hello")
    world.run(1_000)
    assert load_room(anna.rows).whole
    assert not load_room(former(anna.rows)).whole


@pytest.mark.parametrize("changes", [{"fold": 5}, {"format": 0}, {"format": 3}], ids=str)
def test_e39_a_store_of_another_program_is_refused(changes: dict[str, Any]) -> None:
    world = World("other store")
    (anna,) = room_of(world, "anna")
    with pytest.raises(StorageError):
        load_room(former(anna.rows, **changes))


def test_e24_a_state_of_the_former_version_is_taken_and_confirmed_and_confirms_nothing() -> None:
    world = World("former state")
    anna, ben = room_of(world, "anna", "ben")
    # Anna's program is the former one: what it posts has neither rings nor meetings.
    anna.known = replace(
        anna.state, fold=replace(anna.state.fold, version=FORMER_FOLD_VERSION, rings=(), meetings=())
    )
    say(ben, PLAN)
    world.run(1_000)
    anna.known = replace(anna.state, fold=replace(anna.state.fold, meetings=()))
    cleo = world.device("cleo")
    cleo.accept(anna.invite())
    world.run(90_000)
    assert cleo.state.newcomer is None
    assert cleo.state.fold.version == FOLD_VERSION
    assert cleo.told() == []
    # Ben has confirmed the part that the former version knew.
    assert cleo.state.provisional is None
    # Of the rest Cleo has no word, so its state is given to nobody.
    assert not cleo.state.whole
    assert cleo.state.fold.meetings == ()
    assert ben.state.whole
