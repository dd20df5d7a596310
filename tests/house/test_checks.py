"""What MLS refuses: every number has a rule, a test in each language, and the same codes in both."""

import pytest

from tests.house.checks import TABLE, Check, checks, codes, python_tests, table, typescript_tests

CHECKS = checks()
NUMBERS = [check.number for check in CHECKS]
PYTHON, TYPESCRIPT = python_tests(), typescript_tests()
CODES = codes(".py")


def test_each_number_stands_for_one_rule_with_its_source() -> None:
    assert len(set(NUMBERS)) == len(NUMBERS)
    assert [check.number for check in CHECKS if not check.rule or not check.section] == []


def test_both_languages_refuse_by_the_same_codes_and_the_table_has_them() -> None:
    assert codes(".ts") == CODES
    assert sorted(set(CODES) - set(NUMBERS)) == []
    listed = {check.number: set(check.code.split()) for check in CHECKS if check.number in CODES}
    assert listed == CODES


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.number)
def test_a_number_has_a_test_in_each_language(check: Check) -> None:
    assert PYTHON[check.number], "no test in Python is named after it"
    assert TYPESCRIPT[check.number], "no test in TypeScript is named after it"


def test_a_test_is_named_after_numbers_that_exist() -> None:
    assert sorted({*PYTHON, *TYPESCRIPT} - set(NUMBERS)) == []


def test_the_table_names_the_tests() -> None:
    assert TABLE.read_text() == table(), "python -m tests.house.checks"
