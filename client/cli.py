"""The client's commands. Each opens the store, does one thing, and gives it back.

Exit codes: 0 done · 1 refused · 2 the command line makes no sense · 3 not yet, and the same command later
goes on · 4 the store on this device does not open.
"""

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final, Literal

from cyclopts import App, Parameter, validators

from client.errors import CollegiumError

app = App(name="collegium", help="The headless member of a group.", version_flags=[])

REFUSED, LATER, CLOSED = 1, 3, 4
LATER_CODES: Final = frozenset(("offline", "waiting", "queued", "too_many", "storage", "room_not_ready"))
CLOSED_CODES: Final = frozenset(
    ("passphrase_missing", "passphrase_short", "passphrase_typed", "key_file", "wrong_opener", "no_account")
)
# How long a command waits for the server before it shows what is here.
CATCH_UP_S: Final = 15.0


def default_store() -> Path:
    share = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    return Path(share) / "collegium" / "member.sqlite"


@Parameter(name="*")
@dataclass(frozen=True, slots=True)
class Options:
    """What every command takes."""

    store: Annotated[Path | None, Parameter(env_var="COLLEGIUM_STORE")] = None
    """The file that holds this device: its keys, and what it has read, encrypted.
    [~/.local/share/collegium/…]
    """
    key_file: Path | None = None
    """A file with the passphrase, for unattended use; else COLLEGIUM_PASSPHRASE, else you are asked."""
    json: Annotated[bool, Parameter(negative="")] = False
    """For programs: one JSON value on each line."""

    @property
    def path(self) -> Path:
        return self.store or default_store()


DEFAULTS: Final = Options()
Urgency = Literal["now", "today", "when_you_can"]
Reply = Literal["join", "5", "15", "60", "cannot"]
# A list begins with a hyphen, and is no option.
Text = Annotated[str, Parameter(allow_leading_hyphen=True)]


def exit_code(error: CollegiumError) -> int:
    if error.code in LATER_CODES:
        return LATER
    if error.code in CLOSED_CODES or error.code.startswith("storage_"):
        return CLOSED
    return REFUSED


def run(options: Options, work: Callable[[], Awaitable[None]]) -> None:
    """Do it; a refusal becomes words and an exit code."""
    from client.printing import note, show_json

    async def whole() -> None:
        await work()

    try:
        asyncio.run(whole())
    except CollegiumError as error:
        if options.json:
            show_json({"error": {"code": error.code, "text": str(error)}})
        else:
            note(f"collegium: {error}")
        sys.exit(exit_code(error))
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:
        # Whoever read our output has enough. What Python would flush at its end goes nowhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


@app.command
def join(
    link: str,
    *,
    name: str | None = None,
    start: str | None = None,
    wait: float = 120,
    options: Options = DEFAULTS,
) -> None:
    """Come into a group by an invitation link; the first time, make this device's account.

    The same command goes on where it was cut off.

    Parameters
    ----------
    link
        The whole link, in quotes.
    name
        What colleagues will see, when there is no account here yet.
    start
        With a founder's link: the name of the group to start.
    wait
        Seconds to wait until a member's device lets this one in.
    """
    from client.commands import join as go

    run(options, lambda: go(options, link, name, start, wait))


@app.command
def rooms(*, seen: bool = False, options: Options = DEFAULTS) -> None:
    """The groups that this device is in, and what it has to tell.

    Parameters
    ----------
    seen
        What it had to tell was read: not to be told again.
    """
    from client.commands import rooms as go

    run(options, lambda: go(options, seen))


@app.command
def say(room: str, text: Text, /, *, wait: float = 30, options: Options = DEFAULTS) -> None:
    """Write TEXT to a group, ROOM being its name or its id. Returns when the server has it on disk.

    Parameters
    ----------
    text
        Markdown; - reads it from the standard input.
    wait
        Seconds to wait for the server. Afterwards it is kept, and goes with the next command.
    """
    from client.commands import say as go

    run(options, lambda: go(options, room, text, wait))


