"""The cipher suites of SFrame (RFC 9605 §4.5). Calls use suite 5 (E35); the others are for vectors."""

from dataclasses import dataclass

from crypto.mls.aead import AES_128_GCM, AES_256_GCM, Aead
from crypto.mls.errors import SuiteError
from crypto.mls.kdf import HKDF_SHA256, HKDF_SHA512, Kdf
from crypto.sframe.ctr_hmac import CtrHmac


@dataclass(frozen=True, slots=True, eq=False)
class SframeSuite:
    id: int
    name: str
    kdf: Kdf
    aead: Aead | CtrHmac


AES_256_GCM_SHA512 = SframeSuite(5, "AES_256_GCM_SHA512_128", HKDF_SHA512, AES_256_GCM)

_SUITES = {
    suite.id: suite
    for suite in (
        SframeSuite(1, "AES_128_CTR_HMAC_SHA256_80", HKDF_SHA256, CtrHmac(10)),
        SframeSuite(2, "AES_128_CTR_HMAC_SHA256_64", HKDF_SHA256, CtrHmac(8)),
        SframeSuite(3, "AES_128_CTR_HMAC_SHA256_32", HKDF_SHA256, CtrHmac(4)),
        SframeSuite(4, "AES_128_GCM_SHA256_128", HKDF_SHA256, AES_128_GCM),
        AES_256_GCM_SHA512,
    )
}


def sframe_suite(number: int) -> SframeSuite:
    """Raises SuiteError."""
    suite = _SUITES.get(number)
    if suite is None:
        raise SuiteError(f"there is no SFrame cipher suite {number} here")
    return suite
