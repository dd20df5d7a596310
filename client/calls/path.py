"""The way to the forwarding unit: ICE by aioice, DTLS and SRTP by aiortc.

aiortc's RTCPeerConnection sends and receives frames of its own codecs, in the clear, and knows a section by
the first SSRC that it had. So this uses what lies beneath it, and RTP is ours. Private names of the two are
used here and nowhere else; `tests/client/test_call_path.py` fails when one of them changes.
"""

import asyncio
import socket
from collections.abc import Callable
from typing import Final, Literal

import aioice
from aiortc import (
    RTCCertificate,
    RTCDtlsFingerprint,
    RTCDtlsParameters,
    RTCDtlsTransport,
    RTCIceCandidate,
    RTCIceGatherer,
    RTCIceParameters,
    RTCIceTransport,
)

from client.calls.sdp import Candidate, Local, Offer

ICE_WITHIN_S: Final = 15.0
DTLS_WITHIN_S: Final = 15.0
_COMPONENT: Final = 1

Fault = Literal["no_route", "no_udp", "no_dtls", "certificate"]


class PathError(Exception):
    """There is no way to the unit. `code` says where it ends."""

    def __init__(self, code: Fault) -> None:
        super().__init__(code)
        self.code: Fault = code


class _FromHere(aioice.Connection):
    """Candidates are the addresses that this machine uses towards the unit, whichever those are.

    aioice would take each interface but the loopback one: it would tell addresses that lead nowhere, and
    never find a server on this machine.
    """

    def __init__(self, addresses: list[str]) -> None:
        super().__init__(ice_controlling=True)  # RFC 8445 §6.1.1: the unit is lite
        self._addresses = addresses

    async def gather_candidates(self) -> None:
        self._local_candidates_start = True
        self._local_candidates = await self.get_component_candidates(_COMPONENT, self._addresses)
        self._local_candidates_end = True


class _Srtp(RTCDtlsTransport):
    """Whole packets, decrypted, instead of routing them to aiortc's receivers."""

    def __init__(self, ice: RTCIceTransport, rtp: Callable[[bytes], None], rtcp: Callable[[bytes], None]):
        super().__init__(ice, [RTCCertificate.generateCertificate()])
        self._rtp, self._rtcp = rtp, rtcp
        self._set_role("client")  # RFC 5763 §5: we answered `active`

    async def _handle_rtp_data(self, data: bytes, arrival_time_ms: int) -> None:
        self._rtp(data)

    async def _handle_rtcp_data(self, data: bytes) -> None:
        self._rtcp(data)


class Path:
    """`rtp` and `rtcp` are given each packet that came; `over` is called once when an open path ends."""

    def __init__(
        self, rtp: Callable[[bytes], None], rtcp: Callable[[bytes], None], over: Callable[[], None]
    ) -> None:
        self._rtp, self._rtcp, self._over = rtp, rtcp, over
        self._ice: RTCIceTransport | None = None
        self._dtls: _Srtp | None = None
        self._closed = False

    @property
    def open(self) -> bool:
        return self._dtls is not None and self._dtls.state == "connected"

    async def gather(self, offer: Offer) -> Local:
        """Sockets of this end, for the answer. Raises PathError."""
        addresses = sorted({one for one in map(address_towards, offer.candidates) if one is not None})
        if not addresses:
            raise PathError("no_route")
        gatherer = RTCIceGatherer(iceServers=[])
        gatherer._connection = _FromHere(addresses)
        await gatherer.gather()
        self._ice = RTCIceTransport(gatherer)
        self._dtls = _Srtp(self._ice, self._rtp, self._rtcp)
        parameters = gatherer.getLocalParameters()
        fingerprints = self._dtls.getLocalParameters().fingerprints
        fingerprint = next(one.value for one in fingerprints if one.algorithm == "sha-256")
        assert parameters.usernameFragment is not None
        assert parameters.password is not None
        return Local(parameters.usernameFragment, parameters.password, fingerprint)

    async def connect(
        self, offer: Offer, ice_within_s: float = ICE_WITHIN_S, dtls_within_s: float = DTLS_WITHIN_S
    ) -> None:
        """Raises PathError."""
        ice, dtls = self._ice, self._dtls
        assert ice is not None
        assert dtls is not None
        for number, one in enumerate(offer.candidates):
            await ice.addRemoteCandidate(
                RTCIceCandidate(
                    component=_COMPONENT,
                    foundation=str(number + 1),
                    ip=one.host,
                    port=one.port,
                    priority=one.priority,
                    protocol="udp",
                    type="host",
                )
            )
        await ice.addRemoteCandidate(None)
        try:
            async with asyncio.timeout(ice_within_s):
                await ice.start(RTCIceParameters(offer.ufrag, offer.password, iceLite=True))
        except TimeoutError as error:
            raise PathError("no_udp") from error
        if ice.state != "completed":
            raise PathError("no_udp")
        fingerprint = RTCDtlsFingerprint("sha-256", offer.fingerprint)
        try:
            async with asyncio.timeout(dtls_within_s):
                await dtls.start(RTCDtlsParameters([fingerprint]))
        except TimeoutError as error:
            raise PathError("no_dtls") from error
        if dtls.state != "connected":
            # The handshake came to its end: it was with somebody else than the offer's certificate says.
            raise PathError("certificate" if dtls.encrypted else "no_dtls")
        dtls.on("statechange", self._changed)

    def _changed(self) -> None:
        if not self.open and not self._closed:
            self._closed = True
            self._over()

    async def send(self, packet: bytes) -> None:
        """RTP or RTCP. Where the path is not open (any more) it falls: media is not kept for later."""
        if self.open and self._dtls is not None:
            try:
                await self._dtls._send_rtp(packet)
            except ConnectionError:
                return  # it has just ended, and `over` says so

    async def close(self) -> None:
        self._closed = True
        if self._dtls is not None:
            await self._dtls.stop()
        if self._ice is not None:
            await self._ice.stop()


def address_towards(candidate: Candidate) -> str | None:
    """Which of this machine's addresses leads there; None where none does. Nothing is sent for it."""
    family = socket.AF_INET6 if ":" in candidate.host else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect((candidate.host, candidate.port))
        except OSError:
            return None
        return str(probe.getsockname()[0])
