"""Invitations, from the link to the waiting for a member's device (E27, E28). The Welcome is the session's
(E25).
"""

from dataclasses import replace
from typing import TYPE_CHECKING, Literal

from client.engine.draft import Draft
from client.engine.enrol import FounderInfo, look_up, read_link
from client.engine.http import may_pass
from client.engine.records import Records, WaitingRow
from client.errors import CollegiumError, ServerError
from client.room.core import ask_to_join
from crypto.room.invites import InviteLink
from wire import http as bodies
from wire.bounds import from_base64url

if TYPE_CHECKING:
    from client.engine.session import Session


def with_state(records: Records, row: WaitingRow, state: Literal["asking", "waiting", "expired"]) -> Records:
    waiting = tuple(replace(one, state=state) if one is row else one for one in records.waiting)
    return replace(records, waiting=waiting)


async def post_join_request(session: "Session", row: WaitingRow) -> None:
    """Ask to be let in. Raises CollegiumError: offline, or that the link leads nowhere (any more)."""
    body = bodies.JoinRequest(token=row.token, sealed=row.sealed)
    try:
        await session.auth.call("POST", "/api/join-requests", bodies.RequestPosted, body)
    except ServerError as error:
        if error.code == "not_found":
            raise CollegiumError("link_unknown") from error
        raise

    def ask(draft: Draft) -> None:
        draft.records = with_state(draft.records, row, "waiting")

    await session.work(ask)


async def accept_invite(session: "Session", text: str) -> None:
    """With an account: ask to be let in by an invite. Stored first, so that a crash in between asks again.

    Raises CollegiumError.
    """
    link = read_link(text, session.http.origin)
    found = await look_up(session.http, link)
    if not isinstance(link, InviteLink) or isinstance(found, FounderInfo):
        raise CollegiumError("link_unknown")

    def note(draft: Draft) -> WaitingRow | None:
        known = next((one for one in draft.records.waiting if one.invite_id == found.invite_id), None)
        if known is not None:
            return known if known.state == "asking" else None
        state = draft.room(found.room_id)
        if state is not None and state.stage not in ("left", "removed"):
            raise CollegiumError("link_member")
        asked = ask_to_join(
            draft.env, room_id=found.room_id, fragment=link.fragment, not_after=found.not_after
        )
        # The server's word on which invite this is counts for nothing against the link's own.
        if asked.expectation.invite_id != found.invite_id:
            raise CollegiumError("link_incomplete")
        made = WaitingRow(
            invite_id=found.invite_id,
            room_id=found.room_id,
            since=draft.env.now,
            not_after=found.not_after,
            state="asking",
            token=from_base64url(link.token),
            sealed=asked.sealed,
            expectation=asked.expectation,
        )
        account = replace(draft.records.account, link=None)
        draft.records = replace(draft.records, waiting=(*draft.records.waiting, made), account=account)
        return made

    row = await session.work(note)
    if row is None:
        return
    try:
        await post_join_request(session, row)
    except CollegiumError as error:
        if may_pass(error):
            return  # a chore goes on asking

        def give_up(draft: Draft) -> None:
            waiting = tuple(one for one in draft.records.waiting if one is not row)
            draft.records = replace(draft.records, waiting=waiting)

        await session.work(give_up)
        raise
