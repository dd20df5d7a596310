"""A member's process is killed between any two steps, again and again: nothing is lost, doubled or out of
order, and no key is used twice (E21, E39).
"""

import asyncio
from pathlib import Path
from random import Random

import pytest

from tests.client.company import House, found, names, opened, patience, transcript, until
from tests.client.talker import talk
from tests.conftest import SOAK
from tests.house_server import run
from tests.nursery import processes

POSTS = 30 if SOAK else 8
# Steps of one life at most: enough to come from the start of a process into the middle of its work.
LONGEST_LIFE = 60
SEEDS = range(20) if SOAK else range(3)
MAX_LIVES = 500


async def live(store: Path, link: str, name: str, die_at: int | None) -> int:
    """One life of a member. Gives the exit code, negative when it was killed."""
    process = processes.Process(target=talk, args=(store, link, name, POSTS, die_at))
    process.start()
    await asyncio.to_thread(process.join)
    assert process.exitcode is not None
    return process.exitcode


async def lives(store: Path, link: str, name: str, random: Random) -> int:
    """One life after another until the work is done. Gives how many there were."""
    for count in range(1, MAX_LIVES):
        code = await live(store, link, name, random.randrange(LONGEST_LIFE))
        assert code in (0, -9), f"{name} ended with {code} in life {count}"
        if code == 0:
            return count
        # So that it ends: the chance to get through grows.
        if count % 20 == 0:
            assert await live(store, link, name, None) == 0
            return count + 1
    raise AssertionError("it never got through")


@pytest.mark.parametrize("seed", SEEDS)
def test_a_member_that_is_killed_between_any_two_steps(house: House, tmp_path: Path, seed: int) -> None:
    random = Random(seed)

    async def work() -> None:
        async with opened(tmp_path / "ada") as ada:
            room = await found(house, ada, "Ada")
            async with patience():
                links = [await room.invite(), await room.invite()]
            ends = await asyncio.gather(
                *(
                    lives(tmp_path / name, link, name, Random(random.random()))
                    for name, link in zip(("Ben", "Cleo"), links, strict=True)
                )
            )
            assert max(ends) > 1
            said = {f"{name} {number}" for name in ("Ben", "Cleo") for number in range(POSTS)}
            await until(ada, lambda: {post.text for post in room.posts(1_000)} >= said)
            texts = [post.text for post in room.posts(1_000)]
            assert sorted(texts) == sorted(said)  # each once
            for name in ("Ben", "Cleo"):
                mine = [text for text in texts if text.startswith(name)]
                assert mine == sorted(mine, key=lambda text: int(text.split()[1]))
            assert names(room) == {"Ada", "Ben", "Cleo"}
            # Nobody lost a key, came back anew, or saw another log. (A newcomer sees what follows its
            # Welcome.)
            assert ada.alarms == []
            for name in ("Ben", "Cleo"):
                async with opened(tmp_path / name) as me:
                    (theirs,) = me.rooms
                    await until(me, lambda theirs=theirs: theirs.position == room.position)  # type: ignore[misc]
                    seen = transcript(theirs)
                    assert seen == transcript(room)[-len(seen) :]
                    assert theirs.title == room.title
                    assert me.alarms == []

    run(work())
