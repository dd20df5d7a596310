"""DHKEM (RFC 9180 §4.1) over X25519 and P-256: suites 1 to 3, for vectors and interoperability (E1)."""

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from crypto.mls.errors import BadKeyError
from crypto.mls.kdf import HKDF_SHA256
from crypto.mls.kem import Encapsulated, Kem, KeyPair, require_key_length
from crypto.mls.labelled_kdf import LabelledKdf, two_octets
from crypto.mls.p256 import (
    P256_ORDER,
    P256_PUBLIC_LENGTH,
    load_p256_private,
    load_p256_public,
    p256_public_of,
)
from crypto.mls.x25519 import check_x25519_public_key, load_private, public_of, x25519_agree

# RFC 9180 §7.1.3: a counter of one octet.
_MAX_P256_CANDIDATES = 256
_PRIVATE_LENGTH = 32


def _labelled(kem_id: int) -> LabelledKdf:
    return LabelledKdf(HKDF_SHA256, b"KEM" + two_octets(kem_id))


def _extract_and_expand(kdf: LabelledKdf, agreed: bytes, kem_output: bytes, public_key: bytes) -> bytes:
    """RFC 9180 §4.1, ExtractAndExpand."""
    prk = kdf.extract(b"", b"eae_prk", agreed)
    return kdf.expand(prk, b"shared_secret", kem_output + public_key, HKDF_SHA256.nh)


def _dhkem_x25519() -> Kem:
    kem_id = 0x0020
    kdf = _labelled(kem_id)

    def private_of(ikm: bytes) -> bytes:
        # RFC 9180 §7.1.3
        return kdf.expand(kdf.extract(b"", b"dkp_prk", ikm), b"sk", b"", _PRIVATE_LENGTH)

    def derive_key_pair(ikm: bytes) -> KeyPair:
        private_key = private_of(ikm)
        return KeyPair(private_key, public_of(X25519PrivateKey.from_private_bytes(private_key)))

    def encapsulate(public_key: bytes, randomness: bytes) -> Encapsulated:
        ephemeral = X25519PrivateKey.from_private_bytes(private_of(randomness))
        agreed = x25519_agree(ephemeral, public_key)
        kem_output = public_of(ephemeral)
        return Encapsulated(_extract_and_expand(kdf, agreed, kem_output, public_key), kem_output)

    def decapsulate(kem_output: bytes, private_key: bytes) -> bytes:
        key = load_private(private_key)
        agreed = x25519_agree(key, kem_output)
        return _extract_and_expand(kdf, agreed, kem_output, public_of(key))

    return Kem(
        kem_id,
        32,
        _PRIVATE_LENGTH,
        32,
        32,
        derive_key_pair,
        check_x25519_public_key,
        encapsulate,
        decapsulate,
    )


def _dhkem_p256() -> Kem:
    kem_id = 0x0010
    kdf = _labelled(kem_id)

    def private_of(ikm: bytes) -> bytes:
        # RFC 9180 §7.1.3: candidates until one is a scalar of the group. The order is near 2^256: the
        # first serves.
        prk = kdf.extract(b"", b"dkp_prk", ikm)
        for counter in range(_MAX_P256_CANDIDATES):
            private_key = kdf.expand(prk, b"candidate", bytes((counter,)), _PRIVATE_LENGTH)
            if 0 < int.from_bytes(private_key, "big") < P256_ORDER:
                return private_key
        raise BadKeyError("no key pair comes of this seed")

    def derive_key_pair(ikm: bytes) -> KeyPair:
        private_key = private_of(ikm)
        return KeyPair(private_key, p256_public_of(load_p256_private(private_key)))

    def check_public_key(public_key: bytes) -> None:
        # The curve has no cofactor, so with any point of it an agreement comes about.
        load_p256_public(public_key)

    def encapsulate(public_key: bytes, randomness: bytes) -> Encapsulated:
        ephemeral = load_p256_private(private_of(randomness))
        agreed = ephemeral.exchange(ec.ECDH(), load_p256_public(public_key))
        kem_output = p256_public_of(ephemeral)
        return Encapsulated(_extract_and_expand(kdf, agreed, kem_output, public_key), kem_output)

    def decapsulate(kem_output: bytes, private_key: bytes) -> bytes:
        require_key_length("a P-256 private key", private_key, _PRIVATE_LENGTH)
        key = load_p256_private(private_key)
        agreed = key.exchange(ec.ECDH(), load_p256_public(kem_output))
        return _extract_and_expand(kdf, agreed, kem_output, p256_public_of(key))

    return Kem(
        kem_id,
        P256_PUBLIC_LENGTH,
        _PRIVATE_LENGTH,
        P256_PUBLIC_LENGTH,
        32,
        derive_key_pair,
        check_public_key,
        encapsulate,
        decapsulate,
    )


DHKEM_X25519 = _dhkem_x25519()
DHKEM_P256 = _dhkem_p256()
