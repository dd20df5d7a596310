"""A room as it is shown: the timeline, what is still on its way laid over it, and the people."""

from client.room.call_state import SILENT, MediaOff
from client.room.said import said_by
from client.room.sight import (
    Delivery,
    Quoted,
    RoomSight,
    SightCall,
    SightCaller,
    SightInvite,
    SightItem,
    SightMember,
    SightPost,
    SightReaction,
    SightRemoval,
    SightState,
    SightSystem,
)
from client.room.state import Membership, RoomState
from client.room.surface import Env
from crypto.room.attendance import CallItem, summary_of
from crypto.room.authority import approvals_needed
from crypto.room.origin import MeetingOrigin, RingOrigin
from crypto.room.room_context import RemoveChange
from crypto.room.roster import accounts_of, leaves_of
from crypto.room.timeline import (
    Item,
    PostItem,
    SaidPost,
    SystemItem,
    changed_post,
    find_post,
    item_count,
    latest,
    new_post,
    unread_above,
)

QUOTE_LENGTH = 200
"""How much of a post is shown above a reply to it, in characters."""


def room_view(state: RoomState, env: Env, items: int) -> RoomSight:
    """What is there to see; `items` is how many of the latest items."""
    membership, me = state.membership, env.me.account_id
    shown = _with_outbox(state, env, latest(state.timeline, items))
    texts = (item.text for item in reversed(shown) if isinstance(item, PostItem))
    invites = () if membership is None else membership.context.invites
    am_founder = membership is not None and membership.context.founder == me
    delivered = _delivered_up_to(state, env)
    return RoomSight(
        room_id=state.room_id,
        title=state.title,
        state=_sight_state(state),
        members=() if membership is None else _members_of(state, env, membership),
        items=tuple(_sight_of(state, env, item, delivered) for item in shown),
        older=item_count(state.timeline) > items,
        read_up_to=state.read_up_to,
        unread=unread_above(state.timeline, state.read_up_to, me),
        last_at=shown[-1].at if shown else 0,
        last_text=next(texts, ""),
        typing=_typing_now(state, env),
        invites=tuple(SightInvite(one.id, one.inviter, one.inviter == me, one.not_after) for one in invites),
        removals=() if membership is None else _removals_of(state, env, membership),
        removes_alone=am_founder,
        am_founder=am_founder,
        provisional=state.provisional is not None or state.newcomer is not None,
        confirmed_at=state.confirmed_at,
        call=_call_of(state, env),
    )


def _sight_state(state: RoomState) -> SightState:
    if state.stage != "member":
        return state.stage
    return "ready" if state.pause is None else "paused"


def _with_outbox(state: RoomState, env: Env, shown: tuple[Item, ...]) -> list[Item]:
    """Posts that are still on their way at the end, and what is on its way about others over them."""
    me = env.me.account_id
    items = list(shown)
    for one in state.outbox:
        said = said_by(one.id, one.event)
        if said is None:
            continue
        if isinstance(said, SaidPost):
            if find_post(state.timeline, one.id) is None:
                items.append(new_post(said, me, 0, one.at))
            continue
        for at, item in enumerate(items):
            if isinstance(item, PostItem) and item.id == said.target:
                items[at] = changed_post(item, said, me, one.at)
                break
    return items


def _name_of(state: RoomState, account: bytes | None) -> str:
    return "" if account is None else state.names.get(account, "")


def _sight_of(state: RoomState, env: Env, item: Item, delivered: int) -> SightItem:
    if isinstance(item, CallItem):
        return _sight_of_call(state, item)
    if isinstance(item, SystemItem):
        who, by = _name_of(state, item.who), _name_of(state, item.by)
        return SightSystem(item.id, item.n, item.at, item.code, who, by, item.detail)
    me = env.me.account_id
    return SightPost(
        id=item.id,
        n=item.n,
        at=item.at,
        author=item.author,
        author_name=_name_of(state, item.author),
        mine=item.author == me,
        text=item.text,
        deleted=item.deleted,
        edited_at=item.edited_at,
        reply_to=None if item.reply_to is None else _quoted(state, env, item.reply_to),
        reactions=tuple(
            SightReaction(one.emoji, tuple(_name_of(state, who) for who in one.who), me in one.who)
            for one in item.reactions
        ),
        delivery=_delivery_of(state, item, delivered),
    )


