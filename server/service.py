"""Everything that a running server holds, made in one place and closed in one place."""

import asyncio
import secrets
import time
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from sqlalchemy import Connection, insert, select

from server.calls import Calls
from server.database import FILE, FolderLock, Readers, connect, fsync_folder, migrate, now_ms
from server.hub import SWEEP_EVERY_S, Hub
from server.ledger import Ledger
from server.logs import log
from server.media import Command, unit_command
from server.push import Push
from server.push_call import PushServices
from server.push_endpoint import named_hosts
from server.retention import collect
from server.settings import Settings, turn_secret
from server.tables import META
from server.turn_credentials import turn_urls
from server.vapid import Vapid, vapid_key
from server.writer import Delivery, Writer
from wire.bounds import ID_BYTES, SECRET_BYTES

T = TypeVar("T")

MAX_SHORT_LIVED = 50_000


class ShortLived(Generic[T]):
    """Secrets that live for seconds, in memory alone: challenges, tickets, grants. Each is taken at most
    once.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._held: OrderedDict[bytes, tuple[float, T]] = OrderedDict()

    def make(self, value: T) -> bytes:
        now = time.monotonic()
        while self._held and (
            len(self._held) >= MAX_SHORT_LIVED or next(iter(self._held.values()))[0] + self._seconds < now
        ):
            self._held.popitem(last=False)
        secret = secrets.token_bytes(SECRET_BYTES)
        self._held[secret] = (now, value)
        return secret

    def take(self, secret: bytes) -> T | None:
        found = self._held.pop(secret, None)
        if found is None or found[0] + self._seconds < time.monotonic():
            return None
        return found[1]


@dataclass(slots=True)
class Tickets:
    """For one socket."""

    device: bytes
    account: bytes
    session: bytes


@dataclass
class Service:
    """The parts of a running server."""

    settings: Settings
    lock: FolderLock
    readers: Readers
    writer: Writer
    hub: Hub
    calls: Calls
    push: Push
    turn: tuple[tuple[str, ...], bytes]  # addresses, shared secret
    deployment_id: bytes
    sign_in: ShortLived[bytes] = field(default_factory=lambda: ShortLived(60))  # challenge → device
    recovery: ShortLived[bytes] = field(default_factory=lambda: ShortLived(60))  # challenge → account
    grants: ShortLived[bytes] = field(default_factory=lambda: ShortLived(600))  # grant → account
    passkey: ShortLived[bytes] = field(default_factory=lambda: ShortLived(300))  # challenge → account
    tickets: ShortLived[Tickets] = field(default_factory=lambda: ShortLived(30))
    background: list[asyncio.Task[None]] = field(default_factory=list)

    async def close(self) -> None:
        for task in self.background:
            task.cancel()
        await self.calls.close()
        await self.push.close()
        self.hub.write_cursors()
        await asyncio.to_thread(self.writer.stop)
        self.readers.close()
        self.lock.release()


def deployment_id(database: Connection) -> bytes:
    """A random name of this server, made once: part of every sign-in signature."""
    found = database.execute(select(META.c.value).where(META.c.name == "deployment_id")).scalar_one_or_none()
    if found is None:
        found = secrets.token_bytes(ID_BYTES)
        database.execute(insert(META).values(name="deployment_id", value=found))
    return bytes(found)


async def start(settings: Settings, unit: Command | None = None) -> Service:
    """Open the data folder and start everything. `unit` is run as a media unit, where that is not our own.
    Raises StartError.
    """
    lock = FolderLock(settings.data)
    path = settings.data / FILE
    engine = connect(path, writer=True)
    migrate(engine)
    path.chmod(0o600)
    fsync_folder(settings.data)
    with engine.begin() as database:
        name = deployment_id(database)
        vapid = Vapid(vapid_key(database), settings.push_subject)
    readers = Readers(path)
    hub = Hub(readers, now_ms, settings.rate_factor)
    loop = asyncio.get_running_loop()

    def post(delivery: Delivery) -> None:
        if not loop.is_closed():
            loop.call_soon_threadsafe(hub.deliver, delivery)

    writer = Writer(engine, path, post, now_ms)
    hub.attach(writer)
    writer.start()
    posts = PushServices(authority=settings.push_ca)
    push = Push(readers, hub.change, vapid, posts, named_hosts(settings.push_hosts))
    turn = (turn_urls(settings.turn_urls), turn_secret(settings))
    calls = Calls(hub, push, settings.media_workers, unit or unit_command(settings))
    hub.attach_calls(calls)
    calls.start()
    service = Service(settings, lock, readers, writer, hub, calls, push, turn, name)
    service.background = [loop.create_task(_sweep(service)), loop.create_task(_collect(service))]
    return service


async def _sweep(service: Service) -> None:
    while True:
        await asyncio.sleep(SWEEP_EVERY_S)
        service.hub.sweep()


async def _collect(service: Service) -> None:
    days = service.settings.retention_days

    def run(database: Connection, ledger: Ledger) -> tuple[int, bool]:
        return collect(database, ledger, now_ms(), days)

    while True:
        await asyncio.sleep(service.settings.collect_seconds)
        more = True
        while more:
            try:
                count, more = await service.hub.change(run)
            except Exception as error:
                log.exception("collect_failed", error=type(error).__name__)
                break
            if count:
                log.info("collected", count=count)
