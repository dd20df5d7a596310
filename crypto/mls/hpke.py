"""HPKE in base mode (RFC 9180 §5 and §6): one message or one exported secret for each encapsulation (E2)."""

from dataclasses import dataclass, field

from crypto.mls.aead import Aead
from crypto.mls.bytes import Rng
from crypto.mls.kdf import Kdf
from crypto.mls.kem import Kem, draw
from crypto.mls.labelled_kdf import LabelledKdf, two_octets


@dataclass(frozen=True, slots=True)
class HpkeCiphertext:
    kem_output: bytes
    ciphertext: bytes


@dataclass(frozen=True, slots=True)
class HpkeExport:
    kem_output: bytes
    secret: bytes = field(repr=False)


_MODE_BASE = b"\x00"


class HpkeSuite:
    """A KEM, a KDF and an AEAD, with what does not change from message to message."""

    __slots__ = ("aead", "kdf", "kem", "labelled", "psk_id_hash")

    def __init__(self, kem: Kem, kdf: Kdf, aead: Aead) -> None:
        self.kem = kem
        self.kdf = kdf
        self.aead = aead
        suite_id = b"HPKE" + two_octets(kem.id) + two_octets(kdf.id) + two_octets(aead.id)
        self.labelled = LabelledKdf(kdf, suite_id)
        self.psk_id_hash = self.labelled.extract(b"", b"psk_id_hash", b"")


class HpkeContext:
    """What both sides share after the encapsulation: KeySchedule of RFC 9180 §5.1 without a pre-shared key.

    Each part is made when it is asked for: nothing here takes both the key and the exporter's secret.
    """

    __slots__ = ("_schedule", "_secret", "_suite")

    def __init__(self, suite: HpkeSuite, shared_secret: bytes, info: bytes) -> None:
        info_hash = suite.labelled.extract(b"", b"info_hash", info)
        self._suite = suite
        self._schedule = _MODE_BASE + suite.psk_id_hash + info_hash
        self._secret = suite.labelled.extract(shared_secret, b"secret", b"")

    @property
    def key(self) -> bytes:
        return self._part(b"key", self._suite.aead.nk)

    @property
    def base_nonce(self) -> bytes:
        return self._part(b"base_nonce", self._suite.aead.nn)

    @property
    def exporter_secret(self) -> bytes:
        return self._part(b"exp", self._suite.kdf.nh)

    def export(self, exporter_context: bytes, length: int) -> bytes:
        """RFC 9180 §5.3."""
        return self._suite.labelled.expand(self.exporter_secret, b"sec", exporter_context, length)

    def _part(self, label: bytes, length: int) -> bytes:
        return self._suite.labelled.expand(self._secret, label, self._schedule, length)


def setup_sender(suite: HpkeSuite, public_key: bytes, info: bytes, rng: Rng) -> tuple[bytes, HpkeContext]:
    """The KEM output, and the context. Raises BadKeyError when the public key is not one."""
    encapsulated = suite.kem.encapsulate(public_key, draw(rng, suite.kem.random_length))
    return encapsulated.kem_output, HpkeContext(suite, encapsulated.shared_secret, info)


def setup_receiver(suite: HpkeSuite, private_key: bytes, kem_output: bytes, info: bytes) -> HpkeContext:
    """Raises BadKeyError when the KEM output is not one."""
    return HpkeContext(suite, suite.kem.decapsulate(kem_output, private_key), info)


def seal(
    suite: HpkeSuite, public_key: bytes, info: bytes, aad: bytes, plaintext: bytes, rng: Rng
) -> HpkeCiphertext:
    """Raises BadKeyError when the public key is not one."""
    kem_output, context = setup_sender(suite, public_key, info, rng)
    # The key comes from a fresh encapsulation and is dropped here: it seals this plaintext alone, at
    # sequence 0.
    return HpkeCiphertext(kem_output, suite.aead.seal(context.key, context.base_nonce, aad, plaintext))


def open_(suite: HpkeSuite, private_key: bytes, ct: HpkeCiphertext, info: bytes, aad: bytes) -> bytes:
    """Raises BadKeyError or AeadError."""
    context = setup_receiver(suite, private_key, ct.kem_output, info)
    return suite.aead.open(context.key, context.base_nonce, aad, ct.ciphertext)


def send_export(
    suite: HpkeSuite, public_key: bytes, info: bytes, exporter_context: bytes, length: int, rng: Rng
) -> HpkeExport:
    """Raises BadKeyError when the public key is not one."""
    kem_output, context = setup_sender(suite, public_key, info, rng)
    return HpkeExport(kem_output, context.export(exporter_context, length))


def receive_export(
    suite: HpkeSuite, private_key: bytes, kem_output: bytes, info: bytes, exporter_context: bytes, length: int
) -> bytes:
    """Raises BadKeyError when the KEM output is not one."""
    return setup_receiver(suite, private_key, kem_output, info).export(exporter_context, length)
