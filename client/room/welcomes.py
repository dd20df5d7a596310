"""What a Welcome opens, checked as every one is: whole tree, AS check of every leaf, this device's own
place (E9, E13, E25).
"""

from dataclasses import dataclass
from typing import Protocol

from client.room.faults import Fault, judged
from client.room.state import EpochMaker, Membership, Newcomer, RoomLog
from client.room.surface import Env, WelcomeError
from crypto.identity.credential import LeafIdentity
from crypto.mls.group import extensions, group_id, members
from crypto.mls.join_group import Joined, join_by_welcome
from crypto.mls.key_package import KeyPackageSecrets
from crypto.mls.suite import room_suite
from crypto.mls.tree_math import LeafIndex
from crypto.room.room_context import MAX_LEAVES, RoomContext, read_room_extensions
from crypto.room.roster import Roster, accounts_of, roster_of
from crypto.room.welcome_payload import MAX_WELCOME, WelcomePayload, decode_welcome_payload
from wire.frames import Welcome


@dataclass(frozen=True, slots=True)
class OpenedWelcome:
    payload: WelcomePayload
    membership: Membership
    adder: LeafIdentity
    adder_leaf: LeafIndex
    consumed: tuple[bytes, ...]


class Expected(Protocol):
    """The KeyPackage that a Welcome must be for."""

    @property
    def key_package(self) -> bytes: ...

    @property
    def secrets(self) -> KeyPackageSecrets: ...


def open_welcome(env: Env, room_id: bytes, expected: Expected, welcome: Welcome) -> OpenedWelcome:
    """Raises WelcomeError."""
    if len(welcome.payload) > MAX_WELCOME:  # E26
        raise WelcomeError("welcome_size")

    def read() -> tuple[WelcomePayload, Joined, RoomContext, Roster]:
        payload = decode_welcome_payload(welcome.payload)
        joined = join_by_welcome(
            suite=room_suite,  # E1: no other opens a room
            welcome=payload.welcome,
            key_package=expected.key_package,
            secrets=expected.secrets,
            max_leaves=MAX_LEAVES,  # E13, before the tree is read
        )
        if group_id(joined.group) != room_id:
            raise WelcomeError("welcome_room")
        if joined.psks:
            raise WelcomeError("welcome_psk")  # a plain Add has none (E14)
        context = read_room_extensions(extensions(joined.group))
        return payload, joined, context, roster_of(members(joined.group), env.me.deployment_id)

    opened = judged(read)
    if isinstance(opened, Fault):
        raise WelcomeError(opened.code)
    payload, joined, context, roster = opened
    # The own leaf is that of a KeyPackage which this device has made, byte for byte (v709).
    membership = Membership(joined.group, context, roster, roster[joined.group.own_leaf])
    return OpenedWelcome(payload, membership, roster[joined.adder], joined.adder, joined.consumed)


def log_at(c: int, time: int, adder: LeafIdentity) -> RoomLog:
    """The log as a newcomer has it: it begins above the commit that added it, and H_c comes with the snapshot
    (E24).
    """
    return RoomLog(n=c, head=None, time=time, after=c, heads=(), maker=maker_at(c, time, adder), gap=False)


def maker_at(n: int, time: int, leaf: LeafIdentity) -> EpochMaker:
    return EpochMaker(n, leaf.account_id, leaf.device_id, time)


def newcomer_at(env: Env, c: int, membership: Membership) -> Newcomer:
    others = tuple(one for one in accounts_of(membership.roster) if one != membership.me.account_id)
    return Newcomer(c, env.now, entries=(), held=(), pages={}, others=others)
