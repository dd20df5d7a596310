"""Who is in a room's call: each case by itself."""

import pytest

from signaling import call as calls
from signaling.happenings import DeviceGone, ToDevice, ToRoom, ToUnit
from signaling.seat import Phase
from signaling.sfu import control
from tests.signaling.scene import (
    OTHER_ROOM,
    ROOM,
    START_MS,
    Scene,
    ends,
    name,
    to_device,
    to_units,
)
from wire.bounds import MAX_SEATS
from wire.frames import (
    CallEnded,
    CallOffer,
    CallParticipant,
    CallReport,
    CallState,
    LayerOf,
    Quality,
    StreamOf,
)

# Coming in


def test_from_the_join_to_the_leave() -> None:
    scene = Scene()
    opened = scene.join("anna")
    leg = scene.leg("anna")
    assert opened == [
        ToUnit(0, control.Open(session=leg, room=ROOM, device=name("anna"), account=name("anna")))
    ]
    offer = CallOffer(
        room=ROOM,
        session=name("anna"),
        seq=1,
        fresh=True,
        sdp="offer 1",
        streams=[StreamOf(mid="4", device=name("somebody"), kind="camera")],
    )
    assert scene.offer("anna") == [ToDevice(name("anna"), offer)]
    assert scene.answer("anna") == [ToUnit(0, control.Answer(session=leg, seq=1, sdp="answer"))]
    assert scene.seat("anna").state == "joining"
    assert scene.connected("anna") == []
    call = scene.board.calls[ROOM]
    here = CallParticipant(device=name("anna"), session=name("anna"), since=START_MS, state="here")
    assert scene.pass_time(0.2) == [
        ToRoom(CallState(room=ROOM, call=call.id, since=START_MS, participants=[here]))
    ]
    ended = CallEnded(room=ROOM, session=name("anna"), code="left")
    assert scene.leave("anna") == [
        ToUnit(0, control.Close(session=leg, code="left")),
        ToDevice(name("anna"), ended),
    ]
    # The last one left: the call is over.
    assert scene.pass_time(0.2) == [ToRoom(CallState(room=ROOM, participants=[]))]
    assert scene.board.shown(ROOM) is None
    scene.pass_time(calls.REMEMBER_S)
    assert scene.board.calls == {}
    assert scene.board.due is None


def test_two_who_start_at_once_meet() -> None:
    scene = Scene()
    scene.join("anna")
    scene.join("ben")
    call = scene.board.calls[ROOM]
    assert scene.seated() == [name("anna"), name("ben")]
    told = scene.pass_time(1)
    assert told == [ToRoom(call.shown)]  # one word about both
    assert call.unit == 0
    assert len(call.shown.participants) == 2


def test_each_sitting_has_its_own_name() -> None:
    scene = Scene()
    scene.here("anna")
    first = scene.board.calls[ROOM].id
    scene.here("ben")
    assert scene.board.calls[ROOM].id == first
    scene.leave("anna")
    scene.leave("ben")
    scene.now += 5
    scene.here("anna")
    assert scene.board.calls[ROOM].id != first
    assert scene.board.calls[ROOM].since == START_MS + 5000


def test_twelve_in_one_second_are_told_of_ten_times_at_most() -> None:
    scene = Scene()
    for number in range(12):
        scene.join(f"p{number}")
        scene.pass_time(0.08)
    scene.pass_time(1)
    told = [one for one in scene.done if isinstance(one, ToRoom)]
    assert len(told) <= 10
    assert len(told[-1].frame.participants) == 12
    assert len([one for one in to_units(scene.done) if isinstance(one, control.Open)]) == 12


def test_a_full_call_takes_nobody_else_but_another_device_of_its_accounts() -> None:
    scene = Scene()
    for number in range(MAX_SEATS):
        scene.join(f"p{number}")
    assert ends(scene.join("late")) == [(name("late"), name("late"), "full")]
    assert to_units(scene.join("late")) == []
    assert ends(scene.join("p3.2")) == [(name("p3"), name("p3"), "replaced")]
    assert len(scene.seated()) == MAX_SEATS
    scene.leave("p4")
    assert ends(scene.join("late")) == []


def test_a_session_that_is_anothers_is_not_taken() -> None:
    scene = Scene()
    scene.here("anna")
    assert ends(scene.join("eve", session="anna")) == [(name("eve"), name("anna"), "session_taken")]
    assert scene.seated() == [name("anna")]


