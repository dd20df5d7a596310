"""What every leaf must be that a Commit brings into a room (E9, E10, E13)."""

from dataclasses import dataclass
from typing import Final

from crypto.identity.auth_service import check_lifetime, check_successor
from crypto.identity.certificate import read_revocation, revokes
from crypto.identity.credential import LeafIdentity
from crypto.identity.statement import is_prefix
from crypto.mls.capabilities import MLS_10, supports_credential, supports_extension
from crypto.mls.credential import CredentialType
from crypto.mls.key_package import KeyPackage
from crypto.mls.leaf_node import KeyPackageSource, LeafNode
from crypto.mls.suite import ROOM_SUITE
from crypto.mls.tree_math import LeafIndex
from crypto.room.errors import RoomRuleError
from crypto.room.room_context import MAX_LEAVES, ROOM_EXTENSION
from crypto.room.roster import identity_of

# Seconds: thirty days, and one that a KeyPackage may be dated back by whose clock runs ahead.
MAX_KEY_PACKAGE_LIFETIME: Final = 31 * 24 * 3600


@dataclass(frozen=True, slots=True)
class LeafContext:
    """`stamp` of the log entry (ms), and the revocations of the room before it."""

    deployment_id: bytes
    stamp: int
    revocations: tuple[bytes, ...]


def _check_leaf(node: LeafNode, at: LeafContext) -> LeafIdentity:
    """The AS check and lifetimes at the stamp, of a leaf from a KeyPackage or a path."""
    capabilities = node.capabilities
    # E1: rooms have one suite, and no list that leaves another way open is needed.
    able = (
        MLS_10 in capabilities.versions
        and ROOM_SUITE in capabilities.suites
        and supports_extension(capabilities, ROOM_EXTENSION)
        and supports_credential(capabilities, CredentialType.BASIC)
    )
    if not able:
        raise RoomRuleError("E13", "capabilities", "a leaf does not list what rooms need")
    identity = identity_of(node, at.deployment_id)
    check_lifetime(identity, at.stamp)
    return identity


def check_added_leaf(leaf: LeafIndex, key_package: KeyPackage, at: LeafContext) -> LeafIdentity:
    """E9, E10: a leaf that an Add brings. Raises RoomRuleError or AsError."""
    # E13, E35: a call's key id has eight bits for the leaf.
    if leaf >= MAX_LEAVES:
        raise RoomRuleError("E13", "leaves", "more than 256 leaves")
    if key_package.suite != ROOM_SUITE:
        raise RoomRuleError("E1", "suite", "a KeyPackage of another suite")
    node = key_package.leaf_node
    identity = _check_leaf(node, at)
    source = node.source
    if not isinstance(source, KeyPackageSource):
        raise RoomRuleError("E13", "leaf_source", "not a KeyPackage's leaf")
    # THREATS 3: a stale or hoarded KeyPackage is no use.
    if source.not_after - source.not_before > MAX_KEY_PACKAGE_LIFETIME:
        raise RoomRuleError("E10", "key_package_lifetime", "a KeyPackage that is valid for too long")
    if not source.not_before <= at.stamp // 1000 <= source.not_after:
        raise RoomRuleError("E10", "key_package_expired", "the KeyPackage is not valid at the entry's stamp")
    # E9: the device is lost; whoever holds it now does not come back.
    if any(revokes(read_revocation(statement), identity) for statement in at.revocations):
        raise RoomRuleError("E9", "revoked", "the device's certificate was revoked")
    return identity


def check_path_leaf(before: LeafIdentity, node: LeafNode, at: LeafContext) -> LeafIdentity:
    """E9: what a committer's path puts in the place of its leaf. Raises RoomRuleError or AsError."""
    identity = _check_leaf(node, at)
    check_successor(before, identity)
    check_not_older(before, identity)
    return identity


def check_not_older(before: LeafIdentity, after: LeafIdentity) -> None:
    """E7: the same identity key, and no statement older than the one that the room has seen. Raises
    RoomRuleError.
    """
    if before.identity_key != after.identity_key:
        raise RoomRuleError("E9", "account_identity", "another identity key without its statement in grounds")
    if after.identity_serial < before.identity_serial or not is_prefix(before.roots, after.roots):
        raise RoomRuleError("E7", "identity_older", "an older identity statement than the room has seen")
