"""Accounts, sign-in, devices, the sealed backup, and tickets for sockets."""

import secrets
import time
from hashlib import sha256
from typing import Any

from fastapi import APIRouter, Request, Response
from sqlalchemy import Connection, delete, insert, select, update

from server.caller import COOKIE, House, SignedIn, open_session, reply, session_reply
from server.database import now_ms
from server.errors import NotFoundError, RefusedError, TakenError, TooManyError
from server.founding import hashed
from server.key_packages import forget_device
from server.ledger import Ledger
from server.passkeys import must_be_confirmed
from server.rates import Limiter
from server.service import Tickets
from server.signing import key_is_sound, verify
from server.tables import ACCOUNTS, DEVICES, SESSIONS, SUBSCRIPTIONS, TOKENS
from wire import http
from wire.bounds import ID_BYTES, from_base64url

router = APIRouter(prefix="/api")

ACCOUNT_LABEL = b"Collegium 1.0 account"
MAX_DEVICES = 16
# Tries of one device to sign in, whoever makes them.
SIGN_INS = Limiter(60, 1)
TICKETS = Limiter(60, 1)


def account_id_of(root_key: bytes) -> bytes:
    """E6: an account proves itself."""
    return sha256(ACCOUNT_LABEL + root_key).digest()[:ID_BYTES]


def _limit(limiter: Limiter, who: bytes, factor: float) -> None:
    wait = limiter.refuse(who, time.monotonic(), 1 / factor)
    if wait > 0:
        raise TooManyError(max(1, round(wait)))


def usable_token(database: Connection, token: bytes, now: int) -> Any:
    """A registration token that exists and has not run out, used or not."""
    return database.execute(
        select(TOKENS).where(TOKENS.c.hash == hashed(token), TOKENS.c.not_after > now)
    ).one_or_none()


@router.post("/accounts")
async def create_account(body: http.NewAccount, request: Request, house: House) -> Response:
    signed = b"".join(
        (
            house.deployment_id,
            body.token,
            body.account_id,
            body.root_key,
            body.device_id,
            body.sign_in_key,
            body.recovery_key,
            sha256(body.backup).digest(),
        )
    )
    if account_id_of(body.root_key) != body.account_id:
        raise RefusedError("account_id", "The account id does not come from its root key.")
    if not (key_is_sound(body.root_key) and key_is_sound(body.recovery_key)):
        raise RefusedError("proof", "A key cannot be used.")
    if not verify(body.sign_in_key, http.SIGN_IN_LABEL, signed, body.proof):
        raise RefusedError("proof", "The request is not signed by its sign-in key.")

    def run(database: Connection, _ledger: Ledger) -> bytes:
        now = now_ms()
        token = usable_token(database, body.token, now)
        if token is None:
            raise NotFoundError
        if token.used_by is not None:
            return _again(database, body, token.used_by, now)
        if database.execute(select(ACCOUNTS.c.id).where(ACCOUNTS.c.id == body.account_id)).first():
            raise TakenError("account_exists", "This account exists already.")
        if database.execute(select(DEVICES.c.id).where(DEVICES.c.id == body.device_id)).first():
            raise TakenError("device_exists", "This device exists already.")
        database.execute(
            insert(ACCOUNTS).values(
                id=body.account_id,
                root_key=body.root_key,
                recovery_key=body.recovery_key,
                backup=body.backup,
                user_handle=secrets.token_bytes(32),
                created=now,
            )
        )
        add_device(database, body.account_id, body.device_id, body.sign_in_key, now)
        database.execute(
            update(TOKENS).where(TOKENS.c.hash == hashed(body.token)).values(used_by=body.account_id)
        )
        return open_session(database, body.device_id, now, confirmed=True)

    secret = await house.hub.change(run)
    return session_reply(request, body.account_id, body.device_id, secret)


def _again(database: Connection, body: http.NewAccount, used_by: bytes, now: int) -> bytes:
    """The answer was lost on its way and the same device asks again: it is the same account."""
    same = database.execute(
        select(DEVICES.c.id).where(
            DEVICES.c.id == body.device_id,
            DEVICES.c.account == body.account_id,
            DEVICES.c.sign_in_key == body.sign_in_key,
            DEVICES.c.gone.is_(False),
        )
    ).first()
    if used_by != body.account_id or same is None:
        raise NotFoundError
    return open_session(database, body.device_id, now)


