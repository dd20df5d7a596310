"""v110, v111: what MLS leaves to whoever knows the clock and the people (E9, E10)."""

from dataclasses import replace

import pytest

from crypto.identity.errors import AsError
from crypto.mls.credential import BasicCredential
from crypto.mls.key_package import KeyPackage
from crypto.mls.leaf_node import KeyPackageSource
from crypto.mls.tree_math import leaf_index
from crypto.room.errors import RoomRuleError
from crypto.room.leaf_rules import LeafContext, check_added_leaf, check_path_leaf
from tests.crypto.identity.people import DEPLOYMENT, NOW
from tests.crypto.room.world import STAMP, leaf

AT = LeafContext(DEPLOYMENT, STAMP, ())
DORA = leaf("dora").package.key_package
SECONDS = STAMP // 1000


def living(not_before: int, not_after: int) -> KeyPackage:
    node = replace(DORA.leaf_node, source=KeyPackageSource(not_before, not_after))
    return replace(DORA, leaf_node=node)


def code_of(key_package: KeyPackage, at: LeafContext = AT) -> str:
    try:
        check_added_leaf(leaf_index(1), key_package, at)
    except (RoomRuleError, AsError) as error:
        return error.code
    return "valid"


def test_v110_a_key_package_is_within_its_lifetime_at_the_stamp_and_that_is_a_month_at_most() -> None:
    assert code_of(DORA) == "valid"
    assert code_of(living(SECONDS + 1, SECONDS + 9)) == "key_package_expired"
    assert code_of(living(SECONDS - 9, SECONDS - 1)) == "key_package_expired"
    assert code_of(living(SECONDS, SECONDS)) == "valid"
    month = 31 * 24 * 3600
    assert code_of(living(SECONDS - 1, SECONDS - 1 + month)) == "valid"
    assert code_of(living(SECONDS - 1, SECONDS + month)) == "key_package_lifetime"


@pytest.mark.parametrize(
    ("not_before", "not_after", "code"),
    [(STAMP + 1, STAMP + 1000, "not_yet_valid"), (NOW, STAMP - 1, "expired"), (NOW, STAMP, "valid")],
)
def test_v110_a_certificate_is_within_its_lifetime_at_the_stamp(
    not_before: int, not_after: int, code: str
) -> None:
    made = leaf("dora", not_before=not_before, not_after=not_after)
    assert code_of(made.package.key_package) == code


def test_v111_a_credential_is_of_this_deployment_and_holds() -> None:
    assert code_of(DORA, replace(AT, deployment_id=bytes(16))) == "deployment"
    credential = DORA.leaf_node.credential
    assert isinstance(credential, BasicCredential)
    identity = credential.identity
    credential = BasicCredential(identity[:-1] + bytes([identity[-1] ^ 1]))
    node = replace(DORA.leaf_node, credential=credential)
    assert code_of(replace(DORA, leaf_node=node)) != "valid"


def test_v111_a_path_brings_a_successor_of_the_leaf_before() -> None:
    anna = leaf("anna")
    renewed = leaf("anna", 2).package.key_package.leaf_node
    assert check_path_leaf(anna.identity, renewed, AT).device_id == anna.identity.device_id
    with pytest.raises(AsError) as caught:
        check_path_leaf(anna.identity, DORA.leaf_node, AT)
    assert caught.value.code == "successor_account"
