"""The logs of all rooms, as one transaction after another. Runs in the writer's thread alone.

Rooms are kept in memory between transactions. What a transaction changes is staged and becomes the room only
after its commit; when a commit fails, everything staged is dropped and read again from the disk.
"""

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache
from itertools import chain

import cbor2
from sqlalchemy import Connection, bindparam, delete, insert, select, update
from sqlalchemy.dialects import sqlite

from server.requests import close_request
from server.room import Accepted, IsStale, NotTaken, Room, Routing, step
from server.tables import DEVICES, LOG, MEMBERS, ROOMS, WELCOMES
from wire.codec import encode, encode_ack, encode_entry
from wire.frames import Refused, RequestGone, Send, Stale, Welcome
from wire.frames import Routing as RoutingFrame

KINDS = {"message": 0, "commit": 1, "leave": 2}
MAX_ROOMS_HELD = 20_000
WINDOW = 4096


_COLUMNS = ("room", "n", "time", "kind", "message", "frame")
# Rows of one statement at most (SQLite takes 32,766 values). It runs in one step: so the writer gives the
# interpreter away once for all rows, and not once for each.
_ROWS_AT_ONCE = 64


@cache
def _insert_of(rows: int) -> str:
    """A Core insert of one row, compiled, with its values repeated: given to the driver as it is."""
    one = str(
        insert(LOG).values({name: bindparam(name) for name in _COLUMNS}).compile(dialect=sqlite.dialect())
    )
    head, values = one.split(" VALUES ")
    return f"{head} VALUES {', '.join([values] * rows)}"


@dataclass(slots=True)
class News:
    """What happened in a room between two changes of who is served: the hub's orders."""

    room: bytes
    key: int
    last: int
    entries: list[bytes] = field(default_factory=list)
    joined: dict[bytes, bytes] = field(
        default_factory=dict
    )  # newly listed by a Commit → welcome frame or b""
    returned: list[bytes] = field(default_factory=list)  # on the list again, because the old one won
    welcomed: dict[bytes, bytes] = field(default_factory=dict)  # devices listed already → welcome frame
    departed: dict[bytes, int] = field(default_factory=dict)  # device → the entry that removed it
    extras: list[bytes] = field(default_factory=list)  # for everyone who is served afterwards
    gone: list[bytes] = field(default_factory=list)  # answered requests
    unlisted: frozenset[bytes] = frozenset()  # off the list by this entry, also where both lists are served


@dataclass(slots=True)
class Held:
    """A room in memory, with the ids of its latest entries, for retries.

    `recent` has at least those since the last Commit or leave, both together at least the last `WINDOW`. The
    key is the first 8 bytes of an id, the value its position; a hit is checked against the row. (An index
    over random ids in the database would make inserts dearer the longer the log is.)
    """

    room: Room
    recent: dict[int, int]
    older: dict[int, int]

    def find(self, short: int) -> int | None:
        return self.recent.get(short) or self.older.get(short)


def pack_routing(routing: Routing) -> bytes:
    return cbor2.dumps(
        [
            sorted(routing.new),
            routing.n,
            routing.by,
            None if routing.old is None else sorted(routing.old),
            routing.old_hash,
            [list(vote) for vote in routing.votes],
            sorted(routing.left),
        ]
    )


def unpack_routing(data: bytes) -> Routing:
    new, n, by, old, old_hash, votes, left = cbor2.loads(data)
    return Routing(
        frozenset(new),
        n,
        by,
        None if old is None else frozenset(old),
        old_hash,
        tuple((account, vote) for account, vote in votes),
        frozenset(left),
    )


def accounts_of(connection: Connection, devices: Iterable[bytes]) -> dict[bytes, bytes]:
    """The account of each of these devices that exists."""
    rows = connection.execute(select(DEVICES.c.id, DEVICES.c.account).where(DEVICES.c.id.in_(list(devices))))
    return {row.id: row.account for row in rows}


def load_room(connection: Connection, room_id: bytes) -> Room | None:
    row = connection.execute(select(ROOMS).where(ROOMS.c.id == room_id)).one_or_none()
    if row is None:
        return None
    top = connection.execute(
        select(LOG.c.n, LOG.c.time).where(LOG.c.room == row.key).order_by(LOG.c.n.desc()).limit(1)
    ).one_or_none()
    last, time = (top.n, top.time) if top is not None and top.n > row.last else (row.last, row.time)
    routing = unpack_routing(row.routing)
    accounts = accounts_of(connection, routing.new | (routing.old or frozenset()))
    return Room(row.key, row.id, last, row.after, time, routing, accounts)