def test_nobody_speaks_for_another() -> None:
    scene = Scene()
    scene.here("anna", "eve")
    for effects in (
        scene.leave("eve", session="anna"),
        scene.answer("eve", seq=1, session="anna"),
        scene.layers("eve", session="anna"),
        scene.restart("eve", session="anna"),
        scene.leave("anna", room=OTHER_ROOM),
    ):
        assert effects == []
    assert len(scene.seated()) == 2


# One account, one seat; one device, one call


def test_a_second_device_of_an_account_takes_over() -> None:
    scene = Scene()
    scene.here("anna", "ben")
    sitting, old = scene.board.calls[ROOM].id, scene.leg("anna")
    effects = scene.join("anna.2")
    new = scene.leg("anna.2")
    assert effects == [
        ToUnit(0, control.Close(session=old, code="replaced")),
        ToDevice(name("anna"), CallEnded(room=ROOM, session=name("anna"), code="replaced")),
        ToUnit(0, control.Open(session=new, room=ROOM, device=name("anna.2"), account=name("anna"))),
    ]
    assert scene.seated() == [name("ben"), name("anna.2")]
    assert scene.board.calls[ROOM].id == sitting
    # What the first one's unit session says late finds nobody.
    for message in (control.Connected(session=old), control.Lost(session=old, code="consent")):
        assert scene.unit_says(message) == []


def test_a_take_over_of_the_only_seat_is_the_same_sitting() -> None:
    scene = Scene(0, 1)
    scene.here("anna")
    before = scene.board.calls[ROOM]
    scene.join("anna.2")
    after = scene.board.calls[ROOM]
    assert (after.id, after.since, after.unit) == (before.id, before.since, before.unit)


def test_a_new_session_of_the_same_device_replaces_the_old() -> None:
    scene = Scene()
    scene.here("anna")
    assert ends(scene.join("anna", session="reloaded")) == [(name("anna"), name("anna"), "replaced")]
    assert scene.seat("anna").session == name("reloaded")


def test_joining_another_room_leaves_the_first() -> None:
    scene = Scene()
    scene.here("anna", "ben")
    effects = scene.join("anna", session="second", room=OTHER_ROOM)
    assert ends(effects) == [(name("anna"), name("anna"), "left")]
    assert scene.seated() == [name("ben")]
    assert scene.seated(OTHER_ROOM) == [name("anna")]
    # Another device of hers may be in another room meanwhile.
    scene.join("anna.2")
    assert scene.seated() == [name("ben"), name("anna.2")]
    assert scene.seated(OTHER_ROOM) == [name("anna")]


def test_a_refused_join_leaves_the_first_call_alone() -> None:
    scene = Scene()
    for number in range(MAX_SEATS):
        scene.join(f"p{number}", room=OTHER_ROOM)
    scene.here("anna")
    assert ends(scene.join("anna", session="second", room=OTHER_ROOM)) == [
        (name("anna"), name("second"), "full")
    ]
    assert scene.seated() == [name("anna")]


# Offers and answers


def test_an_answer_counts_once_and_only_for_the_open_offer() -> None:
    scene = Scene()
    scene.join("anna")
    assert scene.answer("anna", seq=1) == []  # there is no offer yet
    scene.offer("anna", 1)
    assert scene.answer("anna", seq=0) == []
    assert scene.answer("anna", seq=2) == []
    assert len(to_units(scene.answer("anna", seq=1))) == 1
    assert scene.answer("anna", seq=1) == []  # twice
    scene.connected("anna")
    (second,) = to_device(scene.offer("anna", 2), "anna", CallOffer)
    assert (second.seq, second.fresh) == (2, False)
    assert scene.answer("anna", seq=1) == []  # of the one before
    assert to_units(scene.answer("anna", seq=2)) == [
        control.Answer(session=scene.leg("anna"), seq=2, sdp="answer")
    ]
    assert scene.seat("anna").state == "here"


def test_the_numbers_of_offers_go_on_when_the_leg_is_another() -> None:
    scene = Scene()
    scene.here("anna")
    scene.offer("anna", 2)
    scene.answer("anna")
    scene.lost("anna")
    (offer,) = to_device(scene.offer("anna", 1), "anna", CallOffer)
    assert (offer.seq, offer.fresh) == (3, True)
    # So an answer to the old leg's offers is none to this one's.
    assert scene.answer("anna", seq=1) == []
    assert to_units(scene.answer("anna", seq=3)) == [
        control.Answer(session=scene.leg("anna"), seq=1, sdp="answer")
    ]


