"""The command line: serve, invite, backup, restore. Each command loads only what it needs."""

import sys
import time
from pathlib import Path

from cyclopts import App
from pydantic import ValidationError

from server.errors import StartError
from server.settings import Settings, check

app = App(name="collegium", help="A private place for peer consultation groups.", version_flags=[])


def settings() -> Settings:
    try:
        found = Settings()
    except ValidationError as error:
        names = ", ".join("COLLEGIUM_" + str(one["loc"][0]).upper() for one in error.errors() if one["loc"])
        raise StartError(f"These settings cannot be used: {names}.") from error
    check(found)
    return found


@app.default
@app.command
def serve() -> None:
    """Serve until told to stop."""
    from server import serving

    serving.serve(settings())


@app.command
def invite() -> None:
    """Print a one-time link for another member who starts a group. Works while the server runs."""
    from server.database import FILE, connect, migrate
    from server.founding import founder_link

    found = settings()
    found.data.mkdir(parents=True, exist_ok=True, mode=0o700)
    engine = connect(found.data / FILE, writer=True)
    migrate(engine)
    print(founder_link(engine, found), flush=True)
    engine.dispose()


@app.command
def backup(file: Path) -> None:
    """Write a backup to FILE. Works while the server runs."""
    from server.backup import backup as make

    started = time.monotonic()
    make(settings().data, file)
    print(f"{file}: {file.stat().st_size} bytes in {time.monotonic() - started:.1f} s", flush=True)


@app.command
def restore(file: Path) -> None:
    """Put the backup FILE into the data folder. The server must be stopped."""
    from server.backup import restore as put_back

    aside = put_back(settings().data, file)
    if aside is not None:
        print(f"What was there before is kept as {aside}", flush=True)
    print(f"Restored from {file}. Devices will notice that the server went back, and say so.", flush=True)


def main() -> None:
    try:
        app()
    except StartError as error:
        sys.exit(f"collegium: {error}")
