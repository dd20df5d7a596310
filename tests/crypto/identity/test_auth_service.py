"""E8, E9, E10: certificates, revocations, and the check of a leaf, each rule broken once."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crypto.identity.auth_service import (
    check_deployment,
    check_lifetime,
    check_revocation,
    check_successor,
    expired,
    identify_leaf,
    obsolete,
)
from crypto.identity.certificate import (
    MAX_CERTIFICATE_LIFETIME,
    certificate_window,
    read_certificate,
    read_revocation,
    revoke_device,
    revokes,
)
from crypto.identity.credential import (
    MAX_CREDENTIAL_BYTES,
    LeafIdentity,
    encode_credential,
    split_credential,
)
from crypto.identity.errors import AsError
from crypto.identity.identity import succeed_root, supersede_identity
from crypto.identity.statement import IdentityStatement, encode_chain, sign_statement
from crypto.mls import ed25519
from crypto.mls.errors import UsageError
from crypto.mls.sign_label import sign_content
from tests.crypto.identity.people import (
    DEPLOYMENT,
    NOT_AFTER,
    NOW,
    code_of,
    device,
    id_of,
    key_pair,
    leaf_of,
    seeded,
    someone,
    spoilt,
)

ANNA, BEN = someone("anna"), someone("ben")
LAPTOP = device(ANNA.identity, "laptop")
KEY = LAPTOP.leaf_key.public_key
LEAF = identify_leaf(LAPTOP.credential, KEY)
RENEWED = supersede_identity(ANNA.identity, ANNA.keys, seeded("renewed"))
NEXT = someone("anna's new code").keys
MOVED = succeed_root(ANNA.identity, ANNA.keys, NEXT)
DAY = 86_400_000


def certificate(
    not_before: int = NOW, not_after: int = NOT_AFTER, label: str = "Collegium 1.0 device"
) -> bytes:
    """Written out by hand and signed, so that its fields may be anything."""
    content = b"".join(
        (
            b"\x01",
            DEPLOYMENT,
            ANNA.identity.account_id,
            ANNA.identity.identity_key.public_key,
            id_of("device laptop"),
            key_pair("leaf laptop").public_key,
            (1).to_bytes(4, "big"),
            not_before.to_bytes(8, "big"),
            not_after.to_bytes(8, "big"),
        )
    )
    return content + ed25519.sign(ANNA.identity.identity_key.private_key, sign_content(label, content))


def read(data: bytes) -> str:
    return code_of(lambda: read_certificate(data))


# E8


def test_e8_its_bytes_signed_by_the_identity_key() -> None:
    assert LAPTOP.certificate == certificate()
    assert read(certificate(label="Collegium 1.0 revocation")) == "certificate_signature"
    assert read(spoilt(LAPTOP.certificate, -1)) == "certificate_signature"
    for at in range(1, len(LAPTOP.certificate) - 64, 16):
        assert read(spoilt(LAPTOP.certificate, at)) != "nothing was raised"


def test_e8_it_lasts_180_days_at_most_and_does_not_end_before_it_begins() -> None:
    assert MAX_CERTIFICATE_LIFETIME == 180 * DAY
    assert read(certificate(not_after=NOW + 180 * DAY)) == "nothing was raised"
    assert read(certificate(not_after=NOW + 180 * DAY + 1)) == "certificate_lifetime"
    assert read(certificate(not_after=NOW - 1)) == "certificate_lifetime"
    for not_after in (NOW + 180 * DAY + 1, NOW - 1):
        with pytest.raises(UsageError):
            device(ANNA.identity, "x", not_after=not_after)


def test_e8_what_is_no_certificate_is_refused() -> None:
    good = LAPTOP.certificate
    for bad in (b"\x02" + good[1:], good[:-1], good + b"\0", bytes(1000), certificate(2**53, 2**53)):
        assert read(bad) == "malformed"


def test_e8_one_made_now_holds_for_those_whose_clock_is_behind() -> None:
    window = certificate_window(NOW)
    assert (NOW - window.not_before, window.not_after - window.not_before) == (DAY, MAX_CERTIFICATE_LIFETIME)
    assert certificate_window(5).not_before == 0


# E9: the check


def test_e9_the_account_its_keys_and_the_device() -> None:
    root = ANNA.keys.root.public_key
    assert (
        LeafIdentity(
            account_id=ANNA.identity.account_id,
            root_key=root,
            identity_key=ANNA.identity.identity_key.public_key,
            identity_serial=1,
            deployment_id=DEPLOYMENT,
            device_id=LAPTOP.device_id,
            leaf_key=KEY,
            certificate_serial=1,
            not_before=NOW,
            not_after=NOT_AFTER,
            roots=(root,),
        )
        == LEAF
    )
    moved = leaf_of(MOVED, "laptop")
    assert (moved.account_id, moved.root_key) == (LEAF.account_id, NEXT.root.public_key)
    assert moved.roots == (root, NEXT.root.public_key)


def test_e9_each_rule_of_a_leaf() -> None:
    def judge(credential: bytes, key: bytes = KEY) -> str:
        return code_of(lambda: identify_leaf(credential, key))

    assert judge(LAPTOP.credential, key_pair("another leaf").public_key) == "leaf_key"
    assert judge(LAPTOP.credential, b"") == "leaf_key"
    # Ben certifies a device for Anna's account and puts Anna's chain before it: THREATS 1 and 2.
    claim = replace(BEN.identity, account_id=ANNA.identity.account_id, chain=ANNA.identity.chain)
    ghost = device(claim, "ghost")
    assert judge(ghost.credential, ghost.leaf_key.public_key) == "certificate_identity"
    strayed = device(replace(ANNA.identity, account_id=BEN.identity.account_id), "laptop")
    assert judge(strayed.credential) == "certificate_account"
    bad_chain = encode_credential(spoilt(ANNA.identity.chain, -1), LAPTOP.certificate)
    assert judge(bad_chain) == "statement_signature"
    bad_certificate = encode_credential(ANNA.identity.chain, spoilt(LAPTOP.certificate, -1))
    assert judge(bad_certificate) == "certificate_signature"
    # E6: an account that somebody else's root claims.
    statement = IdentityStatement(
        ANNA.identity.account_id,
        9,
        BEN.keys.root.public_key,
        BEN.identity.identity_key.public_key,
        None,
    )
    chain = encode_chain([sign_statement(BEN.keys.root.private_key, statement)])
    forged = device(replace(BEN.identity, account_id=ANNA.identity.account_id, chain=chain), "ghost")
    assert judge(forged.credential, forged.leaf_key.public_key) == "chain_account"


def test_e9_the_answer_depends_on_the_bytes_alone() -> None:
    assert identify_leaf(bytes(bytearray(LAPTOP.credential)), KEY) is LEAF
    bad = spoilt(LAPTOP.credential, -1)
    for _ in range(3):
        assert code_of(lambda: identify_leaf(bad, KEY)) == "certificate_signature"
    # The same bytes cut elsewhere between credential and key are another question.
    assert code_of(lambda: identify_leaf(LAPTOP.credential + KEY[:1], KEY[1:])) == "malformed"


def test_e9_a_certificate_is_for_one_server() -> None:
    check_deployment(LEAF, DEPLOYMENT)
    assert code_of(lambda: check_deployment(LEAF, id_of("another server"))) == "deployment"


def test_e9_what_is_no_credential_is_refused() -> None:
    good = LAPTOP.credential
    for bad in (b"\x02" + good[1:], good[:-1], good + b"\0", b"", bytes(MAX_CREDENTIAL_BYTES + 1)):
        assert code_of(lambda bad=bad: split_credential(bad)) == "malformed"  # type: ignore[misc]


@settings(max_examples=300, derandomize=True, deadline=None)
@given(st.one_of(st.binary(max_size=600), st.tuples(st.integers(0, 10_000), st.integers(1, 255))))
def test_e9_any_bytes_and_any_change_raise_as_error(drawn: bytes | tuple[int, int]) -> None:
    if isinstance(drawn, bytes):
        data = drawn
    else:
        changed = bytearray(LAPTOP.credential)
        changed[drawn[0] % len(changed)] ^= drawn[1]
        data = bytes(changed)
    with pytest.raises(AsError):
        identify_leaf(data, KEY)
    for parse in (read_certificate, read_revocation):
        with pytest.raises(AsError):
            parse(data)


# E10


def test_e10_both_ends_belong_to_a_lifetime_and_nothing_expires_by_itself() -> None:
    for at in (LEAF.not_before, LEAF.not_after):
        check_lifetime(LEAF, at)
    assert code_of(lambda: check_lifetime(LEAF, LEAF.not_before - 1)) == "not_yet_valid"
    assert code_of(lambda: check_lifetime(LEAF, LEAF.not_after + 1)) == "expired"
    assert [expired(LEAF, LEAF.not_after + i) for i in (0, 1)] == [False, True]
    old = device(ANNA.identity, "old", not_before=0, not_after=1)
    assert identify_leaf(old.credential, old.leaf_key.public_key).not_after == 1


# E9: successors and what obliges a Remove


def test_e9_a_successor_on_its_own_path() -> None:
    before = leaf_of(ANNA.identity, "laptop", serial=5)
    for serial in (5, 6, 100):
        check_successor(before, leaf_of(ANNA.identity, "laptop", serial, key_pair(f"renewed {serial}")))
    check_successor(before, leaf_of(MOVED, "laptop", serial=5))
    # Ben's root names Anna's identity key as well, so that the account alone differs.
    statement = IdentityStatement(
        BEN.identity.account_id,
        1,
        BEN.keys.root.public_key,
        ANNA.identity.identity_key.public_key,
        None,
    )
    chain = encode_chain([sign_statement(BEN.keys.root.private_key, statement)])
    mixed = replace(ANNA.identity, account_id=BEN.identity.account_id, chain=chain)
    for after, code in (
        (leaf_of(ANNA.identity, "laptop", serial=4), "successor_serial"),
        (leaf_of(ANNA.identity, "phone", serial=5), "successor_device"),
        (leaf_of(RENEWED, "laptop", serial=5), "successor_identity"),
        (leaf_of(mixed, "laptop", serial=5), "successor_account"),
    ):
        assert code_of(lambda after=after: check_successor(before, after)) == code  # type: ignore[misc]


def test_e9_a_revocation_voids_the_certificates_of_one_device_up_to_its_serial() -> None:
    leaf = leaf_of(ANNA.identity, "laptop", serial=3)

    def statement(serial: int = 3, name: str = "laptop") -> bytes:
        return revoke_device(ANNA.identity, id_of(f"device {name}"), serial)

    content = b"".join(
        (
            b"\x01",
            ANNA.identity.account_id,
            ANNA.identity.identity_key.public_key,
            id_of("device laptop"),
            (3).to_bytes(4, "big"),
        )
    )
    signed = sign_content("Collegium 1.0 revocation", content)
    assert statement() == content + ed25519.sign(ANNA.identity.identity_key.private_key, signed)
    assert [revokes(read_revocation(statement(serial)), leaf) for serial in (2, 3, 4)] == [False, True, True]
    assert check_revocation(statement(), leaf).serial == 3
    # Another device, and Ben's key or account.
    elsewhere = (
        statement(name="phone"),
        revoke_device(replace(BEN.identity, account_id=leaf.account_id), leaf.device_id, 3),
        revoke_device(replace(ANNA.identity, account_id=BEN.identity.account_id), leaf.device_id, 3),
    )
    for other in elsewhere:
        assert code_of(lambda other=other: check_revocation(other, leaf)) == "revocation_other"  # type: ignore[misc]
    for at in (-1, 20):
        assert code_of(lambda at=at: read_revocation(spoilt(statement(), at))) == "revocation_signature"  # type: ignore[misc]
    device_label = ed25519.sign(
        ANNA.identity.identity_key.private_key, sign_content("Collegium 1.0 device", content)
    )
    assert code_of(lambda: read_revocation(content + device_label)) == "revocation_signature"
    assert code_of(lambda: read_revocation(statement()[1:])) == "malformed"


def test_e9_a_higher_identity_statement_obliges_the_remove_of_every_leaf_under_older_keys() -> None:
    assert obsolete(LEAF, RENEWED.chain)
    assert not obsolete(leaf_of(RENEWED, "laptop"), RENEWED.chain)
    assert not obsolete(leaf_of(RENEWED, "laptop"), ANNA.identity.chain)
    assert not obsolete(LEAF, ANNA.identity.chain)
    # Across a new root: the identity key went over, so nothing of it is older, until that is renewed.
    assert not obsolete(LEAF, MOVED.chain)
    assert obsolete(LEAF, supersede_identity(MOVED, NEXT, seeded("both")).chain)


def test_e9_what_makes_no_leaf_obsolete() -> None:
    statement = IdentityStatement(
        ANNA.identity.account_id, 1, ANNA.keys.root.public_key, key_pair("contradiction").public_key, None
    )
    # E7: only a higher serial supersedes.
    assert not obsolete(LEAF, encode_chain([sign_statement(ANNA.keys.root.private_key, statement)]))
    assert not obsolete(LEAF, supersede_identity(BEN.identity, BEN.keys, seeded("ben renewed")).chain)
    # A chain that branches off from the leaf's own.
    here, there = someone("one successor").keys, someone("other successor").keys
    leaf_here = leaf_of(succeed_root(ANNA.identity, ANNA.keys, here), "laptop")
    moved_there = succeed_root(ANNA.identity, ANNA.keys, there)
    assert not obsolete(leaf_here, supersede_identity(moved_there, there, seeded("there")).chain)
    assert code_of(lambda: obsolete(LEAF, spoilt(RENEWED.chain, -1))) == "statement_signature"
