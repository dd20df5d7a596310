"""Rooms, registration tokens for invites, and requests to be added (E22, E27, E28)."""

import secrets
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Response
from sqlalchemy import Connection, delete, func, insert, select, update

from server.accounts import usable_token
from server.caller import Caller, House, SignedIn, reply
from server.database import now_ms
from server.errors import NotFoundError, RefusedError, TakenError, TooManyError
from server.founding import hashed
from server.ledger import Ledger, pack_routing
from server.requests import answered_before
from server.room import Routing
from server.tables import DEVICES, MEMBERS, REQUESTS, ROOMS, TOKENS
from wire import frames, http
from wire.bounds import ID_BYTES, MAX_ROOMS, SECRET_BYTES, from_base64url

router = APIRouter(prefix="/api")

HOUR_MS = 3600 * 1000
TOKEN_MS = 72 * HOUR_MS  # E28
MAX_OPEN_TOKENS = 20  # of one account
MAX_ROOMS_MADE = 200  # by one device within a day: a bound, not a plan
REJOIN_EVERY_MS = HOUR_MS  # E22


@dataclass(frozen=True, slots=True)
class _Posted:
    room: bytes
    frame: frames.Request
    not_after: int
    replaced: bytes | None = None
    fresh: bool = True


def _own_room(database: Connection, caller: Caller, room_id: bytes) -> int:
    """The key of a room that this device is served in. Raises NotFoundError, also for rooms of others."""
    row = database.execute(
        select(ROOMS.c.key)
        .join(MEMBERS, MEMBERS.c.room == ROOMS.c.key)
        .where(ROOMS.c.id == room_id, MEMBERS.c.device == caller.device, MEMBERS.c.until.is_(None))
    ).one_or_none()
    if row is None:
        raise NotFoundError
    return int(row.key)


@router.post("/rooms")
async def create_room(body: http.NewRoom, caller: SignedIn, house: House) -> Response:
    def run(database: Connection, _ledger: Ledger) -> int | None:
        now = now_ms()
        own = database.execute(
            select(ROOMS.c.key, ROOMS.c.last, ROOMS.c.routing).where(ROOMS.c.id == body.room_id)
        ).one_or_none()
        routing = pack_routing(Routing(new=frozenset((caller.device,))))
        if own is not None:
            if own.last == 0 and own.routing == routing:
                return None  # the answer was lost on its way
            raise TakenError("room_exists", "This room exists already.")
        mine = (select(func.count()).select_from(MEMBERS).join(ROOMS, ROOMS.c.key == MEMBERS.c.room)).where(
            MEMBERS.c.device == caller.device
        )
        if database.execute(mine.where(MEMBERS.c.until.is_(None))).scalar_one() >= MAX_ROOMS:
            raise RefusedError("too_many_rooms", f"A device is in at most {MAX_ROOMS} rooms.")
        if database.execute(mine.where(ROOMS.c.created > now - 24 * HOUR_MS)).scalar_one() >= (
            MAX_ROOMS_MADE * house.settings.rate_factor
        ):
            raise TooManyError(3600)
        made = database.execute(
            insert(ROOMS).values(id=body.room_id, created=now, last=0, after=0, time=now, routing=routing)
        )
        key = int(made.inserted_primary_key[0])  # type: ignore[index]
        database.execute(
            insert(MEMBERS).values(room=key, device=caller.device, since=0, cursor=0, until=None)
        )
        return key

    key = await house.hub.change(run)
    if key is not None:
        house.hub.created(caller.device, body.room_id, key)
    return reply(http.Empty(), 201 if key is not None else 200)


@router.post("/registration-tokens")
async def mint(body: http.NewRegistrationToken, caller: SignedIn, house: House) -> Response:
    token = secrets.token_bytes(SECRET_BYTES)

    def run(database: Connection, _ledger: Ledger) -> int:
        now = now_ms()
        key = _own_room(database, caller, body.room_id)
        open_tokens = database.execute(
            select(func.count())
            .select_from(TOKENS)
            .where(
                TOKENS.c.minted_by == caller.account,
                TOKENS.c.used_by.is_(None),
                TOKENS.c.request.is_(None),
                TOKENS.c.not_after > now,
            )
        ).scalar_one()
        if open_tokens >= MAX_OPEN_TOKENS:
            raise RefusedError(
                "too_many_invites", f"At most {MAX_OPEN_TOKENS} invites can be open at a time."
            )
        database.execute(
            insert(TOKENS).values(
                hash=hashed(token),
                room=key,
                invite=body.invite_id,
                minted_by=caller.account,
                not_after=now + TOKEN_MS,
                used_by=None,
                request=None,
            )
        )
        return now + TOKEN_MS

    not_after = await house.hub.change(run)
    return reply(http.RegistrationToken(token=token, not_after=not_after))


@router.delete("/registration-tokens/{invite_id}")
async def withdraw(invite_id: str, caller: SignedIn, house: House) -> Response:
    try:
        invite = from_base64url(invite_id)
    except ValueError as error:
        raise NotFoundError from error

    def run(database: Connection, _ledger: Ledger) -> list[tuple[bytes, bytes]]:
        """Any member of the room may: an open invite is the room's matter."""
        rows = database.execute(
            select(TOKENS.c.hash, TOKENS.c.request, ROOMS.c.id)
            .join(ROOMS, ROOMS.c.key == TOKENS.c.room)
            .join(MEMBERS, MEMBERS.c.room == ROOMS.c.key)
            .where(TOKENS.c.invite == invite, MEMBERS.c.device == caller.device, MEMBERS.c.until.is_(None))
        ).all()
        if not rows:
            raise NotFoundError
        gone = []
        for row in rows:
            database.execute(delete(TOKENS).where(TOKENS.c.hash == row.hash))
            if row.request is not None:
                database.execute(delete(REQUESTS).where(REQUESTS.c.id == row.request))
                gone.append((row.id, row.request))
        return gone

    for room, request in await house.hub.change(run):
        house.hub.withdrawn(room, request)
    return reply(http.Empty())


