"""Signatures that the server checks: sign-in and recovery. It signs nothing and holds no private key."""

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

_P = 2**255 - 19
# The y coordinates of the points of order 1, 2, 4 and 8: a key among them would let anyone sign (E3).
_SMALL_ORDER_Y = frozenset(
    (
        0,
        1,
        _P - 1,
        int.from_bytes(
            bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"), "little"
        ),
        int.from_bytes(
            bytes.fromhex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"), "little"
        ),
    )
)


def _opaque(content: bytes) -> bytes:
    length = len(content)
    if length < 1 << 6:
        return bytes([length]) + content
    if length < 1 << 14:
        return (length | 1 << 14).to_bytes(2, "big") + content
    return (length | 2 << 30).to_bytes(4, "big") + content


def sign_content(label: str, content: bytes) -> bytes:
    """What is signed: label and content, each with its length (E5; the form of RFC 9420 §5.1.2)."""
    return _opaque(label.encode()) + _opaque(content)


def key_is_sound(public_key: bytes) -> bool:
    """E3: the point decodes canonically and is not of small order."""
    y = int.from_bytes(public_key, "little") & ((1 << 255) - 1)
    return len(public_key) == 32 and y < _P and y not in _SMALL_ORDER_Y


def verify(public_key: bytes, label: str, content: bytes, signature: bytes) -> bool:
    """E3: OpenSSL compares the bytes of R with [S]B-[k]A, without the cofactor, and refuses S ≥ L."""
    return verify_bytes(public_key, sign_content(label, content), signature)


def verify_bytes(public_key: bytes, message: bytes, signature: bytes) -> bool:
    """The rule itself, over bytes that are already labelled."""
    if not key_is_sound(public_key):
        return False
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True
