"""All sessions of a unit, over memory: real ICE, DTLS and SRTP; a forwarder that records what it is told."""

import random
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from signaling.sfu import payloads
from signaling.sfu.batch import SLOTS, Batch
from signaling.sfu.certificate import new_certificate
from signaling.sfu.control import (
    Answer,
    Close,
    Connected,
    FromUnit,
    Kind,
    Layer,
    Lost,
    Offer,
    Open,
    ParticipantReport,
    Refused,
    Report,
    Restart,
    Silent,
    StreamOf,
    Want,
    Wants,
)
from signaling.sfu.dtls import context_of
from signaling.sfu.participant import StreamOut
from signaling.sfu.randomness import Rng
from signaling.sfu.room import RoomFullError
from signaling.sfu.sdp import Transport
from signaling.sfu.session import MAX_BEGUN, MAX_PUBLISHED
from signaling.sfu.srtp import Srtp
from signaling.sfu.stun import Address
from signaling.sfu.switchboard import MAX_SESSIONS, SWEEP_S, Switchboard
from tests.signaling.sfu.peer import (
    NOW,
    THEIRS,
    Peer,
    answer_to,
    check,
    credentials_of,
    rtcp,
    rtp,
)

CERTIFICATE = new_certificate(NOW)
CONTEXT = context_of(CERTIFICATE)
TRANSPORT = Transport(("127.0.0.1",), 40_000, CERTIFICATE.fingerprint)
ROOM = b"r" * 16
A, B = b"a" * 16, b"b" * 16
HERE: Address = ("192.0.2.1", 1000)
THERE: Address = ("198.51.100.7", 2000)


class Recorder:
    """A forwarder that writes down what it is told, and sends what the test gives it."""

    def __init__(self, _rng: Rng) -> None:
        self.told: list[tuple[Any, ...]] = []
        self.out: list[tuple[bytes, bytes, bool]] = []
        self.streams: dict[bytes, tuple[StreamOut, ...]] = {}
        self.dirty: set[bytes] = set()
        self.ticks: list[float] = []
        self.loses: set[bytes] = set()
        self.full = False

    def offer(self, session: bytes, *streams: StreamOut) -> None:
        """From now on these are there for a session."""
        self.streams[session] = streams
        self.dirty.add(session)

    def join(self, session: bytes, device: bytes, now: float) -> None:
        if self.full:
            raise RoomFullError
        self.told.append(("join", session, device))

    def leave(self, session: bytes, now: float) -> None:
        self.told.append(("leave", session))

    def publish(self, session: bytes, mid: str, kind: Kind) -> None:
        self.told.append(("publish", session, mid, kind))

    def unpublish(self, session: bytes, mid: str) -> None:
        self.told.append(("unpublish", session, mid))

    def streams_for(self, session: bytes) -> tuple[StreamOut, ...]:
        return self.streams.get(session, ())

    def subscribe(self, session: bytes, mid: str, stream: StreamOut) -> None:
        self.told.append(("subscribe", session, mid, stream.ssrc))

    def unsubscribe(self, session: bytes, mid: str) -> None:
        self.told.append(("unsubscribe", session, mid))

    def wants(self, session: bytes, mid: str, layer: Layer, now: float) -> None:
        self.told.append(("wants", session, mid, layer))

    def rtp(self, session: bytes, packet: bytes, now: float) -> None:
        self.told.append(("rtp", session, packet))

    def rtcp(self, session: bytes, compound: bytes, now: float) -> None:
        self.told.append(("rtcp", session, compound))

    def tick(self, now: float) -> float:
        self.ticks.append(now)
        return now + 0.02

    def take(self) -> list[tuple[bytes, bytes, bool]]:
        out, self.out = self.out, []
        return out

    def changed(self) -> set[bytes]:
        dirty, self.dirty = self.dirty, set()
        return dirty

    def stood_still(self, since: float) -> None:
        self.told.append(("stood_still", since))

    def losing(self) -> set[bytes]:
        return self.loses

    def report(self, now: float) -> tuple[ParticipantReport, ...]:
        return ()

    def since(self) -> list[tuple[Any, ...]]:
        told, self.told = self.told, []
        return told


