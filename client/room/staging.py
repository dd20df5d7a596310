"""Commits of this device: what is due, planned, staged whole, stored and sent; merged at their position
alone (E21).
"""

from dataclasses import replace

from client.room import commands
from client.room.commands import Intent
from client.room.faults import Fault
from client.room.leaf import fresh_leaf
from client.room.outbox import ID_BYTES
from client.room.staged import ForIntent, ForRequest, Purpose, StagedCommit, StagedWelcome, Upkeep
from client.room.state import Membership, OpenRequest
from client.room.turn import Turn, seen_now
from crypto.mls.codec import encode
from crypto.mls.errors import MlsError
from crypto.mls.framing import write_authenticated_content
from crypto.mls.group import Group, NewLeaf, confirmation_tag, epoch, group_context_bytes, group_id
from crypto.mls.proposal import Remove
from crypto.mls.stage_commit import stage_commit
from crypto.mls.suite import room_suite
from crypto.mls.tree_math import LeafIndex
from crypto.room.change import AddedLeaf
from crypto.room.errors import RoomError
from crypto.room.events import encode_commit_data
from crypto.room.join_request import open_join_request
from crypto.room.log_head import list_hash, payload_hash
from crypto.room.plans import (
    Plan,
    Reference,
    Situation,
    plan_admit,
    plan_change,
    plan_expiry,
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
from crypto.room.rejoin import open_rejoin_request
from crypto.room.room_context import RemoveChange
from crypto.room.roster import devices_of, leaves_of
from crypto.room.validity import Judging, judge_room_commit
from crypto.room.welcome_payload import WelcomeClaim, WelcomePayload, encode_welcome_payload, welcome_reply
from wire.frames import Send, WelcomeFor


def _situation(turn: Turn, membership: Membership) -> Situation:
    return Situation(membership.context, membership.roster, membership.group.own_leaf, turn.env.server_now)


def own_other_leaves(membership: Membership) -> tuple[LeafIndex, ...]:
    """The leaves of this person's other devices."""
    own = membership.group.own_leaf
    return tuple(leaf for leaf in leaves_of(membership.roster, membership.me.account_id) if leaf != own)


def _plan_intent(at: Situation, intent: Intent) -> Plan:
    match intent:
        case commands.Invite(invite):
            return plan_invite(at, invite)
        case commands.WithdrawInvite(invite_id):
            return plan_withdraw_invite(at, invite_id)
        case commands.Rename(title):
            return plan_rename(at, title)
        case commands.RemoveMember(account_id):
            return plan_change(at, RemoveChange(account_id))
        case commands.WithdrawRemoval(account_id):
            return plan_withdraw_approval(at, RemoveChange(account_id))
        case commands.RevokeDevice(statement):
            return plan_revoke_device(at, statement)


def _plan_request(turn: Turn, at: Situation, request: OpenRequest) -> Plan:
    room_id = turn.state.room_id
    if request.kind == "rejoin":
        return plan_rejoin(at, open_rejoin_request(room_id, request.sealed))
    opened = open_join_request(at.context.invites, room_id, request.sealed)
    # Its invite may be on its way: another epoch may know it.
    if opened is None:
        raise RoomError("invite_unknown", "peer", "no open invite opens this request")
    return plan_admit(at, opened)


def commit(turn: Turn, purpose: Purpose) -> Fault | None:
    """Plan and stage. Or why it cannot be: a plan that is refused, or proposals that do not go together."""
    membership = turn.state.membership
    if membership is None:
        raise AssertionError("nothing is committed without a group")
    try:
        plan = _plan_of(turn, purpose, membership)
        _stage(turn, purpose, membership, plan)
    except RoomError as error:
        return Fault(error.code)
    except MlsError as error:
        if error.fault != "peer":
            raise
        return Fault(error.code)
    return None


def _plan_of(turn: Turn, purpose: Purpose, membership: Membership) -> Plan:
    at = _situation(turn, membership)
    match purpose:
        case ForIntent(intent):
            return _plan_intent(at, intent)
        case ForRequest(request_id):
            request = next(one for one in turn.state.requests if one.id == request_id)
            return _plan_request(turn, at, request)
        case Upkeep("leaves"):
            references = [Reference(Remove(one.leaf), one.ref, one.leaf) for one in turn.state.leaves]
            return plan_leaves(at, references)
        case Upkeep("own_devices"):
            return plan_remove_own_devices(at, own_other_leaves(membership))
        case Upkeep("expiry"):
            return plan_expiry(at)
        case Upkeep():
            return plan_update()


def _stage(turn: Turn, purpose: Purpose, membership: Membership, plan: Plan) -> None:
    env, state = turn.env, turn.state
    id_ = env.rng(ID_BYTES)
    new_leaf = None
    if purpose == Upkeep("renew"):
        renewed = fresh_leaf(env, membership.me.certificate_serial)
        new_leaf = NewLeaf(renewed.signature, renewed.credential)
    made = stage_commit(
        membership.group,
        proposals=plan.proposals,
        references=plan.references,
        authenticated_data=encode_commit_data(id_, seen_now(state)),
        new_leaf=new_leaf,
        rng=env.rng,
    )
    # E10: by one's own clock before it is sent, as everyone will judge it by the stamp.
    change = judge_room_commit(
        Judging(
            room_id=state.room_id,
            deployment_id=env.me.deployment_id,
            before=membership.context,
            roster=membership.roster,
            judged=made.judged,
            stamp=env.server_now,
        )
    )
    welcome = made.welcome
    welcomes = (
        ()
        if welcome is None
        else tuple(
            StagedWelcome(added.identity.device_id, _welcome_for(membership, added, welcome, made.next))
            for added in change.added
        )
    )
    staged = StagedCommit(
        id=id_,
        purpose=purpose,
        payload=made.message,
        hash=payload_hash(made.message),
        content=encode(lambda writer: write_authenticated_content(writer, made.judged.authenticated)),
        after=state.log.after,
        devices=tuple(devices_of(change.roster)),
        welcomes=welcomes,
        answered=(purpose.request_id,) if isinstance(purpose, ForRequest) else (),
        next=made.next,
        in_flight=False,
    )
    turn.set_group(made.current)
    turn.wipe(made.consumed)
    turn.state = replace(turn.state, staged=staged)
    send_staged(turn)


def _welcome_for(membership: Membership, added: AddedLeaf, welcome: bytes, next_: Group) -> bytes:
    """E29: a newcomer by an invite gets a proof that only members can make; a device that comes again asked
    by itself.
    """
    invite = next((one for one in membership.context.invites if one.id == added.invite_id), None)
    if invite is None or added.request_hash is None:
        return encode_welcome_payload(WelcomePayload(welcome, None, None))
    claim = WelcomeClaim(
        request_hash=added.request_hash,
        group_id=group_id(next_),
        epoch=epoch(next_),
        group_context_hash=room_suite.hash(group_context_bytes(next_)),
        confirmation_tag=confirmation_tag(next_),
        adder_leaf=membership.group.own_leaf,
    )
    mac = welcome_reply(invite.welcome_key, claim)
    return encode_welcome_payload(WelcomePayload(welcome, invite.id, mac))


def send_staged(turn: Turn) -> None:
    """The commit as it was stored; again on every connection until it is in the log or has lost (E21)."""
    staged = turn.state.staged
    if staged is None:
        return
    welcomes = [WelcomeFor(device=one.device, payload=one.payload) for one in staged.welcomes]
    turn.send(
        Send(
            room=turn.state.room_id,
            id=staged.id,
            kind="commit",
            after=staged.after,
            list=list_hash(staged.devices),
            payload=staged.payload,
            devices=list(staged.devices),
            welcomes=welcomes or None,
            answered=list(staged.answered) or None,
        )
    )
    turn.state = replace(turn.state, staged=replace(staged, in_flight=True))


def refusal(turn: Turn, intent: Intent) -> str | None:
    """Whether a planned change may be asked for at all, so that the person is told at once."""
    membership = turn.state.membership
    if membership is None:
        return "not_a_member"
    try:
        _plan_intent(_situation(turn, membership), intent)
    except RoomError as error:
        return error.code
    return None
