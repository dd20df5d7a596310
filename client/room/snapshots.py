"""The state that a newcomer is given, and what the others say of it (E24)."""

from dataclasses import replace

import cbor2

from client.room.faults import Fault, judged
from client.room.happenings import with_happened
from client.room.heads import head_at, heads_from, with_head
from client.room.outbox import queue_event
from client.room.ranks import turn_delay
from client.room.seen import Place
from client.room.state import (
    Happened,
    Held,
    Membership,
    Newcomer,
    Posted,
    PostedPages,
    Provisional,
    SnapshotDuty,
)
from client.room.turn import Turn
from crypto.identity.credential import LeafIdentity
from crypto.room.bodies import SnapshotCheck, SnapshotPage
from crypto.room.change import RoomChange
from crypto.room.fold import FOLD_VERSION, fold_commit
from crypto.room.log_head import SEEN_HEAD_LENGTH, next_head
from crypto.room.roster import has_account
from crypto.room.snapshot import (
    SNAPSHOT_POST_MS,
    Pages,
    Snapshot,
    assembled,
    check_of,
    decode_snapshot,
    encode_snapshot,
    snapshot_hash,
    snapshot_pages,
    take_page,
)

MAX_DUTIES = 32
"""Adds of which the newcomer was not yet served. Older ones are for those who were there."""
DISPUTE_JITTER_MS = 1_000
"""A dispute comes quickly: somebody is looking at a wrong state."""


def owe_snapshot(turn: Turn, n: int, happened: Happened) -> None:
    """After a commit with an Add at n, whose head is known: the state there, in case the adder does not
    post it.
    """
    state = turn.state
    if not happened.added or state.newcomer is not None or not state.whole or state.log.head is None:
        return
    added = {one.identity.account_id for one in happened.added}
    data = encode_snapshot(Snapshot(n, state.log.head, state.fold))
    delay = 0
    if happened.committer.device_id != turn.env.me.device_id:
        # Whoever comes in this commit has no state of its own to compare.
        delay = SNAPSHOT_POST_MS + turn_delay(turn, lambda leaf: leaf.account_id not in added)
    duty = SnapshotDuty(n, data, snapshot_hash(data), turn.env.now + delay, (), None)
    turn.state = replace(turn.state, duties=(*state.duties, duty)[-MAX_DUTIES:])


def do_snapshot_duties(turn: Turn) -> None:
    """What is due: to post a snapshot, or to say whether the one that was posted is ours as well."""
    # A state that nobody has confirmed yet confirms nothing.
    if turn.state.provisional is not None:
        return
    for duty in turn.state.duties:
        if duty.due is None or duty.due > turn.env.now:
            continue
        own = decode_snapshot(duty.data)
        if duty.posted is None:
            for page in snapshot_pages(own):
                queue_event(turn, page)
            posted = Posted(turn.env.me.account_id, duty.hash)
            _set_duty(turn, replace(duty, posted=posted, due=None))
        else:
            queue_event(turn, check_of(own, duty.posted.hash))
            _drop_duty(turn, duty.c)


def _set_duty(turn: Turn, after: SnapshotDuty) -> None:
    duties = tuple(after if one.c == after.c else one for one in turn.state.duties)
    turn.state = replace(turn.state, duties=duties)


def _drop_duty(turn: Turn, c: int) -> None:
    turn.state = replace(turn.state, duties=tuple(one for one in turn.state.duties if one.c != c))


def _duty_at(turn: Turn, c: int) -> SnapshotDuty | None:
    return next((one for one in turn.state.duties if one.c == c), None)


def note_snapshot_page(turn: Turn, leaf: LeafIdentity, page: SnapshotPage) -> None:
    """Somebody posts a snapshot: it is there when all its pages are, and then this device says what it
    thinks.
    """
    duty = _duty_at(turn, page.position)
    if duty is None:
        return
    by = leaf.device_id
    expected = next((one.next for one in duty.pages if one.by == by), 0)
    if page.page != expected or not _goes_with(duty, page):
        return
    others = tuple(one for one in duty.pages if one.by != by)
    noted = replace(duty, pages=(*others, PostedPages(by, expected + 1)))
    _set_duty(turn, noted)
    if page.page == page.pages - 1:
        _posted(turn, noted, leaf, page.hash)


def _goes_with(duty: SnapshotDuty, page: SnapshotPage) -> bool:
    """A page that names the hash of our own state must be a page of it; what another hash is about, we cannot
    know.
    """
    if page.hash != duty.hash:
        return True
    pages = snapshot_pages(decode_snapshot(duty.data))
    return page.page < len(pages) and pages[page.page] == page


