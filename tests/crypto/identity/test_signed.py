"""E5: what is signed is a label and content; THREATS 44: of parts whose sizes nobody else chooses."""

from collections.abc import Callable

import pytest

from crypto.identity.sign_in import (
    new_sign_in_key,
    prove_new_account,
    prove_recovered_device,
    prove_recovery,
    prove_sign_in,
)
from crypto.identity.signed import sign_labelled, verify_labelled
from crypto.mls import ed25519
from crypto.mls.errors import UsageError
from tests.crypto.identity.people import id_of, key_pair, seeded

SIGNER = key_pair("signer")
DEPLOYMENT, DEVICE, ACCOUNT = id_of("deployment"), id_of("device"), id_of("account")
CHALLENGE = seeded("challenge")(32)


def test_e5_the_whole_label_and_the_content_each_with_its_length() -> None:
    signed = bytes((22,)) + b"Collegium 1.0 identity" + bytes((7,)) + b"content"
    expected = ed25519.sign(SIGNER.private_key, signed)
    assert sign_labelled(SIGNER.private_key, "identity", b"content") == expected


def test_e5_it_holds_under_that_label_key_and_content_alone() -> None:
    signature = sign_labelled(SIGNER.private_key, "device", b"content")
    assert verify_labelled(SIGNER.public_key, "device", b"content", signature)
    assert not verify_labelled(SIGNER.public_key, "identity", b"content", signature)
    assert not verify_labelled(key_pair("other").public_key, "device", b"content", signature)
    assert not verify_labelled(SIGNER.public_key, "device", b"contents", signature)
    # Bytes that somebody else chose, signed bare, are no signature of ours.
    bare = ed25519.sign(SIGNER.private_key, b"content")
    assert not verify_labelled(SIGNER.public_key, "device", b"content", bare)


def new_account(**changed: bytes) -> bytes:
    parts = {
        "deployment_id": DEPLOYMENT,
        "token": CHALLENGE,
        "account_id": ACCOUNT,
        "root_key": SIGNER.public_key,
        "device_id": DEVICE,
        "recovery_key": SIGNER.public_key,
        "backup": b"sealed",
    }
    return prove_new_account(SIGNER, **{**parts, **changed})


@pytest.mark.parametrize(
    "prove",
    [
        lambda: prove_sign_in(SIGNER, deployment_id=DEPLOYMENT, device_id=DEVICE, challenge=CHALLENGE + b"x"),
        lambda: prove_sign_in(SIGNER, deployment_id=CHALLENGE, device_id=DEVICE, challenge=CHALLENGE),
        lambda: prove_recovery(SIGNER, deployment_id=DEPLOYMENT, account_id=ACCOUNT, challenge=b""),
        lambda: prove_recovered_device(SIGNER, deployment_id=DEPLOYMENT, grant=DEVICE, device_id=DEVICE),
        *(
            lambda part=part: new_account(**{part: bytes(7)})
            for part in ("deployment_id", "token", "account_id", "root_key", "device_id", "recovery_key")
        ),
    ],
)
def test_e5_threats_44_parts_of_another_size_are_not_signed(prove: Callable[[], bytes]) -> None:
    with pytest.raises(UsageError):
        prove()


def test_e5_a_proof_covers_each_part() -> None:
    assert new_account() == new_account()
    assert new_account(backup=b"other") != new_account()
    assert new_account(root_key=key_pair("other").public_key) != new_account()
    assert new_sign_in_key(seeded("a")) != new_sign_in_key(seeded("b"))
