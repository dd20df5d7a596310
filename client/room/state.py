"""What one device knows of one room. Immutable; `step` gives the next one.

What is marked volatile is not stored: it begins anew with the program or the connection.
"""

from collections.abc import Mapping, Set
from dataclasses import dataclass, field
from typing import ClassVar, Literal

from client.room.call_state import Call, Media
from client.room.commands import Intent
from client.room.heads import Heads
from client.room.staged import StagedCommit
from crypto.identity.bundle import Pin
from crypto.identity.credential import LeafIdentity
from crypto.mls.group import Group
from crypto.mls.key_package import KeyPackageSecrets
from crypto.mls.tree_math import LeafIndex
from crypto.room.bodies import EventBody
from crypto.room.change import AddedLeaf, Happening, RemovedLeaf
from crypto.room.ephemeral import EphemeralSeen, EphemeralSender
from crypto.room.fold import Fold
from crypto.room.log_head import Seen
from crypto.room.room_context import RoomContext
from crypto.room.roster import Roster
from crypto.room.snapshot import Pages
from crypto.room.timeline import Timeline

Stage = Literal["member", "rejoining", "removed", "left"]


@dataclass(frozen=True, slots=True)
class Membership:
    """The present epoch: the group, and what follows from it."""

    group: Group
    context: RoomContext
    roster: Roster
    me: LeafIdentity


@dataclass(frozen=True, slots=True)
class EpochMaker:
    """Who made the present epoch, and by which entry."""

    LATER: ClassVar[Set[str]] = frozenset(("time",))
    n: int
    account_id: bytes
    device_id: bytes
    time: int = 0
    """The stamp of the entry; 0 where it is not known."""


@dataclass(frozen=True, slots=True)
class Happened:
    """`RoomChange` without the epoch that it leads to: what the fold and the timeline take of a commit."""

    committer: LeafIdentity
    added: tuple[AddedLeaf, ...]
    removed: tuple[RemovedLeaf, ...]
    gone: tuple[bytes, ...]
    what: tuple[Happening, ...]


@dataclass(frozen=True, slots=True)
class RoomLog:
    n: int
    """Everything up to here was processed."""
    head: bytes | None
    """H_n. None until a newcomer's snapshot has told it (E24)."""
    time: int
    """The stamp of n."""
    after: int
    """The last Commit or leave that was processed, valid or not (E17)."""
    heads: Heads
    maker: EpochMaker
    gap: bool
    """Deleted entries were passed in this epoch: one of them may have been a commit (E23)."""


@dataclass(frozen=True, slots=True)
class Fetching:
    """Positions that were asked for once more."""

    upto: int
    at: int
    tries: int


@dataclass(frozen=True, slots=True)
class ReadyWord:
    """What `ready` said: whom the server serves at its last entry, and the last Commit or leave."""

    list: tuple[bytes, ...]
    last: int
    after: int


@dataclass(frozen=True, slots=True)
class Link:
    """Volatile: the connection as this room sees it."""

    connected: bool = False
    caught_up: bool = False
    """The server has sent all that was missed."""
    target: int = 0
    """The highest position that is known to exist."""
    fetching: Fetching | None = None
    not_before: int = 0
    """Nothing is sent before this time: the server's storage refused."""
    ready: ReadyWord | None = None
    """Until it was compared."""


OFFLINE = Link()


@dataclass(frozen=True, slots=True)
class Sealed:
    """What was sent last of an event, and the `after` it was made for."""

    payload: bytes
    after: int
    counter: int


@dataclass(frozen=True, slots=True)
class Made:
    """One ciphertext that was made of an event."""

    hash: bytes
    """SHA-384 of the ciphertext."""
    counter: int
    signature: bytes


@dataclass(frozen=True, slots=True)
class Outgoing:
    """An event of this device on its way into the log."""

    id: bytes
    event: EventBody
    at: int
    """When the person said it."""
    sealed: Sealed | None = None
    """None: to be encrypted."""
    made: tuple[Made, ...] = ()
    """Every ciphertext that was made of it. An entry with another one is not ours (E39)."""
    acked: int = 0
    """Its position by the server's word; 0 before the ack."""
    in_flight: bool = False
    """Volatile: sent on this connection."""


@dataclass(frozen=True, slots=True)
class OpenRequest:
    """Somebody who asks to be added. Volatile: the server says it again at every hello."""

    id: bytes
    kind: Literal["join", "rejoin"]
    sealed: bytes
    due: int | None
    """Not answered before this time: others come first. None: not by this device."""
    hopeless: int | None
    """The epoch in which it was found that nothing can be done about it; another epoch may change that."""


@dataclass(frozen=True, slots=True)
class Leaving:
    """An own wish to leave, until the server has it."""

    id: bytes
    payload: bytes | None = None
    hashes: tuple[bytes, ...] = ()
    after: int = 0
    in_flight: bool = False


@dataclass(frozen=True, slots=True)
class PendingLeave:
    """A Remove of its sender that waits for a commit (E14)."""

    leaf: LeafIndex
    ref: bytes
    n: int


@dataclass(frozen=True, slots=True)
class HeldEvent:
    """An event that was read while the state it belongs to had not arrived."""

    n: int
    time: int
    after: int
    """The `after` at its time, for the check of what its author had seen."""
    leaf: LeafIdentity
    seen: Seen
    envelope: bytes


