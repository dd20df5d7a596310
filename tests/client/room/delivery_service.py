"""The delivery service as PROTOCOL.md §3 and §4 have it, in memory: positions, stale, retries, routing,
Welcomes, requests, cursors and deletion. What it sends goes to a `Wire` for each device, in order; how and
when that arrives is the network's affair.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from hashlib import sha384
from typing import Literal

from client.room.surface import Frame
from crypto.mls.framing import PrivateMessage
from crypto.mls.mls_message import decode_mls_message
from crypto.room.log_head import list_hash
from wire.frames import (
    Ack,
    Bye,
    CallParticipant,
    CallState,
    CaughtUp,
    Cursor,
    Cursors,
    DeviceCursor,
    Entry,
    Ephemeral,
    Fetch,
    Gap,
    GapEntry,
    Ready,
    Refused,
    Removed,
    Request,
    RequestGone,
    RoomCursor,
    Routing,
    Send,
    Stale,
    Welcome,
)
from wire.frames import RoomState as WireRoom

FromServer = Frame | Ready | Bye
ToServer = Send | Fetch | Ephemeral | Cursor
Wire = Callable[[FromServer], None]

CONTENT_TYPES = {"message": 1, "leave": 2, "commit": 3}


@dataclass(frozen=True)
class Stored:
    entry: Entry | None
    n: int
    time: int
    hash: bytes


@dataclass
class Member:
    device: bytes
    account: bytes
    since: int
    until: int | None
    cursor: int


@dataclass(frozen=True)
class Lists:
    """Whom the room serves (PROTOCOL.md §4.8). `old` None: there is nothing to decide."""

    next: frozenset[bytes]
    by: bytes
    old: frozenset[bytes] | None
    old_hash: bytes
    votes: dict[bytes, bool]
    left: frozenset[bytes]
    n: int

    def decided(self) -> frozenset[bytes] | None:
        if self.old is None:
            return self.next
        if not self.votes:
            return None
        for_next = sum(self.votes.values())
        return self.next if for_next >= len(self.votes) - for_next else self.old

    def served(self) -> frozenset[bytes]:
        decided = self.decided()
        both = self.next | (self.old or frozenset()) if decided is None else decided
        return both - self.left


@dataclass
class ServedRoom:
    id: bytes
    lists: Lists
    members: dict[bytes, Member]
    log: list[Stored] = field(default_factory=list)
    last: int = 0
    after: int = 0
    time: int = 0
    ids: dict[bytes, int] = field(default_factory=dict)
    welcomes: dict[bytes, Welcome] = field(default_factory=dict)
    requests: list[Request] = field(default_factory=list)
    rejoins: dict[bytes, bytes] = field(default_factory=dict)
    """The open rejoin request of each device."""
    answered: set[bytes] = field(default_factory=set)
    """What was asked and answered: the same again opens nothing."""
    call: CallState | None = None


class DeliveryService:
    def __init__(self, now: Callable[[], int]) -> None:
        self.rooms: dict[bytes, ServedRoom] = {}
        self.refusing = 0
        """So many sends are told that nothing was stored."""
        self._accounts: dict[bytes, bytes] = {}
        self._wires: dict[bytes, Wire] = {}
        self._now = now
        self._requests = 0
        self._calls = 0

    def register(self, device: bytes, account: bytes) -> None:
        self._accounts[device] = account

    def create_room(self, id_: bytes, device: bytes) -> None:
        lists = Lists(frozenset((device,)), b"", None, b"", {}, frozenset(), 0)
        members = {device: Member(device, self._accounts[device], 0, None, 0)}
        self.rooms[id_] = ServedRoom(id_, lists, members)

    # The room's call: who is in it, and no media

    def call_join(self, room_id: bytes, device: bytes) -> None:
        room = self.rooms[room_id]
        if device not in room.lists.served() or device in in_call(room):
            return
        now = self._now()
        before = room.call
        if before is None:
            self._calls += 1
            id_ = sha384(bytes((self._calls % 256,))).digest()[:16]
            before = CallState(room=room_id, call=id_, since=now, participants=[])
        seat = CallParticipant(device=device, session=device, since=now, state="here")
        room.call = before.model_copy(update={"participants": [*before.participants, seat]})
        self._tell(room, room.call)

    def call_leave(self, room_id: bytes, device: bytes) -> None:
        room = self.rooms.get(room_id)
        if room is None or room.call is None or device not in in_call(room):
            return
        left = [one for one in room.call.participants if one.device != device]
        room.call = room.call.model_copy(update={"participants": left}) if left else None
        self._tell(room, room.call or CallState(room=room_id, participants=[]))

    # Connections

    def hello(self, device: bytes, wire: Wire, cursors: Iterable[RoomCursor]) -> None:
        self._wires[device] = wire
        listed = []
        for room in self.rooms.values():
            member = room.members.get(device)
            if member is None or member.until is not None:
                continue
            others = [one for one in room.members.values() if one.until is None and one is not member]
            listed.append(
                WireRoom(
                    room=room.id,
                    last=room.last,
                    after=room.after,
                    list=sorted(room.lists.served()),
                    cursors=[DeviceCursor(device=one.device, n=one.cursor) for one in others],
                )
            )
        wire(Ready(device=device, time=self._now(), rooms=listed))
        known = {one.room: one.n for one in cursors}
        for room in self.rooms.values():
            self._catch_up(room, device, wire, known.get(room.id))

    def _catch_up(self, room: ServedRoom, device: bytes, wire: Wire, theirs: int | None) -> None:
        member = room.members.get(device)
        if member is None or (member.until is not None and theirs is None):
            if theirs is not None:
                wire(Refused(room=room.id, code="not_found", message=""))
            return
        upto = room.last if member.until is None else member.until
        start = member.since if theirs is None else min(max(theirs, member.since), upto)
        if theirs is not None and theirs > member.cursor:
            _move(room, member, theirs)
        _replay(room, wire, start, upto)
        if member.until is not None:
            wire(Removed(room=room.id, n=member.until))
            return
        if device in room.welcomes:
            wire(room.welcomes[device])
        for request in room.requests:
            wire(request)
        wire(CaughtUp(room=room.id, last=room.last))
        if room.call is not None:
            wire(room.call)

    def gone(self, device: bytes, wire: Wire) -> None:
        if self._wires.get(device) is wire:
            del self._wires[device]

    def _to(self, device: bytes, frame: FromServer) -> None:
        wire = self._wires.get(device)
        if wire is not None:
            wire(frame)

    def _tell(self, room: ServedRoom, frame: FromServer, but: bytes | None = None) -> None:
        for device in sorted(room.lists.served()):
            if device != but:
                self._to(device, frame)

    # Frames of a device

    def receive(self, device: bytes, frame: ToServer) -> None:
        room = self.rooms.get(frame.room)
        if room is None:
            return
        member = room.members.get(device)
        match frame:
            case Send():
                self._send(room, device, frame)
            case Cursor():
                if member is not None and frame.n <= room.last:
                    _move(room, member, frame.n)
                moved = [DeviceCursor(device=device, n=frame.n)]
                self._tell(room, Cursors(room=room.id, cursors=moved))
            case Ephemeral():
                if device in room.lists.served():
                    self._tell(room, frame, device)
            case Fetch():
                if member is not None and device in self._wires:
                    above = max(frame.from_ - 1, member.since)
                    upto = room.last if member.until is None else member.until
                    _replay(room, self._wires[device], above, min(upto, above + frame.limit))

    def _send(self, room: ServedRoom, device: bytes, send: Send) -> None:
        fault = _fault_of_form(send) if device in room.lists.served() else "not_found"
        known = room.ids.get(send.id)
        if fault is not None:
            self._to(device, Refused(room=room.id, id=send.id, code=fault, message=""))
        elif known is not None:
            self._to(device, Ack(room=room.id, id=send.id, n=known, time=room.log[known - 1].time))
        elif send.after != room.after:
            self._to(device, Stale(room=room.id, id=send.id, after=room.after))
        elif self.refusing > 0:
            self.refusing -= 1
            self._to(device, Refused(room=room.id, id=send.id, code="storage", message=""))
        else:
            self._accept(room, device, send)

    def _accept(self, room: ServedRoom, device: bytes, send: Send) -> None:
        before, listed = room.lists.served(), room.lists.next
        room.last += 1
        n = room.last
        room.time = max(room.time, self._now())
        entry = Entry(
            room=room.id,
            n=n,
            time=room.time,
            kind=send.kind,
            id=send.id,
            device=None if send.kind == "message" else device,
            payload=send.payload,
        )
        room.log.append(Stored(entry, n, room.time, sha384(send.payload).digest()))
        room.ids[send.id] = n
        room.lists = self._routed(room, device, send, n)
        if send.kind != "message":
            room.after = n
        self._to(device, Ack(room=room.id, id=send.id, n=n, time=room.time))
        for one in sorted(before):
            self._to(one, entry)
        now = room.lists.served()
        for one in sorted(before - now):
            until = n if send.kind == "leave" else room.lists.n
            room.members[one].until = until
            self._to(one, Removed(room=room.id, n=until))
            self.call_leave(room.id, one)
        self._newcomers(room, send, n, sorted(now - before))
        if send.kind == "commit":
            self._tell(room, Routing(room=room.id, old=sorted(listed), new=sorted(room.lists.next)))

    def _newcomers(self, room: ServedRoom, send: Send, n: int, came: Iterable[bytes]) -> None:
        for one in came:
            if send.kind == "commit":
                room.members[one] = Member(one, self._accounts[one], n, None, n - 1)
            else:
                room.members[one].until = None
                self._to(one, Bye(code="restart"))
        for welcome_for in send.welcomes or ():
            device = welcome_for.device
            welcome = Welcome(room=room.id, n=n, time=room.time, payload=welcome_for.payload)
            room.welcomes[device] = welcome
            member = room.members.get(device)
            if member is not None and member.cursor >= n:
                member.cursor = n - 1
            self._to(device, welcome)
        for id_ in send.answered or ():
            room.answered |= {one.sealed for one in room.requests if one.request_id == id_}
            self.withdraw_request(room.id, id_)

    def _routed(self, room: ServedRoom, device: bytes, send: Send, n: int) -> Lists:
        lists, account = room.lists, self._accounts[device]
        if send.kind == "commit":
            before, following = lists.served(), frozenset(send.devices or ())
            waits = any(self._accounts[one] != account for one in before) and before != following
            return Lists(
                next=following,
                by=account,
                old=before if waits else None,
                old_hash=list_hash(lists.decided() or lists.next),
                votes={},
                left=frozenset(),
                n=n,
            )
        if lists.old is not None and account != lists.by and device in lists.old:
            for_next = send.list == list_hash(lists.next)
            if for_next or send.list == lists.old_hash:
                lists = replace(lists, votes={**lists.votes, account: for_next})
        return replace(lists, left=lists.left | {device}) if send.kind == "leave" else lists

    # Requests, over HTTP

    def request(self, device: bytes, room_id: bytes, kind: Literal["join", "rejoin"], sealed: bytes) -> None:
        room = self.rooms[room_id]
        if sealed in room.answered or any(one.sealed == sealed for one in room.requests):
            return
        id_ = bytes((self._requests % 256,)) + sha384(sealed).digest()[1:16]
        self._requests += 1
        request = Request(room=room_id, request_id=id_, time=self._now(), kind=kind, sealed=sealed)
        if kind == "rejoin":
            if device in room.rejoins:
                self.withdraw_request(room_id, room.rejoins[device])
            room.rejoins[device] = id_
        room.requests.append(request)
        self._tell(room, request, device)

    def withdraw_request(self, room_id: bytes, id_: bytes) -> None:
        room = self.rooms[room_id]
        if any(one.request_id == id_ for one in room.requests):
            room.requests = [one for one in room.requests if one.request_id != id_]
            self._tell(room, RequestGone(room=room_id, request_id=id_))

    def collect(self, room_id: bytes, upto: int | None = None) -> None:
        """What every device has, or everything up to a position, is deleted; hashes stay (E23)."""
        room = self.rooms[room_id]
        served = [one.cursor for one in room.members.values() if one.until is None]
        end = min(served) if upto is None else upto
        room.log = [replace(one, entry=None) if one.n <= end else one for one in room.log]


def in_call(room: ServedRoom) -> list[bytes]:
    return [] if room.call is None else [one.device for one in room.call.participants]


def _replay(room: ServedRoom, wire: Wire, above: int, upto: int) -> None:
    for one in room.log[above:upto]:
        if one.entry is not None:
            wire(one.entry)
        else:
            wire(Gap(room=room.id, entries=[GapEntry(n=one.n, time=one.time, hash=one.hash)]))


def _move(room: ServedRoom, member: Member, n: int) -> None:
    member.cursor = max(member.cursor, n)
    welcome = room.welcomes.get(member.device)
    if welcome is not None and welcome.n <= n:
        del room.welcomes[member.device]


def _fault_of_form(send: Send) -> str | None:
    """The clear header fits the frame (PROTOCOL.md §4.5)."""
    message = decode_mls_message(send.payload)
    if not isinstance(message, PrivateMessage):
        return "envelope"
    if message.group_id != send.room:
        return "envelope_room"
    if CONTENT_TYPES[send.kind] != message.content_type:
        return "envelope_kind"
    return None if message.authenticated_data[:16] == send.id else "envelope_id"
