"""Passkeys: registered to an account, asked for before an account is changed. Their PRF result never comes
here.
"""

import json
import secrets
import time
from typing import Any

import webauthn
from fastapi import APIRouter, Response
from sqlalchemy import Connection, func, insert, select, update
from webauthn.helpers import base64url_to_bytes, parse_client_data_json
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from server.caller import CONFIRMED_MS, Caller, House, SignedIn, reply
from server.database import now_ms
from server.errors import RefusedError, TakenError, TooManyError
from server.ledger import Ledger
from server.rates import Limiter
from server.service import Service
from server.tables import ACCOUNTS, PASSKEYS, SESSIONS
from wire import http
from wire.bounds import MAX_PASSKEYS

router = APIRouter(prefix="/api/passkeys")

USER_HANDLE_BYTES = 32
# Tries for one account id before it is signed in: a person and a few mistakes.
FIRST = Limiter(20, 1 / 30)
# Nobody's name: the platform shows this beside the key.
USER_NAME = "Collegium"
BAD = RefusedError("passkey", "The passkey was not accepted.")


def must_be_confirmed(database: Connection, caller: Caller, now: int) -> None:
    """Where an account has a passkey, what changes it needs a fresh use of one."""
    has = database.execute(select(PASSKEYS.c.id).where(PASSKEYS.c.account == caller.account)).first()
    if has is not None and caller.confirmed_until <= now:
        raise RefusedError("confirm", "Confirm with your passkey first.")


def _known(database: Connection, account: bytes) -> list[PublicKeyCredentialDescriptor]:
    rows = database.execute(select(PASSKEYS.c.id).where(PASSKEYS.c.account == account))
    return [PublicKeyCredentialDescriptor(id=row.id) for row in rows]


def _challenge_of(credential: dict[str, Any]) -> bytes:
    """Which of our challenges a ceremony answers. Raises RefusedError."""
    try:
        data = base64url_to_bytes(credential["response"]["clientDataJSON"])
        return parse_client_data_json(data).challenge
    except (KeyError, TypeError, ValueError, WebAuthnException) as error:
        raise BAD from error


def _without_extensions(credential: dict[str, Any]) -> dict[str, Any]:
    """A PRF result that a client forgot to delete is dropped before anything else sees it."""
    return {name: value for name, value in credential.items() if name != "clientExtensionResults"}


def _registration(
    house: Service, account: bytes, handle: bytes, known: list[PublicKeyCredentialDescriptor]
) -> Response:
    made = webauthn.generate_registration_options(
        rp_id=house.settings.rp_id,
        rp_name="Collegium",
        user_name=USER_NAME,
        user_id=handle,
        challenge=house.passkey.make(account),
        exclude_credentials=known,
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.PREFERRED,
            user_verification=UserVerificationRequirement.REQUIRED,
        ),
    )
    return reply(http.PasskeyOptions(options=json.loads(webauthn.options_to_json(made))))


@router.post("/first-options")
async def first_options(body: http.FirstPasskeyFor, house: House) -> Response:
    """Before there is a session. The challenge counts for this account id alone, and a session of it must
    register the answer. Nothing here depends on whether the account exists (THREATS 40): the handle is
    random, and no known credentials are listed.
    """
    wait = FIRST.refuse(body.account_id, time.monotonic(), 1 / house.settings.rate_factor)
    if wait > 0:
        raise TooManyError(max(1, round(wait)))
    return _registration(house, body.account_id, secrets.token_bytes(USER_HANDLE_BYTES), [])


@router.post("/options")
async def options(caller: SignedIn, house: House) -> Response:
    handle, known = await house.readers.read(
        lambda db: (
            db.execute(select(ACCOUNTS.c.user_handle).where(ACCOUNTS.c.id == caller.account)).scalar_one(),
            _known(db, caller.account),
        )
    )
    return _registration(house, caller.account, handle, known)


@router.post("/register")
async def register(body: http.PasskeyAnswer, caller: SignedIn, house: House) -> Response:
    challenge = _challenge_of(body.credential)
    if house.passkey.take(challenge) != caller.account:
        raise BAD
    try:
        verified = webauthn.verify_registration_response(
            credential=_without_extensions(body.credential),
            expected_challenge=challenge,
            expected_rp_id=house.settings.rp_id,
            expected_origin=list(house.settings.origins),
            require_user_verification=True,
        )
    except (WebAuthnException, KeyError, TypeError, ValueError) as error:
        raise BAD from error

    def run(database: Connection, _ledger: Ledger) -> int:
        now = now_ms()
        if database.execute(select(PASSKEYS.c.id).where(PASSKEYS.c.id == verified.credential_id)).first():
            raise TakenError("passkey_exists", "This passkey is registered already.")
        must_be_confirmed(database, caller, now)
        count: int = database.execute(
            select(func.count()).select_from(PASSKEYS).where(PASSKEYS.c.account == caller.account)
        ).scalar_one()
        if count >= MAX_PASSKEYS:
            raise RefusedError("too_many_passkeys", f"An account has at most {MAX_PASSKEYS} passkeys.")
        database.execute(
            insert(PASSKEYS).values(
                id=verified.credential_id,
                account=caller.account,
                public_key=verified.credential_public_key,
                sign_count=verified.sign_count,
                created=now,
            )
        )
        return count + 1

    return reply(http.Passkeys(count=await house.hub.change(run)))


@router.post("/assert-options")
async def assert_options(caller: SignedIn, house: House) -> Response:
    known = await house.readers.read(lambda db: _known(db, caller.account))
    made = webauthn.generate_authentication_options(
        rp_id=house.settings.rp_id,
        challenge=house.passkey.make(caller.account),
        allow_credentials=known,
        user_verification=UserVerificationRequirement.REQUIRED,
    )
    return reply(http.PasskeyOptions(options=json.loads(webauthn.options_to_json(made))))


@router.post("/assert")
async def assert_passkey(body: http.PasskeyAnswer, caller: SignedIn, house: House) -> Response:
    challenge = _challenge_of(body.credential)
    if house.passkey.take(challenge) != caller.account:
        raise BAD
    try:
        key_id = base64url_to_bytes(body.credential["rawId"])
    except (KeyError, TypeError, ValueError) as error:
        raise BAD from error
    row = await house.readers.read(
        lambda db: db.execute(
            select(PASSKEYS).where(PASSKEYS.c.id == key_id, PASSKEYS.c.account == caller.account)
        ).one_or_none()
    )
    if row is None:
        raise BAD
    try:
        verified = webauthn.verify_authentication_response(
            credential=_without_extensions(body.credential),
            expected_challenge=challenge,
            expected_rp_id=house.settings.rp_id,
            expected_origin=list(house.settings.origins),
            credential_public_key=row.public_key,
            credential_current_sign_count=row.sign_count,
            require_user_verification=True,
        )
    except (WebAuthnException, KeyError, TypeError, ValueError) as error:
        raise BAD from error
    until = now_ms() + CONFIRMED_MS

    def run(database: Connection, _ledger: Ledger) -> None:
        database.execute(
            update(PASSKEYS).where(PASSKEYS.c.id == key_id).values(sign_count=verified.new_sign_count)
        )
        database.execute(
            update(SESSIONS).where(SESSIONS.c.hash == caller.session).values(confirmed_until=until)
        )

    await house.hub.change(run)
    return reply(http.Confirmed(until=until))
