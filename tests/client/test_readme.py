"""The example in README.md does what it says, as it stands there."""

import asyncio
import os
import re
import sys
from pathlib import Path

from tests.client.company import PASSPHRASE, House, first, found, opened, patience
from tests.house_server import ROOT, run

EXAMPLE = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def test_the_example_posts_to_a_room_and_reads_the_answer(house: House, tmp_path: Path) -> None:
    (example,) = EXAMPLE.findall((ROOT / "README.md").read_text())

    async def notes(link: str) -> tuple[str, int | None]:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-c",
            example,
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(ROOT), "COLLEGIUM_PASSPHRASE": PASSPHRASE, "LINK": link},
            stdout=asyncio.subprocess.PIPE,
        )
        out, _ = await process.communicate()
        return out.decode(), process.returncode

    async def work() -> None:
        async with opened(tmp_path / "ada") as ada:
            room = await found(house, ada, "Ada")
            async with patience():
                link = await room.invite()
            for answer in ("I can.", "I said that I can."):  # the second time it goes on where it was
                running = asyncio.create_task(notes(link))
                asked = await first(room)
                await room.mark_read(asked.n)
                assert (asked.author, asked.text) == ("Notes", "Good morning. Who can take Tuesday?")
                await room.say(answer, reply_to=asked)
                async with patience():
                    out, code = await running
                assert code == 0
                assert out == "Ada: I can.\n"  # the loop was not done with it before

    run(work())