class House:
    """A switchboard with the ends of its wires in hand."""

    def __init__(self) -> None:
        self.forwarders: list[Recorder] = []
        self.board = Switchboard(CONTEXT, TRANSPORT, self._forwarder, random.Random(1).randbytes, 0.0)
        self.batch = Batch()
        self.now = 1.0
        self.said: list[FromUnit] = []
        self.sent: list[tuple[bytes, Address]] = []

    def _forwarder(self, rng: Rng) -> Recorder:
        self.forwarders.append(Recorder(rng))
        return self.forwarders[-1]

    @property
    def forwarder(self) -> Recorder:
        return self.forwarders[-1]

    def take(self) -> list[FromUnit]:
        messages = self.board.take(self.now)
        more = True
        while more:
            more = self.board.fill(self.batch)
            self.sent += self.batch.datagrams()
            self.batch.count = 0
        self.said += messages
        return messages

    def say(self, message: Any) -> list[FromUnit]:
        self.board.message(message, self.now)
        return self.take()

    def open(self, session: bytes = A, room: bytes = ROOM) -> list[FromUnit]:
        return self.say(Open(session=session, room=room, device=session, account=session))

    def send(self, data: bytes, address: Address = HERE) -> list[bytes]:
        """A datagram. Gives those that came back to where it is from."""
        self.board.datagram(data, address, self.now)
        self.take()
        sent, self.sent = self.sent, []
        assert all(to == address for _, to in sent)
        return [datagram for datagram, _ in sent]

    def later(self, seconds: float) -> list[FromUnit]:
        self.now += seconds
        assert self.board.tick(self.now) > self.now
        return self.take()

    def last_offer(self, session: bytes = A) -> Offer:
        return [one for one in self.said if isinstance(one, Offer) and one.session == session][-1]

    def answer(self, session: bytes = A, sends: tuple[str, ...] = ("0", "1")) -> list[FromUnit]:
        offer = self.last_offer(session)
        return self.say(Answer(session=session, seq=offer.seq, sdp=answer_to(offer.sdp, sends)))

    def handshake(self, peer: Peer, address: Address = HERE) -> None:
        while sent := peer.take():
            for datagram in sent:
                for reply in self.send(datagram, address):
                    peer.receive(reply)

    def connect(
        self, session: bytes = A, address: Address = HERE, sends: tuple[str, ...] = ("0", "1")
    ) -> Srtp:
        """From Open to the keys."""
        self.open(session)
        self.answer(session, sends)
        self.send(check(credentials_of(self.last_offer(session).sdp), nominate=True), address)
        peer = Peer()
        self.handshake(peer, address)
        return peer.srtp()


def stream(ssrc: int, kind: Kind = Kind.AUDIO, source: bytes = B) -> StreamOut:
    return StreamOut(source, source, kind, ssrc, ssrc + 1 if kind.media == "video" else None)


def test_from_open_to_media() -> None:
    house = House()
    offer = house.open()[0]
    assert isinstance(offer, Offer)
    assert (offer.seq, offer.streams) == (0, [])
    assert house.forwarder.since() == [("join", A, A)]
    assert house.answer() == []
    assert house.forwarder.since() == []  # nothing is published before there are keys
    replies = house.send(check(credentials_of(offer.sdp), nominate=True))
    assert len(replies) == 1
    peer = Peer()
    house.handshake(peer)
    assert house.said[-1] == Connected(session=A)
    assert house.forwarder.since() == [("publish", A, "0", Kind.AUDIO), ("publish", A, "1", Kind.CAMERA)]
    client = peer.srtp()
    for packet, seal, name in ((rtp(1), client.seal_rtp, "rtp"), (rtcp(), client.seal_rtcp, "rtcp")):
        sealed = seal(packet)
        assert sealed is not None
        house.send(sealed)
        assert house.forwarder.since() == [(name, A, packet)]
    house.forwarder.out = [(A, rtp(9), False), (A, rtcp(), True), (B, rtp(1), False)]
    house.later(0.02)
    assert [to for _, to in house.sent] == [HERE, HERE]
    assert client.open_rtp(house.sent[0][0]) == rtp(9)
    assert client.open_rtcp(house.sent[1][0]) == rtcp()


