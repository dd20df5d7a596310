"""Tests that wait for what a page says wait for its answer, not for the promise of one."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
VAIN = re.compile(r"wait_for_function\(\s*[rf]?\"+\s*async\b")


def test_nobody_waits_for_a_promise_to_be_true() -> None:
    """It always is: `tests.waiting.until` looks at what it brings."""
    assert VAIN.search('page.wait_for_function("async () => false")')
    found = [
        str(path.relative_to(ROOT))
        for folder in ("tests", "bench")
        for path in sorted((ROOT / folder).rglob("*.py"))
        if path != Path(__file__).resolve() and VAIN.search(path.read_text())
    ]
    assert found == []
