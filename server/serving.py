"""A server in this process: uvicorn around the application, and what it says when it answers."""

import asyncio
import gc
import signal
import socket as sockets
import ssl
import sys

import uvicorn
from sqlalchemy import func, select

from server import logs
from server.app import build
from server.database import FILE, connect
from server.direct import DirectProtocol
from server.errors import StartError
from server.founding import founder_link
from server.media import Command
from server.settings import Settings
from server.tables import ACCOUNTS
from wire.bounds import MAX_CLIENT_MESSAGE

# The writer answers from another thread: with Python's default of 5 ms an answer could wait that long for the
# loop.
SWITCH_INTERVAL_S = 0.0005


class Server(uvicorn.Server):
    """Says where it is once it answers."""

    def __init__(self, config: uvicorn.Config, found: Settings) -> None:
        super().__init__(config)
        self._settings = found

    async def startup(self, sockets: "list[sockets.socket] | None" = None) -> None:
        await super().startup(sockets=sockets)
        if self.started:
            # What was loaded at the start stays: the collector need not look at it again and again.
            gc.collect()
            gc.freeze()
            await asyncio.to_thread(announce, self._settings)


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def announce(found: Settings) -> None:
    engine = connect(found.data / FILE, writer=True)
    try:
        with engine.connect() as database:
            accounts = database.execute(select(func.count()).select_from(ACCOUNTS)).scalar_one()
        say(f"Collegium is at {found.origins[0]}")
        if found.calls_stay_here:
            say(
                "Calls work on this machine alone: set COLLEGIUM_MEDIA_HOST=0.0.0.0 and "
                "COLLEGIUM_MEDIA_ADDRESS to the address that others reach, or COLLEGIUM_MEDIA_WORKERS=0."
            )
        if accounts == 0:
            say("The first member opens this link, once, within 72 hours:")
            say(founder_link(engine, found))
    finally:
        engine.dispose()


def serve(found: Settings, unit: Command | None = None) -> None:
    """Serve until told to stop. Raises StartError."""
    logs.configure()
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    # Refuse a folder in use before anything is bound or printed.
    listening = bind(found)
    config = uvicorn.Config(
        build(found, unit),
        host=found.host,
        port=found.port,
        loop="uvloop" if sys.platform != "win32" else "asyncio",
        http="h11",
        ws=DirectProtocol,
        ws_max_size=MAX_CLIENT_MESSAGE,
        ws_per_message_deflate=False,
        ws_ping_interval=30.0,
        ws_ping_timeout=30.0,
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=10,
        backlog=4096,
        ssl_certfile=found.tls_cert,
        ssl_keyfile=found.tls_key,
        ssl_version=ssl.PROTOCOL_TLS_SERVER,
    )
    server = Server(config, found)
    # uvicorn stops in order, then raises the signal once more for whoever was there before: nobody needs it.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: sys.exit(0))
    server.run(sockets=[listening])
    if not server.started:
        sys.exit(1)


def bind(found: Settings) -> sockets.socket:
    family = sockets.AF_INET6 if ":" in found.host else sockets.AF_INET
    listening = sockets.socket(family, sockets.SOCK_STREAM)
    listening.setsockopt(sockets.SOL_SOCKET, sockets.SO_REUSEADDR, 1)
    try:
        listening.bind((found.host, found.port))
    except OSError as error:
        raise StartError(
            f"Port {found.port} on {found.host} cannot be used: {error.strerror}. "
            "Set COLLEGIUM_PORT to another."
        ) from error
    return listening