def _posted(turn: Turn, duty: SnapshotDuty, leaf: LeafIdentity, hash_: bytes) -> None:
    mine = turn.env.me.account_id
    if leaf.account_id == mine:
        _drop_duty(turn, duty.c)  # an account does not confirm itself
        return
    if duty.posted is not None and duty.posted.account_id != mine:
        return
    if hash_ == duty.hash:
        delay = turn_delay(turn, lambda other: other.account_id != leaf.account_id)
    else:
        delay = turn.jitter(DISPUTE_JITTER_MS)
    _set_duty(turn, replace(duty, posted=Posted(leaf.account_id, hash_), due=turn.env.now + delay))


def take_over(turn: Turn, leaf: LeafIdentity, page: SnapshotPage) -> tuple[Held, ...]:
    """A newcomer takes over the first whole snapshot of its position. Gives what it held, to be taken in on
    top of it.
    """
    newcomer = turn.state.newcomer
    if newcomer is None or page.position != newcomer.c:
        return ()
    by = leaf.device_id

    def take() -> tuple[Pages, Snapshot | None]:
        pages = take_page(newcomer.pages.get(by), page)
        return pages, assembled(pages)

    taken = judged(take)
    if isinstance(taken, Fault):
        return ()  # its author's own pages do not go together: somebody else posts it
    pages, snapshot = taken
    turn.state = replace(turn.state, newcomer=replace(newcomer, pages={**newcomer.pages, by: pages}))
    if snapshot is None or snapshot.position != newcomer.c:
        return ()
    return newcomer.held if _adopt(turn, newcomer, leaf, snapshot, page.hash) else ()


def _adopt(turn: Turn, newcomer: Newcomer, leaf: LeafIdentity, snapshot: Snapshot, hash_: bytes) -> bool:
    log = turn.log
    if log.head is None:
        head = snapshot.head
        heads = heads_from(newcomer.c, head)
        for one in newcomer.entries:
            head = next_head(head, one.n, one.time, one.hash)
            heads = with_head(heads, one.n, head)
        turn.log = replace(log, head=head, heads=heads)
    else:
        # A device that was away has followed the log itself: E19 holds for what it is given.
        ours = head_at(log.heads, newcomer.c)
        if ours is None or ours != snapshot.head[:SEEN_HEAD_LENGTH]:
            told = {"n": newcomer.c, "said": snapshot.head, "ours": ours}
            turn.alarm("fork", leaf.account_id, cbor2.dumps(told))
            return False
    witnesses = tuple(one for one in newcomer.others if one != leaf.account_id)
    turn.state = replace(
        turn.state,
        fold=replace(snapshot.fold, version=FOLD_VERSION),
        # One of the former version lacks what that version did not know: nothing is confirmed by it.
        whole=snapshot.fold.version == FOLD_VERSION,
        names={**turn.state.names, **snapshot.fold.names},
        newcomer=None,
        provisional=Provisional(newcomer.c, hash_, leaf.account_id, witnesses),
    )
    settle_provisional(turn)
    return True


def take_happened(turn: Turn, place: Place, happened: Happened) -> None:
    """A valid commit becomes part of the fold, the names and the timeline."""
    state = turn.state
    if state.membership is None:
        return
    named = {one.identity.account_id: one.name for one in happened.added if one.name is not None}
    turn.state = replace(
        state,
        fold=fold_commit(state.fold, _change_of(happened, state.membership)),
        timeline=with_happened(state.timeline, happened, place),
        names={**state.names, **named},
    )


def _change_of(happened: Happened, membership: Membership) -> RoomChange:
    return RoomChange(
        happened.committer,
        happened.added,
        happened.removed,
        happened.gone,
        membership.context,
        membership.roster,
        happened.what,
    )


def take_check(turn: Turn, leaf: LeafIdentity, check: SnapshotCheck) -> None:
    """What another account says of the snapshot that this device was given, or of one that it may speak of
    itself.
    """
    mine = leaf.account_id == turn.env.me.account_id
    if mine:
        _drop_duty(turn, check.position)  # one word from each account
        return
    provisional = turn.state.provisional
    if provisional is None or provisional.c != check.position or check.hash != provisional.hash:
        return
    if not check.agrees:
        turn.alarm("snapshot_disputed", leaf.account_id)
    elif leaf.account_id in provisional.witnesses:
        turn.state = replace(turn.state, provisional=None)


def settle_provisional(turn: Turn) -> None:
    """E24: where nobody but the poster was there, or is left of those who were, nobody can confirm more."""
    provisional, membership = turn.state.provisional, turn.state.membership
    if provisional is None or membership is None:
        return
    if not any(has_account(membership.roster, one) for one in provisional.witnesses):
        turn.state = replace(turn.state, provisional=None)
