"""Every cipher suite that this program knows (RFC 9420 §17.1): that of rooms, and suites 1 to 3.

Those three are for vectors and interoperability, and never open a room (E1).
"""

from crypto.mls.aead import AES_128_GCM, CHACHA20_POLY1305
from crypto.mls.dhkem import DHKEM_P256, DHKEM_X25519
from crypto.mls.kdf import HKDF_SHA256
from crypto.mls.signature import ECDSA_P256, ED25519
from crypto.mls.suite import CipherSuite, room_suite, unknown_suite

_SUITES = {
    suite.id: suite
    for suite in (
        room_suite,
        CipherSuite(
            0x0001,
            "MLS_128_DHKEMX25519_AES128GCM_SHA256_Ed25519",
            DHKEM_X25519,
            HKDF_SHA256,
            AES_128_GCM,
            ED25519,
        ),
        CipherSuite(
            0x0002,
            "MLS_128_DHKEMP256_AES128GCM_SHA256_P256",
            DHKEM_P256,
            HKDF_SHA256,
            AES_128_GCM,
            ECDSA_P256,
        ),
        CipherSuite(
            0x0003,
            "MLS_128_DHKEMX25519_CHACHA20POLY1305_SHA256_Ed25519",
            DHKEM_X25519,
            HKDF_SHA256,
            CHACHA20_POLY1305,
            ED25519,
        ),
    )
}


def suite_of(number: int) -> CipherSuite:
    """Raises SuiteError."""
    suite = _SUITES.get(number)
    if suite is None:
        raise unknown_suite(number)
    return suite
