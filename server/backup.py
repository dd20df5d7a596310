"""Backup while serving, and restore. A backup is one SQLite file, whole and synced."""

import os
import sqlite3
import time
from pathlib import Path

from server.database import FILE, FolderLock, connect, fsync_folder, migrate
from server.errors import StartError


def backup(data: Path, target: Path) -> None:
    """Copy the database as it is at one moment. Readers and the writer go on. Raises StartError."""
    source_path = data / FILE
    if not source_path.is_file():
        raise StartError(f"There is no database in {data}.")
    if target.exists():
        raise StartError(f"{target} exists already; a backup never overwrites one.")
    partial = target.with_name(target.name + ".partial")
    partial.unlink(missing_ok=True)
    os.close(os.open(partial, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    source, copy = sqlite3.connect(source_path), sqlite3.connect(partial)
    try:
        source.execute("PRAGMA busy_timeout=10000")
        source.execute("BEGIN")  # one snapshot, however long it takes
        source.execute("SELECT count(*) FROM meta").fetchone()
        source.backup(copy)
        copy.execute("PRAGMA journal_mode=DELETE")
        _check(copy, target)
    except sqlite3.Error as error:
        partial.unlink(missing_ok=True)
        raise StartError(f"The backup failed: {error}.") from error
    finally:
        source.close()
        copy.close()
    with partial.open("rb") as file:
        os.fsync(file.fileno())
    partial.rename(target)
    fsync_folder(target.parent.resolve())


def restore(data: Path, source: Path) -> Path | None:
    """Put a backup into the data folder of a server that is stopped. What was there is kept aside; gives
    where.

    Raises StartError.
    """
    if not source.is_file():
        raise StartError(f"{source} does not exist.")
    lock = FolderLock(data)
    try:
        opened = sqlite3.connect(f"file:{source}?mode=ro", uri=True)
        try:
            _check(opened, source)
            fresh = data / (FILE + ".restoring")
            fresh.unlink(missing_ok=True)
            os.close(os.open(fresh, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
            copy = sqlite3.connect(fresh)
            opened.backup(copy)
            copy.close()
        except sqlite3.Error as error:
            raise StartError(f"{source} is not a whole backup: {error}.") from error
        finally:
            opened.close()
        aside = _set_aside(data)
        fresh.rename(data / FILE)
        fsync_folder(data)
        engine = connect(data / FILE, writer=True)
        migrate(engine)
        engine.dispose()
        return aside
    finally:
        lock.release()


def _check(connection: sqlite3.Connection, path: Path) -> None:
    found = connection.execute("PRAGMA integrity_check").fetchone()
    if found != ("ok",):
        raise StartError(f"{path} is damaged.")
    if connection.execute("SELECT count(*) FROM meta WHERE name='deployment_id'").fetchone() != (1,):
        raise StartError(f"{path} is not a backup of Collegium.")


def _set_aside(data: Path) -> Path | None:
    current = data / FILE
    if not current.exists():
        return None
    # Its WAL belongs to it: bring it in before the file moves.
    connection = sqlite3.connect(current)
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    aside = data / f"{FILE}.before-restore-{int(time.time())}"
    current.rename(aside)
    for suffix in ("-wal", "-shm"):
        (data / (FILE + suffix)).unlink(missing_ok=True)
    return aside
