"""What the commands do. Everything that they print goes through `printing`."""

import asyncio
import sys
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import asdict
from getpass import getpass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from client import ringing
from client.calling import CallEndedError, call_json, in_call, tally_line
from client.calls.media import MediaFile, TestPattern
from client.calls.participant import Participant
from client.collegium import Collegium
from client.conversation import Room
from client.doctor import (
    CLOCK_WRONG_MS,
    Finding,
    examine_account,
    examine_call,
    examine_file,
    examine_server,
)
from client.engine.enrol import link_origin, read_link
from client.engine.http import origin_of
from client.engine.world import system_world
from client.errors import CollegiumError
from client.passphrase import find_passphrase
from client.printing import item_json, item_line, local, note, room_json, room_line, show, show_json
from client.room.sight import SightItem
from client.vault.vault import stored_wraps
from crypto.identity.recovery_code import same_recovery_group
from crypto.room.call_bodies import Urgency
from crypto.room.calls import RingView
from crypto.room.invites import FounderLink
from wire.bounds import to_base64url

if TYPE_CHECKING:
    from client.cli import Options


@asynccontextmanager
async def _member(options: "Options", new: bool = False) -> AsyncIterator[Collegium]:
    """The store, open. `new`: it may be empty. What a person must know is told at the end. Raises
    CollegiumError.
    """
    if not new and not options.path.exists():
        raise CollegiumError("no_account")
    passphrase = find_passphrase(options.key_file, new=not options.path.exists())
    async with Collegium.open(options.path, passphrase) as me:
        if not new and not me.has_account:
            raise CollegiumError("no_account")
        yield me
        if me.has_account and not options.json:
            for alarm in me.alarms:
                note(f"Note: {alarm.text}")
            # E10: a device whose clock is off says so.
            if abs(me.skew) >= CLOCK_WRONG_MS:
                minutes = round(me.skew / 60_000)
                note(
                    f"Note: this clock and the server's differ by {abs(minutes)} minutes: set the wrong one."
                )


async def _caught_up(me: Collegium) -> bool:
    """Whether everything that the server has is here; what is here may be old otherwise."""
    from client.cli import CATCH_UP_S

    try:
        async with asyncio.timeout(CATCH_UP_S):
            await me.up_to_date()
    except TimeoutError:
        note("The server can't be reached: this is what was here before.")
        return False
    return True


async def join(options: "Options", link: str, name: str | None, start: str | None, wait: float) -> None:
    # What is wrong with the link is said before a passphrase is asked for.
    founding = isinstance(read_link(link, link_origin(link)), FounderLink)
    if founding is not (start is not None):
        raise CollegiumError("link_founder" if founding else "link_invite")
    async with _member(options, new=True) as me:
        fresh = not me.has_account
        if fresh:
            await me.sign_up(link, name=name)
            _show_code(options, me)
        try:
            async with asyncio.timeout(wait):
                if start is None:
                    room = await me.join(link)
                else:
                    await me.online()
                    room = await me.start(start)
        except TimeoutError as error:
            raise CollegiumError("waiting") from error
        if options.json:
            show_json({"room": room_json(room)})
        else:
            show(f"You are in “{room.title}”: {', '.join(one.name for one in room.members)}")
        if fresh:
            await _confirm_code(options, me)


def _show_code(options: "Options", me: Collegium) -> None:
    kept = me.recovery_code
    if kept is None:
        return
    if options.json:
        show_json({"recovery_code": kept})
    else:
        show(f"Recovery code: {kept}")
        show(
            "Write it down now and keep it away from this machine: it is the only way back into this account."
        )


async def _confirm_code(options: "Options", me: Collegium) -> None:
    """E6: forgotten here when it was typed back; elsewhere `code --kept` says so."""
    kept = me.recovery_code
    if kept is None or options.json or not sys.stdin.isatty():
        return
    last = kept.split("-")[-1]
    typed = await asyncio.to_thread(input, "Type its last group to confirm that you have it: ")
    if same_recovery_group(typed, last):
        await me.recovery_code_is_kept()
        show("Thank you. It is nowhere on this machine any more.")
    else:
        note("That is another group. `collegium code` shows the code again.")


