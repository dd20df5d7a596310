"""One piece of work on everything that is open: the states it began with, the states it leads to, and what
may leave this device once they are stored. The session writes a draft in one transaction, or none of it.
"""

from collections.abc import Mapping, Set
from dataclasses import dataclass, replace
from typing import Final, Protocol

from client.engine.records import (
    AlarmRow,
    BackupErrand,
    Records,
    RejoinErrand,
    WithdrawTokenErrand,
    record_rows,
    with_alarm,
    with_errand,
    without_old_request,
)
from client.engine.socket import ClientFrame
from client.room import effects
from client.room.commands import Command, Say
from client.room.core import (
    CommandError,
    Env,
    Input,
    Me,
    Offline,
    RoomState,
    Stepped,
    Tick,
    room_rows,
    room_view,
    step,
)
from crypto.identity.credential import LeafIdentity
from crypto.identity.known_people import meet
from crypto.mls.bytes import Rng
from crypto.room.call_bodies import CallEvent
from wire.frames import Cursor, Hello

# The backup waits for so long, since a change of a room seldom comes alone.
BACKUP_AFTER_MS: Final = 3_000

# The alarm that is raised of a person's news (E7, E11).
NEWS: Final = {
    "changed": "identity_changed",
    "root_changed": "root_changed",
    "blocked": "identity_blocked",
}

Rooms = Mapping[bytes, RoomState]


class Open(Protocol):
    """What an open vault holds."""

    @property
    def records(self) -> Records: ...

    @property
    def rooms(self) -> Rooms: ...


@dataclass(frozen=True, slots=True)
class Opened:
    records: Records
    rooms: Rooms


@dataclass(frozen=True, slots=True)
class DroppedWish:
    """Something that was asked of a room, and that it has given up."""

    room_id: bytes
    command: str
    code: str


def room_prefix(room_id: bytes) -> str:
    return f"room/{room_id.hex()}/"


def env_of(records: Records, now: int, skew: int, rng: Rng) -> Env:
    """What the rooms' cores are given of the world."""
    account = records.account
    identity = account.identity
    me = Me(identity.account_id, account.device_id, account.deployment_id, identity, account.name)
    return Env(now=now, server_now=now + skew, rng=rng, me=me)