@router.get("/join/{token}")
async def look(token: str, house: House) -> Response:
    """What a link leads to. The same 404 for wrong, expired and used up (THREATS 40)."""
    try:
        secret = from_base64url(token)
    except ValueError as error:
        raise NotFoundError from error

    def find(database: Connection) -> http.JoinInfo:
        found = usable_token(database, secret, now_ms())
        if found is None or found.request is not None:
            raise NotFoundError
        if found.room is None:
            if found.used_by is not None:
                raise NotFoundError
            return http.JoinInfo(founder=True, not_after=found.not_after)
        room_id = database.execute(select(ROOMS.c.id).where(ROOMS.c.key == found.room)).scalar_one()
        return http.JoinInfo(
            founder=False,
            room_id=room_id,
            invite_id=found.invite,
            not_after=found.not_after,
        )

    return reply(await house.readers.read(find))


@router.post("/join-requests")
async def ask_to_join(body: http.JoinRequest, caller: SignedIn, house: House) -> Response:
    def run(database: Connection, _ledger: Ledger) -> _Posted:
        now = now_ms()
        token = usable_token(database, body.token, now)
        if token is None or token.room is None:
            raise NotFoundError
        if token.used_by not in (None, caller.account):
            raise NotFoundError
        room_id = database.execute(select(ROOMS.c.id).where(ROOMS.c.key == token.room)).scalar_one()
        earlier = token.request
        if earlier is not None:
            row = database.execute(select(REQUESTS).where(REQUESTS.c.id == earlier)).one_or_none()
            if row is None or row.device != caller.device or row.sealed != body.sealed:
                raise TakenError("link_used", "This link was used already.")
            # The answer was lost on its way.
            return _Posted(room_id, _frame(room_id, row), row.not_after, fresh=False)
        request = _insert(
            database,
            token.room,
            room_id,
            caller.device,
            "join",
            body.sealed,
            now,
            token.not_after,
        )
        database.execute(
            update(TOKENS)
            .where(TOKENS.c.hash == hashed(body.token))
            .values(request=request.frame.request_id, used_by=caller.account)
        )
        return request

    return _posted(house, await house.hub.change(run))


@router.post("/rejoin-requests")
async def ask_to_rejoin(body: http.RejoinRequest, caller: SignedIn, house: House) -> Response:
    def run(database: Connection, _ledger: Ledger) -> _Posted:
        """E22. For a device of an account that is in the room, or was: one recovered by code is not yet
        listed.
        """
        now = now_ms()
        key = _room_of_account(database, caller, body.room_id)
        answered = answered_before(database, key, caller.device, body.sealed)
        if answered is not None:  # posted again, and overtaken by its answer
            return _Posted(
                body.room_id, _frame(body.room_id, answered, "rejoin"), answered.not_after, fresh=False
            )
        earlier = database.execute(
            select(REQUESTS).where(
                REQUESTS.c.room == key, REQUESTS.c.device == caller.device, REQUESTS.c.kind == "rejoin"
            )
        ).all()
        for row in earlier:
            if row.sealed == body.sealed:
                return _Posted(body.room_id, _frame(body.room_id, row), row.not_after, fresh=False)
            if row.time > now - REJOIN_EVERY_MS / house.settings.rate_factor:
                raise TooManyError(int((row.time + REJOIN_EVERY_MS - now) / 1000) + 1)
        for row in earlier:
            database.execute(delete(REQUESTS).where(REQUESTS.c.id == row.id))
        posted = _insert(
            database, key, body.room_id, caller.device, "rejoin", body.sealed, now, now + TOKEN_MS
        )
        replaced = earlier[0].id if earlier else None
        return _Posted(posted.room, posted.frame, posted.not_after, replaced)

    return _posted(house, await house.hub.change(run))


def _room_of_account(database: Connection, caller: Caller, room_id: bytes) -> int:
    row = database.execute(
        select(ROOMS.c.key)
        .join(MEMBERS, MEMBERS.c.room == ROOMS.c.key)
        .join(DEVICES, DEVICES.c.id == MEMBERS.c.device)
        .where(ROOMS.c.id == room_id, DEVICES.c.account == caller.account)
        .limit(1)
    ).one_or_none()
    if row is None:
        raise NotFoundError
    return int(row.key)


def _insert(
    database: Connection,
    key: int,
    room_id: bytes,
    device: bytes,
    kind: str,
    sealed: bytes,
    now: int,
    not_after: int,
) -> _Posted:
    request_id = secrets.token_bytes(ID_BYTES)
    database.execute(
        insert(REQUESTS).values(
            id=request_id, room=key, device=device, kind=kind, time=now, not_after=not_after, sealed=sealed
        )
    )
    frame = frames.Request.model_validate(
        {"room": room_id, "request_id": request_id, "time": now, "kind": kind, "sealed": sealed}
    )
    return _Posted(room_id, frame, not_after)


def _frame(room_id: bytes, row: Any, kind: str | None = None) -> frames.Request:
    return frames.Request.model_validate(
        {
            "room": room_id,
            "request_id": row.id,
            "time": row.time,
            "kind": kind or row.kind,
            "sealed": row.sealed,
        }
    )


def _posted(house: House, posted: _Posted) -> Response:
    if posted.replaced is not None:
        house.hub.withdrawn(posted.room, posted.replaced)
    if posted.fresh:
        house.hub.posted(posted.room, posted.frame)
    return reply(http.RequestPosted(request_id=posted.frame.request_id, not_after=posted.not_after))
