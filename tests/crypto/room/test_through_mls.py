"""The plans as real Commits: staged, judged alike by everyone, completed (E14, E18, E21, E29, E34)."""

from collections.abc import Sequence
from hashlib import sha384

import pytest

from crypto.mls.application import OpenedCommit, protect_proposal, unprotect
from crypto.mls.complete_commit import complete_commit
from crypto.mls.credential import BasicCredential
from crypto.mls.group import (
    Group,
    confirmation_tag,
    create_group,
    epoch,
    epoch_authenticator,
    extensions,
    group_context_bytes,
    members,
)
from crypto.mls.join_group import join_by_welcome
from crypto.mls.judge_commit import Judged, judge_commit
from crypto.mls.key_package import CreatedKeyPackage, KeyPackageInput, create_key_package
from crypto.mls.proposal import Remove
from crypto.mls.proposal_list import ProposalReference
from crypto.mls.stage_commit import stage_commit
from crypto.mls.suite import room_suite
from crypto.mls.tree_math import LeafIndex
from crypto.room.change import RoomChange
from crypto.room.errors import RoomRuleError
from crypto.room.events import encode_commit_data
from crypto.room.invites import keys_of, new_invite
from crypto.room.join_request import open_join_request, seal_join_request
from crypto.room.log_head import Seen
from crypto.room.plans import (
    Plan,
    Reference,
    Situation,
    plan_admit,
    plan_change,
    plan_invite,
    plan_leaves,
    plan_rejoin,
    plan_rename,
    plan_revoke_device,
    plan_update,
)
from crypto.room.rejoin import open_rejoin_request, sign_rejoin_request
from crypto.room.room_context import RemoveChange, new_commons, read_room_extensions, room_extensions
from crypto.room.roster import roster_of
from crypto.room.sealed_answer import Answer, answer_devices, answer_place, open_answer_in, seal_answer
from crypto.room.validity import Judging, judge_room_commit
from crypto.room.welcome_payload import WelcomeClaim, welcome_reply, welcome_reply_is_valid
from tests.crypto.identity.people import DEPLOYMENT, device, id_of, seeded, someone
from tests.crypto.room.world import ROOM, STAMP, account, first, kinds, revocation_of

RNG = seeded("through MLS")
NOT_BEFORE = STAMP // 1000 - 3600
NOT_AFTER = STAMP // 1000 + 20 * 86_400


def key_package_of(who: str, serial: int = 1) -> CreatedKeyPackage:
    made = device(someone(first(who)).identity, who, serial=serial)
    content = KeyPackageInput(
        signature=made.leaf_key,
        credential=BasicCredential(made.credential),
        not_before=NOT_BEFORE,
        not_after=NOT_AFTER,
    )
    return create_key_package(room_suite, content, RNG)


class Company:
    """Everybody's view of one room."""

    def __init__(self, founder: str) -> None:
        made = device(someone(founder).identity, founder)
        self.groups: dict[str, Group] = {
            founder: create_group(
                suite=room_suite,
                group_id=ROOM,
                signature=made.leaf_key,
                credential=BasicCredential(made.credential),
                not_before=NOT_BEFORE,
                not_after=NOT_AFTER,
                extensions=room_extensions(new_commons(account(founder), "Thursdays")),
                rng=RNG,
            )
        }

    def situation(self, who: str) -> Situation:
        group = self.groups[who]
        context = read_room_extensions(extensions(group))
        return Situation(context, roster_of(members(group), DEPLOYMENT), group.own_leaf, STAMP)

    def commit(
        self, by: str, plan: Plan, leaves: Sequence[ProposalReference] = ()
    ) -> tuple[RoomChange, bytes | None]:
        """Everybody judges the Commit of a plan, and it is the same for all. What it did, and its Welcome."""
        at = self.situation(by)
        staged = stage_commit(
            self.groups[by],
            proposals=plan.proposals,
            references=plan.references,
            authenticated_data=encode_commit_data(id_of("commit"), Seen(0, id_of("head"))),
            rng=RNG,
        )

        def judge(judged: Judged) -> RoomChange:
            return judge_room_commit(Judging(ROOM, DEPLOYMENT, at.context, at.roster, judged, STAMP))

        change = judge(staged.judged)
        for who, group in list(self.groups.items()):
            if who == by:
                self.groups[who] = staged.next
                continue
            opened = unprotect(group, staged.message)
            assert isinstance(opened.content, OpenedCommit)
            judged = judge_commit(opened.group, opened.authenticated, leaves)
            assert judge(judged) == change
            if judged.removes_me:
                del self.groups[who]
            else:
                self.groups[who] = complete_commit(opened.group, judged).next
        self.check_same(change)
        return change, staged.welcome

    def check_same(self, change: RoomChange) -> None:
        assert len({epoch_authenticator(group) for group in self.groups.values()}) == 1
        for who in self.groups:
            view = self.situation(who)
            assert (view.context, view.roster) == (change.context, change.roster)

    def let_in(self, who: str, made: CreatedKeyPackage, welcome: bytes | None) -> LeafIndex:
        assert welcome is not None
        joined = join_by_welcome(
            suite=room_suite, welcome=welcome, key_package=made.bytes, secrets=made.secrets
        )
        self.groups[who] = joined.group
        return joined.adder

    def invite(self, who: str, by: str, admitter: str) -> RoomChange:
        """By link, request, Commit and Welcome."""
        invite = new_invite(RNG, account(by), STAMP)
        self.commit(by, plan_invite(self.situation(by), invite.open))
        keys, made = keys_of(invite.fragment.secret), key_package_of(who)
        asked = seal_join_request(
            keys,
            room=ROOM,
            inviter=invite.fragment.inviter,
            account=account(who),
            name=who,
            not_after=invite.open.not_after,
            key_package=made.bytes,
            rng=RNG,
        )
        at = self.situation(admitter)
        request = open_join_request(at.context.invites, ROOM, asked.sealed)
        assert request is not None
        change, welcome = self.commit(admitter, plan_admit(at, request))

        def claim(group: Group, adder: LeafIndex) -> WelcomeClaim:
            return WelcomeClaim(
                request_hash=asked.hash,
                group_id=ROOM,
                epoch=epoch(group),
                group_context_hash=sha384(group_context_bytes(group)).digest(),
                confirmation_tag=confirmation_tag(group),
                adder_leaf=adder,
            )

        reply = welcome_reply(invite.open.welcome_key, claim(self.groups[admitter], at.me))
        adder = self.let_in(who, made, welcome)
        # E29: the newcomer computes the same from what it was let into.
        assert welcome_reply_is_valid(keys.welcome_key, claim(self.groups[who], adder), reply)
        self.check_same(change)
        return change

    def rejoin(self, who: str, serial: int, old_leaf: int | None, by: str) -> RoomChange:
        made = key_package_of(who, serial)
        identity = someone(first(who)).identity
        asked = sign_rejoin_request(
            identity.identity_key.private_key,
            room=ROOM,
            device=device(identity, who).device_id,
            old_leaf=old_leaf,
            epoch=1,
            key_package=made.bytes,
            rng=RNG,
        )
        self.groups.pop(who, None)
        plan = plan_rejoin(self.situation(by), open_rejoin_request(ROOM, asked.sealed))
        change, welcome = self.commit(by, plan)
        self.let_in(who, made, welcome)
        self.check_same(change)
        return change


