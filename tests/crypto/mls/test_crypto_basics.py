"""What every suite does: the official vectors, and what it refuses."""

import secrets
from collections.abc import Callable

import pytest

from crypto.mls.errors import AeadError, MlsError, SuiteError, UsageError
from crypto.mls.hpke import HpkeCiphertext
from crypto.mls.sign_label import sign_content
from crypto.mls.suite import ROOM_SUITE, CipherSuite, room_suite, room_suite_of
from crypto.mls.suites import suite_of
from tests.crypto.seeded_rng import draw_below, seeded_rng
from tests.crypto.vectors import OWN_SUITES, Entry, Record, VectorFile, b, each_in_scope, each_vector_file

RNG = secrets.token_bytes
INFO, AAD, PLAINTEXT = b"info", b"aad", b"the door is open"


def code_of(call: Callable[[], object]) -> str:
    try:
        call()
    except MlsError as error:
        return f"{error.fault}:{error.code}"
    return "nothing raised"


@each_vector_file("mls/crypto-basics")
def test_crypto_basics(file: VectorFile, record_property: Record) -> None:
    each_in_scope(file, record_property, check_basics)


def check_basics(suite: CipherSuite, entry: Entry) -> None:
    one = entry["ref_hash"]
    assert suite.ref_hash(one["label"], b(one["value"])) == b(one["out"])
    one = entry["expand_with_label"]
    expanded = suite.expand_with_label(b(one["secret"]), one["label"], b(one["context"]), one["length"])
    assert expanded == b(one["out"])
    one = entry["derive_secret"]
    assert suite.derive_secret(b(one["secret"]), one["label"]) == b(one["out"])
    one = entry["derive_tree_secret"]
    derived = suite.derive_tree_secret(b(one["secret"]), one["label"], one["generation"], one["length"])
    assert derived == b(one["out"])

    one = entry["sign_with_label"]
    priv, pub, content, label = b(one["priv"]), b(one["pub"]), b(one["content"]), one["label"]
    assert suite.signature_public_key(priv) == pub
    assert suite.verify_with_label(pub, label, content, b(one["signature"]))
    assert not suite.verify_with_label(pub, label + "x", content, b(one["signature"]))
    assert suite.verify_with_label(pub, label, content, suite.sign_with_label(priv, label, content))

    one = entry["encrypt_with_label"]
    priv, pub, context, label = b(one["priv"]), b(one["pub"]), b(one["context"]), one["label"]
    given = HpkeCiphertext(b(one["kem_output"]), b(one["ciphertext"]))
    made = suite.encrypt_with_label(pub, label, context, b(one["plaintext"]), RNG)
    for ct in (given, made):
        assert suite.decrypt_with_label(priv, label, context, ct) == b(one["plaintext"])


def test_suites_1_to_3_and_that_of_rooms_are_known() -> None:
    assert [suite_of(number).id for number in OWN_SUITES] == list(OWN_SUITES)
    assert (room_suite.nh, room_suite.nk, room_suite.nn) == (48, 32, 12)
    assert suite_of(ROOM_SUITE) is room_suite_of(ROOM_SUITE) is room_suite


def test_every_other_suite_is_refused_and_in_rooms_suites_1_to_3_too() -> None:
    for number in (0, 4, 5, 6, 7, 0xFC01, 0xFC03, -1):
        with pytest.raises(SuiteError):
            suite_of(number)
    assert code_of(lambda: suite_of(7)) == "peer:unsupported_suite"
    for number in (1, 2, 3):
        with pytest.raises(SuiteError):
            room_suite_of(number)


each_suite = pytest.mark.parametrize(
    "suite", [pytest.param(suite_of(one), id=hex(one)) for one in OWN_SUITES]
)


