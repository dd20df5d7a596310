"""AEADs by their numbers in HPKE (RFC 9180 §7.3).

That a key and nonce never meet twice is said at each call.
"""

from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305

from crypto.mls.errors import AeadError, UsageError

_NONCE_LENGTH = 12
_TAG_LENGTH = 16


@dataclass(frozen=True, slots=True, eq=False)
class Aead:
    id: int
    nk: int
    cipher: type[AESGCM] | type[ChaCha20Poly1305]
    nn: int = _NONCE_LENGTH
    nt: int = _TAG_LENGTH

    def seal(self, key: bytes, nonce: bytes, aad: bytes, plaintext: bytes) -> bytes:
        return self._keyed(key, nonce).encrypt(nonce, plaintext, aad)

    def open(self, key: bytes, nonce: bytes, aad: bytes, ciphertext: bytes) -> bytes:
        """Raises AeadError when the ciphertext was not made with this key, nonce and associated data."""
        opener = self._keyed(key, nonce)
        if len(ciphertext) < _TAG_LENGTH:
            raise AeadError("the ciphertext is shorter than its tag")
        try:
            return opener.decrypt(nonce, ciphertext, aad)
        except InvalidTag:
            raise AeadError("the ciphertext does not open under this key") from None

    def _keyed(self, key: bytes, nonce: bytes) -> AESGCM | ChaCha20Poly1305:
        # The library's GCM would take a key of another AES, or a nonce of another length, without a word.
        if len(key) != self.nk:
            raise UsageError("aead_key_length", f"an AEAD key of {len(key)} bytes, not {self.nk}")
        if len(nonce) != _NONCE_LENGTH:
            raise UsageError("aead_nonce_length", f"a nonce of {len(nonce)} bytes")
        return self.cipher(key)


AES_128_GCM = Aead(0x0001, 16, AESGCM)
AES_256_GCM = Aead(0x0002, 32, AESGCM)
CHACHA20_POLY1305 = Aead(0x0003, 32, ChaCha20Poly1305)
