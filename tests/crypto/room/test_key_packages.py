"""E1, E9, E10; THREATS 2, 3: what a server hands out as a device's KeyPackage, and whether it is taken."""

import contextlib
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crypto.mls.capabilities import own_capabilities
from crypto.mls.errors import InvalidError, MlsError
from crypto.mls.hpke import HpkeCiphertext
from crypto.mls.mls_message import encode_mls_message
from crypto.mls.suite import ROOM_SUITE
from crypto.mls.welcome import EncryptedGroupSecrets, Welcome
from crypto.room.errors import RoomError
from crypto.room.key_packages import LAST_RESORT, Claiming, judge_claimed, welcomed_refs
from tests.crypto.identity.people import DEPLOYMENT
from tests.crypto.room.key_package_cases import ANNA, CASES, MADE, STAMP, Case, verdict_of, wanted_by


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_e9_e10_a_claimed_key_package_is_taken_or_refused(case: Case) -> None:
    assert verdict_of(case) == case.verdict


def test_e7_an_older_statement_than_the_known_one_is_refused() -> None:
    """The same identity key, said by a statement that was superseded since."""
    wanted = replace(wanted_by(ANNA.identity), identity_serial=2)
    with pytest.raises(RoomError) as refused:
        judge_claimed(MADE["good"].bytes, wanted, Claiming(DEPLOYMENT, STAMP, (), frozenset()))
    assert refused.value.code == "identity_older"


def test_the_mark_is_in_one_key_package_and_listed_in_every_leaf() -> None:
    """RFC 9420 §10: extensions are listed in the capabilities. Who was added by its last resort shows in no
    tree.
    """
    marked, plain = MADE["last_resort"].key_package, MADE["good"].key_package
    assert LAST_RESORT in marked.extensions
    assert LAST_RESORT not in plain.extensions
    for one in (marked, plain):
        listed = one.leaf_node.capabilities.extensions
        assert LAST_RESORT.type in listed
        assert {extension.type for extension in one.extensions} <= set(listed)
        # E13: GREASE, beside what rooms need.
        known = own_capabilities(one.suite).extensions
        assert len(listed) > len(known) + 1
        assert {extension.type for extension in one.leaf_node.extensions} <= set(listed)


def test_only_a_welcome_names_whom_it_is_for() -> None:
    with pytest.raises(InvalidError):
        welcomed_refs(encode_mls_message(MADE["good"].key_package))
    refs = bytes(48), bytes([1]) * 48
    sealed = HpkeCiphertext(b"", b"")
    welcome = Welcome(ROOM_SUITE, tuple(EncryptedGroupSecrets(ref, sealed) for ref in refs), b"")
    assert welcomed_refs(encode_mls_message(welcome)) == refs


@settings(max_examples=60, deadline=None)
@given(at=st.integers(min_value=0, max_value=len(MADE["good"].bytes) - 1), bit=st.integers(0, 7))
def test_no_changed_bit_is_taken(at: int, bit: int) -> None:
    """Any bytes are judged: taken as they were made, or refused as the peer's fault."""
    data = bytearray(MADE["good"].bytes)
    data[at] ^= 1 << bit
    with contextlib.suppress(MlsError, RoomError) as _:
        judge_claimed(bytes(data), wanted_by(ANNA.identity), Claiming(DEPLOYMENT, STAMP, (), frozenset()))
        raise AssertionError(f"bit {bit} of byte {at} changes nothing")