@each_suite
def test_v904_what_was_sealed_opens_and_nothing_else(suite: CipherSuite) -> None:
    keys, other = (suite.derive_key_pair(RNG(32)) for _ in range(2))
    ct = suite.hpke_seal(keys.public_key, INFO, AAD, PLAINTEXT, RNG)
    assert suite.hpke_open(keys.private_key, ct, INFO, AAD) == PLAINTEXT
    short = HpkeCiphertext(ct.kem_output, ct.ciphertext[:15])
    for private_key, one, info, aad in (
        (keys.private_key, ct, INFO, b""),
        (keys.private_key, ct, AAD, AAD),
        (other.private_key, ct, INFO, AAD),
        (keys.private_key, short, INFO, AAD),
    ):
        with pytest.raises(AeadError):
            suite.hpke_open(private_key, one, info, aad)


@each_suite
def test_both_sides_export_the_same_secret(suite: CipherSuite) -> None:
    keys = suite.derive_key_pair(RNG(32))
    sent = suite.hpke_export_sender(keys.public_key, INFO, AAD, suite.nh, RNG)
    assert suite.hpke_export_receiver(keys.private_key, sent.kem_output, INFO, AAD, suite.nh) == sent.secret
    assert suite.hpke_export_receiver(keys.private_key, sent.kem_output, INFO, INFO, suite.nh) != sent.secret


@each_suite
def test_key_pairs_come_of_the_seed_alone(suite: CipherSuite) -> None:
    seed = bytes([7]) * 32
    assert suite.derive_key_pair(seed) == suite.derive_key_pair(seed)
    assert suite.derive_key_pair(bytes([8]) * 32) != suite.derive_key_pair(seed)


@each_suite
def test_a_public_key_or_kem_output_that_is_none_is_the_peers_fault(suite: CipherSuite) -> None:
    keys = suite.derive_key_pair(RNG(32))
    ct = suite.hpke_seal(keys.public_key, INFO, AAD, PLAINTEXT, RNG)
    for key in (b"", bytes(len(keys.public_key)), keys.public_key[1:]):
        assert code_of(lambda: suite.hpke_seal(key, INFO, AAD, PLAINTEXT, RNG)) == "peer:key"  # noqa: B023
        bad = HpkeCiphertext(key, ct.ciphertext)
        assert code_of(lambda: suite.hpke_open(keys.private_key, bad, INFO, AAD)) == "peer:key"  # noqa: B023


@each_suite
def test_exactly_the_keys_are_refused_that_encrypting_refuses(suite: CipherSuite) -> None:
    rng = seeded_rng(f"public keys of {suite.name}")
    good = suite.derive_key_pair(rng(suite.nh)).public_key
    damaged = [b"", good[1:], bytes(len(good)), bytes([255]) * len(good)]
    for _ in range(60):
        # Two whole bytes: an ML-KEM coefficient of more than the modulus comes up often.
        at = draw_below(rng, len(good) - 1)
        damaged.append(good[:at] + rng(2) + good[at + 2 :])
    answers = []
    for key in damaged:
        checked = code_of(lambda: suite.check_public_key(key))  # noqa: B023
        assert checked == code_of(lambda: suite.hpke_seal(key, b"", b"", b"x", RNG))  # noqa: B023
        answers.append(checked)
    assert answers[2] == "peer:key"
    if suite.id in (2, ROOM_SUITE):
        assert "peer:key" in answers[4:]
    assert code_of(lambda: suite.check_public_key(good)) == "nothing raised"


def test_v903_points_of_p256_have_one_spelling() -> None:
    suite = suite_of(2)
    key = suite.derive_key_pair(RNG(32)).public_key
    odd = key[-1] & 1
    # Compressed, and the hybrid of both.
    for other in (bytes((2 + odd,)) + key[1:33], bytes((6 + odd,)) + key[1:], bytes((2 + odd,)) + key[1:]):
        assert code_of(lambda: suite.check_public_key(other)) == "peer:key"  # noqa: B023


@each_suite
def test_a_random_source_that_gives_too_little_is_refused(suite: CipherSuite) -> None:
    keys = suite.derive_key_pair(RNG(32))

    def short(length: int) -> bytes:
        return bytes(length - 1)

    assert code_of(lambda: suite.hpke_seal(keys.public_key, INFO, AAD, PLAINTEXT, short)) == "caller:rng"
    assert code_of(lambda: suite.signature_key_pair(short)) == "caller:rng"


