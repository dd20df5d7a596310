"""A room of people with fixed keys, the same as in web/tests/room/world.ts."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import pytest

from crypto.identity.certificate import revoke_device
from crypto.identity.credential import LeafIdentity
from crypto.identity.identity import Identity
from crypto.mls.credential import BasicCredential
from crypto.mls.key_package import CreatedKeyPackage, KeyPackageInput, create_key_package
from crypto.mls.proposal import GroupContextExtensions, Remove
from crypto.mls.suite import room_suite
from crypto.mls.tree_math import LeafIndex
from crypto.room.change import RoomChange
from crypto.room.errors import RoomError
from crypto.room.invites import NewInvite, keys_of, new_invite
from crypto.room.join_request import JoinRequest, open_join_request, seal_join_request
from crypto.room.plans import Plan, Reference, Situation
from crypto.room.rejoin import RejoinRequest, open_rejoin_request, sign_rejoin_request
from crypto.room.room_context import RoomContext, new_commons, read_room_extensions
from crypto.room.roster import Roster, identity_of
from tests.crypto.identity.people import DEPLOYMENT, NOT_AFTER, NOW, Device, device, id_of, seeded, someone

ROOM = id_of("room")
DAY = 24 * 3_600_000
HOUR = 3_600_000
# Stamps are a day after certificates begin.
STAMP = NOW + DAY
SECONDS = NOW // 1000


def first(who: str) -> str:
    """The person of "ben laptop"."""
    return who.split(" ")[0]


def account(name: str) -> bytes:
    return someone(name).identity.account_id


@dataclass(frozen=True, slots=True)
class Leaf:
    identity: LeafIdentity
    made: Device
    package: CreatedKeyPackage


@cache
def leaf(
    who: str,
    serial: int = 1,
    not_before: int = NOW,
    not_after: int = NOT_AFTER,
    identity: Identity | None = None,
) -> Leaf:
    """A device of a person as its KeyPackage says it: `who` is "anna" or "anna laptop"."""
    identity = identity or someone(first(who)).identity
    made = device(identity, who, serial=serial, not_before=not_before, not_after=not_after)
    content = KeyPackageInput(
        signature=made.leaf_key,
        credential=BasicCredential(made.credential),
        not_before=SECONDS,
        not_after=SECONDS + 30 * 86_400,
    )
    package = create_key_package(room_suite, content, seeded(f"key package {who} {serial}"))
    return Leaf(identity_of(package.key_package.leaf_node, DEPLOYMENT), made, package)


class World:
    """A room with these devices at leaves 0, 1, …; the first one's person founded it."""

    def __init__(self, *who: str, roster: Roster | None = None, **changes: Any) -> None:
        self.who = who
        self.roster = roster or {LeafIndex(i): leaf(name).identity for i, name in enumerate(who)}
        self.context: RoomContext = replace(new_commons(account(first(who[0])), "Thursdays"), **changes)

    def at(self, name: str) -> LeafIndex:
        return LeafIndex(self.who.index(name))

    def situation(self, name: str, now: int = STAMP) -> Situation:
        return Situation(self.context, self.roster, self.at(name), now)


def context_in(plan: Plan) -> RoomContext:
    """The context that a plan's GroupContextExtensions brings."""
    return next(
        read_room_extensions(one.extensions)
        for one in plan.proposals
        if isinstance(one, GroupContextExtensions)
    )


def leave_of(at: LeafIndex) -> Reference:
    return Reference(Remove(at), id_of(f"leave {at}"), at)


def invite_by(name: str, seed: str = "invite") -> NewInvite:
    return new_invite(seeded(f"{seed} {name}"), account(name), STAMP)


def request_of(who: str, invite: NewInvite, **changes: Any) -> JoinRequest:
    said = {
        "room": ROOM,
        "inviter": invite.open.inviter,
        "account": account(first(who)),
        "name": who,
        "not_after": invite.open.not_after,
        "key_package": leaf(who).package.bytes,
    }
    keys = keys_of(invite.fragment.secret)
    asked = seal_join_request(keys, **{**said, **changes}, rng=seeded(f"seal {who}"))
    request = open_join_request([invite.open], ROOM, asked.sealed)
    assert request is not None
    return request


def rejoin_of(who: str, made: Leaf, old_leaf: int | None = None) -> RejoinRequest:
    asked = sign_rejoin_request(
        someone(first(who)).identity.identity_key.private_key,
        room=ROOM,
        device=made.identity.device_id,
        old_leaf=old_leaf,
        epoch=3,
        key_package=made.package.bytes,
        rng=seeded(f"rejoin {who}"),
    )
    return open_rejoin_request(ROOM, asked.sealed)


def revocation_of(who: str, serial: int = 1) -> bytes:
    return revoke_device(someone(first(who)).identity, leaf(who).identity.device_id, serial)


def kinds(change: RoomChange) -> list[str]:
    return [one.kind for one in change.what]


def refused(run: Callable[[], object], error: type[RoomError]) -> str:
    """The code of the error, which must be of this class."""
    with pytest.raises(error) as caught:
        run()
    return caught.value.code
