"""Requests to be added that are open, and those that were answered (E22)."""

from hashlib import sha256
from typing import Any

from sqlalchemy import Connection, delete, select, update

from server.tables import REQUESTS

ANSWERED = "answered"
"""The kind of a row that is left of a rejoin request: nobody is asked by it any more."""


def close_request(connection: Connection, room: int, request: bytes) -> bool:
    """A Commit answers it. False: it is not open.

    A device posts its rejoin request until it knows that it arrived, so the same one may come once more after
    its answer. A hash of it stays for as long as it would have, that it opens no second one. (A join request
    is known again by its token.)
    """
    which = (REQUESTS.c.id == request) & (REQUESTS.c.room == room)
    row = connection.execute(select(REQUESTS).where(which, REQUESTS.c.kind != ANSWERED)).one_or_none()
    if row is None:
        return False
    if row.kind == "rejoin":
        left = sha256(row.sealed).digest()
        connection.execute(update(REQUESTS).where(which).values(kind=ANSWERED, sealed=left))
    else:
        connection.execute(delete(REQUESTS).where(which))
    return True


def answered_before(connection: Connection, room: int, device: bytes, sealed: bytes) -> Any | None:
    """What is left of the same request."""
    return connection.execute(
        select(REQUESTS)
        .where(
            REQUESTS.c.room == room,
            REQUESTS.c.device == device,
            REQUESTS.c.kind == ANSWERED,
            REQUESTS.c.sealed == sha256(sealed).digest(),
        )
        .limit(1)
    ).one_or_none()
