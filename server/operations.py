"""What keeps a server running: health, metrics, and what a client asks first."""

import ipaddress
from importlib.metadata import PackageNotFoundError, version

from fastapi import APIRouter, Request, Response
from sqlalchemy import text

from server import metrics
from server.caller import House, reply
from server.database import now_ms
from server.door import header
from server.errors import NotFoundError
from wire import http
from wire.bounds import MAX_COMMIT, MAX_EPHEMERAL, MAX_SEALED, MAX_WELCOME

router = APIRouter()

try:
    VERSION = version("collegium")
except PackageNotFoundError:  # run from its folder, not installed
    VERSION = "0.1.0"


@router.get("/healthz")
async def healthz() -> Response:
    return reply(http.Health(status="ok"))


@router.get("/readyz")
async def readyz(house: House) -> Response:
    """Can a change reach the disk, and a query read it?"""
    await house.readers.read(lambda db: db.execute(text("SELECT 1")).scalar_one())
    await house.hub.change(lambda db, _ledger: db.execute(text("SELECT 1")).scalar_one())
    return reply(http.Health(status="ok"))


@router.get("/metrics")
async def metrics_text(request: Request, house: House) -> Response:
    if not house.settings.metrics_open:
        client = request.client.host if request.client else ""
        try:
            near = ipaddress.ip_address(client).is_loopback
        except ValueError:
            near = False
        if not near or header(request.scope, b"x-forwarded-for") is not None:
            raise NotFoundError
    return Response(metrics.text(), media_type="text/plain; version=0.0.4")


@router.get("/api/server")
async def server(house: House) -> Response:
    limits = http.Limits(payload=MAX_COMMIT, welcome=MAX_WELCOME, sealed=MAX_SEALED, ephemeral=MAX_EPHEMERAL)
    return reply(
        http.ServerInfo(deployment_id=house.deployment_id, version=VERSION, time=now_ms(), limits=limits)
    )
