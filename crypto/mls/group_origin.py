"""Groups that begin from another one by its resumption PSK: ReInit (RFC 9420 §11.2), branch (§11.3, E31).

Whoever founds one is held to the rules that whoever joins it checks, by the same code:

v801  the Welcome has a PSK that begins a group      v804  … with everyone of the old group
v802  a ReInit ended the group that the PSK names    v805  a branch has the version and suite of the old group
v803  the new group is the one that it describes     v806  nobody is in either who is not in the old group
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from crypto.mls.bytes import Rng, equal
from crypto.mls.credential import Credential
from crypto.mls.errors import InvalidError, UsageError
from crypto.mls.extension import Extensions
from crypto.mls.group import Group, create_group, resumption_psk
from crypto.mls.group_context import GroupContext
from crypto.mls.join_group import Joined, join_by_welcome
from crypto.mls.kem import KeyPair, draw
from crypto.mls.key_package import KeyPackage, KeyPackageSecrets
from crypto.mls.leaf_node import LeafNode
from crypto.mls.proposal import Add, PreSharedKey, ReInit
from crypto.mls.psk import PskLookup, no_psks
from crypto.mls.psk_id import PreSharedKeyId, ResumptionPskId, ResumptionUsage, begins_group
from crypto.mls.stage_commit import Staged, stage_commit
from crypto.mls.suite import CipherSuite, SuiteLookup, room_suite_of
from crypto.mls.tree_math import MAX_LEAVES


@dataclass(frozen=True, slots=True)
class GroupOrigin:
    """What is kept of one epoch of a group for as long as another may begin from it (E31); `origin_state`
    stores it.
    """

    context: GroupContext
    reinit: ReInit | None
    """The ReInit that began the epoch, or None."""
    members: tuple[LeafNode, ...]
    psk: bytes = field(repr=False)
    """The resumption PSK."""


OriginLookup = Callable[[bytes, int], GroupOrigin | None]
"""From group id and epoch. Answers None for an epoch that was not kept, or is not reached yet."""

SameMember = Callable[[LeafNode, LeafNode], bool]
"""Whether an old leaf and a present one are one client's, as the application sees it (RFC 9420 §11.3)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OriginFounding:
    """What the founder brings to either. The lifetime of its leaf is in seconds since 1970."""

    signature: KeyPair
    credential: Credential
    not_before: int
    not_after: int
    key_packages: Sequence[KeyPackage]
    """Of all the others, made for the new group."""
    same_member: SameMember
    authenticated_data: bytes
    rng: Rng


def origin_of(group: Group) -> GroupOrigin:
    members = tuple(one.node for one in group.tree.members())
    return GroupOrigin(group.context, group.reinit, members, resumption_psk(group))


def branch_group(
    origin: GroupOrigin,
    founding: OriginFounding,
    *,
    suite: CipherSuite,
    group_id: bytes,
    extensions: Extensions,
) -> Staged:
    """The first commit of a group of some of the old one's members: `next` is the new group.

    Raises InvalidError v805, v806, and whatever `stage_commit` says of the KeyPackages.
    """
    return _begin_from(origin, "branch", founding, suite, group_id, extensions)


def reinit_group(
    origin: GroupOrigin, founding: OriginFounding, suites: SuiteLookup = room_suite_of
) -> Staged:
    """The first commit of the group that a ReInit announced: `next` is the new group. Any member may make it.

    Raises UsageError no_reinit when the old group goes on; InvalidError v803, v804, v806, and whatever
    `stage_commit` says of the KeyPackages; SuiteError.
    """
    reinit = origin.reinit
    if reinit is None:
        raise UsageError("no_reinit", "a group that no ReInit has ended")
    suite = suites(reinit.suite)
    return _begin_from(origin, "reinit", founding, suite, reinit.group_id, reinit.extensions)


def _begin_from(
    origin: GroupOrigin,
    usage: ResumptionUsage,
    founding: OriginFounding,
    suite: CipherSuite,
    group_id: bytes,
    extensions: Extensions,
) -> Staged:
    alone = create_group(
        suite=suite,
        group_id=group_id,
        signature=founding.signature,
        credential=founding.credential,
        not_before=founding.not_before,
        not_after=founding.not_after,
        extensions=extensions,
        rng=founding.rng,
    )
    # RFC 9420 §11.3: a random nonce, so that two groups from one epoch share no key.
    nonce = draw(founding.rng, suite.nh)
    psk = ResumptionPskId(usage, origin.context.group_id, origin.context.epoch, nonce)
    staged = stage_commit(
        alone,
        proposals=[*map(Add, founding.key_packages), PreSharedKey(psk)],
        authenticated_data=founding.authenticated_data,
        psks=lambda _: origin.psk,
        rng=founding.rng,
    )
    _check_origin(origin, usage, staged.next, founding.same_member)
    return staged


def join_from_origin(
    *,
    suite: CipherSuite,
    welcome: bytes,
    key_package: bytes,
    secrets: KeyPackageSecrets,
    origins: OriginLookup,
    same_member: SameMember,
    psks: PskLookup = no_psks,
    tree: bytes | None = None,
    max_leaves: int = MAX_LEAVES,
) -> Joined:
    """Joins a group that begins from one that this client is or was in.

    A plain `join_by_welcome`, which this extends, does not compare the two. Raises InvalidError v801 to v806;
    psk_missing when the origin is not here, or not yet.
    """

    def lookup(psk: PreSharedKeyId) -> bytes | None:
        if not begins_group(psk):
            return psks(psk)
        found = origins(psk.group_id, psk.epoch)
        return None if found is None else found.psk

    joined = join_by_welcome(
        suite=suite,
        welcome=welcome,
        key_package=key_package,
        secrets=secrets,
        psks=lookup,
        tree=tree,
        max_leaves=max_leaves,
    )
    psk = next(filter(begins_group, joined.psks), None)
    origin = None if psk is None else origins(psk.group_id, psk.epoch)
    if psk is None or origin is None:
        raise InvalidError("v801_no_origin", "a Welcome to a group that begins from no other")
    _check_origin(origin, psk.usage, joined.group, same_member)
    return joined


def _check_origin(origin: GroupOrigin, usage: ResumptionUsage, group: Group, same_member: SameMember) -> None:
    """RFC 9420 §12.4.3.1. That it is the first epoch is v711. Raises InvalidError v802 to v806."""
    context = group.context
    present = [one.node for one in group.tree.members()]
    if usage == "reinit":
        _check_reinit(origin, context, present, same_member)
    elif context.version != origin.context.version or context.suite != origin.context.suite:
        raise InvalidError("v805_branch_parameters", "a branch of another version or cipher suite")
    if not all(any(same_member(old, leaf) for old in origin.members) for leaf in present):
        raise InvalidError("v806_stranger", "somebody in the new group is not in the old one")


def _check_reinit(
    origin: GroupOrigin, context: GroupContext, present: Sequence[LeafNode], same_member: SameMember
) -> None:
    reinit = origin.reinit
    if reinit is None:
        raise InvalidError("v802_not_ended", "no ReInit has ended the group that is named")
    if (
        not equal(context.group_id, reinit.group_id)
        or context.version != reinit.version
        or context.suite != reinit.suite
        or context.extensions != reinit.extensions
    ):
        raise InvalidError("v803_reinit_parameters", "not the group that the ReInit describes")
    if not all(any(same_member(old, leaf) for leaf in present) for old in origin.members):
        raise InvalidError("v804_left_behind", "somebody in the old group is not in the new one")
