"""Who calls: sessions, opaque and hashed at rest."""

import secrets
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends, Request, Response
from fastapi.responses import JSONResponse
from sqlalchemy import Connection, insert, select, update

from server.database import now_ms
from server.errors import NotSignedInError
from server.founding import hashed
from server.service import Service
from server.tables import DEVICES, SESSIONS
from wire import http
from wire.bounds import SECRET_BYTES, Strict, from_base64url, to_base64url

COOKIE = "__Host-collegium"
SESSION_DAYS = 7
CONFIRMED_MS = 5 * 60 * 1000
CLIENT_HEADER = "collegium-client"


def service_of(request: Request) -> Service:
    service: Service = request.app.state.service
    return service


House = Annotated[Service, Depends(service_of)]


@dataclass(frozen=True, slots=True)
class Caller:
    """A device that is signed in."""

    account: bytes
    device: bytes
    session: bytes  # hash
    confirmed_until: int


def find_caller(database: Connection, session: bytes, now: int) -> Caller | None:
    row = database.execute(
        select(SESSIONS.c.device, SESSIONS.c.expires, SESSIONS.c.confirmed_until, DEVICES.c.account)
        .join(DEVICES, DEVICES.c.id == SESSIONS.c.device)
        .where(SESSIONS.c.hash == session, SESSIONS.c.expires > now, DEVICES.c.gone.is_(False))
    ).one_or_none()
    return Caller(row.account, row.device, session, row.confirmed_until) if row is not None else None


def session_of(request: Request) -> bytes | None:
    """The session's hash, from the cookie of a browser or the bearer token of another client."""
    bearer = request.headers.get("authorization", "")
    text = bearer[7:] if bearer.startswith("Bearer ") else request.cookies.get(COOKIE)
    if not text:
        return None
    try:
        secret = from_base64url(text)
    except ValueError:
        return None
    return hashed(secret) if len(secret) == SECRET_BYTES else None


async def signed_in(request: Request, house: House) -> Caller:
    session = session_of(request)
    if session is None:
        raise NotSignedInError
    caller = await house.readers.read(lambda db: find_caller(db, session, now_ms()))
    if caller is None:
        raise NotSignedInError
    return caller


SignedIn = Annotated[Caller, Depends(signed_in)]


def open_session(database: Connection, device: bytes, now: int, confirmed: bool = False) -> bytes:
    """A new session of a device. Gives the secret, which is stored nowhere. `confirmed`: what was just proven
    (a new account, the recovery code) is worth a passkey, for as long as one counts.
    """
    secret = secrets.token_bytes(SECRET_BYTES)
    expires = now + SESSION_DAYS * 24 * 3600 * 1000
    until = now + CONFIRMED_MS if confirmed else 0
    database.execute(
        insert(SESSIONS).values(hash=hashed(secret), device=device, expires=expires, confirmed_until=until)
    )
    database.execute(update(DEVICES).where(DEVICES.c.id == device).values(seen=now))
    return secret


def reply(body: Strict, status: int = 200) -> JSONResponse:
    content: Any = body.model_dump(mode="json", exclude_none=True)
    return JSONResponse(content, status, headers={"cache-control": "no-store"})


def session_reply(request: Request, account: bytes, device: bytes, secret: bytes) -> Response:
    """A browser gets a cookie that its scripts cannot read; other clients get the session in the body."""
    if request.headers.get(CLIENT_HEADER) == "sdk" and "origin" not in request.headers:
        return reply(http.Session(account_id=account, device_id=device, session=secret))
    answer = reply(http.Session(account_id=account, device_id=device))
    answer.set_cookie(
        COOKIE,
        to_base64url(secret),
        max_age=SESSION_DAYS * 24 * 3600,
        path="/",
        secure=True,
        httponly=True,
        samesite="strict",
    )
    return answer
