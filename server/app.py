"""The application: routes, errors, and the door around them."""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException

from server import (
    accounts,
    invites,
    key_packages,
    operations,
    pages,
    passkeys,
    recovery,
    subscriptions,
    turn,
)
from server.door import Asgi, Door, Receive, Scope, Send
from server.errors import MalformedError, NotFoundError, ServiceError, StartError
from server.media import Command
from server.service import Service, start
from server.settings import Settings
from server.socket import socket
from wire import http


def _problem(error: ServiceError) -> Response:
    body = http.Problem(code=error.code, message=error.message, retry_after=error.retry_after)
    headers = {"cache-control": "no-store"}
    if error.retry_after is not None:
        headers["retry-after"] = str(error.retry_after)
    return JSONResponse(body.model_dump(exclude_none=True), error.status, headers)


async def _on_service_error(_request: Request, error: Exception) -> Response:
    assert isinstance(error, ServiceError)
    return _problem(error)


async def _on_malformed(_request: Request, _error: Exception) -> Response:
    return _problem(MalformedError())


async def _on_http(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return _problem(NotFoundError() if error.status_code in (404, 405) else MalformedError())


def build(settings: Settings, unit: Command | None = None) -> Asgi:
    """The ASGI application. The data folder opens with its lifespan. `unit`: see `service.start`."""
    held: list[Service] = []

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        try:
            service = await start(settings, unit)
        except StartError as error:
            sys.stderr.write(f"collegium: {error}\n")
            raise
        held.append(service)
        app.state.service = service
        try:
            yield
        finally:
            await service.close()

    # No generated documentation pages: PROTOCOL.md is the documentation, and they would load foreign scripts.
    app = FastAPI(lifespan=lifespan, openapi_url=None, docs_url=None, redoc_url=None)
    app.add_exception_handler(ServiceError, _on_service_error)
    app.add_exception_handler(RequestValidationError, _on_malformed)
    app.add_exception_handler(HTTPException, _on_http)
    for routes in (operations, accounts, recovery, passkeys, invites, key_packages, subscriptions, turn):
        app.include_router(routes.router)
    app.include_router(pages.router(settings.web))

    async def inner(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await socket(held[0], scope, receive, send)
        else:
            await app(scope, receive, send)

    return Door(inner, settings)