def test_on_a_path_that_loses_packets_each_of_a_voice_leaves_twice_with_the_same_bytes() -> None:
    house = House()
    client = house.connect(A, HERE)
    house.forwarder.loses = {A}

    def voice(sequence: int, ssrc: int = 7) -> bytes:
        return b"\x80\x6f" + rtp(sequence, ssrc)[2:]

    def sent(*packets: bytes, is_rtcp: bool = False) -> list[bytes]:
        house.forwarder.out = [(A, packet, is_rtcp) for packet in packets]
        house.later(0.02)
        left, house.sent = house.sent, []
        return [data for data, _ in left]

    (first,) = sent(voice(1))
    second, again = sent(voice(2))
    assert again == first
    assert client.open_rtp(second) == voice(2)
    assert client.open_rtp(again) == voice(1)  # the first time it was lost
    assert client.open_rtp(again) is None  # where it was not, it is a replay
    # Each voice has its own; pictures and reports leave once, and so does all to whom nothing is lost.
    assert len(sent(voice(1, ssrc=8), voice(3))) == 3
    assert len(sent(rtp(1, ssrc=9), rtp(2, ssrc=9))) == 2
    assert len(sent(rtcp(), is_rtcp=True)) == 1
    house.forwarder.loses = set()
    assert len(sent(voice(4))) == 1


def test_what_does_not_fit_into_a_batch_leaves_with_the_next_in_order() -> None:
    house = House()
    client = house.connect()
    count = 3 * SLOTS
    house.forwarder.out = [(A, rtp(n), False) for n in range(count)]
    # None of these is sealed, and what comes behind them is.
    house.forwarder.out[5:5] = [
        (A, rtp(4), False),
        (B, rtp(1), False),
        (A, rtp(9, payload=bytes(2000)), False),
    ]
    house.later(0.02)
    assert [client.open_rtp(data) for data, _ in house.sent] == [rtp(n) for n in range(count)]
    assert {to for _, to in house.sent} == {HERE}


def test_a_voice_that_leaves_twice_has_a_place_at_the_end_of_a_batch() -> None:
    house = House()
    client = house.connect()
    voices = [bytes([0x80, payloads.OPUS]) + rtp(n)[2:] for n in range(SLOTS)]
    house.forwarder.loses = {A}
    house.forwarder.out = [(A, voice, False) for voice in voices]
    house.later(0.02)
    sent = [data for data, _ in house.sent]
    first, again = [sent[0], *sent[1::2]], sent[2::2]
    assert (len(first), again) == (SLOTS, first[:-1])
    assert [one for one in map(client.open_rtp, sent) if one is not None] == voices


def test_media_before_the_keys_or_from_elsewhere_is_nothing() -> None:
    house = House()
    house.open()
    house.answer()
    house.send(check(credentials_of(house.last_offer().sdp), nominate=True))
    house.forwarder.since()
    assert house.send(rtp(1)) == []
    client = house.connect(B, THERE)
    house.forwarder.since()
    sealed = client.seal_rtp(rtp(1))
    assert sealed is not None
    assert house.send(sealed, HERE) == []  # another session's address
    assert house.send(sealed, ("203.0.113.1", 5)) == []
    assert house.send(rtp(1), THERE) == []
    assert house.forwarder.since() == []
    house.send(sealed, THERE)
    assert house.forwarder.since() == [("rtp", B, rtp(1))]


