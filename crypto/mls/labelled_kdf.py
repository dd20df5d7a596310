"""LabeledExtract and LabeledExpand of HPKE (RFC 9180 §4), bound to one algorithm by its suite id."""

from crypto.mls.kdf import Kdf

HPKE_V1 = b"HPKE-v1"


def two_octets(value: int) -> bytes:
    """I2OSP(value, 2) of RFC 8017."""
    return value.to_bytes(2, "big")


class LabelledKdf:
    __slots__ = ("_bound", "_kdf")

    def __init__(self, kdf: Kdf, suite_id: bytes) -> None:
        self._kdf = kdf
        self._bound = HPKE_V1 + suite_id

    def extract(self, salt: bytes, label: bytes, ikm: bytes) -> bytes:
        return self._kdf.extract(salt, self._bound + label + ikm)

    def expand(self, prk: bytes, label: bytes, info: bytes, length: int) -> bytes:
        return self._kdf.expand(prk, two_octets(length) + self._bound + label + info, length)