@dataclass(frozen=True, slots=True)
class HeldCommit:
    """A commit that was followed while the state it belongs to had not arrived."""

    n: int
    time: int
    after: int
    leaf: LeafIdentity
    seen: Seen
    id: bytes
    happened: Happened


Held = HeldEvent | HeldCommit


@dataclass(frozen=True, slots=True)
class Passed:
    """What the log has at a position, to compute its head later."""

    n: int
    time: int
    hash: bytes


@dataclass(frozen=True, slots=True)
class Newcomer:
    """A device that came by a Welcome, until the snapshot is there (E24)."""

    c: int
    """The commit that added this device."""
    since: int
    entries: tuple[Passed, ...]
    """What the log has above c, to compute its heads when H_c is known."""
    held: tuple[Held, ...]
    pages: Mapping[bytes, Pages]
    """Pages that came so far, by their author's device."""
    others: tuple[bytes, ...]
    """The other accounts that were there at c."""


@dataclass(frozen=True, slots=True)
class Provisional:
    """A snapshot that this device took over, until others have confirmed it (E24)."""

    c: int
    hash: bytes
    poster: bytes
    witnesses: tuple[bytes, ...]
    """Accounts that were there at c, besides the poster and this one: one of them has to confirm."""


@dataclass(frozen=True, slots=True)
class PostedPages:
    """How many pages a device has posted, in order."""

    by: bytes
    next: int


@dataclass(frozen=True, slots=True)
class Posted:
    """The account that posted a snapshot, and the hash of what it posted."""

    account_id: bytes
    hash: bytes


@dataclass(frozen=True, slots=True)
class SnapshotDuty:
    """The state at somebody's Add, for the newcomer: to be posted, then confirmed (E24)."""

    c: int
    data: bytes
    """Canonical, as of c."""
    hash: bytes
    due: int | None
    """When this device posts it or says what it thinks of it, by its own clock; None: it has posted."""
    pages: tuple[PostedPages, ...]
    posted: Posted | None


@dataclass(frozen=True, slots=True)
class Statement:
    """The statement of E18, sealed in the old epoch, until the server has it."""

    id: bytes
    payload: bytes
    after: int


@dataclass(frozen=True, slots=True)
class Rejoining:
    """What one's own rejoin waits for (E22)."""

    since: int
    sealed: bytes
    key_package: bytes
    secrets: KeyPackageSecrets
    refuses: bytes | None
    """Whose Welcome is not taken: the author of the commit that could not be completed (E18)."""
    pin: Pin
    """Known accounts and their roots: one of them must be the adder."""
    statement: Statement | None
    again: int | None
    """A Welcome came that was not taken: when to ask once more (once an hour, E22)."""


@dataclass(frozen=True, slots=True)
class Pause:
    """Why nothing is sent until the person goes on (E19)."""

    who: bytes | None
    at: int


@dataclass(frozen=True, slots=True)
class Presence:
    """Volatile: who is here and who writes, by device, until when (ms)."""

    sender: EphemeralSender | None = None
    seen: EphemeralSeen = field(default_factory=dict)
    here: Mapping[bytes, int] = field(default_factory=dict)
    typing: Mapping[bytes, int] = field(default_factory=dict)
    said_here: int = 0
    said_typing: int = 0


NOBODY = Presence()


@dataclass(frozen=True, slots=True)
class Chores:
    """What this device owes the group by the clock."""

    first_event: int = 0
    """This device's time of the first event after its last commit; 0 when there was none (E26)."""
    unreadable: int = 0
    """Unreadable entries in this epoch (E19)."""
    called: bool = False
    """In this epoch there was, or may have been, a call: its keys are to be superseded when it is over
    (E37).
    """


@dataclass(frozen=True, slots=True)
class Dues:
    """Volatile: when this device does what any member may do; others who come first make it needless."""

    leaves: int | None = None
    repair: int | None = None
    expiry: int | None = None
    after_call: int | None = None
    left_call: int | None = None
    start: int | None = None


NO_DUES = Dues()


@dataclass(frozen=True, slots=True)
class RoomState:
    room_id: bytes
    stage: Stage
    membership: Membership | None
    """None in `removed` and `left`, and where the state was destroyed (E39)."""
    title: str
    """As this device last knew it."""
    log: RoomLog
    fold: Fold
    whole: bool
    """Whether the fold has every event: not after messages were deleted unread (E23)."""
    timeline: Timeline
    names: Mapping[bytes, str]
    """The names that accounts ever had here: also of those who are gone."""
    outbox: tuple[Outgoing, ...]
    counter: int
    """The counter of the next event of this device (E16)."""
    intents: tuple[Intent, ...]
    staged: StagedCommit | None
    leaves: tuple[PendingLeave, ...]
    leaving: Leaving | None
    newcomer: Newcomer | None
    provisional: Provisional | None
    duties: tuple[SnapshotDuty, ...]
    rejoining: Rejoining | None
    pause: Pause | None
    tolerated: frozenset[bytes]
    """Accounts whose other view of the log this person has accepted (E19)."""
    read_up_to: int
    confirmed_at: int | None
    """The stamp of the last word of another account that had the same head."""
    chores: Chores
    # Volatile
    link: Link
    dues: Dues
    requests: tuple[OpenRequest, ...]
    cursors: Mapping[bytes, int]
    """How far the other devices are, by device id."""
    presence: Presence
    media: Media
    call: Call
    wake: int | None
    """The wake that was asked for last."""
