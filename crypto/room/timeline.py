"""What people said in a room and what happened there, as this device shows it.

A fold over the entries it could read. Immutable, in segments of 250 items, so that one message rewrites one
segment. It holds what the log has given a position; what is still queued is laid over it when it is shown.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import ClassVar, Final, Literal, NamedTuple, TypeAlias

from crypto.room.attendance import CallItem, is_believable, with_word
from crypto.room.call_bodies import SittingEvent
from crypto.room.origin import Origin

SEGMENT_ITEMS: Final = 250
# Different emoji under one post. More is noise, whoever sends it.
_MAX_REACTIONS: Final = 64


@dataclass(frozen=True, slots=True)
class Reaction:
    """An emoji, and the accounts that chose it, in order of arrival."""

    emoji: str
    who: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class PostItem:
    """`at` is the server's stamp (ms), `author` an account."""

    kind: ClassVar[Literal["post"]] = "post"
    id: bytes
    n: int
    at: int
    author: bytes
    text: str
    reply_to: bytes | None
    deleted: bool = False
    edited_at: int | None = None
    reactions: tuple[Reaction, ...] = ()


# Details. unreadable: before_joined, missed, damaged or other. rang and what follows it: why. meeting and
# what follows it: the title, and which date. call and what follows it are what a CallItem is shown as: its
# minutes.
SystemCode: TypeAlias = Literal[
    "created",
    "joined",
    "left",
    "removed",
    "renamed",
    "policy",
    "rejoined",
    "unreadable",
    "bad_commit",
    "newer_version",
    "rang",
    "rang_off",
    "rang_written",
    "call",
    "call_rung",
    "call_meeting",
    "meeting",
    "meeting_changed",
    "meeting_moved",
    "meeting_cancelled",
    "meeting_ended",
]


@dataclass(frozen=True, slots=True)
class SystemItem:
    kind: ClassVar[Literal["system"]] = "system"
    id: bytes
    n: int
    at: int
    code: SystemCode
    who: bytes | None
    by: bytes | None
    detail: str


Item: TypeAlias = PostItem | SystemItem | CallItem
Segment: TypeAlias = tuple[Item, ...]
Timeline: TypeAlias = tuple[Segment, ...]

# What somebody says about a post.


@dataclass(frozen=True, slots=True)
class SaidPost:
    id: bytes
    text: str
    reply_to: bytes | None


@dataclass(frozen=True, slots=True)
class SaidEdit:
    target: bytes
    text: str


@dataclass(frozen=True, slots=True)
class SaidDelete:
    target: bytes


@dataclass(frozen=True, slots=True)
class SaidReact:
    target: bytes
    emoji: str
    on: bool


Said: TypeAlias = SaidPost | SaidEdit | SaidDelete | SaidReact

EMPTY_TIMELINE: Final[Timeline] = ()


class _Full(tuple[Item, ...]):
    """A segment that takes no more: its items do not move, so where each one is, is worked out once."""

    @cached_property
    def places(self) -> Mapping[bytes, int]:
        return {item.id: at for at, item in enumerate(self)}


def _segment(items: Iterable[Item]) -> Segment:
    segment = tuple(items)
    return _Full(segment) if len(segment) == SEGMENT_ITEMS else segment


def timeline_of(segments: Iterable[Segment]) -> Timeline:
    """Of segments as they were stored."""
    return tuple(_segment(segment) for segment in segments)


class _Found(NamedTuple):
    segment: int
    at: int
    item: Item


def _place_in(segment: Segment, id_: bytes) -> int | None:
    if isinstance(segment, _Full):
        return segment.places.get(id_)
    return next((at for at in range(len(segment) - 1, -1, -1) if segment[at].id == id_), None)


def _find(timeline: Timeline, id_: bytes) -> _Found | None:
    """From the end: what people speak about is recent."""
    for segment in range(len(timeline) - 1, -1, -1):
        at = _place_in(timeline[segment], id_)
        if at is not None:
            return _Found(segment, at, timeline[segment][at])
    return None


def find_post(timeline: Timeline, id_: bytes) -> PostItem | None:
    found = _find(timeline, id_)
    return found.item if found is not None and isinstance(found.item, PostItem) else None


