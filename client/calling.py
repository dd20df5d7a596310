"""A room's call, for a program: into it, out of it again, and what was counted in between."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Final

from client.calls.frames import Tally
from client.calls.media import Source
from client.calls.participant import Participant
from client.collegium import Collegium
from client.conversation import Room
from client.errors import CollegiumError, error_code
from crypto.sframe.kid import Kind
from wire.bounds import to_base64url

LEFT_WITHIN_S: Final = 5.0
"""How long it is waited for that the server has what was said on leaving; it goes with the next start."""


class CallEndedError(CollegiumError):
    """The call ended for this member, by the server or since there is no way for its media."""

    def __init__(self, code: str) -> None:
        translated = error_code(CollegiumError(code))
        super().__init__("call_refused" if code.startswith("offer_") else translated, code)


@asynccontextmanager
async def in_call(
    me: Collegium, room: Room, source: Source | None, *, trial: bool = False
) -> AsyncIterator[Participant]:
    """In the call of a room while the block lasts, sending what `source` has. Raises CollegiumError."""
    participant = Participant(me.session, room.id, source)
    await participant.enter()
    try:
        yield participant
    finally:
        await participant.leave(trial=trial)
        with suppress(TimeoutError):
            async with asyncio.timeout(LEFT_WITHIN_S):
                await me.until(lambda: participant.gone or None)


def name_of(me: Collegium, room: Room, label: str) -> str:
    """Whose device it is, by the room."""
    found = me.session.rooms[room.id].membership
    for who in () if found is None else found.roster.values():
        if to_base64url(who.device_id) == label:
            return next((one.name for one in room.members if one.account_id == who.account_id), "")
    return ""


def tally_json(me: Collegium, room: Room, label: str, tally: Tally) -> dict[str, object]:
    return {
        "device": label,
        "name": name_of(me, room, label),
        "opened": {kind.name.lower(): count for kind, count in tally.opened.items()},
        "refused": {why.value: count for why, count in tally.refused.items()},
        "undecodable": tally.undecodable,
        "pictures": tally.pictures,
        "size": None if tally.size is None else list(tally.size),
        "loudest_db": tally.loudest,
        "epochs": sorted(tally.epochs),
    }


def call_json(me: Collegium, room: Room, call: Participant) -> dict[str, object]:
    """What was sent and received, for programs."""
    return {
        "stage": call.stage,
        "code": call.code,
        "sent": {kind.name.lower(): count for kind, count in call.sent.items()},
        "acknowledged": {kind.name.lower(): one.packets for kind, one in call.heard.items()},
        "received": [tally_json(me, room, label, tally) for label, tally in sorted(call.tallies.items())],
    }


def tally_line(me: Collegium, room: Room, label: str, tally: Tally) -> str:
    sounds = tally.opened.get(Kind.AUDIO, 0) + tally.opened.get(Kind.SCREEN_AUDIO, 0)
    parts = [f"{sounds} frames of sound"]
    if tally.loudest is not None:
        parts.append(f"the loudest at {tally.loudest} dB")
    parts.append(f"{tally.pictures} pictures")
    if tally.size is not None:
        parts.append(f"of {tally.size[0]}×{tally.size[1]}")  # noqa: RUF001
    refused = ", ".join(f"{count} {why.value}" for why, count in tally.refused.items())
    if refused:
        parts.append(f"refused: {refused}")
    return f"{name_of(me, room, label) or label}: {', '.join(parts)}"