def test_what_changes_while_an_offer_is_open_goes_into_the_next() -> None:
    house = House()
    house.connect()
    house.forwarder.since()
    house.forwarder.offer(A, stream(5))
    offers = house.later(0.02)
    assert [one.streams for one in offers if isinstance(one, Offer)] == [
        [StreamOf(mid="4", device=B, kind=Kind.AUDIO)]
    ]
    house.forwarder.offer(A, stream(5), stream(7, Kind.CAMERA))
    assert house.later(0.02) == []
    assert house.forwarder.since() == []
    following = house.answer()
    assert house.forwarder.since() == [("subscribe", A, "4", 5)]
    assert [len(one.streams) for one in following if isinstance(one, Offer)] == [2]
    assert house.answer() == []
    assert house.forwarder.since() == [("subscribe", A, "5", 7)]
    # It ends: at once for the forwarder, and in an offer for the client.
    house.forwarder.offer(A, stream(7, Kind.CAMERA))
    (offer,) = house.later(0.02)
    assert isinstance(offer, Offer)
    assert offer.streams == [StreamOf(mid="5", device=B, kind=Kind.CAMERA)]
    assert house.forwarder.since() == [("unsubscribe", A, "4")]


def test_a_client_that_stops_sending_is_unpublished() -> None:
    house = House()
    house.connect()
    house.forwarder.offer(A, stream(5))
    house.later(0.02)
    house.forwarder.since()
    house.answer(sends=("0",))
    assert house.forwarder.since() == [("unpublish", A, "1"), ("subscribe", A, "4", 5)]


def lost(messages: list[FromUnit]) -> list[FromUnit]:
    return [one for one in messages if isinstance(one, Lost)]


def test_who_publishes_without_end_is_over() -> None:
    """Each time is a new stream to everybody else, which their libsrtp never forgets."""
    house = House()
    house.connect(sends=())
    published = 0
    # An offer to answer otherwise than the one before.
    for n in range(2 * MAX_PUBLISHED + 2):
        assert not lost(house.later(SWEEP_S))
        house.send(check(credentials_of(house.last_offer().sdp), nominate=True))
        house.forwarder.offer(A, stream(10 + n))
        house.later(0.02)
        house.answer(sends=("0",) if n % 2 else ())
        published += len([one for one in house.forwarder.since() if one[0] == "publish"])
    assert published == MAX_PUBLISHED
    assert lost(house.later(SWEEP_S)) == [Lost(session=A, code="worn")]
    assert house.board.sizes[0] == 0


def test_who_was_sent_too_many_streams_gets_new_keys() -> None:
    house = House()
    house.connect(sends=())
    begun = 0
    for n in range(MAX_BEGUN + 1):
        assert not lost(house.later(0.02))
        if n % 100 == 0:
            house.send(check(credentials_of(house.last_offer().sdp), nominate=True))
        house.forwarder.offer(A, stream(10 + n))
        house.later(0.02)
        house.answer(sends=())
        begun += len([one for one in house.forwarder.since() if one[0] == "subscribe"])
    assert begun == MAX_BEGUN
    assert lost(house.later(SWEEP_S)) == [Lost(session=A, code="worn")]


def test_wants_wait_for_the_stream_and_end_with_it() -> None:
    house = House()
    house.connect()
    house.forwarder.offer(A, stream(7, Kind.CAMERA))
    house.later(0.02)
    house.forwarder.since()
    wants = [Want(mid=mid, layer=Layer.LOW) for mid in ("4", "0", "9", "x")]
    house.say(Wants(session=A, streams=wants))
    assert house.forwarder.since() == []
    house.answer()
    assert house.forwarder.since() == [("subscribe", A, "4", 7), ("wants", A, "4", Layer.LOW)]
    house.say(Wants(session=A, streams=[Want(mid="4", layer=Layer.HIGH)]))
    assert house.forwarder.since() == [("wants", A, "4", Layer.HIGH)]
    # Another stream in the same place begins without what was wanted of the first.
    house.forwarder.offer(A)
    house.later(0.02)
    house.answer()
    house.forwarder.offer(A, stream(9, Kind.CAMERA))
    house.later(0.02)
    house.forwarder.since()
    house.answer()
    assert house.forwarder.since() == [("subscribe", A, "4", 9)]


