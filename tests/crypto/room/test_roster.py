"""E9, E10, E13, E20: who sits at which leaf."""

from dataclasses import replace

import pytest

from crypto.identity.identity import supersede_identity
from crypto.mls.credential import X509Credential
from crypto.mls.ratchet_tree import Member
from crypto.mls.tree_math import LeafIndex
from crypto.room.errors import RoomRuleError
from crypto.room.roster import (
    MAX_LEAVES_EACH,
    accounts_of,
    check_together,
    devices_of,
    expired_leaves,
    has_account,
    leaf_of_device,
    leaves_of,
    roster_of,
)
from tests.crypto.identity.people import DEPLOYMENT, NOT_AFTER, code_of, id_of, seeded, someone
from tests.crypto.room.world import account, leaf, refused

WHO = ("anna", "ben", "ben laptop")
MEMBERS = [Member(LeafIndex(2 * i), leaf(who).package.key_package.leaf_node) for i, who in enumerate(WHO)]
ROSTER = roster_of(MEMBERS, DEPLOYMENT)


def test_e9_every_leaf_of_a_tree_is_somebodys() -> None:
    assert {LeafIndex(2 * i): leaf(who).identity for i, who in enumerate(WHO)} == ROSTER
    assert accounts_of(ROSTER) == (account("anna"), account("ben"))
    assert leaves_of(ROSTER, account("ben")) == (2, 4)
    assert has_account(ROSTER, account("ben"))
    assert not has_account(ROSTER, account("cleo"))
    assert leaf_of_device(ROSTER, leaf("ben laptop").identity.device_id) == 4
    assert leaf_of_device(ROSTER, id_of("nobody")) is None
    assert devices_of(ROSTER) == tuple(leaf(who).identity.device_id for who in WHO)
    assert code_of(lambda: roster_of(MEMBERS, id_of("another server"))) == "deployment"


def test_e13_a_leaf_with_another_kind_of_credential_is_refused() -> None:
    node = replace(MEMBERS[0].node, credential=X509Credential(()))
    assert refused(lambda: roster_of([Member(LeafIndex(0), node)], DEPLOYMENT), RoomRuleError) == (
        "credential_type"
    )


def test_e10_a_leaf_whose_certificate_has_run_out_stays_and_is_due() -> None:
    assert expired_leaves(ROSTER, NOT_AFTER) == ()
    assert expired_leaves(ROSTER, NOT_AFTER + 1) == (0, 2, 4)


def test_e9_e13_e20_leaves_that_do_not_go_together() -> None:
    ben = leaf("ben").identity
    renewed = supersede_identity(someone("ben").identity, someone("ben").keys, seeded("ben anew"))
    others = leaf("ben phone", identity=renewed).identity
    many = {LeafIndex(i): replace(ben, device_id=seeded(f"device {i}")(16)) for i in range(MAX_LEAVES_EACH)}
    check_together(many)
    for roster, code in (
        ({LeafIndex(0): ben, LeafIndex(1): ben}, "device_twice"),
        ({LeafIndex(0): ben, LeafIndex(1): others}, "account_identity"),
        ({**many, LeafIndex(99): ben}, "account_leaves"),
    ):
        with pytest.raises(RoomRuleError) as caught:
            check_together(roster)
        assert caught.value.code == code