def find_system(timeline: Timeline, id_: bytes) -> SystemItem | None:
    found = _find(timeline, id_)
    return found.item if found is not None and isinstance(found.item, SystemItem) else None


def _append(timeline: Timeline, item: Item) -> Timeline:
    if not timeline or len(timeline[-1]) >= SEGMENT_ITEMS:
        return (*timeline, (item,))
    return (*timeline[:-1], _segment((*timeline[-1], item)))


def _change(timeline: Timeline, target: bytes, by: Callable[[PostItem], PostItem]) -> Timeline:
    found = _find(timeline, target)
    if found is None or not isinstance(found.item, PostItem):
        return timeline  # said before this device was there, or about nothing
    return _put(timeline, found, by(found.item))


def _put(timeline: Timeline, found: _Found, after: Item) -> Timeline:
    if after is found.item:
        return timeline
    segment = timeline[found.segment]
    changed = _segment((*segment[: found.at], after, *segment[found.at + 1 :]))
    return (*timeline[: found.segment], changed, *timeline[found.segment + 1 :])


def changed_post(post: PostItem, said: Said, author: bytes, at: int) -> PostItem:
    """A post after what its author, or anyone, said about it. Only authors edit and delete."""
    if post.deleted:
        return post
    match said:
        case SaidEdit(_, text) if post.author == author:
            return replace(post, text=text, edited_at=at)
        case SaidDelete() if post.author == author:
            return replace(post, text="", deleted=True, reactions=())
        case SaidReact(_, emoji, on):
            return _reacted(post, emoji, author, on=on)
        case _:
            return post


def _reacted(post: PostItem, emoji: str, author: bytes, *, on: bool) -> PostItem:
    before = post.reactions
    at = next((i for i, one in enumerate(before) if one.emoji == emoji), None)
    if at is None:
        if not on or len(before) >= _MAX_REACTIONS:
            return post
        return replace(post, reactions=(*before, Reaction(emoji, (author,))))
    others = tuple(who for who in before[at].who if who != author)
    if on and len(others) < len(before[at].who):
        return post
    who = (*others, author) if on else others
    still = (Reaction(emoji, who),) if who else ()
    return replace(post, reactions=(*before[:at], *still, *before[at + 1 :]))


def with_said(timeline: Timeline, said: Said, author: bytes, n: int, at: int) -> Timeline:
    """With one more thing said, at position n. A post whose id is there already changes nothing."""
    if not isinstance(said, SaidPost):
        return _change(timeline, said.target, lambda post: changed_post(post, said, author, at))
    if _find(timeline, said.id) is not None:
        return timeline
    return _append(timeline, new_post(said, author, n, at))


def with_sitting(
    timeline: Timeline, event: SittingEvent, author: bytes, n: int, at: int, origin: Origin | None
) -> Timeline:
    """With one more word about who was in a call, at position n. `origin`: what it names."""
    if not is_believable(event, at):
        return timeline
    found = _find(timeline, event.sitting)
    if found is None:
        return _append(timeline, with_word(CallItem(event.sitting, n, at), author, event, origin))
    if not isinstance(found.item, CallItem):
        return timeline
    return _put(timeline, found, with_word(found.item, author, event, origin))


def new_post(said: SaidPost, author: bytes, n: int, at: int) -> PostItem:
    return PostItem(said.id, n, at, author, said.text, said.reply_to)


def with_system(timeline: Timeline, item: SystemItem) -> Timeline:
    return _append(timeline, item)


def item_count(timeline: Timeline) -> int:
    return (len(timeline) - 1) * SEGMENT_ITEMS + len(timeline[-1]) if timeline else 0


def latest(timeline: Timeline, count: int) -> tuple[Item, ...]:
    """The latest items, in order."""
    out: tuple[Item, ...] = ()
    for segment in reversed(timeline):
        if len(out) >= count:
            break
        out = (*segment[-(count - len(out)) :], *out)
    return out


def unread_above(timeline: Timeline, n: int, me: bytes) -> int:
    """How many posts of others stand above a position."""
    count = 0
    for segment in reversed(timeline):
        for item in reversed(segment):
            if item.n <= n:
                return count
            if isinstance(item, PostItem) and not item.deleted and item.author != me:
                count += 1
    return count
