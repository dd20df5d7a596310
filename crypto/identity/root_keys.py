"""What a recovery code makes. None of it is stored on a device after set-up (E6)."""

from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final

from crypto.identity.recovery_code import RECOVERY_CODE_BYTES
from crypto.mls import ed25519
from crypto.mls.errors import UsageError
from crypto.mls.kdf import HKDF_SHA384
from crypto.mls.kem import KeyPair
from crypto.mls.xwing import MLKEM768_X25519

ID_BYTES: Final = 16
KEY_BYTES: Final = 32
ACCOUNT_LABEL: Final = b"Collegium 1.0 account"
_SALT: Final = b"Collegium 1.0 recovery code"


@dataclass(frozen=True, slots=True)
class RootKeys:
    """`root` (Ed25519) signs identity statements (E7); `recovery` (Ed25519) proves to the server that the
    code is here (PROTOCOL.md §2); the recovery bundle is sealed to `seal` (X-Wing, E22); `vault_key` opens
    this device's vault when its passphrase is forgotten (E39).
    """

    root: KeyPair
    recovery: KeyPair
    seal: KeyPair
    vault_key: bytes = field(repr=False)


def root_keys(code: bytes) -> RootKeys:
    """Raises UsageError when the code is not of 15 bytes."""
    if len(code) != RECOVERY_CODE_BYTES:
        raise UsageError("recovery_code", f"a recovery code of {len(code)} bytes")
    # 120 random bits need no slow function: HKDF alone (E6).
    prk = HKDF_SHA384.extract(_SALT, code)

    def derive(purpose: str) -> bytes:
        return HKDF_SHA384.expand(prk, f"Collegium 1.0 code {purpose}".encode(), KEY_BYTES)

    return RootKeys(
        root=_signature_key_pair(derive("root")),
        recovery=_signature_key_pair(derive("recovery")),
        seal=MLKEM768_X25519.derive_key_pair(derive("seal")),
        vault_key=derive("vault"),
    )


def account_id_of(root_key: bytes) -> bytes:
    """E6: an account id proves itself, for it is a hash of its first root key."""
    return sha256(ACCOUNT_LABEL + root_key).digest()[:ID_BYTES]


def _signature_key_pair(seed: bytes) -> KeyPair:
    return KeyPair(seed, ed25519.public_key(seed))
