"""One step in the making: the state so far, and what is to be done once it is stored."""

from collections.abc import Iterable
from dataclasses import replace

from client.room import effects
from client.room.call_state import Call
from client.room.effects import AlarmCode, Effect
from client.room.heads import head_at
from client.room.state import Chores, Dues, Link, Presence, RoomLog, RoomState
from client.room.surface import Env, Stepped
from crypto.mls.group import Group
from crypto.room.log_head import Seen
from wire.frames import Ephemeral, Fetch, Send


class Turn:
    """Mutable for the length of one step; each part of the state that is set becomes a new value."""

    def __init__(self, state: RoomState, env: Env) -> None:
        self.state = state
        self.env = env
        self._effects: list[Effect] = []
        self._frames: list[Send | Fetch | Ephemeral] = []
        self._wiped: list[bytes] = []

    @property
    def log(self) -> RoomLog:
        return self.state.log

    @log.setter
    def log(self, log: RoomLog) -> None:
        self.state = replace(self.state, log=log)

    @property
    def link(self) -> Link:
        return self.state.link

    @link.setter
    def link(self, link: Link) -> None:
        self.state = replace(self.state, link=link)

    @property
    def dues(self) -> Dues:
        return self.state.dues

    @dues.setter
    def dues(self, dues: Dues) -> None:
        self.state = replace(self.state, dues=dues)

    @property
    def chores(self) -> Chores:
        return self.state.chores

    @chores.setter
    def chores(self, chores: Chores) -> None:
        self.state = replace(self.state, chores=chores)

    @property
    def presence(self) -> Presence:
        return self.state.presence

    @presence.setter
    def presence(self, presence: Presence) -> None:
        self.state = replace(self.state, presence=presence)

    @property
    def call(self) -> Call:
        return self.state.call

    @call.setter
    def call(self, call: Call) -> None:
        self.state = replace(self.state, call=call)

    def set_group(self, group: Group) -> None:
        if self.state.membership is not None:
            self.state = replace(self.state, membership=replace(self.state.membership, group=group))

    def effect(self, effect: Effect) -> None:
        self._effects.append(effect)

    def alarm(self, code: AlarmCode, who: bytes | None, evidence: bytes | None = None) -> None:
        self.effect(effects.Alarm(code, who, self.env.now, evidence))

    def send(self, frame: Send | Fetch | Ephemeral) -> None:
        self._frames.append(frame)

    def wipe(self, secrets: Iterable[bytes]) -> None:
        self._wiped.extend(secrets)

    def jitter(self, below: int) -> int:
        """A number from 0 up to, not including, `below`: to keep devices from all doing the same at once."""
        return int.from_bytes(self.env.rng(2)) * below // 65536

    def finish(self) -> Stepped:
        if self._frames:
            self._effects.append(effects.Send(tuple(self._frames)))
        return Stepped(self.state, tuple(self._effects), tuple(self._wiped))


def is_level(state: RoomState) -> bool:
    """Whether this device has all that is known to exist, on a live connection."""
    link = state.link
    return link.connected and link.caught_up and link.fetching is None and state.log.n >= link.target


def seen_now(state: RoomState) -> Seen:
    """What this device repeats of the log in what it sends now (E19)."""
    head = head_at(state.log.heads, state.log.n)
    if head is None:
        raise AssertionError("the log head is not known yet")
    return Seen(state.log.n, head)
