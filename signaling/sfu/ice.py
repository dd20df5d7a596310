"""ICE of the unit's side: a lite agent for each session (RFC 8445 §2.5), and the table that finds it.

It sends no checks and gathers nothing. It answers the checks of whoever knows the credentials, from any
address, and follows the pair that the client nominates: when a network changes, media goes on without a
restart. That the client still wants media is what its valid checks say (RFC 7675).

A datagram from an unknown address costs a look-up. Only a check that names one of our sessions costs an HMAC,
and of those each network has so many a second (`rates`).
"""

import base64
from collections import OrderedDict
from dataclasses import dataclass, field

from signaling.sfu import stun
from signaling.sfu.randomness import Rng
from signaling.sfu.rates import Rates
from signaling.sfu.stun import Address, Attribute, Class, Message

UFRAG_BYTES = 9  # 12 characters
PASSWORD_BYTES = 24  # 32 characters: RFC 8445 §5.3 asks for 22
# RFC 7675 §5.1.
CONSENT_S = 30.0
# No browser is quiet for longer: Firefox asks every four to six seconds when no stream flows at all.
SILENT_S = 6.5
# From the offer to the first valid check: the person answers questions of the browser meanwhile.
FIRST_CHECK_S = 60.0
# A pair that was checked no more for so long is not in use, whatever was nominated once. Some clients
# nominate only at the beginning; when a router gives them another port, their checks simply come from there.
PAIR_S = 8.0
MAX_ADDRESSES = 16  # of one session: the pairs a client may hold at a time
MAX_TRANSACTIONS = 256  # of one session, remembered against replays


@dataclass(frozen=True, slots=True)
class Credentials:
    ufrag: str
    password: str = field(repr=False)


def new_credentials(rng: Rng) -> Credentials:
    """Base64 has the characters of ICE (RFC 8839 §5.4). The lengths are multiples of 3: no padding."""
    return Credentials(
        base64.b64encode(rng(UFRAG_BYTES)).decode(), base64.b64encode(rng(PASSWORD_BYTES)).decode()
    )


class Agent:
    """ICE of one session. What is read and verified, and what follows from it; no look-up, no socket."""

    def __init__(self, session: bytes, credentials: Credentials, now: float) -> None:
        self.session = session
        self.credentials = credentials
        self.former: Credentials | None = None  # they hold until a check with the new ones is nominated
        self.selected: Address | None = None
        # Verified ones and when they were checked last; the longest idle first.
        self.addresses: OrderedDict[Address, float] = OrderedDict()
        self.remote_ufrag: str | None = None  # of the client's last answer
        self.remote_former: str | None = None
        self._consent_until = now + FIRST_CHECK_S
        self._alive_until = now + FIRST_CHECK_S
        self._seen: OrderedDict[bytes, Address] = OrderedDict()

    def restart(self, credentials: Credentials) -> None:
        """RFC 8445 §9. With two restarts in a row the pair in use is still that of the first credentials."""
        if self.former is None:
            self.former = self.credentials
        self.credentials = credentials
        # Checks overtake the answer: until that is here, any fragment of the client's is right.
        self.remote_former, self.remote_ufrag = self.remote_ufrag or self.remote_former, None

    def answered(self, ufrag: str) -> None:
        """The client's answer named its own user fragment; checks carry it behind ours."""
        self.remote_ufrag = ufrag

    @property
    def ufrags(self) -> tuple[str, ...]:
        former = () if self.former is None else (self.former.ufrag,)
        return (self.credentials.ufrag, *former)

    def lost(self, now: float) -> bool:
        return now >= self._consent_until

    def silent(self, now: float) -> bool:
        return now >= self._alive_until

    def heard(self, now: float) -> None:
        """An authentic packet came, of whatever kind: the client is there. It is no consent (RFC 7675)."""
        self._alive_until = now + SILENT_S

    def check(self, message: Message, ours: str, theirs: str, address: Address, now: float) -> "Checked":
        """Judge a request whose user fragment is one of `ufrags`."""
        by = self.credentials if ours == self.credentials.ufrag else self.former
        assert by is not None
        password = by.password.encode()
        if not message.holds(password):
            return Checked(stun.error(message.transaction, 401, "Unauthenticated", None))
        if self.remote_ufrag is not None and theirs not in (self.remote_ufrag, self.remote_former):
            return Checked(stun.error(message.transaction, 401, "Unauthenticated", None))
        if self._seen.get(message.transaction, address) != address:
            return Checked(None)  # somebody else's check, sent again from elsewhere
        if message.unknown:
            return Checked(
                stun.error(message.transaction, 420, "Unknown Attribute", password, message.unknown)
            )
        if Attribute.ICE_CONTROLLED in message.attributes:
            # RFC 8445 §7.3.1.1: a lite agent is never the controlling one, so the other has to be.
            return Checked(stun.error(message.transaction, 487, "Role Conflict", password))
        if message.priority is None:
            return Checked(stun.error(message.transaction, 400, "Bad Request", password))  # §7.1.1
        self._remember(message.transaction, address)
        self._consent_until = now + CONSENT_S
        self.heard(now)
        before = self.addresses.get(self.selected) if self.selected else None
        nominated = message.use_candidate
        if nominated or (self.selected and (before is None or now - before > PAIR_S)):
            self.selected = address
        if nominated and by is self.credentials:
            self.former = None
        dropped = self._verified(address, now)
        return Checked(stun.success(message.transaction, address, password), address, dropped)

    def _remember(self, transaction: bytes, address: Address) -> None:
        self._seen[transaction] = address
        if len(self._seen) > MAX_TRANSACTIONS:
            self._seen.popitem(last=False)

    def _verified(self, address: Address, now: float) -> Address | None:
        """The address is the session's. Gives the one that had to go for it."""
        self.addresses[address] = now
        self.addresses.move_to_end(address)
        if len(self.addresses) <= MAX_ADDRESSES:
            return None
        oldest = next(one for one in self.addresses if one not in (self.selected, address))
        del self.addresses[oldest]
        return oldest


