"""Who this device is to the server: registration, sign-in, and calls that sign in again where that was
forgotten.
"""

import asyncio
from collections.abc import Callable

from client.engine.http import Http, M
from client.engine.records import Account, Recover, Register
from client.errors import ServerError
from crypto.identity.sign_in import prove_new_account, prove_recovered_device, prove_sign_in
from wire import http as bodies
from wire.bounds import Strict, to_base64url


async def server_info(http: Http) -> bodies.ServerInfo:
    """Which server this is, and its clock. Raises ServerError."""
    return await http.call("GET", "/api/server", bodies.ServerInfo)


async def enrol(http: Http, account: Account) -> None:
    """Offer a new account or a recovered device to the server; the answer holds a session. Raises
    ServerError.
    """
    match account.pending:
        case Register():
            answer = await http.call(
                "POST", "/api/accounts", bodies.Session, _registration(account, account.pending)
            )
        case Recover():
            answer = await http.call(
                "POST", "/api/recovery/device", bodies.Session, _comeback(account, account.pending)
            )
        case None:
            return
    http.session = answer.session


def _registration(account: Account, pending: Register) -> bodies.NewAccount:
    proof = prove_new_account(
        account.sign_in,
        deployment_id=account.deployment_id,
        token=pending.token,
        account_id=account.identity.account_id,
        root_key=account.identity.root_key,
        device_id=account.device_id,
        recovery_key=pending.recovery_key,
        backup=pending.backup,
    )
    return bodies.NewAccount(
        token=pending.token,
        account_id=account.identity.account_id,
        root_key=account.identity.root_key,
        device_id=account.device_id,
        sign_in_key=account.sign_in.public_key,
        recovery_key=pending.recovery_key,
        proof=proof,
        backup=pending.backup,
    )


def _comeback(account: Account, pending: Recover) -> bodies.RecoveryDevice:
    proof = prove_recovered_device(
        account.sign_in,
        deployment_id=account.deployment_id,
        grant=pending.grant,
        device_id=account.device_id,
    )
    return bodies.RecoveryDevice(
        grant=pending.grant,
        device_id=account.device_id,
        sign_in_key=account.sign_in.public_key,
        proof=proof,
    )


class Auth:
    """The calls that need a session."""

    def __init__(self, http: Http, account: Callable[[], Account]) -> None:
        self._http, self._account = http, account
        self._signing = asyncio.Lock()

    async def call(self, method: str, path: str, answer: type[M], body: Strict | None = None) -> M:
        """Raises ServerError; "sign_in" when the device is no more."""
        if self._http.session is None:
            await self._sign_in(None)
        used = self._http.session
        try:
            return await self._http.call(method, path, answer, body)
        except ServerError as error:
            if error.code != "signed_out":
                raise
        await self._sign_in(used)
        return await self._http.call(method, path, answer, body)

    async def _sign_in(self, instead_of: bytes | None) -> None:
        """A new session by the sign-in key, unless somebody else made one meanwhile. Raises ServerError."""
        async with self._signing:
            if self._http.session == instead_of:
                await self.sign_in()

    async def sign_in(self) -> None:
        """Raises ServerError."""
        account = self._account()
        asked = await self._http.call(
            "POST",
            "/api/sign-in/challenge",
            bodies.Challenge,
            bodies.SignInChallengeFor(device_id=account.device_id),
        )
        signature = prove_sign_in(
            account.sign_in,
            deployment_id=account.deployment_id,
            device_id=account.device_id,
            challenge=asked.challenge,
        )
        body = bodies.SignIn(device_id=account.device_id, challenge=asked.challenge, signature=signature)
        answer = await self._http.call("POST", "/api/sign-in", bodies.Session, body)
        self._http.session = answer.session

    async def ticket(self) -> str:
        """Opens one socket. Raises ServerError."""
        return to_base64url((await self.call("POST", "/api/tickets", bodies.Ticket)).ticket)
