"""The rules of ENCRYPTION.md: each is cited where it is kept, and by a test that breaks it."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
RULE = re.compile(r"^(\d+)\. (\*\(later\)\*)?", re.MULTILINE)
CITED = re.compile(r"(?<![A-Za-z0-9])[Ee](\d{1,2})(?![A-Za-z0-9])")
RULES = {int(number): later != "" for number, later in RULE.findall((ROOT / "ENCRYPTION.md").read_text())}
# What is said of everybody rather than kept by code: SECURITY.md has it.
SAID = {41}


def files(*folders: str) -> list[Path]:
    return [
        path
        for folder in folders
        for path in sorted((ROOT / folder).rglob("*"))
        if path.suffix in {".py", ".ts", ".svelte"} and "node_modules" not in path.parts
    ]


def cited_in(paths: list[Path]) -> dict[int, str]:
    """Each rule that is cited, and a file that does. A name such as `test_e17_…` cites as well."""
    return {
        int(number): str(path.relative_to(ROOT))
        for path in paths
        for number in CITED.findall(path.read_text().replace("_", " "))
    }


KEPT = cited_in(files("web/src", "server", "wire", "crypto", "client"))
TESTED = cited_in(files("web/tests", "tests"))


def test_the_rules_are_numbered_without_a_hole() -> None:
    assert sorted(RULES) == list(range(1, 42))


def test_only_rules_that_exist_are_cited() -> None:
    assert {number: where for number, where in {**KEPT, **TESTED}.items() if number not in RULES} == {}


@pytest.mark.parametrize("number", [n for n, later in RULES.items() if not later and n not in SAID])
def test_a_rule_is_cited_where_it_is_kept_and_tested(number: int) -> None:
    assert number in KEPT
    assert number in TESTED
