"""How a room begins on a device: founded, joined by an invite, or named by a recovered account's pin list
(E22, E25 to E30).
"""

from dataclasses import dataclass, replace

from client.room import effects
from client.room.call_state import NO_CALL, NO_MEDIA
from client.room.entries import MAX_FETCH, fetch_frame
from client.room.happenings import line_id
from client.room.heads import heads_from
from client.room.leaf import fresh_key_package, fresh_leaf
from client.room.outbox import queue_event
from client.room.rejoining import begin_rejoin
from client.room.state import (
    NO_DUES,
    NOBODY,
    OFFLINE,
    Chores,
    EpochMaker,
    Link,
    Membership,
    RoomLog,
    RoomState,
)
from client.room.surface import CommandError, Env, JoinExpectation, Stepped, WelcomeError
from client.room.turn import Turn
from client.room.welcomes import log_at, newcomer_at, open_welcome
from crypto.identity.bundle import Pin
from crypto.mls.group import confirmation_tag, create_group, epoch, group_context_bytes, group_id, members
from crypto.mls.suite import room_suite
from crypto.room.bodies import Profile
from crypto.room.fold import first_fold
from crypto.room.invites import Fragment, keys_of
from crypto.room.join_request import seal_join_request
from crypto.room.log_head import first_head
from crypto.room.room_context import new_commons, room_extensions
from crypto.room.roster import roster_of
from crypto.room.text import is_name, is_title
from crypto.room.timeline import EMPTY_TIMELINE, SystemItem, with_system
from crypto.room.welcome_payload import WelcomeClaim, welcome_reply_is_valid
from wire.frames import Welcome

LIVE = Link(connected=True, caught_up=True)
"""A room comes to be known while the connection is there; when it is not, `ready` will say so."""


def _blank(room_id: bytes, membership: Membership | None, log: RoomLog, link: Link) -> RoomState:
    return RoomState(
        room_id=room_id,
        stage="member",
        membership=membership,
        title="" if membership is None else membership.context.title,
        log=log,
        fold=first_fold(room_id),
        whole=True,
        timeline=EMPTY_TIMELINE,
        names={},
        outbox=(),
        counter=1,
        intents=(),
        staged=None,
        leaves=(),
        leaving=None,
        newcomer=None,
        provisional=None,
        duties=(),
        rejoining=None,
        pause=None,
        tolerated=frozenset(),
        read_up_to=log.n,
        confirmed_at=None,
        chores=Chores(),
        link=replace(link, target=log.n),
        dues=NO_DUES,
        requests=(),
        cursors={},
        presence=NOBODY,
        media=NO_MEDIA,
        call=NO_CALL,
        wake=None,
    )


def found_room(env: Env, room_id: bytes, title: str) -> Stepped:
    """A room of its own, just made on the server: this device is alone in it. Raises CommandError."""
    me = env.me
    if not is_title(title):
        raise CommandError("title")
    if not is_name(me.name):
        raise CommandError("name")
    leaf = fresh_leaf(env, 0)
    context = new_commons(me.account_id, title)
    group = create_group(
        suite=room_suite,
        group_id=room_id,
        signature=leaf.signature,
        credential=leaf.credential,
        not_before=leaf.not_before,
        not_after=leaf.not_after,
        extensions=room_extensions(context),
        rng=env.rng,
    )
    roster = roster_of(members(group), me.deployment_id)
    membership = Membership(group, context, roster, roster[group.own_leaf])
    head = first_head(room_id)
    maker = EpochMaker(0, me.account_id, me.device_id)
    log = RoomLog(n=0, head=head, time=0, after=0, heads=heads_from(0, head), maker=maker, gap=False)
    line = SystemItem(line_id(room_id, 0), 0, env.server_now, "created", me.account_id, me.account_id, title)
    state = replace(_blank(room_id, membership, log, LIVE), timeline=with_system(EMPTY_TIMELINE, line))
    turn = Turn(state, env)
    queue_event(turn, Profile(me.name))
    turn.effect(effects.Met(membership.me))
    turn.effect(effects.Pins())
    return turn.finish()


