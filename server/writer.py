"""The one writer: a thread that takes everything that waits into one transaction, and answers when that is on
disk.

Group commit: with `synchronous=FULL` a commit returns after its sync, so one sync serves all sends that
queued up behind the last one. Nothing is answered, and nobody is sent anything, before that (E17).
"""

import sqlite3
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any, Protocol

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

from server.errors import ServiceError, UnavailableError
from server.ledger import Ledger, News
from server.logs import log
from server.metrics import COUNTS
from server.room import NotTaken
from wire.codec import encode
from wire.frames import Refused, Send

MAX_BATCH = 512
ENOUGH = 16  # that wait for a transaction to begin at once
APART_S = 0.001  # between the beginnings of two transactions
# Checkpoints run in a thread of their own. When the WAL has outgrown this all the same, the writer lets it
# begin anew.
CHECKPOINT_EVERY_S = 0.5
WAL_RESTART_PAGES = 32 * 1024


class Sender(Protocol):
    """Where an answer goes."""

    def answer(self, frame: bytes) -> None: ...


@dataclass(slots=True)
class SendJob:
    sender: Sender
    send: Send
    device: bytes


@dataclass(slots=True)
class Job:
    """Any other change. `run` gets the connection and the ledger; `done` gets the result once it is on disk,
    in the order of the log, or the error.
    """

    run: Callable[[Connection, Ledger], Any]
    done: Callable[[Any, BaseException | None], None]


@dataclass(slots=True)
class Answer:
    sender: Sender
    frame: bytes


@dataclass(slots=True)
class Done:
    job: Job
    result: Any
    error: BaseException | None


Delivery = list[Answer | News | Done]


class Writer(threading.Thread):
    """Owns the ledger and the one writing connection."""

    def __init__(
        self, engine: Engine, path: Path, post: Callable[[Delivery], None], now: Callable[[], int]
    ) -> None:
        super().__init__(name="writer", daemon=True)
        self._engine, self._path, self._post, self._now = engine, path, post, now
        self._queue: SimpleQueue[SendJob | Job | None] = SimpleQueue()
        self._ledger = Ledger()
        self._checkpointer = Checkpointer(path)
        self.commits = 0

    def submit(self, job: SendJob | Job) -> None:
        self._queue.put(job)

    def stop(self) -> None:
        """Finish what waits, then end."""
        self._queue.put(None)
        self.join()

    def run(self) -> None:
        self._checkpointer.start()
        with self._engine.connect() as connection:
            more, next_at = True, 0.0
            while more:
                first = self._queue.get()
                if first is None:
                    break
                # Under load a little patience makes larger transactions; a lone message never waits.
                early = next_at - time.monotonic()
                if early > 0 and self._queue.qsize() < ENOUGH:
                    time.sleep(early)
                next_at = time.monotonic() + APART_S
                batch = [first]
                while len(batch) < MAX_BATCH:
                    try:
                        job = self._queue.get_nowait()
                    except Empty:
                        break
                    if job is None:
                        more = False
                        break
                    batch.append(job)
                self._post(self._commit(connection, batch))
                self._checkpointer.commits = self.commits
                if self._checkpointer.restart_due:
                    self._restart_wal(connection)
        self._checkpointer.stop()

    def _commit(self, connection: Connection, batch: list[SendJob | Job]) -> Delivery:
        ledger = self._ledger
        ledger.begin()
        out: Delivery = []
        try:
            with connection.begin():
                now = self._now()
                for job in batch:
                    if isinstance(job, SendJob):
                        out.append(Answer(job.sender, ledger.take(connection, job.send, job.device, now)))
                    else:
                        ledger.flush(connection)
                        out += ledger.segment()
                        out.append(self._other(connection, job))
                ledger.flush(connection)
                out += ledger.segment()
            self.commits += 1
            COUNTS.commits = self.commits
        except (SQLAlchemyError, sqlite3.Error, OSError) as error:
            # A full or failing disk: the transaction is undone as a whole, and everyone is told.
            log.error("storage_failed", error=type(error).__name__, jobs=len(batch))
            if connection.in_transaction():
                connection.rollback()
            connection.invalidate()
            ledger.abandon()
            return [_failed(job) for job in batch]
        ledger.merge()
        return out

    def _other(self, connection: Connection, job: Job) -> Done:
        savepoint = connection.begin_nested()
        try:
            result = job.run(connection, self._ledger)
        except (SQLAlchemyError, sqlite3.Error):
            raise
        except ServiceError as error:
            savepoint.rollback()
            return Done(job, None, error)
        except Exception as error:
            savepoint.rollback()
            log.exception("job_failed", error=type(error).__name__)
            return Done(job, None, error)
        savepoint.commit()
        return Done(job, result, None)

    def _restart_wal(self, connection: Connection) -> None:
        """While nobody writes, all can be checkpointed; then the next transaction begins the WAL anew."""
        self._checkpointer.restart_due = False
        driver = connection.connection.driver_connection
        assert isinstance(driver, sqlite3.Connection)
        try:
            # Between transactions, so not through SQLAlchemy, which would begin one. It never waits for
            # readers.
            driver.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
        except sqlite3.Error as error:
            log.warning("checkpoint_failed", error=type(error).__name__)


def _failed(job: SendJob | Job) -> Answer | Done:
    if isinstance(job, Job):
        return Done(job, None, UnavailableError())
    why = NotTaken(
        "storage", "The server cannot store anything at the moment. Nothing was changed; try again."
    )
    refused = Refused(room=job.send.room, id=job.send.id, code=why.code, message=why.message)
    return Answer(job.sender, encode(refused))


class Checkpointer(threading.Thread):
    """Moves the WAL into the database beside the writer, so that no commit pays for it."""

    def __init__(self, path: Path) -> None:
        super().__init__(name="checkpoints", daemon=True)
        self._path = path
        self._ended = threading.Event()
        self.commits = 0
        self.restart_due = False

    def stop(self) -> None:
        self._ended.set()
        self.join()

    def run(self) -> None:
        connection = sqlite3.connect(self._path, isolation_level=None, timeout=1.0)
        connection.execute("PRAGMA synchronous=FULL")
        seen = -1
        while not self._ended.wait(CHECKPOINT_EVERY_S):
            if self.commits == seen:
                continue
            seen = self.commits
            try:
                _, pages, _ = connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
                self.restart_due = pages > WAL_RESTART_PAGES
            except sqlite3.Error as error:
                log.warning("checkpoint_failed", error=type(error).__name__)
        try:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        except sqlite3.Error as error:
            log.warning("checkpoint_failed", error=type(error).__name__)
        connection.close()