def _sight_of_call(state: RoomState, item: CallItem) -> SightSystem:
    """Who was there, for how many minutes it went on, and what it was."""
    summary = summary_of(item)
    names = ", ".join(_name_of(state, one.account) for one in summary.people)
    minutes = str(max((summary.ended - summary.began + 30_000) // 60_000, 1))
    match summary.origin:
        case RingOrigin(_, by, why) if why:
            caller = _name_of(state, by)
            return SightSystem(item.id, item.n, item.at, "call_rung", names, caller, minutes, why)
        case MeetingOrigin(_, _, title, start) if title:
            about = f"{title}, {start.replace('T', ' ')}"
            return SightSystem(item.id, item.n, item.at, "call_meeting", names, "", minutes, about)
        case _:
            return SightSystem(item.id, item.n, item.at, "call", names, "", minutes)


def _quoted(state: RoomState, env: Env, id_: bytes) -> Quoted | None:
    post = find_post(state.timeline, id_) or _queued(state, env, id_)
    return None if post is None else Quoted(id_, _name_of(state, post.author), post.text[:QUOTE_LENGTH])


def _queued(state: RoomState, env: Env, id_: bytes) -> PostItem | None:
    one = next((one for one in state.outbox if one.id == id_), None)
    said = None if one is None else said_by(id_, one.event)
    if one is None or not isinstance(said, SaidPost):
        return None
    return new_post(said, env.me.account_id, 0, one.at)


def _delivery_of(state: RoomState, post: PostItem, delivered: int) -> Delivery:
    if post.n > 0:
        return "delivered" if post.n <= delivered else "server"
    return "server" if any(one.id == post.id and one.acked > 0 for one in state.outbox) else "queued"


def _delivered_up_to(state: RoomState, env: Env) -> int:
    """Up to where every device of the others has everything, by the server's word; 0 where there is nobody
    else.
    """
    if state.membership is None:
        return 0
    me = env.me.account_id
    others = (who.device_id for who in state.membership.roster.values() if who.account_id != me)
    return min((state.cursors.get(device, 0) for device in others), default=0)


def _members_of(state: RoomState, env: Env, membership: Membership) -> tuple[SightMember, ...]:
    here, now = state.presence.here, env.now
    members = []
    for account_id in accounts_of(membership.roster):
        leaves = [membership.roster[leaf] for leaf in leaves_of(membership.roster, account_id)]
        mine = account_id == env.me.account_id
        online = any(here.get(who.device_id, 0) > now for who in leaves)
        members.append(
            SightMember(
                account_id=account_id,
                root_key=leaves[0].root_key,
                name=env.me.name if mine else _name_of(state, account_id),
                devices=len(leaves),
                founder=account_id == membership.context.founder,
                online=online or (mine and state.link.connected),
            )
        )
    return tuple(members)


def _typing_now(state: RoomState, env: Env) -> tuple[bytes, ...]:
    if state.membership is None:
        return ()
    typing, me = state.presence.typing, env.me.account_id
    writers = {
        who.account_id: None
        for who in state.membership.roster.values()
        if who.account_id != me and typing.get(who.device_id, 0) > env.now
    }
    return tuple(writers)


def _removals_of(state: RoomState, env: Env, membership: Membership) -> tuple[SightRemoval, ...]:
    context, roster = membership.context, membership.roster
    return tuple(
        SightRemoval(
            account_id=one.change.target,
            name=_name_of(state, one.change.target),
            approvals=len(one.approvers),
            needed=approvals_needed(context, roster, one.change),
            approved_by_me=env.me.account_id in one.approvers,
        )
        for one in context.pending
        if isinstance(one.change, RemoveChange)
    )


def _call_of(state: RoomState, env: Env) -> SightCall | None:
    call, membership = state.call, state.membership
    sitting = call.sitting
    if membership is None or (sitting is None and isinstance(state.media, MediaOff)):
        return None
    accounts = {who.device_id: who.account_id for who in membership.roster.values()}
    callers = []
    for one in () if sitting is None else sitting.participants:
        said = call.mine if one.device == env.me.device_id else call.heard.get(one.device)
        said = said or SILENT
        if one.device in accounts:
            callers.append(
                SightCaller(
                    account_id=accounts[one.device],
                    device_id=one.device,
                    state=one.state,
                    hand=said.hand,
                    mic=said.mic,
                    camera=said.camera,
                    screen=said.screen,
                )
            )
    return SightCall(
        sitting=None if sitting is None else sitting.id,
        since=None if sitting is None else sitting.since,
        participants=tuple(callers),
        media=state.media.stage,
    )
