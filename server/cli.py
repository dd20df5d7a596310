"""The command line: serve, invite, backup, restore."""

import asyncio
import gc
import secrets
import signal
import socket as sockets
import ssl
import sys
import time
from pathlib import Path

import uvicorn
from cyclopts import App
from pydantic import ValidationError
from sqlalchemy import Engine, delete, func, insert, select

from server import logs
from server.app import build
from server.backup import backup as make_backup
from server.backup import restore as put_back
from server.caller import hashed
from server.database import FILE, connect, migrate
from server.direct import DirectProtocol
from server.errors import StartError
from server.settings import Settings, check
from server.tables import ACCOUNTS, TOKENS
from server.writer import now_ms
from wire.bounds import MAX_CLIENT_MESSAGE, SECRET_BYTES, to_base64url

app = App(name="collegium", help="A private place for peer consultation groups.", version_flags=[])

FOUNDER_MS = 72 * 3600 * 1000
# The writer answers from another thread: with Python's default of 5 ms an answer could wait that long for the
# loop.
SWITCH_INTERVAL_S = 0.0005


def settings() -> Settings:
    try:
        found = Settings()
    except ValidationError as error:
        names = ", ".join("COLLEGIUM_" + str(one["loc"][0]).upper() for one in error.errors() if one["loc"])
        raise StartError(f"These settings cannot be used: {names}.") from error
    check(found)
    return found


def founder_link(engine: Engine, found: Settings) -> str:
    """A one-time link for a first member. The link before it, if it was not used, no longer works."""
    token = secrets.token_bytes(SECRET_BYTES)
    with engine.begin() as database:
        database.execute(delete(TOKENS).where(TOKENS.c.room.is_(None), TOKENS.c.used_by.is_(None)))
        database.execute(
            insert(TOKENS).values(
                hash=hashed(token),
                room=None,
                invite=None,
                minted_by=None,
                not_after=now_ms() + FOUNDER_MS,
                used_by=None,
                request=None,
            )
        )
    return f"{found.origins[0]}/join#f.{to_base64url(token)}"


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


def announce(found: Settings) -> None:
    engine = connect(found.data / FILE, writer=True)
    try:
        with engine.connect() as database:
            accounts = database.execute(select(func.count()).select_from(ACCOUNTS)).scalar_one()
        print(f"Collegium is at {found.origins[0]}", flush=True)
        if accounts == 0:
            print(
                f"The first member opens this link, once, within 72 hours:\n{founder_link(engine, found)}",
                flush=True,
            )
    finally:
        engine.dispose()


@app.default
@app.command
def serve() -> None:
    """Serve until told to stop."""
    found = settings()
    logs.configure()
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    # Refuse a folder in use before anything is bound or printed.
    listening = bind(found)
    config = uvicorn.Config(
        build(found),
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


@app.command
def invite() -> None:
    """Print a one-time link for another member who starts a group. Works while the server runs."""
    found = settings()
    found.data.mkdir(parents=True, exist_ok=True, mode=0o700)
    engine = connect(found.data / FILE, writer=True)
    migrate(engine)
    print(founder_link(engine, found), flush=True)
    engine.dispose()


@app.command
def backup(file: Path) -> None:
    """Write a backup to FILE. Works while the server runs."""
    started = time.monotonic()
    make_backup(settings().data, file)
    print(f"{file}: {file.stat().st_size} bytes in {time.monotonic() - started:.1f} s", flush=True)


@app.command
def restore(file: Path) -> None:
    """Put the backup FILE into the data folder. The server must be stopped."""
    aside = put_back(settings().data, file)
    if aside is not None:
        print(f"What was there before is kept as {aside}", flush=True)
    print(f"Restored from {file}. Devices will notice that the server went back, and say so.", flush=True)


def main() -> None:
    try:
        app()
    except StartError as error:
        sys.exit(f"collegium: {error}")
