"""Calls with media: the server as it is, its own units, and clients with ICE, DTLS and SRTP of their own."""

import asyncio
import os
import signal
import socket
import time
from collections.abc import Iterator

import psutil  # type: ignore[import-untyped]
import pytest
from OpenSSL import SSL

from signaling.sfu import payloads, stun
from signaling.sfu.demux import Plane, plane_of
from signaling.sfu.srtp import Srtp
from tests.house_server import HouseServer, run
from tests.opaque.session import Session
from tests.server.test_calls import Caller
from tests.server.test_delivery import close, group
from tests.signaling.sfu.peer import Peer, answer_to, check, credentials_of
from tests.signaling.sfu.test_unit import voice
from wire import frames

PATIENCE_S = 30.0
AGAIN_S = 0.2
ENOUGH = 5


@pytest.fixture(scope="module")
def calling(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HouseServer]:
    server = HouseServer(tmp_path_factory.mktemp("media"), media_workers="2").start()
    yield server
    server.close()


class Phone(Caller):
    """A device with a path for its media. What blocks runs in a thread."""

    def __init__(self, device: Session, room: bytes) -> None:
        super().__init__(device, room)
        self.sequence = 0
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)

    async def connect(self, offer: frames.CallOffer, sends: tuple[str, ...] = ("0",)) -> None:
        """Answer a fresh offer, and have media."""
        assert offer.fresh
        self.hang_up()
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.port = int(offer.sdp.split("m=audio ")[1].split()[0])
        self.socket.connect(("127.0.0.1", self.port))
        self.peer = Peer()
        self.sends = sends
        self.answered = offer
        await self.answer(offer, answer_to(offer.sdp, sends))
        self.srtp = await asyncio.to_thread(self._shake, offer.sdp)
        await self.until_seen({self.device.device: "here"})

    def _shake(self, sdp: str) -> Srtp:
        """ICE, asked until there is an answer (RFC 8445 §14), then DTLS."""
        credentials = credentials_of(sdp)
        end = time.monotonic() + PATIENCE_S
        self.socket.settimeout(AGAIN_S)
        while True:
            assert time.monotonic() < end
            self.socket.send(check(credentials, nominate=True))
            try:
                if stun.parse(self.socket.recv(2048)).holds(credentials.password.encode()):
                    break
            except (TimeoutError, ConnectionRefusedError):
                continue
        while not self.peer.done:
            assert time.monotonic() < end
            for datagram in self.peer.take():
                self.socket.send(datagram)
            try:
                self.peer.receive(self.socket.recv(2048))
            except TimeoutError:
                # RFC 6347 §4.2.4: the unit may not have had the answer yet, and let our flight fall.
                self.peer.connection.DTLSv1_handle_timeout()
        return self.peer.srtp()

    def hang_up(self) -> None:
        self.socket.close()

    async def follow(self, speaker: "Phone") -> None:
        """Answer what is offered until an offer that has the speaker's voice is answered."""
        while not self._has(speaker):
            await self.device.until(lambda: self.offers()[-1].seq > self.answered.seq)
            self.answered = self.offers()[-1]
            assert not self.answered.fresh
            await self.answer(self.answered, answer_to(self.answered.sdp, self.sends))

    def _has(self, speaker: "Phone") -> bool:
        streams = self.answered.streams
        return any(one.device == speaker.device.device and one.kind == "audio" for one in streams)

    def speak(self) -> None:
        self.sequence += 1
        sealed = self.srtp.seal_rtp(voice(self.sequence))
        assert sealed is not None
        self.socket.send(sealed)

    def hear(self) -> bool:
        """Whether the next datagram, which may take a moment, has somebody's voice."""
        try:
            data = self.socket.recv(2048)
        except TimeoutError:
            return False
        opened = self.srtp.open_rtp(data) if plane_of(data) is Plane.RTP else None
        return opened is not None and opened[1] & 0x7F == payloads.OPUS

    def hears(self, speaker: "Phone") -> None:
        """The speaker speaks until this one has heard enough."""
        self.socket.settimeout(0.02)
        heard, end = 0, time.monotonic() + PATIENCE_S
        while heard < ENOUGH:
            assert time.monotonic() < end
            speaker.speak()
            heard += self.hear()

    def is_told_the_end(self) -> None:
        """The unit ends DTLS; other packets may still be on their way."""
        self.socket.settimeout(PATIENCE_S)
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


async def talking(room: bytes, members: list[Session]) -> list[Phone]:
    """All are in the call, and the first one's voice is offered to the others."""
    phones = [Phone(one, room) for one in members]
    for phone in phones:
        await phone.connect(await phone.join())
    return phones


def unit_on(house: HouseServer, port: int) -> int:
    """The process that has this UDP port."""
    assert house.process is not None
    for child in psutil.Process(house.process.pid).children():
        if any(one.laddr.port == port for one in child.net_connections("udp4")):
            return int(child.pid)
    raise AssertionError("no unit has this port")


def test_media_flows_and_goes_on_when_its_unit_is_killed(calling: HouseServer) -> None:
    async def work() -> None:
        room, (anna, ben) = await group(calling, 2)
        first, second = await talking(room, [anna, ben])
        await asyncio.to_thread(second.hears, first)
        ports = {first.port, second.port}
        (port,) = ports
        counts = [len(phone.offers()) for phone in (first, second)]
        os.kill(unit_on(calling, port), signal.SIGKILL)
        for phone, count in zip((first, second), counts, strict=True):
            fresh = await phone.offered(count)
            await phone.connect(fresh)
            assert phone.port != port
        await second.follow(first)  # it was perhaps offered before the other had answered
        await asyncio.to_thread(second.hears, first)
        assert first.ends() == second.ends() == []
        await anna.wait(frames.CallReport, lambda f: len(f.participants) == 2)
        for phone in (first, second):
            phone.hang_up()
        await close(anna, ben)

    run(work())


def test_13_a_removed_device_gets_no_packet_more(calling: HouseServer) -> None:
    async def work() -> None:
        room, (anna, ben, cleo) = await group(calling, 3)
        speaks, hears, removed = await talking(room, [anna, ben, cleo])
        await asyncio.to_thread(removed.hears, speaks)
        commit = anna.commit(room, [anna.device, ben.device])
        assert isinstance(await anna.deliver(commit), frames.Ack)
        assert await removed.ended() == "removed"
        await asyncio.to_thread(removed.is_told_the_end)
        await asyncio.to_thread(hears.hears, speaks)
        # The unit sends in its order: what it had for the removed one would lie here by now.
        removed.socket.setblocking(False)
        with pytest.raises(BlockingIOError):
            removed.socket.recv(2048)
        for phone in (speaks, hears, removed):
            phone.hang_up()
        await close(anna, ben, cleo)

    run(work())
