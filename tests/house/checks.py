"""The numbered checks of tests/crypto/CHECKS.md, and the tests of each number in both languages.

`python -m tests.house.checks` writes the tests' names into the table again.
"""

import re
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TABLE = ROOT / "tests/crypto/CHECKS.md"
SOURCES = {".ts": ROOT / "web/src/mls", ".py": ROOT / "crypto/mls"}
PYTHON_TESTS = (ROOT / "tests/crypto", ROOT / "tests/agreement")
TYPESCRIPT_TESTS = (ROOT / "web/tests/mls", ROOT / "web/tests/room")

NUMBER = re.compile(r"\b[vd]\d{2,3}\b")
PYTHON_TEST = re.compile(r"^def (test_\w+)", re.MULTILINE)
TYPESCRIPT_TEST = re.compile(r'\b(?:it|describe|test)(?:\.each\([^)]*\))?\(\s*"([^"]*)"')
CODE = re.compile(r'"(v\d{3})_(\w+)"')


@dataclass(frozen=True, slots=True)
class Check:
    number: str
    rule: str
    section: str
    code: str


@dataclass(frozen=True, slots=True)
class Test:
    file: str
    name: str


def cells_of(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip().strip("|").split("|")]


def checks() -> list[Check]:
    rows = [cells_of(line) for line in TABLE.read_text().splitlines()]
    return [
        Check(cells[0], cells[1], cells[2], cells[3].strip("`"))
        for cells in rows
        if NUMBER.fullmatch(cells[0])
    ]


def codes(suffix: str) -> dict[str, set[str]]:
    """The codes of errors in one language's sources, by their numbers."""
    found: dict[str, set[str]] = defaultdict(set)
    for path in SOURCES[suffix].rglob(f"*{suffix}"):
        for number, name in CODE.findall(path.read_text()):
            found[number].add(f"{number}_{name}")
    return found


def python_tests() -> dict[str, list[Test]]:
    """By number: a function's name says which, as in `test_v511_v512_…`."""
    found: dict[str, list[Test]] = defaultdict(list)
    for folder in PYTHON_TESTS:
        for path in sorted(folder.rglob("test_*.py")):
            for name in PYTHON_TEST.findall(path.read_text()):
                for number in NUMBER.findall(name.replace("_", " ")):
                    found[number].append(Test(path.name, name))
    return found


def typescript_tests() -> dict[str, list[Test]]:
    """By number: a test's title says which, as in `v511, v512: …`."""
    found: dict[str, list[Test]] = defaultdict(list)
    for folder in TYPESCRIPT_TESTS:
        for path in sorted(folder.rglob("*.test.ts")):
            for title in TYPESCRIPT_TEST.findall(path.read_text()):
                for number in NUMBER.findall(title):
                    found[number].append(Test(path.name, title))
    return found


def cell(tests: list[Test]) -> str:
    return "<br>".join(f"{test.file}: {test.name.replace('|', '/')}" for test in tests)


def table() -> str:
    """CHECKS.md with the names that the tests have now."""
    python, typescript = python_tests(), typescript_tests()
    lines = []
    for line in TABLE.read_text().splitlines():
        cells = cells_of(line)
        if NUMBER.fullmatch(cells[0]):
            number = cells[0]
            cells = [*cells[:4], cell(python[number]), cell(typescript[number])]
            line = f"| {' | '.join(cells)} |"
        lines.append(line)
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    TABLE.write_text(table())
