"""What is said about calls and meetings gives the same fold, lines, views and calendar file in each language
(E24). `python tests/agreement/test_calls.py` tells Python's story anew.
"""

import json
import sys
from pathlib import Path
from typing import Any

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import pytest

from tests.crypto.room.calls_story import PYTHON, TYPESCRIPT, read, told, written

SEED, COUNT = 2, 260


@pytest.mark.parametrize("path", [TYPESCRIPT, PYTHON], ids=["TypeScript", "Python"])
def test_e24_a_story_gives_what_it_gave_whoever_told_it(path: Path) -> None:
    story: dict[str, Any] = json.loads(path.read_text())
    found = read(story["entries"], story["looks"])
    for name, value in json.loads(json.dumps(found)).items():
        assert value == story[name], name


def test_e24_the_story_is_the_one_that_is_written_down() -> None:
    assert written(told(SEED, COUNT)) == PYTHON.read_text()


@pytest.mark.parametrize("path", [TYPESCRIPT, PYTHON], ids=["TypeScript", "Python"])
def test_e24_a_story_has_something_of_everything(path: Path) -> None:
    story = json.loads(path.read_text())
    assert {entry["type"] for entry in story["entries"]} > {"ring", "call_record", "meeting", "gone"}
    assert {code for _, code, _ in story["lines"]} == {
        "rang",
        "rang_off",
        "rang_written",
        "meeting",
        "meeting_changed",
        "meeting_moved",
        "meeting_cancelled",
        "meeting_ended",
    }
    assert sum(len(view["occurrences"]) for view in story["views"]) > 100
    assert any(view["due"] for view in story["views"])
    rings = [ring for view in story["views"] for ring in view["rings"]]
    assert {state for ring in rings for _, state, _ in ring["asked"]} > {"away", "seen", "later", "cannot"}
    for part in ("BEGIN:VTIMEZONE", "RECURRENCE-ID", "EXDATE", "UNTIL="):
        assert part in story["calendar"]
    assert any(one["disputed"] for sitting in story["sittings"] for one in sitting["people"])
    origins = [one["origin"] or [None] for one in (*story["sittings"], *story["views"])]
    assert {origin[0] for origin in origins} == {"ring", "meeting", None}
    assert any(origin[0] == "ring" and origin[3] != "" for origin in origins)


if __name__ == "__main__":
    PYTHON.write_text(written(told(SEED, COUNT)))
