"""Structured logs. One place decides what may be in them: no body, no name, no id, no full address.

Fields outside `ALLOWED` are dropped, so that a careless call cannot tell more than these.
"""

import logging
import sys
from collections.abc import MutableMapping
from typing import Any, TextIO, cast

import structlog

from server.metrics import COUNTS

ALLOWED = frozenset(
    (
        "event",
        "level",
        "timestamp",
        "error",
        "code",
        "status",
        "method",
        "route",
        "network",
        "count",
        "jobs",
        "where",
    )
)


def only_allowed(_logger: Any, _method: str, fields: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Drop what has no place in a log, and everything long."""
    kept = {name: value for name, value in fields.items() if name in ALLOWED}
    return {name: value[:80] if isinstance(value, str) else value for name, value in kept.items()}


def where_of(_logger: Any, _method: str, fields: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Of an exception: its type and the line that raised it. Its text may quote anything, so it stays out."""
    info = fields.pop("exc_info", None)
    if info:
        error = sys.exc_info()[1] if info is True else (info[1] if isinstance(info, tuple) else info)
        trace = getattr(error, "__traceback__", None)
        while trace is not None and trace.tb_next is not None:
            trace = trace.tb_next
        if trace is not None:
            name = trace.tb_frame.f_code.co_filename.rsplit("/", 2)
            fields["where"] = f"{'/'.join(name[-2:])}:{trace.tb_lineno}"
        fields["error"] = type(error).__name__
    return fields


class _FromLibraries(logging.Handler):
    """What libraries log: that something happened, where, and of which type. Never their text."""

    def emit(self, record: logging.LogRecord) -> None:
        if record.levelno < logging.WARNING:
            return
        log.warning("library", where=f"{record.name}:{record.lineno}", exc_info=record.exc_info or None)


class _Lines:
    """The log's end. Where the disk that it lies on is full, that is counted, and whoever logged goes on."""

    def write(self, text: str) -> None:
        try:
            sys.stderr.write(text)
        except OSError:
            COUNTS.log_failed += 1

    def flush(self) -> None:
        try:
            sys.stderr.flush()
        except OSError:
            COUNTS.log_failed += 1


def configure() -> None:
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            where_of,
            only_allowed,
            structlog.processors.JSONRenderer(),
        ],
        logger_factory=structlog.WriteLoggerFactory(file=cast(TextIO, _Lines())),
        cache_logger_on_first_use=True,
    )
    root = logging.getLogger()
    root.handlers = [_FromLibraries()]
    root.setLevel(logging.WARNING)
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access", "alembic"):
        logging.getLogger(name).handlers = []
        logging.getLogger(name).setLevel(logging.WARNING)


log = structlog.get_logger()
