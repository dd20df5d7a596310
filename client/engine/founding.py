"""Groups are started in two places: on the server, and in the vault."""

from dataclasses import replace
from typing import TYPE_CHECKING

from client.engine.draft import Draft
from client.engine.records import Founding
from client.errors import CollegiumError
from client.room.core import found_room
from wire import http as bodies
from wire.bounds import ID_BYTES

if TYPE_CHECKING:
    from client.engine.session import Session


async def start_group(session: "Session", title: str) -> bytes:
    """A new room on the server, then in the vault. A crash in between is made good at the next start.

    Raises CollegiumError: then it is given up.
    """
    room_id = session.world.rng(ID_BYTES)

    def note(draft: Draft) -> None:
        draft.records = replace(draft.records, founding=Founding(room_id, title))

    await session.work(note)
    await found(session)
    return room_id


async def found(session: "Session") -> None:
    """Go on with the group that is being started. Raises CollegiumError: then it is given up."""
    founding = session.records.founding
    if founding is None:
        return

    def over(draft: Draft) -> None:
        if draft.records.founding is founding:
            draft.records = replace(draft.records, founding=None)

    def begin(draft: Draft) -> None:
        over(draft)
        draft.add(found_room(draft.env, room_id=founding.room_id, title=founding.title))

    try:
        await session.auth.call("POST", "/api/rooms", bodies.Empty, bodies.NewRoom(room_id=founding.room_id))
    except CollegiumError:
        await session.work(over)
        raise
    await session.work(begin)
