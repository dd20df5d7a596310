"""ICE: who is answered, which pair is followed, when a client is lost, and what strangers cost."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from signaling.sfu import ice, rates, stun
from signaling.sfu.demux import Plane, plane_of
from signaling.sfu.ice import Agent, Credentials, Table, new_credentials
from signaling.sfu.stun import Address, Class
from tests.signaling.sfu.peer import check

A: Address = ("192.0.2.1", 1000)
B: Address = ("192.0.2.1", 2000)
C: Address = ("198.51.100.7", 3000)
SESSION = b"s" * 16


def seeded(seed: int) -> random.Random:
    return random.Random(seed)


class Client:
    """A full agent's checks, with the password that the offer told it."""

    def __init__(self, credentials: Credentials, ufrag: str = "theirs") -> None:
        self.credentials, self.ufrag = credentials, ufrag

    def check(self, *, nominate: bool = False, controlling: bool = True, password: str = "") -> bytes:
        return check(
            self.credentials, self.ufrag, nominate=nominate, controlling=controlling, password=password
        )


def placed(seed: int = 1, session: bytes = SESSION) -> tuple[Table, Agent, Client]:
    credentials = new_credentials(seeded(seed).randbytes)
    table, agent = Table(), Agent(session, credentials, 0.0)
    table.add(agent)
    return table, agent, Client(credentials)


def error_of(reply: bytes | None) -> int:
    assert reply is not None
    message = stun.parse(reply)
    assert message.kind is Class.ERROR
    return message.error


def test_credentials_are_long_and_of_the_characters_of_ice() -> None:
    made = new_credentials(seeded(3).randbytes)
    assert (len(made.ufrag), len(made.password)) == (12, 32)
    assert made.password not in repr(made)


def test_a_valid_check_is_answered_with_where_it_came_from() -> None:
    table, agent, client = placed()
    reply, session = table.request(client.check(), A, 1.0)
    assert session == SESSION
    assert reply is not None
    message = stun.parse(reply)
    assert (message.kind, message.mapped) == (Class.SUCCESS, A)
    assert message.holds(client.credentials.password.encode())
    assert table.of(A) == SESSION
    assert agent.selected is None  # not nominated
    table.request(client.check(nominate=True), A, 1.0)
    assert agent.selected == A


def test_the_nominated_pair_is_followed_when_the_network_changes() -> None:
    table, agent, client = placed()
    table.request(client.check(nominate=True), A, 1.0)
    table.request(client.check(), C, 2.0)
    assert agent.selected == A
    table.request(client.check(nominate=True), C, 3.0)
    assert agent.selected == C
    assert table.of(A) == table.of(C) == SESSION


def test_a_pair_that_is_checked_no_more_is_left_for_one_that_is() -> None:
    """Not every client nominates again after its router has given it another port."""
    table, agent, client = placed()
    table.request(client.check(nominate=True), A, 1.0)
    table.request(client.check(), C, 9.0)
    assert agent.selected == A
    table.request(client.check(), C, 9.1)
    assert agent.selected == C


def test_a_wrong_password_is_401_and_changes_nothing() -> None:
    table, agent, client = placed()
    reply, session = table.request(client.check(nominate=True, password="x" * 32), A, 1.0)
    assert (error_of(reply), session) == (401, None)
    assert (agent.selected, table.of(A)) == (None, None)


def test_another_user_fragment_than_the_answers_is_401() -> None:
    table, agent, client = placed()
    agent.answered("theirs")
    assert table.request(client.check(), A, 1.0)[1] == SESSION
    client.ufrag = "others"
    assert error_of(table.request(client.check(), A, 1.0)[0]) == 401


def test_a_controlled_client_is_told_487_so_that_it_controls() -> None:
    table, _, client = placed()
    reply, session = table.request(client.check(controlling=False), A, 1.0)
    assert (error_of(reply), session) == (487, None)


def test_what_must_be_understood_and_is_not_is_420() -> None:
    table, agent, client = placed()
    password = client.credentials.password.encode()
    user = f"{client.credentials.ufrag}:theirs".encode()
    # An attribute that no RFC has; the type is given by its number.
    attributes = [(stun.Attribute.USERNAME, user), (0x7001, b"????")]
    data = stun._build(Class.REQUEST, b"t" * 12, attributes, password)  # type: ignore[arg-type]
    reply, session = table.request(data, A, 1.0)
    assert (error_of(reply), session) == (420, None)
    assert agent.addresses == {}


def test_a_check_that_is_sent_again_from_elsewhere_moves_nothing() -> None:
    table, agent, client = placed()
    check = client.check(nominate=True)
    table.request(check, A, 1.0)
    assert table.request(check, C, 1.1) == (None, None)
    assert agent.selected == A
    assert table.request(check, A, 1.2)[1] == SESSION  # its own retransmission


def test_consent_ends_after_30_seconds_without_a_valid_check() -> None:
    """RFC 7675. Other packets show that the client is there; they don't consent."""
    table, agent, client = placed()
    assert not agent.lost(59.9)  # nobody came yet
    assert agent.lost(60.0)
    table.request(client.check(nominate=True), A, 50.0)
    assert not agent.silent(56.4)
    assert agent.silent(56.5)
    agent.heard(60.0)
    assert not agent.silent(66.4)
    agent.heard(79.9)
    assert not agent.lost(79.9)
    assert agent.lost(80.0)
    table.request(client.check(), A, 80.0)
    assert not agent.lost(109.9)


