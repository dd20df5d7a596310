"""Commits that rest on a signed request or statement: each kind suffices for its own Remove or Add (E14, E22,
E28, E30).
"""

from collections.abc import Iterable
from dataclasses import dataclass

from crypto.identity.auth_service import expired, obsolete
from crypto.identity.certificate import read_revocation, revokes
from crypto.identity.credential import LeafIdentity
from crypto.identity.statement import read_chain
from crypto.mls.key_package import KeyPackage, encode_key_package, key_package_ref
from crypto.mls.suite import room_suite
from crypto.mls.tree_math import LeafIndex
from crypto.room.authority import invite_admits
from crypto.room.change import (
    DeviceAdded,
    DeviceRevoked,
    Expired,
    Happening,
    IdentityChanged,
    Joined,
    Rejoined,
)
from crypto.room.errors import RoomRuleError
from crypto.room.join_request import read_join_claim
from crypto.room.leaf_rules import check_not_older
from crypto.room.rejoin import check_rejoin, read_rejoin_claim
from crypto.room.room_context import (
    ExpiryGrounds,
    Grounds,
    IdentityGrounds,
    JoinGrounds,
    OpenInvite,
    RejoinGrounds,
    RevocationGrounds,
    RoomContext,
    with_invites,
    with_revocation,
)
from crypto.room.roster import Roster, has_account, leaf_of_device, leaves_of
from crypto.room.signed_request import request_hash


@dataclass(frozen=True, slots=True)
class Added:
    leaf: LeafIndex
    key_package: KeyPackage
    identity: LeafIdentity


@dataclass(frozen=True, slots=True)
class Case:
    """What a Commit does to leaves, and where it stands. `removed` by value."""

    room_id: bytes
    before: RoomContext
    roster: Roster
    stamp: int
    added: tuple[Added, ...]
    removed: tuple[LeafIndex, ...]


@dataclass(frozen=True, slots=True)
class Granted:
    """What follows from valid grounds: the context before, with what these grounds themselves change in it;
    whether open invites are void (E30); and of a request, its invite, hash and name.
    """

    context: RoomContext
    voids: bool
    what: tuple[Happening, ...]
    invite_id: bytes | None = None
    request_hash: bytes | None = None
    name: str | None = None


def judge_grounds(grounds: Grounds, at: Case) -> Granted:
    """Raises RoomRuleError, RoomDataError or AsError when the grounds do not carry exactly this Commit."""
    match grounds:
        case JoinGrounds(request):
            return _judge_join(request, at)
        case RejoinGrounds(request):
            return _judge_rejoin(request, at)
        case RevocationGrounds(statement):
            return _judge_revocation(statement, at)
        case ExpiryGrounds():
            return _judge_expiry(at)
        case IdentityGrounds(chain):
            return _judge_identity(chain, at)


def _judge_join(request: bytes, at: Case) -> Granted:
    added = _the_one_add(at)
    _require_removed(at, ())
    invites = {invite.id: invite for invite in at.before.invites}
    claim = read_join_claim(request, lambda id_: _join_key(invites.get(id_)))
    used = invites[claim.invite_id]
    if claim.room != at.room_id:
        raise RoomRuleError("E28", "join_room", "a request for another room")
    if claim.inviter != used.inviter:
        raise RoomRuleError("E28", "join_invite", "a request that names another inviter")
    if claim.account != added.identity.account_id:
        raise RoomRuleError("E28", "join_account", "the KeyPackage is of another account than the request")
    _require_reference(added, claim.key_package_ref)
    # E10: judged at the stamp.
    if at.stamp > used.not_after or at.stamp > claim.not_after:
        raise RoomRuleError("E28", "invite_expired", "the invite or the request has run out")
    # E29: the newcomer will look for the inviter in the tree.
    if not has_account(at.roster, used.inviter):
        raise RoomRuleError("E29", "inviter_gone", "the inviter is not in the room any more")
    # Whoever is here has other ways: a second device by invite would go past its person's identity key.
    if has_account(at.roster, claim.account):
        raise RoomRuleError("E28", "already_here", "the account is in the room already")
    if not invite_admits(at.before, at.roster, used):
        raise RoomRuleError("E14", "approvals", "policy asks for more approvals of this invite")
    joined = Joined(
        account=claim.account,
        device=added.identity.device_id,
        name=claim.name,
        invite_id=used.id,
        inviter=used.inviter,
    )
    return Granted(
        # E30: exactly the invite that is used goes.
        context=with_invites(at.before, [one for one in at.before.invites if one.id != used.id]),
        voids=False,
        invite_id=used.id,
        request_hash=request_hash(request),
        name=claim.name,
        what=(joined,),
    )


