"""Ed25519 (RFC 8032) under one rule for what is a signature, the same in every language (E3).

    1. A decodes canonically and is not of small order
    2. S < L
    3. encode([S]B - [k]A) equals the bytes of R, with k = SHA-512(R ‖ A ‖ M) mod L

There is no cofactor in 3, and R is compared as bytes, so a non-canonical R fails by itself. OpenSSL's
verification is 2 and 3, with any A that is on the curve: so tests/agreement finds it; what remains of 1 is
looked at here.
"""

from functools import lru_cache

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from crypto.mls.bytes import Rng
from crypto.mls.kem import KeyPair, draw, require_key_length

SECRET_LENGTH = 32
PUBLIC_LENGTH = 32
SIGNATURE_LENGTH = 64

_P = 2**255 - 19
_D = -121665 * pow(121666, -1, _P) % _P
# The y of the eight points whose order divides the cofactor. Only two of them have x = 0, so that no other
# key could be spelt with the sign of a zero.
_SMALL_ORDER = frozenset(
    {
        0,
        1,
        _P - 1,
        2707385501144840649318225287225658788936804267575313519463743609750303402022,
        55188659117513257062467267217118295137698188065244968500265048394206261417927,
    }
)


def generate(rng: Rng) -> KeyPair:
    private_key = draw(rng, SECRET_LENGTH)
    return KeyPair(private_key, public_key(private_key))


def public_key(private_key: bytes) -> bytes:
    """The public key of a seed of 32 bytes. Raises BadKeyError when it is of another length."""
    return _load(private_key).public_key().public_bytes_raw()


def sign(private_key: bytes, message: bytes) -> bytes:
    """Raises BadKeyError when the private key is not of 32 bytes."""
    return _load(private_key).sign(message)


def verify(public_key: bytes, message: bytes, signature: bytes) -> bool:
    """Whether the signature holds by the rule above.

    Never raises: all three arguments may come from anyone.
    """
    if len(public_key) != PUBLIC_LENGTH or len(signature) != SIGNATURE_LENGTH:
        return False
    if _canonical_y(public_key) is None:
        return False
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, message)
    except InvalidSignature:
        return False
    return True


def is_public_key(key: bytes) -> bool:
    """Whether the bytes are a key that `verify` could ever accept a signature of."""
    if len(key) != PUBLIC_LENGTH:
        return False
    y = _canonical_y(key)
    if y is None:
        return False
    # RFC 8032 §5.1.3: x² = (y² - 1) / (d·y² + 1) must be a square; it is zero only for points of small
    # order. The divisor is never zero, since -1/d is no square.
    u, v = y * y - 1, _D * y * y + 1
    return pow(u * v, (_P - 1) // 2, _P) == 1


def _canonical_y(key: bytes) -> int | None:
    """Check 1 but for the curve: the y that the bytes spell, unless it is not reduced or of small order."""
    y = int.from_bytes(key, "little") & (2**255 - 1)
    return None if y >= _P or y in _SMALL_ORDER else y


# Half of what a signature costs. The handles are of keys that their owner's state holds for months, not of
# secrets that an epoch ends; and a device signs with one or two.
@lru_cache(maxsize=4)
def _load(private_key: bytes) -> Ed25519PrivateKey:
    require_key_length("an Ed25519 private key", private_key, SECRET_LENGTH)
    return Ed25519PrivateKey.from_private_bytes(private_key)
