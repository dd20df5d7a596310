"""E14, E21: what a person may ask for, and what a Commit of it holds. Commits are held in tests/agreement."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from crypto.identity.identity import supersede_identity
from crypto.mls.proposal import Remove
from crypto.mls.tree_math import LeafIndex
from crypto.room.errors import RoomPlanError
from crypto.room.plans import (
    Plan,
    plan_admit,
    plan_change,
    plan_expiry,
    plan_identity,
    plan_invite,
    plan_leaves,
    plan_rejoin,
    plan_remove_own_devices,
    plan_rename,
    plan_revoke_device,
    plan_update,
    plan_withdraw_approval,
    plan_withdraw_invite,
)
from crypto.room.room_context import (
    CharterChange,
    Enactable,
    ExpiryGrounds,
    FounderChange,
    IdentityGrounds,
    InviteChange,
    Policy,
    PolicyChange,
    RemoveChange,
    with_approvers,
    with_invites,
)
from tests.crypto.identity.people import NOW, seeded, someone
from tests.crypto.room.world import (
    STAMP,
    World,
    account,
    context_in,
    invite_by,
    leaf,
    leave_of,
    refused,
    rejoin_of,
    request_of,
    revocation_of,
)

INVITE = invite_by("ben")
OTHER = invite_by("cleo")
HASH = b"\1" * 48
WORLD = World("anna", "ben", "ben laptop", "cleo", invites=(INVITE.open,), charter_hash=HASH)
ANNA, BEN, CLEO = (WORLD.situation(name) for name in ("anna", "ben", "cleo"))
RENEWED = supersede_identity(someone("ben").identity, someone("ben").keys, seeded("ben anew"))
REMOVAL = RemoveChange(account("cleo"))


@pytest.mark.parametrize(
    ("plan", "code"),
    [
        (
            lambda: plan_admit(
                WORLD.situation("anna", INVITE.open.not_after + 1), request_of("dora", INVITE)
            ),
            "invite_expired",
        ),
        (lambda: plan_admit(ANNA, request_of("emil", OTHER)), "invite_unknown"),
        (lambda: plan_admit(ANNA, request_of("cleo laptop", INVITE)), "already_here"),
        (lambda: plan_rejoin(BEN, rejoin_of("ben", leaf("ben", 2))), "own_leaf"),
        (lambda: plan_rejoin(BEN, rejoin_of("dora", leaf("dora"))), "not_here"),
        (lambda: plan_withdraw_invite(BEN, bytes(16)), "invite_unknown"),
        (lambda: plan_withdraw_invite(CLEO, INVITE.open.id), "invite_not_yours"),
        (lambda: plan_rename(ANNA, " "), "title"),
        (lambda: plan_rename(ANNA, "Thursdays"), "nothing_to_do"),
        (lambda: plan_change(BEN, RemoveChange(account("ben"))), "yourself"),
        (lambda: plan_change(ANNA, RemoveChange(account("dora"))), "not_here"),
        (lambda: plan_change(ANNA, FounderChange(account("dora"))), "not_here"),
        (lambda: plan_change(ANNA, FounderChange(account("anna"))), "nothing_to_do"),
        (lambda: plan_change(ANNA, InviteChange(account("dora"))), "invite_unknown"),
        (lambda: plan_change(BEN, InviteChange(INVITE.open.id)), "nothing_to_do"),
        (lambda: plan_change(ANNA, PolicyChange(Policy(1))), "nothing_to_do"),
        (lambda: plan_change(ANNA, CharterChange(HASH)), "nothing_to_do"),
        (lambda: plan_withdraw_approval(BEN, REMOVAL), "not_approved"),
        (lambda: plan_leaves(ANNA, []), "nothing_to_do"),
        (lambda: plan_remove_own_devices(ANNA, [WORLD.at("ben")]), "not_your_device"),
        (lambda: plan_remove_own_devices(BEN, [WORLD.at("ben")]), "not_your_device"),
        (lambda: plan_remove_own_devices(BEN, []), "not_your_device"),
        (lambda: plan_revoke_device(ANNA, revocation_of("ben phone")), "not_here"),
        (lambda: plan_revoke_device(BEN, revocation_of("ben")), "own_leaf"),
        (lambda: plan_expiry(ANNA), "nothing_to_do"),
        (lambda: plan_identity(ANNA, someone("ben").identity.chain), "nothing_to_do"),
        (lambda: plan_identity(BEN, RENEWED.chain), "own_leaf"),
        (lambda: plan_change(replace(ANNA, me=LeafIndex(9)), CharterChange(bytes(48))), "not_here"),
    ],
)
def test_e14_no_plan_for_what_is_not_theirs(plan: Callable[[], Plan], code: str) -> None:
    assert refused(plan, RoomPlanError) == code


def test_e14_a_device_does_not_remove_itself_for_its_expiry() -> None:
    old = leaf("anna", not_before=NOW, not_after=STAMP - 1).identity
    aging = World(*WORLD.who, roster={**WORLD.roster, LeafIndex(0): old})
    assert refused(lambda: plan_expiry(aging.situation("anna")), RoomPlanError) == "nothing_to_do"
    assert plan_expiry(aging.situation("cleo")).proposals[0] == Remove(LeafIndex(0))


def test_e14_the_founder_enacts_and_others_approve() -> None:
    enacted = plan_change(ANNA, REMOVAL)
    assert enacted.proposals[0] == Remove(WORLD.at("cleo"))
    assert context_in(enacted).invites == ()
    proposed = plan_change(BEN, REMOVAL)
    assert len(proposed.proposals) == 1
    assert context_in(proposed).pending == with_approvers(WORLD.context, REMOVAL, [account("ben")]).pending
    again = replace(BEN, context=context_in(proposed))
    assert refused(lambda: plan_change(again, REMOVAL), RoomPlanError) == "already_approved"
    assert context_in(plan_withdraw_approval(again, REMOVAL)).pending == ()


@pytest.mark.parametrize(
    ("change", "after"),
    [
        (PolicyChange(Policy(3)), {"policy": Policy(3)}),
        (CharterChange(bytes(48)), {"charter_hash": bytes(48)}),
        (FounderChange(account("cleo")), {"founder": account("cleo")}),
    ],
    ids=lambda value: getattr(value, "kind", ""),
)
def test_e14_the_founder_changes_what_the_room_agrees_on(change: Enactable, after: dict[str, Any]) -> None:
    asked = replace(ANNA, context=with_approvers(WORLD.context, change, [account("ben")]))
    # What was done is pending no more.
    assert context_in(plan_change(asked, change)) == replace(WORLD.context, **after)
    assert context_in(plan_change(BEN, change)) == with_approvers(WORLD.context, change, [account("ben")])


def test_e9_e14_devices_go_by_their_persons_will_and_by_statements() -> None:
    laptop = plan_remove_own_devices(BEN, [WORLD.at("ben laptop")])
    assert laptop == Plan((Remove(WORLD.at("ben laptop")),), ())
    superseded = plan_identity(ANNA, RENEWED.chain)
    assert superseded.proposals[:2] == (Remove(WORLD.at("ben")), Remove(WORLD.at("ben laptop")))
    # E30: whoever held the older key knows the keys of all open invites.
    after = context_in(superseded)
    assert (after.grounds, after.invites) == (IdentityGrounds(RENEWED.chain), ())
    revoked = plan_revoke_device(ANNA, revocation_of("ben laptop"))
    assert revoked.proposals[0] == Remove(WORLD.at("ben laptop"))
    assert context_in(revoked).revocations == (revocation_of("ben laptop"),)


@pytest.mark.parametrize("who", ["ben", "anna"])
def test_e28_an_invite_is_its_inviters_to_withdraw_or_the_founders(who: str) -> None:
    assert context_in(plan_withdraw_invite(WORLD.situation(who), INVITE.open.id)).invites == ()


def test_e14_a_leave_replaces_the_remove_by_value_of_its_leaf() -> None:
    leaving = plan_leaves(ANNA, [leave_of(WORLD.at("cleo"))])
    assert [one.sender for one in leaving.references] == [WORLD.at("cleo")]
    assert not any(isinstance(one, Remove) for one in leaving.proposals)
    # E30: who goes takes the open invites along; a device whose person stays does not.
    assert context_in(leaving).invites == ()
    assert plan_leaves(ANNA, [leave_of(WORLD.at("ben laptop"))]).proposals == ()


def test_e21_a_plan_made_anew_after_another_commit_won_holds_what_that_one_changed() -> None:
    stale = plan_rename(ANNA, "Fridays")
    won = replace(ANNA, context=context_in(plan_invite(CLEO, OTHER.open)))
    assert len(context_in(stale).invites) == 1
    assert len(context_in(plan_rename(won, "Fridays")).invites) == 2


def test_e28_invites_that_have_run_out_are_cleared_away_with_room_for_clocks() -> None:
    late = INVITE.open.not_after + 10 * 60_000
    assert len(context_in(plan_rename(WORLD.situation("cleo", late), "Fridays")).invites) == 1
    assert context_in(plan_rename(WORLD.situation("cleo", late + 1), "Fridays")).invites == ()


def test_e28_one_person_has_twenty_open_at_most() -> None:
    made = [invite_by("ben", f"many {i}").open for i in range(20)]
    full = replace(BEN, context=with_invites(WORLD.context, made))
    assert refused(lambda: plan_invite(full, INVITE.open), RoomPlanError) == "too_many_invites"


def test_e14_eight_approvals_of_one_person_at_most() -> None:
    context = WORLD.context
    for k in range(2, 9):
        context = with_approvers(context, PolicyChange(Policy(k)), [account("ben")])
    context = with_approvers(context, REMOVAL, [account("ben")])
    full = replace(BEN, context=context)
    another = FounderChange(account("cleo"))
    assert refused(lambda: plan_change(full, another), RoomPlanError) == "too_many_approvals"


def test_e14_grounds_of_an_earlier_commit_are_cleared_by_the_next_that_changes_the_room() -> None:
    rested = replace(ANNA, context=replace(WORLD.context, grounds=ExpiryGrounds()))
    assert context_in(plan_rename(rested, "Fridays")).grounds is None
    assert plan_leaves(rested, [leave_of(WORLD.at("ben laptop"))]).proposals == ()
    assert plan_update() == Plan((), ())
