"""DTLS and SRTP against OpenSSL's client: loss, retransmission, the wrong certificate, any bytes."""

import random
import time
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from OpenSSL import SSL

from signaling.sfu import srtp
from signaling.sfu.certificate import new_certificate
from signaling.sfu.dtls import MTU, Dtls, State, context_of
from signaling.sfu.srtp import PROFILES, Srtp, split_keys
from tests.signaling.sfu import peer as peers
from tests.signaling.sfu.peer import NOW, THEIRS, Peer, rtcp, rtp

OURS, OTHER = new_certificate(NOW), new_certificate(NOW)
CONTEXT = context_of(OURS)
Lossy = Callable[[bool, int], bool]
"""(towards the server, which datagram of that direction) -> whether it is lost."""


def exchange(peer: Peer, server: Dtls, lost: Lossy = lambda *_: False) -> int:
    """Run both to the end. Gives how many datagrams the server sent."""
    counts = [0, 0]

    def passes(to_server: bool) -> bool:
        counts[to_server] += 1
        return not lost(to_server, counts[to_server])

    while not (peer.done and server.state is not State.HANDSHAKE) and server.state is not State.OVER:
        moved = False
        for datagram in peer.take():
            moved = True
            assert len(datagram) <= peers.MTU
            if passes(True):
                server.receive(datagram, 0.0)
        for datagram in server.take():
            moved = True
            assert len(datagram) <= MTU
            if passes(False):
                peer.receive(datagram)
        if not moved:  # both wait: OpenSSL's timers run by the real clock
            left = [t for t in (peer.connection.DTLSv1_get_timeout(), server.due(0.0)) if t is not None]
            time.sleep(min(left))
            server.tick(0.0)
            peer.connection.DTLSv1_handle_timeout()
    return counts[0]


def server(fingerprint: str = THEIRS.fingerprint) -> Dtls:
    return Dtls(CONTEXT, fingerprint, 0.0)


@pytest.mark.parametrize("profile", PROFILES, ids=lambda one: one.name.decode())
def test_both_ends_come_to_the_same_keys(profile: srtp.Profile) -> None:
    peer, ours = Peer(profiles=profile.name), server()
    exchange(peer, ours)
    assert (ours.state, ours.fault, ours.due(0.0)) == (State.DONE, None, None)
    assert ours.keys is not None
    assert ours.keys.profile is profile
    assert ours.keys == peer.keys()
    assert ours.keys.client.hex() not in repr(ours.keys)
    unit, client = Srtp.of_server(ours.keys), Srtp.of_client(peer.keys())
    there, back = client.seal_rtp(rtp(1)), unit.seal_rtp(rtp(1, ssrc=8))
    assert there is not None
    assert back is not None
    assert unit.open_rtp(there) == rtp(1)
    assert client.open_rtp(back) == rtp(1, ssrc=8)
    report = rtcp()
    sealed = client.seal_rtcp(report)
    assert sealed is not None
    assert unit.open_rtcp(sealed) == report


def test_the_strongest_profile_is_taken() -> None:
    ours = server()
    exchange(Peer(), ours)
    assert ours.keys is not None
    assert ours.keys.profile.name == b"SRTP_AEAD_AES_256_GCM"


def test_another_certificate_than_the_answers_gives_no_keys() -> None:
    ours = server(OTHER.fingerprint)
    exchange(Peer(), ours)
    assert (ours.state, ours.fault, ours.keys) == (State.OVER, "fingerprint", None)


def test_no_srtp_is_the_end() -> None:
    peer = Peer(profiles=b"SRTP_AES128_CM_SHA1_32")
    ours = server()
    exchange(peer, ours)
    assert (ours.state, ours.fault, ours.keys) == (State.OVER, "dtls", None)


def test_a_lost_flight_is_sent_again_by_the_server() -> None:
    """All of the server's first flight is lost, and the client never repeats what it sent."""
    peer, ours = Peer(), server()
    for datagram in peer.take():
        ours.receive(datagram, 0.0)
    first = ours.take()
    assert first
    due = ours.due(0.0)
    assert due is not None
    assert 0.0 < due <= 1.0
    ours.tick(0.0)
    assert ours.take() == []  # not yet
    time.sleep(due + 0.01)
    ours.tick(0.0)
    again = ours.take()
    assert len(again) >= 1
    assert sum(map(len, again)) >= sum(map(len, first))
    for datagram in again:
        peer.receive(datagram)
    exchange(peer, ours)
    assert ours.keys == peer.keys()


def test_the_last_flight_is_sent_again_when_the_client_asks_for_it() -> None:
    peer, ours = Peer(), server()
    for datagram in peer.take():
        ours.receive(datagram, 0.0)
    for datagram in ours.take():
        peer.receive(datagram)
    for datagram in peer.take():
        ours.receive(datagram, 0.0)
    assert ours.state is State.DONE
    assert ours.take()  # lost: ChangeCipherSpec and Finished
    assert not peer.done
    exchange(peer, ours)
    assert peer.done


def test_a_handshake_comes_through_loss() -> None:
    """One datagram of the flights between is lost: that costs a second of the real clock."""
    random_ = random.Random(4)
    lost: list[tuple[bool, int]] = []

    def lossy(to_server: bool, n: int) -> bool:
        if random_.random() < 0.25 and not lost:
            lost.append((to_server, n))
            return True
        return False

    peer, ours = Peer(), server()
    exchange(peer, ours, lossy)
    assert lost
    assert ours.keys == peer.keys()


