"""The four proofs of PROTOCOL.md §2, as Python makes them: what the browser must make as well.

`sign_in.json` beside this file holds them. `python tests/agreement/test_sign_in.py` writes it again.
"""

import json
import sys
from hashlib import sha256
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from crypto.identity.root_keys import ID_BYTES, account_id_of
from crypto.identity.sign_in import prove_new_account, prove_recovered_device, prove_recovery, prove_sign_in
from crypto.mls import ed25519
from crypto.mls.kem import KeyPair

FILE = Path(__file__).with_name("sign_in.json")
BACKUP = b"a sealed bundle, to the server"


def fixed(name: str) -> bytes:
    return sha256(b"agreement: " + name.encode()).digest()


def key(name: str) -> KeyPair:
    return KeyPair(fixed(name), ed25519.public_key(fixed(name)))


def written() -> str:
    root, recovery, sign_in = key("root"), key("recovery"), key("sign-in")
    deployment, device = fixed("deployment")[:ID_BYTES], fixed("device")[:ID_BYTES]
    account = account_id_of(root.public_key)
    new_account = prove_new_account(
        sign_in,
        deployment_id=deployment,
        token=fixed("token"),
        account_id=account,
        root_key=root.public_key,
        device_id=device,
        recovery_key=recovery.public_key,
        backup=BACKUP,
    )
    challenge, grant = fixed("challenge"), fixed("grant")
    answers = {
        "given": {
            "deployment_id": deployment.hex(),
            "device_id": device.hex(),
            "account_id": account.hex(),
            "root_key": root.public_key.hex(),
            "sign_in_private": sign_in.private_key.hex(),
            "sign_in_key": sign_in.public_key.hex(),
            "recovery_private": recovery.private_key.hex(),
            "recovery_key": recovery.public_key.hex(),
            "token": fixed("token").hex(),
            "challenge": challenge.hex(),
            "grant": grant.hex(),
            "backup": BACKUP.hex(),
        },
        "new_account": new_account.hex(),
        "sign_in": prove_sign_in(
            sign_in, deployment_id=deployment, device_id=device, challenge=challenge
        ).hex(),
        "recovery": prove_recovery(
            recovery, deployment_id=deployment, account_id=account, challenge=challenge
        ).hex(),
        "recovered_device": prove_recovered_device(
            sign_in, deployment_id=deployment, grant=grant, device_id=device
        ).hex(),
    }
    return json.dumps(answers, indent=1) + "\n"


def test_the_browser_is_given_what_python_signs() -> None:
    assert FILE.read_text() == written()


if __name__ == "__main__":
    FILE.write_text(written())
