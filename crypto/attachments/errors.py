"""What can go wrong with an attachment, and whose fault it is.

AttachmentError      code, fault
├─ "chunk"           peer   a chunk that is not the one that stands there: changed, moved, or of another file
├─ "length"          peer   a file that was cut short, or goes on after its end
└─ "hash"            peer   every chunk opens, but it is not the ciphertext that the event names

A descriptor that is none raises RoomDataError, and misuse UsageError.
"""

from typing import Literal

from crypto.mls.errors import Fault


class AttachmentError(Exception):
    """`code` is stable: callers, tests and words for people match on it."""

    fault: Fault = "peer"

    def __init__(self, code: Literal["chunk", "length", "hash"], message: str) -> None:
        super().__init__(message)
        self.code = code
