"""E22: the recovery bundle, and who may let a recovered device in."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crypto.identity.bundle import (
    MAX_BUNDLE_BYTES,
    MAX_NAME_BYTES,
    Bundle,
    Pin,
    PinnedAccount,
    open_bundle,
    pin_allows,
    seal_bundle,
)
from crypto.identity.errors import BundleError
from crypto.identity.identity import Identity, succeed_root, supersede_identity
from crypto.identity.root_keys import RootKeys
from crypto.identity.signed import sign_labelled
from crypto.mls.codec import Writer, vector_bytes
from crypto.mls.errors import UsageError
from crypto.mls.suite import room_suite
from tests.crypto.identity.people import code_of, id_of, key_pair, leaf_of, seeded, someone, spoilt

ANNA, BEN, CLEO = (someone(name).identity for name in ("anna", "ben", "cleo"))
KEYS = someone("anna").keys
NEXT = someone("anna's new code").keys
PRIVATE = ANNA.identity_key.private_key


def pin(name: str, *people: Identity) -> Pin:
    accounts = tuple(PinnedAccount(one.account_id, one.root_key) for one in people)
    return Pin(id_of(f"room {name}"), accounts, 12_345_678_901, seeded(f"head {name}")(48))


BUNDLE = Bundle(ANNA, "Anna Weiß 🙂", (pin("one", CLEO, ANNA, BEN), pin("two", BEN, ANNA), pin("empty")))
SEALED = seal_bundle(BUNDLE, seeded("seal"))


def judge(sealed: bytes, keys: RootKeys = KEYS) -> str:
    return code_of(lambda: open_bundle(sealed, keys))


def sealed_by_hand(plaintext: bytes, account: bytes = ANNA.account_id) -> bytes:
    """Any plaintext sealed to Anna's code, as anybody could who knows the key."""
    header = b"\x01" + account
    ct = room_suite.hpke_seal(KEYS.seal.public_key, b"Collegium 1.0 bundle", header, plaintext, seeded("x"))
    return Writer().raw(header).opaque(ct.kem_output).opaque(ct.ciphertext).finish()


def plaintext(
    *,
    version: int = 1,
    account: bytes = ANNA.account_id,
    identity_key: bytes = PRIVATE,
    chain: bytes = ANNA.chain,
    name: bytes = b"Anna",
    people: bytes = b"",
    pins: bytes = b"",
    signer: bytes = PRIVATE,
    padding: bytes = bytes(100),
) -> bytes:
    """A bundle written out by hand, so that any one thing in it can be wrong."""
    lists = vector_bytes(name) + vector_bytes(people) + vector_bytes(pins)
    content = bytes((version,)) + account + identity_key + vector_bytes(chain) + lists
    return content + sign_labelled(signer, "bundle", content) + padding


def test_e22_it_opens_with_the_recovery_code() -> None:
    assert open_bundle(SEALED, KEYS) == BUNDLE
    bare = Bundle(ANNA, "", ())
    assert open_bundle(seal_bundle(bare, seeded("bare")), KEYS) == bare
    assert open_bundle(sealed_by_hand(plaintext()), KEYS) == Bundle(ANNA, "Anna", ())
    assert seal_bundle(BUNDLE, seeded("seal")) != SEALED


def test_e22_it_opens_after_the_keys_were_renewed_and_with_a_new_code_alone() -> None:
    renewed = replace(BUNDLE, identity=supersede_identity(ANNA, KEYS, seeded("renewed")))
    assert open_bundle(seal_bundle(renewed, seeded("r")), KEYS) == renewed
    moved = replace(BUNDLE, identity=succeed_root(ANNA, KEYS, NEXT))
    assert open_bundle(seal_bundle(moved, seeded("m")), NEXT) == moved
    assert judge(seal_bundle(moved, seeded("m")), KEYS) == "bundle_sealed"


def test_e22_it_is_sealed() -> None:
    assert judge(SEALED, someone("ben").keys) == "bundle_sealed"
    assert [judge(spoilt(SEALED, at)) for at in (1, 1500, -1)] == ["bundle_sealed"] * 3
    assert all(judge(spoilt(SEALED, at)) != "nothing was raised" for at in (16, 30, 1200))
    assert PRIVATE not in SEALED
    assert b"Anna" not in SEALED


def test_e22_it_is_signed_by_the_identity_key() -> None:
    others = plaintext(signer=BEN.identity_key.private_key)
    assert judge(sealed_by_hand(others)) == "bundle_signature"
    assert judge(sealed_by_hand(spoilt(plaintext(), -101))) == "bundle_signature"


def test_e22_it_is_of_the_account_of_the_code() -> None:
    bens = plaintext(
        account=BEN.account_id,
        identity_key=BEN.identity_key.private_key,
        chain=BEN.chain,
        signer=BEN.identity_key.private_key,
    )
    other_account = plaintext(account=BEN.account_id)
    for sealed in (
        sealed_by_hand(bens),
        sealed_by_hand(bens, BEN.account_id),
        sealed_by_hand(plaintext(chain=spoilt(ANNA.chain, -1))),
        sealed_by_hand(plaintext(chain=succeed_root(ANNA, KEYS, NEXT).chain)),
        sealed_by_hand(plaintext(), BEN.account_id),
        sealed_by_hand(other_account),
        sealed_by_hand(other_account, BEN.account_id),
    ):
        assert judge(sealed) == "bundle_root"
    foreign = plaintext(identity_key=key_pair("another identity key").private_key)
    assert judge(sealed_by_hand(foreign)) == "bundle_identity"


