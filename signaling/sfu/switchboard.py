"""All sessions and rooms of one unit: what comes from the network or the server, and what goes out for it.

No socket, no clock. The driver gives datagrams, messages and the time, and then takes what there is to send.
What a packet means to the others of its room is the forwarder's business.
"""

from collections import deque
from collections.abc import Callable, Iterator
from typing import Protocol

from OpenSSL import SSL

from signaling.sfu import payloads
from signaling.sfu.batch import FULL, SLOT, Batch
from signaling.sfu.control import (
    Answer,
    Close,
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
    StreamOf,
    ToUnit,
    Wants,
)
from signaling.sfu.demux import Plane, plane_of
from signaling.sfu.ice import Agent, Table, new_credentials
from signaling.sfu.negotiation import Negotiation
from signaling.sfu.participant import StreamOut
from signaling.sfu.randomness import Rng
from signaling.sfu.room import RoomFullError
from signaling.sfu.sdp import SdpError, Transport
from signaling.sfu.session import MAX_BEGUN, MAX_PUBLISHED, Session
from signaling.sfu.srtp import MAX_PACKET, PROTECT, PROTECT_RTCP
from signaling.sfu.stun import Address

MAX_SESSIONS = 1024
REPORT_S = 2.0
SWEEP_S = 0.25  # how often it is looked whether somebody has gone silent


class Forwards(Protocol):
    """The forwarder of one room, as far as it is used here."""

    def join(self, session: bytes, device: bytes, now: float) -> None:
        """Raises RoomFullError."""
        ...

    def leave(self, session: bytes, now: float) -> None: ...
    def publish(self, session: bytes, mid: str, kind: Kind) -> None: ...
    def unpublish(self, session: bytes, mid: str) -> None: ...
    def streams_for(self, session: bytes) -> tuple[StreamOut, ...]: ...
    def subscribe(self, session: bytes, mid: str, stream: StreamOut) -> None: ...
    def unsubscribe(self, session: bytes, mid: str) -> None: ...
    def wants(self, session: bytes, mid: str, layer: Layer, now: float) -> None: ...
    def rtp(self, session: bytes, packet: bytes, now: float) -> None: ...
    def rtcp(self, session: bytes, compound: bytes, now: float) -> None: ...
    def tick(self, now: float) -> float: ...
    def take(self) -> list[tuple[bytes, bytes, bool]]: ...
    def changed(self) -> set[bytes]: ...
    def stood_still(self, since: float) -> None: ...
    def losing(self) -> set[bytes]: ...
    def report(self, now: float) -> tuple[ParticipantReport, ...]: ...


class Room:
    def __init__(self, forwarder: Forwards, now: float) -> None:
        self.forwarder = forwarder
        self.sessions: dict[bytes, Session] = {}
        self.due = 0.0
        self.report_at = now + REPORT_S  # not that of all the others


