"""What a valid Commit did to a room, said for the fold and for people."""

from dataclasses import dataclass
from typing import ClassVar, Literal, TypeAlias

from crypto.identity.credential import LeafIdentity
from crypto.mls.tree_math import LeafIndex
from crypto.room.room_context import Change, Policy, RoomContext
from crypto.room.roster import Roster

# An account, and a device where one is meant, as ids.


@dataclass(frozen=True, slots=True)
class Joined:
    """A new person, by an invite. `name` is what they called themselves in their signed request."""

    kind: ClassVar[Literal["joined"]] = "joined"
    account: bytes
    device: bytes
    name: str
    invite_id: bytes
    inviter: bytes


@dataclass(frozen=True, slots=True)
class DeviceAdded:
    """A further device of a person who is here: recovered by code, or newly certified."""

    kind: ClassVar[Literal["device_added"]] = "device_added"
    account: bytes
    device: bytes


@dataclass(frozen=True, slots=True)
class Rejoined:
    """A device that had lost its state was added anew."""

    kind: ClassVar[Literal["rejoined"]] = "rejoined"
    account: bytes
    device: bytes


@dataclass(frozen=True, slots=True)
class Left:
    """By their own wish. `whole`: no device of theirs is left here."""

    kind: ClassVar[Literal["left"]] = "left"
    account: bytes
    device: bytes
    whole: bool


@dataclass(frozen=True, slots=True)
class Removed:
    """By the founder, or by these who approved."""

    kind: ClassVar[Literal["removed"]] = "removed"
    account: bytes
    approvers: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class DeviceRemoved:
    """A person took away a device of their own."""

    kind: ClassVar[Literal["device_removed"]] = "device_removed"
    account: bytes
    device: bytes


@dataclass(frozen=True, slots=True)
class DeviceRevoked:
    """A lost device, by its person's signed statement (E9)."""

    kind: ClassVar[Literal["device_revoked"]] = "device_revoked"
    account: bytes
    device: bytes


@dataclass(frozen=True, slots=True)
class Expired:
    """Its certificate had run out (E10)."""

    kind: ClassVar[Literal["expired"]] = "expired"
    account: bytes
    device: bytes


@dataclass(frozen=True, slots=True)
class IdentityChanged:
    """A higher identity statement took out all devices under the older key (E9)."""

    kind: ClassVar[Literal["identity_changed"]] = "identity_changed"
    account: bytes


@dataclass(frozen=True, slots=True)
class Renamed:
    kind: ClassVar[Literal["renamed"]] = "renamed"
    from_: str
    to: str


@dataclass(frozen=True, slots=True)
class PolicyChanged:
    kind: ClassVar[Literal["policy"]] = "policy"
    policy: Policy


@dataclass(frozen=True, slots=True)
class CharterChanged:
    kind: ClassVar[Literal["charter"]] = "charter"
    hash: bytes


@dataclass(frozen=True, slots=True)
class FounderChanged:
    kind: ClassVar[Literal["founder"]] = "founder"
    account: bytes


@dataclass(frozen=True, slots=True)
class Invited:
    kind: ClassVar[Literal["invited"]] = "invited"
    invite_id: bytes


WhyWithdrawn: TypeAlias = Literal["withdrawn", "expired", "void"]


@dataclass(frozen=True, slots=True)
class InviteWithdrawn:
    """Taken back by its inviter or the founder, run out, or void because somebody was taken out (E30)."""

    kind: ClassVar[Literal["invite_withdrawn"]] = "invite_withdrawn"
    invite_id: bytes
    why: WhyWithdrawn


@dataclass(frozen=True, slots=True)
class RemovalProposed:
    kind: ClassVar[Literal["removal_proposed"]] = "removal_proposed"
    target: bytes


@dataclass(frozen=True, slots=True)
class RemovalApproved:
    kind: ClassVar[Literal["removal_approved"]] = "removal_approved"
    target: bytes


@dataclass(frozen=True, slots=True)
class RemovalWithdrawn:
    kind: ClassVar[Literal["removal_withdrawn"]] = "removal_withdrawn"
    target: bytes


# The same for whatever else needs approvals.


@dataclass(frozen=True, slots=True)
class ChangeProposed:
    kind: ClassVar[Literal["change_proposed"]] = "change_proposed"
    change: Change


@dataclass(frozen=True, slots=True)
class ChangeApproved:
    kind: ClassVar[Literal["change_approved"]] = "change_approved"
    change: Change


@dataclass(frozen=True, slots=True)
class ChangeWithdrawn:
    kind: ClassVar[Literal["change_withdrawn"]] = "change_withdrawn"
    change: Change


@dataclass(frozen=True, slots=True)
class Renewed:
    """Nothing but fresh keys (E26)."""

    kind: ClassVar[Literal["renewed"]] = "renewed"


Happening: TypeAlias = (
    Joined
    | DeviceAdded
    | Rejoined
    | Left
    | Removed
    | DeviceRemoved
    | DeviceRevoked
    | Expired
    | IdentityChanged
    | Renamed
    | PolicyChanged
    | CharterChanged
    | FounderChanged
    | Invited
    | InviteWithdrawn
    | RemovalProposed
    | RemovalApproved
    | RemovalWithdrawn
    | ChangeProposed
    | ChangeApproved
    | ChangeWithdrawn
    | Renewed
)


@dataclass(frozen=True, slots=True)
class AddedLeaf:
    """`invite_id` is of an Add by invite, `request_hash` of the signed request (join or rejoin) that it rests
    on, `name` from a join request; else None.
    """

    leaf: LeafIndex
    identity: LeafIdentity
    invite_id: bytes | None
    request_hash: bytes | None
    name: str | None


@dataclass(frozen=True, slots=True)
class RemovedLeaf:
    leaf: LeafIndex
    identity: LeafIdentity


@dataclass(frozen=True, slots=True)
class RoomChange:
    """A Commit that every member finds valid (E14). `committer` is as it was before, `gone` the accounts of
    which no leaf is left, `context` and `roster` as they are after it.
    """

    committer: LeafIdentity
    added: tuple[AddedLeaf, ...]
    removed: tuple[RemovedLeaf, ...]
    gone: tuple[bytes, ...]
    context: RoomContext
    roster: Roster
    what: tuple[Happening, ...]