class Draft:
    """Mutable until it is written. `resting`: rooms that failed earlier."""

    def __init__(self, open_: Open, env: Env, resting: Set[bytes] = frozenset()) -> None:
        self.records = open_.records
        self.env = env
        self.frames: list[ClientFrame] = []
        """For the socket, in order."""
        self.hello = 0
        """The socket that this draft says hello on."""
        self.wakes: dict[bytes, int] = {}
        """When each room asked to be woken."""
        self.media: list[tuple[bytes, effects.Media | effects.MediaHold | effects.MediaEnd]] = []
        """For what is in a call, in order."""
        self.invited: list[bytes] = []
        self.dropped: list[DroppedWish] = []
        self.touched: set[bytes] = set()
        """Rooms to which something was done: time alone may change what is to be seen of them."""
        self.failed: dict[bytes, Exception] = {}
        """Rooms whose core failed on a frame: they rest until the next start."""
        self._open, self._resting = open_, resting
        self._changed: dict[bytes, RoomState] = {}
        self._cursors: dict[bytes, int] = {}

    def room(self, room_id: bytes) -> RoomState | None:
        return self._changed.get(room_id) or self._open.rooms.get(room_id)

    @property
    def rooms(self) -> Rooms:
        """The rooms as this draft has them."""
        return {**self._open.rooms, **self._changed} if self._changed else self._open.rooms

    def add(self, stepped: Stepped) -> bytes:
        """A room that was not there, or that begins anew."""
        room_id = stepped.state.room_id
        if room_id not in self.records.rooms:
            self.records = replace(self.records, rooms=(*self.records.rooms, room_id))
        self._take(room_id, stepped)
        self.step(room_id, Tick())  # what it has to say already
        self.backup()
        return room_id

    def step(self, room_id: bytes, given: Input) -> None:
        """Raises CommandError when the room does not take the command."""
        state = self.room(room_id)
        if state is None or room_id in self._resting or room_id in self.failed:
            return
        try:
            self._take(room_id, step(state, given, self.env))
        except CommandError:
            raise
        except Exception as error:
            # A fault of ours in one room must not take the others with it. Its state is as it was before this
            # input.
            self.failed[room_id] = error
            self.alarm("room_failed", room_id, None, None)

    def volunteer(self, room_id: bytes, event: CallEvent) -> None:
        """What this device says of its own accord. Whoever leaves the room, or is held up there, does not say
        it.
        """
        try:
            self.step(room_id, Say(event))
        except CommandError:
            return

    def step_all(self, command: Command) -> None:
        """The same command for every room that takes it."""
        for room_id in self.rooms:
            try:
                self.step(room_id, command)
            except CommandError:
                continue  # that room is left, or paused: it has no use for it

    def tick(self) -> None:
        """Time has passed."""
        for room_id in self.rooms:
            self.step(room_id, Tick())

    def greet(self, life: int, hello: Hello) -> None:
        """A socket opened: its first frame. What was meant for an earlier one is not said on it."""
        self.hello = life
        self.frames = [hello]
        self._cursors.clear()

    def offline(self) -> None:
        """The socket is gone."""
        self.hello = 0
        self.frames = []
        self._cursors.clear()
        for room_id in self.rooms:
            self.step(room_id, Offline())

    def alarm(self, code: str, room_id: bytes | None, who: bytes | None, evidence: bytes | None) -> None:
        name = self._name_of(room_id, who) if room_id and who else None
        row = AlarmRow(self.env.rng(16), code, room_id, who, name, self.env.now, evidence)
        self.records = with_alarm(self.records, row)

    def backup(self) -> None:
        """The pins changed: the sealed bundle goes to the server again (E22).

        A new errand also where one waits: that one may be on its way already, without this change.
        """
        known = next((one for one in self.records.errands if isinstance(one, BackupErrand)), None)
        soon = self.env.now + BACKUP_AFTER_MS
        not_before = soon if known is None or known.not_before <= self.env.now else known.not_before
        self.records = with_errand(self.records, BackupErrand(not_before))

    def rows(self) -> tuple[dict[str, bytes], list[str]]:
        """The rows that this draft changes: to be put, and to be dropped."""
        put = record_rows(self._open.records, self.records)
        drop: list[str] = []
        for room_id, after in self._changed.items():
            before = self._open.rooms.get(room_id)
            if before is after:
                continue
            change, prefix = room_rows(before, after), room_prefix(room_id)
            put.update({prefix + name: value for name, value in change.put.items()})
            drop.extend(prefix + name for name in change.drop)
        return put, drop

    def released(self) -> list[ClientFrame]:
        """What leaves this device when the rows are stored: the rooms' frames, then how far they are."""
        return [*self.frames, *(Cursor(room=room_id, n=n) for room_id, n in self._cursors.items())]

    def _take(self, room_id: bytes, stepped: Stepped) -> None:
        self._changed[room_id] = stepped.state
        self.touched.add(room_id)
        for effect in stepped.effects:
            self._effect(room_id, effect)
        # E22: a request that was answered, or that a newer one replaced, is posted no more.
        asks = stepped.state.rejoining
        self.records = without_old_request(self.records, room_id, None if asks is None else asks.sealed)

    def _effect(self, room_id: bytes, effect: effects.Effect) -> None:
        match effect:
            case effects.Send(frames=frames):
                self.frames.extend(frames)
            case effects.Cursor(n=n):
                self._cursors[room_id] = n
            case effects.Rejoin(sealed=sealed):
                self.records = with_errand(self.records, RejoinErrand(0, room_id, sealed))
            case effects.Alarm(code=code, who=who, evidence=evidence):
                self.alarm(code, room_id, who, evidence)
            case effects.Met(leaf=leaf):
                self._meet(room_id, leaf)
            case effects.Pins():
                self.backup()
            case effects.Wake(at=at):
                self.wakes[room_id] = at
            case effects.WithdrawToken(invite_id=invite_id):
                self.records = with_errand(self.records, WithdrawTokenErrand(0, invite_id))
            case effects.Invited(invite_id=invite_id):
                self.invited.append(invite_id)
            case effects.Dropped(command=command, code=code):
                self.dropped.append(DroppedWish(room_id, command, code))
            case effects.Media() | effects.MediaHold() | effects.MediaEnd():
                self.media.append((room_id, effect))
            case effects.Arrived() | effects.Rang() | effects.HeardInCall():
                pass  # the room's own view tells it; a program is called by nobody

    def _meet(self, room_id: bytes, leaf: LeafIdentity) -> None:
        if leaf.account_id == self.env.me.account_id:
            return
        met = meet(self.records.people, leaf)
        if met.known is not self.records.people:
            self.records = replace(self.records, people=met.known)
        if met.news in NEWS:
            self.alarm(NEWS[met.news], room_id, leaf.account_id, None)

    def _name_of(self, room_id: bytes, who: bytes) -> str | None:
        state = self.room(room_id)
        if state is None:
            return None
        members = room_view(state, self.env, 0).members
        return next((one.name for one in members if one.account_id == who), None)
