"""X-Wing (draft-connolly-cfrg-xwing-kem): ML-KEM-768 and X25519 in one, secure while either holds.

As an HPKE KEM it is 0x647a (draft-ietf-hpke-pq), with a DeriveKeyPair of its own.
"""

from hashlib import sha3_256, shake_256

from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey, MLKEM768PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from crypto.mls.errors import BadKeyError
from crypto.mls.kem import Encapsulated, Kem, KeyPair, require_key_length
from crypto.mls.labelled_kdf import HPKE_V1, two_octets
from crypto.mls.x25519 import check_x25519_public_key, public_of, x25519_agree

KEM_ID = 0x647A
_SEED_LENGTH = 32
_LATTICE_SEED_LENGTH = 64
LATTICE_PUBLIC_LENGTH = 1184
LATTICE_OUTPUT_LENGTH = 1088
_CURVE_LENGTH = 32
_PUBLIC_LENGTH = LATTICE_PUBLIC_LENGTH + _CURVE_LENGTH
_OUTPUT_LENGTH = LATTICE_OUTPUT_LENGTH + _CURVE_LENGTH

# The draft's XWingLabel, `\.//^\`.
_LABEL = b"\\.//^\\"

_DERIVE_LABEL = b"DeriveKeyPair"
# E2: HPKE-v1 ‖ "KEM" ‖ id ‖ length of the label ‖ the label ‖ length of the seed.
_DERIVE_SUFFIX = b"".join(
    (
        HPKE_V1,
        b"KEM",
        two_octets(KEM_ID),
        two_octets(len(_DERIVE_LABEL)),
        _DERIVE_LABEL,
        two_octets(_SEED_LENGTH),
    )
)


def _expand_seed(seed: bytes) -> tuple[MLKEM768PrivateKey, X25519PrivateKey]:
    """The draft's expandDecapsulationKey: the private key is a seed, from which both halves come."""
    require_key_length("an X-Wing private key", seed, _SEED_LENGTH)
    expanded = shake_256(seed).digest(_LATTICE_SEED_LENGTH + _CURVE_LENGTH)
    return (
        MLKEM768PrivateKey.from_seed_bytes(expanded[:_LATTICE_SEED_LENGTH]),
        X25519PrivateKey.from_private_bytes(expanded[_LATTICE_SEED_LENGTH:]),
    )


def _combine(lattice: bytes, curve: bytes, ciphertext: bytes, public_key: bytes) -> bytes:
    """The draft's Combiner.

    ML-KEM binds its own ciphertext and key, so only those of the curve are hashed in.
    """
    return sha3_256(b"".join((lattice, curve, ciphertext, public_key, _LABEL))).digest()


def key_pair_of_seed(seed: bytes) -> KeyPair:
    """The key pair of a seed: the seed itself is the private key."""
    lattice, curve = _expand_seed(seed)
    return KeyPair(seed, lattice.public_key().public_bytes_raw() + public_of(curve))


def _derive_key_pair(ikm: bytes) -> KeyPair:
    # E2: not the raw SHAKE256(ikm, 32) of the X-Wing draft.
    return key_pair_of_seed(shake_256(ikm + _DERIVE_SUFFIX).digest(_SEED_LENGTH))


def _load_lattice(public_key: bytes) -> MLKEM768PublicKey:
    """The first part of an X-Wing public key.

    FIPS 203 §7.2: the library refuses coefficients that are not reduced.
    """
    require_key_length("an X-Wing public key", public_key, _PUBLIC_LENGTH)
    try:
        return MLKEM768PublicKey.from_public_bytes(public_key[:LATTICE_PUBLIC_LENGTH])
    except ValueError:
        raise BadKeyError("an ML-KEM public key that is not reduced") from None


def _check_public_key(public_key: bytes) -> None:
    _load_lattice(public_key)
    check_x25519_public_key(public_key[LATTICE_PUBLIC_LENGTH:])


def join(lattice: Encapsulated, public_key: bytes, ephemeral: bytes) -> Encapsulated:
    """An encapsulation of ML-KEM with one of X25519, whose ephemeral private key is given.

    Raises BadKeyError.
    """
    curve_public = public_key[LATTICE_PUBLIC_LENGTH:]
    ephemeral_key = X25519PrivateKey.from_private_bytes(ephemeral)
    agreed = x25519_agree(ephemeral_key, curve_public)
    ciphertext = public_of(ephemeral_key)
    shared_secret = _combine(lattice.shared_secret, agreed, ciphertext, curve_public)
    return Encapsulated(shared_secret, lattice.kem_output + ciphertext)


def _encapsulate(public_key: bytes, randomness: bytes) -> Encapsulated:
    """The randomness is X25519's. ML-KEM's is drawn inside OpenSSL, which takes none from outside."""
    require_key_length("the randomness of an encapsulation", randomness, _CURVE_LENGTH)
    shared_secret, output = _load_lattice(public_key).encapsulate()
    return join(Encapsulated(shared_secret, output), public_key, randomness)


def _decapsulate(kem_output: bytes, seed: bytes) -> bytes:
    require_key_length("an X-Wing ciphertext", kem_output, _OUTPUT_LENGTH)
    lattice, curve = _expand_seed(seed)
    ciphertext = kem_output[LATTICE_OUTPUT_LENGTH:]
    agreed = x25519_agree(curve, ciphertext)
    # A spoilt ML-KEM ciphertext gives another secret, not an error (FIPS 203 §6.3): the AEAD then fails.
    secret = lattice.decapsulate(kem_output[:LATTICE_OUTPUT_LENGTH])
    return _combine(secret, agreed, ciphertext, public_of(curve))


MLKEM768_X25519 = Kem(
    id=KEM_ID,
    public_key_length=_PUBLIC_LENGTH,
    private_key_length=_SEED_LENGTH,
    kem_output_length=_OUTPUT_LENGTH,
    random_length=_CURVE_LENGTH,
    derive_key_pair=_derive_key_pair,
    check_public_key=_check_public_key,
    encapsulate=_encapsulate,
    decapsulate=_decapsulate,
)