class Ledger:
    """Takes sends into the current transaction, and remembers for whom there are answers and news."""

    def __init__(self) -> None:
        self._held: OrderedDict[bytes, Held] = OrderedDict()
        self._staged: dict[bytes, Held] = {}
        self._fresh: dict[bytes, dict[int, int]] = {}
        self._rows: list[tuple[int, int, int, int, bytes, bytes]] = []
        self._open: dict[bytes, News] = {}
        self.news: list[News] = []

    # One transaction: begin, then take and others, then commit or abandon.

    def begin(self) -> None:
        self._staged, self._fresh, self._rows, self._open, self.news = {}, {}, [], {}, []

    def segment(self) -> list[News]:
        """What happened since the last segment, in order."""
        news, self.news, self._open = self.news, [], {}
        return news

    def flush(self, connection: Connection) -> None:
        """Write what was taken, so that a query in the same transaction sees it."""
        rows, self._rows = self._rows, []
        for at in range(0, len(rows), _ROWS_AT_ONCE):
            some = rows[at : at + _ROWS_AT_ONCE]
            connection.exec_driver_sql(_insert_of(len(some)), tuple(chain.from_iterable(some)))

    def merge(self) -> None:
        """The transaction is on disk."""
        for room_id, held in self._staged.items():
            fresh = self._fresh.get(room_id)
            if fresh:
                previous = self._held.get(room_id)
                moved_on = previous is not None and held.room.after > previous.room.after
                if moved_on and len(held.recent) >= WINDOW:
                    held.older, held.recent = held.recent, {}
                held.recent.update(fresh)
            self._held[room_id] = held
            self._held.move_to_end(room_id)
        while len(self._held) > MAX_ROOMS_HELD:
            self._held.popitem(last=False)

    def abandon(self) -> None:
        """The transaction failed: believe the disk alone."""
        self._held.clear()
        self.begin()

    def room(self, connection: Connection, room_id: bytes) -> Room | None:
        """The room as this transaction has it so far."""
        held = self._find(connection, room_id)
        return held.room if held else None

    def forget(self, room_id: bytes) -> None:
        """The room was changed otherwise in this transaction; read it again."""
        self._staged.pop(room_id, None)
        self._held.pop(room_id, None)

    def take(self, connection: Connection, send: Send, device: bytes, now: int) -> bytes:
        """Judge one send and write what it brings. Gives the answer's frame."""
        held = self._find(connection, send.room)
        if held is None or device not in held.room.served:
            return _refused(send, NotTaken("not_found", "There is nothing here for you."))
        earlier = self._earlier(connection, held, send)
        if earlier is not None:
            n, time = earlier
            return encode_ack(send.room, send.id, n, time)
        known = None
        if send.devices is not None:
            known = accounts_of(connection, send.devices)
        room, outcome = step(held.room, send, device, now, known)
        match outcome:
            case IsStale(after):
                return encode(Stale(room=send.room, id=send.id, after=after))
            case NotTaken():
                return _refused(send, outcome)
            case Accepted():
                self._accept(connection, held, room, send, device, outcome)
                return encode_ack(send.room, send.id, outcome.n, outcome.time)

    def _find(self, connection: Connection, room_id: bytes) -> Held | None:
        held = self._staged.get(room_id) or self._held.get(room_id)
        if held is not None:
            return held
        self.flush(connection)
        room = load_room(connection, room_id)
        if room is None:
            return None
        rows = connection.execute(
            select(LOG.c.n, LOG.c.message).where(
                LOG.c.room == room.key, LOG.c.n > min(room.after, room.last - WINDOW)
            )
        )
        held = Held(room, {int.from_bytes(row.message[:8], "big"): row.n for row in rows}, {})
        self._staged[room_id] = held
        return held

    def _earlier(self, connection: Connection, held: Held, send: Send) -> tuple[int, int] | None:
        """E17: the look-up for retries. What was accepted with this `after` stands above it in the log;
        whoever names a later `after` has seen its own entry.
        """
        short = int.from_bytes(send.id[:8], "big")
        n = self._fresh.get(send.room, {}).get(short) or held.find(short)
        if n is None and send.after >= held.room.after:
            return None
        self.flush(connection)
        query = select(LOG.c.n, LOG.c.time).where(LOG.c.room == held.room.key, LOG.c.message == send.id)
        query = query.where(LOG.c.n == n) if n is not None else query.where(LOG.c.n > send.after)
        row = connection.execute(query.limit(1)).one_or_none()
        return (row.n, row.time) if row is not None else None

    def _accept(
        self, connection: Connection, held: Held, room: Room, send: Send, device: bytes, done: Accepted
    ) -> None:
        n, kind = done.n, send.kind
        # Who sent a message is not stored: it is inside the message alone.
        author = None if kind == "message" else device
        frame = encode_entry(room.id, n, done.time, kind, send.id, author, send.payload)
        self._rows.append((room.key, n, done.time, KINDS[kind], send.id, frame))
        news = self._open.get(room.id)
        if news is None:
            news = self._open[room.id] = News(room.id, room.key, n)
            self.news.append(news)
        news.last = n
        news.entries.append(frame)
        self._staged[room.id] = Held(room, held.recent, held.older)
        self._fresh.setdefault(room.id, {})[int.from_bytes(send.id[:8], "big")] = n
        if done.routed:
            self._route(connection, held.room, room, send, done, news)
            del self._open[room.id]  # others are served from here on

    def _route(
        self, connection: Connection, before: Room, room: Room, send: Send, done: Accepted, news: News
    ) -> None:
        """Write what a Commit, a leave or a vote changes, in the same transaction (E17)."""
        self.flush(connection)
        connection.execute(
            update(ROOMS)
            .where(ROOMS.c.key == room.key)
            .values(last=room.last, after=room.after, time=room.time, routing=pack_routing(room.routing))
        )
        departed_at = done.n if send.kind == "leave" else room.routing.n
        for device in done.departed:
            connection.execute(
                update(MEMBERS)
                .where(MEMBERS.c.room == room.key, MEMBERS.c.device == device)
                .values(until=departed_at)
            )
            news.departed[device] = departed_at
        news.unlisted = done.departed
        if send.kind == "commit":
            news.unlisted |= before.served - room.routing.new
        welcomes = {welcome.device: welcome.payload for welcome in send.welcomes or ()}
        for device in done.joined:
            self._join(connection, room, device, done.n, fresh=send.kind == "commit")
            if send.kind == "commit":
                news.joined[device] = b""
            else:
                news.returned.append(device)
        for device, payload in welcomes.items():
            connection.execute(
                delete(WELCOMES).where(WELCOMES.c.room == room.key, WELCOMES.c.device == device)
            )
            connection.execute(
                insert(WELCOMES).values(
                    room=room.key, device=device, n=done.n, time=done.time, payload=payload
                )
            )
            # Sent again at each hello until the cursor reaches the Commit.
            connection.execute(
                update(MEMBERS)
                .where(MEMBERS.c.room == room.key, MEMBERS.c.device == device, MEMBERS.c.cursor >= done.n)
                .values(cursor=done.n - 1)
            )
            frame = encode(Welcome(room=room.id, n=done.n, time=done.time, payload=payload))
            if device in news.joined:
                news.joined[device] = frame
            else:
                news.welcomed[device] = frame
        for request in send.answered or ():
            if close_request(connection, room.key, request):
                news.extras.append(encode(RequestGone(room=room.id, request_id=request)))
                news.gone.append(request)
        if send.kind == "commit":
            lists = RoutingFrame(room=room.id, old=sorted(before.routing.new), new=sorted(room.routing.new))
            news.extras.append(encode(lists))

    def _join(self, connection: Connection, room: Room, device: bytes, n: int, fresh: bool) -> None:
        where = (MEMBERS.c.room == room.key) & (MEMBERS.c.device == device)
        values = {"until": None, "since": n, "cursor": n - 1} if fresh else {"until": None}
        if connection.execute(update(MEMBERS).where(where).values(**values)).rowcount == 0:
            connection.execute(
                insert(MEMBERS).values(room=room.key, device=device, since=n, cursor=n - 1, until=None)
            )


def _refused(send: Send, why: NotTaken) -> bytes:
    return encode(Refused(room=send.room, id=send.id, code=why.code, message=why.message))
