"""What may stand between this machine and a conversation: the server, its clock, its sockets, the store."""

import asyncio
import ssl
import stat
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal
from urllib.parse import urlsplit

from websockets.exceptions import InvalidStatus, WebSocketException

from client.calling import CallEndedError, in_call
from client.calls.media import TestPattern
from client.calls.participant import Participant
from client.collegium import Collegium
from client.conversation import Room
from client.engine.auth import server_info
from client.engine.http import Http
from client.engine.world import World
from client.errors import CollegiumError, ServerError
from crypto.sframe.kid import Kind
from wire import http as bodies
from wire.bounds import SECRET_BYTES, to_base64url

Verdict = Literal["ok", "warning", "failed", "not checked"]

# E10: from here on certificates and invitations are judged wrongly.
CLOCK_WRONG_MS: Final = 10 * 60_000
CLOCK_ODD_MS: Final = 10_000
CONNECT_WITHIN_S: Final = 15.0
# ICE and DTLS have each as long before they are given up.
MEDIA_WITHIN_S: Final = 45.0
HEARD_WITHIN_S: Final = 10.0
# Packets of sound: a second of it.
ENOUGH_SOUND: Final = 50
# What our server says to a socket whose ticket it does not know.
REFUSED_BY_US: Final = 403


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    name: str
    verdict: Verdict
    text: str


