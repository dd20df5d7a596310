"""AES-CTR with a truncated HMAC, encrypt-then-MAC (RFC 9605 §4.5.1): the AEAD of suites 1 to 3."""

from dataclasses import dataclass
from hmac import digest as hmac_digest
from typing import Final

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CTR

from crypto.mls.bytes import equal, u64
from crypto.mls.errors import AeadError, UsageError

_CIPHER_KEY_LENGTH: Final = 16
CTR_HMAC_KEY_LENGTH: Final = _CIPHER_KEY_LENGTH + 32
_NONCE_LENGTH: Final = 12


@dataclass(frozen=True, slots=True)
class CtrHmac:
    nt: int
    """Bytes in a tag."""
    nk: int = CTR_HMAC_KEY_LENGTH
    nn: int = _NONCE_LENGTH

    def seal(self, key: bytes, nonce: bytes, aad: bytes, plaintext: bytes) -> bytes:
        _check(key, nonce)
        ct = _crypt(key, nonce, plaintext)
        return ct + self._tag(key, nonce, aad, ct)

    def open(self, key: bytes, nonce: bytes, aad: bytes, ciphertext: bytes) -> bytes:
        """Raises AeadError."""
        _check(key, nonce)
        if len(ciphertext) < self.nt:
            raise AeadError("the ciphertext is shorter than its tag")
        ct, tag = ciphertext[: -self.nt], ciphertext[-self.nt :]
        if not equal(tag, self._tag(key, nonce, aad, ct)):
            raise AeadError("the ciphertext does not open under this key")
        return _crypt(key, nonce, ct)

    def _tag(self, key: bytes, nonce: bytes, aad: bytes, ct: bytes) -> bytes:
        # The lengths first: bytes can't move between associated data and ciphertext.
        data = u64(len(aad)) + u64(len(ct)) + u64(self.nt) + nonce + aad + ct
        return hmac_digest(key[_CIPHER_KEY_LENGTH:], data, "sha256")[: self.nt]


def _check(key: bytes, nonce: bytes) -> None:
    if len(key) != CTR_HMAC_KEY_LENGTH:
        raise UsageError("aead_key_length", "not a CTR-HMAC key")
    if len(nonce) != _NONCE_LENGTH:
        raise UsageError("aead_nonce_length", "not a CTR-HMAC nonce")


def _crypt(key: bytes, nonce: bytes, data: bytes) -> bytes:
    # The block counter begins at zero and has 32 bits: no frame is so long that it runs into the next nonce.
    context = Cipher(AES(key[:_CIPHER_KEY_LENGTH]), CTR(nonce + bytes(4))).encryptor()
    return context.update(data) + context.finalize()
