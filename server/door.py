"""The door: what every HTTP request and socket handshake passes, before any of our routes.

Origin checks, limits on size and rate, and the headers that fence in the page (THREATS 35, 36, 38).
"""

import ipaddress
import json
import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from server.errors import ServiceError, TooLargeError, TooManyError
from server.logs import log
from server.metrics import HTTP
from server.rates import Limiter
from server.settings import Settings

Message = MutableMapping[str, Any]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Asgi = Callable[[Scope, Receive, Send], Awaitable[None]]

MAX_BODY = 256 * 1024
# For one network: a few people behind one address, their devices coming back at the same time.
CALLS = (600, 20)
CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self' 'wasm-unsafe-eval'",
        "style-src 'self' 'unsafe-inline'",  # positions of virtual lists are style attributes
        "img-src 'self' blob: data:",
        "font-src 'self'",
        "connect-src 'self'",
        "worker-src 'self'",
        "manifest-src 'self'",
        "media-src 'self' blob:",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
        "trusted-types svelte svelte-trusted-html dompurify collegium collegium-offline",
    )
)
HEADERS = [
    (b"content-security-policy", CONTENT_SECURITY_POLICY.encode()),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-embedder-policy", b"require-corp"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (
        b"permissions-policy",
        b"camera=(self), microphone=(self), display-capture=(self), fullscreen=(self), "
        b"publickey-credentials-get=(self), publickey-credentials-create=(self), "
        b"geolocation=(), payment=(), usb=()",
    ),
]
STRICT_TRANSPORT = (b"strict-transport-security", b"max-age=31536000; includeSubDomains")


def header(scope: Scope, name: bytes) -> str | None:
    for key, value in scope["headers"]:
        if key == name:
            return str(value.decode("latin-1"))
    return None


def address_of(scope: Scope, behind_proxy: bool) -> str:
    """Who calls, as far as we can know: behind a proxy, what the proxy itself saw."""
    forwarded = header(scope, b"x-forwarded-for") if behind_proxy else None
    if forwarded:
        return forwarded.rsplit(",", 1)[-1].strip()
    client = scope.get("client")
    return str(client[0]) if client else ""


def network_of(address: str) -> str:
    """The /24 or /48 of an address: what may be counted and logged of it."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return "unknown"
    return str(
        ipaddress.ip_network((parsed, 24 if parsed.version == 4 else 48), strict=False).network_address
    )


def problem(error: ServiceError) -> tuple[int, bytes]:
    body: dict[str, Any] = {"code": error.code, "message": error.message}
    if error.retry_after is not None:
        body["retry_after"] = error.retry_after
    return error.status, json.dumps(body).encode()


class Door:
    """ASGI, around everything."""

    def __init__(self, inner: Asgi, settings: Settings) -> None:
        self._inner, self._settings = inner, settings
        factor = settings.rate_factor
        self._calls = Limiter(CALLS[0] * factor, CALLS[1] * factor)
        self._headers = HEADERS + ([STRICT_TRANSPORT] if settings.origins[0].startswith("https://") else [])

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._inner(scope, receive, send)
            return
        fault = self._fault(scope)
        if scope["type"] == "websocket":
            if fault is not None:
                await _reject(send, receive, fault)
                return
            await self._inner(scope, receive, send)
            return
        started = False

        async def guarded_send(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                HTTP.labels(str(message["status"])).inc()
                message["headers"] = [*message.get("headers", []), *self._headers]
            await send(message)

        if fault is not None:
            await _answer(guarded_send, fault)
            return
        taken = 0

        async def bounded_receive() -> Message:
            nonlocal taken
            message = await receive()
            if message["type"] == "http.request":
                taken += len(message.get("body", b""))
                if taken > MAX_BODY:
                    raise _BodyTooLargeError
            return message

        try:
            await self._inner(scope, bounded_receive, guarded_send)
        except _BodyTooLargeError:
            if not started:
                await _answer(guarded_send, TooLargeError())
        except Exception as error:
            # Never the text of an exception: it may quote what was sent.
            log.exception("request_failed", error=type(error).__name__, method=scope["method"])
            if started:
                raise
            await _answer(guarded_send, _InternalError())

    def _fault(self, scope: Scope) -> ServiceError | None:
        changing = scope["type"] == "websocket" or scope["method"] not in ("GET", "HEAD", "OPTIONS")
        if changing:
            origin = header(scope, b"origin")
            if origin is not None and origin not in self._settings.origins:
                return _OriginError()
            # Browsers name the origin of every such request; without one, a cookie proves nothing.
            if origin is None and header(scope, b"cookie") is not None:
                return _OriginError()
        length = header(scope, b"content-length")
        if length is not None and (not length.isascii() or not length.isdigit() or int(length) > MAX_BODY):
            return TooLargeError()
        if str(scope["path"]).startswith("/api/"):
            address = address_of(scope, self._settings.behind_proxy)
            wait = self._calls.refuse(network_of(address), time.monotonic())
            if wait > 0:
                return TooManyError(max(1, round(wait)))
        return None


class _BodyTooLargeError(Exception):
    pass


class _OriginError(ServiceError):
    status = 403

    def __init__(self) -> None:
        super().__init__("origin", "This page does not belong to this server.")


class _InternalError(ServiceError):
    status = 500
    fault = "storage"

    def __init__(self) -> None:
        super().__init__("internal", "Something went wrong on the server. It is in its log.")


async def _answer(send: Send, error: ServiceError) -> None:
    status, body = problem(error)
    headers = [(b"content-type", b"application/json"), (b"cache-control", b"no-store")]
    headers.append((b"content-length", str(len(body)).encode()))
    if error.retry_after is not None:
        headers.append((b"retry-after", str(error.retry_after).encode()))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def _reject(send: Send, receive: Receive, error: ServiceError) -> None:
    """Refuse a socket's handshake with an ordinary answer."""
    await receive()
    status, body = problem(error)
    headers = [(b"content-type", b"application/json")]
    await send({"type": "websocket.http.response.start", "status": status, "headers": headers})
    await send({"type": "websocket.http.response.body", "body": body})
