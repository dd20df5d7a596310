"""The unit's log: structured, on standard error, without an id, an address or anything of a packet."""

import logging
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

ALLOWED = frozenset(("event", "level", "timestamp", "code", "count", "error", "where"))


def where_of(error: BaseException) -> dict[str, str]:
    """An exception's type and the line that raised it. Its text may quote anything, so it stays out."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None:
        return {"error": type(error).__name__}
    name = trace.tb_frame.f_code.co_filename.rsplit("/", 2)
    return {"error": type(error).__name__, "where": f"{'/'.join(name[-2:])}:{trace.tb_lineno}"}


def only_allowed(_logger: Any, _method: str, fields: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    kept = {name: value for name, value in fields.items() if name in ALLOWED}
    return {name: value[:80] if isinstance(value, str) else value for name, value in kept.items()}


class _FromLibraries(logging.Handler):
    """That something happened in a library, and where. Never its text."""

    def emit(self, record: logging.LogRecord) -> None:
        log.warning("library", where=f"{record.name}:{record.lineno}")


def configure() -> None:
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            only_allowed,
            structlog.processors.JSONRenderer(),
        ],
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=True,
    )
    root = logging.getLogger()
    root.handlers = [_FromLibraries()]
    root.setLevel(logging.WARNING)


log = structlog.get_logger()