async def rooms(options: "Options", seen: bool) -> None:
    async with _member(options) as me:
        current = await _caught_up(me)
        if options.json:
            alarms = [{"code": one.code, "text": one.text, "at": one.at.isoformat()} for one in me.alarms]
            found = [room_json(room) for room in me.rooms]
            show_json({"name": me.name, "current": current, "rooms": found, "alarms": alarms})
        else:
            for room in me.rooms:
                show(room_line(room))
            if not me.rooms:
                show("No group yet.")
        if seen:
            for alarm in me.alarms:
                await me.dismiss(alarm)


async def say(options: "Options", room: str, text: str, wait: float) -> None:
    if text == "-":
        text = (await asyncio.to_thread(sys.stdin.read)).rstrip("\n")
    async with _member(options) as me:
        try:
            async with asyncio.timeout(wait):
                post = await me.room(room).say(text)
        except TimeoutError as error:
            raise CollegiumError("queued") from error
        if options.json:
            show_json({"id": to_base64url(post.id), "n": post.n, "at": post.at.isoformat()})
        else:
            show(f"On the server, encrypted ({local(post.at)})")


async def read(options: "Options", room: str, follow: bool, last: int) -> None:
    async with _member(options) as me:
        await _caught_up(me)
        found = me.room(room)
        items = found.sight(last).items[-last:] if last > 0 else ()
        upto = found.position
        _show_items(options, items)
        await found.mark_read(upto)
        while follow:
            new = await me.until(lambda: _news(found, upto))  # noqa: B023
            _show_items(options, new)
            upto = new[-1].n
            await found.mark_read(upto)


def _news(room: Room, upto: int) -> list[SightItem] | None:
    items = room.items(upto)
    if not items and room.state in ("removed", "left"):
        raise CollegiumError("room_closed")
    return items or None


def _show_items(options: "Options", items: Iterable[SightItem]) -> None:
    for item in items:
        if options.json:
            show_json(item_json(item))
        else:
            show(item_line(item))


async def link(options: "Options", room: str) -> None:
    async with _member(options) as me:
        await _caught_up(me)
        made = await me.room(room).invite()
        if options.json:
            show_json({"link": made})
        else:
            show(made)
            note(
                "For one person, for 72 hours. Whoever opens it is let in: give it over a channel you trust."
            )


async def resume(options: "Options", room: str) -> None:
    async with _member(options) as me:
        found = me.room(room)
        await found.resume()
        if options.json:
            show_json({"room": room_json(found)})
        else:
            show(f"Writing goes on in “{found.title}”.")


async def code(options: "Options", kept: bool) -> None:
    async with _member(options) as me:
        if kept:
            await me.recovery_code_is_kept()
        if me.recovery_code is not None:
            _show_code(options, me)
        elif options.json:
            show_json({"recovery_code": None})
        else:
            show("It is with you alone: nothing on this machine knows it any more.")


async def recover(options: "Options", server: str | None) -> None:
    if sys.stdin.isatty():
        typed = await asyncio.to_thread(getpass, "Recovery code: ")
    else:
        typed = await asyncio.to_thread(sys.stdin.readline)
    if await stored_wraps(system_world(options.path).storage):
        await Collegium.new_passphrase(options.path, typed, find_passphrase(options.key_file, new=True))
        if options.json:
            show_json({"store": str(options.path)})
        else:
            show("This store opens with the new passphrase.")
        return
    if server is None:
        raise CollegiumError("server_missing")
    async with _member(options, new=True) as me:
        await me.recover(server, typed)
        if options.json:
            show_json({"name": me.name, "rooms": [room_json(room) for room in me.rooms]})
        else:
            show(f"Welcome back, {me.name}. Your groups let you in when a member's device is online:")
            for room in me.rooms:
                show(room_line(room))


async def call(options: "Options", room: str, file: Path | None, seconds: float | None) -> None:
    source = TestPattern() if file is None else MediaFile(file)
    async with _member(options) as me:
        await _caught_up(me)
        found = me.room(room)
        async with in_call(me, found, source) as joined:
            await _connected(joined)
            if not options.json:
                note(f"In the call of “{found.title}”.")
            try:
                async with asyncio.timeout(seconds):
                    await joined.until(lambda: True if joined.stage == "ended" else None)
            except TimeoutError:
                pass  # long enough
            finally:
                _show_call(options, me, found, joined)
            if joined.stage == "ended":
                raise CallEndedError(joined.code or "lost")


