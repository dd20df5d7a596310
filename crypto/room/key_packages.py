"""KeyPackages that a device leaves with the server for others to add it with (RFC 9420 §10), and what is
judged of one that the server hands out (E1, E9, E10; THREATS 2, 3).

A server could hand out anybody's, an old one, or the same one twice. So whoever claims one asks for a device
of a person whose keys it knows already, and takes nothing that is not certified by these.
"""

from collections.abc import Set
from dataclasses import dataclass, replace
from typing import Final

from crypto.identity.credential import LeafIdentity
from crypto.identity.statement import is_prefix
from crypto.mls.bytes import Rng
from crypto.mls.errors import DecodeError, InvalidError
from crypto.mls.extension import Extension, find_extension
from crypto.mls.key_package import (
    CreatedKeyPackage,
    KeyPackage,
    KeyPackageInput,
    create_key_package,
    decode_key_package,
    key_package_ref,
    verify_key_package,
)
from crypto.mls.mls_message import decode_mls_message
from crypto.mls.suite import room_suite
from crypto.mls.tree_math import LeafIndex
from crypto.mls.welcome import Welcome
from crypto.room.errors import RoomRuleError
from crypto.room.leaf_rules import LeafContext, check_added_leaf

MAX_KEY_PACKAGE: Final = 8 * 1024
# draft-ietf-mls-extensions, "Last Resort KeyPackages". RFC 9420 §10: whoever sends it lists it in the leaf's
# capabilities. Every KeyPackage that is left here does, so that no tree shows who was added by that one.
LAST_RESORT: Final = Extension(0x000A, b"")


@dataclass(frozen=True, slots=True)
class WantedDevice:
    """Whose KeyPackage is asked for, by the keys that this device has pinned the person to (E7)."""

    device_id: bytes
    account_id: bytes
    identity_key: bytes
    identity_serial: int
    roots: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Claiming:
    """What a claimed KeyPackage is judged by. `now` in ms, by the own clock (E10); `seen`: the refs of those
    that were claimed before.
    """

    deployment_id: bytes
    now: int
    revocations: tuple[bytes, ...]
    seen: Set[bytes]


@dataclass(frozen=True, slots=True)
class ClaimedKeyPackage:
    """Verified: the device that was asked for can be added with it."""

    key_package: KeyPackage
    data: bytes
    ref: bytes
    identity: LeafIdentity
    last_resort: bool
    not_after: int
    """Milliseconds."""


def make_key_package(leaf: KeyPackageInput, last_resort: bool, rng: Rng) -> CreatedKeyPackage:
    """One to leave with the server: `leaf` is fresh for it, its lifetime thirty days at most (E10)."""
    extensions = (LAST_RESORT,) if last_resort else ()
    return create_key_package(
        room_suite, replace(leaf, listed=(LAST_RESORT.type,), extensions=extensions), rng
    )


def judge_claimed(data: bytes, wanted: WantedDevice, at: Claiming) -> ClaimedKeyPackage:
    """What the server handed out for this device. Raises MlsError and RoomError of the peer's fault."""
    if len(data) > MAX_KEY_PACKAGE:
        raise DecodeError("a KeyPackage of more than 8 KiB")
    key_package = decode_key_package(data)
    # E1: of the rooms' suite and no other, signed by its leaf.
    verify_key_package(room_suite, key_package)
    # E9, E10: the AS check, capabilities and both lifetimes, as the room will judge the Add at its stamp.
    identity = check_added_leaf(
        LeafIndex(0), key_package, LeafContext(at.deployment_id, at.now, at.revocations)
    )
    _check_wanted(identity, wanted)
    marked = find_extension(key_package.extensions, LAST_RESORT.type)
    if marked is not None and marked.data != LAST_RESORT.data:
        raise InvalidError("last_resort", "a mark of last resort that says more than it can")
    ref = key_package_ref(room_suite, data)
    # THREATS 3: only the one of last resort comes twice, by its owner's own word and not by the server's.
    if marked is None and ref in at.seen:
        raise RoomRuleError("E10", "key_package_seen", "a KeyPackage that was handed out before")
    source = key_package.leaf_node.source
    not_after = min(getattr(source, "not_after", 0) * 1000, identity.not_after)
    return ClaimedKeyPackage(key_package, data, ref, identity, marked is not None, not_after)


def _check_wanted(identity: LeafIdentity, wanted: WantedDevice) -> None:
    """THREATS 2: the very device, under the very identity key. Raises RoomRuleError."""
    if identity.account_id != wanted.account_id:
        raise RoomRuleError("E9", "key_package_account", "a KeyPackage of another account")
    if identity.device_id != wanted.device_id:
        raise RoomRuleError("E9", "key_package_device", "a KeyPackage of another device")
    if identity.identity_key != wanted.identity_key:
        raise RoomRuleError("E9", "key_package_identity", "a KeyPackage under another identity key")
    if identity.identity_serial < wanted.identity_serial or not is_prefix(wanted.roots, identity.roots):
        raise RoomRuleError("E7", "identity_older", "an older identity statement than is known")


def welcomed_refs(welcome: bytes) -> tuple[bytes, ...]:
    """The KeyPackages that a Welcome (an MLSMessage) is for. Raises DecodeError and InvalidError."""
    message = decode_mls_message(welcome)
    if not isinstance(message, Welcome):
        raise InvalidError("v700_not_a_welcome", f"a {type(message).__name__} where a Welcome belongs")
    return tuple(one.new_member for one in message.secrets)
