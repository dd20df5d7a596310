"""Web Push: wakes devices whose page is closed, by a message without a body (RFC 8030, RFC 8292; THREATS 21).

The push service learns that this server wakes this endpoint now, and nothing else. Whoever wakes waits for no
network unless they ask for the answer: every call is a task of its own, their number is bounded, and a device
that was just woken is not woken again.
"""

import asyncio
import random
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from prometheus_client import Counter
from sqlalchemy import Connection, delete, select

from server.database import Readers
from server.errors import ServiceError
from server.ledger import Ledger
from server.logs import log
from server.metrics import REGISTRY
from server.push_call import Answer, CallError
from server.push_endpoint import Endpoint, EndpointError, Named, read_endpoint
from server.tables import DEVICES, SUBSCRIPTIONS
from server.vapid import Vapid
from wire.bounds import MAX_LEAVES

COLLAPSE_S = 5.0  # wakes of one device within this are one
MAX_OPEN = 16  # calls at once
MAX_WAITING = 1024  # devices whose wake is not answered yet
MAX_REMEMBERED = 4096
MAX_TTL_S = 600
TRIES = 3
AGAIN_S = 2.0  # after a failure without a Retry-After; twice as long after the next
MAX_REST_S = 3600.0  # a push service asks for more: this much is kept
PUSHES = Counter("collegium_pushes", "Wakes by push services", ["outcome"], registry=REGISTRY)


K = TypeVar("K")
V = TypeVar("V")


class Posts(Protocol):
    """Whoever makes the calls (push_call.PushServices)."""

    async def post(self, endpoint: Endpoint, authorization: str, ttl: int) -> Answer: ...

    def close(self) -> None: ...


Change = Callable[[Callable[[Connection, Ledger], int]], Awaitable[int]]


def _spread() -> float:
    return random.uniform(1.0, 1.2)  # noqa: S311 (nothing secret)


@dataclass(frozen=True, slots=True)
class World:
    """Time and chance for a Push: seconds that only go on, seconds since 1970, how to wait, and by what a
    rest is stretched, so that many devices do not come back at the same moment.
    """

    now: Callable[[], float] = time.monotonic
    wall: Callable[[], float] = time.time
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    spread: Callable[[], float] = _spread


