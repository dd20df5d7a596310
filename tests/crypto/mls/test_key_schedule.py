"""The key schedule: what an epoch's secrets are, and how PSKs go into them."""

import pytest

from crypto.mls.group_context import GroupContext, encode_group_context
from crypto.mls.key_schedule import (
    SECRET_NAMES,
    epoch_secret,
    epoch_secrets,
    exporter,
    external_key_pair,
    joiner_secret,
    receive_external_init,
    welcome_secret,
)
from crypto.mls.psk import NamedPsk, find_psks, no_psks, psk_secret
from crypto.mls.psk_id import ExternalPskId
from crypto.mls.suite import ROOM_SUITE, CipherSuite
from crypto.mls.suites import suite_of
from tests.crypto.mls.simulation import code_of
from tests.crypto.seeded_rng import seeded_rng
from tests.crypto.vectors import OWN_SUITES, Entry, Record, VectorFile, b, each_in_scope, each_vector_file

KEPT_NAMES = {
    "sender_data": "sender_data_secret",
    "exporter": "exporter_secret",
    "external": "external_secret",
    "confirmation": "confirmation_key",
    "membership": "membership_key",
    "resumption": "resumption_psk",
    "authenticator": "epoch_authenticator",
    "init": "init_secret",
}


def check_epoch(suite: CipherSuite, group_id: bytes, number: int, init: bytes, given: Entry) -> bytes:
    """One epoch of a vector. Answers the init secret for the next."""
    context = encode_group_context(
        GroupContext(
            version=1,
            suite=suite.id,
            group_id=group_id,
            epoch=number,
            tree_hash=b(given["tree_hash"]),
            confirmed_transcript_hash=b(given["confirmed_transcript_hash"]),
            extensions=(),
        )
    )
    assert context == b(given["group_context"])
    psk = b(given["psk_secret"]) if "psk_secret" in given else bytes(suite.nh)
    joiner = joiner_secret(suite, init, b(given["commit_secret"]), context)
    assert joiner == b(given["joiner_secret"])
    assert welcome_secret(suite, joiner, psk) == b(given["welcome_secret"])
    secrets = epoch_secrets(suite, epoch_secret(suite, joiner, psk, context))
    assert secrets.encryption == b(given["encryption_secret"])
    for name in SECRET_NAMES:
        assert (name, getattr(secrets.kept, name)) == (name, b(given[KEPT_NAMES[name]]))
    assert external_key_pair(suite, secrets.kept.external).public_key == b(given["external_pub"])
    export = given["exporter"]
    exported = exporter(suite, secrets.kept.exporter, export["label"], b(export["context"]), export["length"])
    assert exported == b(export["secret"])
    return secrets.kept.init


@each_vector_file("mls/key-schedule")
def test_key_schedule(file: VectorFile, record_property: Record) -> None:
    def check(suite: CipherSuite, entry: Entry) -> None:
        init = b(entry["initial_init_secret"])
        for number, given in enumerate(entry["epochs"]):
            init = check_epoch(suite, b(entry["group_id"]), number, init, given)

    each_in_scope(file, record_property, check)


@each_vector_file("mls/psk-secret")
def test_psk_secret(file: VectorFile, record_property: Record) -> None:
    def check(suite: CipherSuite, entry: Entry) -> None:
        psks = [
            NamedPsk(ExternalPskId(b(one["psk_id"]), b(one["psk_nonce"])), b(one["psk"]))
            for one in entry["psks"]
        ]
        assert psk_secret(suite, psks) == b(entry["psk_secret"])

    each_in_scope(file, record_property, check)


@pytest.mark.parametrize("number", OWN_SUITES)
def test_an_external_init_secret_arrives_as_it_was_sent(number: int) -> None:
    suite = suite_of(number)
    external = seeded_rng("external")(suite.nh)
    public_key = external_key_pair(suite, external).public_key
    label = b"MLS 1.0 external init secret"
    sent = suite.hpke_export_sender(public_key, b"", label, suite.nh, seeded_rng("sender"))
    assert receive_external_init(suite, external, sent.kem_output) == sent.secret


def test_v905_an_exported_secret_depends_on_label_context_and_length() -> None:
    suite = suite_of(ROOM_SUITE)
    secret = seeded_rng("exporter")(suite.nh)
    asked = [("a", b"", 32), ("b", b"", 32), ("a", b"x", 32), ("a", b"y", 32), ("a", b"", 31)]
    exported = [exporter(suite, secret, *one) for one in asked]
    assert len(set(exported)) == len(asked)
    assert not exported[0].startswith(exported[4])


def test_v315_a_psk_that_nobody_has_is_named_as_missing() -> None:
    assert code_of(lambda: find_psks([ExternalPskId(b"x", b"")], no_psks)) == "psk_missing"