def test_an_answer_that_the_unit_refuses_ends_the_session() -> None:
    scene = Scene()
    scene.join("anna")
    scene.offer("anna")
    scene.answer("anna")
    leg = scene.leg("anna")
    effects = scene.refused("anna", "no_fingerprint")
    assert effects[0] == ToUnit(0, control.Close(session=leg, code="answer_refused"))
    assert ends(effects) == [(name("anna"), name("anna"), "answer_refused")]


def test_an_answer_that_came_too_late_for_the_unit_changes_nothing() -> None:
    scene = Scene()
    scene.here("anna")
    assert scene.refused("anna", "no_offer") == []
    assert scene.seat("anna").state == "here"


def test_a_unit_that_is_full_ends_the_session() -> None:
    scene = Scene()
    scene.join("anna")
    assert ends(scene.refused("anna", "full")) == [(name("anna"), name("anna"), "media_unavailable")]


def test_layers_go_to_the_unit_once_it_knows_the_client() -> None:
    scene = Scene()
    scene.join("anna")
    assert scene.layers("anna") == []
    scene.media("anna")
    wanted = [control.Want(mid="4", layer=control.Layer.HIGH)]
    assert to_units(scene.layers("anna")) == [control.Wants(session=scene.leg("anna"), streams=wanted)]


def test_one_who_never_answers_is_given_up() -> None:
    scene = Scene()
    scene.join("anna")
    scene.offer("anna")
    assert ends(scene.pass_time(calls.MEDIA_WITHIN_S - 1)) == []
    assert ends(scene.pass_time(1)) == [(name("anna"), name("anna"), "lost")]


# The socket


def test_a_socket_that_comes_back_keeps_the_seat_and_the_media() -> None:
    scene = Scene()
    scene.here("anna", "ben")
    leg = scene.leg("anna")
    scene.socket_gone("anna")
    scene.pass_time(calls.SOCKET_GRACE_S - 1)
    assert scene.join("anna", resume=True) == []
    assert scene.leg("anna") == leg
    assert ends(scene.pass_time(1000)) == []
    assert len(scene.seated()) == 2


def test_an_offer_waits_for_the_socket() -> None:
    scene = Scene()
    scene.join("anna")
    scene.socket_gone("anna")
    assert scene.offer("anna") == []
    again = to_device(scene.join("anna", resume=True), "anna", CallOffer)
    assert [(one.seq, one.fresh) for one in again] == [(1, True)]
    assert len(to_units(scene.answer("anna"))) == 1
    # Answered: it is not sent once more.
    assert scene.join("anna", resume=True) == []


def test_a_socket_that_stays_away_costs_the_seat() -> None:
    scene = Scene()
    scene.here("anna", "ben")
    leg = scene.leg("anna")
    scene.socket_gone("anna")
    scene.pass_time(10)
    scene.socket_gone("anna")  # said twice, it gives no more time
    effects = scene.pass_time(calls.SOCKET_GRACE_S - 10)
    assert control.Close(session=leg, code="lost") in to_units(effects)
    assert ends(effects) == [(name("anna"), name("anna"), "lost")]
    # The caller vanished; the others stay among themselves.
    assert scene.seated() == [name("ben")]


def test_a_device_that_comes_back_later_is_given_a_fresh_session() -> None:
    scene = Scene()
    scene.here("anna", "ben")
    scene.socket_gone("anna")
    scene.pass_time(calls.SOCKET_GRACE_S)
    effects = scene.join("anna", resume=True)
    assert ends(effects) == []
    (offer,) = to_device(scene.offer("anna"), "anna", CallOffer)
    assert offer.fresh
    assert offer.session == name("anna")


def test_after_a_restart_of_the_server_everybody_is_back_without_an_end() -> None:
    scene = Scene()
    scene.here("anna", "ben")
    after = Scene()  # it knows nothing
    effects = after.join("anna", resume=True) + after.join("ben", resume=True)
    assert ends(effects) == []
    assert after.seated() == [name("anna"), name("ben")]
    for device in ("anna", "ben"):
        assert [one.fresh for one in to_device(after.offer(device), device, CallOffer)] == [True]


