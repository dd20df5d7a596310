"""HKDF (RFC 5869) with the hash it is built on: the KDF, hash and MAC of a cipher suite."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from hmac import digest as hmac_digest

from crypto.mls.errors import UsageError


@dataclass(frozen=True, slots=True, eq=False)
class Kdf:
    id: int
    """Its number in HPKE (RFC 9180 §7.2)."""
    nh: int
    """Bytes in an extracted key, and in a hash."""
    hash: Callable[[bytes], bytes]
    mac: Callable[[bytes, bytes], bytes]
    extract: Callable[[bytes, bytes], bytes]
    """From a salt and keying material."""
    expand: Callable[[bytes, bytes, int], bytes]
    """From a key, info and a length. Raises UsageError when the key is shorter than a hash or the output
    longer than HKDF can make."""


def _hkdf(number: int, name: str) -> Kdf:
    # The hash by its name: so hmac runs wholly inside OpenSSL.
    new = getattr(hashlib, name)
    nh: int = new().digest_size

    def mac(key: bytes, data: bytes) -> bytes:
        return hmac_digest(key, data, name)

    def expand(prk: bytes, info: bytes, length: int) -> bytes:
        # RFC 5869 §2.3
        if len(prk) < nh:
            raise UsageError("secret_length", f"a secret of {len(prk)} bytes is too short")
        if not 0 <= length <= 255 * nh:
            raise UsageError("output_length", f"HKDF does not make {length} bytes")
        block = hmac_digest(prk, info + b"\x01", name)
        if length <= nh:
            return block[:length]
        blocks = [block]
        for counter in range(2, -(-length // nh) + 1):
            block = hmac_digest(prk, block + info + bytes((counter,)), name)
            blocks.append(block)
        return b"".join(blocks)[:length]

    # RFC 5869 §2.2: extraction is the MAC under the salt; an empty one is as good as zeros, by how HMAC pads.
    return Kdf(number, nh, lambda data: new(data).digest(), mac, mac, expand)


HKDF_SHA256 = _hkdf(0x0001, "sha256")
HKDF_SHA384 = _hkdf(0x0002, "sha384")
HKDF_SHA512 = _hkdf(0x0003, "sha512")  # SFrame's alone
