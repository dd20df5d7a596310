"""What a device says about its push subscription. The rules for endpoints are push_endpoint's."""

import time

from fastapi import APIRouter, Response
from sqlalchemy import Connection, delete, insert, select

from server.caller import House, SignedIn, reply
from server.errors import TooManyError
from server.ledger import Ledger
from server.push_endpoint import read_endpoint
from server.rates import Limiter
from server.tables import SUBSCRIPTIONS
from wire import http

router = APIRouter(prefix="/api/push")

# Of one device: it names its endpoint when it is opened, and when the browser gives it another.
CHANGES = Limiter(30, 1 / 10)


def _limit(device: bytes, factor: float) -> None:
    wait = CHANGES.refuse(device, time.monotonic(), 1 / factor)
    if wait > 0:
        raise TooManyError(max(1, round(wait)))


@router.get("")
async def push_key(caller: SignedIn, house: House) -> Response:
    found = await house.readers.read(
        lambda db: db.execute(
            select(SUBSCRIPTIONS.c.device).where(SUBSCRIPTIONS.c.device == caller.device)
        ).first()
    )
    return reply(http.PushKey(key=house.push.vapid.public_key, subscribed=found is not None))


@router.put("")
async def put_endpoint(body: http.PushEndpoint, caller: SignedIn, house: House) -> Response:
    _limit(caller.device, house.settings.rate_factor)
    read_endpoint(body.endpoint, house.push.named)

    def run(database: Connection, _ledger: Ledger) -> None:
        database.execute(delete(SUBSCRIPTIONS).where(SUBSCRIPTIONS.c.device == caller.device))
        database.execute(insert(SUBSCRIPTIONS).values(device=caller.device, endpoint=body.endpoint))

    await house.hub.change(run)
    return reply(http.Empty())


@router.delete("")
async def delete_endpoint(caller: SignedIn, house: House) -> Response:
    _limit(caller.device, house.settings.rate_factor)
    await house.hub.change(
        lambda db, _ledger: (
            db.execute(delete(SUBSCRIPTIONS).where(SUBSCRIPTIONS.c.device == caller.device)).rowcount
        )
    )
    return reply(http.Empty())