def test_silence_is_told_and_its_end_and_then_the_loss() -> None:
    house = House()
    client = house.connect()
    assert house.later(6.0) == [Report(room=ROOM, participants=[])]
    assert Silent(session=A) in house.later(0.6)
    sealed = client.seal_rtp(rtp(1))
    assert sealed is not None
    house.send(sealed)
    assert Connected(session=A) in house.later(0.25)
    house.forwarder.since()
    assert Silent(session=A) in house.later(7.0)
    # Media alone does not keep a session: RFC 7675 wants checks.
    for n in range(2, 30):
        sealed = client.seal_rtp(rtp(n))
        assert sealed is not None
        house.send(sealed)
        if Lost(session=A, code="consent") in house.later(1.0):
            break
    assert house.now == pytest.approx(31.0, abs=1.1)
    assert house.forwarder.since()[-1] == ("leave", A)
    assert house.board.sizes == (0, 0, (0, 0, 1))
    assert house.say(Close(session=A, code="left")) == []


def test_a_client_that_never_comes_is_given_up() -> None:
    house = House()
    house.open()
    assert Lost(session=A, code="consent") not in house.later(59.0)
    assert Lost(session=A, code="consent") in house.later(1.5)
    assert house.board.sizes[:2] == (0, 0)


def test_an_answer_for_another_certificate_gives_no_media() -> None:
    house = House()
    house.open()
    offer = house.last_offer()
    text = answer_to(offer.sdp, ("0",), fingerprint=":".join(["00"] * 32))
    house.say(Answer(session=A, seq=0, sdp=text))
    house.send(check(credentials_of(offer.sdp), nominate=True))
    house.handshake(Peer())
    assert house.said[-1] == Lost(session=A, code="fingerprint")
    assert house.forwarder.since() == [("join", A, A), ("leave", A)]


def test_the_end_by_either_side() -> None:
    house = House()
    house.open()
    house.answer()
    house.send(check(credentials_of(house.last_offer().sdp), nominate=True))
    peer = Peer()
    house.handshake(peer)
    peer.connection.shutdown()
    for datagram in peer.take():
        house.send(datagram)
    assert house.said[-1] == Lost(session=A, code="closed")

    house.connect(B, THERE)
    house.sent.clear()
    assert house.say(Close(session=B, code="left")) == []
    assert [to for _, to in house.sent] == [THERE]  # DTLS tells the client
    assert house.board.sizes == (0, 0, (0, 0, 2))


def test_a_restart_offers_new_credentials_even_while_an_offer_is_open() -> None:
    house = House()
    client = house.connect()
    old = credentials_of(house.last_offer().sdp)
    house.forwarder.offer(A, stream(5))
    house.later(0.02)
    late = house.last_offer()
    (offer,) = house.say(Restart(session=A))
    assert isinstance(offer, Offer)
    new = credentials_of(offer.sdp)
    assert new != old
    assert offer.streams == late.streams
    refused = house.say(Answer(session=A, seq=late.seq, sdp=answer_to(late.sdp)))
    assert refused == [Refused(session=A, code="no_offer")]
    house.answer()
    assert len(house.send(check(old))) == 1
    assert len(house.send(check(new, nominate=True), THERE)) == 1
    assert house.send(check(old)) == []
    # The association is the same: packets go to the new address under the keys that there were.
    house.forwarder.out = [(A, rtp(3), False)]
    house.later(0.02)
    assert house.sent[-1][1] == THERE
    assert client.open_rtp(house.sent[-1][0]) == rtp(3)


