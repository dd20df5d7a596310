"""What is signed for the server (PROTOCOL.md §2).

The parts are joined without separators, so each has a fixed length that is checked here: the server chooses
challenges, and must not choose where one part ends (THREATS 44).
"""

from hashlib import sha256
from typing import Final

from crypto.identity.root_keys import ID_BYTES, KEY_BYTES
from crypto.identity.signed import sign_labelled
from crypto.identity.statement import sized
from crypto.mls import ed25519
from crypto.mls.bytes import Rng
from crypto.mls.kem import KeyPair

# A token, a challenge or a grant.
_SECRET_BYTES: Final = 32


def new_sign_in_key(rng: Rng) -> KeyPair:
    """A device's key for signing in, which exists for that alone and is never an MLS key (E5)."""
    return ed25519.generate(rng)


def prove_new_account(
    sign_in: KeyPair,
    *,
    deployment_id: bytes,
    token: bytes,
    account_id: bytes,
    root_key: bytes,
    device_id: bytes,
    recovery_key: bytes,
    backup: bytes,
) -> bytes:
    """`proof` of `POST /api/accounts`. `backup` is the sealed bundle."""
    content = b"".join(
        (
            sized(deployment_id, ID_BYTES),
            sized(token, _SECRET_BYTES),
            sized(account_id, ID_BYTES),
            sized(root_key, KEY_BYTES),
            sized(device_id, ID_BYTES),
            sign_in.public_key,
            sized(recovery_key, KEY_BYTES),
            sha256(backup).digest(),
        )
    )
    return sign_labelled(sign_in.private_key, "sign-in", content)


def prove_sign_in(sign_in: KeyPair, *, deployment_id: bytes, device_id: bytes, challenge: bytes) -> bytes:
    """`signature` of `POST /api/sign-in`."""
    content = sized(deployment_id, ID_BYTES) + sized(device_id, ID_BYTES) + sized(challenge, _SECRET_BYTES)
    return sign_labelled(sign_in.private_key, "sign-in", content)


def prove_recovery(recovery: KeyPair, *, deployment_id: bytes, account_id: bytes, challenge: bytes) -> bytes:
    """`signature` of `POST /api/recovery/open`, by the key that the recovery code makes."""
    content = sized(deployment_id, ID_BYTES) + sized(account_id, ID_BYTES) + sized(challenge, _SECRET_BYTES)
    return sign_labelled(recovery.private_key, "recovery", content)


def prove_recovered_device(
    sign_in: KeyPair, *, deployment_id: bytes, grant: bytes, device_id: bytes
) -> bytes:
    """`proof` of `POST /api/recovery/device`, by the new device's key."""
    content = b"".join(
        (
            sized(deployment_id, ID_BYTES),
            sized(grant, _SECRET_BYTES),
            sized(device_id, ID_BYTES),
            sign_in.public_key,
        )
    )
    return sign_labelled(sign_in.private_key, "sign-in", content)
