"""The way to a real unit, and how it fails. It stands on private names of aiortc and aioice: when one of them
changes, no path opens here.
"""

import asyncio
import socket
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import aioice
import aiortc
import pytest
from aiortc import RTCDtlsTransport, RTCIceGatherer

from client.calls.path import Path as Way
from client.calls.path import PathError, address_towards
from client.calls.sdp import Candidate, Offer, answer, read_offer
from client.collegium import Collegium
from client.room import effects
from client.words import PROBLEMS
from crypto.sframe.kid import Kind
from tests.client.company import House, found, opened, patience, until
from tests.house_server import HouseServer, run
from wire.frames import CallLeave, CallOffer, CallReport


@pytest.fixture(scope="module")
def calling(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    server = HouseServer(tmp_path_factory.mktemp("calling"), media_workers="1").start()
    yield House(server)
    server.close()


class Recorder:
    """A seat that only notes what it is told."""

    def __init__(self) -> None:
        self.offers: list[CallOffer] = []
        self.epochs: list[int] = []
        self.codes: list[str] = []

    def offer(self, offer: CallOffer) -> None:
        self.offers.append(offer)

    def begin(self, media: effects.Media) -> None:
        self.epochs.append(media.epoch)

    def hold(self, gone: effects.Gone | None) -> None: ...

    def report(self, report: CallReport) -> None: ...

    def ended(self, code: str) -> None:
        self.codes.append(code)


class Ends:
    def __init__(self) -> None:
        self.rtp: list[bytes] = []
        self.rtcp: list[bytes] = []
        self.over = asyncio.Event()
        self.way = Way(self.rtp.append, self.rtcp.append, self.over.set)

    async def answered(self, me: Collegium, offer: CallOffer) -> Offer:
        parsed = read_offer(offer.sdp)
        local = await self.way.gather(parsed)
        text = answer(parsed, frozenset((Kind.AUDIO,)), local)
        await me.session.work(lambda draft: me.session.call.answer(draft, offer, text))
        return parsed


def test_a_path_opens_to_the_unit_that_the_offer_names_and_to_no_other(
    calling: House, tmp_path: Path
) -> None:
    async def work() -> None:
        async with opened(tmp_path / "ada") as ada:
            room = await found(calling, ada, "Ada")
            line, seat = ada.session.call, Recorder()
            await ada.session.work(lambda draft: line.enter(draft, room.id, seat))
            await until(ada, lambda: len(seat.offers) == 1)
            first = Ends()
            offer = await first.answered(ada, seat.offers[0])
            with pytest.raises(PathError) as refused:
                await first.way.connect(replace(offer, fingerprint=":".join(["00"] * 32)))
            assert refused.value.code == "certificate"
            assert not first.way.open
            await first.way.send(bytes((0x80,)) + bytes(40))  # falls: nothing is sent to a stranger
            assert first.rtp == first.rtcp == []
            await first.way.close()
            # Another session in the same sitting, and the path as it was offered.
            await ada.session.work(line.again)
            await until(ada, lambda: len(seat.offers) == 2)
            assert seat.offers[1].fresh
            assert seat.offers[0].session != seat.offers[1].session
            second = Ends()
            offer = await second.answered(ada, seat.offers[1])
            async with patience():
                await second.way.connect(offer)
            assert second.way.open
            await until(ada, lambda: seat.epochs != [])
            await ada.session.work(line.leave)
            async with patience():
                await second.over.wait()  # the unit ends it
            assert not second.way.open
            await second.way.close()
            assert seat.codes == ["left"]
            # Where the room begins no call, the server is told, and what has the connection knows why.
            await ada.session.work(lambda draft: line.enter(draft, room.id, seat))
            (said,) = line.release(room.id, effects.MediaEnd(), "not_allowed")
            assert isinstance(said, CallLeave)
            assert said.room == room.id
            assert seat.codes == ["left", "not_allowed"]
            assert line.room_id is None
            assert line.release(room.id, effects.MediaEnd(), None) == line.lock() == []

    run(work())


def test_what_does_not_answer_is_no_way() -> None:
    async def work() -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as mute:
            mute.bind(("127.0.0.1", 0))
            offer = Offer("u" * 4, "p" * 22, "AB", (Candidate("127.0.0.1", mute.getsockname()[1], 1),), ())
            ends = Ends()
            await ends.way.gather(offer)
            with pytest.raises(PathError) as refused:
                await ends.way.connect(offer, ice_within_s=0.3)
            assert refused.value.code == "no_udp"
            assert mute.recv(2048) != b""  # it was asked
            await ends.way.close()

    run(work())


def test_a_candidate_is_the_address_that_leads_to_the_unit() -> None:
    assert address_towards(Candidate("127.0.0.1", 9, 1)) == "127.0.0.1"
    assert address_towards(Candidate("127.9.9.9", 9, 1)) == "127.0.0.1"

    async def work() -> None:
        with pytest.raises(PathError) as refused:
            await Ends().way.gather(Offer("u" * 4, "p" * 22, "AB", (Candidate("255.255.255.255", 9, 1),), ()))
        assert refused.value.code == "no_route"

    run(work())


def test_the_private_names_that_the_path_uses_are_there() -> None:
    assert aiortc.__version__ == "1.16.0"  # another one: read `client/calls/path.py` beside it
    for name in ("_handle_rtp_data", "_handle_rtcp_data", "_send_rtp", "_set_role"):
        assert callable(getattr(RTCDtlsTransport, name))

    async def work() -> None:
        connection = RTCIceGatherer(iceServers=[])._connection
        assert isinstance(connection, aioice.Connection)
        for name in ("_local_candidates", "_local_candidates_start", "_local_candidates_end"):
            assert hasattr(connection, name)
        assert callable(connection.get_component_candidates)

    run(work())


def test_every_fault_of_a_path_has_words() -> None:
    assert {"no_route", "no_udp", "no_dtls", "certificate"} <= set(PROBLEMS)
