"""Coming back with the recovery code: prove it, get the sealed bundle, register one new device."""

import time

from fastapi import APIRouter, Request, Response
from sqlalchemy import Connection, func, select

from server.accounts import MAX_DEVICES, add_device
from server.caller import House, open_session, reply, session_reply
from server.database import now_ms
from server.errors import RefusedError, TakenError, TooManyError
from server.ledger import Ledger
from server.rates import Limiter
from server.signing import verify
from server.tables import ACCOUNTS, DEVICES
from wire import http

router = APIRouter(prefix="/api/recovery")

# A code has 120 bits; this is against load, not against guessing.
TRIES = Limiter(20, 1 / 30)


@router.post("/challenge")
async def challenge(body: http.RecoveryChallengeFor, house: House) -> Response:
    wait = TRIES.refuse(body.account_id, time.monotonic(), 1 / house.settings.rate_factor)
    if wait > 0:
        raise TooManyError(max(1, round(wait)))
    # The same answer for an account that does not exist (THREATS 40).
    return reply(http.Challenge(challenge=house.recovery.make(body.account_id)))


@router.post("/open")
async def open_backup(body: http.RecoveryOpen, house: House) -> Response:
    row = await house.readers.read(
        lambda db: db.execute(
            select(ACCOUNTS.c.recovery_key, ACCOUNTS.c.backup).where(ACCOUNTS.c.id == body.account_id)
        ).one_or_none()
    )
    asked = house.recovery.take(body.challenge)
    signed = house.deployment_id + body.account_id + body.challenge
    if (
        asked != body.account_id
        or row is None
        or not verify(row.recovery_key, http.RECOVERY_LABEL, signed, body.signature)
    ):
        raise RefusedError("recovery", "This recovery code opens no account here.")
    return reply(http.RecoveryOpened(backup=row.backup, grant=house.grants.make(body.account_id)))


@router.post("/device")
async def register(body: http.RecoveryDevice, request: Request, house: House) -> Response:
    signed = house.deployment_id + body.grant + body.device_id + body.sign_in_key
    if not verify(body.sign_in_key, http.SIGN_IN_LABEL, signed, body.proof):
        raise RefusedError("proof", "The request is not signed by its sign-in key.")
    account = house.grants.take(body.grant)
    if account is None:
        raise RefusedError("grant", "Too much time has passed: enter the recovery code again.")

    def run(database: Connection, _ledger: Ledger) -> bytes:
        now = now_ms()
        if database.execute(select(DEVICES.c.id).where(DEVICES.c.id == body.device_id)).first():
            raise TakenError("device_exists", "This device exists already.")
        count = database.execute(
            select(func.count())
            .select_from(DEVICES)
            .where(DEVICES.c.account == account, DEVICES.c.gone.is_(False))
        ).scalar_one()
        if count >= MAX_DEVICES:
            raise RefusedError(
                "too_many_devices", f"An account has at most {MAX_DEVICES} devices; remove one first."
            )
        add_device(database, account, body.device_id, body.sign_in_key, now)
        return open_session(database, body.device_id, now, confirmed=True)

    secret = await house.hub.change(run)
    return session_reply(request, account, body.device_id, secret)
