"""The process itself, over its channel and real sockets on loopback."""

import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator

import psutil  # type: ignore[import-untyped]
import pytest
from OpenSSL import SSL

from signaling.sfu import extensions, payloads, stun
from signaling.sfu.control import (
    Answer,
    Close,
    Connected,
    FromUnit,
    Lost,
    Offer,
    Open,
    Refused,
    Report,
    Restart,
)
from signaling.sfu.demux import Plane, plane_of
from signaling.sfu.ice import Credentials
from signaling.sfu.srtp import Srtp
from signaling.sfu.unit import main
from tests.house_server import ROOT
from tests.signaling.sfu.driver import Driver, driven
from tests.signaling.sfu.peer import Peer, answer_to, check, credentials_of

ROOM = b"r" * 16
PATIENCE_S = 20.0


class Udp:
    """A client with a socket of its own."""

    def __init__(self, driver: Driver, name: bytes, host: str = "127.0.0.1") -> None:
        self.driver, self.session = driver, name * 16
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.socket = socket.socket(family, socket.SOCK_DGRAM)
        self.socket.bind((host, 0))
        self.socket.connect((host, driver.hello.port))
        self.socket.settimeout(PATIENCE_S)
        self.answered = 0
        self.peer = Peer()
        driver.send(Open(session=self.session, room=ROOM, device=self.session, account=self.session))

    def offers(self) -> list[Offer]:
        return [one for one in self.driver.of(self.session) if isinstance(one, Offer)]

    def answer(self, sends: tuple[str, ...]) -> Offer:
        """The next offer, answered."""
        self.driver.until(lambda: len(self.offers()) > self.answered)
        offer = self.offers()[self.answered]
        self.answered += 1
        self.driver.send(Answer(session=self.session, seq=offer.seq, sdp=answer_to(offer.sdp, sends)))
        return offer

    def connect(self, sends: tuple[str, ...] = ("0",)) -> Srtp:
        offer = self.answer(sends)
        credentials = credentials_of(offer.sdp)
        self._check(credentials)
        while not self.peer.done:
            for datagram in self.peer.take():
                self.socket.send(datagram)
            self.peer.receive(self.socket.recv(2048))
        self.driver.until(lambda: Connected(session=self.session) in self.driver.received)
        return self.peer.srtp()

    def _check(self, credentials: Credentials) -> None:
        """Ask until there is an answer, as every agent does (RFC 8445 §14): a packet may be lost."""
        end = time.monotonic() + PATIENCE_S
        self.socket.settimeout(0.2)
        while True:
            self.socket.send(check(credentials, nominate=True))
            try:
                reply = stun.parse(self.socket.recv(2048))
            except TimeoutError:
                assert time.monotonic() < end
                continue
            assert reply.holds(credentials.password.encode())
            assert reply.mapped == self.socket.getsockname()[:2]
            break
        self.socket.settimeout(PATIENCE_S)

    def is_told_the_end(self) -> None:
        """DTLS says so; other packets may still be on their way."""
        while True:
            data = self.socket.recv(2048)
            if plane_of(data) is not Plane.DTLS:
                continue
            self.peer.connection.bio_write(data)
            try:
                self.peer.connection.recv(100)
            except SSL.WantReadError:
                continue
            except SSL.ZeroReturnError:
                return


def voice(sequence: int) -> bytes:
    """A packet of Opus on mid 0, 20 milliseconds after the one before it."""
    level = bytes([extensions.AUDIO_LEVEL << 4, 0x80 | 30])
    elements = bytes([extensions.MID << 4]) + b"0" + level
    header = bytes([0x90, payloads.OPUS]) + sequence.to_bytes(2, "big")
    header += (960 * sequence).to_bytes(4, "big") + (77).to_bytes(4, "big")
    return header + bytes.fromhex("bede0001") + elements + b"opus %d" % sequence


@pytest.fixture(scope="module")
def driver() -> Iterator[Driver]:
    """A unit for those tests that leave it running."""
    with driven() as started:
        yield started


def test_what_one_says_the_other_hears(driver: Driver) -> None:
    first, second = Udp(driver, b"a"), Udp(driver, b"b")
    speaks, hears = first.connect(), second.connect(())
    second.answer(())  # the offer that has the voice
    heard: list[bytes] = []
    sequence = 0
    second.socket.settimeout(0.02)
    end = time.monotonic() + PATIENCE_S
    while len(heard) < 5:
        assert time.monotonic() < end
        sequence += 1
        sealed = speaks.seal_rtp(voice(sequence))
        assert sealed is not None
        first.socket.send(sealed)
        try:
            data = second.socket.recv(2048)
        except TimeoutError:
            continue
        opened = hears.open_rtp(data)
        if opened is not None and opened[1] & 0x7F == payloads.OPUS:
            heard.append(opened)
    assert all(b"opus " in packet for packet in heard)
    ssrc = int.from_bytes(heard[0][8:12], "big")
    assert f"a=ssrc:{ssrc} " in second.offers()[-1].sdp
    both = {first.session, second.session}
    driver.until(lambda: both in [reported(one) for one in driver.received])


