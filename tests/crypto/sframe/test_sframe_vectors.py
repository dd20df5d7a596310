"""The SFrame vectors: header, the AEADs of suites 1 to 3, and whole ciphertexts (RFC 9605)."""

from collections.abc import Callable

import pytest

from crypto.sframe.header import decode_header, encode_header
from crypto.sframe.key_derivation import key_and_salt, nonce_of, sframe_secret
from crypto.sframe.protect import Unprotected, protect, unprotect
from crypto.sframe.suites import sframe_suite
from tests.crypto.vectors import Entry, VectorFile, each_vector_file, report

LAST_SUITE = 5
"""AES-256 with HMAC (6 to 8) is no suite of RFC 9605."""


def octets(vector: Entry, name: str) -> bytes:
    return bytes.fromhex(vector[name])


def check_header(vector: Entry) -> None:
    encoded = octets(vector, "encoded")
    assert encode_header(vector["kid"], vector["ctr"]) == encoded
    assert decode_header(b"before" + encoded + b"after", 6) == (vector["kid"], vector["ctr"], len(encoded))


def check_ctr_hmac(vector: Entry) -> None:
    aead = sframe_suite(vector["cipher_suite"]).aead
    key, nonce, aad = octets(vector, "key"), octets(vector, "nonce"), octets(vector, "aad")
    assert key == octets(vector, "enc_key") + octets(vector, "auth_key")
    assert aead.seal(key, nonce, aad, octets(vector, "pt")) == octets(vector, "ct")
    assert aead.open(key, nonce, aad, octets(vector, "ct")) == octets(vector, "pt")


def check_sframe(vector: Entry) -> None:
    suite = sframe_suite(vector["cipher_suite"])
    kid, ctr, base_key = vector["kid"], vector["ctr"], octets(vector, "base_key")
    metadata, plaintext, ciphertext = octets(vector, "metadata"), octets(vector, "pt"), octets(vector, "ct")
    assert sframe_secret(suite, base_key) == octets(vector, "sframe_secret")
    key, salt = key_and_salt(suite, sframe_secret(suite, base_key), kid)
    assert (key, salt) == (octets(vector, "sframe_key"), octets(vector, "sframe_salt"))
    assert nonce_of(salt, ctr) == octets(vector, "nonce")
    assert encode_header(kid, ctr) + metadata == octets(vector, "aad")
    assert protect(suite, base_key, kid, ctr, metadata, plaintext) == ciphertext
    assert unprotect(suite, lambda _: base_key, metadata, ciphertext) == Unprotected(kid, ctr, plaintext)


CHECKS: dict[str, Callable[[Entry], None]] = {
    "header": check_header,
    "aes_ctr_hmac": check_ctr_hmac,
    "aes_256_ctr_hmac": check_ctr_hmac,
    "sframe": check_sframe,
    "sframe_aes_256_ctr_hmac": check_sframe,
}


@each_vector_file("sframe")
def test_sframe(file: VectorFile, record_property: Callable[[str, object], None]) -> None:
    checked = out_of_scope = 0
    for part in file.entries():
        for name, check in CHECKS.items():
            for vector in part.get(name, ()):
                if vector.get("cipher_suite", 0) > LAST_SUITE:
                    out_of_scope += 1
                    continue
                check(vector)
                checked += 1
    report(file, record_property, checked, out_of_scope)


@pytest.mark.parametrize("number", [0, 6])
def test_there_are_five_suites(number: int) -> None:
    from crypto.mls.errors import SuiteError

    with pytest.raises(SuiteError):
        sframe_suite(number)
