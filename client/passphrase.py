"""Where the passphrase of a store comes from: a key file, the environment, or the person at the terminal."""

import os
import stat
import sys
from getpass import getpass
from pathlib import Path
from typing import Final

from client.errors import CollegiumError

VARIABLE: Final = "COLLEGIUM_PASSPHRASE"
MAX_KEY_FILE: Final = 4096


def read_key_file(path: Path) -> str:
    """The passphrase in a file, without the line feed at its end. Raises CollegiumError key_file."""
    try:
        with path.open("rb") as file:
            # A key that everybody on this machine can read protects nothing.
            if os.name == "posix" and stat.S_IMODE(os.fstat(file.fileno()).st_mode) & 0o077:
                raise CollegiumError("key_file", "others may read it")
            data = file.read(MAX_KEY_FILE + 1)
        text = data.decode()
    except (OSError, UnicodeDecodeError) as error:
        raise CollegiumError("key_file", str(error)) from error
    text = text.removesuffix("\n").removesuffix("\r")
    if not text or "\n" in text or len(data) > MAX_KEY_FILE:
        raise CollegiumError("key_file", "not one line")
    return text


def find_passphrase(key_file: Path | None, new: bool) -> str:
    """`new`: the store is about to be made, so a typed one is asked for twice. Raises CollegiumError."""
    if key_file is not None:
        return read_key_file(key_file)
    if found := os.environ.get(VARIABLE):
        return found
    if not sys.stdin.isatty():
        raise CollegiumError("passphrase_missing")
    typed = getpass("Passphrase of this store: ")
    if new and getpass("Once more: ") != typed:
        raise CollegiumError("passphrase_typed")
    return typed