def _join_key(invite: OpenInvite | None) -> bytes | None:
    return None if invite is None else invite.join_key


def _judge_rejoin(request: bytes, at: Case) -> Granted:
    added = _the_one_add(at)
    identity = added.identity
    signed = read_rejoin_claim(request)
    check_rejoin(signed, at.room_id, identity)
    _require_reference(added, signed.claim.key_package_ref)
    others = leaves_of(at.roster, identity.account_id)
    # An account that was taken out comes back by invite alone.
    if not others:
        raise RoomRuleError("E22", "not_here", "the account is not in the room")
    for leaf in others:
        check_not_older(at.roster[leaf], identity)
    old = leaf_of_device(at.roster, identity.device_id)
    _require_removed(at, () if old is None else (old,))
    if signed.claim.old_leaf is not None and signed.claim.old_leaf != old:
        raise RoomRuleError("E22", "old_leaf", "the old leaf is not that device's")
    # A request that was used once names a serial that the tree has now: it cannot be used again.
    if old is not None and identity.certificate_serial <= at.roster[old].certificate_serial:
        raise RoomRuleError("E22", "rejoin_used", "the certificate is not newer than the one in the room")
    happened = DeviceAdded if old is None else Rejoined
    return Granted(
        context=at.before,
        voids=False,
        request_hash=request_hash(request),
        what=(happened(identity.account_id, identity.device_id),),
    )


def _judge_revocation(statement: bytes, at: Case) -> Granted:
    revocation = read_revocation(statement)
    _require_no_add(at)
    lost = [leaf for leaf, who in at.roster.items() if revokes(revocation, who)]
    if not lost:
        raise RoomRuleError("E9", "revocation_other", "it revokes no leaf of this room")
    _require_removed(at, lost)
    return Granted(
        context=with_revocation(at.before, statement),
        voids=True,
        what=(DeviceRevoked(revocation.account_id, revocation.device_id),),
    )


def _judge_expiry(at: Case) -> Granted:
    _require_no_add(at)
    if not at.removed:
        raise RoomRuleError("E10", "grounds", "nobody is removed")
    gone = [at.roster[leaf] for leaf in at.removed]
    if not all(expired(who, at.stamp) for who in gone):
        raise RoomRuleError("E10", "not_expired", "the certificate has not run out at the entry's stamp")
    # E30: expiry voids no invites.
    what = tuple(Expired(who.account_id, who.device_id) for who in gone)
    return Granted(context=at.before, voids=False, what=what)


def _judge_identity(chain_bytes: bytes, at: Case) -> Granted:
    chain = read_chain(chain_bytes)
    due = [leaf for leaf, who in at.roster.items() if obsolete(who, chain_bytes)]
    if not due:
        raise RoomRuleError("E9", "identity_other", "it supersedes no leaf of this room")
    # E9: it obliges the Remove of every leaf under older keys.
    _require_removed(at, due)
    for added in at.added:
        who = added.identity
        named = (who.account_id, who.identity_key, who.identity_serial)
        if named != (chain.account_id, chain.identity_key, chain.serial):
            raise RoomRuleError("E9", "identity_add", "an Add that the statement does not permit")
    # E30: whoever held the older key knows the keys of all open invites.
    return Granted(context=at.before, voids=True, what=(IdentityChanged(chain.account_id),))


def _the_one_add(at: Case) -> Added:
    if len(at.added) != 1:
        raise RoomRuleError("E30", "one_add", "a request is for one Add")
    return at.added[0]


def _require_no_add(at: Case) -> None:
    if at.added:
        raise RoomRuleError("E30", "add_without_request", "an Add that nobody asked for")


def _require_removed(at: Case, leaves: Iterable[LeafIndex]) -> None:
    """By value exactly these."""
    if sorted(at.removed) != sorted(leaves):
        raise RoomRuleError("E14", "removes", "not exactly the Removes that the grounds are for")


def _require_reference(added: Added, reference: bytes) -> None:
    """The Add is of the KeyPackage that was signed for, whole."""
    if key_package_ref(room_suite, encode_key_package(added.key_package)) != reference:
        raise RoomRuleError("E28", "key_package_ref", "the Add is of another KeyPackage than was signed for")
