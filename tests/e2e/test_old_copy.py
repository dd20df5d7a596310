"""A browser profile that was restored from an old copy (E39), where all others are as they should be."""

import re
import shutil
from pathlib import Path

import pytest

from tests.e2e.company import Company
from tests.e2e.person import PASSPHRASE, Person

TITLE = "Supervision circle"
Pair = tuple[Person, Person]


@pytest.fixture(scope="module")
def pair(company: Company) -> Pair:
    ada = company.founder("Ada", TITLE)
    return ada, company.join(ada, TITLE, "Ben")


def test_a_profile_from_an_old_copy_is_noticed_and_comes_back_in(
    company: Company, pair: Pair, tmp_path: Path
) -> None:
    ada, ben = pair
    current, copy = tmp_path / "current", tmp_path / "copy"
    eva = company.profile("Eva", current)
    eva.sign_up(ada.invite(), PASSPHRASE)
    eva.in_group(TITLE)
    eva.say("Before the copy")
    ada.reads("Before the copy")
    place, code = eva.at, eva.code
    company.dismiss(eva)
    shutil.copytree(current, copy, ignore=shutil.ignore_patterns("Singleton*"))

    eva = company.profile("Eva", current)
    eva.place = place
    eva.open_laptop(PASSPHRASE)
    eva.in_group(TITLE)
    for n in range(3):
        eva.say(f"After the copy {n}")
        ada.reads(f"After the copy {n}")
    company.dismiss(eva)

    restored = company.profile("Eva", copy)
    restored.code, restored.place = code, place
    restored.open_laptop(PASSPHRASE)
    restored.see(re.compile("This device’s data is an old copy"), timeout=60_000)
    ada.see(re.compile("Eva is back in the group with renewed keys"), timeout=60_000)
    ada.say("Welcome back from the past")
    restored.in_group(TITLE)
    restored.reads("Welcome back from the past")
    restored.say("From the restored profile")
    ada.reads("From the restored profile")
    ben.reads("From the restored profile")
    company.dismiss(restored)