@app.command
def read(room: str, /, *, follow: bool = False, last: int = 20, options: Options = DEFAULTS) -> None:
    """Show the conversation of a group, ROOM being its name or its id.

    Parameters
    ----------
    follow
        Go on showing what comes, until interrupted.
    last
        How many items to begin with.
    """
    from client.commands import read as go

    run(options, lambda: go(options, room, follow, last))


@app.command
def link(room: str, /, *, options: Options = DEFAULTS) -> None:
    """Print an invitation link for one person into ROOM, good for 72 hours."""
    from client.commands import link as go

    run(options, lambda: go(options, room))


@app.command
def resume(room: str, /, *, options: Options = DEFAULTS) -> None:
    """Go on writing in ROOM after an alarm has paused it, when you have compared by telephone."""
    from client.commands import resume as go

    run(options, lambda: go(options, room))


@app.command
def code(*, kept: bool = False, options: Options = DEFAULTS) -> None:
    """Show the recovery code of this account, until it is said to be kept.

    Parameters
    ----------
    kept
        It is written down elsewhere: forget it here.
    """
    from client.commands import code as go

    run(options, lambda: go(options, kept))


@app.command
def recover(server: str | None = None, *, options: Options = DEFAULTS) -> None:
    """Bring an account back as a new device, or give this store a new passphrase.

    The recovery code is asked for, or read from the standard input.

    Parameters
    ----------
    server
        The address of the server, like https://group.example.org, when there is no store here any more.
    """
    from client.commands import recover as go

    run(options, lambda: go(options, server))


@app.command
def call(
    room: str,
    /,
    *,
    file: Path | None = None,
    seconds: Annotated[float | None, Parameter(validator=validators.Number(gt=0))] = None,
    options: Options = DEFAULTS,
) -> None:
    """Join the call of ROOM, and count what comes from each of the others, until interrupted.

    Parameters
    ----------
    file
        Sound and pictures to send, again and again; else a test pattern with a quiet tone.
    seconds
        Leave after so long.
    """
    from client.commands import call as go

    run(options, lambda: go(options, room, file, seconds))


@app.command
def ring(
    room: str,
    why: Text,
    /,
    *,
    urgency: Urgency = "now",
    wanted: Annotated[int, Parameter(validator=validators.Number(gte=1, lte=11))] = 1,
    wait: Annotated[float, Parameter(validator=validators.Number(gt=0))] = 120,
    options: Options = DEFAULTS,
) -> None:
    """Call the group of ROOM and say WHY in one line; then show who is reached, has seen it, and comes.

    It ends when as many as are wanted are coming now, when nobody can, or after --wait; the call goes on.

    Parameters
    ----------
    urgency
        now rings everywhere for two minutes; today and when_you_can are shown until answered.
    wanted
        How many others should be there before it begins.
    wait
        Seconds to go on showing answers.
    """
    from client.commands import ring as go

    run(options, lambda: go(options, room, why, urgency, wanted, wait))


@app.command
def answer(
    room: str, reply: Reply | None = None, /, *, wait: float = 30, options: Options = DEFAULTS
) -> None:
    """Answer the newest call of ROOM: join, cannot, or 5, 15 or 60 for so many minutes; without, show it.

    To join says that you come; `collegium call` goes there.

    Parameters
    ----------
    wait
        Seconds to wait for the server. Afterwards it is kept, and goes with the next command.
    """
    from client.commands import answer as go

    run(options, lambda: go(options, room, reply, wait))


@app.command
def doctor(server: str | None = None, *, call: str | None = None, options: Options = DEFAULTS) -> None:
    """Is the server reachable, is its clock right, do sockets pass? Exit code 1 when something fails.

    Parameters
    ----------
    server
        An address to look at; else the one of the account in this store.
    call
        A group: join its call for a moment, and see whether the way of its media is open. Others in the group
        see this member in the call; nobody is called.
    """
    from client.commands import doctor as go

    run(options, lambda: go(options, server, call))


def main() -> None:
    app()