def reported(message: FromUnit) -> set[bytes]:
    return {one.session for one in message.participants} if isinstance(message, Report) else set()


def test_the_unit_ends_with_its_channel_and_says_nothing_of_anybody() -> None:
    driver = Driver("--host", "127.0.0.1", "--address", "127.0.0.1")
    client = Udp(driver, b"a")
    client.connect()
    log = driver.close()
    assert '"over"' in log
    for secret in ("127.0.0.1", str(driver.hello.port), client.session.hex(), "aaaa"):
        assert secret not in log


def test_it_ends_by_a_signal_and_tells_its_clients() -> None:
    driver = Driver("--host", "127.0.0.1", "--address", "127.0.0.1")
    client = Udp(driver, b"a")
    client.connect()
    driver.process.send_signal(signal.SIGINT)  # that one is the server's
    driver.process.send_signal(signal.SIGTERM)
    with pytest.raises(EOFError):
        driver.until(lambda: False)
    client.is_told_the_end()
    driver.close()


def test_a_channel_that_says_nonsense_ends_it() -> None:
    driver = Driver("--host", "127.0.0.1", "--address", "127.0.0.1")
    driver.channel.sendall(b"\xff\xff\xff\xff")
    with pytest.raises(EOFError):
        driver.until(lambda: False)
    assert '"malformed"' in driver.close()


def test_a_closed_session_is_over_for_its_client(driver: Driver) -> None:
    client = Udp(driver, b"c")
    client.connect()
    driver.send(Close(session=client.session, code="left"))
    client.is_told_the_end()
    driver.send(Restart(session=client.session))
    driver.until(lambda: Refused(session=client.session, code="no_session") in driver.received)
    assert Lost not in map(type, driver.of(client.session))


def test_a_flood_from_strangers_leaves_no_trace_and_hinders_nobody(driver: Driver) -> None:
    process = psutil.Process(driver.process.pid)
    senders = []
    for _ in range(20):
        sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sender.bind(("127.0.0.1", 0))
        sender.connect(("127.0.0.1", driver.hello.port))
        senders.append(sender)
    junk = [check(Credentials("unknown", "p" * 32)), b"\x16\xfe\xfd" + bytes(200), b"\x80\x60" + bytes(200)]

    def flood(count: int) -> None:
        for n in range(count):
            senders[n % len(senders)].send(junk[n % len(junk)])

    flood(2_000)
    Udp(driver, b"d").connect()
    before = process.memory_info().rss
    flood(20_000)
    Udp(driver, b"e").connect()
    assert process.memory_info().rss - before < 8 * 1024 * 1024
    for sender in senders:
        sender.setblocking(False)
        with pytest.raises(BlockingIOError):
            sender.recv(100)  # nobody was answered
        sender.close()


def test_it_does_not_start_where_it_cannot_serve(capsys: pytest.CaptureFixture[str]) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        port = str(taken.getsockname()[1])
        words = [
            "--fd",
            str(theirs.fileno()),
            "--host",
            "127.0.0.1",
            "--address",
            "127.0.0.1",
            "--port",
            port,
        ]
        command = [sys.executable, "-m", "signaling.sfu.unit", *words]
        done = subprocess.run(command, cwd=ROOT, pass_fds=(theirs.fileno(),), capture_output=True, text=True)
    assert done.returncode == 1
    assert '"not_started"' in done.stderr
    for bad in (
        ["--fd", "3", "--address", "media.example.org"],
        ["--fd", "3", "--address", "127.0.0.1", "--host", "everywhere"],
        ["--fd", "3"],
        ["--address", "127.0.0.1"],
        ["--fd", "3", *["--address", "127.0.0.1"] * 9],
    ):
        with pytest.raises(SystemExit) as caught:
            main(bad)
        assert caught.value.code == 2


def test_one_socket_serves_both_families() -> None:
    with driven("--host", "::", "--address", "127.0.0.1", "--address", "::1") as driver:
        for name, host in ((b"a", "127.0.0.1"), (b"b", "::1")):
            client = Udp(driver, name, host)
            client.connect()
            assert f"{host} {driver.hello.port} typ host" in client.offers()[0].sdp
