"""From a base key to the key and salt of one KID (RFC 9605 §4.4.2)."""

from typing import Final, NamedTuple

from crypto.mls.bytes import u64
from crypto.sframe.suites import AES_256_GCM_SHA512, SframeSuite

BASE_KEY_LABEL: Final = "SFrame 1.0 Base Key"
"""E35, RFC 9605 §5.2: export_secret(group, BASE_KEY_LABEL, b"", BASE_KEY_LENGTH) is an epoch's base key."""
BASE_KEY_LENGTH: Final = AES_256_GCM_SHA512.aead.nk


class KeyAndSalt(NamedTuple):
    key: bytes
    salt: bytes


def sframe_secret(suite: SframeSuite, base_key: bytes) -> bytes:
    """It is the same for every KID, so whoever has many of them extracts once."""
    return suite.kdf.extract(b"", base_key)


def key_and_salt(suite: SframeSuite, secret: bytes, kid: int) -> KeyAndSalt:
    """The labels hold KID and suite: two KIDs never share a key, nor does one KID in two suites."""
    context = u64(kid) + suite.id.to_bytes(2, "big")
    return KeyAndSalt(
        suite.kdf.expand(secret, b"SFrame 1.0 Secret key " + context, suite.aead.nk),
        suite.kdf.expand(secret, b"SFrame 1.0 Secret salt " + context, suite.aead.nn),
    )


def nonce_of(salt: bytes, ctr: int) -> bytes:
    """The salt, with the counter xored into its end (RFC 9605 §4.4.3)."""
    return (int.from_bytes(salt, "big") ^ ctr).to_bytes(len(salt), "big")