class Switchboard:
    def __init__(
        self,
        context: SSL.Context,
        transport: Transport,
        make_forwarder: Callable[[Rng], Forwards],
        rng: Rng,
        now: float,
    ) -> None:
        self._context, self._transport = context, transport
        self._make_forwarder, self._rng = make_forwarder, rng
        self._table = Table()
        self._sessions: dict[bytes, Session] = {}
        self._rooms: dict[bytes, Room] = {}
        self._shaking: dict[bytes, Session] = {}
        self._touched: dict[bytes, Room] = {}  # rooms whose forwarder may have something to say
        self._datagrams: deque[tuple[bytes, Address]] = deque()
        # What forwarders gave that is not sealed yet.
        self._leaving: deque[tuple[Room, Iterator[tuple[bytes, bytes, bool]]]] = deque()
        self._messages: list[FromUnit] = []
        self._sweep_at = now + SWEEP_S
        self._due = now  # when there is something to do; 0 where that may have become sooner
        self._opened = 0

    @property
    def sizes(self) -> tuple[int, int, tuple[int, int, int]]:
        """Sessions, rooms, and the sizes of the table of addresses."""
        return len(self._sessions), len(self._rooms), self._table.sizes

    # From the server

    def message(self, message: ToUnit, now: float) -> None:
        self._due = 0.0
        if isinstance(message, Open):
            self._open(message, now)
            return
        session = self._sessions.get(message.session)
        if session is None:
            if not isinstance(message, Close):  # it crossed our Lost
                self._messages.append(Refused(session=message.session, code="no_session"))
            return
        match message:
            case Answer():
                self._answer(session, message, now)
            case Wants():
                self._wants(session, message, now)
            case Restart():
                self._table.restart(session.agent, new_credentials(self._rng))
                session.negotiation = session.negotiation.given_up()
                self._offer(session, now)
            case Close():
                self._end(session, now)

    def _open(self, message: Open, now: float) -> None:
        room = self._rooms.get(message.room)
        if message.session in self._sessions:
            self._messages.append(Refused(session=message.session, code="open"))
            return
        if len(self._sessions) >= MAX_SESSIONS:
            self._messages.append(Refused(session=message.session, code="full"))
            return
        if room is None:
            room = self._rooms[message.room] = Room(self._make_forwarder(self._rng), now)
        try:
            room.forwarder.join(message.session, message.device, now)
        except RoomFullError as error:
            self._messages.append(Refused(session=message.session, code=error.code))
            return
        agent = Agent(message.session, new_credentials(self._rng), now)
        self._opened += 1
        session = Session(
            message.session,
            message.room,
            message.device,
            agent,
            Negotiation(self._opened, self._transport),
        )
        self._table.add(agent)
        self._sessions[session.id] = room.sessions[session.id] = session
        self._touched[session.room] = room
        self._offer(session, now)

    def _answer(self, session: Session, message: Answer, now: float) -> None:
        try:
            session.answer(message.seq, message.sdp, self._context, now)
        except SdpError as error:
            self._messages.append(Refused(session=session.id, code=error.code))
            return
        if session.shaking:
            self._shaking[session.id] = session
        self._apply(session, now)
        self._offer(session, now)  # what changed meanwhile

    def _wants(self, session: Session, message: Wants, now: float) -> None:
        room = self._rooms[session.room]
        receives = session.negotiation.receives()
        for want in message.streams:
            if want.mid in receives:  # a stream may have gone while the message was on its way
                session.wants[want.mid] = want.layer
                if want.mid in session.applied:
                    room.forwarder.wants(session.id, want.mid, want.layer, now)
        self._touched[session.room] = room

    def _offer(self, session: Session, now: float) -> None:
        """The next offer, when none is open and there is something new to say."""
        room = self._rooms[session.room]
        following = session.negotiation.offered(
            room.forwarder.streams_for(session.id), session.agent.credentials
        )
        if following is None:
            return
        session.negotiation = following
        offer = following.last
        assert offer is not None
        self._apply(session, now)  # what it takes back
        streams = [
            StreamOf(mid=str(mid), device=section.stream.source_device, kind=section.stream.kind)
            for mid, section in enumerate(offer.sections)
            if section.stream
        ]
        self._messages.append(Offer(session=session.id, seq=offer.seq, sdp=offer.text(), streams=streams))

    def _apply(self, session: Session, now: float) -> None:
        """Tell the forwarder what differs from what it knows of this session's sections.

        Nothing is forwarded before there are keys: packets that cannot be sealed would spoil its figures.
        """
        room = self._rooms[session.room]
        flows = session.negotiation.flows() if session.srtp is not None else {}
        for mid, section in list(session.applied.items()):
            if flows.get(mid) != section:
                del session.applied[mid]
                session.wants.pop(mid, None)
                if section.own:
                    room.forwarder.unpublish(session.id, mid)
                else:
                    room.forwarder.unsubscribe(session.id, mid)
        for mid, section in flows.items():
            if mid in session.applied:
                continue
            session.applied[mid] = section
            if section.own:
                session.published += 1
                if session.published <= MAX_PUBLISHED:
                    room.forwarder.publish(session.id, mid, section.own)
            else:
                assert isinstance(section.stream, StreamOut)
                session.begun.add(section.stream.ssrc)
                if len(session.begun) > MAX_BEGUN:
                    continue
                room.forwarder.subscribe(session.id, mid, section.stream)
                if mid in session.wants:
                    room.forwarder.wants(session.id, mid, session.wants[mid], now)
        self._touched[session.room] = room

    def _end(self, session: Session, now: float) -> None:
        address = session.address
        if address is not None:
            self._datagrams += [(datagram, address) for datagram in session.close()]
        self._table.remove(session.agent)
        del self._sessions[session.id]
        self._shaking.pop(session.id, None)
        room = self._rooms[session.room]
        del room.sessions[session.id]
        room.forwarder.leave(session.id, now)
        if room.sessions:
            self._touched[session.room] = room
        else:
            del self._rooms[session.room]
            self._touched.pop(session.room, None)

    # From the network

    def datagram(self, data: bytes, address: Address, now: float) -> None:
        """Whatever somebody sent to the unit's port."""
        plane = plane_of(data)
        if plane is Plane.OTHER:
            return
        if plane is Plane.STUN:
            reply, checked = self._table.request(data, address, now)
            if reply is not None:
                self._datagrams.append((reply, address))
            if checked is not None:
                self._news(self._sessions[checked], now)
            return
        id_ = self._table.of(address)
        if id_ is None:
            return
        session = self._sessions[id_]
        if plane is Plane.DTLS:
            self._dtls(session, data, address, now)
            return
        if session.srtp is None:
            return
        if plane is Plane.RTP:
            packet = session.srtp.open_rtp(data)
            if packet is not None:
                session.agent.heard(now)
                room = self._rooms[session.room]
                self._touched[session.room] = room
                room.forwarder.rtp(session.id, packet, now)
        elif plane is Plane.RTCP:
            packet = session.srtp.open_rtcp(data)
            if packet is not None:
                session.agent.heard(now)
                room = self._rooms[session.room]
                self._touched[session.room] = room
                room.forwarder.rtcp(session.id, packet, now)

    def _dtls(self, session: Session, data: bytes, address: Address, now: float) -> None:
        self._due = 0.0
        had_keys = session.srtp is not None
        # To where it came from: at first the client may not have nominated a pair.
        self._datagrams += [(datagram, address) for datagram in session.dtls(data, now)]
        if not session.shaking:
            self._shaking.pop(session.id, None)
        if session.srtp is not None and not had_keys:
            self._apply(session, now)
        self._news(session, now)

    def _news(self, session: Session, now: float) -> None:
        news = session.news(now)
        if news is None:
            return
        self._messages.append(news)
        if isinstance(news, Lost):
            self._end(session, now)

    # Time

    def tick(self, now: float) -> float:
        """Do what is due. Gives when to call again.

        It is called after each few packets, and mostly nothing is.
        """
        if now < self._due:
            return self._due
        for session in list(self._shaking.values()):
            if session.due(now) <= now:
                datagrams = session.tick(now)
                if session.address is not None:
                    self._datagrams += [(datagram, session.address) for datagram in datagrams]
                self._news(session, now)
        if self._sweep_at <= now:
            self._sweep_at = now + SWEEP_S
            for session in list(self._sessions.values()):
                self._news(session, now)
        for id_, room in self._rooms.items():
            if room.due <= now:
                room.due = room.forwarder.tick(now)
                self._touched[id_] = room
            if room.report_at <= now:
                room.report_at = now + REPORT_S
                self._messages.append(Report(room=id_, participants=list(room.forwarder.report(now))))
        self._due = min(
            [
                self._sweep_at,
                *(min(room.due, room.report_at) for room in self._rooms.values()),
                *(session.due(now) for session in self._shaking.values()),
            ]
        )
        return self._due

    # What goes out

    def take(self, now: float) -> list[FromUnit]:
        """The messages, in the order in which they are to be sent. `fill` has the datagrams."""
        touched, self._touched = self._touched, {}
        for room in touched.values():
            for id_ in room.forwarder.changed():
                if id_ in room.sessions:
                    self._offer(room.sessions[id_], now)
            out = room.forwarder.take()
            if out:
                self._leaving.append((room, iter(out)))
        messages, self._messages = self._messages, []
        return messages

    def fill(self, batch: Batch) -> bool:
        """Write what is to be sent into an empty batch, sealed. True: it is full, and there may be more."""
        while self._datagrams and not batch.full:
            batch.add(*self._datagrams.popleft())
        while self._leaving and not batch.full:
            self._seal(batch, *self._leaving[0])
            if not batch.full:
                self._leaving.popleft()
        return batch.full

    def _seal(self, batch: Batch, room: Room, out: Iterator[tuple[bytes, bytes, bool]]) -> None:
        """What a forwarder gave, while there is a place. The loop runs once for each receiver of a packet."""
        sessions, view, spots, lengths, to = room.sessions, batch.view, batch.spots, batch.lengths, batch.to
        losing = room.forwarder.losing()
        slot, at = batch.count, batch.count * SLOT
        for id_, packet, is_rtcp in out:
            session = sessions.get(id_)
            if session is None or (srtp := session.srtp) is None:
                continue
            address = session.agent.selected
            size = len(packet)
            if address is None or size > MAX_PACKET:
                continue
            view[at : at + size] = packet
            length = lengths[slot]
            length[0] = size
            # RFC 3711 §9.1: libsrtp refuses an index that left already, and then nothing leaves.
            if (PROTECT_RTCP if is_rtcp else PROTECT)(srtp.sends, spots[slot], length):
                srtp.unsent += 1
                continue
            to[slot] = address
            if losing and id_ in losing and not is_rtcp and packet[1] & 0x7F == payloads.OPUS:
                for spare in session.spare(bytes(view[at : at + length[0]])):
                    slot += 1
                    at += SLOT
                    batch.put(slot, spare, address)
            slot += 1
            at += SLOT
            if slot >= FULL:
                break
        batch.count = slot

    def stood_still(self, since: float) -> None:
        """The driver was held up: when what came in from then on was sent is not known."""
        for room in self._rooms.values():
            room.forwarder.stood_still(since)

    def close(self, now: float) -> None:
        """The unit ends: every client is told."""
        for session in list(self._sessions.values()):
            self._end(session, now)