async def examine_server(world: World, origin: str) -> AsyncIterator[Finding]:
    """From the nearest to the farthest; each is looked at by itself."""
    http = Http(world, origin)
    try:
        started, sent = time.monotonic(), world.now()
        try:
            info = await server_info(http)
        except ServerError as error:
            yield Finding("server", "failed", f"{error} ({error.detail or error.status})")
            return
        took = (time.monotonic() - started) * 1000
        yield Finding("server", "ok", f"{origin} answers, version {info.version}, in {took:.0f} ms")
        yield _clock(info.time - (sent + world.now()) // 2)
        yield await _disk(http)
    finally:
        await http.close()
    held = await _certificate(origin)
    if held is not None:
        yield held
    yield await _socket(world, origin)
    yield Finding("media", "not checked", "`collegium doctor --call ROOM` joins the call of a group for that")


def _clock(skew: int) -> Finding:
    seconds = abs(skew) / 1000
    where = "behind" if skew > 0 else "ahead of"
    said = f"this clock is {seconds:.0f} s {where} the server's"
    if abs(skew) >= CLOCK_WRONG_MS:
        text = f"{said}. Set the clock that is wrong: invitations and certificates are judged by it"
        return Finding("clock", "failed", text)
    if abs(skew) >= CLOCK_ODD_MS:
        return Finding("clock", "warning", said)
    return Finding("clock", "ok", "this clock and the server's agree")


async def _disk(http: Http) -> Finding:
    try:
        await http.call("GET", "/readyz", bodies.Health)
    except ServerError as error:
        return Finding("storage", "failed", f"the server is not ready to store anything ({error.code})")
    return Finding("storage", "ok", "the server stores what it is sent")


async def _socket(world: World, origin: str) -> Finding:
    """Without an account: our server itself must refuse a ticket that never was."""
    ticket = to_base64url(bytes(SECRET_BYTES))
    address = f"ws{origin.removeprefix('http')}/api/socket?ticket={ticket}"
    try:
        socket = await world.dial(address)
    except InvalidStatus as error:
        status = error.response.status_code
        if status == REFUSED_BY_US:
            return Finding("socket", "ok", "WebSockets pass to the server")
        hint = "a proxy on the way does not pass WebSockets on"
        return Finding("socket", "failed", f"{hint} (HTTP {status} instead of an upgrade)")
    except (OSError, WebSocketException) as error:
        return Finding("socket", "failed", f"no WebSocket comes through ({type(error).__name__})")
    await socket.close()
    return Finding("socket", "warning", "something other than this server answers WebSockets")


async def _certificate(origin: str) -> Finding | None:
    """How long the server's certificate still holds."""
    parts = urlsplit(origin)
    if parts.scheme != "https" or parts.hostname is None:
        return None
    try:
        _, writer = await asyncio.wait_for(
            asyncio.open_connection(parts.hostname, parts.port or 443, ssl=ssl.create_default_context()),
            CONNECT_WITHIN_S,
        )
    except (OSError, TimeoutError) as error:
        return Finding("certificate", "failed", f"no TLS connection that can be trusted: {error}")
    peer = writer.get_extra_info("peercert")
    writer.close()
    days = (ssl.cert_time_to_seconds(peer["notAfter"]) - time.time()) / 86_400
    return Finding("certificate", "warning" if days < 7 else "ok", f"it holds for {days:.0f} more days")


def examine_file(store: Path) -> Finding:
    if not store.exists():
        return Finding("store", "not checked", f"there is none at {store} yet")
    mode = stat.S_IMODE(store.stat().st_mode)
    if mode & 0o077:
        return Finding("store", "warning", f"others on this machine may read {store}: chmod 600")
    return Finding("store", "ok", str(store))


async def examine_account(me: Collegium) -> AsyncIterator[Finding]:
    """With the store open: whether this device gets through to its rooms."""
    started = time.monotonic()
    try:
        async with asyncio.timeout(CONNECT_WITHIN_S):
            await me.online()
    except TimeoutError:
        yield Finding("sign-in", "failed", "this device does not get a connection of its own")
        return
    except CollegiumError as error:
        yield Finding("sign-in", "failed", str(error))
        return
    took = (time.monotonic() - started) * 1000
    yield Finding("sign-in", "ok", f"signed in as {me.name}, connected within {took:.0f} ms")
    yield Finding("rooms", "ok", f"{len(me.rooms)} on this device")
    if me.recovery_code is not None:
        text = "it was not said to be kept: `collegium code` shows it, `collegium code --kept` ends that"
        yield Finding("recovery code", "warning", text)
    for alarm in me.alarms:
        yield Finding("alarm", "warning", alarm.text)


async def examine_call(me: Collegium, room: Room) -> AsyncIterator[Finding]:
    """Whether this device's sound and pictures come to the server's media unit. One account has one seat in a
    call, so what others receive is for others to say; but what the unit acknowledges it can forward.
    """
    try:
        async with asyncio.timeout(CONNECT_WITHIN_S):
            await me.up_to_date()
    except TimeoutError:
        yield Finding("call", "failed", "without a connection to the server there is no call")
        return
    try:
        async with in_call(me, room, TestPattern(), trial=True) as call:
            async for finding in _path(call):
                yield finding
    except CollegiumError as error:
        yield Finding("call", "failed", str(error))


async def _path(call: Participant) -> AsyncIterator[Finding]:
    started = time.monotonic()
    try:
        async with asyncio.timeout(MEDIA_WITHIN_S):
            await call.until(lambda: call.connected or call.fault or call.stage == "ended" or None)
    except TimeoutError:
        yield Finding("call", "failed", "the server makes no offer for the call")
        return
    if not call.connected:
        raise CallEndedError(call.fault or call.code or "lost")
    took = (time.monotonic() - started) * 1000
    yield Finding(
        "media path", "ok", f"UDP comes through, and the unit is the server's, within {took:.0f} ms"
    )
    try:
        async with asyncio.timeout(HEARD_WITHIN_S):
            await call.until(lambda: _is_heard(call) or call.stage == "ended" or None)
    except TimeoutError:
        text = "what this device sends is not acknowledged by the server's media unit"
        yield Finding(
            "media sent", "failed", text if call.sends else "the group gives no key to encrypt with"
        )
        return
    if call.stage == "ended":
        raise CallEndedError(call.code or "lost")
    packets = sum(one.packets for one in call.heard.values())
    lost = sum(one.lost for one in call.heard.values())
    trips = [one.round_trip_s for one in call.heard.values() if one.round_trip_s is not None]
    text = f"{packets} encrypted packets of sound and pictures acknowledged, {lost} lost on the way"
    many = lost * 20 > packets
    yield Finding("media sent", "warning" if many else "ok", text)
    yield Finding("round trip", "ok", f"{1000 * min(trips):.0f} ms to the media unit and back")
    if call.tallies:
        heard = sum(sum(one.opened.values()) for one in call.tallies.values())
        yield Finding("media received", "ok" if heard else "warning", f"{heard} frames of others opened")


def _is_heard(call: Participant) -> bool:
    sound, camera = call.heard.get(Kind.AUDIO), call.heard.get(Kind.CAMERA)
    return (
        sound is not None
        and camera is not None
        and sound.packets >= ENOUGH_SOUND
        and sound.round_trip_s is not None
    )