def add_device(database: Connection, account: bytes, device: bytes, sign_in_key: bytes, now: int) -> None:
    database.execute(
        insert(DEVICES).values(
            id=device, account=account, sign_in_key=sign_in_key, created=now, seen=now, gone=False
        )
    )


@router.post("/sign-in/challenge")
async def sign_in_challenge(body: http.SignInChallengeFor, house: House) -> Response:
    # The same answer for a device that does not exist (THREATS 40).
    _limit(SIGN_INS, body.device_id, house.settings.rate_factor)
    return reply(http.Challenge(challenge=house.sign_in.make(body.device_id)))


@router.post("/sign-in")
async def sign_in(body: http.SignIn, request: Request, house: House) -> Response:
    def find(database: Connection) -> tuple[bytes, bytes] | None:
        row = database.execute(
            select(DEVICES.c.account, DEVICES.c.sign_in_key).where(
                DEVICES.c.id == body.device_id, DEVICES.c.gone.is_(False)
            )
        ).one_or_none()
        return (row.account, row.sign_in_key) if row is not None else None

    asked = house.sign_in.take(body.challenge)
    found = await house.readers.read(find)
    signed = house.deployment_id + body.device_id + body.challenge
    good = (
        asked == body.device_id
        and found is not None
        and verify(found[1], http.SIGN_IN_LABEL, signed, body.signature)
    )
    if not good or found is None:
        raise RefusedError("sign_in", "This device cannot sign in.")
    secret = await house.hub.change(lambda db, _ledger: open_session(db, body.device_id, now_ms()))
    return session_reply(request, found[0], body.device_id, secret)


@router.post("/sign-out")
async def sign_out(caller: SignedIn, house: House) -> Response:
    def run(database: Connection, _ledger: Ledger) -> None:
        database.execute(delete(SESSIONS).where(SESSIONS.c.hash == caller.session))
        # A session that runs out leaves it: a device that is closed for long is woken all the same.
        database.execute(delete(SUBSCRIPTIONS).where(SUBSCRIPTIONS.c.device == caller.device))

    await house.hub.change(run)
    house.hub.sign_out(lambda connection: connection.session == caller.session)
    answer = reply(http.Empty())
    answer.delete_cookie(COOKIE, path="/", secure=True, httponly=True, samesite="strict")
    return answer


@router.put("/backup")
async def put_backup(body: http.Backup, caller: SignedIn, house: House) -> Response:
    await house.hub.change(
        lambda db, _ledger: (
            db.execute(
                update(ACCOUNTS).where(ACCOUNTS.c.id == caller.account).values(backup=body.backup)
            ).rowcount
        )
    )
    return reply(http.Empty())


@router.get("/devices")
async def devices(caller: SignedIn, house: House) -> Response:
    rows = await house.readers.read(
        lambda db: db.execute(
            select(DEVICES.c.id, DEVICES.c.created, DEVICES.c.seen)
            .where(DEVICES.c.account == caller.account, DEVICES.c.gone.is_(False))
            .order_by(DEVICES.c.created)
        ).all()
    )
    found = [
        http.Device(device_id=row.id, created=row.created, seen=row.seen, current=row.id == caller.device)
        for row in rows
    ]
    return reply(http.Devices(devices=found))


@router.delete("/devices/{device_id}")
async def remove_device(device_id: str, caller: SignedIn, house: House) -> Response:
    try:
        device = from_base64url(device_id)
    except ValueError as error:
        raise NotFoundError from error

    def run(database: Connection, _ledger: Ledger) -> None:
        must_be_confirmed(database, caller, now_ms())
        done = database.execute(
            update(DEVICES)
            .where(DEVICES.c.id == device, DEVICES.c.account == caller.account, DEVICES.c.gone.is_(False))
            .values(gone=True)
        )
        if done.rowcount == 0:
            raise NotFoundError
        database.execute(delete(SESSIONS).where(SESSIONS.c.device == device))
        forget_device(database, device)
        database.execute(delete(SUBSCRIPTIONS).where(SUBSCRIPTIONS.c.device == device))

    await house.hub.change(run)
    house.hub.sign_out(lambda connection: connection.device == device)
    house.calls.signed_out(device)  # its media may be there without a socket
    return reply(http.Empty())


@router.post("/tickets")
async def ticket(caller: SignedIn, house: House) -> Response:
    _limit(TICKETS, caller.device, house.settings.rate_factor)
    secret = house.tickets.make(Tickets(caller.device, caller.account, caller.session))
    return reply(http.Ticket(ticket=secret))
