"""What a room agrees on, in the signed GroupContext: extension 0xF101 `collegium_room` (E13)."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import ClassVar, Final, Literal, TypeAlias

from crypto.mls.credential import CredentialType
from crypto.mls.extension import (
    Extension,
    ExtensionType,
    RequiredCapabilities,
    required_capabilities_extension,
)
from crypto.room.canonical import (
    MAX_NUMBER,
    FieldReader,
    Value,
    ascending,
    decode_canonical,
    encode_canonical,
    is_ascending,
    read_octets,
)
from crypto.room.errors import RoomDataError, RoomRuleError
from crypto.room.text import is_title

ROOM_EXTENSION: Final = ExtensionType.COLLEGIUM_ROOM

ID_LENGTH: Final = 16
KEY_LENGTH: Final = 32
HASH_LENGTH: Final = 48
MAX_LEAVES: Final = 256
MAX_GUESTS: Final = 16
MAX_INVITES: Final = 64
MAX_PENDING: Final = 64
MAX_REVOCATIONS: Final = 256
MAX_APPROVALS: Final = 8
# A signed request (without its KeyPackage), a revocation, or a chain of identity statements.
MAX_GROUND: Final = 4096
MAX_REVOCATION: Final = 1024
_MAX_CONTEXT: Final = 512 * 1024

# No account: an id is a hash, and none is all zeros.
NOBODY: Final = bytes(ID_LENGTH)

RoomKind: TypeAlias = Literal["commons", "case"]


@dataclass(frozen=True, slots=True)
class Policy:
    """How many accounts admit a newcomer, the inviter among them. 1: the inviter alone."""

    admit_approvals: int


@dataclass(frozen=True, slots=True)
class Guest:
    """Somebody who may see a case until `ends` (ms)."""

    account: bytes
    ends: int


@dataclass(frozen=True, slots=True)
class OpenInvite:
    """An invite that any member's device may answer (E28). Held by id, in ascending order.

    `inviter` is the account that invited; `not_after` (ms) is judged at the stamp of the Commit that uses it.
    """

    id: bytes
    inviter: bytes
    join_key: bytes
    welcome_key: bytes
    seal_key: bytes
    not_after: int
    role: Literal["member"] = "member"


# What needs several accounts (E14).


@dataclass(frozen=True, slots=True)
class RemoveChange:
    kind: ClassVar[Literal["remove"]] = "remove"
    target: bytes


@dataclass(frozen=True, slots=True)
class PolicyChange:
    kind: ClassVar[Literal["policy"]] = "policy"
    policy: Policy


@dataclass(frozen=True, slots=True)
class CharterChange:
    kind: ClassVar[Literal["charter"]] = "charter"
    hash: bytes


@dataclass(frozen=True, slots=True)
class FounderChange:
    kind: ClassVar[Literal["founder"]] = "founder"
    target: bytes


@dataclass(frozen=True, slots=True)
class InviteChange:
    """An open invite, where policy asks for more than its inviter. `target` is the invite's id."""

    kind: ClassVar[Literal["invite"]] = "invite"
    target: bytes


# What a Commit can enact: an invite is only approved, and used by an Add.
Enactable: TypeAlias = RemoveChange | PolicyChange | CharterChange | FounderChange
Change: TypeAlias = Enactable | InviteChange


@dataclass(frozen=True, slots=True)
class Pending:
    """A change and the accounts that approve it, in ascending order, at least one."""

    change: Change
    approvers: tuple[bytes, ...]


# What a Commit rests on. They count only in the Commit whose own GroupContextExtensions brings them.


@dataclass(frozen=True, slots=True)
class JoinGrounds:
    kind: ClassVar[Literal["join"]] = "join"
    request: bytes


@dataclass(frozen=True, slots=True)
class RejoinGrounds:
    kind: ClassVar[Literal["rejoin"]] = "rejoin"
    request: bytes


@dataclass(frozen=True, slots=True)
class RevocationGrounds:
    kind: ClassVar[Literal["revocation"]] = "revocation"
    statement: bytes


@dataclass(frozen=True, slots=True)
class ExpiryGrounds:
    kind: ClassVar[Literal["expiry"]] = "expiry"


@dataclass(frozen=True, slots=True)
class IdentityGrounds:
    kind: ClassVar[Literal["identity"]] = "identity"
    chain: bytes


Grounds: TypeAlias = JoinGrounds | RejoinGrounds | RevocationGrounds | ExpiryGrounds | IdentityGrounds