def test_a_restart_takes_over_when_its_pair_is_nominated() -> None:
    table, agent, client = placed()
    table.request(client.check(nominate=True), A, 1.0)
    renewed = Client(new_credentials(seeded(2).randbytes), "newer")
    agent.answered("theirs")
    table.restart(agent, renewed.credentials)
    # The old ones hold: media goes on, even to another address.
    assert table.request(client.check(nominate=True), B, 2.0)[1] == SESSION
    assert agent.selected == B
    agent.answered("newer")
    assert table.request(renewed.check(), C, 3.0)[1] == SESSION
    assert table.request(client.check(), B, 3.0)[1] == SESSION
    assert table.request(renewed.check(nominate=True), C, 4.0)[1] == SESSION
    assert agent.selected == C
    assert table.request(client.check(nominate=True), B, 5.0) == (None, None)
    assert table.sizes[0] == 1


def test_two_restarts_in_a_row_keep_the_pair_in_use() -> None:
    table, agent, client = placed()
    table.request(client.check(nominate=True), A, 1.0)
    for seed in (2, 3):
        last = Client(new_credentials(seeded(seed).randbytes))
        table.restart(agent, last.credentials)
    assert table.request(client.check(), A, 2.0)[1] == SESSION
    assert table.sizes[0] == 2
    table.request(last.check(nominate=True), A, 3.0)
    assert table.sizes[0] == 1
    table.remove(agent)
    assert table.sizes[:2] == (0, 0)


def test_a_session_has_so_many_addresses_and_never_loses_the_selected_one() -> None:
    table, agent, client = placed()
    table.request(client.check(nominate=True), A, 1.0)
    for port in range(4000, 4100):
        table.request(client.check(), ("192.0.2.1", port), 2.0)
    assert len(agent.addresses) == ice.MAX_ADDRESSES
    assert table.sizes[1] == ice.MAX_ADDRESSES
    assert table.of(A) == SESSION


def test_an_address_belongs_to_the_session_that_verified_it_last() -> None:
    table, first, client = placed()
    table.request(client.check(nominate=True), A, 1.0)
    other = Client(new_credentials(seeded(9).randbytes))
    second = Agent(b"t" * 16, other.credentials, 0.0)
    table.add(second)
    table.request(other.check(nominate=True), A, 2.0)
    assert table.of(A) == b"t" * 16
    table.remove(first)
    assert table.of(A) == b"t" * 16
    table.remove(second)
    assert table.sizes[:2] == (0, 0)


def test_strangers_are_not_answered_and_leave_nothing_behind() -> None:
    table, _, client = placed()
    stranger = Client(Credentials("unknown", "p" * 32))
    for n in range(2000):
        address = (f"203.0.{n // 250}.{n % 250}", 5000)
        assert table.request(stranger.check(nominate=True), address, n / 1000) == (None, None)
    assert table.sizes == (1, 0, 0)
    assert table.request(client.check(), A, 2.0)[1] == SESSION


def test_who_knows_a_fragment_has_a_rate_and_the_rates_are_bounded() -> None:
    table, _, client = placed()
    wrong = [client.check(password="x" * 32) for _ in range(rates.CHECKS_AT_ONCE + 50)]
    replies = [table.request(check, A, 1.0)[0] for check in wrong]
    assert len([reply for reply in replies if reply is not None]) == rates.CHECKS_AT_ONCE
    assert table.request(client.check(), C, 1.0)[1] == SESSION  # others are not hindered by it
    assert table.request(client.check(), A, 1.5)[1] == SESSION  # and it may go on later
    check = client.check(password="x" * 32)
    for n in range(rates.MAX_NETWORKS + 100):
        table.request(check, (f"2001:db8:{n:x}::1", 5000), 2.0)
    assert table.sizes[2] == rates.MAX_NETWORKS


def test_a_line_of_ipv6_is_one_network() -> None:
    assert rates.network_of("2001:db8::1") == rates.network_of("2001:db8::ffff:2")
    assert rates.network_of("2001:db8::1") != rates.network_of("2001:db8:0:1::1")
    assert rates.network_of("::ffff:192.0.2.1") == rates.network_of("192.0.2.1") == "192.0.2.1"


@settings(derandomize=True, deadline=None)
@given(st.binary(max_size=64))
def test_any_datagram_is_dropped_without_a_trace(data: bytes) -> None:
    table, _, _ = placed()
    assert table.request(data, A, 1.0) == (None, None)
    assert table.sizes == (1, 0, 0)


@pytest.mark.parametrize(
    ("first", "second", "plane"),
    [
        (0, 1, Plane.STUN),
        (3, 0, Plane.STUN),
        (4, 0, Plane.OTHER),
        (19, 0, Plane.OTHER),
        (20, 0, Plane.DTLS),
        (63, 0, Plane.DTLS),
        (64, 0, Plane.OTHER),
        (127, 0, Plane.OTHER),
        (128, 96, Plane.RTP),
        (191, 111 | 0x80, Plane.RTP),
        (128, 63, Plane.RTP),
        (128, 200, Plane.RTCP),
        (129, 207, Plane.RTCP),
        (192, 200, Plane.OTHER),
        (255, 0, Plane.OTHER),
    ],
)
def test_the_first_bytes_say_what_it_is(first: int, second: int, plane: Plane) -> None:
    assert plane_of(bytes([first, second]) + bytes(20)) is plane
    assert plane_of(bytes([first, second])) is Plane.OTHER


@settings(derandomize=True, deadline=None)
@given(st.binary(max_size=40))
def test_any_bytes_have_a_plane(data: bytes) -> None:
    assert plane_of(data) in Plane