@dataclass(frozen=True, slots=True)
class Checked:
    """What a check comes to. `verified` is its address when it was valid; `dropped` is no longer ours."""

    reply: bytes | None
    verified: Address | None = None
    dropped: Address | None = None


class Table:
    """Every session of the unit, by the fragment that checks name and by its verified addresses."""

    def __init__(self) -> None:
        self._by_ufrag: dict[str, Agent] = {}
        self._by_address: dict[Address, Agent] = {}
        self._rates = Rates()

    @property
    def sizes(self) -> tuple[int, int, int]:
        """Fragments, addresses, networks with a rate."""
        return len(self._by_ufrag), len(self._by_address), len(self._rates)

    def add(self, agent: Agent) -> None:
        for ufrag in agent.ufrags:
            self._by_ufrag[ufrag] = agent

    def restart(self, agent: Agent, credentials: Credentials) -> None:
        self._forget_ufrags(agent)
        agent.restart(credentials)
        self.add(agent)

    def remove(self, agent: Agent) -> None:
        self._forget_ufrags(agent)
        for address in agent.addresses:
            if self._by_address.get(address) is agent:
                del self._by_address[address]

    def of(self, address: Address) -> bytes | None:
        """Whose address it is: the session."""
        agent = self._by_address.get(address)
        return None if agent is None else agent.session

    def request(self, data: bytes, address: Address, now: float) -> tuple[bytes | None, bytes | None]:
        """A datagram of STUN. Gives the reply, and the session when the check was valid."""
        try:
            message = stun.parse(data)
        except stun.StunError:
            return None, None
        # RFC 8445 §7.1.2: FINGERPRINT is required. A lite agent asks nothing, so nothing is an answer to it.
        if message.kind is not Class.REQUEST or message.method != stun.BINDING or not message.has_fingerprint:
            return None, None
        ours, _, theirs = message.username.decode(errors="replace").partition(":")
        agent = self._by_ufrag.get(ours)
        if agent is None or not self._rates.take(address[0], now):
            return None, None
        before = agent.ufrags
        checked = agent.check(message, ours, theirs, address, now)
        if checked.verified is None:
            return checked.reply, None
        for gone in set(before).difference(agent.ufrags):
            del self._by_ufrag[gone]
        if checked.dropped is not None and self._by_address.get(checked.dropped) is agent:
            del self._by_address[checked.dropped]
        former = self._by_address.get(address)
        if former is not None and former is not agent:
            # The same client began anew from the same port: the address is the newer session's.
            former.addresses.pop(address, None)
            if former.selected == address:
                former.selected = None
        self._by_address[address] = agent
        return checked.reply, agent.session

    def _forget_ufrags(self, agent: Agent) -> None:
        for ufrag in agent.ufrags:
            self._by_ufrag.pop(ufrag, None)
