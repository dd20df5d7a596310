"""People, their devices, a delivery service and a network between them, all driven by one seeded clock.

A device stores before it acts, can lose its connection or crash at any point, and is loaded again from its
rows. What the core calls superseded must not be in the state that it gives.
"""

import heapq
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from client.room import commands, effects
from client.room.call_state import NO_MEDIA
from client.room.commands import Command
from client.room.core import (
    CORE_ROW,
    Effect,
    Env,
    Input,
    JoinExpectation,
    Me,
    Offline,
    Pin,
    Ready,
    RoomSight,
    RoomState,
    Stepped,
    Tick,
    WelcomeError,
    ask_to_join,
    decode_expectation,
    encode_expectation,
    found_room,
    join_room,
    load_room,
    rejoin_room,
    room_cursor,
    room_pin,
    room_rows,
    room_view,
    row_names,
    step,
)
from client.room.sight import SightPost, SightSystem
from client.room.state import Membership
from crypto.identity.certificate import revoke_device
from crypto.mls.group import Group, group_secrets
from crypto.room.invites import Fragment, new_invite
from tests.client.room.delivery_service import DeliveryService, FromServer, ToServer
from tests.crypto.identity.people import DEPLOYMENT, NOW, id_of, seeded, someone
from wire.frames import Bye, Cursor, RoomCursor, Send, Welcome
from wire.frames import Ready as ReadyFrame

ROOM = id_of("room")
HOUR = 3_600_000
DAY = 24 * HOUR
MAX_EVENTS = 200_000
"""More is a machine that runs wild."""

CrashPoint = Literal["before_write", "after_write", "amid_effects"]
"""Where a crash may strike."""


class World:
    def __init__(self, seed: str) -> None:
        self.now = NOW + DAY
        self.rng = seeded(f"world {seed}")
        self.ds = DeliveryService(lambda: self.now)
        self.devices: list[Device] = []
        self.base_keys: dict[int, bytes] = {}
        """Every base key that a device was given, by epoch."""
        self.latency = 20
        """The longest that a frame travels (ms). Every connection keeps its order."""
        self._queue: list[tuple[int, int, Callable[[], None]]] = []
        self._order = 0

    def draw(self, below: int) -> int:
        """A whole number from 0 up to, but without, `below`."""
        return int.from_bytes(self.rng(4)) % below

    def at(self, time: int, run: Callable[[], None]) -> None:
        heapq.heappush(self._queue, (max(time, self.now), self._order, run))
        self._order += 1

    def run(self, ms: int) -> None:
        """Let things happen for so long."""
        until, count = self.now + ms, 0
        while self._queue and self._queue[0][0] <= until:
            at, _, run = heapq.heappop(self._queue)
            self.now = max(self.now, at)
            run()
            count += 1
            if count > MAX_EVENTS:
                raise AssertionError("the world does not come to rest")
        self.now = until

    def sleep(self, ms: int) -> None:
        """Everyone is offline for so long, then connects again."""
        awake = [one for one in self.devices if one.link is not None]
        for device in awake:
            device.disconnect()
        self._queue = []
        self.now += ms
        for device in awake:
            device.connect()
        self.run(30_000)

    def device(self, person: str, name: str = "phone") -> "Device":
        device = Device(self, person, name)
        self.devices.append(device)
        return device


class Link:
    """Two queues between a device and the server, each in order; what is under way when it breaks is lost."""

    def __init__(self, world: World, device: "Device") -> None:
        self.open = True
        self._world = world
        self._device = device
        self._up_at = 0
        self._down_at = 0
        self.wire = self._down

    def _down(self, frame: FromServer) -> None:
        world = self._world
        self._down_at = max(self._down_at, world.now + world.draw(world.latency))
        world.at(self._down_at, lambda: self._device.receive(self, frame) if self.open else None)

    def up(self, run: Callable[[], None]) -> None:
        world = self._world
        self._up_at = max(self._up_at, world.now + world.draw(world.latency))
        world.at(self._up_at, lambda: run() if self.open else None)

    def close(self) -> None:
        self.open = False
        self._world.ds.gone(self._device.me.device_id, self.wire)


@dataclass
class CrashAt:
    """Strikes once, after so many more inputs."""

    point: CrashPoint
    inputs: int


