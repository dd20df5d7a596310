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
    "fuzz",
    "interop",
    "client",
    "server",
    "web",
    "durability",
    "attacks",
    "e2e",
)
# Of the browsers' files those that take longest begin first: at the end of the run no worker waits for long.
LONGEST = (
    "test_bad_luck",
    "test_gallery",
    "test_call",
    "test_canary",
    "test_mixed",
    "test_conversation",
    "test_axe",
    "test_call_devices",
    "test_call_firefox",
    "test_call_malice",
    "test_call_turn",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if not SOAK and item.get_closest_marker("soak"):
            item.add_marker(pytest.mark.skip(reason="long counts: ./run soak"))

    def place(item: pytest.Item) -> tuple[int, int]:
        folder = item.nodeid.split("/")[1] if "/" in item.nodeid else ""
        file = item.path.stem if folder == "e2e" else ""
        return (
            ORDER.index(folder) if folder in ORDER else len(ORDER),
            LONGEST.index(file) if file in LONGEST else len(LONGEST),
        )

    items.sort(key=place)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """How many test vectors each file had, and how many of them are of cipher suites that are not ours."""
    passed = terminalreporter.getreports("passed")
    lines = sorted({str(value) for one in passed for name, value in one.user_properties if name == "vectors"})
    if lines:
        terminalreporter.section("vectors")
        terminalreporter.write_line("\n".join(lines))
