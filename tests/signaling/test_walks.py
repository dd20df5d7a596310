"""Any happenings in any order: what holds of calls all the same."""

from collections import Counter
from collections.abc import Callable

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from signaling import call as calls
from signaling.happenings import DeviceGone, Effect, LegMessage, ToDevice, ToUnit, Unlisted
from signaling.seat import Seat
from signaling.sfu import control
from tests.conftest import SOAK
from tests.signaling.scene import OTHER_ROOM, ROOM, Scene, account_of, name, to_units
from wire.bounds import MAX_SEATS
from wire.frames import CallAnswer, CallEnded, CallOffer

ROOMS = (ROOM, OTHER_ROOM)
DEVICES = ("anna", "anna.2", "ben", "ben.2", "cleo", *(f"p{number}" for number in range(20)))
UNITS = (0, 1)
room_of = st.sampled_from(ROOMS)
# Mostly the same few, so that they meet; the many fill a call.
device_of = st.one_of(st.sampled_from(DEVICES[:5]), st.sampled_from(DEVICES))
session_of = st.sampled_from(("one", "two", "three"))
WORDS = ("leave", "restart", "layers")
NEWS = ("offer", "offer", "connected", "silent")
Session = tuple[bytes, bytes, bytes]  # room, device, session
seconds = st.sampled_from((0.05, 0.2, 2.0, 15.0, 31.0, 61.0, 700.0))


