"""Every refusal, alarm and event that can reach a person has words, and they say what to do."""

import re
from typing import get_args

import pytest

from client.errors import TRANSLATED, CollegiumError, error_code, translated
from client.room.core import CommandError
from client.room.effects import AlarmCode
from client.words import ALARMS, HAPPENED, PROBLEMS, alarm_words, happened_words, words_for
from crypto.room.timeline import SystemCode
from tests.house_server import ROOT

RAISED = re.compile(r'(?:CollegiumError|ServerError|StorageRefusedError|super\(\)\.__init__)\(\s*"([a-z_]+)"')
COMMAND = re.compile(r'(?:CommandError\("|_require\(.*, "|RoomPlanError\(\s*")([a-z_]+)"')
CODES_OF_THE_SERVER = re.compile(r"^Codes: (.+?)\.$", re.MULTILINE | re.DOTALL)
# What only a caller of ours can bring about, or what never reaches a person.
INTERNAL = {"account_id", "proof", "account_exists", "device_exists", "room_exists", "internal", "passkey"}
INTERNAL |= {"passkey_exists", "too_many_passkeys", "hello_first", "push_endpoint"}
INTERNAL |= {"lifetime", "too_many_key_packages"}


def found(pattern: re.Pattern[str], *folders: str) -> set[str]:
    files = [path for folder in folders for path in (ROOT / folder).rglob("*.py")]
    return {code for path in files for code in pattern.findall(path.read_text())}


def test_whatever_is_raised_in_the_client_has_words() -> None:
    raised = found(RAISED, "client")
    assert len(raised) > 30
    assert {code for code in raised if TRANSLATED.get(code, code) not in PROBLEMS} == set()


def test_whatever_a_room_refuses_has_words() -> None:
    refused = found(COMMAND, "client/room", "crypto/room")
    assert len(refused) > 15
    assert {code for code in refused if TRANSLATED.get(code, code) not in PROBLEMS} == set()


def test_whatever_the_server_refuses_has_words() -> None:
    (listed,) = CODES_OF_THE_SERVER.findall((ROOT / "PROTOCOL.md").read_text())
    codes = set(re.findall(r"`([a-z_]+)`", listed))
    assert len(codes) > 20
    assert {code for code in codes - INTERNAL if TRANSLATED.get(code, code) not in PROBLEMS} == set()


def test_alarms_and_events_have_words() -> None:
    assert set(get_args(AlarmCode)) <= set(ALARMS)
    raised = found(re.compile(r'\.alarm\(\s*"([a-z_]+)"'), "client/engine")
    assert raised <= set(ALARMS)
    assert set(get_args(SystemCode)) == set(HAPPENED)
    assert alarm_words("fork", "Ben").startswith("Ben's device")
    assert alarm_words("fork", None).startswith("A member's device")
    assert happened_words("joined", "Ben", "Ada", "") == "Ben joined, invited by Ada"
    for unknown in (
        words_for("who_knows"),
        alarm_words("who_knows", None),
        happened_words("who_knows", "", "", ""),
    ):
        assert "who_knows" in unknown


@pytest.mark.parametrize("text", [*PROBLEMS.values(), *ALARMS.values()])
def test_words_are_whole_sentences(text: str) -> None:
    assert text[0].isupper() or text.startswith(("{", "`"))
    assert text.endswith((".", "example.org"))


def test_a_name_with_braces_is_only_a_name() -> None:
    assert "{by}" in happened_words("joined", "{by}", "Ada", "")
    assert "{who.__class__}" in alarm_words("fork", "{who.__class__}")


def test_what_other_layers_call_it_becomes_our_word() -> None:
    with pytest.raises(CollegiumError) as refused, translated():
        raise CommandError("already_here")
    assert refused.value.code == "link_member"
    with pytest.raises(CollegiumError) as kept, translated():
        raise CollegiumError("sign_in")
    assert kept.value.code == "signed_out"
    with pytest.raises(ZeroDivisionError), translated():
        raise ZeroDivisionError
    assert error_code(ValueError()) == "unexpected"
    assert error_code(CommandError("bundle_sealed")) == "bundle"


def test_no_file_of_the_client_speaks_to_people_elsewhere() -> None:
    """Printing is in one place, where what strangers wrote is made harmless; the linter looks for `print`."""
    writes = re.compile(r"sys\.std(?:out|err)\.write|sys\.exit\(f?\"")
    assert [path.name for path in (ROOT / "client").rglob("*.py") if writes.search(path.read_text())] == [
        "printing.py"
    ]
