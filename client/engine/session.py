"""An open vault at work: the rooms' cores, the socket, and what happens between them.

Whatever changes anything is a draft in the queue: it is stored in one transaction, and only then does
anything leave this device.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Literal, TypeVar

from client.engine.auth import Auth
from client.engine.call_line import CallLine
from client.engine.chores import Chores
from client.engine.draft import Draft, DroppedWish, Opened, Rooms, env_of
from client.engine.http import Http
from client.engine.queue import Queue
from client.engine.records import Records, WaitingRow, with_joined
from client.engine.rings import RingDesk
from client.engine.socket import HealingSocket
from client.engine.world import World
from client.errors import CollegiumError, ServerError
from client.room.core import (
    Env,
    Ready,
    RoomSight,
    Tick,
    WelcomeError,
    join_room,
    room_cursor,
    room_view,
)
from client.vault.storage import VaultError
from client.vault.vault import Vault
from wire import frames as wire_frames
from wire.frames import RoomCursor

T = TypeVar("T")
Connection = Literal["online", "connecting", "offline"]

log = logging.getLogger("collegium")

# Frames handled in one draft: the calls of the program come in between.
BATCH: Final = 64
# Frames that wait to be handled: above it nothing more is read from the socket.
MAX_INBOX: Final = 1024
CLOCK_S: Final = 15.0
# A clock that goes on by more between two looks: the machine slept, or the clock was set.
LEAP_MS: Final = 60_000


@dataclass(frozen=True, slots=True)
class _Opened:
    life: int


@dataclass(frozen=True, slots=True)
class _Closed:
    pass


_Event = _Opened | _Closed | wire_frames.ServerFrame


class Session:
    """`changed` is called when there may be something new to see."""

    def __init__(
        self, world: World, http: Http, vault: Vault, opened: Opened, changed: Callable[[], None]
    ) -> None:
        self.world, self.http, self.vault = world, http, vault
        self.records: Records = opened.records
        self.rooms: Rooms = opened.rooms
        self.connection: Connection = "connecting"
        self.skew = 0
        """Milliseconds that the server's clock is ahead of ours."""
        self.closed = False
        self.failure: Exception | None = None
        """Why nothing can go on: the vault no longer takes what must be stored."""
        self.listed: frozenset[bytes] = frozenset()
        """The rooms in which the server had this device when it said ready."""
        self.drops: dict[bytes, DroppedWish] = {}
        """What each room has given up last."""
        self.auth = Auth(http, lambda: self.records.account)
        self.call = CallLine()
        self.desk = RingDesk()
        self._changed = changed
        self._queue = Queue()
        self._chores = Chores(self)
        self._socket = HealingSocket(world, self)
        # Sockets are numbered: what was meant for one is not sent on the next.
        self._life = self._greeted = 0
        self._inbox: list[_Event] = []
        self._room_in_inbox = asyncio.Event()
        self._failed_rooms: set[bytes] = set()
        self._sights: dict[bytes, dict[int, RoomSight]] = {}
        self._wakes: dict[bytes, int] = {}
        self._rearm = asyncio.Event()
        self._tasks: set[asyncio.Task[Any]] = set()
        self._invited: dict[bytes, tuple[bytes, asyncio.Future[str | None]]] = {}

    @property
    def online(self) -> bool:
        return self.connection == "online"

    def env(self) -> Env:
        return env_of(self.records, self.world.now(), self.skew, self.world.rng)

    def start(self) -> None:
        """Begin to talk to the server."""
        self._socket.start()
        self._spawn(self._clock())
        self._background(lambda draft: draft.tick())

    async def close(self) -> None:
        """Stop, after whatever draft is under way, and give the store back."""
        if self.closed:
            return
        self.closed = True
        if self._greeted == self._life:
            self._socket.send(self.call.lock())
        await self._socket.stop()
        await self._chores.stop()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._queue.run(self.vault.close)
        await self.http.close()
        self.rooms = {}
        self._inbox.clear()
        self._sights.clear()
        for _, settled in self._invited.values():
            settled.cancel()
        self._changed()

    async def work(self, task: Callable[[Draft], T]) -> T:
        """Do something to what is open, and store it. Nothing else happens meanwhile.

        Raises what `task` raises, VaultError, and whatever the engine has stopped for before.
        """

        async def alone() -> T:
            if self.closed:
                raise CollegiumError("not_open")
            # Whoever asks is told why it stopped, whether by their own wish or by an errand before it.
            if self.failure is not None:
                raise self.failure
            draft = Draft(self, self.env(), self._failed_rooms)
            result = task(draft)
            try:
                await self._commit(draft)
            except Exception as error:
                # A full disk may have room again for the next one; anything else means that this vault is not
                # ours any more.
                if not (isinstance(error, VaultError) and error.code == "storage_full"):
                    self._fail(error)
                raise
            return result

        return await self._queue.run(alone)

    def _background(self, task: Callable[[Draft], None]) -> None:
        """Work that nobody waits for: when it cannot be stored, the stream from the server cannot go on
        either.
        """

        async def apart() -> None:
            try:
                await self.work(task)
            except Exception as error:
                if not self.closed:
                    self._fail(error)

        self._spawn(apart())

    def _spawn(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _fail(self, error: Exception) -> None:
        if self.failure is None:
            self.failure = error
            log.error("the engine stops: %r", error)
            # Its room can't say any more who may be heard.
            self.call.lock()
            self._spawn(self._socket.stop())
            self._changed()

    async def _commit(self, draft: Draft) -> None:
        self.desk.tend(draft)
        put, drop = draft.rows()
        if put or drop:
            await self.vault.write(put, drop)
        self.records, self.rooms = draft.records, draft.rooms
        for room_id, error in draft.failed.items():
            self._failed_rooms.add(room_id)
            log.error("a room failed", exc_info=error)
        for room_id in draft.touched:
            self._sights.pop(room_id, None)
        self._release(draft)
        self._release_media(draft)
        if draft.wakes:
            self._wakes.update(draft.wakes)
            self._rearm.set()
        for invite_id in draft.invited:
            self._settle_invite(invite_id, None)
        for wish in draft.dropped:
            self._wish_dropped(wish)
        self._changed()
        self._chores.kick()

    def _release(self, draft: Draft) -> None:
        """Stored: now it may go. What was meant for a socket that is gone, the rooms are asked for at the
        next ready.
        """
        if draft.hello == self._life:
            self._greeted = self._life
        if self._greeted == self._life:
            self._socket.send(draft.released())

    def _release_media(self, draft: Draft) -> None:
        refused = {wish.room_id: wish.code for wish in draft.dropped if wish.command == "media_on"}
        for room_id, effect in draft.media:
            said = self.call.release(room_id, effect, refused.get(room_id))
            if self._greeted == self._life:
                self._socket.send(said)

    def await_invite(self, room_id: bytes, invite_id: bytes) -> "asyncio.Future[str | None]":
        """Done with None when the invite is committed, or with the reason why it was dropped."""
        settled: asyncio.Future[str | None] = asyncio.get_running_loop().create_future()
        self._invited[invite_id] = room_id, settled
        return settled

    def _settle_invite(self, invite_id: bytes, code: str | None) -> None:
        _, settled = self._invited.pop(invite_id, (b"", None))
        if settled is not None and not settled.done():
            settled.set_result(code)

    def _wish_dropped(self, wish: DroppedWish) -> None:
        self.drops[wish.room_id] = wish
        if wish.command != "invite":
            return
        for invite_id, (room_id, _) in list(self._invited.items()):
            if room_id == wish.room_id:
                self._settle_invite(invite_id, wish.code)

    def sight(self, room_id: bytes, items: int) -> RoomSight | None:
        """What there is to see of a room; made again only when something changed."""
        state = self.rooms.get(room_id)
        if state is None:
            return None
        known = self._sights.setdefault(room_id, {})
        if items not in known:
            known[items] = room_view(state, self.env(), items)
        return known[items]

    # The socket (SocketEvents)

    async def address(self) -> str:
        ticket = await self.auth.ticket()
        return f"ws{self.http.origin.removeprefix('http')}/api/socket?ticket={ticket}"

    def opened(self) -> None:
        self._life += 1
        self._event(_Opened(self._life))

    async def frames(self, received: Sequence[wire_frames.ServerFrame]) -> None:
        for frame in received:
            if isinstance(frame, wire_frames.Bye):
                self._bye(frame)
            elif not isinstance(frame, wire_frames.Pong):
                self._event(frame)
        while len(self._inbox) > MAX_INBOX:
            self._room_in_inbox.clear()
            await self._room_in_inbox.wait()

    def lost(self) -> None:
        self._life += 1
        self._connect("connecting")
        self._event(_Closed())

    def failed(self, error: Exception) -> bool:
        self._connect("offline")
        if not isinstance(error, ServerError):
            log.error("no ticket: %r", error)
            return False
        if error.code != "sign_in":
            return False
        # The server knows this device no more: it was removed from the account, on another device.
        self._background(lambda draft: draft.alarm("device_removed", None, None, None))
        return True

    def hurry(self) -> None:
        """There is a reason to try the network at once."""
        self._socket.hurry()

    def _connect(self, connection: Connection) -> None:
        if self.connection != connection:
            self.connection = connection
            self._changed()

    def _bye(self, bye: wire_frames.Bye) -> None:
        if bye.code != "replaced":
            return  # the socket closes, and is opened again; signed out, with a new session
        # Another engine has this device's keys and is connected. Taking turns would help nobody (E39).
        self._background(lambda draft: draft.alarm("replaced", None, None, None))
        self._spawn(self._give_way())

    async def _give_way(self) -> None:
        await self._socket.stop()
        self._connect("offline")

    def _event(self, event: _Event) -> None:
        if self.closed:
            return
        self._inbox.append(event)
        if len(self._inbox) == 1:
            self._background(self._drain)

    def _drain(self, draft: Draft) -> None:
        events = self._inbox[:BATCH]
        for event in events:
            self._handle(draft, event)
        del self._inbox[: len(events)]
        self._room_in_inbox.set()
        if self._inbox:
            self._background(self._drain)

    def _handle(self, draft: Draft, event: _Event) -> None:
        match event:
            case _Opened(life=life):
                draft.greet(life, self._hello(draft))
            case _Closed():
                draft.offline()
            case wire_frames.Ready():
                self._ready(draft, event)
            case wire_frames.Pong() | wire_frames.Bye():
                pass  # handled when they came
            case wire_frames.CallState():
                self._frame(draft, event)
                self.call.saw(draft, event)
            case wire_frames.CallOffer():
                self.call.offer(event)
            case wire_frames.CallEnded():
                self.call.ended(draft, event)
            case wire_frames.CallReport():
                self.call.report(event)
            case wire_frames.Woken():
                pass  # whom the server woke, the ring itself tells once their device rings
            case _:
                self._frame(draft, event)

    def _hello(self, draft: Draft) -> wire_frames.Hello:
        here = [state for state in draft.rooms.values() if state.stage not in ("left", "removed")]
        return wire_frames.Hello(cursors=[RoomCursor(room=one.room_id, n=room_cursor(one)) for one in here])

    def _ready(self, draft: Draft, ready: wire_frames.Ready) -> None:
        self.skew = ready.time - self.world.now()
        draft.env = self.env()
        self._connect("online")
        listed = {room.room: room for room in ready.rooms}
        self.listed = frozenset(listed)
        for room_id in draft.rooms:
            if not waiting_for(draft.records, room_id):
                draft.step(room_id, Ready(listed.get(room_id)))
        self.call.resume(draft)

    def _frame(self, draft: Draft, frame: Any) -> None:
        room_id: bytes | None = frame.room
        if room_id is None:
            return  # a refusal of a whole message: the socket ends by itself
        rows = waiting_for(draft.records, room_id)
        if not rows:
            draft.step(room_id, frame)
        elif isinstance(frame, wire_frames.Welcome):
            self._join(draft, rows, frame)
        # What comes of a room before its Welcome, the room asks for itself when it has it.

    def _join(self, draft: Draft, rows: Sequence[WaitingRow], welcome: wire_frames.Welcome) -> None:
        """E25: a Welcome is taken only against what was asked for, by whichever invitation into this room.
        Another ends no waiting: the right one may still come.
        """
        for row in rows:
            try:
                draft.add(join_room(draft.env, row.expectation, welcome, draft.room(row.room_id)))
            except Exception as error:
                if not isinstance(error, WelcomeError):
                    log.error("a Welcome failed", exc_info=error)
                continue
            draft.records = with_joined(draft.records, row)
            return
        draft.alarm("welcome", welcome.room, None, None)

    # Time

    async def _clock(self) -> None:
        """Wake rooms that asked for it, and look around now and then. The clock decides: a timer may come
        late, or the clock be set.
        """
        last = next_tock = self.world.now()
        while True:
            now = self.world.now()
            if now >= next_tock or now < last:
                await self._tock(now - last)
                last, next_tock = now, now + int(CLOCK_S * 1000)
            self._wake(now)
            upto = min([next_tock, *self._wakes.values()])
            self._rearm.clear()
            try:
                async with asyncio.timeout(max(upto - self.world.now(), 1) / 1000):
                    await self._rearm.wait()
            except TimeoutError:
                pass

    async def _tock(self, passed: int) -> None:
        # The connection is probably dead, and how far the clocks are apart is no longer known: begin anew.
        if passed < 0 or passed > CLOCK_S * 1000 + LEAP_MS:
            await self._socket.restart()
        if any(self._over(row) for row in self.records.waiting):
            self._background(self._expire)
        self._chores.kick()

    def _expire(self, draft: Draft) -> None:
        waiting = tuple(
            replace(row, state="expired") if self._over(row) else row for row in draft.records.waiting
        )
        draft.records = replace(draft.records, waiting=waiting)

    def _over(self, row: WaitingRow) -> bool:
        return row.state != "expired" and self.world.now() + self.skew > row.not_after

    def _wake(self, now: int) -> None:
        due = [room_id for room_id, at in self._wakes.items() if at <= now]
        for room_id in due:
            del self._wakes[room_id]
        if due:
            self._background(lambda draft: _tick(draft, due))


def _tick(draft: Draft, rooms: Sequence[bytes]) -> None:
    for room_id in rooms:
        draft.step(room_id, Tick())


def waiting_for(records: Records, room_id: bytes) -> list[WaitingRow]:
    """The invitations that wait for this room. One that has expired counts: perhaps it was answered in time,
    while this device was away.
    """
    return [row for row in records.waiting if row.room_id == room_id]
