"""One SFrame ciphertext, whole (RFC 9605 §4.4.3, §4.4.4), in any suite.

It is what the vectors check. A call's frames go through `FrameEncryptor` and `FrameDecryptor`, which count,
remember and forget for themselves.
"""

from collections.abc import Callable
from typing import NamedTuple

from crypto.sframe.header import decode_header, encode_header
from crypto.sframe.key_derivation import key_and_salt, nonce_of, sframe_secret
from crypto.sframe.suites import SframeSuite


class Unprotected(NamedTuple):
    kid: int
    ctr: int
    plaintext: bytes


def protect(
    suite: SframeSuite, base_key: bytes, kid: int, ctr: int, metadata: bytes, plaintext: bytes
) -> bytes:
    """The caller answers for it that no KID and counter come twice: they give key and nonce."""
    header = encode_header(kid, ctr)
    key, salt = key_and_salt(suite, sframe_secret(suite, base_key), kid)
    return header + suite.aead.seal(key, nonce_of(salt, ctr), header + metadata, plaintext)


def unprotect(
    suite: SframeSuite, base_key_of: Callable[[int], bytes], metadata: bytes, ciphertext: bytes
) -> Unprotected:
    """Raises DecodeError and AeadError."""
    kid, ctr, length = decode_header(ciphertext)
    key, salt = key_and_salt(suite, sframe_secret(suite, base_key_of(kid)), kid)
    aad = ciphertext[:length] + metadata
    return Unprotected(kid, ctr, suite.aead.open(key, nonce_of(salt, ctr), aad, ciphertext[length:]))