@each_suite
def test_a_signature_is_of_its_key_and_data_alone(suite: CipherSuite) -> None:
    keys = suite.signature_key_pair(RNG)
    assert suite.signature_public_key(keys.private_key) == keys.public_key
    signature = suite.sign(keys.private_key, PLAINTEXT)
    assert suite.verify(keys.public_key, PLAINTEXT, signature)
    assert not suite.verify(keys.public_key, AAD, signature)
    assert not suite.verify(suite.signature_key_pair(RNG).public_key, PLAINTEXT, signature)
    for bad in (b"", signature[1:], bytes(len(signature))):
        assert not suite.verify(keys.public_key, PLAINTEXT, bad)
        assert not suite.verify(bad, PLAINTEXT, signature)
    for private_key in (b"", bytes(33), bytes([255]) * 33):
        assert code_of(lambda: suite.sign(private_key, PLAINTEXT)) == "peer:key"  # noqa: B023
        assert code_of(lambda: suite.signature_public_key(private_key)) == "peer:key"  # noqa: B023


@each_suite
def test_macs_are_compared_whole(suite: CipherSuite) -> None:
    tag = suite.mac(INFO, PLAINTEXT)
    assert len(tag) == suite.nh
    assert suite.verify_mac(INFO, PLAINTEXT, tag)
    assert not suite.verify_mac(INFO, PLAINTEXT, tag[:16])
    assert not suite.verify_mac(AAD, PLAINTEXT, tag)


@each_suite
def test_aead_keys_and_nonces_of_another_length_are_refused(suite: CipherSuite) -> None:
    key, nonce = bytes(suite.nk), bytes(suite.nn)
    assert suite.open(key, nonce, AAD, suite.seal(key, nonce, AAD, PLAINTEXT)) == PLAINTEXT
    # The other AES key length, and a nonce that GCM would hash down.
    with pytest.raises(UsageError):
        suite.seal(bytes(24), nonce, AAD, PLAINTEXT)
    with pytest.raises(UsageError):
        suite.open(key, bytes(16), AAD, PLAINTEXT)


@each_suite
def test_secrets_and_lengths_that_hkdf_is_not_defined_for_are_refused(suite: CipherSuite) -> None:
    with pytest.raises(UsageError):
        suite.expand(bytes(suite.nh - 1), INFO, 32)
    for length in (-1, 255 * suite.nh + 1):
        with pytest.raises(UsageError):
            suite.expand(bytes(suite.nh), INFO, length)
    long = suite.expand(bytes(suite.nh), INFO, 255 * suite.nh)
    assert len(long) == 255 * suite.nh
    assert suite.expand(bytes(suite.nh), INFO, suite.nh + 1) == long[: suite.nh + 1]


def test_hkdf_gives_the_answers_of_rfc_5869() -> None:
    suite = suite_of(1)
    prk = suite.extract(bytes(range(13)), bytes([0x0B]) * 22)
    assert prk.hex() == "077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5"
    assert suite.expand(prk, bytes(range(0xF0, 0xFA)), 42).hex() == (
        "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865"
    )


def test_what_is_signed_is_the_label_and_the_content_each_with_its_length() -> None:
    assert sign_content("ab", bytes.fromhex("0102ff")).hex() == "026162030102ff"
    assert sign_content("", b"").hex() == "0000"
    assert sign_content("", bytes(64))[:3].hex() == "004040"


def test_e5_labels_of_mls_begin_with_mls_so_no_signature_of_ours_is_one_of_mls() -> None:
    keys = room_suite.signature_key_pair(RNG)
    signature = room_suite.sign_with_label(keys.private_key, "LeafNodeTBS", b"")
    assert room_suite.verify(keys.public_key, sign_content("MLS 1.0 LeafNodeTBS", b""), signature)
    assert not room_suite.verify(keys.public_key, sign_content("Collegium 1.0 LeafNodeTBS", b""), signature)
