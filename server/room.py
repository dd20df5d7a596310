"""The order of one room, as a pure machine: what is taken, what is stale, and who is served (E17, E20).

`step(room, send, …)` judges one frame and gives back the new room and what came of it. It knows positions,
device ids and accounts; it cannot know what a message says.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from hashlib import sha256

from crypto.mls.envelope import ContentType, EnvelopeError, read_envelope
from wire.bounds import ID_BYTES, LIST_HASH_BYTES
from wire.frames import Send

LIST_LABEL = b"Collegium 1.0 list"
CONTENT_OF_KIND = {
    "message": ContentType.APPLICATION,
    "commit": ContentType.COMMIT,
    "leave": ContentType.PROPOSAL,
}

Devices = frozenset[bytes]

_UNKNOWN: Devices = frozenset((b"unknown",))


def list_hash(devices: Devices) -> bytes:
    """The hash of a device list that every frame repeats (E20)."""
    return sha256(LIST_LABEL + b"".join(sorted(devices))).digest()[:LIST_HASH_BYTES]


@dataclass(frozen=True, slots=True)
class Routing:
    """Who is served. After a Commit both lists are, until another account of the old one has sent (E20)."""

    new: Devices
    n: int = 0  # the Commit that made `new`
    by: bytes = b""  # its author's account
    old: Devices | None = None  # who was served before it
    old_hash: bytes = b""
    # Accounts of the old list other than the author's, and whether they repeat the new list.
    votes: tuple[tuple[bytes, bool], ...] = ()
    left: Devices = frozenset()

    @property
    def decided(self) -> Devices | None:
        """The list that holds, or None while both do. E20: more accounts win, ties to the new."""
        if self.old is None:
            return self.new
        if not self.votes:
            return None
        for_new = sum(vote for _, vote in self.votes)
        return self.new if for_new >= len(self.votes) - for_new else self.old

    @property
    def served(self) -> Devices:
        decided = self.decided
        both = self.new | (self.old or frozenset()) if decided is None else decided
        return both - self.left


@dataclass(frozen=True, slots=True)
class Room:
    """One room between two entries."""

    key: int  # its row in the database
    id: bytes
    last: int  # the highest position given out
    after: int  # the position of the last Commit or leave
    time: int  # the last stamp
    routing: Routing
    accounts: Mapping[bytes, bytes] = field(repr=False)  # of every device in the routing
    served: Devices = _UNKNOWN  # follows from the routing; given where that is the same

    def __post_init__(self) -> None:
        if self.served is _UNKNOWN:
            object.__setattr__(self, "served", self.routing.served)


@dataclass(frozen=True, slots=True)
class Accepted:
    """The send becomes entry n. `served` is who gets it; the other two say how that changed."""

    n: int
    time: int
    served: Devices
    joined: Devices = frozenset()
    departed: Devices = frozenset()
    routed: bool = False  # the routing changed and is stored


@dataclass(frozen=True, slots=True)
class IsStale:
    """A Commit or leave came first."""

    after: int


@dataclass(frozen=True, slots=True)
class NotTaken:
    """The sender's fault."""

    code: str
    message: str


Outcome = Accepted | IsStale | NotTaken

NOT_FOUND = NotTaken("not_found", "There is nothing here for you.")


def fault_of_form(send: Send) -> NotTaken | None:
    """Checks that need no state: the clear header fits the frame, and each kind has its own fields."""
    try:
        envelope = read_envelope(send.payload)
    except EnvelopeError as error:
        return NotTaken("envelope", str(error))
    if envelope.group_id != send.room:
        return NotTaken("envelope_room", "The message is for another room.")
    if envelope.content_type is not CONTENT_OF_KIND[send.kind]:
        return NotTaken("envelope_kind", "The message is of another kind than its frame says.")
    if envelope.authenticated_data[:ID_BYTES] != send.id:
        return NotTaken("envelope_id", "The message has another id than its frame.")
    if send.kind != "commit":
        if send.devices is not None or send.welcomes is not None or send.answered is not None:
            return NotTaken("malformed", "Only a Commit changes lists, brings Welcomes and answers requests.")
        return None
    if send.devices is None:
        return NotTaken("malformed", "A Commit carries the whole device list after it.")
    listed = set(send.devices)
    welcomed = [welcome.device for welcome in send.welcomes or ()]
    if len(listed) != len(send.devices) or len(set(welcomed)) != len(welcomed):
        return NotTaken("malformed", "A device is named twice.")
    if not listed.issuperset(welcomed):
        return NotTaken("malformed", "A Welcome is for a device that is not on the list.")
    return None


def step(
    room: Room, send: Send, device: bytes, now: int, known: Mapping[bytes, bytes] | None = None
) -> tuple[Room, Outcome]:
    """Judge one send. Duplicates were answered before (E17: the look-up for retries comes first).

    `known` has the account of each device that a Commit lists, as far as the server knows them.
    """
    if device not in room.served:
        return room, NOT_FOUND
    if send.after != room.after:
        return room, IsStale(room.after)  # E17
    n, time = room.last + 1, max(now, room.time)
    match send.kind:
        case "message":
            routing = _heard(room, send, device)
            after = room.after
        case "leave":
            # E14: a Remove of oneself is honoured at once.
            routing = replace(_heard(room, send, device), left=room.routing.left | {device})
            after = n
        case "commit":
            listed = frozenset(send.devices or ())
            if known is None or not listed <= known.keys():
                return room, NotTaken("unknown_device", "The list names a device that does not exist here.")
            routing = _committed(room, listed, room.accounts[device], n)
            after = n
    if routing is room.routing:
        new = Room(room.key, room.id, n, after, time, routing, room.accounts, room.served)
        return new, Accepted(n, time, room.served)
    accounts = {**room.accounts, **(known or {})}
    listed_now = routing.new | (routing.old or frozenset())
    new = Room(
        room.key, room.id, n, after, time, routing, {d: a for d, a in accounts.items() if d in listed_now}
    )
    before, now_served = room.served, new.served
    # Whoever was served so far gets this entry as well: the one removed by it can verify it.
    return new, Accepted(n, time, before, now_served - before, before - now_served, True)


def _heard(room: Room, send: Send, device: bytes) -> Routing:
    """E20: which list another account of the old list repeats."""
    routing, account = room.routing, room.accounts[device]
    if routing.old is None or account == routing.by or device not in routing.old:
        return routing
    if send.list == list_hash(routing.new):
        vote = True
    elif send.list == routing.old_hash:
        vote = False
    else:
        return routing
    if (account, vote) in routing.votes:
        return routing
    others = tuple(one for one in routing.votes if one[0] != account)
    return replace(routing, votes=(*others, (account, vote)))


def _committed(room: Room, listed: Devices, by: bytes, n: int) -> Routing:
    before = room.routing
    held = before.decided if before.decided is not None else before.new
    old = room.served
    # Nobody but the author's own account was served before: there is no one to wait for.
    waits = any(room.accounts[device] != by for device in old)
    if not waits or old == listed:
        return Routing(new=listed, n=n, by=by)
    # Those who left stay away unless this Commit lists them again.
    return Routing(new=listed, n=n, by=by, old=old, old_hash=list_hash(held), left=frozenset())