def test_e14_e18_every_plan_is_a_commit_that_all_judge_alike() -> None:
    company = Company("anna")
    assert kinds(company.invite("ben", "anna", "anna")) == ["joined"]
    # E28: any member's device admits.
    assert kinds(company.invite("cleo", "anna", "ben")) == ["joined"]
    company.invite("dora", "cleo", "anna")

    def did(by: str, plan: Plan) -> list[str]:
        return kinds(company.commit(by, plan)[0])

    assert did("cleo", plan_rename(company.situation("cleo"), "Fridays")) == ["renamed"]
    assert did("ben", plan_update()) == ["renewed"]
    # E22: a lost state, and a second device.
    assert kinds(company.rejoin("cleo", 2, 2, "dora")) == ["rejoined"]
    assert kinds(company.rejoin("ben phone", 1, None, "anna")) == ["device_added"]
    # E9
    lost = plan_revoke_device(company.situation("ben"), revocation_of("ben phone"))
    assert did("ben", lost) == ["device_revoked"]
    # E14: a removal that two approve, and a leave.
    removal = RemoveChange(account("dora"))
    assert did("ben", plan_change(company.situation("ben"), removal)) == ["removal_proposed"]
    assert did("cleo", plan_change(company.situation("cleo"), removal)) == ["removed"]
    assert sorted(company.groups) == ["anna", "ben", "cleo"]
    ben = company.groups.pop("ben")
    leave = protect_proposal(ben, proposal=Remove(ben.own_leaf), authenticated_data=id_of("leave"), rng=RNG)
    for who, group in list(company.groups.items()):
        company.groups[who] = unprotect(group, leave.message).group
    plan = plan_leaves(company.situation("cleo"), [Reference(leave.proposal, leave.ref, ben.own_leaf)])
    change, _ = company.commit("cleo", plan, plan.references)
    assert kinds(change) == ["left"]
    assert sorted(company.groups) == ["anna", "cleo"]


def test_e34_an_answer_is_sealed_to_all_devices_of_one_person_in_the_epoch_that_all_are_in() -> None:
    company = Company("anna")
    company.invite("ben", "anna", "anna")
    company.invite("cleo", "anna", "anna")
    company.rejoin("anna laptop", 1, None, "ben")
    ben, said = company.groups["ben"], Answer(id_of("question"), "may_know")
    place = answer_place(ben, ben.own_leaf, id_of("answer"))
    devices = answer_devices(ben, company.situation("ben").roster, account("anna"))
    sealed = seal_answer(place, devices, said, RNG)

    def opened(who: str) -> Answer | None:
        return open_answer_in(company.groups[who], ben.own_leaf, id_of("answer"), sealed)

    assert opened("anna") == opened("anna laptop") == said
    assert opened("cleo") is None
    # Her leaf has another key after her next Commit, and the epoch is another.
    company.commit("anna", plan_update())
    with pytest.raises(RoomRuleError, match="E34"):
        opened("anna")
