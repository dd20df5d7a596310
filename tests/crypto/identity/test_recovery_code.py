"""E6: 120 bits, shown and typed back."""

import contextlib
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crypto.identity.errors import RecoveryCodeError
from crypto.identity.recovery_code import (
    format_recovery_code,
    new_recovery_code,
    parse_recovery_code,
    recovery_groups,
    same_recovery_group,
)
from crypto.identity.root_keys import account_id_of, root_keys
from crypto.mls.errors import UsageError
from tests.crypto.identity.people import code_of, seeded, someone, spoilt

CODE = new_recovery_code(seeded("recovery code"))
TEXT = format_recovery_code(CODE)
BARE = TEXT.replace("-", "")


def test_e6_threats_37_it_is_120_bits_all_of_them_used() -> None:
    asked: list[int] = []

    def rng(length: int) -> bytes:
        asked.append(length)
        return seeded("drawn")(length)

    assert len(new_recovery_code(rng)) * 8 == 120
    assert asked == [15]
    number = int.from_bytes(CODE, "big")
    texts = {format_recovery_code((number ^ 1 << bit).to_bytes(15, "big"))[:29] for bit in range(120)}
    assert len(texts) == 120
    with pytest.raises(UsageError):
        new_recovery_code(lambda _: bytes(14))


def test_e6_seven_groups_of_letters_that_cannot_be_confused() -> None:
    assert re.fullmatch("([0-9A-HJKMNP-TV-Z]{4}-){6}[0-9A-HJKMNP-TV-Z]{4}", TEXT)
    assert format_recovery_code(bytes(15))[:29] == "0000-0000-0000-0000-0000-0000"
    assert format_recovery_code(b"\xff" * 15)[:29] == "ZZZZ-ZZZZ-ZZZZ-ZZZZ-ZZZZ-ZZZZ"
    # The highest bit comes first.
    assert format_recovery_code(b"\xf8" + bytes(14))[:4] == "Z000"
    assert format_recovery_code(b"\x07\xc0" + bytes(13))[:4] == "0Z00"
    with pytest.raises(UsageError):
        recovery_groups(bytes(16))


@settings(max_examples=200, derandomize=True, deadline=None)
@given(st.binary(min_size=15, max_size=15))
def test_e6_what_is_shown_gives_the_same_code(code: bytes) -> None:
    assert parse_recovery_code(format_recovery_code(code)) == code


@pytest.mark.parametrize(
    "typed",
    [
        TEXT.lower(),
        BARE,
        " " + TEXT.replace("-", " \u00a0") + "\r\n",
        TEXT.replace("-", "\u2011"),
        TEXT.replace("-", "\u00ad-"),
        TEXT.replace("-", "\ufeff\u3030"),
        re.sub("[0-9A-Z]", lambda found: chr(ord(found[0]) + 0xFEE0), TEXT),  # full-width letters
    ],
)
def test_e6_case_spaces_and_dashes_are_forgiven(typed: str) -> None:
    assert parse_recovery_code(typed) == CODE


def test_e6_letters_that_look_alike_are_forgiven() -> None:
    zeros = format_recovery_code(bytes(15))
    assert parse_recovery_code(zeros.replace("0", "o")) == bytes(15)
    ones = format_recovery_code(bytes.fromhex("0842108421") + bytes(10))
    assert ones.startswith("1111-1111-0000")
    said = ones.replace("1111-1111", "IiLl\u2014l1\u2013I i").lower()
    assert format_recovery_code(parse_recovery_code(said)) == ones
    assert same_recovery_group(" oO-o0 ", zeros[:4])
    assert not any(same_recovery_group(typed, zeros[:4]) for typed in ("0001", "000", "", "0" * 300))


@pytest.mark.parametrize(("at", "letter"), [(0, "U"), (6, "*"), (27, "Ä")])
def test_e6_a_letter_that_no_code_has_is_found(at: int, letter: str) -> None:
    with pytest.raises(RecoveryCodeError) as caught:
        parse_recovery_code(BARE[:at] + letter + BARE[at + 1 :])
    assert (caught.value.code, caught.value.fault) == ("recovery_code_letters", "caller")
    assert caught.value.group == at // 4 + 1


@pytest.mark.parametrize("typed", ["", TEXT[:-1], TEXT + "0", TEXT[:29], "*" * 100_000])
def test_e6_letters_missing_or_too_many_are_said(typed: str) -> None:
    assert code_of(lambda: parse_recovery_code(typed)) == "recovery_code_length"


@pytest.mark.parametrize("at", range(28))
def test_e6_any_one_letter_changed_or_two_swapped_do_not_belong_together(at: int) -> None:
    other = "8" if BARE[at] == "7" else "7"
    changed = BARE[:at] + other + BARE[at + 1 :]
    assert code_of(lambda: parse_recovery_code(changed)) == "recovery_code_checksum"
    if at > 0 and BARE[at] != BARE[at - 1]:
        swapped = BARE[: at - 1] + BARE[at] + BARE[at - 1] + BARE[at + 1 :]
        assert code_of(lambda: parse_recovery_code(swapped)) == "recovery_code_checksum"


@settings(max_examples=400, derandomize=True, deadline=None)
@given(
    st.one_of(
        st.text(max_size=60),
        st.text(alphabet="0123456789ABCDEFGHJKMNPQRSTVWXYZilou- ", min_size=26, max_size=32),
    )
)
def test_e6_any_text_is_a_code_or_a_recovery_code_error(text: str) -> None:
    with contextlib.suppress(RecoveryCodeError):
        assert len(parse_recovery_code(text)) == 15


def test_e6_no_two_keys_of_a_code_are_the_same_and_another_code_makes_others() -> None:
    made = [root_keys(code) for code in (CODE, spoilt(CODE, 14))]
    secrets = {
        secret
        for keys in made
        for secret in (
            keys.root.private_key,
            keys.recovery.private_key,
            keys.seal.private_key,
            keys.vault_key,
        )
    }
    assert len(secrets) == 8
    assert not any(secret.hex() in repr(keys) for keys in made for secret in secrets)


@pytest.mark.parametrize("length", [0, 14, 16])
def test_e6_a_code_of_another_length_makes_nothing(length: int) -> None:
    with pytest.raises(UsageError):
        root_keys(bytes(length))


def test_e6_an_account_proves_itself() -> None:
    anna = someone("anna")
    assert account_id_of(anna.keys.root.public_key) == anna.identity.account_id
    assert account_id_of(someone("ben").keys.root.public_key) != anna.identity.account_id