async def _connected(joined: Participant) -> None:
    """Raises CallEndedError."""
    await joined.until(lambda: joined.connected or joined.stage == "ended" or None)
    if joined.stage == "ended":
        raise CallEndedError(joined.code or "lost")


def _show_call(options: "Options", me: Collegium, room: Room, joined: Participant) -> None:
    if options.json:
        show_json({"call": call_json(me, room, joined)})
        return
    for label, tally in sorted(joined.tallies.items()):
        show(tally_line(me, room, label, tally))
    if not joined.tallies:
        show("Nobody was heard or seen.")


RUNG_WITHIN_S: Final = 30.0
"""How long it is waited for that the call is in the log; what has not gone by then is kept, for minutes."""


async def ring(options: "Options", room: str, why: str, urgency: Urgency, wanted: int, wait: float) -> None:
    async with _member(options) as me:
        await _caught_up(me)
        found = me.room(room)
        try:
            async with asyncio.timeout(RUNG_WITHIN_S):
                call = await ringing.ring(me, found, why, urgency, wanted)
        except TimeoutError as error:
            raise CollegiumError("queued") from error
        view = ringing.view_of(me, found, call)
        _show_ring(options, found, None, view)
        with suppress(TimeoutError):
            async with asyncio.timeout(wait):
                while view is not None and not view.enough and not view.write:
                    before, view = view, await ringing.change_of(me, found, call, view)
                    _show_ring(options, found, before, view)


def _show_ring(options: "Options", room: Room, before: RingView | None, view: RingView | None) -> None:
    """All of it at first, then what has changed."""
    if view is None:
        if not options.json:
            show("The call is over.")
        else:
            show_json({"over": True})
        return
    if options.json:
        show_json(ringing.ring_json(room, view))
        return
    for line in ringing.ring_lines(room, view):
        if before is None or line not in ringing.ring_lines(room, before):
            show(line)
    if view.enough:
        show("As many as you wanted are coming.")
    elif view.write:
        show("Not enough can come. `collegium say` goes on in writing.")


async def answer(options: "Options", room: str, reply: ringing.Reply | None, wait: float) -> None:
    async with _member(options) as me:
        await _caught_up(me)
        found = me.room(room)
        views = [one for one in ringing.rings_of(me, found) if one.ring.by != me.account_id]
        if not views:
            raise CollegiumError("no_ring")
        if reply is None:
            for view in views:
                _show_ring(options, found, None, view)
            return
        try:
            async with asyncio.timeout(wait):
                await ringing.reply(me, found, views[-1], reply)
        except TimeoutError as error:
            raise CollegiumError("queued") from error
        after = ringing.view_of(me, found, views[-1].ring.call)
        _show_ring(options, found, None, after)


async def doctor(options: "Options", server: str | None, call: str | None) -> None:
    world = system_world(options.path)
    findings: list[Finding] = []

    def found(finding: Finding) -> None:
        findings.append(finding)
        if options.json:
            show_json(asdict(finding))
        else:
            show(f"{finding.verdict:>11}  {finding.name}: {finding.text}")

    found(examine_file(options.path))
    async with AsyncExitStack() as stack:
        me = await _opened(options, stack, found)
        if server is None and me is None:
            raise CollegiumError("address_missing")
        origin = me.server if server is None and me is not None else origin_of(server or "")
        async for finding in examine_server(world, origin):
            found(finding)
        if me is not None and me.server == origin:
            async for finding in examine_account(me):
                found(finding)
        if call is not None:
            if me is None or me.server != origin:
                raise CollegiumError("no_account")
            async for finding in examine_call(me, me.room(call)):
                found(finding)
    if any(finding.verdict == "failed" for finding in findings):
        sys.exit(1)


async def _opened(
    options: "Options", stack: AsyncExitStack, found: Callable[[Finding], None]
) -> Collegium | None:
    """The account of this store, where there is one and its passphrase is at hand."""
    if not options.path.exists():
        return None
    try:
        passphrase = find_passphrase(options.key_file, new=False)
        me = await stack.enter_async_context(Collegium.open(options.path, passphrase))
    except CollegiumError as error:
        found(Finding("store", "not checked" if error.code == "passphrase_missing" else "failed", str(error)))
        return None
    return me if me.has_account else None
