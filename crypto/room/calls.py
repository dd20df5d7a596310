"""Who rings whom, who answers what, and what follows from it: the same for everyone, by the order of the log.

A ring is part of the fold (E24): newcomers are given those that are open. Nothing here looks at a clock: what
has lapsed is judged by the stamps of the log, and by the time that a view is given.

Two people who ring at the same moment mean one call: of two rings that say "now" within GLARE_MS, the later
one is folded into the earlier. Its author counts as joining, its reason stands beside the first one, and its
id means the same call. All other rings stand side by side.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final, Literal, TypeAlias

from crypto.room import call_bodies as bodies
from crypto.room.call_bodies import RingEvent, Urgency

GLARE_MS: Final = 120_000
MAX_ALSO: Final = 3
# Of one account, and of all: the newest ring always stands, or nobody could call for help.
MAX_OWN_RINGS: Final = 2
MAX_RINGS: Final = 8
MAX_ANSWERS: Final = 64  # accounts whose answers to one ring are kept

# How long a ring stands that nobody ends (ms).
LASTS_MS: Final[Mapping[Urgency, int]] = {
    "now": 6 * 3_600_000,
    "today": 24 * 3_600_000,
    "when_you_can": 7 * 24 * 3_600_000,
}
# How long only the one who rings may say that it is over, and how long it waits for anybody (ms).
WAITS_MS: Final[Mapping[Urgency, int]] = {
    "now": 10 * 60_000,
    "today": 4 * 3_600_000,
    "when_you_can": 48 * 3_600_000,
}

# reached: a device of theirs rings. later: they come at `due`.
AnswerState: TypeAlias = Literal["reached", "seen", "joining", "later", "cannot"]
ANSWER_STATES: Final[tuple[AnswerState, ...]] = ("reached", "seen", "joining", "later", "cannot")


@dataclass(frozen=True, slots=True)
class Answer:
    """`at`: the stamp of when it was said. `due` (ms) goes with `later` alone."""

    account: bytes
    state: AnswerState
    at: int
    due: int | None = None


@dataclass(frozen=True, slots=True)
class Also:
    """A ring of somebody else at the same moment: another id and reason for the same call."""

    call: bytes
    by: bytes
    at: int
    why: str


@dataclass(frozen=True, slots=True)
class Ring:
    """`n` and `at` are of the entry that rang, `by` is an account. Answers stand ascending by account."""

    call: bytes
    n: int
    at: int
    by: bytes
    urgency: Urgency
    why: str
    wanted: int
    also: tuple[Also, ...] = ()
    answers: tuple[Answer, ...] = ()


# In the order of the log.
Rings: TypeAlias = tuple[Ring, ...]


def has_lapsed(ring: Ring, now: int) -> bool:
    return now >= ring.at + LASTS_MS[ring.urgency]


def ring_of(rings: Rings, call: bytes) -> Ring | None:
    """The open ring that an id means, by whichever of its ids."""
    return next(
        (one for one in rings if call == one.call or any(call == also.call for also in one.also)), None
    )


# The fold


def fold_ring(rings: Rings, account: bytes, n: int, at: int, event: RingEvent) -> Rings:
    """What `account` says at position n, stamped `at` (ms)."""
    standing = tuple(ring for ring in rings if not has_lapsed(ring, at))
    match event:
        case bodies.Ring():
            return _rung(standing, account, n, at, event)
        case bodies.RingAnswer():
            ring = ring_of(standing, event.call)
            return standing if ring is None else _with(standing, ring, _answered(ring, account, at, event))
        case bodies.RingEnd():
            ring = ring_of(standing, event.call)
            return standing if ring is None else _ended(standing, ring, account, at, event)


def fold_gone(rings: Rings, gone: Iterable[bytes]) -> Rings:
    """Accounts that left the room: they ring and answer no more."""
    for account in gone:
        rings = tuple(left for ring in rings if (left := _without(ring, account)) is not None)
    return rings


def _rung(rings: Rings, account: bytes, n: int, at: int, event: bodies.Ring) -> Rings:
    if ring_of(rings, event.call) is not None:
        return rings
    twin = next((one for one in rings if _is_twin(one, at, event)), None)
    if twin is not None:
        also = replace(twin, also=(*twin.also, Also(event.call, account, at, event.why)))
        joins = also if account == twin.by else _put(also, Answer(account, "joining", at))
        return _with(rings, twin, joins)
    own = [one for one in rings if one.by == account]
    over = own[: len(own) - MAX_OWN_RINGS + 1] if len(own) >= MAX_OWN_RINGS else []
    others = tuple(one for one in rings if one not in over)[-(MAX_RINGS - 1) :]
    return (*others, Ring(event.call, n, at, account, event.urgency, event.why, event.wanted))


def _is_twin(ring: Ring, at: int, event: bodies.Ring) -> bool:
    same = ring.urgency == "now" and event.urgency == "now"
    return same and at < ring.at + GLARE_MS and len(ring.also) < MAX_ALSO


def _answered(ring: Ring, account: bytes, at: int, event: bodies.RingAnswer) -> Ring:
    """The newest word of an account counts, from whichever of its devices. That a device rings, or that it
    was read, lowers no answer.
    """
    if account == ring.by:
        return ring
    before = next((one for one in ring.answers if one.account == account), None)
    match event.kind:
        case "ringing":
            return ring if before is not None else _put(ring, Answer(account, "reached", at))
        case "seen":
            known = before is not None and before.state != "reached"
            return ring if known else _put(ring, Answer(account, "seen", at))
        case "in":
            return _put(ring, Answer(account, "later", at, at + (event.minutes or 0) * 60_000))
        case "at":
            return _put(ring, Answer(account, "later", at, event.time))
        case "joining" | "cannot":
            return _put(ring, Answer(account, event.kind, at))


def _put(ring: Ring, answer: Answer) -> Ring:
    others = [one for one in ring.answers if one.account != answer.account]
    if len(others) >= MAX_ANSWERS:
        return ring
    return replace(ring, answers=tuple(sorted((*others, answer), key=lambda one: one.account)))


def _with(rings: Rings, before: Ring, after: Ring | None) -> Rings:
    changed = ((after if one is before else one) for one in rings)
    return tuple(one for one in changed if one is not None)


def _ended(rings: Rings, ring: Ring, account: bytes, at: int, event: bodies.RingEnd) -> Rings:
    if event.outcome == "withdrawn":
        rang = account == ring.by or any(one.by == account for one in ring.also)
        return _with(rings, ring, _taken_back(ring, account) if rang else ring)
    return _with(rings, ring, None if _may_end(ring, account, at, event.outcome) else ring)


def _may_end(ring: Ring, account: bytes, at: int, outcome: bodies.Outcome) -> bool:
    """Who rang may; everyone may when it has waited long enough, or say that a call came of it when somebody
    has joined.
    """
    if account == ring.by or at >= ring.at + WAITS_MS[ring.urgency]:
        return True
    return outcome == "met" and any(one.state == "joining" for one in ring.answers)


def _taken_back(ring: Ring, account: bytes) -> Ring | None:
    """The ring as those who rang at the same moment have it; None where nobody else did."""
    others = tuple(one for one in ring.also if one.by != account)
    if account != ring.by:
        return replace(ring, also=others)
    if not others:
        return None
    first = others[0]
    answers = tuple(one for one in ring.answers if one.account != first.by)
    return replace(
        ring, call=first.call, at=first.at, by=first.by, why=first.why, also=others[1:], answers=answers
    )


def _without(ring: Ring, account: bytes) -> Ring | None:
    left = _taken_back(ring, account)
    if left is None:
        return None
    return replace(left, answers=tuple(one for one in left.answers if one.account != account))


# What is shown


@dataclass(frozen=True, slots=True)
class Asked:
    """One of the others. `away`: no device of theirs has rung yet. `due` (ms): when they come."""

    account: bytes
    state: Literal["away"] | AnswerState
    due: int | None


@dataclass(frozen=True, slots=True)
class RingView:
    """`needed`: how many others it begins with, as many as there are at most. `enough_at` (ms): when so many
    will be there, None where not so many have said that they come. `write`: to go on in writing is to be
    offered, since too few can come or nobody has answered in time.
    """

    ring: Ring
    asked: tuple[Asked, ...]
    joining: int
    coming: int
    needed: int
    enough: bool
    enough_at: int | None
    write: bool
    lapsed: bool


def ring_view(ring: Ring, accounts: Iterable[bytes], now: int) -> RingView:
    """A ring among the accounts of a room, at a time (ms) by the stamps' clock."""
    said = {one.account: one for one in ring.answers}
    others = sorted(set(accounts) - {ring.by})
    asked = tuple(_asked(account, said.get(account)) for account in others)
    joining = sum(one.state == "joining" for one in asked)
    arrivals = sorted(max(one.due or now, now) for one in asked if one.state in ("joining", "later"))
    cannot = sum(one.state == "cannot" for one in asked)
    needed = min(ring.wanted, max(len(others), 1))
    waited = now >= ring.at + WAITS_MS[ring.urgency] and not arrivals
    return RingView(
        ring=ring,
        asked=asked,
        joining=joining,
        coming=len(arrivals),
        needed=needed,
        enough=joining >= needed,
        enough_at=arrivals[needed - 1] if len(arrivals) >= needed else None,
        write=len(others) - cannot < needed or waited,
        lapsed=has_lapsed(ring, now),
    )


def _asked(account: bytes, answer: Answer | None) -> Asked:
    return Asked(account, "away", None) if answer is None else Asked(account, answer.state, answer.due)


def may_end(ring: Ring, account: bytes, now: int, outcome: bodies.Outcome) -> bool:
    """Whether the others will take it when `account` ends the ring now."""
    if outcome == "withdrawn":
        return account == ring.by or any(one.by == account for one in ring.also)
    return not has_lapsed(ring, now) and _may_end(ring, account, now, outcome)