@pytest.mark.parametrize(
    ("make", "code"),
    [
        (lambda sdp: Answer(session=A, seq=1, sdp=answer_to(sdp)), "no_offer"),
        (lambda sdp: Answer(session=A, seq=0, sdp=sdp), "sdp_direction"),
        (lambda sdp: Answer(session=A, seq=0, sdp="v=1\r\n"), "sdp_version"),
        (lambda sdp: Answer(session=B, seq=0, sdp=answer_to(sdp)), "no_session"),
        (lambda _: Wants(session=B, streams=[]), "no_session"),
        (lambda _: Restart(session=B), "no_session"),
        (lambda _: Open(session=A, room=ROOM, device=A, account=A), "open"),
    ],
)
def test_what_is_refused_changes_nothing(make: Callable[[str], Any], code: str) -> None:
    house = House()
    house.open()
    message = make(house.last_offer().sdp)
    assert house.say(message) == [Refused(session=message.session, code=code)]
    house.answer()
    house.send(check(credentials_of(house.last_offer().sdp), nominate=True))
    house.handshake(Peer())
    assert house.said[-1] == Connected(session=A)


def test_a_full_room_and_a_full_unit() -> None:
    house = House()
    house.open()
    house.forwarder.full = True
    assert house.open(B) == [Refused(session=B, code="full")]
    assert house.board.sizes[:2] == (1, 1)
    house.forwarder.full = False
    for n in range(1, MAX_SESSIONS):
        house.open(n.to_bytes(16, "big"), n.to_bytes(16, "little"))
    assert house.open(B) == [Refused(session=B, code="full")]


def test_the_handshakes_timer_is_asked_for_and_has_an_end() -> None:
    """What it sends again by OpenSSL's own clock is in test_dtls.py."""
    house = House()
    house.open()
    house.answer()
    house.send(check(credentials_of(house.last_offer().sdp), nominate=True))
    peer = Peer()
    for datagram in peer.take():
        lost = house.send(datagram)
    assert lost
    assert 0 < house.board.tick(house.now) - house.now <= 1.0
    assert Lost(session=A, code="dtls") in house.later(30.0)


def test_rooms_do_not_meet() -> None:
    house = House()
    house.open(A)
    house.open(B, b"q" * 16)
    first, second = house.forwarders
    assert first.told == [("join", A, A)]
    assert second.told == [("join", B, B)]
    assert house.later(2.0) == [
        Report(room=ROOM, participants=[]),
        Report(room=b"q" * 16, participants=[]),
    ]


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.binary(max_size=100), st.booleans()), max_size=20))
def test_any_datagrams_from_anywhere_change_nothing(datagrams: list[tuple[bytes, bool]]) -> None:
    house = House()
    house.open()
    house.answer()
    house.send(check(credentials_of(house.last_offer().sdp), nominate=True))
    sizes = house.board.sizes
    for data, verified in datagrams:
        house.send(data, HERE if verified else THERE)
    assert house.board.sizes == sizes
    house.handshake(Peer())
    assert house.said[-1] == Connected(session=A)


def test_the_same_certificate_for_everybody_and_each_their_own_keys() -> None:
    house = House()
    first, second = house.connect(A, HERE), house.connect(B, THERE)
    assert THEIRS.fingerprint != CERTIFICATE.fingerprint
    sealed = first.seal_rtp(rtp(1))
    assert sealed is not None
    house.forwarder.since()
    house.send(sealed, THERE)
    assert house.forwarder.since() == []
    house.forwarder.out = [(A, rtp(1), False)]
    house.later(0.02)
    assert second.open_rtp(house.sent[-1][0]) is None
    assert first.open_rtp(house.sent[-1][0]) == rtp(1)
