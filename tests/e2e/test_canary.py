"""A thousand plaintext canaries go through the browsers; the server's files, logs and wires hold none."""

import base64
from pathlib import Path

import pytest

from tests.conftest import SOAK
from tests.e2e.canaries import Search, canaries, forms
from tests.e2e.company import Company
from tests.e2e.person import PASSPHRASE, Person

COUNT = 1_000
NAMES, TITLES = 6, 4
# How many canaries one message carries. In a soak run each has a message of its own.
IN_ONE = 1 if SOAK else 8


@pytest.fixture(scope="module")
def birds() -> list[str]:
    return canaries(COUNT, seed=20)


@pytest.fixture(scope="module")
def sung(company: Company, birds: list[str]) -> list[Person]:
    """Three people say all of them: as names, titles, messages, replies, edits, reactions' targets, links."""
    names, titles, texts = birds[:NAMES], birds[NAMES : NAMES + TITLES], birds[NAMES + TITLES :]
    ada = company.founder(names[0], titles[0])
    ben = company.join(ada, titles[0], names[1])
    cleo = company.join(ada, titles[0], names[2])
    trio = [ada, ben, cleo]
    ada.rename_group(titles[1])
    for person in (ben, cleo):
        person.in_group(titles[1])
    for person, name in zip(trio, names[3:], strict=True):
        person.rename(name)
    flocks = [texts[at : at + IN_ONE] for at in range(0, len(texts), IN_ONE)]
    for number, flock in enumerate(flocks):
        trio[number % 3].say(_message(flock, number))
    for person in trio:
        for flock in (flocks[-1], flocks[-2], flocks[-3]):
            person.reads(flock[0], timeout=60_000)
    # The same words take other ways too.
    last = flocks[-1][0]
    ada.act(last, "Reply")
    ada.say(f"Answer to {last}")
    ben.reads(f"Answer to {last}")
    cleo.react(f"Answer to {last}", "👍")
    ada.act(f"Answer to {last}", "Edit")
    ada.composer.fill(f"Better answer to {last}")
    ada.send()
    ben.reads(f"Better answer to {last}")
    cleo.composer.press_sequentially(titles[3])
    ada.to_groups()
    ada.start_group(titles[2])
    return trio


def _message(flock: list[str], number: int) -> str:
    first, *more = flock
    styled = {0: f"**{first}**", 1: f"`{first}`", 2: f"[{first}](https://{first}.example/{first})"}
    return "\n".join([styled.get(number % 4, first), *more])


def test_every_canary_was_read_by_others(sung: list[Person], birds: list[str]) -> None:
    _, ben, _ = sung
    read = "\n".join(ben.transcript())
    missing = [bird for bird in birds[NAMES + TITLES :] if bird not in read]
    assert not missing


def test_no_canary_is_in_the_servers_files_or_log(
    company: Company, sung: list[Person], birds: list[str]
) -> None:
    search = Search(birds)
    files = company.house.files()
    assert {"collegium.sqlite", "collegium.sqlite-wal"} <= {Path(name).name for name in files}, files.keys()
    assert sum(map(len, files.values())) > COUNT * 100, "the messages are not in there at all"
    for name, content in files.items():
        assert not search.found(content), name
    assert not search.found("".join(company.house.printed).encode())


def test_no_canary_is_in_the_traffic(sung: list[Person], birds: list[str]) -> None:
    search = Search(birds)
    for person in sung:
        raw = b"".join(person.relay.raw)
        unmasked = b"".join(message for _, message in person.relay.messages)
        assert len(unmasked) > COUNT * 100, "the messages did not pass here at all"
        assert not search.found(raw)
        assert not search.found(unmasked)
        assert not search.found(b"".join(asked.path.encode() + asked.body for asked in person.relay.asked))
        assert not person.relay.strangers


def test_no_canary_is_in_the_servers_memory(company: Company, sung: list[Person], birds: list[str]) -> None:
    """Its writable memory, as it is now; a sample in the plain form is enough to see a leak."""
    assert company.house.process is not None
    pid = company.house.process.pid
    looked = 0
    with open(f"/proc/{pid}/maps") as maps, open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
        for line in maps:
            span, rights, *_ = line.split()
            if not rights.startswith("rw"):
                continue
            start, end = (int(part, 16) for part in span.split("-"))
            try:
                memory.seek(start)
                content = memory.read(end - start)
            except OSError:
                continue  # a region that cannot be read, as of a device
            looked += len(content)
            for bird in birds[:NAMES] + birds[NAMES : NAMES + TITLES] + birds[-6:]:
                assert bird.encode() not in content
    assert looked > 1_000_000


def test_the_search_would_find_one(company: Company, birds: list[str], tmp_path: Path) -> None:
    """In each form, in the middle of other bytes, and in a file of the kind that is searched."""
    search = Search(birds)
    bird = birds[500]
    for form in forms(bird):
        assert search.found(b"\x00before" + form + b"after\xff") == {bird}
    for shift in range(6):
        told = b"x" * shift + bird.encode() + b" and more"
        for encoded in (base64.b64encode(told), base64.urlsafe_b64encode(told), told.hex().encode()):
            assert search.found(b'{"body":"' + encoded + b'"}') == {bird}
    planted = company.house.data / "planted.log"
    planted.write_text(f'{{"event":"oops","text":"{bird}"}}\n')
    try:
        found = {name for name, content in company.house.files().items() if search.found(content)}
    finally:
        planted.unlink()
    assert {Path(name).name for name in found} == {"planted.log"}


def test_no_canary_is_in_the_profile_of_a_browser(
    company: Company, birds: list[str], sung: list[Person], tmp_path: Path
) -> None:
    """What a device stores is encrypted: names, titles and texts are not in the files of its profile."""
    ada = sung[0]
    profile = tmp_path / "profile"
    eva = company.profile(birds[4], profile)
    eva.sign_up(ada.invite(), PASSPHRASE)
    eva.in_group(birds[NAMES + 2])
    own, others = birds[100], birds[101]
    eva.say(own)
    ada.say(others)
    eva.reads(others)
    ada.reads(own)
    company.dismiss(eva)
    search = Search(birds)
    kept = [path for path in profile.rglob("*") if path.is_file()]
    assert any("IndexedDB" in str(path) for path in kept)
    for path in kept:
        assert not search.found(path.read_bytes()), path
