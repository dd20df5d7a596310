"""The headless member: sits in rooms with browsers, end-to-end encrypted like them.

    async with Collegium.open("notes.sqlite", passphrase) as me:
        room = await me.join(link, name="Notes")
        await room.say("Good morning")
        async for post in room.follow():
            print(post.author, post.text)

One store is one device of one account on one server, and can be open once. Whatever was said or asked for is
stored before it is sent, so that a process which was killed at any moment goes on where it was when the store
is opened again. Every method may raise CollegiumError, whose `code` is stable and whose text says what to do.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from os import PathLike
from pathlib import Path
from types import TracebackType
from typing import Final, TypeVar

from client.changes import Changes
from client.conversation import Room, when
from client.engine import opening
from client.engine.draft import Draft
from client.engine.enrol import (
    Code,
    checked_passphrase,
    checked_title,
    link_origin,
    read_link,
    typed_code,
)
from client.engine.founding import start_group
from client.engine.http import Http, may_pass, origin_of
from client.engine.joining import accept_invite
from client.engine.session import Connection, Session
from client.engine.world import World, system_world
from client.errors import CollegiumError, translated
from client.room.turn import is_level
from client.vault.vault import stored_wraps
from client.vault.wraps import Passphrase
from client.words import alarm_words
from crypto.identity.recovery_code import format_recovery_code
from crypto.room.invites import InviteLink, keys_of
from wire.bounds import to_base64url

T = TypeVar("T")

# E24: whoever let a newcomer in tells the state of the room at once, another member after 10 seconds.
STATE_WITHIN_S: Final = 15.0
WELCOME_WITHIN_S: Final = 5.0


@dataclass(frozen=True, slots=True)
class Alarm:
    """Something that a person must know."""

    id: bytes
    code: str
    text: str
    room_id: bytes | None
    at: datetime


class Collegium:
    """An account's device. Use `open`; an empty store gets its account by `join`, `sign_up` or `recover`."""

    def __init__(self, world: World, passphrase: str) -> None:
        self._world, self._way = world, Passphrase(passphrase)
        self._changes = Changes()
        self._session: Session | None = None
        # An account that the server has perhaps not taken yet, its store open.
        self._begun: opening.Begun | None = None

    @classmethod
    def open(cls, store: "str | PathLike[str]", passphrase: str) -> "Collegium":
        """For `async with`: the store at a path, which the first use makes, connected to its server."""
        return cls(system_world(Path(store)), passphrase)

    async def __aenter__(self) -> "Collegium":
        """Raises VaultError; ServerError where the server does not know the account and cannot be told."""
        if await stored_wraps(self._world.storage):
            begun = await opening.unlock(self._world, self._way)
            try:
                await self._finish(begun, Http(self._world, begun.opened.records.account.origin))
            except BaseException:
                await self.close()
                raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Give the store back. What was not sent yet goes out when it is opened again."""
        if self._begun is not None:
            await self._begun.vault.close()
            self._begun = None
        if self._session is not None:
            await self._session.close()

    # What there is

    @property
    def has_account(self) -> bool:
        return self._session is not None

    @property
    def session(self) -> Session:
        """The engine underneath. Raises CollegiumError no_account, or not_open."""
        if self._session is None:
            raise CollegiumError("no_account")
        if self._session.closed:
            raise CollegiumError("not_open")
        return self._session

    @property
    def account_id(self) -> bytes:
        return self.session.records.account.identity.account_id

    @property
    def name(self) -> str:
        """What colleagues see."""
        return self.session.records.account.name

    @property
    def server(self) -> str:
        return self.session.http.origin

    @property
    def connection(self) -> Connection:
        return self.session.connection

    @property
    def skew(self) -> int:
        """Milliseconds that the server's clock is ahead of this device's; 0 before the first connection."""
        return self.session.skew

    @property
    def rooms(self) -> list[Room]:
        """Also those that this member was removed from: what was read there stays readable."""
        return [Room(self, room_id) for room_id in self.session.rooms]

    def room(self, which: str) -> Room:
        """By its name, or by its id or the beginning of it. Raises CollegiumError."""
        wanted = which.strip().casefold()
        if wanted == "":
            raise CollegiumError("room_unknown")
        named = [room for room in self.rooms if room.title.casefold() == wanted]
        found = named or [room for room in self.rooms if to_base64url(room.id).startswith(which.strip())]
        found = found or [room for room in self.rooms if room.title.casefold().startswith(wanted)]
        if not found:
            raise CollegiumError("room_unknown")
        if len(found) > 1:
            raise CollegiumError("room_ambiguous")
        return found[0]

    @property
    def alarms(self) -> list[Alarm]:
        """The newest first, until dismissed."""
        return [
            Alarm(one.id, one.code, alarm_words(one.code, one.name), one.room_id, when(one.at))
            for one in self.session.records.alarms
        ]

    async def dismiss(self, alarm: Alarm) -> None:
        def drop(draft: Draft) -> None:
            alarms = tuple(one for one in draft.records.alarms if one.id != alarm.id)
            draft.records = replace(draft.records, alarms=alarms)

        await self.session.work(drop)

    @property
    def recovery_code(self) -> str | None:
        """The one way back into this account when the store is lost: write it down, then call
        `recovery_code_is_kept`. None from then on.
        """
        kept = self.session.records.account.kept
        return None if kept is None else format_recovery_code(kept.code)

    async def recovery_code_is_kept(self) -> None:
        """E6: from here on it is with the person alone."""

        def forget(draft: Draft) -> None:
            draft.records = replace(draft.records, account=replace(draft.records.account, kept=None))

        await self.session.work(forget)

    async def until(self, look: Callable[[], T | None]) -> T:
        """What `look` finds, once it does not find None; it is asked whenever something may have changed."""

        def looked() -> T | None:
            failure = self.session.failure
            if failure is not None:
                raise failure
            return look()

        return await self._changes.until(looked)

    async def online(self) -> None:
        """Wait for the connection."""
        await self.until(lambda: True if self.session.online else None)

    async def up_to_date(self) -> None:
        """Wait until everything that the server has for this device is here."""

        def look() -> bool | None:
            session = self.session
            rooms = [
                one
                for one in session.rooms.values()
                if one.stage == "member" and one.room_id in session.listed
            ]
            return True if session.online and all(is_level(one) for one in rooms) else None

        await self.until(look)

    # Coming into being

    async def join(self, link: str, *, name: str | None = None) -> Room:
        """Into a room by an invitation, and make the account first where there is none (`name`: what
        colleagues will see). Returns when a member's device has let this one in, which may take until one of
        theirs is online.

        The same link leads to the same room again, so a program may call this at every start. Whoever stops
        waiting (asyncio.timeout) has still asked: the store remembers. Raises CollegiumError.
        """
        if self._session is None:
            await self.sign_up(link, name=name)
        parsed = read_link(link, self.server)
        if not isinstance(parsed, InviteLink):
            raise CollegiumError("link_founder")
        invite_id = keys_of(parsed.fragment.secret).invite_id
        records = self.session.records
        known = {row.invite_id for row in records.joined} | {row.invite_id for row in records.waiting}
        if records.account.link is None and invite_id not in known:
            with translated():
                await accept_invite(self.session, link)
        room = await self._let_in(invite_id)
        with suppress(TimeoutError):  # it comes by itself: until then names are missing
            async with asyncio.timeout(STATE_WITHIN_S):
                await self.until(lambda: room.knows_state or None)
        return room

    async def _let_in(self, invite_id: bytes) -> Room:
        await self.until(lambda: self._joined(invite_id) or self._is_over(invite_id) or None)
        try:
            # Perhaps it was answered in time, and only our asking again was too late: then the Welcome is
            # near.
            async with asyncio.timeout(WELCOME_WITHIN_S):
                return await self.until(lambda: self._joined(invite_id))
        except TimeoutError as error:
            raise CollegiumError("invite_expired") from error

    def _joined(self, invite_id: bytes) -> Room | None:
        rows = self.session.records.joined
        return next((Room(self, row.room_id) for row in rows if row.invite_id == invite_id), None)

    def _is_over(self, invite_id: bytes) -> bool:
        """Whether nobody will answer this invitation. Raises CollegiumError where it never was one."""
        records = self.session.records
        row = next((one for one in records.waiting if one.invite_id == invite_id), None)
        if row is None:
            if records.account.link is None:
                raise CollegiumError("link_unknown")
            return False
        return row.state == "expired" and self.session.online

    async def sign_up(self, link: str, *, name: str | None) -> None:
        """A new account by a link, in an empty store. An invitation in the link is accepted by itself: `join`
        waits for that. Raises CollegiumError.
        """
        if self._session is not None:
            raise CollegiumError("account_exists")
        http = Http(self._world, link_origin(link))
        try:
            begun = await self._begin(http, link, name)
        except BaseException:
            await http.close()
            raise
        await self._finish(begun, http)

    async def _begin(self, http: Http, link: str, name: str | None) -> opening.Begun:
        earlier, self._begun = self._begun, None
        if earlier is not None and opening.is_for(earlier.opened.records, http.origin, link):
            return earlier if name is None else await opening.rename(earlier, name)
        if earlier is not None:  # another link: another account
            await earlier.vault.erase()
            await earlier.vault.close()
        if name is None:
            raise CollegiumError("name_missing")
        way = Passphrase(checked_passphrase(self._way.text))
        with translated():
            return await opening.create(self._world, http, link, name, way)

    @staticmethod
    async def new_passphrase(store: "str | PathLike[str]", code: str, passphrase: str) -> None:
        """The passphrase is forgotten: the recovery code opens the store, and this one takes its place.
        Raises CollegiumError.
        """
        way = Passphrase(checked_passphrase(passphrase))
        with translated():
            await opening.unlock_with_code(system_world(Path(store)), typed_code(code), way)

    async def recover(self, server: str, code: str) -> None:
        """The account of a recovery code, as a new device in an empty store. Its rooms ask to be let in
        again; their state is "rejoining" until a member's device has done so (E22). Raises CollegiumError.
        """
        if self._session is not None:
            raise CollegiumError("account_exists")
        way = Passphrase(checked_passphrase(self._way.text))
        with translated():
            typed = typed_code(code)
        if await self._came_back(typed):
            return
        http = Http(self._world, origin_of(server))
        try:
            with translated():
                begun = await opening.recover(self._world, http, typed, way)
        except BaseException:
            await http.close()
            raise
        await self._finish(begun, http)

    async def _came_back(self, code: Code) -> bool:
        """Whether an earlier try is finished now: perhaps only its answer was lost. A grant that has run out
        is no reason to stop: there is a new one.
        """
        earlier, self._begun = self._begun, None
        if earlier is None:
            return False
        account = earlier.opened.records.account
        if account.identity.account_id != code.account_id:
            await earlier.vault.erase()
            await earlier.vault.close()
            return False
        try:
            await self._finish(earlier, Http(self._world, account.origin))
        except CollegiumError as error:
            if may_pass(error):
                raise
            return False
        return True

    async def _finish(self, begun: opening.Begun, http: Http) -> None:
        """Make it known to the server, and go on with it."""
        try:
            with translated():
                opened = await opening.finish(http, begun)
        except BaseException as error:
            await http.close()
            if may_pass(error):
                self._begun = begun  # the next try goes on with the same keys
            else:
                await begun.vault.close()
            raise
        self._session = Session(self._world, http, begun.vault, opened, self._changes.tell)
        self._session.start()

    async def start(self, title: str) -> Room:
        """A new group with this member alone in it. Raises CollegiumError."""
        with translated():
            return Room(self, await start_group(self.session, checked_title(title)))
