"""Calls to the server that must not be lost: stored before they are made, and made until they are answered.

They run beside the queue, one at a time; what comes of each is a draft of its own.
"""

import asyncio
import logging
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from client.engine.draft import Draft
from client.engine.founding import found
from client.engine.http import may_pass
from client.engine.joining import accept_invite, post_join_request, with_state
from client.engine.records import (
    BackupErrand,
    Errand,
    RejoinErrand,
    WaitingRow,
    WithdrawTokenErrand,
    with_errand,
    without_errand,
)
from client.errors import CollegiumError, ServerError
from client.room.core import room_pin
from crypto.identity.bundle import Bundle, seal_bundle
from wire import http as bodies
from wire.bounds import to_base64url

if TYPE_CHECKING:
    from client.engine.session import Session

AGAIN_MS: Final = 15_000

log = logging.getLogger("collegium")


@dataclass(frozen=True, slots=True)
class _Done:
    pass


@dataclass(frozen=True, slots=True)
class _Later:
    at: int


@dataclass(frozen=True, slots=True)
class _Refused:
    code: str


_Outcome = _Done | _Later | _Refused


class Chores:
    """`kick` when there may be something to do."""

    def __init__(self, session: "Session") -> None:
        self._session = session
        self._task: asyncio.Task[None] | None = None
        self._again: asyncio.TimerHandle | None = None
        # A group that was being started when the engine ended.
        self._unfinished = session.records.founding

    def kick(self) -> None:
        if self._task is not None or not self._session.online or self._session.closed:
            return
        self._disarm()
        self._task = asyncio.create_task(self._run())
        self._task.add_done_callback(self._ended)

    async def stop(self) -> None:
        self._disarm()
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def _ended(self, task: "asyncio.Task[None]") -> None:
        self._task = None
        if task.cancelled():
            return
        error = task.exception()
        if error is not None and not self._session.closed:
            log.error("a chore failed", exc_info=error)
        self._arm()

    def _disarm(self) -> None:
        if self._again is not None:
            self._again.cancel()
            self._again = None

    def _arm(self) -> None:
        """Wake for what is to be done later."""
        self._disarm()
        session = self._session
        if session.closed or not session.records.errands:
            return
        wait = min(errand.not_before for errand in session.records.errands) - session.world.now()
        self._again = asyncio.get_running_loop().call_later(min(max(wait, 250), AGAIN_MS) / 1000, self.kick)

    async def _run(self) -> None:
        session = self._session
        while session.online and not session.closed:
            now = session.world.now()
            records = session.records
            asking = next((row for row in records.waiting if row.state == "asking"), None)
            errand = next((one for one in records.errands if one.not_before <= now), None)
            if self._unfinished is not None:
                self._unfinished = None
                await self._found()
            elif records.account.link is not None:
                if not await self._accept(records.account.link):
                    return
            elif asking is not None:
                if not await self._ask(asking):
                    return
            elif errand is not None:
                await self._errand(errand)
            else:
                return

    async def _found(self) -> None:
        try:
            await found(self._session)
        except CollegiumError as error:
            log.warning("a group was given up: %s", error.code)

    async def _accept(self, link: str) -> bool:
        """The invitation that the account was made by. False: the server cannot be asked now."""
        session = self._session
        try:
            await accept_invite(session, link)
        except CollegiumError as error:
            if may_pass(error) or session.closed:
                return False
            await session.work(lambda draft: draft.alarm("invite_lost", None, None, None))
        await session.work(_without_link)
        return True

    async def _ask(self, row: WaitingRow) -> bool:
        """Post a join request again. False: the server cannot be asked now."""
        session = self._session
        try:
            await post_join_request(session, row)
        except CollegiumError as error:
            if may_pass(error):
                return False

            def expire(draft: Draft) -> None:
                draft.records = with_state(draft.records, row, "expired")

            await session.work(expire)
        return True

    async def _errand(self, errand: Errand) -> None:
        outcome = await self._attempt(errand)

        def settle(draft: Draft) -> None:
            if not any(one is errand for one in draft.records.errands):
                return  # a newer one took its place
            if isinstance(outcome, _Later):
                draft.records = with_errand(draft.records, replace(errand, not_before=outcome.at))
                return
            draft.records = without_errand(draft.records, errand)
            if isinstance(outcome, _Refused) and isinstance(errand, BackupErrand):
                draft.alarm("backup_failed", None, None, None)

        await self._session.work(settle)

    async def _attempt(self, errand: Errand) -> _Outcome:
        try:
            await self._do(errand)
        except ServerError as error:
            if not may_pass(error):
                return _Refused(error.code)
            wait = AGAIN_MS if error.retry_after is None else error.retry_after * 1000
            return _Later(self._session.world.now() + wait)
        return _Done()

    async def _do(self, errand: Errand) -> None:
        session = self._session
        call, account = session.auth.call, session.records.account
        match errand:
            case BackupErrand():
                pins = tuple(pin for state in session.rooms.values() if (pin := room_pin(state)) is not None)
                sealed = seal_bundle(Bundle(account.identity, account.name, pins), session.world.rng)
                await call("PUT", "/api/backup", bodies.Empty, bodies.Backup(backup=sealed))
            case WithdrawTokenErrand(invite_id=invite_id):
                await call("DELETE", f"/api/registration-tokens/{to_base64url(invite_id)}", bodies.Empty)
            case RejoinErrand(room_id=room_id, sealed=sealed):
                body = bodies.RejoinRequest(room_id=room_id, sealed=sealed)
                await call("POST", "/api/rejoin-requests", bodies.RequestPosted, body)


def _without_link(draft: Draft) -> None:
    draft.records = replace(draft.records, account=replace(draft.records.account, link=None))
