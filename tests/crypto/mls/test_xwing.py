"""X-Wing: known answers, refused keys (E2, E4), and the same secrets as the library's own."""

import secrets
from hashlib import shake_256

import pytest
from cryptography.hazmat.primitives import hpke as library
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from crypto.mls.errors import BadKeyError
from crypto.mls.hpke import HpkeCiphertext
from crypto.mls.suite import room_suite
from crypto.mls.x25519 import check_x25519_public_key, load_private, x25519_agree
from crypto.mls.xwing import MLKEM768_X25519 as KEM
from crypto.mls.xwing import key_pair_of_seed
from tests.crypto.mls.ml_kem import REPLAYABLE_XWING, encapsulate
from tests.crypto.vectors import Record, VectorFile, b, each_vector_file, report


@each_vector_file("xwing")
def test_xwing(file: VectorFile, record_property: Record) -> None:
    entries = file.entries()
    for entry in entries:
        keys = key_pair_of_seed(b(entry["seed"]))
        assert keys.private_key == b(entry["sk"])
        assert keys.public_key == b(entry["pk"])
        made = REPLAYABLE_XWING.encapsulate(keys.public_key, b(entry["eseed"]))
        assert made.kem_output == b(entry["ct"])
        assert made.shared_secret == b(entry["ss"])
        assert KEM.decapsulate(b(entry["ct"]), b(entry["sk"])) == b(entry["ss"])
        fresh = KEM.encapsulate(keys.public_key, b(entry["eseed"])[32:])
        assert KEM.decapsulate(fresh.kem_output, keys.private_key) == fresh.shared_secret
    report(file, record_property, len(entries))


KEYS = key_pair_of_seed(bytes([3]) * 32)
P = 2**255 - 19
# The Montgomery u of every point of small order on the curve, -1 on the twist, and other spellings: above
# the prime, and with the bit that nobody looks at.
SMALL_ORDER_U = [
    0,
    1,
    325606250916557431795983626356110631294008115727848805560023387167927233504,
    39382357235489614581723060781553021112529911719440698176882885853963445705823,
    P - 1,
    P,
    P + 1,
    2**255,
    2**255 + P - 1,
]


def with_tail(data: bytes, tail: bytes) -> bytes:
    return data[: -len(tail)] + tail


def test_e2_the_seed_is_derived_with_the_labels_of_hpke_and_not_by_plain_shake256() -> None:
    ikm = bytes([9]) * 32
    assert KEM.derive_key_pair(ikm).private_key != shake_256(ikm).digest(32)
    assert len(KEM.derive_key_pair(ikm).private_key) == 32


def test_e2_what_the_librarys_own_seals_opens_here_and_the_other_way_round() -> None:
    theirs = library.Suite(library.KEM.MLKEM768_X25519, library.KDF.HKDF_SHA384, library.AEAD.AES_256_GCM)
    expanded = shake_256(KEYS.private_key).digest(96)
    private_key = library.MLKEM768X25519PrivateKey(
        MLKEM768PrivateKey.from_seed_bytes(expanded[:64]), X25519PrivateKey.from_private_bytes(expanded[64:])
    )
    sealed = theirs.encrypt(b"two of three doors", private_key.public_key(), b"info")
    length = KEM.kem_output_length
    ct = HpkeCiphertext(sealed[:length], sealed[length:])
    assert room_suite.hpke_open(KEYS.private_key, ct, b"info", b"") == b"two of three doors"
    ours = room_suite.hpke_seal(KEYS.public_key, b"info", b"", b"the third", secrets.token_bytes)
    assert theirs.decrypt(ours.kem_output + ours.ciphertext, private_key, b"info") == b"the third"


