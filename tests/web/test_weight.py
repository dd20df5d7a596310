"""What a first visit loads: ARCHITECTURE.md, "What a page weighs"."""

import gzip
import re
from pathlib import Path

from tests.house_server import ROOT

DIST = ROOT / "web/dist"
MOST_BYTES = 60_000


def weight(name: str) -> int:
    return len(gzip.compress((DIST / name).read_bytes(), 9, mtime=0))


def first_load() -> set[str]:
    """What index.html names, and itself."""
    named = re.findall(r'(?:src|href)="/([^"]+)"', (DIST / "index.html").read_text())
    assert any(name.endswith(".js") for name in named), "index.html names no script"
    return {*named, "index.html"}


def all_of(script: Path) -> set[str]:
    """A part of the page, with all that it cannot begin without."""
    found: set[str] = set()
    waiting = [script.name]
    while waiting:
        name = waiting.pop()
        if f"assets/{name}" not in found:
            found.add(f"assets/{name}")
            text = (DIST / "assets" / name).read_text()
            waiting += re.findall(r'(?:from|import)\s*"\./([^"]+\.js)"', text)
    return found


def test_the_first_load_stays_within_its_bound() -> None:
    assert sum(map(weight, first_load())) <= MOST_BYTES


def test_so_does_what_it_takes_until_the_first_step_of_signing_up_can_be_read() -> None:
    (join,) = DIST.glob("assets/Join-*.js")
    parts = all_of(join)
    assert len(parts) > 3
    assert sum(map(weight, first_load() | parts)) <= MOST_BYTES