class Calls(RuleBasedStateMachine):
    """The scene, beside a memory of which legs the units have and which sessions are seated."""

    def __init__(self) -> None:
        super().__init__()
        self.scene = Scene(*UNITS)
        self.up = set(UNITS)
        self.legs: dict[bytes, int] = {}  # those that a unit has
        self.old: list[bytes] = []
        self.listed = {room: set(DEVICES) for room in ROOMS}

    def _sessions(self) -> Counter[Session]:
        calls = self.scene.board.calls.values()
        return Counter((call.room, seat.device, seat.session) for call in calls for seat in call.seats)

    @initialize(count=st.integers(0, 18))
    def some_are_there(self, count: int) -> None:
        for device in DEVICES[5 : 5 + count]:
            self.join(device, "one", ROOM, resume=False)

    def watch(self, do: Callable[[], list[Effect]], asked: Session | None = None) -> None:
        """Do one thing, and check what it led to. `asked`: the session that asks for a seat."""
        before = self._sessions()
        effects = do()
        after = self._sessions()
        ended = Counter(
            (effect.frame.room, effect.device, effect.frame.session)
            for effect in effects
            if isinstance(effect, ToDevice) and isinstance(effect.frame, CallEnded)
        )
        # Who was seated and is not any more was told so, once; nobody else was, but one that got no seat.
        expected = before - after
        if asked is not None and not after[asked]:
            expected[asked] += 1
        assert ended == expected
        for effect in effects:
            self._follow(effect)
        assert self.scene.board.legs.keys() == self.legs.keys()

    def _follow(self, effect: Effect) -> None:
        match effect:
            case ToUnit(unit, control.Open(session=leg)):
                assert unit in self.up
                assert leg not in self.legs
                assert leg not in self.old
                self.legs[leg] = unit
            case ToUnit(unit, message):
                # Nothing to a leg that is gone.
                assert self.legs[message.session] == unit
                if isinstance(message, control.Close):
                    self._gone(message.session)
            case ToDevice(device, CallOffer() as offer):
                (seat,) = [seat for seat in self.scene.seats() if seat.device == device]
                assert seat.attached
                assert seat.session == offer.session
                # THREATS 13: whoever was removed is offered nothing.
                assert any(device == name(one) for one in self.listed[offer.room])

    def _gone(self, leg: bytes) -> None:
        del self.legs[leg]
        self.old.append(leg)

    # What may happen

    @rule(device=device_of, session=session_of, room=room_of, resume=st.booleans())
    def join(self, device: str, session: str, room: bytes, resume: bool) -> None:
        if device in self.listed[room]:
            session = f"{account_of(device)} {session}"
            asked = (room, name(device), name(session))
            self.watch(lambda: self.scene.join(device, session, room, resume), asked)

    @rule(
        device=device_of,
        session=session_of,
        room=room_of,
        what=st.sampled_from(("leave", "restart", "layers")),
    )
    def say(self, device: str, session: str, room: bytes, what: str) -> None:
        session = f"{account_of(device)} {session}"
        if device in self.listed[room]:
            self.watch(lambda: getattr(self.scene, what)(device, session, room))

    @rule(device=device_of, session=session_of, room=room_of, seq=st.integers(0, 4))
    def answer(self, device: str, session: str, room: bytes, seq: int) -> None:
        session = f"{account_of(device)} {session}"
        if device in self.listed[room]:
            self.watch(lambda: self.scene.answer(device, seq, session, room))

    @precondition(lambda self: any(seat.offer for seat in self.scene.seats()))
    @rule(data=st.data())
    def answer_well(self, data: st.DataObject) -> None:
        seat = data.draw(st.sampled_from([seat for seat in self.scene.seats() if seat.offer]))
        assert seat.offer is not None
        room = self.scene.board.devices[seat.device]
        (device,) = [one for one in DEVICES if name(one) == seat.device]
        if not seat.attached or device not in self.listed[room]:
            return
        frame = CallAnswer(room=room, session=seat.session, seq=seat.offer.frame.seq, sdp="answer")
        before = len(self.scene.done)
        self.watch(lambda: self.scene.say(device, frame))
        assert [type(one) for one in to_units(self.scene.done[before:])] == [control.Answer]

    @rule(device=device_of)
    def socket_gone(self, device: str) -> None:
        self.watch(lambda: self.scene.socket_gone(device))

    @rule(device=device_of, room=room_of)
    def removed(self, device: str, room: bytes) -> None:
        self.listed[room].discard(device)
        self.watch(lambda: self.scene.do(Unlisted(room, frozenset((name(device),)))))
        assert name(device) not in self.scene.seated(room)

    @rule(device=device_of, room=room_of)
    def listed_again(self, device: str, room: bytes) -> None:
        self.listed[room].add(device)

    @rule(device=device_of)
    def signed_out(self, device: str) -> None:
        self.watch(lambda: self.scene.do(DeviceGone(name(device))))
        assert name(device) not in self.scene.board.devices

    @rule(unit=st.sampled_from(UNITS))
    def unit_down(self, unit: int) -> None:
        self.up.discard(unit)
        for leg in [leg for leg, where in self.legs.items() if where == unit]:
            self._gone(leg)
        self.watch(lambda: self.scene.unit_down(unit))

    @rule(unit=st.sampled_from(UNITS))
    def unit_up(self, unit: int) -> None:
        if unit not in self.up:
            self.up.add(unit)
            self.watch(lambda: self.scene.unit_up(unit))

    @precondition(lambda self: self.legs)
    @rule(
        data=st.data(), seq=st.integers(0, 3), what=st.sampled_from(("offer", "offer", "connected", "silent"))
    )
    def unit_says(self, data: st.DataObject, seq: int, what: str) -> None:
        leg = data.draw(st.sampled_from(sorted(self.legs)))
        match what:
            case "offer":
                message: control.Offer | control.Connected | control.Silent = control.Offer(
                    session=leg, seq=seq, sdp="offer", streams=[]
                )
            case "connected":
                message = control.Connected(session=leg)
            case _:
                message = control.Silent(session=leg)
        self.watch(lambda: self.scene.unit_says(message, self.legs[leg]))

    @precondition(lambda self: self.legs)
    @rule(data=st.data(), code=st.sampled_from(("consent", "closed", "dtls", "no_session", "full", "sdp")))
    def unit_ends(self, data: st.DataObject, code: str) -> None:
        leg = data.draw(st.sampled_from(sorted(self.legs)))
        unit = self.legs[leg]
        if code in ("no_session", "full", "sdp"):
            message: LegMessage = control.Refused(session=leg, code=code)
        else:
            message = control.Lost(session=leg, code=code)
        if code != "sdp":
            self._gone(leg)
        self.watch(lambda: self.scene.unit_says(message, unit))

    @precondition(lambda self: self.old)
    @rule(data=st.data(), unit=st.sampled_from(UNITS))
    def a_unit_speaks_of_the_past(self, data: st.DataObject, unit: int) -> None:
        leg = data.draw(st.sampled_from(self.old))
        before = self.scene.board
        for message in (
            control.Offer(session=leg, seq=1, sdp="offer", streams=[]),
            control.Connected(session=leg),
            control.Lost(session=leg, code="closed"),
        ):
            assert self.scene.unit_says(message, unit) == []
        assert self.scene.board == before

    @rule(passed=seconds)
    def time_passes(self, passed: float) -> None:
        self.watch(lambda: self.scene.pass_time(passed))

    # What holds

    @invariant()
    def seats_are_as_they_must_be(self) -> None:
        board = self.scene.board
        found: dict[bytes, bytes] = {}
        for room, call in board.calls.items():
            assert len({seat.account for seat in call.seats}) == len(call.seats) <= MAX_SEATS
            assert len({seat.session for seat in call.seats}) == len(call.seats)
            assert call.unit is None or call.unit in self.up
            assert bool(call.seats) == bool(call.id)
            assert call.unit is not None or not (call.seats and self.up)
            assert len(call.ended) <= calls.MAX_REMEMBERED
            for seat in call.seats:
                assert seat.device not in found  # one call for a device
                found[seat.device] = room
                _in_order(seat)
        assert board.devices == found

    def teardown(self) -> None:
        # Each session has its end in time: what remains has media and a socket.
        self.watch(lambda: self.scene.pass_time(3600))
        for seat in self.scene.seats():
            assert seat.state == "here"
            assert seat.attached
        for room in ROOMS:
            told, shown = self.scene.told(room), self.scene.board.shown(room)
            assert shown is None or told == shown
            assert shown is not None or told is None or told.participants == []


def _in_order(seat: Seat) -> None:
    assert (seat.media_by is None) == (seat.state == "here")
    assert seat.offer is None or seat.leg is not None
    assert (seat.leg is None) == (seat.phase.name == "WAITING")


Calls.TestCase.settings = settings(
    max_examples=2000 if SOAK else 150,
    stateful_step_count=60,
    derandomize=True,
    deadline=None,
)
TestCalls = Calls.TestCase
