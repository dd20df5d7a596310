"""A room as a program uses it: what was said, and how to say something."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Protocol, TypeVar

from client.engine.draft import Draft
from client.engine.enrol import checked_title
from client.engine.records import WithdrawTokenErrand, with_errand
from client.engine.session import Session
from client.errors import CollegiumError, error_code, translated
from client.room import commands
from client.room.core import CommandError
from client.room.sight import Delivery, RoomSight, SightItem, SightPost, SightReaction, SightState
from client.room.state import RoomState
from crypto.room.invites import InviteLink, encode_link, new_invite
from crypto.room.text import is_post_text
from crypto.room.timeline import find_post
from wire import http as bodies
from wire.bounds import to_base64url

T = TypeVar("T")

# Items that are looked through at once for what is new.
PAGE: Final = 50
# How long an invite may take to be on the log before it is taken back.
INVITE_WITHIN_S: Final = 20.0


def when(ms: int) -> datetime:
    """A stamp of the server's, in UTC."""
    return datetime.fromtimestamp(ms / 1000, UTC)


@dataclass(frozen=True, slots=True)
class Post:
    """Something that somebody said, as it is now: edits and reactions change later copies of it."""

    id: bytes
    n: int
    """Its position in the room's log; 0 while it waits to be sent."""
    at: datetime
    author: str
    """The name that colleagues see. Names are chosen by their bearers: `author_id` tells people apart."""
    author_id: bytes
    mine: bool
    text: str
    """Markdown; empty when deleted."""
    deleted: bool
    edited: bool
    reply_to: bytes | None
    reactions: tuple[SightReaction, ...]
    delivery: Delivery


def post_of(item: SightPost) -> Post:
    return Post(
        id=item.id,
        n=item.n,
        at=when(item.at),
        author=item.author_name,
        author_id=item.author,
        mine=item.mine,
        text=item.text,
        deleted=item.deleted,
        edited=item.edited_at is not None,
        reply_to=None if item.reply_to is None else item.reply_to.id,
        reactions=item.reactions,
        delivery=item.delivery,
    )


@dataclass(frozen=True, slots=True)
class Member:
    """A person in a room."""

    account_id: bytes
    name: str
    devices: int
    founder: bool
    online: bool


class Holder(Protocol):
    """Who holds the open store."""

    @property
    def session(self) -> Session:
        """Raises CollegiumError not_open."""
        ...

    async def until(self, look: Callable[[], T | None]) -> T:
        """Raises CollegiumError when the store is closed or fails meanwhile."""
        ...


