"""The Diffie-Hellman function of X25519 (RFC 7748 §6.1)."""

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

from crypto.mls.errors import BadKeyError
from crypto.mls.kem import require_key_length

KEY_LENGTH = 32

_P = 2**255 - 19
# The u-coordinates, on the curve and on its twist, of the points whose order divides the cofactor.
_SMALL_ORDER = frozenset(
    {
        0,
        1,
        _P - 1,
        325606250916557431795983626356110631294008115727848805560023387167927233504,
        39382357235489614581723060781553021112529911719440698176882885853963445705823,
    }
)


def load_private(private_key: bytes) -> X25519PrivateKey:
    """Raises BadKeyError."""
    require_key_length("an X25519 private key", private_key, KEY_LENGTH)
    return X25519PrivateKey.from_private_bytes(private_key)


def public_of(private_key: X25519PrivateKey) -> bytes:
    return private_key.public_key().public_bytes_raw()


def x25519_agree(private_key: X25519PrivateKey, public_key: bytes) -> bytes:
    """E4: an X25519 result of zero is refused; the library does that, and we look again."""
    require_key_length("an X25519 public key", public_key, KEY_LENGTH)
    try:
        secret = private_key.exchange(X25519PublicKey.from_public_bytes(public_key))
    except ValueError:
        raise BadKeyError("an X25519 public key was refused") from None
    if not any(secret):
        raise BadKeyError("an X25519 public key of small order")
    return secret


def check_x25519_public_key(public_key: bytes) -> None:
    """Whether an agreement with it comes to anything but zero: so for every scalar, or for none.

    Raises BadKeyError.

    RFC 7748 §5: the top bit is not looked at, and any number of the rest is a coordinate, modulo the prime.
    """
    require_key_length("an X25519 public key", public_key, KEY_LENGTH)
    u = int.from_bytes(public_key, "little") & (2**255 - 1)
    if u % _P in _SMALL_ORDER:
        raise BadKeyError("an X25519 public key of small order")