class Device:
    def __init__(self, world: World, person: str, name: str) -> None:
        identity = someone(person).identity
        device_id = id_of(f"device {person} {name}")
        self.world = world
        self.person = person
        self.me = Me(identity.account_id, device_id, DEPLOYMENT, identity, person)
        self.rng = seeded(f"device {person} {name} {world.rng(8).hex()}")
        self.rows: dict[str, bytes] = {}
        """What is on this device's disk."""
        self.known: RoomState | None = None
        self.expectation: bytes | None = None
        self.link: Link | None = None
        self.alarms: list[effects.Alarm] = []
        self.effects: list[Effect] = []
        self.errors: list[str] = []
        self.clock_off = 0
        """How far this device's clock is from the others."""
        self.crash_at: CrashAt | None = None
        self.meddle: Callable[[Send], Send | None] | None = None
        """Sees, and may change or swallow, what this device sends."""
        self.tamper: Callable[[FromServer], FromServer | None] | None = None
        """The same for what the server sends to this device: a server that lies."""
        self.crashes = 0
        self.keys: effects.Media | None = None
        """What this device's media worker was given last; None: out of the call."""
        self.sending = False
        """Whether it may encrypt by it."""
        self.unheard: list[int] = []
        """Leaves that the worker no longer hears."""
        self._wake_order = 0
        world.ds.register(device_id, identity.account_id)

    def env(self) -> Env:
        return Env(self.world.now + self.clock_off, self.world.now, self.rng, self.me)

    @property
    def state(self) -> RoomState:
        assert self.known is not None
        return self.known

    @property
    def membership(self) -> Membership:
        membership = self.state.membership
        assert membership is not None
        return membership

    @property
    def group(self) -> Group:
        return self.membership.group

    @property
    def stage(self) -> str | None:
        return None if self.known is None else self.known.stage

    def told(self) -> list[str]:
        """The codes of the alarms so far, each with the name of whom it blames."""
        people = {one.me.account_id: one.me.name for one in self.world.devices}
        return [one.code if one.who is None else f"{one.code} {people[one.who]}" for one in self.alarms]

    # Connection

    def connect(self) -> None:
        if self.link is not None:
            return
        link = self.link = Link(self.world, self)

        def hello() -> None:
            known = self.known
            cursors = [] if known is None else [RoomCursor(room=ROOM, n=room_cursor(known))]
            self.world.ds.hello(self.me.device_id, link.wire, cursors)

        link.up(hello)

    def disconnect(self) -> None:
        if self.link is not None:
            self.link.close()
            self.link = None
            self.input(Offline())

    def reconnect(self) -> None:
        self.disconnect()
        self.connect()

    def crash(self) -> None:
        """The program ends at once and is started again: only what is stored remains."""
        if self.link is not None:
            self.link.close()
        self.link = None
        self._no_media()
        self.world.ds.call_leave(ROOM, self.me.device_id)
        self.known = self.stored() if CORE_ROW in self.rows else None
        self.world.at(self.world.now + 50, self.connect)

    def stored(self) -> RoomState:
        core = self.rows[CORE_ROW]
        return load_room({name: self.rows[name] for name in (CORE_ROW, *row_names(core))})

    def receive(self, link: Link, sent: FromServer) -> None:
        if link is not self.link:
            return
        frame = sent if self.tamper is None else self.tamper(sent)
        match frame:
            case None:
                pass
            case Bye():
                self.reconnect()
            case ReadyFrame():
                self.input(Ready(next((one for one in frame.rooms if one.room == ROOM), None)))
            case Welcome() if self.expectation is not None:
                self._welcomed(decode_expectation(self.expectation), frame)
            case _:
                self.input(frame)

    def _welcomed(self, expectation: JoinExpectation, welcome: Welcome) -> None:
        try:
            self.settle(join_room(self.env(), expectation, welcome, self.known))
        except WelcomeError as error:
            self.errors.append(error.code)
            return
        # Its row goes in the same write that brings the room.
        if self.known is not None:
            self.expectation = None

    # The core

    def input(self, input_: Input) -> None:
        if self.known is not None:
            self.settle(step(self.known, input_, self.env()))

    def settle(self, stepped: Stepped) -> None:
        """Store, then act."""
        if self._strikes("before_write"):
            self.crash()
            return
        check_wiped(stepped)
        change = room_rows(self.known, stepped.state)
        self.rows |= change.put
        for name in change.drop:
            del self.rows[name]
        self.known = stepped.state
        self.effects += stepped.effects
        if self._strikes("after_write"):
            self.crash()
            return
        for effect in stepped.effects:
            self._act(effect)
            if self._strikes("amid_effects"):
                self.crash()
                return

    def _strikes(self, point: CrashPoint) -> bool:
        at = self.crash_at
        if at is None or at.point != point:
            return False
        if at.inputs > 0:
            at.inputs -= 1
            return False
        self.crash_at = None
        self.crashes += 1
        return True

    def _act(self, effect: Effect) -> None:
        match effect:
            case effects.Send(frames):
                for frame in frames:
                    self.send(frame)
            case effects.Cursor(n):
                self.send(Cursor(room=ROOM, n=n))
            case effects.Rejoin(sealed):
                self._http(lambda: self.world.ds.request(self.me.device_id, ROOM, "rejoin", sealed))
            case effects.Alarm():
                self.alarms.append(effect)
            case effects.Wake(at):
                self._wake_order += 1
                order = self._wake_order
                self.world.at(
                    at - self.clock_off,
                    lambda: self.input(Tick()) if order == self._wake_order else None,
                )
            case effects.Media():
                self._given(effect)
            case effects.MediaHold(gone):
                self.sending = False
                self.unheard += [] if gone is None else [gone.leaf]
            case effects.MediaEnd():
                self._no_media()
                self._http(lambda: self.world.ds.call_leave(ROOM, self.me.device_id))

    def _given(self, keys: effects.Media) -> None:
        """All who are given the keys of an epoch are given the same ones."""
        others = {one for at, one in self.world.base_keys.items() if at != keys.epoch}
        assert self.world.base_keys.setdefault(keys.epoch, keys.base_key) == keys.base_key
        assert keys.base_key not in others
        self.keys = keys
        self.sending = True

    def _no_media(self) -> None:
        self.keys = None
        self.sending = False

    def send(self, frame: ToServer) -> None:
        sent = self.meddle(frame) if isinstance(frame, Send) and self.meddle is not None else frame
        if self.link is not None and sent is not None:
            self.link.up(lambda: self.world.ds.receive(self.me.device_id, sent))

    def _http(self, run: Callable[[], None]) -> None:
        self.world.at(self.world.now + self.world.draw(self.world.latency), run)

    # What a person does

    def found(self, title: str = "Tuesday group") -> None:
        self.world.ds.create_room(ROOM, self.me.device_id)
        self.settle(found_room(self.env(), ROOM, title))
        self.connect()

    def invite(self) -> Fragment:
        made = new_invite(self.rng, self.me.account_id, self.world.now)
        self.command(commands.Invite(made.open))
        return made.fragment

    def accept(self, fragment: Fragment) -> None:
        asked = ask_to_join(self.env(), ROOM, fragment, self.world.now + 72 * HOUR)
        self.expectation = encode_expectation(asked.expectation)
        self.connect()
        self._http(lambda: self.world.ds.request(self.me.device_id, ROOM, "join", asked.sealed))

    def recover(self, pin: Pin) -> None:
        """A new device of a recovered account."""
        self.settle(rejoin_room(self.env(), pin))
        self.connect()

    def revoke(self, other: "Device") -> None:
        """A statement of this person that another device of theirs is lost (E9)."""
        device_id, serial = other.me.device_id, other.membership.me.certificate_serial
        statement = revoke_device(self.me.identity, device_id, serial)
        self.command(commands.RevokeDevice(statement, device_id))

    def pin(self) -> Pin:
        pin = room_pin(self.state)
        assert pin is not None
        return pin

    def command(self, command: Command) -> None:
        self.input(command)

    def call(self, rekey: bool) -> None:
        """Into the room's call; `rekey`: to begin it."""
        self.command(commands.MediaOn(rekey))

        def join() -> None:
            if self.known is not None and self.known.media != NO_MEDIA:
                self.world.ds.call_join(ROOM, self.me.device_id)

        # On the same socket: after the commit with which a call begins.
        if self.link is None:
            self._http(join)
        else:
            self.link.up(join)

    def hang_up(self, rekey: bool) -> None:
        """Out of it."""
        self.command(commands.MediaOff(rekey))

    @property
    def media(self) -> str:
        return "off" if self.known is None else self.known.media.stage

    def post(self, text: str) -> None:
        self.command(commands.Post(text))

    def view(self, items: int = 100_000) -> RoomSight:
        return room_view(self.state, self.env(), items)

    def posts(self) -> list[SightPost]:
        return [item for item in self.view().items if isinstance(item, SightPost)]

    def texts(self) -> list[str]:
        return [item.text for item in self.posts()]

    def lines(self) -> list[str]:
        return [item.code for item in self.view().items if isinstance(item, SightSystem)]

    def names(self) -> list[str]:
        return [one.name for one in self.view().members]

    def post_id(self, text: str) -> bytes:
        return next(item.id for item in self.posts() if item.text == text)


def check_wiped(stepped: Stepped) -> None:
    """What is to be forgotten is in use nowhere."""
    state, held = stepped.state, list[bytes]()
    if state.membership is not None:
        held += group_secrets(state.membership.group)
    if state.staged is not None:
        held += group_secrets(state.staged.next)
    assert not set(stepped.wiped) & set(held)


def room_of(world: World, *people: str) -> list[Device]:
    """The first person founds a room; the others come by invites, one after the other."""
    first, *others = [world.device(person) for person in people]
    first.found()
    world.run(1_000)
    for other in others:
        fragment = first.invite()
        world.run(500)
        other.accept(fragment)
        world.run(15_000)
    return [first, *others]