def test_a_handshake_that_does_not_come_to_an_end_is_given_up() -> None:
    ours = server()
    assert ours.due(0.0) == 30.0
    ours.tick(29.9)
    assert ours.state is State.HANDSHAKE
    ours.tick(30.0)
    assert (ours.state, ours.fault) == (State.OVER, "dtls")


def test_either_end_may_close() -> None:
    peer, ours = Peer(), server()
    exchange(peer, ours)
    peer.connection.shutdown()
    for datagram in peer.take():
        ours.receive(datagram, 0.0)
    assert (ours.state, ours.fault) == (State.OVER, "closed")

    peer, ours = Peer(), server()
    exchange(peer, ours)
    ours.close()
    for datagram in ours.take():
        peer.connection.bio_write(datagram)
    with pytest.raises(SSL.ZeroReturnError):
        peer.connection.recv(100)


def test_data_of_the_client_is_nothing_to_us() -> None:
    peer, ours = Peer(), server()
    exchange(peer, ours)
    peer.connection.send(b"data channel")
    for datagram in peer.take():
        ours.receive(datagram, 0.0)
    assert (ours.state, ours.take()) == (State.DONE, [])


@settings(max_examples=60, deadline=None)
@given(st.lists(st.binary(max_size=80), max_size=6))
def test_any_datagrams_before_the_handshake(pieces: list[bytes]) -> None:
    ours = server()
    for piece in pieces:
        ours.receive(b"\x16\xfe\xfd" + piece, 0.0)
        ours.receive(piece, 0.0)
    assert ours.keys is None
    assert sum(map(len, ours.take())) < 2000


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000), st.integers(0, 255), st.integers(0, 5))
def test_a_damaged_datagram_makes_no_error(at: int, value: int, which: int) -> None:
    """Whatever it does to the handshake: both come to the same keys, or there are none."""
    peer, ours = Peer(), server()
    for datagram in peer.take():
        ours.receive(datagram, 0.0)
    for datagram in ours.take():
        peer.receive(datagram)
    for number, datagram in enumerate(peer.take()):
        if number == which:
            place = at % len(datagram)
            datagram = datagram[:place] + bytes([value]) + datagram[place + 1 :]
        ours.receive(datagram, 0.0)
    if ours.keys is not None:
        for datagram in ours.take():
            peer.receive(datagram)
        assert ours.keys == peer.keys()


def pair() -> tuple[Srtp, Srtp]:
    """Unit and client under made-up keys."""
    keys = split_keys(PROFILES[0], random.Random(1).randbytes(PROFILES[0].material))
    return Srtp.of_server(keys), Srtp.of_client(keys)


def test_a_packet_is_taken_once_and_as_it_was_sent() -> None:
    unit, client = pair()
    sealed = client.seal_rtp(rtp(5))
    assert sealed is not None
    for bit in range(0, len(sealed) * 8, 3):
        changed = bytearray(sealed)
        changed[bit // 8] ^= 1 << bit % 8
        assert unit.open_rtp(bytes(changed)) is None
    assert unit.open_rtp(sealed) == rtp(5)
    assert unit.open_rtp(sealed) is None
    assert unit.open_rtcp(sealed) is None


def test_no_index_is_sent_twice() -> None:
    """A nonce of GCM must never come again, whatever the second packet is (trap 6)."""
    _, client = pair()
    assert client.seal_rtp(rtp(5)) is not None
    assert client.seal_rtp(rtp(5, payload=b"another")) is None
    assert client.unsent == 1


def test_a_client_sends_on_so_many_sources() -> None:
    unit, client = pair()
    for ssrc in range(1000, 1000 + srtp.MAX_SSRCS):
        sealed = client.seal_rtp(rtp(1, ssrc=ssrc))
        assert sealed is not None
        assert unit.open_rtp(sealed) is not None
    further = client.seal_rtp(rtp(1, ssrc=5))
    assert further is not None
    assert unit.open_rtp(further) is None
    known = client.seal_rtp(rtp(2, ssrc=1000))
    assert known is not None
    assert unit.open_rtp(known) is not None


def test_forged_packets_use_up_no_source() -> None:
    unit, client = pair()
    for ssrc in range(1000):
        assert unit.open_rtp(rtp(1, ssrc=ssrc, payload=bytes(40))) is None
        assert unit.open_rtcp(rtcp(ssrc) + bytes(30)) is None
    sealed = client.seal_rtp(rtp(1))
    assert sealed is not None
    assert unit.open_rtp(sealed) == rtp(1)


def test_what_is_too_long_is_not_sent() -> None:
    unit, _ = pair()
    assert unit.seal_rtp(rtp(1, payload=bytes(srtp.MAX_PACKET))) is None
    assert unit.seal_rtcp(bytes(srtp.MAX_PACKET + 1)) is None
    assert unit.seal_rtp(rtp(1, payload=bytes(srtp.MAX_PACKET - 12))) is not None


@given(st.binary(min_size=12, max_size=2000))
def test_any_packet_is_refused(data: bytes) -> None:
    unit, _ = pair()
    assert unit.open_rtp(data) is None
    assert unit.open_rtcp(data) is None
