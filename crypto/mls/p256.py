"""Keys of P-256: uncompressed points and big-endian scalars (RFC 9180 §7.1.1, RFC 9420 §5.1.2)."""

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from crypto.mls.errors import BadKeyError

P256_PUBLIC_LENGTH = 65
P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551

_CURVE = ec.SECP256R1()


def load_p256_private(private_key: bytes) -> ec.EllipticCurvePrivateKey:
    """Raises BadKeyError when it is no scalar of the group."""
    scalar = int.from_bytes(private_key, "big")
    if not 0 < scalar < P256_ORDER:
        raise BadKeyError("a P-256 private key that is no scalar")
    return ec.derive_private_key(scalar, _CURVE)


def p256_public_of(private_key: ec.EllipticCurvePrivateKey) -> bytes:
    return private_key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def load_p256_public(public_key: bytes) -> ec.EllipticCurvePublicKey:
    """Raises BadKeyError when it is no point of the curve.

    The library reads compressed points too, which are shorter: they are refused.
    """
    if len(public_key) != P256_PUBLIC_LENGTH:
        raise BadKeyError("a P-256 public key that is not an uncompressed point")
    try:
        return ec.EllipticCurvePublicKey.from_encoded_point(_CURVE, public_key)
    except ValueError:
        raise BadKeyError("a P-256 public key that is not on the curve") from None
