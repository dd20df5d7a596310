"""Cipher suites of MLS: which algorithms a number stands for, and the labelled functions of RFC 9420."""

from collections.abc import Callable
from functools import lru_cache

from crypto.mls import hpke
from crypto.mls.aead import AES_256_GCM, Aead
from crypto.mls.bytes import Rng, equal, u32
from crypto.mls.codec import encode_varint, vector_bytes
from crypto.mls.errors import SuiteError
from crypto.mls.hpke import HpkeCiphertext, HpkeExport, HpkeSuite
from crypto.mls.kdf import HKDF_SHA384, Kdf
from crypto.mls.kem import Kem
from crypto.mls.sign_label import sign_content
from crypto.mls.signature import ED25519, SignatureScheme
from crypto.mls.xwing import MLKEM768_X25519

ROOM_SUITE = 0xFC02
"""E1: KEM 0x647a, HKDF-SHA384, AES-256-GCM, Ed25519. A number of the private range until one is assigned."""

_LABEL_PREFIX = "MLS 1.0 "


class CipherSuite:
    """One suite. Whoever calls `seal` says why its key and nonce never meet another plaintext."""

    __slots__ = (
        "_hpke",
        "check_public_key",
        "derive_key_pair",
        "expand",
        "extract",
        "hash",
        "id",
        "mac",
        "name",
        "nh",
        "nk",
        "nn",
        "open",
        "seal",
        "sign",
        "signature_key_pair",
        "signature_public_key",
        "verify",
    )

    def __init__(
        self, number: int, name: str, kem: Kem, kdf: Kdf, aead: Aead, signature: SignatureScheme
    ) -> None:
        self.id = number
        self.name = name
        # KDF.Nh, AEAD.Nk, AEAD.Nn: bytes in a secret, an AEAD key, an AEAD nonce.
        self.nh = kdf.nh
        self.nk = aead.nk
        self.nn = aead.nn
        # What is an algorithm's own is an attribute: no call stands between, for every node and message.
        self.hash = kdf.hash
        self.mac = kdf.mac
        self.extract = kdf.extract
        self.expand = kdf.expand
        self.seal = aead.seal
        self.open = aead.open
        # The KEM's DeriveKeyPair (RFC 9180 §4; E2).
        self.derive_key_pair = kem.derive_key_pair
        self.check_public_key = kem.check_public_key
        self.signature_key_pair = signature.key_pair
        self.signature_public_key = signature.public_key
        self.sign = signature.sign
        self.verify = signature.verify
        self._hpke = HpkeSuite(kem, kdf, aead)

    def verify_mac(self, key: bytes, data: bytes, tag: bytes) -> bool:
        """In time that depends on lengths alone."""
        return equal(self.mac(key, data), tag)

    def expand_with_label(self, secret: bytes, label: str, context: bytes, length: int) -> bytes:
        """RFC 9420 §8. The label without "MLS 1.0 "."""
        return self.expand(secret, length.to_bytes(2, "big") + _labelled(label, context), length)

    def derive_secret(self, secret: bytes, label: str) -> bytes:
        return self.expand_with_label(secret, label, b"", self.nh)

    def derive_tree_secret(self, secret: bytes, label: str, generation: int, length: int) -> bytes:
        """RFC 9420 §9."""
        return self.expand_with_label(secret, label, u32(generation), length)

    def ref_hash(self, label: str, value: bytes) -> bytes:
        """RFC 9420 §5.2. The label whole."""
        return self.hash(vector_bytes(label.encode()) + vector_bytes(value))

    def hpke_seal(
        self, public_key: bytes, info: bytes, aad: bytes, plaintext: bytes, rng: Rng
    ) -> HpkeCiphertext:
        """Raises BadKeyError when the public key is not one."""
        return hpke.seal(self._hpke, public_key, info, aad, plaintext, rng)

    def hpke_open(self, private_key: bytes, ct: HpkeCiphertext, info: bytes, aad: bytes) -> bytes:
        """Raises BadKeyError or AeadError."""
        return hpke.open_(self._hpke, private_key, ct, info, aad)

    def hpke_export_sender(
        self, public_key: bytes, info: bytes, exporter_context: bytes, length: int, rng: Rng
    ) -> HpkeExport:
        return hpke.send_export(self._hpke, public_key, info, exporter_context, length, rng)

    def hpke_export_receiver(
        self, private_key: bytes, kem_output: bytes, info: bytes, exporter_context: bytes, length: int
    ) -> bytes:
        return hpke.receive_export(self._hpke, private_key, kem_output, info, exporter_context, length)

    def encrypt_with_label(
        self, public_key: bytes, label: str, context: bytes, plaintext: bytes, rng: Rng
    ) -> HpkeCiphertext:
        """RFC 9420 §5.1.3. The label without "MLS 1.0 "."""
        return hpke.seal(self._hpke, public_key, _labelled(label, context), b"", plaintext, rng)

    def decrypt_with_label(self, private_key: bytes, label: str, context: bytes, ct: HpkeCiphertext) -> bytes:
        """Raises BadKeyError or AeadError."""
        return hpke.open_(self._hpke, private_key, ct, _labelled(label, context), b"")

    def sign_with_label(self, private_key: bytes, label: str, content: bytes) -> bytes:
        """RFC 9420 §5.1.2. The label without "MLS 1.0 "."""
        return self.sign(private_key, sign_content(_LABEL_PREFIX + label, content))

    def verify_with_label(self, public_key: bytes, label: str, content: bytes, signature: bytes) -> bool:
        return self.verify(public_key, sign_content(_LABEL_PREFIX + label, content), signature)


def _labelled(label: str, context: bytes) -> bytes:
    """KDFLabel without its length (RFC 9420 §8), and EncryptContext (§5.1.3): a label and a context."""
    return _label(label) + encode_varint(len(context)) + context


# Labels are few, and written in our own code.
@lru_cache(maxsize=64)
def _label(label: str) -> bytes:
    return vector_bytes((_LABEL_PREFIX + label).encode())


room_suite = CipherSuite(
    ROOM_SUITE,
    "MLS_128_MLKEM768X25519_AES256GCM_SHA384_Ed25519",
    MLKEM768_X25519,
    HKDF_SHA384,
    AES_256_GCM,
    ED25519,
)
"""The one suite of rooms.

The others that this program knows (`suites.py`) are for vectors and interoperability.
"""

SuiteLookup = Callable[[int], CipherSuite]
"""From the number of a suite to its algorithms. Raises SuiteError."""


def room_suite_of(number: int) -> CipherSuite:
    """E1: there is no fallback, so rooms know no other. Raises SuiteError."""
    if number != ROOM_SUITE:
        raise unknown_suite(number)
    return room_suite


def unknown_suite(number: int) -> SuiteError:
    return SuiteError(f"there is no cipher suite 0x{number:04x} here")
