"""People and devices with fixed keys, the same as in web/tests/identity/people.ts."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from hashlib import sha256

from crypto.identity.auth_service import identify_leaf
from crypto.identity.certificate import MAX_CERTIFICATE_LIFETIME, certify_device
from crypto.identity.credential import LeafIdentity, encode_credential
from crypto.identity.identity import Identity, new_identity
from crypto.identity.recovery_code import new_recovery_code
from crypto.identity.root_keys import RootKeys, root_keys
from crypto.mls import ed25519
from crypto.mls.bytes import Rng
from crypto.mls.errors import MlsError
from crypto.mls.kem import KeyPair
from crypto.room.errors import RoomError


def seeded(name: str) -> Rng:
    """Random bytes that are the same at every run."""
    blocks = 0

    def rng(length: int) -> bytes:
        nonlocal blocks
        out = b""
        while len(out) < length:
            out += sha256(name.encode() + blocks.to_bytes(4, "big")).digest()
            blocks += 1
        return out[:length]

    return rng


def id_of(name: str) -> bytes:
    return seeded(f"id {name}")(16)


def key_pair(name: str) -> KeyPair:
    return ed25519.generate(seeded(f"key {name}"))


NOW = 1_800_000_000_000
DEPLOYMENT = id_of("deployment")


@dataclass(frozen=True, slots=True)
class Someone:
    code: bytes
    keys: RootKeys
    identity: Identity


@cache
def someone(name: str) -> Someone:
    """The same person whenever the name is the same."""
    code = new_recovery_code(seeded(f"code {name}"))
    keys = root_keys(code)
    return Someone(code, keys, new_identity(keys, seeded(f"identity {name}")))


NOT_AFTER = NOW + MAX_CERTIFICATE_LIFETIME


@dataclass(frozen=True, slots=True)
class Device:
    leaf_key: KeyPair
    device_id: bytes
    certificate: bytes
    credential: bytes


def device(
    identity: Identity,
    name: str,
    *,
    serial: int = 1,
    leaf_key: KeyPair | None = None,
    deployment_id: bytes = DEPLOYMENT,
    not_before: int = NOW,
    not_after: int = NOT_AFTER,
) -> Device:
    leaf_key = leaf_key or key_pair(f"leaf {name}")
    device_id = id_of(f"device {name}")
    certificate = certify_device(
        identity,
        deployment_id=deployment_id,
        device_id=device_id,
        leaf_key=leaf_key.public_key,
        serial=serial,
        not_before=not_before,
        not_after=not_after,
    )
    return Device(leaf_key, device_id, certificate, encode_credential(identity.chain, certificate))


def leaf_of(identity: Identity, name: str, serial: int = 1, leaf_key: KeyPair | None = None) -> LeafIdentity:
    made = device(identity, name, serial=serial, leaf_key=leaf_key)
    return identify_leaf(made.credential, made.leaf_key.public_key)


def spoilt(data: bytes, at: int) -> bytes:
    """One bit flipped."""
    out = bytearray(data)
    out[at] ^= 1
    return bytes(out)


def code_of(run: Callable[[], object]) -> str:
    """The code of the error that is raised."""
    try:
        run()
    except (MlsError, RoomError) as error:
        return error.code
    return "nothing was raised"
