"""One participant's connection: ICE, DTLS and SRTP over one pair, and its offers. Datagrams and time in."""

from OpenSSL import SSL

from signaling.sfu.control import Connected, Layer, Lost, Silent
from signaling.sfu.dtls import Dtls
from signaling.sfu.ice import Agent
from signaling.sfu.negotiation import Negotiation
from signaling.sfu.sdp import Section
from signaling.sfu.srtp import Srtp
from signaling.sfu.stun import Address

# libsrtp keeps each SSRC that it sealed for as long as its keys live, and looks through all for a packet.
# Past these the session ends, and the next one has new keys.
MAX_PUBLISHED = 128  # sections that one client may begin to send: each is a new stream to everybody else
MAX_BEGUN = 1024  # streams that one client is sent
MAX_SPARES = 32  # voices, and sound of screens, of the others in a room

News = Connected | Silent | Lost


class Session:
    def __init__(
        self, id_: bytes, room: bytes, device: bytes, agent: Agent, negotiation: Negotiation
    ) -> None:
        self.id, self.room, self.device = id_, room, device
        self.agent = agent
        self.negotiation = negotiation
        self.srtp: Srtp | None = None
        self.over = False
        self.published = 0
        self.begun: set[int] = set()  # SSRCs
        # What the forwarder was told about each section, and which layers the client asked for.
        self.applied: dict[str, Section] = {}
        self.wants: dict[str, Layer] = {}
        self._spares: dict[bytes, bytes] = {}
        self._dtls: Dtls | None = None
        self._flows = False

    @property
    def address(self) -> Address | None:
        """Where to send: the nominated pair."""
        return self.agent.selected

    def spare(self, sealed: bytes) -> list[bytes]:
        """A packet of a voice has left: the one before it of that voice, to leave once more behind it.

        RFC 3711 §9.1: the very same bytes again tell nobody anything, where another content under the same
        index would. Whoever has it already takes it for a replay and drops it.
        """
        ssrc = sealed[8:12]
        before = self._spares.pop(ssrc, None)
        self._spares[ssrc] = sealed
        if len(self._spares) > MAX_SPARES:
            del self._spares[next(iter(self._spares))]
        return [] if before is None else [before]

    @property
    def shaking(self) -> bool:
        """DTLS is under way: `due` and `tick` are its timer."""
        return self._dtls is not None and self.srtp is None and not self.over

    def answer(self, seq: int, text: str, context: SSL.Context, now: float) -> None:
        """The client's answer. Raises SdpError, and then nothing has changed."""
        self.negotiation = self.negotiation.answered(seq, text)
        answer = self.negotiation.answer
        assert answer is not None
        self.agent.answered(answer.ufrag)
        if self._dtls is None:
            self._dtls = Dtls(context, answer.fingerprint, now)

    def dtls(self, datagram: bytes, now: float) -> list[bytes]:
        """A datagram of DTLS from a verified address. Gives those to send back.

        Before the answer there is no certificate to expect; the client sends it again soon (RFC 6347 §4.2.4).
        """
        if self._dtls is None:
            return []
        self._dtls.receive(datagram, now)
        if self.srtp is None and self._dtls.keys is not None:
            self.srtp = Srtp.of_server(self._dtls.keys)
        return self._dtls.take()

    def tick(self, now: float) -> list[bytes]:
        """The timer of DTLS. Gives the datagrams to send."""
        if self._dtls is None:
            return []
        self._dtls.tick(now)
        return self._dtls.take()

    def due(self, now: float) -> float:
        due = self._dtls.due(now) if self._dtls is not None else None
        return float("inf") if due is None else due

    def news(self, now: float) -> News | None:
        """What the server is told when it changes. After Lost there is no more."""
        if self.over:
            return None
        if self._dtls is not None and self._dtls.fault is not None:
            self.over = True
            return Lost(session=self.id, code=self._dtls.fault)
        if self.agent.lost(now):
            self.over = True
            return Lost(session=self.id, code="consent")
        if self.published > MAX_PUBLISHED or len(self.begun) > MAX_BEGUN:
            self.over = True
            return Lost(session=self.id, code="worn")
        flows = self.srtp is not None and self.address is not None and not self.agent.silent(now)
        if flows == self._flows:
            return None
        self._flows = flows
        return Connected(session=self.id) if flows else Silent(session=self.id)

    def close(self) -> list[bytes]:
        """End DTLS. Gives the datagrams that tell the client so."""
        self.over = True
        self.srtp = None
        if self._dtls is None:
            return []
        self._dtls.close()
        return self._dtls.take()
