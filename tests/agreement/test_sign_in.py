"""The four proofs of PROTOCOL.md §2, as the Python client makes them: what the browser must make as well.

`sign_in.json` beside this file holds them. `python tests/agreement/test_sign_in.py` writes it again.
"""

import asyncio
import json
import sys
from hashlib import sha256
from pathlib import Path
from typing import Any

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.opaque.identity import Identity, public
from tests.opaque.session import Http, Session
from wire.bounds import ID_BYTES, Strict, to_base64url

FILE = Path(__file__).with_name("sign_in.json")
BACKUP = b"a sealed bundle, to the server"


def fixed(name: str) -> bytes:
    return sha256(b"agreement: " + name.encode()).digest()


def key(name: str) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(fixed(name))


class RecordingHttp(Http):
    """Answers with fixed challenges and keeps what was sent."""

    def __init__(self) -> None:
        super().__init__("http://localhost")
        self.sent: dict[str, Any] = {}

    async def call(self, method: str, path: str, body: Strict | None = None) -> Any:
        self.sent[path] = body
        return {
            "deployment_id": to_base64url(fixed("deployment")[:ID_BYTES]),
            "challenge": to_base64url(fixed("challenge")),
            "backup": to_base64url(BACKUP),
            "grant": to_base64url(fixed("grant")),
            "session": to_base64url(fixed("session")),
        }


async def proofs() -> dict[str, Any]:
    me = Identity(key("root"), key("recovery"), key("sign-in"), fixed("device")[:ID_BYTES])
    session = Session("http://localhost", me)
    await session.http.close()
    session.http = http = RecordingHttp()
    await session.register(fixed("token"), BACKUP)
    await session.sign_in()
    await session.recover()
    await session.close()
    sent = http.sent
    return {
        "given": {
            "deployment_id": fixed("deployment")[:ID_BYTES].hex(),
            "device_id": me.device.hex(),
            "account_id": me.account.hex(),
            "root_key": public(me.root).hex(),
            "sign_in_private": fixed("sign-in").hex(),
            "sign_in_key": public(me.sign_in).hex(),
            "recovery_private": fixed("recovery").hex(),
            "recovery_key": public(me.recovery).hex(),
            "token": fixed("token").hex(),
            "challenge": fixed("challenge").hex(),
            "grant": fixed("grant").hex(),
            "backup": BACKUP.hex(),
        },
        "new_account": sent["/api/accounts"].proof.hex(),
        "sign_in": sent["/api/sign-in"].signature.hex(),
        "recovery": sent["/api/recovery/open"].signature.hex(),
        "recovered_device": sent["/api/recovery/device"].proof.hex(),
    }


def written() -> str:
    return json.dumps(asyncio.run(proofs()), indent=1) + "\n"


def test_the_browser_is_given_what_the_python_client_signs() -> None:
    assert FILE.read_text() == written()


if __name__ == "__main__":
    FILE.write_text(written())
