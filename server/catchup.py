"""Queries behind a reconnect: what a device is in, and what it has missed."""

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import Connection, and_, delete, select, update

from server.ledger import Ledger
from server.requests import ANSWERED
from server.tables import GAPS, LOG, MEMBERS, REQUESTS, ROOMS, WELCOMES
from wire.codec import encode
from wire.frames import DeviceCursor, Gap, GapEntry, Request, RoomState, Welcome

# One read: enough for one WebSocket message that the client can handle at once.
MAX_ROWS = 512
MAX_BYTES = 512 * 1024


@dataclass(frozen=True, slots=True)
class Standing:
    """One room of a device at its hello."""

    key: int
    room: bytes
    start: int  # entries above this are to be sent
    since: int  # and none at or below this, ever
    until: int | None  # nor above this: the device was removed by that entry
    state: RoomState


def standings(
    connection: Connection, ledger: Ledger, device: bytes, cursors: dict[bytes, int]
) -> list[Standing]:
    """Every room that the device is in, and every one it still speaks of and was removed from. Stores its
    cursors.
    """
    ledger.flush(connection)
    rows = connection.execute(
        select(MEMBERS, ROOMS.c.id)
        .join(ROOMS, ROOMS.c.key == MEMBERS.c.room)
        .where(MEMBERS.c.device == device)
    ).all()
    out = []
    for row in rows:
        theirs = cursors.get(row.id)
        if row.until is not None and theirs is None:
            continue
        room = ledger.room(connection, row.id)
        assert room is not None
        last = room.last if row.until is None else row.until
        if theirs is None:
            start = row.since
        else:
            # The vault knows best where it stands: also when that is behind what it once said.
            start = min(max(theirs, row.since), last)
            if theirs > row.cursor and theirs <= room.last:
                move_cursors(connection, room.key, [(device, theirs)])
        others = connection.execute(
            select(MEMBERS.c.device, MEMBERS.c.cursor).where(
                MEMBERS.c.room == room.key, MEMBERS.c.until.is_(None), MEMBERS.c.device != device
            )
        )
        state = RoomState(
            room=room.id,
            last=last,
            after=room.after,
            list=sorted(room.served),
            cursors=[DeviceCursor(device=other.device, n=other.cursor) for other in others],
        )
        out.append(Standing(room.key, room.id, start, row.since, row.until, state))
    return out


def move_cursors(connection: Connection, room: int, moved: Iterable[tuple[bytes, int]]) -> None:
    """Cursors only advance. A Welcome is over when its device's cursor has reached its Commit."""
    for device, n in moved:
        connection.execute(
            update(MEMBERS)
            .where(MEMBERS.c.room == room, MEMBERS.c.device == device, MEMBERS.c.cursor < n)
            .values(cursor=n)
        )
        connection.execute(
            delete(WELCOMES).where(WELCOMES.c.room == room, WELCOMES.c.device == device, WELCOMES.c.n <= n)
        )


@dataclass(frozen=True, slots=True)
class Missed:
    """Entries and gaps above some position, in order, encoded."""

    frames: bytes
    count: int
    last: int


def missed(
    connection: Connection, key: int, room: bytes, above: int, upto: int, limit: int = MAX_ROWS
) -> Missed:
    """What is in the log above `above` and not above `upto`, as much as fits one message."""
    rows = connection.execute(
        select(LOG.c.n, LOG.c.frame)
        .where(and_(LOG.c.room == key, LOG.c.n > above, LOG.c.n <= upto))
        .order_by(LOG.c.n)
        .limit(limit)
    ).all()
    first = rows[0].n if rows else upto + 1
    if first > above + 1:
        # Something was deleted before the first entry that is left (E23).
        gone = connection.execute(
            select(GAPS.c.n, GAPS.c.time, GAPS.c.hash)
            .where(and_(GAPS.c.room == key, GAPS.c.n > above, GAPS.c.n < first))
            .order_by(GAPS.c.n)
            .limit(limit)
        ).all()
        if gone:
            entries = [GapEntry(n=row.n, time=row.time, hash=row.hash) for row in gone]
            return Missed(encode(Gap(room=room, entries=entries)), len(gone), gone[-1].n)
    parts: list[bytes] = []
    size, last = 0, above
    for row in rows:
        if parts and (size + len(row.frame) > MAX_BYTES or row.n != last + 1):
            break
        parts.append(row.frame)
        size += len(row.frame)
        last = row.n
    return Missed(b"".join(parts), len(parts), last)


def beside(
    connection: Connection, key: int, room: bytes, device: bytes, now: int
) -> list[tuple[bytes, bytes]]:
    """Welcomes for this device and requests of this room, as (request id or b"", frame)."""
    welcomes = connection.execute(
        select(WELCOMES).where(WELCOMES.c.room == key, WELCOMES.c.device == device).order_by(WELCOMES.c.n)
    )
    out = [(b"", encode(Welcome(room=room, n=w.n, time=w.time, payload=w.payload))) for w in welcomes]
    requests = connection.execute(
        select(REQUESTS)
        .where(REQUESTS.c.room == key, REQUESTS.c.not_after > now, REQUESTS.c.kind != ANSWERED)
        .order_by(REQUESTS.c.time)
    )
    for r in requests:
        frame = Request(room=room, request_id=r.id, time=r.time, kind=r.kind, sealed=r.sealed)
        out.append((r.id, encode(frame)))
    return out