class Room:
    """One room of this member. It stays the same object's worth of room whatever happens: ask `state`."""

    def __init__(self, holder: Holder, room_id: bytes) -> None:
        self._holder, self.id = holder, room_id

    def __repr__(self) -> str:
        return f"Room({to_base64url(self.id)!r})"

    # What there is to see

    @property
    def title(self) -> str:
        return self._state.title

    @property
    def state(self) -> SightState:
        return self.sight(0).state

    @property
    def members(self) -> list[Member]:
        return [
            Member(one.account_id, one.name, one.devices, one.founder, one.online)
            for one in self.sight(0).members
        ]

    @property
    def unread(self) -> int:
        return self.sight(0).unread

    @property
    def read_up_to(self) -> int:
        """The log position up to which this member has read."""
        return self._state.read_up_to

    @property
    def position(self) -> int:
        """The log position up to which everything is here."""
        return self._state.log.n

    @property
    def knows_state(self) -> bool:
        """Whether the names of those who were there before are known: a newcomer is told them (E24)."""
        return self._state.newcomer is None

    def sight(self, items: int) -> RoomSight:
        """Everything that the room shows, with its latest items. Raises CollegiumError."""
        found = self._holder.session.sight(self.id, items)
        if found is None:
            raise CollegiumError("room_unknown")
        return found

    @property
    def _state(self) -> RoomState:
        found = self._holder.session.rooms.get(self.id)
        if found is None:
            raise CollegiumError("room_unknown")
        return found

    def items(self, after: int) -> list[SightItem]:
        """All items above a log position that this device has, in order."""
        count = PAGE
        while True:
            sight = self.sight(count)
            if not sight.older or (sight.items and sight.items[0].n <= after and sight.items[0].n > 0):
                return [item for item in sight.items if item.n > after]
            count *= 2

    def posts(self, limit: int = PAGE) -> list[Post]:
        """The latest posts that this device has, in order, with those that wait to be sent."""
        return [post_of(item) for item in self.sight(limit).items if isinstance(item, SightPost)]

    async def follow(self, *, after: int | None = None, mine: bool = False) -> AsyncIterator[Post]:
        """Posts of the others as they come (`mine`: one's own as well), from the first unread one on, or from
        the one after a log position. It goes on until the loop ends it, and over lost connections.

        A post counts as read when the loop asks for the next one: a program that is killed in the middle of
        one is given it again. Raises CollegiumError room_closed when this member is no longer in the room.
        """
        upto = self.read_up_to if after is None else after
        while True:
            found = await self._holder.until(lambda upto=upto: self._posts_above(upto, mine))  # type: ignore[misc]
            for post in found:
                yield post
                upto = post.n
                await self.mark_read(post.n)

    def _posts_above(self, n: int, mine: bool) -> list[Post] | None:
        found = [
            post_of(item)
            for item in self.items(n)
            if isinstance(item, SightPost) and not item.deleted and (mine or not item.mine)
        ]
        if not found and self.state in ("removed", "left"):
            raise CollegiumError("room_closed")
        return found or None

    async def mark_read(self, n: int) -> None:
        """Everything up to this log position (`post.n`) was read."""
        if n > self.read_up_to:
            await self._command(commands.MarkRead(n))

    # Saying something

    async def say(self, text: str, *, reply_to: Post | None = None) -> Post:
        """Post a text in Markdown; returns when the server has it on disk and it stands in the log.

        It is stored before it is sent. Whoever stops waiting (asyncio.timeout) does not take it back: it goes
        out when the server can be reached, by this process or the next one. Raises CollegiumError.
        """
        if text.strip() == "":
            raise CollegiumError("text_empty")
        if not is_post_text(text):
            raise CollegiumError("text_too_long")

        def queue(draft: Draft) -> bytes:
            draft.step(self.id, commands.Post(text, None if reply_to is None else reply_to.id))
            state = draft.room(self.id)
            if state is None or not state.outbox:
                raise CollegiumError("room_not_ready")
            return state.outbox[-1].id

        with translated():
            said = await self._holder.session.work(queue)
        await self._holder.until(lambda: self._arrived(said))
        return self._post(said)

    def _arrived(self, said: bytes) -> bool | None:
        state = self._state
        if find_post(state.timeline, said) is not None:
            return True
        if state.stage in ("removed", "left"):
            raise CollegiumError("room_closed")
        if state.pause is not None:
            raise CollegiumError("room_paused")
        return None

    def _post(self, post_id: bytes) -> Post:
        count = PAGE
        while True:
            sight = self.sight(count)
            for item in reversed(sight.items):
                if isinstance(item, SightPost) and item.id == post_id:
                    return post_of(item)
            if not sight.older:
                raise CollegiumError("target_gone")
            count *= 2

    async def edit(self, post: Post, text: str) -> None:
        """Other words for a post of one's own. It goes out by itself, as `delete` and `react` do."""
        if text.strip() == "":
            raise CollegiumError("text_empty")
        await self._command(commands.Edit(post.id, text))

    async def delete(self, post: Post) -> None:
        await self._command(commands.Delete(post.id))

    async def react(self, post: Post, emoji: str, on: bool = True) -> None:
        await self._command(commands.React(post.id, emoji, on))

    async def resume(self) -> None:
        """Go on after an alarm has paused sending (E19): the last messages were compared by voice."""
        await self._command(commands.Resume())

    # What the group agrees on. Each returns when it stands in the log.

    async def rename(self, title: str) -> None:
        await self._wish(commands.Rename(checked_title(title)))

    async def remove(self, member: Member) -> None:
        """Remove somebody at once where policy lets this member, else propose it or approve the proposal
        (E14).
        """
        await self._wish(commands.RemoveMember(member.account_id))

    async def leave(self) -> None:
        await self._command(commands.Leave())
        await self._holder.until(lambda: True if self._state.stage in ("left", "removed") else None)

    async def invite(self) -> str:
        """A link for one person, for 72 hours (E27, E28). Give it over a channel that nobody else reads:
        whoever opens it first is let in. Raises CollegiumError.
        """
        session = self._holder.session
        try:
            async with asyncio.timeout(INVITE_WITHIN_S):
                await self._holder.until(lambda: session.online or None)
        except TimeoutError as error:
            raise CollegiumError("offline") from error
        account_id = session.records.account.identity.account_id
        made = new_invite(session.world.rng, account_id, session.env().server_now)
        invite_id = made.open.id
        body = bodies.NewRegistrationToken(room_id=self.id, invite_id=invite_id)
        with translated():
            answer = await session.auth.call(
                "POST", "/api/registration-tokens", bodies.RegistrationToken, body
            )
        settled = session.await_invite(self.id, invite_id)
        try:
            await self._command(commands.Invite(made.open))
            async with asyncio.timeout(INVITE_WITHIN_S):
                refused = await settled
        except TimeoutError as error:
            # Nobody will have this link: take the invite back, wherever it has got to.
            await self._command(commands.WithdrawInvite(invite_id))
            raise CollegiumError("offline") from error
        except CollegiumError:
            await self._withdraw_token(invite_id)
            raise
        if refused is not None:
            await self._withdraw_token(invite_id)
            raise CollegiumError(error_code(CommandError(refused)))
        link = encode_link(InviteLink(to_base64url(answer.token), made.fragment))
        return f"{session.http.origin}/join#{link}"

    async def _withdraw_token(self, invite_id: bytes) -> None:
        def withdraw(draft: Draft) -> None:
            draft.records = with_errand(draft.records, WithdrawTokenErrand(0, invite_id))

        await self._holder.session.work(withdraw)

    async def _wish(self, wish: commands.Intent) -> None:
        session = self._holder.session
        before = session.drops.get(self.id)
        await self._command(wish)
        await self._holder.until(lambda: None if wish in self._state.intents else True)
        after = session.drops.get(self.id)
        if after is not None and after is not before and after.command == wish.kind:
            raise CollegiumError(error_code(CommandError(after.code)))

    async def _command(self, command: commands.Command) -> None:
        with translated():
            await self._holder.session.work(lambda draft: draft.step(self.id, command))
