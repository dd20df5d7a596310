"""Random walks across languages: each member in Python or TypeScript, all traffic as bytes (README.md)."""

import os
from collections.abc import Iterator
from dataclasses import replace

import pytest

from tests.conftest import SOAK
from tests.crypto.seeded_rng import draw_below, seeded_rng
from tests.walks.member import Member, View
from tests.walks.python_member import PythonMember
from tests.walks.typescript_member import TypeScriptPeer
from tests.walks.walk import Walk

ROOM = 0xFC02
Case = tuple[int, str, int, int]
"""Suite, seed, how many members at most, steps."""

QUICK: list[Case] = [
    (ROOM, "first", 8, 60),
    (ROOM, "second", 12, 40),
    (1, "third", 10, 80),
    (1, "fourth", 50, 20),
    (2, "fifth", 6, 40),
    (3, "sixth", 6, 60),
]
LONG: list[Case] = [
    *((ROOM, f"room {i}", 8 + i % 5, 250) for i in range(40)),
    *((1 + i % 3, f"suite {i}", 6 + i % 10, 250) for i in range(40)),
    *((ROOM if i % 2 else 1, f"fifty {i}", 50, 100) for i in range(6)),
]
REPLAY = os.environ.get("COLLEGIUM_WALK")
"""One walk alone, as its failure names it: `SUITE MEMBERS STEPS SEED`."""


def cases() -> list[Case]:
    if REPLAY:
        suite, most, steps, seed = REPLAY.split(maxsplit=3)
        return [(int(suite, 0), seed, int(most), int(steps))]
    return LONG if SOAK else QUICK


@pytest.fixture
def peer() -> Iterator[TypeScriptPeer]:
    peer = TypeScriptPeer()
    yield peer
    peer.close()


@pytest.mark.parametrize(
    ("suite", "seed", "most", "steps"),
    cases(),
    ids=lambda value: f"{value:#06x}" if isinstance(value, int) and value > 255 else str(value),
)
def test_everyone_agrees_after_every_step(
    suite: int, seed: str, most: int, steps: int, peer: TypeScriptPeer
) -> None:
    languages = seeded_rng(f"languages {seed}")

    def new_member(name: str, seed: str) -> Member:
        if draw_below(languages, 2):
            return PythonMember(suite, name, seed)
        return peer.member(suite, name, seed)

    walk = Walk(suite, seed, most, new_member)
    walk.run(steps)
    done = ", ".join(f"{count} {name}" for name, count in walk.done.most_common())
    print(f"{walk.steps} steps, at most {walk.largest} members: {done}")


class Mistaken(PythonMember):
    """Whatever it exports is another secret, once it has been at it for a while."""

    def view(self) -> View:
        view = super().view()
        return replace(view, exported=bytes(32)) if view.epoch > 3 else view


def test_a_member_that_disagrees_is_noticed_and_the_walk_named() -> None:
    def new_member(name: str, seed: str) -> Member:
        return (Mistaken if name == "member 2" else PythonMember)(1, name, seed)

    walk = Walk(1, "mistaken", 4, new_member)
    with pytest.raises(AssertionError) as caught:
        walk.run(100)
    assert "walk 0x0001 4" in caught.value.__notes__[0]


def test_a_walk_is_the_same_each_time() -> None:
    """In suites 2 and 0xFC02 the steps are: Python's ECDSA and ML-KEM draw randomness of their own."""

    def views() -> list[View]:
        walk = Walk(1, "again", 5, lambda name, seed: PythonMember(1, name, seed))
        seen = []
        for _ in range(15):
            walk.run(1)
            seen.append(walk.members[0].view())
        return seen

    assert views() == views()
