"""What is deleted, and when (E23).

A message goes when every listed device has acknowledged it, or when it is older than the retention. A Commit
or leave goes when every listed device has acknowledged it or is gone, after 90 days at most. Of each,
position, stamp and hash stay for 90 days, so that anyone can recompute the log head.
"""

from collections.abc import Sequence
from hashlib import sha384
from typing import Any

import cbor2
from sqlalchemy import Connection, delete, func, insert, select, update

from server.ledger import KINDS, Ledger
from server.tables import (
    CLAIM_COUNTS,
    DEVICES,
    GAPS,
    KEY_PACKAGES,
    LOG,
    MEMBERS,
    REQUESTS,
    ROOMS,
    SESSIONS,
    TOKENS,
    WELCOMES,
)

HOUR_MS = 3600 * 1000
DAY_MS = 24 * HOUR_MS
KEEP_MS = 90 * DAY_MS
CLAIM_HOURS = 24  # that claims of KeyPackages are counted for
BATCH = 500


def collect(connection: Connection, ledger: Ledger, now: int, retention_days: float) -> tuple[int, bool]:
    """Delete one batch. Gives how many entries went, and whether there may be more."""
    ledger.flush(connection)
    count = 0
    for room, upto in _acknowledged(connection):
        rows = connection.execute(
            select(LOG).where(LOG.c.room == room, LOG.c.n <= upto).order_by(LOG.c.n).limit(BATCH - count)
        ).all()
        count += _shrink(connection, rows)
        if count >= BATCH:
            return count, True
    # The rowid follows the time closely enough: look at the oldest rows alone.
    for kinds, age in (((KINDS["message"],), retention_days * DAY_MS), (tuple(KINDS.values()), KEEP_MS)):
        oldest = select(LOG.c.key).order_by(LOG.c.key).limit(4 * BATCH)
        rows = connection.execute(
            select(LOG)
            .where(LOG.c.key.in_(oldest), LOG.c.kind.in_(kinds), LOG.c.time < now - age)
            .limit(BATCH - count)
        ).all()
        count += _shrink(connection, rows)
        if count >= BATCH:
            return count, True
    _expire(connection, now)
    return count, False


def _acknowledged(connection: Connection) -> list[tuple[int, int]]:
    """For each room that still has such entries: up to where every listed device has acknowledged."""
    # A device that was removed holds its room's entries up to its removal, until it has them or 90 days are
    # over.
    bound = func.min(
        func.iif(
            MEMBERS.c.until.isnot(None) & (MEMBERS.c.cursor >= MEMBERS.c.until),
            2**53,
            MEMBERS.c.cursor,
        )
    )
    floor = (
        select(MEMBERS.c.room, bound.label("upto"))
        .join(DEVICES, DEVICES.c.id == MEMBERS.c.device)
        .where(DEVICES.c.gone.is_(False))
        .group_by(MEMBERS.c.room)
        .subquery()
    )
    first = select(func.min(LOG.c.n)).where(LOG.c.room == floor.c.room).scalar_subquery()
    query = select(floor.c.room, floor.c.upto).where(first <= floor.c.upto)
    return [(row.room, row.upto) for row in connection.execute(query)]


def _shrink(connection: Connection, entries: Sequence[Any]) -> int:
    """Put the hash in the place of each entry."""
    if not entries:
        return 0
    gaps = [
        {"room": e.room, "n": e.n, "time": e.time, "hash": sha384(cbor2.loads(e.frame)["payload"]).digest()}
        for e in entries
    ]
    connection.execute(insert(GAPS), gaps)
    connection.execute(delete(LOG).where(LOG.c.key.in_([e.key for e in entries])))
    for room in {e.room for e in entries}:
        top = max((e.n, e.time) for e in entries if e.room == room)
        # Positions are never given out twice, also when the whole log was deleted.
        connection.execute(
            update(ROOMS).where(ROOMS.c.key == room, ROOMS.c.last < top[0]).values(last=top[0], time=top[1])
        )
    return len(entries)


def _expire(connection: Connection, now: int) -> None:
    connection.execute(delete(GAPS).where(GAPS.c.time < now - KEEP_MS))
    connection.execute(delete(WELCOMES).where(WELCOMES.c.time < now - KEEP_MS))
    connection.execute(delete(REQUESTS).where(REQUESTS.c.not_after < now))
    connection.execute(delete(SESSIONS).where(SESSIONS.c.expires < now))
    connection.execute(delete(TOKENS).where(TOKENS.c.not_after < now - DAY_MS))
    # Not served any more; a ref that was handed out need not be known, since its upload would be refused.
    connection.execute(delete(KEY_PACKAGES).where(KEY_PACKAGES.c.not_after <= now))
    connection.execute(delete(CLAIM_COUNTS).where(CLAIM_COUNTS.c.hour <= now // HOUR_MS - CLAIM_HOURS))