def test_who_comes_back_takes_no_seat_from_the_device_that_took_over() -> None:
    scene = Scene()
    scene.here("anna")
    scene.socket_gone("anna")  # so it misses the word
    scene.join("anna.2")
    assert ends(scene.join("anna", resume=True)) == [(name("anna"), name("anna"), "replaced")]
    assert scene.seated() == [name("anna.2")]
    # Also when that one has left: nobody asked for this device's microphone now.
    scene.leave("anna.2")
    assert ends(scene.join("anna", resume=True)) == [(name("anna"), name("anna"), "replaced")]
    # A restarted server remembers nothing, but sees the seat.
    after = Scene()
    after.join("anna.2")
    assert ends(after.join("anna", resume=True)) == [(name("anna"), name("anna"), "replaced")]
    # Somebody who asks is let in.
    assert ends(after.join("anna", session="new")) == [(name("anna.2"), name("anna.2"), "replaced")]


def test_who_left_stays_away_although_the_word_was_missed() -> None:
    scene = Scene()
    scene.here("anna")
    scene.leave("anna")
    assert ends(scene.join("anna", resume=True)) == [(name("anna"), name("anna"), "left")]
    scene.pass_time(calls.REMEMBER_S)
    assert ends(scene.join("anna", resume=True)) == []


def test_who_asks_again_under_the_same_name_is_let_in_and_may_come_back() -> None:
    scene = Scene()
    scene.here("anna")
    scene.leave("anna")
    scene.here("anna")
    scene.socket_gone("anna")
    assert scene.join("anna", resume=True) == []
    scene.lost("anna", "closed")
    assert ends(scene.join("anna", resume=True)) == []


def test_what_is_remembered_is_bounded() -> None:
    scene = Scene()
    for number in range(20):
        scene.join("anna", session=f"s{number}")
    for number in range(calls.MAX_REMEMBERED + 50):
        scene.join(f"p{number}")
        scene.leave(f"p{number}")
    ended = scene.board.calls[ROOM].ended
    assert len(ended) == calls.MAX_REMEMBERED
    scene = Scene()
    for number in range(20):
        scene.join("anna", session=f"s{number}")
    ended = scene.board.calls[ROOM].ended
    assert [one.session for one in ended] == [name(f"s{n}") for n in range(15, 19)]


# The media


def test_silence_is_shown_and_ends() -> None:
    scene = Scene()
    scene.here("anna", "ben")
    scene.silent("anna")
    scene.pass_time(1)
    told = scene.told()
    assert told is not None
    assert {one.device: one.state for one in told.participants} == {
        name("anna"): "silent",
        name("ben"): "here",
    }
    scene.connected("anna")
    assert ends(scene.pass_time(calls.SILENT_FOR_S * 2)) == []
    scene.silent("anna")
    assert ends(scene.pass_time(calls.SILENT_FOR_S)) == [(name("anna"), name("anna"), "lost")]


def test_ice_begins_anew_when_the_client_asks_and_not_more_often_than_we_like() -> None:
    scene = Scene()
    scene.join("anna")
    assert scene.restart("anna") == []  # nothing was answered yet
    scene.media("anna")
    scene.silent("anna")
    assert to_units(scene.restart("anna")) == [control.Restart(session=scene.leg("anna"))]
    assert scene.restart("anna") == []
    (offer,) = to_device(scene.offer("anna", 2), "anna", CallOffer)
    assert not offer.fresh  # the same connection
    scene.answer("anna")
    scene.connected("anna")
    assert scene.seat("anna").state == "here"
    scene.pass_time(calls.RESTART_EVERY_S)
    assert len(scene.restart("anna")) == 1


def test_a_lost_leg_is_opened_anew_and_a_few_times_only() -> None:
    scene = Scene()
    scene.here("anna")
    legs = [scene.leg("anna")]
    for _ in range(calls.MAX_REOPENED):
        effects = scene.lost("anna")
        legs.append(scene.leg("anna"))
        assert to_units(effects) == [
            control.Open(session=legs[-1], room=ROOM, device=name("anna"), account=name("anna"))
        ]
    assert len(set(legs)) == len(legs)
    assert ends(scene.lost("anna")) == [(name("anna"), name("anna"), "lost")]
    # Media in between, and the count begins anew.
    scene.here("ben")
    for _ in range(calls.MAX_REOPENED * 3):
        scene.lost("ben")
        scene.media("ben")
    assert scene.seated() == [name("ben")]


def test_reopening_gives_no_more_time() -> None:
    scene = Scene()
    scene.here("anna")
    scene.silent("anna")
    scene.pass_time(calls.SILENT_FOR_S - 10)
    scene.lost("anna")
    assert ends(scene.pass_time(10)) == [(name("anna"), name("anna"), "media_unavailable")]


