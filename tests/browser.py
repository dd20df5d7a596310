"""The browser that the tests drive: on the PATH, else Playwright's own, else Debian's by apt when root."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
# Loopback needs no look-ups of the vendor's hosts, and the tests make none.
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
DEBIAN = ("chromium", "strace")


def find() -> str | None:
    """The path of a Chromium, or None when there is none on this machine."""
    for name in NAMES:
        found = shutil.which(name)
        if found:
            return found
    root = Path(os.environ.get("PLAYWRIGHT_BROWSERS_PATH", Path.home() / ".cache/ms-playwright"))
    return next((str(path) for path in sorted(root.glob("chromium-*/chrome-linux*/chrome"))), None)


def provide() -> str:
    """Find a browser, or install Debian's when that is possible; else say what to type and exit."""
    found = find()
    if found:
        return found
    if shutil.which("apt-get") and hasattr(os, "geteuid") and os.geteuid() == 0:
        print("collegium: installing Debian's chromium for the tests", file=sys.stderr, flush=True)
        quiet = dict(os.environ, DEBIAN_FRONTEND="noninteractive")
        for command in (
            ["apt-get", "update", "-qq"],
            ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *DEBIAN],
        ):
            done = subprocess.run(command, env=quiet, stdout=subprocess.DEVNULL)
            if done.returncode != 0:
                sys.exit(f"collegium: '{' '.join(command)}' failed; the tests need a Chromium on the PATH")
        found = find()
    if not found:
        sys.exit("collegium: the tests drive a browser; install one: sudo apt install chromium")
    return found


if __name__ == "__main__":
    provide()
