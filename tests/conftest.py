"""What every test shares: the soak switch, and the order (quick ones first, browsers last)."""

import os

import pytest

# A server in a test has no media units unless the test sets how many.
os.environ.setdefault("COLLEGIUM_MEDIA_WORKERS", "0")
SOAK = os.environ.get("COLLEGIUM_SOAK") == "1"
ORDER = (
    "house",
    "wire",
    "crypto",
    "signaling",
    "agreement",
    "walks",
    "interop",
    "client",
    "server",
    "web",
    "durability",
    "attacks",
    "e2e",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if not SOAK and item.get_closest_marker("soak"):
            item.add_marker(pytest.mark.skip(reason="long counts: ./run soak"))

    def place(item: pytest.Item) -> int:
        folder = item.nodeid.split("/")[1] if "/" in item.nodeid else ""
        return ORDER.index(folder) if folder in ORDER else len(ORDER)

    items.sort(key=place)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """How many test vectors each file had, and how many of them are of cipher suites that are not ours."""
    passed = terminalreporter.getreports("passed")
    lines = sorted({str(value) for one in passed for name, value in one.user_properties if name == "vectors"})
    if lines:
        terminalreporter.section("vectors")
        terminalreporter.write_line("\n".join(lines))