@pytest.mark.parametrize("code", ["closed", "fingerprint"])
def test_a_client_that_ended_its_media_is_out(code: str) -> None:
    scene = Scene()
    scene.here("anna")
    effects = scene.lost("anna", code)
    assert ends(effects) == [(name("anna"), name("anna"), "lost")]
    assert to_units(effects) == []  # the unit has nothing to close


def test_a_leg_that_was_lost_while_the_socket_was_away_opens_when_it_is_back() -> None:
    scene = Scene()
    scene.here("anna")
    scene.socket_gone("anna")
    assert scene.lost("anna") == []
    assert scene.seat("anna").phase is Phase.WAITING
    effects = scene.join("anna", resume=True)
    assert [type(one) for one in to_units(effects)] == [control.Open]


def test_a_unit_that_forgot_a_session_opens_another() -> None:
    scene = Scene()
    scene.here("anna")
    assert [type(one) for one in to_units(scene.refused("anna", "no_session"))] == [control.Open]


# Removal (THREATS 13)


def test_13_whoever_is_off_the_list_is_out_at_once() -> None:
    scene = Scene()
    scene.here("anna", "ben")
    scene.offer("anna", 2)
    leg = scene.leg("anna")
    effects = scene.unlisted("anna", "somebody else")
    assert effects == [
        ToUnit(0, control.Close(session=leg, code="removed")),
        ToDevice(name("anna"), CallEnded(room=ROOM, session=name("anna"), code="removed")),
    ]
    assert scene.seated() == [name("ben")]
    for message in (
        control.Offer(session=leg, seq=3, sdp="late", streams=[]),
        control.Connected(session=leg),
    ):
        assert scene.unit_says(message) == []
    assert ends(scene.join("anna", resume=True)) == [(name("anna"), name("anna"), "removed")]


def test_13_also_without_a_socket() -> None:
    scene = Scene()
    scene.here("anna")
    leg = scene.leg("anna")
    scene.socket_gone("anna")
    assert to_units(scene.unlisted("anna")) == [control.Close(session=leg, code="removed")]


def test_being_off_the_list_of_one_room_is_nothing_to_another() -> None:
    scene = Scene()
    scene.here("anna")
    assert scene.unlisted("anna", room=OTHER_ROOM) == []
    assert scene.seated() == [name("anna")]


def test_a_room_without_members_has_no_call() -> None:
    scene = Scene()
    scene.here("anna", "ben")
    assert len(ends(scene.unlisted("anna", "ben"))) == 2
    assert scene.board.shown(ROOM) is None


def test_a_device_that_is_signed_out_is_out() -> None:
    scene = Scene()
    scene.here("anna", "ben")
    assert ends(scene.do(DeviceGone(name("anna")))) == [(name("anna"), name("anna"), "removed")]
    assert scene.do(DeviceGone(name("nobody"))) == []


# Units


def test_calls_spread_over_the_units() -> None:
    scene = Scene(0, 1)
    rooms = [name(f"room {number}") for number in range(4)]
    scene.join("a", room=rooms[0])
    scene.join("b", room=rooms[0])
    scene.join("c", room=rooms[1])
    scene.join("d", room=rooms[2])
    scene.join("e", room=rooms[3])
    units = [scene.board.calls[room].unit for room in rooms]
    assert units == [0, 1, 1, 0]


def test_when_a_unit_dies_everybody_in_it_gets_a_fresh_offer_from_another() -> None:
    scene = Scene(0, 1)
    scene.here("anna", "ben")
    scene.join("cleo", room=OTHER_ROOM)
    old = scene.leg("anna")
    assert scene.unit_of("cleo") == 1
    effects = scene.unit_down(0)
    assert ends(effects) == []
    assert [(one.unit, type(one.message)) for one in effects if isinstance(one, ToUnit)] == [
        (1, control.Open),
        (1, control.Open),
    ]
    assert scene.unit_says(control.Connected(session=old), 0) == []
    for device in ("anna", "ben"):
        (offer,) = to_device(scene.offer(device, 1), device, CallOffer)
        assert (offer.seq, offer.fresh) == (2, True)
        scene.answer(device)
        scene.connected(device)
    scene.pass_time(1)
    told = scene.told()
    assert told is not None
    assert [one.state for one in told.participants] == ["here", "here"]