@dataclass(frozen=True, slots=True)
class Asked:
    """What to POST to /api/join-requests, and what to keep until the Welcome comes (E28)."""

    sealed: bytes
    expectation: JoinExpectation


def ask_to_join(env: Env, room_id: bytes, fragment: Fragment, not_after: int) -> Asked:
    """Ask to be let in by the invite whose fragment this is. `not_after` in ms. Raises CommandError."""
    me = env.me
    if not is_name(me.name):
        raise CommandError("name")
    keys = keys_of(fragment.secret)
    created = fresh_key_package(env, 0)
    sealed = seal_join_request(
        keys,
        room=room_id,
        inviter=fragment.inviter,
        account=me.account_id,
        name=me.name,
        not_after=not_after,
        key_package=created.bytes,
        rng=env.rng,
    )
    expectation = JoinExpectation(
        room_id=room_id,
        invite_id=keys.invite_id,
        secret=fragment.secret,
        inviter_root=fragment.inviter,
        request_hash=sealed.hash,
        key_package=created.bytes,
        secrets=created.secrets,
    )
    return Asked(sealed.sealed, expectation)


def join_room(
    env: Env, expectation: JoinExpectation, welcome: Welcome, before: RoomState | None = None
) -> Stepped:
    """The room that a Welcome opens, judged against what was asked for (E25, E29). `before`: what this
    device has of the room from an earlier membership; its timeline stays. Raises WelcomeError.
    """
    opened = open_welcome(env, expectation.room_id, expectation, welcome)
    payload, membership = opened.payload, opened.membership
    group, roster = membership.group, membership.roster
    if payload.invite_id is None or payload.mac is None or payload.invite_id != expectation.invite_id:
        raise WelcomeError("welcome_invite")
    # E29: only a member has the welcome key of the open invite; the server has none of what is in the MAC.
    claim = WelcomeClaim(
        request_hash=expectation.request_hash,
        group_id=group_id(group),
        epoch=epoch(group),
        group_context_hash=room_suite.hash(group_context_bytes(group)),
        confirmation_tag=confirmation_tag(group),
        adder_leaf=opened.adder_leaf,
    )
    if not welcome_reply_is_valid(keys_of(expectation.secret).welcome_key, claim, payload.mac):
        raise WelcomeError("welcome_mac")
    # E6, E29: the account id is the hash of the root key that the link names.
    if all(who.account_id != expectation.inviter_root for who in roster.values()):
        raise WelcomeError("welcome_inviter")
    c = welcome.n
    fresh = _blank(expectation.room_id, membership, log_at(c, welcome.time, opened.adder), LIVE)
    line = SystemItem(
        line_id(welcome.room, c),
        c,
        welcome.time,
        "joined",
        env.me.account_id,
        expectation.inviter_root,
        "",
    )
    timeline = EMPTY_TIMELINE if before is None else before.timeline
    state = replace(
        fresh,
        timeline=with_system(timeline, line),
        names=fresh.names if before is None else before.names,
        counter=fresh.counter if before is None else before.counter,
        newcomer=newcomer_at(env, c, membership),
    )
    turn = Turn(state, env)
    turn.wipe(opened.consumed)
    queue_event(turn, Profile(env.me.name))
    for leaf in roster.values():
        turn.effect(effects.Met(leaf))
    turn.effect(effects.Pins())
    turn.effect(effects.Cursor(c))
    # On a reconnect, what stands above c was sent before the Welcome was.
    turn.send(fetch_frame(expectation.room_id, c + 1, MAX_FETCH))
    return turn.finish()


def rejoin_room(env: Env, pin: Pin) -> Stepped:
    """A room of a recovered account, from its pin list (E22): it asks to be added, and takes the Welcome in
    `step`. (A device that has to rejoin a room which it has does so by itself.)
    """
    log = RoomLog(n=0, head=None, time=0, after=0, heads=(), maker=EpochMaker(0, b"", b""), gap=False)
    turn = Turn(_blank(pin.room, None, log, OFFLINE), env)
    begin_rejoin(turn, pin=pin)
    return turn.finish()