@dataclass(frozen=True, slots=True)
class RoomContext:
    """`parent` is the commons that a case branches from, None in a commons. `charter_hash` is SHA-384 of the
    charter's text. `founder` is an account, or NOBODY when it is gone: whoever comes back later comes back as
    a member like all others. `revocations` are statements (E9), oldest first: the devices they name never
    come back under that certificate.
    """

    kind: RoomKind
    parent: bytes | None
    title: str
    policy: Policy
    charter_hash: bytes | None
    founder: bytes
    guests: tuple[Guest, ...]
    invites: tuple[OpenInvite, ...]
    pending: tuple[Pending, ...]
    revocations: tuple[bytes, ...]
    grounds: Grounds | None


def new_commons(founder: bytes, title: str) -> RoomContext:
    """A commons as its founder begins it."""
    return RoomContext(
        kind="commons",
        parent=None,
        title=title,
        policy=Policy(admit_approvals=1),
        charter_hash=None,
        founder=founder,
        guests=(),
        invites=(),
        pending=(),
        revocations=(),
        grounds=None,
    )


# Encoding


def _policy_fields(policy: Policy) -> dict[str, Value]:
    return {"admit_approvals": policy.admit_approvals}


def _change_fields(change: Change) -> dict[str, Value]:
    match change:
        case PolicyChange(policy):
            return {"kind": "policy", "policy": _policy_fields(policy)}
        case CharterChange(digest):
            return {"kind": "charter", "hash": digest}
        case _:
            return {"kind": change.kind, "target": change.target}


def _grounds_fields(grounds: Grounds) -> dict[str, Value]:
    match grounds:
        case JoinGrounds(request) | RejoinGrounds(request):
            return {"kind": grounds.kind, "request": request}
        case RevocationGrounds(statement):
            return {"kind": "revocation", "statement": statement}
        case IdentityGrounds(chain):
            return {"kind": "identity", "chain": chain}
        case ExpiryGrounds():
            return {"kind": "expiry"}


def encode_change(change: Change) -> bytes:
    """Its one spelling: what changes are ordered by."""
    return encode_canonical(_change_fields(change))


def encode_room_context(context: RoomContext) -> bytes:
    return encode_canonical(
        {
            "kind": context.kind,
            "parent": context.parent,
            "title": context.title,
            "policy": _policy_fields(context.policy),
            "charter_hash": context.charter_hash,
            "founder": context.founder,
            "guests": [{"account": guest.account, "ends": guest.ends} for guest in context.guests],
            "invites": [
                {
                    "id": invite.id,
                    "inviter": invite.inviter,
                    "join_key": invite.join_key,
                    "welcome_key": invite.welcome_key,
                    "seal_key": invite.seal_key,
                    "role": invite.role,
                    "not_after": invite.not_after,
                }
                for invite in context.invites
            ],
            "pending": [
                {**_change_fields(one.change), "approvers": one.approvers} for one in context.pending
            ],
            "revocations": context.revocations,
            "grounds": None if context.grounds is None else _grounds_fields(context.grounds),
        }
    )


# Decoding


def _read_policy(value: object) -> Policy:
    reader = FieldReader(value, "policy")
    policy = Policy(reader.integer("admit_approvals", 1, MAX_APPROVALS))
    reader.finish()
    return policy


def _read_guest(value: object) -> Guest:
    reader = FieldReader(value, "guest")
    guest = Guest(reader.octets("account", ID_LENGTH), reader.integer("ends", 0, MAX_NUMBER))
    reader.finish()
    return guest


def _read_invite(value: object) -> OpenInvite:
    reader = FieldReader(value, "invite")
    role: Literal["member"] = "member"
    invite = OpenInvite(
        id=reader.octets("id", ID_LENGTH),
        inviter=reader.octets("inviter", ID_LENGTH),
        join_key=reader.octets("join_key", KEY_LENGTH),
        welcome_key=reader.octets("welcome_key", KEY_LENGTH),
        seal_key=reader.octets("seal_key", KEY_LENGTH),
        role=reader.one_of("role", (role,)),
        not_after=reader.integer("not_after", 0, MAX_NUMBER),
    )
    reader.finish()
    return invite


def _read_change(reader: FieldReader) -> Change:
    match reader.one_of("kind", ("remove", "policy", "charter", "founder", "invite")):
        case "policy":
            return PolicyChange(_read_policy(reader.value("policy")))
        case "charter":
            return CharterChange(reader.octets("hash", HASH_LENGTH))
        case "remove":
            return RemoveChange(reader.octets("target", ID_LENGTH))
        case "founder":
            return FounderChange(reader.octets("target", ID_LENGTH))
        case _:
            return InviteChange(reader.octets("target", ID_LENGTH))