def pin_bytes(position: int, index: int) -> bytes:
    writer = Writer().raw(id_of("room")).uint64(position).raw(bytes(48))
    return writer.vector([index], Writer.uint16).finish()


ENTRY = BEN.account_id + BEN.root_key


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (plaintext(people=ENTRY, pins=pin_bytes(1, 0)), "nothing was raised"),
        (plaintext(version=2), "bundle_malformed"),
        (plaintext(people=ENTRY, pins=pin_bytes(1, 1)), "bundle_malformed"),
        (plaintext(people=ENTRY, pins=pin_bytes(2**53, 0)), "bundle_malformed"),
        (plaintext(people=ENTRY[1:]), "bundle_malformed"),
        (plaintext(name=b"\xff"), "bundle_malformed"),
        (plaintext(name=bytes(MAX_NAME_BYTES + 1)), "bundle_malformed"),
        (plaintext(padding=b"\0\0\1"), "bundle_malformed"),
    ],
)
def test_e22_what_is_in_it(content: bytes, code: str) -> None:
    assert judge(sealed_by_hand(content)) == code


@pytest.mark.parametrize("bad", [b"", b"\x02" + SEALED[1:], SEALED[:-1], SEALED + b"x"])
def test_e22_what_is_no_bundle_is_refused(bad: bytes) -> None:
    assert judge(bad) == "bundle_malformed"


def test_e22_it_fits_into_what_the_server_takes_or_says_so() -> None:
    people = [PinnedAccount(id_of(f"account {i}"), seeded(f"root {i}")(32)) for i in range(256)]
    # A colleague of many rooms is written once: 400 rooms with a dozen of 256 people each.
    pins = tuple(
        replace(pin(str(i)), accounts=tuple(people[(i * 12 + k) % 256] for k in range(12)))
        for i in range(400)
    )
    large = seal_bundle(replace(BUNDLE, pins=pins), seeded("large"))
    assert len(large) <= MAX_BUNDLE_BYTES
    assert open_bundle(large, KEYS).pins == pins
    twice = replace(BUNDLE, pins=pins + pins)
    assert code_of(lambda: seal_bundle(twice, seeded("x"))) == "bundle_too_large"
    oversized = sealed_by_hand(plaintext(padding=bytes(MAX_BUNDLE_BYTES)))
    assert judge(oversized) == "bundle_malformed"
    with pytest.raises(UsageError):
        seal_bundle(replace(BUNDLE, name="x" * (MAX_NAME_BYTES + 1)), seeded("x"))


def test_e22_threats_22_one_colleague_or_one_letter_more_does_not_show_in_its_size() -> None:
    small = replace(BUNDLE, pins=(pin("one", ANNA),))
    more = (
        replace(small, name="A"),
        replace(small, name="Annabella"),
        replace(small, pins=(pin("one", ANNA, BEN),)),
    )
    assert {len(seal_bundle(one, seeded("size"))) for one in more} == {
        len(seal_bundle(small, seeded("size")))
    }


@settings(max_examples=150, derandomize=True, deadline=None)
@given(st.binary(max_size=300), st.integers(0, 10_000), st.integers(1, 255))
def test_e22_any_bytes_and_any_change_inside_raise_bundle_error(data: bytes, at: int, bits: int) -> None:
    changed = bytearray(plaintext())
    changed[at % len(changed)] ^= bits
    for bad in (data, SEALED[:17] + data, sealed_by_hand(bytes(changed))):
        with pytest.raises(BundleError):
            open_bundle(bad, KEYS)


def test_e22_an_adder_is_on_the_list_under_a_root_that_was_pinned() -> None:
    one, two, empty = BUNDLE.pins
    keys = someone("ben").keys
    moved = succeed_root(BEN, keys, someone("ben's new code").keys)
    assert pin_allows(one, leaf_of(BEN, "laptop"))
    assert pin_allows(one, leaf_of(supersede_identity(BEN, keys, seeded("renewed")), "phone"))
    assert pin_allows(one, leaf_of(moved, "laptop"))
    assert not pin_allows(one, leaf_of(someone("dora").identity, "laptop"))
    assert not pin_allows(two, leaf_of(CLEO, "laptop"))
    assert not pin_allows(empty, leaf_of(BEN, "laptop"))
    # An account on the list whose pinned root is another, and a pinned root under another account.
    other_root = replace(one, accounts=(PinnedAccount(BEN.account_id, CLEO.root_key),))
    other_account = replace(one, accounts=(PinnedAccount(CLEO.account_id, BEN.root_key),))
    for wrong in (other_root, other_account, pin("moved", moved)):
        assert not pin_allows(wrong, leaf_of(BEN, "laptop"))
