"""The vault's storage in one SQLite file, exclusively locked as long as it is open (E39)."""

import asyncio
import os
import sqlite3
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from client.vault.storage import OpenStorage, StorageChange, StorageRefusedError, Wrap

T = TypeVar("T")

APPLICATION_ID = 0x436F6C6C  # "Coll": `file` and ours can tell what it is
VERSION = 1
# A program that is just ending needs a moment to give the store back.
LOCK_PATIENCE_S = 2.5
# How many placeholders a statement has at most; SQLite takes 32,766.
MAX_KEYS = 500

SCHEMA = """
CREATE TABLE wraps (kind TEXT PRIMARY KEY, salt BLOB NOT NULL, sealed BLOB NOT NULL) STRICT;
CREATE TABLE rows (key BLOB PRIMARY KEY, row BLOB NOT NULL) STRICT, WITHOUT ROWID;
"""

_CODES = {
    sqlite3.SQLITE_BUSY: "storage_busy",
    sqlite3.SQLITE_LOCKED: "storage_busy",
    sqlite3.SQLITE_FULL: "storage_full",
    sqlite3.SQLITE_CORRUPT: "storage_damaged",
    sqlite3.SQLITE_NOTADB: "storage_damaged",
}


def _refused(error: sqlite3.Error) -> StorageRefusedError:
    """Primary result codes are the low byte."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    return StorageRefusedError(_CODES.get(code, "storage_denied"), str(error))


def _connect(path: Path) -> sqlite3.Connection:
    made = not path.parent.exists()
    path.parent.mkdir(parents=True, exist_ok=True)
    if made:
        path.parent.chmod(0o700)
    # Nobody else on this machine may read even the ciphertext: whoever has a copy can try passphrases.
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    database = sqlite3.connect(path, timeout=LOCK_PATIENCE_S, isolation_level=None, check_same_thread=False)
    try:
        # E39: the lock is held until the connection closes or the process dies.
        database.execute("PRAGMA locking_mode = EXCLUSIVE")
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("PRAGMA synchronous = FULL")
        database.execute("PRAGMA secure_delete = ON")
        # Reading alone would not take the lock under WAL.
        database.execute("BEGIN EXCLUSIVE")
        version = database.execute("PRAGMA user_version").fetchone()[0]
        if version > VERSION:
            raise StorageRefusedError("storage_newer", "the store was written by a later version")
        if version == 0:
            if database.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
                raise StorageRefusedError("storage_damaged", "this file is another program's database")
            for statement in filter(str.strip, SCHEMA.split(";")):
                database.execute(statement)
            database.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            database.execute(f"PRAGMA user_version = {VERSION}")
        database.execute("COMMIT")
    except BaseException:
        database.close()
        raise
    return database


class SqliteStorage:
    """All statements run on one thread of its own, so that a slow disk does not stop the event loop."""

    def __init__(self, thread: ThreadPoolExecutor, database: sqlite3.Connection) -> None:
        self._thread, self._database = thread, database

    async def _run(self, work: Callable[[], T]) -> T:
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, work)
        except sqlite3.Error as error:
            raise _refused(error) from error

    async def wraps(self) -> Sequence[Wrap]:
        return await self._run(self._wraps)

    def _wraps(self) -> list[Wrap]:
        return [Wrap(*row) for row in self._database.execute("SELECT kind, salt, sealed FROM wraps")]

    async def rows(self, keys: Sequence[bytes]) -> Sequence[bytes | None]:
        return await self._run(lambda: self._rows(keys))

    def _rows(self, keys: Sequence[bytes]) -> list[bytes | None]:
        found: dict[bytes, bytes] = {}
        for start in range(0, len(keys), MAX_KEYS):
            part = keys[start : start + MAX_KEYS]
            marks = ",".join("?" * len(part))
            found.update(self._database.execute(f"SELECT key, row FROM rows WHERE key IN ({marks})", part))  # noqa: S608
        return [found.get(key) for key in keys]

    async def change(self, change: StorageChange) -> bool:
        return await self._run(lambda: self._change(change))

    def _change(self, change: StorageChange) -> bool:
        database = self._database
        database.execute("BEGIN IMMEDIATE")
        try:
            held = self._holds(change)
            if held:
                self._apply(change)
            database.execute("COMMIT" if held else "ROLLBACK")
        except BaseException:
            if database.in_transaction:
                database.execute("ROLLBACK")
            raise
        return held

    def _holds(self, change: StorageChange) -> bool:
        if change.only_if_empty and self._database.execute("SELECT count(*) FROM wraps").fetchone()[0]:
            return False
        found = self._rows([key for key, _ in change.expect])
        return all(
            (row is None) if nonce is None else (row is not None and row.startswith(nonce))
            for (_, nonce), row in zip(change.expect, found, strict=True)
        )

    def _apply(self, change: StorageChange) -> None:
        database = self._database
        if change.wraps is not None:
            database.execute("DELETE FROM wraps")
            values = [(one.kind, one.salt, one.sealed) for one in change.wraps]
            database.executemany("INSERT INTO wraps (kind, salt, sealed) VALUES (?, ?, ?)", values)
        database.executemany("INSERT OR REPLACE INTO rows (key, row) VALUES (?, ?)", change.put.items())
        database.executemany("DELETE FROM rows WHERE key = ?", [(key,) for key in change.drop])

    async def clear(self) -> None:
        await self._run(self._clear)

    def _clear(self) -> None:
        self._database.executescript("BEGIN IMMEDIATE; DELETE FROM wraps; DELETE FROM rows; COMMIT;")
        # What was erased stands neither in free pages nor in the log.
        self._database.execute("VACUUM")
        self._database.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    async def close(self) -> None:
        await self._run(self._database.close)
        self._thread.shutdown(wait=False)


def sqlite_storage(path: Path) -> OpenStorage:
    """How the store at a path is opened: made when absent, refused (storage_busy) while somebody has it."""

    async def open_storage() -> SqliteStorage:
        thread = ThreadPoolExecutor(1, "collegium-store")
        try:
            database = await asyncio.get_running_loop().run_in_executor(thread, _connect, path)
        except sqlite3.Error as error:
            thread.shutdown(wait=False)
            raise _refused(error) from error
        except OSError as error:
            thread.shutdown(wait=False)
            raise StorageRefusedError("storage_denied", str(error)) from error
        except BaseException:
            thread.shutdown(wait=False)
            raise
        return SqliteStorage(thread, database)

    return open_storage
