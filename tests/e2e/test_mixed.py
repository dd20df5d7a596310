"""One room with two browsers and three Python members: they add and remove each other, are reloaded and
killed in the middle, and end with the same log.
"""

import re
from collections.abc import Iterator
from itertools import cycle

import pytest

from tests.e2e.company import Company
from tests.e2e.person import NETWORK_NOISE, Person
from tests.e2e.robot import Robot

TITLE = "Thursday round"
EVERYBODY = ("Ada", "Ben", "Rita", "Sam", "Tom")


@pytest.fixture
def robots(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Robot]]:
    folder = tmp_path_factory.mktemp("robots")
    made = [Robot(name, folder) for name in ("Rita", "Sam", "Tom")]
    yield made
    for robot in made:
        robot.stop()


def everybody_reads(text: str, *readers: Person | Robot) -> None:
    for reader in readers:
        reader.reads(text)


def test_browsers_and_python_members_keep_one_log(company: Company, robots: list[Robot]) -> None:
    rita, sam, tom = robots
    ada = company.founder("Ada", TITLE)

    # Each side lets the other in: a browser a program, a program a browser, a program a program.
    rita.join(ada.invite())
    ben = company.person("Ben")
    ben.sign_up(rita.invite())
    ben.in_group(TITLE)
    sam.join(ben.invite())
    tom.join(rita.invite())
    rita.sees(*EVERYBODY)
    everyone: tuple[Person | Robot, ...] = (ada, ben, rita, sam, tom)
    said = []
    for speaker, number in zip(cycle(everyone), range(10), strict=False):
        said.append(f"{number} by {speaker.name}")
        speaker.say(said[-1])
        everybody_reads(said[-1], *everyone)

    # Reloads and kills while others write.
    pairs: tuple[tuple[Robot, Person | Robot], ...] = ((rita, ada), (sam, ben), (tom, rita))
    for number, (victim, other) in enumerate(pairs):
        said.append(f"before {victim.name} is killed, {number}")
        victim.begin_to_say(said[-1])
        victim.kill()
        said.append(f"while {victim.name} is gone, {number}")
        other.say(said[-1])
        victim.start()
        everybody_reads(said[-1], *everyone)
        everybody_reads(said[-2], *everyone)
    ben.say("before the reload")
    ben.reload()
    ben.in_group(TITLE)
    for person in (ada, ben):
        person.allow(NETWORK_NOISE)
    company.house.kill()
    tom.begin_to_say("while the server is gone")
    company.house.start()
    everybody_reads("while the server is gone", *everyone)
    everybody_reads("before the reload", *everyone)

    # The founder, in a browser, removes a program, killed in the same moment; programs let it in again.
    ada.remove_member("Tom")
    tom.reload()
    tom.is_removed()
    for person in (ada, ben):
        person.see(re.compile("Tom was removed by Ada"))
    sam.sees("Ada", "Ben", "Rita", "Sam")
    sam.say("without Tom")
    rita.say("without Tom, too")
    everybody_reads("without Tom, too", ada, ben, rita, sam)

    # Two programs remove a browser, as the group's rules want it; a browser lets it in again.
    rita.remove("Ben")
    ada.show_people()
    ada.see("Remove Ben: 1 of 2 agreed")
    sam.remove("Ben")
    ben.see("You were removed from this group")
    rita.sees("Ada", "Rita", "Sam")
    ada.say("without Ben")
    everybody_reads("without Ben", rita, sam)

    tom.join(sam.invite())
    ben.accept(ada.invite())
    ben.open_group(TITLE)
    rita.sees(*EVERYBODY)
    for speaker in everyone:
        speaker.say(f"last by {speaker.name}")
        everybody_reads(f"last by {speaker.name}", *everyone)

    # The same for all: of those who were there throughout everything, of the others what they were there for.
    whole = rita.posts()
    texts = [text for _, _, text in whole]
    assert sorted(texts) == sorted(
        [
            *said,
            "before the reload",
            "while the server is gone",
            "without Tom",
            "without Tom, too",
            "without Ben",
            *(f"last by {name}" for name in ("Ada", "Ben", "Rita", "Sam", "Tom")),
        ]
    )
    n, head = rita.log()
    assert (n, head) == sam.log(n) == tom.log(n)
    assert [post for post in whole if post in sam.posts()] == whole
    assert [post for post in tom.posts() if post in whole] == tom.posts()
    assert ada.transcript() == texts
    assert [text for text in texts if text in ben.transcript()] == ben.transcript()
    assert "without Tom" not in tom.texts()
    assert "without Ben" not in ben.transcript()
    # E19: nobody has seen another log than anybody else, and nobody had to come back.
    for robot in robots:
        assert robot.alarms() == []
    for person in (ada, ben):
        person.sees_not(re.compile("have not seen the same messages"))
