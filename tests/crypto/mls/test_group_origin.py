"""v801 to v806: groups that begin from another one, and what neither founder nor newcomer lets pass."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import pytest

from crypto.mls.group import Group, epoch_authenticator
from crypto.mls.group_origin import (
    GroupOrigin,
    OriginFounding,
    branch_group,
    join_from_origin,
    origin_of,
    reinit_group,
)
from crypto.mls.join_group import Joined
from crypto.mls.key_package import CreatedKeyPackage
from crypto.mls.leaf_node import LeafNode
from crypto.mls.proposal import PreSharedKey, ReInit
from crypto.mls.psk_id import ExternalPskId, ResumptionPskId
from crypto.mls.stage_commit import Staged
from crypto.mls.suite import ROOM_SUITE, room_suite
from crypto.mls.suites import suite_of
from tests.crypto.mls.simulation import (
    NOT_AFTER,
    NOT_BEFORE,
    Client,
    Person,
    add,
    code_of,
    commit_all,
    remove,
    room_extensions,
    room_of,
    welcome_of,
)
from tests.crypto.seeded_rng import seeded_rng

rng = seeded_rng("group origin")
WELL = "nothing raised"
CASE_ID = b"a case of the commons"
NEW_ID = b"the group anew"
EXTENSIONS = room_extensions("anew")

Packaged = tuple[Person, CreatedKeyPackage]


def same_member(old: LeafNode, present: LeafNode) -> bool:
    """People go by their names here. In rooms it is account, identity key and device (E31)."""
    return old.credential == present.credential


def packaged(suite_id: int, *names: str) -> list[Packaged]:
    people = [Person(suite_of(suite_id), name, rng) for name in names]
    return [(person, person.key_package()) for person in people]


def founding(founder: Person, others: Sequence[Packaged]) -> OriginFounding:
    return OriginFounding(
        signature=founder.signature,
        credential=founder.credential,
        not_before=NOT_BEFORE,
        not_after=NOT_AFTER,
        key_packages=[package.key_package for _, package in others],
        same_member=same_member,
        authenticated_data=b"",
        rng=rng,
    )


def branch(
    origin: GroupOrigin, others: Sequence[Packaged], *, suite_id: int = ROOM_SUITE, founder: str = "ada"
) -> Staged:
    person = Person(suite_of(suite_id), founder, rng)
    return branch_group(
        origin,
        founding(person, others),
        suite=person.suite,
        group_id=CASE_ID,
        extensions=room_extensions("case"),
    )


def join(one: Packaged, staged: Staged, *origins: GroupOrigin) -> Joined:
    person, package = one
    known = {(origin.context.group_id, origin.context.epoch): origin for origin in origins}
    return join_from_origin(
        suite=person.suite,
        welcome=welcome_of(staged),
        key_package=package.bytes,
        secrets=package.secrets,
        origins=lambda group_id, epoch: known.get((group_id, epoch)),
        same_member=same_member,
    )


def agree(*groups: Group) -> None:
    assert len({epoch_authenticator(group) for group in groups}) == 1


ADA, BEN, CYD, _ = room_of(ROOM_SUITE, ["ada", "ben", "cyd", "dan"], rng)
COMMONS = origin_of(ADA.group)


def test_a_branch_has_some_of_the_members_and_goes_on_like_any_group() -> None:
    others = packaged(ROOM_SUITE, "ben", "dan")
    staged = branch(COMMONS, others)
    origins = origin_of(BEN.group), origin_of(CYD.group)
    joined = [join(one, staged, origin).group for one, origin in zip(others, origins, strict=True)]
    agree(staged.next, *joined)
    context = staged.next.context
    assert (context.group_id, context.epoch, context.suite) == (CASE_ID, 1, ROOM_SUITE)
    clients = [Client("member", group, rng) for group in (staged.next, *joined)]
    commit_all(clients)
    agree(*(client.group for client in clients))


def test_a_branch_may_have_its_founder_alone() -> None:
    staged = branch(COMMONS, [])
    assert (staged.welcome, staged.next.context.epoch) == (None, 1)


def test_a_branch_shares_no_key_with_another_of_the_same_epoch() -> None:
    nonces = set()
    for _ in range(2):
        (psk,) = branch(COMMONS, packaged(ROOM_SUITE, "ben")).judged.next_epoch.psks
        assert isinstance(psk, ResumptionPskId)
        assert (psk.usage, psk.epoch, len(psk.nonce)) == ("branch", COMMONS.context.epoch, room_suite.nh)
        nonces.add(psk.nonce)
    assert len(nonces) == 2


def test_a_branch_is_joined_by_those_alone_who_have_the_epoch_that_it_names() -> None:
    (ben,) = packaged(ROOM_SUITE, "ben")
    staged = branch(COMMONS, [ben])
    assert code_of(lambda: join(ben, staged)) == "psk_missing"
    commit_all([BEN, ADA, CYD])
    later = origin_of(BEN.group)
    # E31: whoever has moved on keeps what an earlier epoch's branch takes.
    assert code_of(lambda: join(ben, staged, later)) == "psk_missing"
    assert code_of(lambda: join(ben, staged, later, COMMONS)) == WELL
    assert code_of(lambda: join(ben, staged, replace(COMMONS, psk=bytes(48)))) == "aead"


def test_v801_begins_from_another_group() -> None:
    (eve,) = packaged(ROOM_SUITE, "eve")
    founder = Person(room_suite, "ada", rng).found()
    assert code_of(lambda: join(eve, founder.stage(add(eve[1])), COMMONS)) == "v801_no_origin"
    psk = PreSharedKey(ExternalPskId(b"psk", bytes(room_suite.nh)))
    staged = founder.stage(add(eve[1]), psk, psks=lambda _: b"secret")
    assert code_of(lambda: join(eve, staged, COMMONS)) == "psk_missing"


def test_v805_a_branch_has_the_old_groups_version_and_suite() -> None:
    (ben,) = packaged(1, "ben")
    assert code_of(lambda: branch(COMMONS, [ben], suite_id=1)) == "v805_branch_parameters"
    other = replace(COMMONS, context=replace(COMMONS.context, suite=1))
    staged = branch(other, [ben], suite_id=1)
    assert code_of(lambda: join(ben, staged, COMMONS)) == "v805_branch_parameters"
    version = replace(COMMONS, context=replace(COMMONS.context, version=2))
    assert code_of(lambda: branch(version, [])) == "v805_branch_parameters"


def test_v806_a_branch_has_nobody_who_is_not_in_the_old_group() -> None:
    ben, eve = packaged(ROOM_SUITE, "ben", "eve")
    assert code_of(lambda: branch(COMMONS, [ben, eve])) == "v806_stranger"
    assert code_of(lambda: branch(COMMONS, [], founder="eve")) == "v806_stranger"
    lax = replace(COMMONS, members=(*COMMONS.members, eve[1].key_package.leaf_node))
    assert code_of(lambda: join(ben, branch(lax, [ben, eve]), COMMONS)) == "v806_stranger"
    # The KeyPackage still joins the group that it was meant for.
    right = branch(COMMONS, [ben])
    clients = [Client("member", group, rng) for group in (right.next, join(ben, right, COMMONS).group)]
    commit_all(clients)
    agree(*(client.group for client in clients))


def test_v806_a_branch_takes_a_member_who_was_removed_no_more() -> None:
    a, b, c = room_of(ROOM_SUITE, ["ada", "ben", "cyd"], rng)
    commit_all([a, b], remove(c))
    gone = packaged(ROOM_SUITE, "cyd")
    assert code_of(lambda: branch(origin_of(a.group), gone)) == "v806_stranger"


def ended(suite_id: int = ROOM_SUITE) -> GroupOrigin:
    """A group of three that a ReInit has ended."""
    clients = room_of(1, ["ada", "ben", "cyd"], rng)
    commit_all(clients, ReInit(NEW_ID, 1, suite_id, EXTENSIONS))
    origins = [origin_of(client.group) for client in clients]
    assert origins[0] == origins[1] == origins[2]
    return origins[0]


ORIGIN = ended()
assert ORIGIN.reinit is not None
REINIT = ORIGIN.reinit


def begin(origin: GroupOrigin, others: Sequence[Packaged], founder: str = "ben") -> Staged:
    suite_id = ROOM_SUITE if origin.reinit is None else origin.reinit.suite
    return reinit_group(origin, founding(Person(suite_of(suite_id), founder, rng), others), suite_of)


@pytest.mark.parametrize("suite_id", [1, ROOM_SUITE])
def test_a_reinit_is_followed_by_a_group_of_everyone_in_another_suite_as_well(suite_id: int) -> None:
    old = ended(suite_id)
    others = packaged(suite_id, "ada", "cyd")
    staged = begin(old, others)
    agree(staged.next, *(join(one, staged, old).group for one in others))
    context = staged.next.context
    assert (context.group_id, context.epoch, context.suite) == (NEW_ID, 1, suite_id)
    assert context.extensions == EXTENSIONS


def test_v802_a_reinit_ended_the_group_that_the_new_one_names() -> None:
    others = packaged(ROOM_SUITE, "ada", "cyd")
    goes_on = replace(ORIGIN, reinit=None)
    assert code_of(lambda: begin(goes_on, others)) == "no_reinit"
    staged = begin(ORIGIN, others)
    assert code_of(lambda: join(others[0], staged, goes_on)) == "v802_not_ended"


@pytest.mark.parametrize(
    "reinit",
    [
        replace(REINIT, group_id=b"another"),
        replace(REINIT, version=2),
        replace(REINIT, suite=1),
        replace(REINIT, extensions=()),
        replace(REINIT, extensions=EXTENSIONS[::-1]),
    ],
    ids=["group_id", "version", "suite", "no extensions", "other extensions"],
)
def test_v803_a_reinit_says_which_group_version_suite_and_extensions(reinit: ReInit) -> None:
    others = packaged(ROOM_SUITE, "ada", "cyd")
    staged = begin(ORIGIN, others)
    other = replace(ORIGIN, reinit=reinit)
    assert code_of(lambda: join(others[0], staged, other)) == "v803_reinit_parameters"
    if reinit.version == 2:
        assert code_of(lambda: begin(other, others)) == "v803_reinit_parameters"


def test_v804_v806_a_reinit_keeps_the_members_neither_fewer_nor_more() -> None:
    ada, cyd, eve = packaged(ROOM_SUITE, "ada", "cyd", "eve")
    assert code_of(lambda: begin(ORIGIN, [ada])) == "v804_left_behind"
    fewer = begin(replace(ORIGIN, members=ORIGIN.members[:2]), [ada])
    assert code_of(lambda: join(ada, fewer, ORIGIN)) == "v804_left_behind"
    assert code_of(lambda: begin(ORIGIN, [ada, cyd, eve])) == "v806_stranger"
    lax = replace(ORIGIN, members=(*ORIGIN.members, eve[1].key_package.leaf_node))
    more = begin(lax, [ada, cyd, eve])
    assert code_of(lambda: join(cyd, more, ORIGIN)) == "v806_stranger"


def test_whoever_comes_later_comes_by_an_ordinary_welcome() -> None:
    staged = begin(ORIGIN, packaged(ROOM_SUITE, "ada", "cyd"))
    client = Client("ben", staged.next, rng)
    (eve,) = packaged(ROOM_SUITE, "eve")
    later = client.stage(add(eve[1]))
    assert code_of(lambda: join(eve, later, ORIGIN)) == "v801_no_origin"
    agree(later.next, eve[0].join(welcome_of(later), eve[1]).group)


def test_a_suite_that_is_not_there_founds_nothing() -> None:
    unknown = replace(ORIGIN, reinit=replace(REINIT, suite=7))
    one = founding(Person(room_suite, "ben", rng), [])
    assert code_of(partial(reinit_group, unknown, one, suite_of)) == "unsupported_suite"
    # E1: without a word to the contrary, rooms' own suite alone.
    assert code_of(partial(reinit_group, ended(1), one)) == "unsupported_suite"
