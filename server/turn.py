"""The way of media where UDP is blocked: addresses of a TURN server, and credentials for minutes."""

import secrets
import time

from fastapi import APIRouter, Response

from server.caller import House, SignedIn, reply
from server.errors import TooManyError
from server.rates import Limiter
from server.turn_credentials import NAME_BYTES, turn_servers

router = APIRouter(prefix="/api")

# Of one device: a call, its reconnections, and a renewal every few minutes.
ASKED = Limiter(20, 1 / 15)


@router.post("/turn")
async def turn(caller: SignedIn, house: House) -> Response:
    wait = ASKED.refuse(caller.device, time.monotonic(), 1 / house.settings.rate_factor)
    if wait > 0:
        raise TooManyError(max(1, round(wait)))
    urls, secret = house.turn
    return reply(turn_servers(urls, secret, int(time.time()), secrets.token_bytes(NAME_BYTES)))