def _read_pending(value: object) -> Pending:
    reader = FieldReader(value, "pending")
    change = _read_change(reader)
    approvers = reader.list("approvers", 1, MAX_LEAVES, lambda item: read_octets(item, ID_LENGTH))
    reader.finish()
    if not is_ascending(approvers):
        raise RoomDataError("approvers are not in order")
    return Pending(change, approvers)


def _read_grounds(value: object) -> Grounds:
    reader = FieldReader(value, "grounds")
    grounds: Grounds
    match reader.one_of("kind", ("join", "rejoin", "revocation", "expiry", "identity")):
        case "join":
            grounds = JoinGrounds(reader.octets("request", 1, MAX_GROUND))
        case "rejoin":
            grounds = RejoinGrounds(reader.octets("request", 1, MAX_GROUND))
        case "revocation":
            grounds = RevocationGrounds(reader.octets("statement", 1, MAX_REVOCATION))
        case "identity":
            grounds = IdentityGrounds(reader.octets("chain", 1, MAX_GROUND))
        case _:
            grounds = ExpiryGrounds()
    reader.finish()
    return grounds


def decode_room_context(data: bytes) -> RoomContext:
    """Raises RoomDataError."""
    reader = FieldReader(decode_canonical(data, _MAX_CONTEXT), "collegium_room")
    kinds: tuple[RoomKind, ...] = ("commons", "case")
    context = RoomContext(
        kind=reader.one_of("kind", kinds),
        parent=reader.optional_octets("parent", ID_LENGTH),
        title=reader.text("title", is_title),
        policy=_read_policy(reader.value("policy")),
        charter_hash=reader.optional_octets("charter_hash", HASH_LENGTH),
        founder=reader.octets("founder", ID_LENGTH),
        guests=reader.list("guests", 0, MAX_GUESTS, _read_guest),
        invites=reader.list("invites", 0, MAX_INVITES, _read_invite),
        pending=reader.list("pending", 0, MAX_PENDING, _read_pending),
        revocations=reader.list(
            "revocations", 0, MAX_REVOCATIONS, lambda item: read_octets(item, 1, MAX_REVOCATION)
        ),
        grounds=_read_grounds(reader.value("grounds")) if reader.has("grounds") else None,
    )
    reader.finish()
    if (context.kind == "case") != (context.parent is not None):
        raise RoomDataError("a case has a parent, a commons has none")
    if not is_ascending([guest.account for guest in context.guests]):
        raise RoomDataError("guests out of order")
    if not is_ascending([invite.id for invite in context.invites]):
        raise RoomDataError("invites out of order")
    if not is_ascending([encode_change(one.change) for one in context.pending]):
        raise RoomDataError("pending out of order")
    return context


# In the GroupContext

# E13: every leaf of a room knows the room extension and is a basic credential.
_REQUIRED: Final = required_capabilities_extension(
    RequiredCapabilities(extensions=(ROOM_EXTENSION,), proposals=(), credentials=(CredentialType.BASIC,))
)


def room_extensions(context: RoomContext) -> tuple[Extension, ...]:
    """The extensions of a room's GroupContext: exactly these two, in this order (E13)."""
    return (_REQUIRED, Extension(ROOM_EXTENSION, encode_room_context(context)))


def read_room_extensions(extensions: tuple[Extension, ...]) -> RoomContext:
    """The room context of a GroupContext, which holds nothing besides (E13). Raises RoomRuleError or
    RoomDataError.
    """
    if len(extensions) != 2 or extensions[0] != _REQUIRED or extensions[1].type != ROOM_EXTENSION:
        raise RoomRuleError("E13", "extensions", "not exactly the two extensions of a room")
    return decode_room_context(extensions[1].data)


# Small changes, for validity and for plans alike


def with_invites(context: RoomContext, invites: Iterable[OpenInvite]) -> RoomContext:
    return replace(context, invites=tuple(sorted(invites, key=lambda invite: invite.id)))


def with_pending(context: RoomContext, pending: Iterable[Pending]) -> RoomContext:
    return replace(context, pending=tuple(sorted(pending, key=lambda one: encode_change(one.change))))


def with_revocation(context: RoomContext, statement: bytes) -> RoomContext:
    # The oldest makes room: by then its device's certificate has long run out.
    return replace(context, revocations=(*context.revocations, statement)[-MAX_REVOCATIONS:])


def approvers_of(context: RoomContext, change: Change) -> tuple[bytes, ...]:
    """The change's approvers, none when nobody proposed it."""
    return next((one.approvers for one in context.pending if one.change == change), ())


def with_approvers(context: RoomContext, change: Change, approvers: Iterable[bytes]) -> RoomContext:
    """The change with exactly these approvers; without any it is gone."""
    others = [one for one in context.pending if one.change != change]
    said = ascending(approvers)
    return with_pending(context, [*others, Pending(change, said)] if said else others)