@pytest.mark.parametrize("u", SMALL_ORDER_U)
def test_v902_e4_an_x25519_result_of_zero_is_refused(u: int) -> None:
    small = u.to_bytes(32, "little")
    with pytest.raises(BadKeyError):
        x25519_agree(load_private(bytes([1]) * 32), small)
    with pytest.raises(BadKeyError):
        check_x25519_public_key(small)
    with pytest.raises(BadKeyError):
        KEM.encapsulate(with_tail(KEYS.public_key, small), secrets.token_bytes(32))
    with pytest.raises(BadKeyError):
        KEM.check_public_key(with_tail(KEYS.public_key, small))
    made = KEM.encapsulate(KEYS.public_key, secrets.token_bytes(32))
    with pytest.raises(BadKeyError):
        KEM.decapsulate(with_tail(made.kem_output, small), KEYS.private_key)


def test_v902_e4_the_list_of_small_orders_is_what_agreeing_refuses() -> None:
    probe = load_private(bytes([1]) * 32)
    for u in range(40):
        for near in (u, P - u, P + u if u < 19 else u, 2**255 + u):
            key = near.to_bytes(32, "little")
            if near % 2**255 % P in (0, 1, P - 1):
                with pytest.raises(BadKeyError):
                    check_x25519_public_key(key)
            else:
                check_x25519_public_key(key)
                x25519_agree(probe, key)


def test_an_ml_kem_key_with_a_coefficient_that_is_not_reduced_is_refused() -> None:
    for at in (0, 1149):
        unreduced = KEYS.public_key[:at] + b"\xff\xff\xff" + KEYS.public_key[at + 3 :]
        with pytest.raises(BadKeyError):
            KEM.encapsulate(unreduced, secrets.token_bytes(32))
        with pytest.raises(BadKeyError):
            KEM.check_public_key(unreduced)
    # 0xd01 is the modulus: the largest value that is allowed, and the first that is not.
    for low, allowed in ((0x00, True), (0x01, False)):
        edge = bytes((low, KEYS.public_key[1] & 0xF0 | 0x0D)) + KEYS.public_key[2:]
        if allowed:
            KEM.check_public_key(edge)
        else:
            with pytest.raises(BadKeyError):
                KEM.check_public_key(edge)


def test_keys_outputs_and_randomness_of_another_length_are_refused() -> None:
    made = KEM.encapsulate(KEYS.public_key, secrets.token_bytes(32))
    for wrong in (
        lambda: KEM.encapsulate(KEYS.public_key[1:], secrets.token_bytes(32)),
        lambda: KEM.encapsulate(KEYS.public_key, secrets.token_bytes(31)),
        lambda: KEM.decapsulate(made.kem_output[1:], KEYS.private_key),
        lambda: KEM.decapsulate(made.kem_output, KEYS.private_key[1:]),
        lambda: KEM.check_public_key(KEYS.public_key + b"\0"),
    ):
        with pytest.raises(BadKeyError):
            wrong()


@pytest.mark.parametrize("at", [0, 1087, 1090])
def test_a_spoilt_ciphertext_makes_another_secret(at: int) -> None:
    made = KEM.encapsulate(KEYS.public_key, secrets.token_bytes(32))
    assert KEM.decapsulate(made.kem_output, KEYS.private_key) == made.shared_secret
    spoilt = bytearray(made.kem_output)
    spoilt[at] ^= 1
    assert KEM.decapsulate(bytes(spoilt), KEYS.private_key) != made.shared_secret


def test_two_encapsulations_differ_though_their_randomness_is_the_same() -> None:
    # ML-KEM's half is not drawn from what the caller gives.
    one, other = (KEM.encapsulate(KEYS.public_key, bytes(32)) for _ in range(2))
    assert one.shared_secret != other.shared_secret
    assert one.kem_output[-32:] == other.kem_output[-32:]


def test_the_encapsulation_of_the_tests_is_what_openssl_decapsulates() -> None:
    private_key = MLKEM768PrivateKey.from_seed_bytes(bytes(range(64)))
    made = encapsulate(private_key.public_key().public_bytes_raw(), bytes(range(32)))
    assert private_key.decapsulate(made.kem_output) == made.shared_secret
