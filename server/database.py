"""The data folder: its lock, the SQLite database in it, and its readers. All writing is the writer's
(writer.py).
"""

import asyncio
import fcntl
import os
import sqlite3
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event, inspect, pool, text
from sqlalchemy.exc import DatabaseError

from server.errors import StartError

T = TypeVar("T")

FILE = "collegium.sqlite"
LOCK = "lock"
MIGRATIONS = Path(__file__).parent / "migrations"
HEAD = "0003"  # the newest of them
READERS = 2
BUSY_MS = 10_000
CACHE_KIB = 16 * 1024
# A commit returns when its WAL is synced: every ack rests on this.
SYNCHRONOUS = "FULL"


class FolderLock:
    """One server for one data folder. The kernel lets go when the process ends, however that happens."""

    def __init__(self, folder: Path) -> None:
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._descriptor = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise StartError(f"The data folder {folder} cannot be written: {error.strerror}.") from error
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(self._descriptor)
            raise StartError(
                f"Another server is running on the data folder {folder}. Stop it first, or set "
                "COLLEGIUM_DATA to another folder."
            ) from error

    def release(self) -> None:
        os.close(self._descriptor)


def connect(path: Path, writer: bool) -> Engine:
    """An engine whose connections are set up alike. A writer's transactions take the write lock at once."""
    engine = create_engine(
        f"sqlite:///{path}",
        poolclass=pool.QueuePool,
        pool_size=READERS,
        max_overflow=0,
        connect_args={"check_same_thread": False, "timeout": BUSY_MS / 1000, "cached_statements": 256},
    )

    @event.listens_for(engine, "connect")
    def set_up(connection: sqlite3.Connection, _record: Any) -> None:
        connection.isolation_level = None  # transactions begin where we say so
        for pragma in (
            "journal_mode=WAL",
            f"synchronous={SYNCHRONOUS}",
            "foreign_keys=ON",
            "temp_store=MEMORY",
            f"cache_size=-{CACHE_KIB}",
            "wal_autocheckpoint=0",  # checkpoints run apart, never inside a commit (writer.py)
        ):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writer else "BEGIN")

    return engine


def migrate(engine: Engine) -> None:
    """Bring the tables up to date. A database newer than this code is refused."""
    try:
        with engine.begin() as connection:
            if _version(connection) == HEAD:
                return
            _upgrade(connection)
    except DatabaseError as error:
        raise StartError(f"The database cannot be opened or brought up to date: {error.orig}.") from error


def _version(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    found = connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one_or_none()
    return str(found)


def _upgrade(connection: Connection) -> None:
    # Only where there is something to do: loading it takes longer than the rest of a start.
    from alembic import command
    from alembic.config import Config
    from alembic.util import CommandError

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, "head")
    except CommandError as error:
        raise StartError(
            "The database was made by a newer version of Collegium. Run that version, or restore a backup of "
            "this one."
        ) from error


class Readers:
    """Threads that read. In WAL mode they neither wait for the writer nor hold it up."""

    def __init__(self, path: Path) -> None:
        self._engine = connect(path, writer=False)
        self._threads = ThreadPoolExecutor(READERS, thread_name_prefix="reader")

    async def read(self, query: Callable[[Connection], T]) -> T:
        """Run a query on one snapshot."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._run, query)

    def _run(self, query: Callable[[Connection], T]) -> T:
        with self._engine.connect() as connection:
            return query(connection)

    def close(self) -> None:
        self._threads.shutdown()
        self._engine.dispose()


def fsync_folder(path: Path) -> None:
    """So that a new file's name is on disk as well."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def now_ms() -> int:
    return time.time_ns() // 1_000_000
