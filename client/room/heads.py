"""The log's running hash as this device computed it: the first 16 bytes of the heads of recent positions,
which is what every event repeats (E19). Kept in chunks, so that one entry rewrites little.
"""

from dataclasses import dataclass
from typing import Literal

from crypto.room.log_head import SEEN_HEAD_LENGTH, Seen

CHUNK_POSITIONS = 512
MAX_CHUNKS = 17
"""At least 8,192 positions are kept, whatever the fill of the last chunk."""


@dataclass(frozen=True, slots=True)
class HeadChunk:
    """Heads of `start`, `start + 1`, … side by side. A chunk ends below a multiple of 512."""

    start: int
    heads: bytes


Heads = tuple[HeadChunk, ...]

SeenVerdict = Literal[
    "same",
    "unknown",  # older than what this device keeps: nothing follows from it
    "differs",  # another head than ours
    "impossible",  # a position that the author cannot have seen, or that it must have passed already
]


def chunk_number(chunk: HeadChunk) -> int:
    return chunk.start // CHUNK_POSITIONS


def _end(chunk: HeadChunk) -> int:
    return chunk.start + len(chunk.heads) // SEEN_HEAD_LENGTH


def heads_from(n: int, head: bytes) -> Heads:
    """A history that begins with one position."""
    return (HeadChunk(n, head[:SEEN_HEAD_LENGTH]),)


def with_head(history: Heads, n: int, head: bytes) -> Heads:
    """The history with the head of the next position."""
    if not history or _end(history[-1]) != n:
        return heads_from(n, head)
    last, short = history[-1], head[:SEEN_HEAD_LENGTH]
    if n % CHUNK_POSITIONS == 0:
        return (*history, HeadChunk(n, short))[-MAX_CHUNKS:]
    return (*history[:-1], HeadChunk(last.start, last.heads + short))


def head_at(history: Heads, n: int) -> bytes | None:
    """What is kept of the head of a position, or None where it is not known (any more, or yet)."""
    for chunk in reversed(history):
        if chunk.start <= n < _end(chunk):
            at = (n - chunk.start) * SEEN_HEAD_LENGTH
            return chunk.heads[at : at + SEEN_HEAD_LENGTH]
    return None


def judge_seen(history: Heads, seen: Seen, n: int, after: int) -> SeenVerdict:
    """E19: what an author says it had seen, against what this device has. `n` is the entry's own position,
    `after` that of the last Commit or leave before it, which its author must have processed (E17).
    """
    if seen.n >= n or seen.n < after:
        return "impossible"
    known = head_at(history, seen.n)
    if known is None:
        return "unknown"
    return "same" if known == seen.head else "differs"
