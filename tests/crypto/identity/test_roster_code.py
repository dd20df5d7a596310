"""E12: thirty digits. Each takes a good part of a second, so they are few."""

import re

import pytest

from crypto.identity.roster_code import ROSTER_DIGITS, RosterEntry, roster_code, roster_code_groups
from crypto.mls.errors import UsageError
from tests.crypto.identity.people import someone, spoilt


def entry(name: str) -> RosterEntry:
    identity = someone(name).identity
    return RosterEntry(identity.account_id, identity.root_key)


ANNA, BEN, CLEO = entry("anna"), entry("ben"), entry("cleo")


def test_e12_thirty_digits_that_do_not_depend_on_the_order_of_people() -> None:
    code = roster_code([ANNA, BEN, CLEO])
    assert re.fullmatch(r"\d{30}", code)
    assert roster_code([CLEO, ANNA, BEN]) == code
    assert len(roster_code_groups(code)) == 6
    assert "".join(roster_code_groups(code)) == code
    assert roster_code_groups("0" * ROSTER_DIGITS) == ["00000"] * 6


def test_e12_zeros_at_its_beginning_are_kept() -> None:
    assert roster_code([entry("zero 0")]) == "048042088515584030641048003462"


def test_e12_one_bit_of_a_root_or_keys_exchanged_make_another_code() -> None:
    codes = {
        roster_code([ANNA, BEN]),
        roster_code([ANNA, BEN._replace(root_key=spoilt(BEN.root_key, 31))]),
        roster_code([ANNA._replace(root_key=BEN.root_key), BEN._replace(root_key=ANNA.root_key)]),
    }
    assert len(codes) == 3


@pytest.mark.parametrize(
    "wrong",
    [
        [],
        [ANNA, BEN, ANNA],
        [ANNA._replace(root_key=bytes(31))],
        [ANNA._replace(account_id=bytes(17))],
    ],
)
def test_e12_nobody_or_somebody_twice_is_our_own_mistake(wrong: list[RosterEntry]) -> None:
    with pytest.raises(UsageError):
        roster_code(wrong)
