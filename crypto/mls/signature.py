"""The signature schemes of the cipher suites (RFC 9420 §5.1.2, §17.1)."""

from collections.abc import Callable
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256

from crypto.mls import ed25519
from crypto.mls.bytes import Rng
from crypto.mls.errors import BadKeyError
from crypto.mls.kem import KeyPair, draw
from crypto.mls.p256 import P256_ORDER, load_p256_private, load_p256_public, p256_public_of


@dataclass(frozen=True, slots=True, eq=False)
class SignatureScheme:
    name: str
    key_pair: Callable[[Rng], KeyPair]
    public_key: Callable[[bytes], bytes]
    sign: Callable[[bytes, bytes], bytes]
    """From a private key and data. Raises BadKeyError."""
    verify: Callable[[bytes, bytes, bytes], bool]
    """Of a public key, data and a signature. Never raises: keys and signatures come from peers."""


# Enough to reduce to a scalar without bias (FIPS 186-5 §A.2.1).
_P256_SEED_LENGTH = 48


def _p256_key_pair(rng: Rng) -> KeyPair:
    scalar = int.from_bytes(draw(rng, _P256_SEED_LENGTH), "big") % (P256_ORDER - 1) + 1
    private_key = scalar.to_bytes(32, "big")
    return KeyPair(private_key, _p256_public_key(private_key))


def _p256_public_key(private_key: bytes) -> bytes:
    return p256_public_of(load_p256_private(private_key))


def _p256_sign(private_key: bytes, data: bytes) -> bytes:
    # RFC 6979: no random number whose repetition would give the key away.
    return load_p256_private(private_key).sign(data, ec.ECDSA(SHA256(), deterministic_signing=True))


def _p256_verify(public_key: bytes, data: bytes, signature: bytes) -> bool:
    try:
        load_p256_public(public_key).verify(signature, data, ec.ECDSA(SHA256()))
    except (BadKeyError, InvalidSignature):
        return False
    return True


ED25519 = SignatureScheme("Ed25519", ed25519.generate, ed25519.public_key, ed25519.sign, ed25519.verify)

# ECDSA over P-256 and SHA-256; signatures are DER, public keys uncompressed points (RFC 9420 §5.1.2).
ECDSA_P256 = SignatureScheme("P256", _p256_key_pair, _p256_public_key, _p256_sign, _p256_verify)
