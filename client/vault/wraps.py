"""The vault key and the ways to it (E39): a random key encrypts everything stored on this device; it is
wrapped by a passphrase and by a key from the recovery code. No wrap ever leaves the device.
"""

import unicodedata
from collections.abc import Callable
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA384
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from client.vault.storage import DamagedRowError, Wrap, WrapKind, WrongOpenerError

Rng = Callable[[int], bytes]

VAULT_KEY_BYTES = 32
SALT_BYTES = 32
NONCE_BYTES = 12
# E39: fixed in code, so that nobody can ask for less.
ARGON2_PASSES, ARGON2_KIB, ARGON2_LANES = 3, 64 * 1024, 1
# Zero nonce: each wrap draws a new salt, so its key seals exactly one message.
ZERO_NONCE = bytes(NONCE_BYTES)


@dataclass(frozen=True, slots=True)
class Passphrase:
    """What a person types, or an operator sets."""

    text: str
    kind: WrapKind = "passphrase"


@dataclass(frozen=True, slots=True)
class RecoveryKey:
    """The key for vaults that the recovery code makes (32 bytes)."""

    key: bytes
    kind: WrapKind = "recovery"


Opener = Passphrase | RecoveryKey


def _hkdf(key: bytes, salt: bytes | None, info: bytes, length: int) -> bytes:
    return HKDF(SHA384(), length, salt, info).derive(key)


def _key_for(opener: Opener, salt: bytes) -> bytes:
    if isinstance(opener, RecoveryKey):
        return _hkdf(opener.key, salt, b"Collegium 1.0 vault recovery", VAULT_KEY_BYTES)
    # RFC 8265's spirit: what is typed on two keyboards must be the same passphrase.
    typed = unicodedata.normalize("NFKC", opener.text).encode()
    return Argon2id(
        salt=salt,
        length=VAULT_KEY_BYTES,
        iterations=ARGON2_PASSES,
        lanes=ARGON2_LANES,
        memory_cost=ARGON2_KIB,
    ).derive(typed)


def _aad(kind: WrapKind) -> bytes:
    return f"Collegium 1.0 vault wrap {kind}".encode()


def wrap(vault_key: bytes, opener: Opener, rng: Rng) -> Wrap:
    """A passphrase costs a third of a second and 64 MiB: call it off the event loop."""
    salt = rng(SALT_BYTES)
    sealed = AESGCM(_key_for(opener, salt)).encrypt(ZERO_NONCE, vault_key, _aad(opener.kind))
    return Wrap(opener.kind, salt, sealed)


def unwrap(wrapped: Wrap, opener: Opener) -> bytes:
    """The vault key. Raises WrongOpenerError when it is not what this vault was wrapped with."""
    if wrapped.kind != opener.kind:
        raise WrongOpenerError(opener.kind)
    try:
        return AESGCM(_key_for(opener, wrapped.salt)).decrypt(ZERO_NONCE, wrapped.sealed, _aad(opener.kind))
    except InvalidTag as error:
        raise WrongOpenerError(opener.kind) from error


@dataclass(frozen=True, slots=True)
class RowKeys:
    """The keys for rows and for their names, apart from each other."""

    seal: bytes
    name: bytes


def row_keys(vault_key: bytes) -> RowKeys:
    okm = _hkdf(vault_key, None, b"Collegium 1.0 vault rows", 64)
    return RowKeys(okm[:32], okm[32:])


def seal_row(key: AESGCM, name: str, plaintext: bytes, rng: Rng) -> bytes:
    """One stored row: nonce ‖ ciphertext. Its name is authenticated, so that rows cannot be swapped."""
    # Random 96-bit nonces: safe for 2^32 rows under one vault key, some centuries of use.
    nonce = rng(NONCE_BYTES)
    return nonce + key.encrypt(nonce, plaintext, name.encode())


def open_row(key: AESGCM, name: str, row: bytes) -> bytes:
    """Raises DamagedRowError."""
    try:
        return key.decrypt(row[:NONCE_BYTES], row[NONCE_BYTES:], name.encode())
    except (InvalidTag, ValueError) as error:  # ValueError: not even a nonce
        raise DamagedRowError(name) from error
