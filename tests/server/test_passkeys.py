"""Passkeys with an authenticator of the test's own: made before there is an account, used to change it."""

import json
import secrets
from hashlib import sha256
from pathlib import Path
from typing import Any

import cbor2
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from tests.house_server import HouseServer, run
from tests.opaque.session import Session
from tests.server.test_accounts import refused
from wire import http
from wire.bounds import to_base64url

# WebAuthn §6.1: user present, user verified, attested credential data included.
PRESENT, VERIFIED, ATTESTED = 0x01, 0x04, 0x40


class Authenticator:
    """One ES256 passkey with attestation "none", and the browser around it."""

    def __init__(self, origin: str) -> None:
        self._key, self.id, self._origin = (
            ec.generate_private_key(ec.SECP256R1()),
            secrets.token_bytes(32),
            origin,
        )

    def _client_data(self, kind: str, challenge: str) -> bytes:
        return json.dumps({"type": kind, "challenge": challenge, "origin": self._origin}).encode()

    def _data(self, flags: int) -> bytes:
        return sha256(b"localhost").digest() + bytes([flags | PRESENT | VERIFIED]) + (0).to_bytes(4, "big")

    def _answer(self, response: dict[str, bytes]) -> http.PasskeyAnswer:
        name = to_base64url(self.id)
        encoded = {field: to_base64url(value) for field, value in response.items()}
        return http.PasskeyAnswer(
            credential={"id": name, "rawId": name, "type": "public-key", "response": encoded}
        )

    def make(self, options: dict[str, Any]) -> http.PasskeyAnswer:
        numbers = self._key.public_key().public_numbers()
        public = {1: 2, 3: -7, -1: 1, -2: numbers.x.to_bytes(32, "big"), -3: numbers.y.to_bytes(32, "big")}
        credential = bytes(16) + len(self.id).to_bytes(2, "big") + self.id + cbor2.dumps(public)
        attested = {"fmt": "none", "attStmt": {}, "authData": self._data(ATTESTED) + credential}
        client_data = self._client_data("webauthn.create", options["challenge"])
        return self._answer({"clientDataJSON": client_data, "attestationObject": cbor2.dumps(attested)})

    def use(self, options: dict[str, Any]) -> http.PasskeyAnswer:
        client_data = self._client_data("webauthn.get", options["challenge"])
        data = self._data(0)
        signature = self._key.sign(data + sha256(client_data).digest(), ec.ECDSA(hashes.SHA256()))
        return self._answer(
            {"clientDataJSON": client_data, "authenticatorData": data, "signature": signature}
        )


async def first_options(session: Session) -> dict[str, Any]:
    body = http.FirstPasskeyFor(account_id=session.identity.account)
    options: dict[str, Any] = (await session.http.post("/api/passkeys/first-options", body))["options"]
    return options


async def forget_confirmation(session: Session) -> None:
    """An ordinary sign-in: what the registration was worth is not carried on."""
    await session.sign_in()


def origin(house: HouseServer) -> str:
    return f"http://localhost:{house.port}"


def test_a_passkey_is_made_before_the_account_and_registered_after_it(house: HouseServer) -> None:
    async def work() -> None:
        me, key = Session(house.base), Authenticator(origin(house))
        options = await first_options(me)
        assert options["rp"]["id"] == "localhost"
        assert options.get("excludeCredentials", []) == []
        made = key.make(options)
        assert await refused(me.http.post("/api/passkeys/register", made)) == (401, "signed_out")
        await me.register(house.token())
        assert await me.http.post("/api/passkeys/register", made) == {"count": 1}
        # Once: the challenge is used up.
        assert await refused(me.http.post("/api/passkeys/register", made)) == (403, "passkey")

    run(work())


def test_a_first_challenge_is_for_its_account_alone(house: HouseServer) -> None:
    async def work() -> None:
        me, thief = Session(house.base), Session(house.base)
        await thief.register(house.token())
        made = Authenticator(origin(house)).make(await first_options(me))
        assert await refused(thief.http.post("/api/passkeys/register", made)) == (403, "passkey")

    run(work())


def test_first_options_say_nothing_about_an_account(house: HouseServer) -> None:
    """THREATS 40: the same for one that exists, has passkeys, or was never heard of."""

    async def work() -> None:
        me, nobody = Session(house.base), Session(house.base)
        key = Authenticator(origin(house))
        made = key.make(await first_options(me))
        await me.register(house.token())
        await me.http.post("/api/passkeys/register", made)
        known, unknown = await first_options(me), await first_options(nobody)
        assert known["user"]["id"] != (await first_options(me))["user"]["id"]
        for options in (known, unknown):
            for random in (options["user"], options):
                random.pop("id" if random is options["user"] else "challenge")
        assert known == unknown

    run(work())


def test_first_options_are_limited_for_each_account(tmp_path: Path) -> None:
    house = HouseServer(tmp_path, rate_factor="1").start()

    async def work() -> None:
        me = Session(house.base)
        for _ in range(20):
            await first_options(me)
        assert await refused(first_options(me)) == (429, "too_many")
        await first_options(Session(house.base))

    try:
        run(work())
    finally:
        house.close()


def test_a_new_account_and_a_recovery_count_as_confirmed(house: HouseServer) -> None:
    async def work() -> None:
        me = Session(house.base)
        first, second, third = (Authenticator(origin(house)) for _ in range(3))
        made = first.make(await first_options(me))
        await me.register(house.token())
        await me.http.post("/api/passkeys/register", made)

        async def add(session: Session, key: Authenticator) -> Any:
            options = (await session.http.post("/api/passkeys/options"))["options"]
            return await session.http.post("/api/passkeys/register", key.make(options))

        assert await add(me, second) == {"count": 2}
        await forget_confirmation(me)
        assert await refused(add(me, third)) == (403, "confirm")
        path = "/api/devices/" + to_base64url(secrets.token_bytes(16))
        assert await refused(me.http.call("DELETE", path)) == (403, "confirm")

        back = Session(house.base, me.identity.other_device())
        again = third.make(await first_options(back))
        await back.recover()
        assert await back.http.post("/api/passkeys/register", again) == {"count": 3}

    run(work())


def test_a_use_of_the_passkey_confirms(house: HouseServer) -> None:
    async def work() -> None:
        me, key, wrong = Session(house.base), Authenticator(origin(house)), Authenticator(origin(house))
        made = key.make(await first_options(me))
        await me.register(house.token())
        await me.http.post("/api/passkeys/register", made)
        await forget_confirmation(me)
        lost = Session(house.base, me.identity.other_device())
        await lost.recover()
        path = "/api/devices/" + to_base64url(lost.device)
        assert await refused(me.http.call("DELETE", path)) == (403, "confirm")
        options = (await me.http.post("/api/passkeys/assert-options"))["options"]
        assert [c["id"] for c in options["allowCredentials"]] == [to_base64url(key.id)]
        assert await refused(me.http.post("/api/passkeys/assert", wrong.use(options))) == (403, "passkey")
        options = (await me.http.post("/api/passkeys/assert-options"))["options"]
        await me.http.post("/api/passkeys/assert", key.use(options))
        await me.http.call("DELETE", path)

    run(work())
