"""One client's connection until media may flow: ICE as the controlling side, and DTLS as its client."""

import itertools
import socket
import time
from dataclasses import dataclass

from signaling.sfu import stun
from signaling.sfu.demux import Plane, plane_of
from signaling.sfu.ice import Credentials
from signaling.sfu.srtp import PROFILES, Keys
from tests.signaling.sfu.peer import Peer, check

PATIENCE_S = 30.0
AGAIN_S = 0.2
# What our unit and Janus prefer, and browsers offer.
PROFILE = PROFILES[0]
PASSWORD = b"w" * 24  # as `answer_to` has it
_hosts = itertools.count()


def new_socket(host: str | None = None) -> socket.socket:
    """On loopback, under an address of its own: whoever counts by address takes it for one household."""
    made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    number = next(_hosts) % 60_000
    made.bind((host or f"127.1.{number // 250}.{1 + number % 250}", 0))
    return made


@dataclass(frozen=True, slots=True)
class Path:
    keys: Keys
    check: bytes


def connect(
    connection: socket.socket,
    credentials: Credentials,
    address: tuple[str, int],
    *,
    asks: bool = False,
) -> Path:
    """`asks`: the other side checks the pair too, and takes no DTLS before. Raises TimeoutError."""
    connection.connect(address)
    connection.settimeout(AGAIN_S)
    end = time.monotonic() + PATIENCE_S
    asked = check(credentials, nominate=True)
    answered, was_asked = False, not asks
    while not (answered and was_asked):
        connection.send(asked)
        message = _read(connection, Plane.STUN, end)
        if message is None:
            continue
        found = stun.parse(message)
        if found.kind is stun.Class.REQUEST:
            connection.send(stun.success(found.transaction, address, PASSWORD))
            was_asked = True
        else:
            answered = answered or found.holds(credentials.password.encode())
    return Path(_shake(connection, end), asked)


def _shake(connection: socket.socket, end: float) -> Keys:
    peer = Peer(profiles=PROFILE.name)
    flight = peer.take()
    while not peer.done:
        for datagram in flight:
            connection.send(datagram)
        data = _read(connection, Plane.DTLS, end)
        # Sent again as it was: the other side may have let it fall, and OpenSSL's own timer is slow.
        if data is not None:
            peer.receive(data)
            flight = peer.take()
    for datagram in flight:
        connection.send(datagram)
    connection.settimeout(None)
    return peer.keys()


def _read(connection: socket.socket, plane: Plane, end: float) -> bytes | None:
    """The next datagram of that kind; None where it does not come at once."""
    while time.monotonic() < end:
        try:
            data = connection.recv(2048)
        except TimeoutError:
            return None
        if plane_of(data) is plane:
            return data
    raise TimeoutError("no connection")