class Push:
    """Wakes devices. `change` has the writer do something (Hub.change)."""

    def __init__(
        self,
        readers: Readers,
        change: Change,
        vapid: Vapid,
        posts: Posts,
        named: Named = frozenset(),
        world: World | None = None,
    ) -> None:
        self.vapid, self.named = vapid, named
        self._readers, self._change, self._posts = readers, change, posts
        self._world = world or World()
        self._slots = asyncio.Semaphore(MAX_OPEN)
        self._tasks: set[asyncio.Task[bool]] = set()
        # Of each device: when it was woken last, and what came or will come of it.
        self._woken: OrderedDict[bytes, tuple[float, asyncio.Task[bool]]] = OrderedDict()
        # Endpoints whose push service asked for rest, until when.
        self._resting: OrderedDict[str, float] = OrderedDict()

    async def wake(self, devices: Sequence[bytes], ttl: int) -> frozenset[bytes]:
        """Wake these devices; a push service keeps a wake for `ttl` seconds. Gives those whose push service
        took it. Devices without a subscription, and more than a room can have, are left out. Raises nothing
        of the network.
        """
        wanted = list(dict.fromkeys(devices))[:MAX_LEAVES]
        ttl = min(max(ttl, 0), MAX_TTL_S)
        fresh = [device for device in wanted if self._earlier(device) is None]
        endpoints = await self._readers.read(lambda database: endpoints_of(database, fresh)) if fresh else {}
        tasks = {device: self._task(device, endpoints.get(device), ttl) for device in wanted}
        waited = {device: task for device, task in tasks.items() if task is not None}
        if waited:
            # Not `gather`: whoever waits may be cancelled, and the wakes go on for others who wait for them.
            await asyncio.wait(waited.values())
        return frozenset(device for device, task in waited.items() if not task.cancelled() and task.result())

    async def close(self) -> None:
        """Wakes that are under way are given up."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._posts.close()

    def _earlier(self, device: bytes) -> asyncio.Task[bool] | None:
        """The wake that this one would only repeat."""
        found = self._woken.get(device)
        if found is None or (found[1].done() and found[0] + COLLAPSE_S <= self._world.now()):
            return None
        return found[1]

    def _task(self, device: bytes, endpoint: str | None, ttl: int) -> asyncio.Task[bool] | None:
        earlier = self._earlier(device)
        if earlier is not None:
            PUSHES.labels("collapsed").inc()
            return earlier
        if endpoint is None:
            return None
        if len(self._tasks) >= MAX_WAITING:
            PUSHES.labels("dropped").inc()
            return None
        task = asyncio.get_running_loop().create_task(self._deliver(device, endpoint, ttl))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        _remember(self._woken, device, (self._world.now(), task))
        return task

    async def _deliver(self, device: bytes, text: str, ttl: int) -> bool:
        try:
            outcome = await self._tried(device, text, ttl)
        except Exception as error:
            log.exception("push_failed", error=type(error).__name__)
            outcome = "failed"
        PUSHES.labels(outcome).inc()
        return outcome == "accepted"

    async def _tried(self, device: bytes, text: str, ttl: int) -> str:
        """Try while the wake is worth it, with rests between. Gives the outcome."""
        try:
            endpoint = read_endpoint(text, self.named)  # the settings may have changed since it was stored
        except EndpointError:
            return "refused"
        world = self._world
        over = world.now() + ttl
        for attempt in range(TRIES):
            rest = self._resting.get(text, 0.0) - world.now()
            if rest > 0 and (attempt == 0 or world.now() + rest >= over):
                return "resting"
            if rest > 0:
                await world.sleep(rest)
            async with self._slots:
                left = max(0, round(over - world.now()))
                answer = await self._call(endpoint, left)
            if answer is not None:
                if 200 <= answer.status < 300:
                    self._resting.pop(text, None)
                    return "accepted"
                if answer.status in (404, 410):  # RFC 8030 §7.3: the subscription is over
                    await self._forget(device, text)
                    return "gone"
                if answer.status != 429 and answer.status < 500:
                    return "refused"
            asked = answer.retry_after if answer is not None else None
            again = asked if asked is not None else AGAIN_S * 2**attempt
            again = min(max(again, AGAIN_S) * world.spread(), MAX_REST_S)
            _remember(self._resting, text, world.now() + again)
        return "failed"

    async def _call(self, endpoint: Endpoint, ttl: int) -> Answer | None:
        authorization = self.vapid.authorization(endpoint.origin, int(self._world.wall()))
        try:
            return await self._posts.post(endpoint, authorization, ttl)
        except CallError as error:
            log.warning("push_unanswered", error=type(error).__name__)
            return None

    async def _forget(self, device: bytes, endpoint: str) -> None:
        """Unless the device has named another endpoint meanwhile."""
        same = (SUBSCRIPTIONS.c.device == device) & (SUBSCRIPTIONS.c.endpoint == endpoint)
        try:
            await self._change(lambda db, _ledger: db.execute(delete(SUBSCRIPTIONS).where(same)).rowcount)
        except ServiceError as error:
            log.warning("push_not_forgotten", code=error.code)  # the next wake is told the same


def endpoints_of(database: Connection, devices: Sequence[bytes]) -> dict[bytes, str]:
    rows = database.execute(
        select(SUBSCRIPTIONS.c.device, SUBSCRIPTIONS.c.endpoint)
        .join(DEVICES, DEVICES.c.id == SUBSCRIPTIONS.c.device)
        .where(SUBSCRIPTIONS.c.device.in_(devices), DEVICES.c.gone.is_(False))
    )
    return {row.device: row.endpoint for row in rows}


def _remember(held: OrderedDict[K, V], key: K, value: V) -> None:
    held[key] = value
    held.move_to_end(key)
    if len(held) > MAX_REMEMBERED:
        held.popitem(last=False)
