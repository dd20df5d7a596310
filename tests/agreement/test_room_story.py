"""One device's story of a room, told in each language and read in both: the whole room core, from Welcome
to end.

`room_story.json` comes from TypeScript, `room_story_python.json` from here. Encapsulations are random, so
no two tellings have the same bytes: `python tests/agreement/test_room_story.py` tells it anew.
"""

import sys
from dataclasses import replace
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import pytest

from tests.client.room.story import load, read, save, tell
from wire.codec import decode_server
from wire.frames import Entry

PYTHON = "room_story_python.json"


@pytest.mark.parametrize("name", ["room_story.json", PYTHON])
def test_a_story_ends_as_it_was_told(name: str) -> None:
    story = load(name)
    end, call, alarms = read(story)
    assert end == story.end
    assert call == story.call
    assert alarms == []


def test_a_story_told_now_ends_as_it_was_told() -> None:
    story = tell()
    assert read(story) == (story.end, story.call, [])


def test_a_story_with_one_frame_less_does_not() -> None:
    story = load(PYTHON)
    last = max(at for at, (_, data) in enumerate(story.frames) if isinstance(decode_server(data)[0], Entry))
    end, _, _ = read(replace(story, frames=[*story.frames[:last], *story.frames[last + 1 :]]))
    assert end != story.end


if __name__ == "__main__":
    save(PYTHON, tell())
