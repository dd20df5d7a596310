"""Who sits at which leaf: the AS check over a whole tree (E9), and what follows from it."""

from collections.abc import Iterable, Mapping
from typing import Final, Protocol, TypeAlias

from crypto.identity.auth_service import check_deployment, expired, identify_leaf
from crypto.identity.credential import LeafIdentity
from crypto.mls.credential import BasicCredential
from crypto.mls.leaf_node import LeafNode
from crypto.mls.tree_math import LeafIndex
from crypto.room.errors import RoomRuleError

# More devices than an account can have on the server, with some that were lost and are still here.
MAX_LEAVES_EACH: Final = 32

# Never changed once it is made.
Roster: TypeAlias = Mapping[LeafIndex, LeafIdentity]


class Seated(Protocol):
    """A leaf and where it stands: a member of a ratchet tree is one."""

    @property
    def leaf(self) -> LeafIndex: ...
    @property
    def node(self) -> LeafNode: ...


def identity_of(node: LeafNode, deployment_id: bytes) -> LeafIdentity:
    """The AS check of one leaf, without its lifetime (E8, E9). Raises AsError or RoomRuleError."""
    credential = node.credential
    if not isinstance(credential, BasicCredential):
        raise RoomRuleError("E13", "credential_type", "not a basic credential")
    identity = identify_leaf(credential.identity, node.signature_key)
    check_deployment(identity, deployment_id)
    return identity


def roster_of(members: Iterable[Seated], deployment_id: bytes) -> Roster:
    """Every leaf of a tree that this device is about to accept, or has (E9).

    Certificates that have run out stay: such a leaf is shown and due for removal, not refused (E10). Raises
    AsError, or RoomRuleError where leaves do not go together.
    """
    roster = {member.leaf: identity_of(member.node, deployment_id) for member in members}
    check_together(roster)
    return roster


def check_together(roster: Roster) -> None:
    """What holds of the leaves of every room together. Raises RoomRuleError."""
    devices: set[bytes] = set()
    identities: dict[bytes, bytes] = {}
    counts: dict[bytes, int] = {}
    for who in roster.values():
        # E20: the device list names each once, so two leaves of one could not be told apart.
        if who.device_id in devices:
            raise RoomRuleError("E13", "device_twice", "two leaves of one device")
        devices.add(who.device_id)
        # E9: a higher identity statement obliges the Remove of every leaf under older keys.
        if identities.setdefault(who.account_id, who.identity_key) != who.identity_key:
            raise RoomRuleError("E9", "account_identity", "leaves of one account under two identity keys")
        # A person who adds devices without end would leave no leaf for others.
        counts[who.account_id] = counts.get(who.account_id, 0) + 1
        if counts[who.account_id] > MAX_LEAVES_EACH:
            raise RoomRuleError("E13", "account_leaves", "too many leaves of one account")


def accounts_of(roster: Roster) -> tuple[bytes, ...]:
    """The accounts in the roster, each once, by first leaf."""
    return tuple(dict.fromkeys(who.account_id for who in roster.values()))


def leaves_of(roster: Roster, account: bytes) -> tuple[LeafIndex, ...]:
    return tuple(leaf for leaf, who in roster.items() if who.account_id == account)


def has_account(roster: Roster, account: bytes) -> bool:
    return any(who.account_id == account for who in roster.values())


def gone_between(before: Roster, after: Roster) -> tuple[bytes, ...]:
    """The accounts of which no leaf is left, by first leaf."""
    here = {who.account_id for who in after.values()}
    return tuple(account for account in accounts_of(before) if account not in here)


def leaf_of_device(roster: Roster, device: bytes) -> LeafIndex | None:
    """The leaf of a device, or None. A device has one at most."""
    return next((leaf for leaf, who in roster.items() if who.device_id == device), None)


def devices_of(roster: Roster) -> tuple[bytes, ...]:
    return tuple(who.device_id for who in roster.values())


def expired_leaves(roster: Roster, at: int) -> tuple[LeafIndex, ...]:
    """E10: the leaves whose certificate has run out at that time (ms): due for removal."""
    return tuple(leaf for leaf, who in roster.items() if expired(who, at))
