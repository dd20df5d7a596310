"""Which errors are an answer about somebody else's bytes. All others are our own and are not caught."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from crypto.mls.errors import MlsError
from crypto.room.errors import RoomError

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Fault:
    """A peer's error, by its stable code."""

    code: str


def judged(judge: Callable[[], T]) -> T | Fault:
    """The value, or the peer's fault. Anything else is raised on."""
    try:
        return judge()
    except (MlsError, RoomError) as error:
        if error.fault != "peer":
            raise
        return Fault(error.code)