def test_without_another_unit_they_wait_for_the_new_one() -> None:
    scene = Scene(0)
    scene.here("anna", "ben")
    assert to_units(scene.unit_down(0)) == []
    scene.join("cleo")
    scene.pass_time(calls.MEDIA_WITHIN_S - 1)
    assert len(to_units(scene.unit_up(0))) == 3
    assert ends(scene.pass_time(0.5)) == []


def test_without_any_unit_they_are_told_so_in_the_end() -> None:
    scene = Scene(0)
    scene.here("anna")
    scene.unit_down(0)
    assert ends(scene.pass_time(calls.MEDIA_WITHIN_S)) == [(name("anna"), name("anna"), "media_unavailable")]
    assert scene.join("anna") == []
    assert ends(scene.leave("anna")) == [(name("anna"), name("anna"), "left")]


def test_a_unit_speaks_only_of_its_own_calls() -> None:
    scene = Scene(0, 1)
    scene.here("anna")
    assert scene.unit_of("anna") == 0
    assert scene.unit_says(control.Lost(session=scene.leg("anna"), code="closed"), 1) == []
    assert scene.unit_says(control.Report(room=ROOM, participants=[]), 1) == []


def test_reports_go_to_participants_with_a_socket_by_their_devices() -> None:
    scene = Scene()
    scene.here("anna", "ben", "cleo")
    scene.socket_gone("cleo")
    numbers = {"loss_up": 0.1, "loss_down": 0.2, "kbps_up": 64.0, "kbps_down": 900.0, "loudness": 90}
    entries = [
        control.ParticipantReport.model_validate(
            {
                "device": name("whatever it says"),
                "session": leg,
                "round_trip_ms": None,
                "layers": [{"mid": "4", "layer": "l"}],
                **numbers,
            }
        )
        for leg in (scene.leg("anna"), name("an older leg"))
    ]
    effects = scene.unit_says(control.Report(room=ROOM, participants=entries))
    quality = Quality.model_validate(
        {"device": name("anna"), "layers": [LayerOf(mid="4", layer="l")], **numbers}
    )
    frame = CallReport(room=ROOM, participants=[quality])
    assert effects == [ToDevice(name("anna"), frame), ToDevice(name("ben"), frame)]


# The phases: every step in every phase, as it is meant


def _in_phase(phase: Phase) -> Scene:
    scene = Scene()
    match phase:
        case Phase.WAITING:
            scene.unit_down(0)
            scene.join("anna")
            return scene
        case Phase.ASKED:
            scene.join("anna")
        case Phase.OFFERED:
            scene.join("anna")
            scene.offer("anna")
        case Phase.CONNECTING:
            scene.join("anna")
            scene.offer("anna")
            scene.answer("anna")
        case Phase.HERE | Phase.SILENT:
            scene.here("anna")
            if phase is Phase.SILENT:
                scene.silent("anna")
    assert scene.seat("anna").phase is phase
    return scene


W, A, O, C, H, S = Phase  # noqa: E741
STEPS = ("offer", "answer", "connected", "silent", "lost", "unit down", "unit up")
TABLE = {
    W: (W, W, W, W, W, W, A),
    A: (O, A, A, A, A, W, A),
    O: (O, C, O, O, A, W, O),
    C: (C, C, H, C, A, W, C),
    H: (H, H, H, S, A, W, H),
    S: (S, S, H, S, A, W, S),
}


@pytest.mark.parametrize("what", STEPS)
@pytest.mark.parametrize("phase", Phase, ids=lambda phase: phase.name)
def test_every_step_in_every_phase(phase: Phase, what: str) -> None:
    scene = _in_phase(phase)
    leg = scene.seat("anna").leg or name("a leg that is no more")
    unit = scene.board.calls[ROOM].unit or 0
    match what:
        case "offer":
            scene.unit_says(control.Offer(session=leg, seq=9, sdp="offer", streams=[]), unit)
        case "answer":
            scene.answer("anna")
        case "connected":
            scene.unit_says(control.Connected(session=leg), unit)
        case "silent":
            scene.unit_says(control.Silent(session=leg), unit)
        case "lost":
            scene.unit_says(control.Lost(session=leg, code="consent"), unit)
        case "unit down":
            scene.unit_down(0)
        case _:
            scene.unit_up(0)
    assert scene.seat("anna").phase is TABLE[phase][STEPS.index(what)]
    # Whatever it is, it has an end: media flows, or a bound runs.
    seat = scene.seat("anna")
    assert (seat.media_by is None) == (seat.phase is H)
