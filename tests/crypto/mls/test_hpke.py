"""HPKE: known answers (RFC 9180, draft-ietf-hpke-pq), with fixed randomness where a KEM takes any."""

from crypto.mls.aead import AES_128_GCM, AES_256_GCM, CHACHA20_POLY1305
from crypto.mls.dhkem import DHKEM_P256, DHKEM_X25519
from crypto.mls.hpke import HpkeSuite, setup_receiver, setup_sender
from crypto.mls.kdf import HKDF_SHA256, HKDF_SHA384
from tests.crypto.mls.ml_kem import REPLAYABLE_XWING
from tests.crypto.vectors import Entry, Record, VectorFile, b, each_vector_file, report

KEMS = {kem.id: kem for kem in (REPLAYABLE_XWING, DHKEM_X25519, DHKEM_P256)}
KDFS = {kdf.id: kdf for kdf in (HKDF_SHA256, HKDF_SHA384)}
AEADS = {aead.id: aead for aead in (AES_128_GCM, AES_256_GCM, CHACHA20_POLY1305)}


def suite_of_vector(entry: Entry) -> HpkeSuite | None:
    """The parts that a vector names, or None where it names one that is not ours, or another mode than
    base.
    """
    kem, kdf, aead = KEMS.get(entry["kem_id"]), KDFS.get(entry["kdf_id"]), AEADS.get(entry["aead_id"])
    if entry["mode"] != 0 or kem is None or kdf is None or aead is None:
        return None
    return HpkeSuite(kem, kdf, aead)


def check(suite: HpkeSuite, entry: Entry) -> None:
    info, enc = b(entry["info"]), b(entry["enc"])
    keys = suite.kem.derive_key_pair(b(entry["ikmR"]))
    assert keys.private_key == b(entry["skRm"])
    assert keys.public_key == b(entry["pkRm"])

    made = suite.kem.encapsulate(keys.public_key, b(entry["ikmE"]))
    assert made.kem_output == enc
    assert made.shared_secret == b(entry["shared_secret"])
    assert suite.kem.decapsulate(enc, keys.private_key) == b(entry["shared_secret"])

    kem_output, sender = setup_sender(suite, keys.public_key, info, lambda _: b(entry["ikmE"]))
    assert kem_output == enc
    receiver = setup_receiver(suite, keys.private_key, enc, info)
    for context in (sender, receiver):
        assert context.key == b(entry["key"])
        assert context.base_nonce == b(entry["base_nonce"])
        assert context.exporter_secret == b(entry["exporter_secret"])

    assert entry["encryptions"][0]["nonce"] == entry["base_nonce"]
    for one in entry["encryptions"]:
        nonce, aad, pt, ct = (b(one[name]) for name in ("nonce", "aad", "pt", "ct"))
        assert suite.aead.seal(receiver.key, nonce, aad, pt) == ct
        assert suite.aead.open(receiver.key, nonce, aad, ct) == pt
    for one in entry["exports"]:
        assert receiver.export(b(one["exporter_context"]), one["L"]) == b(one["exported_value"])


@each_vector_file("hpke")
def test_hpke(file: VectorFile, record_property: Record) -> None:
    entries = file.entries()
    checked = 0
    for entry in entries:
        suite = suite_of_vector(entry)
        if suite is not None:
            check(suite, entry)
            checked += 1
    report(file, record_property, checked, len(entries) - checked)
