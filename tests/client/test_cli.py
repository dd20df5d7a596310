"""The commands, as somebody types them: what they print, for people and for programs, and how they end."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import trustme

from tests.client.company import PASSPHRASE, House
from tests.client.shell import MINUTE_S, Shell
from tests.house_server import HouseServer


@pytest.fixture(scope="module")
def ada(house: House, tmp_path_factory: pytest.TempPathFactory) -> Shell:
    shell = Shell(tmp_path_factory.mktemp("ada"))
    out = shell.run("join", house.founder_link(), "--name", "Ada", "--start", "Monday round")
    assert "Recovery code: " in out
    assert "You are in “Monday round”: Ada" in out
    return shell


@pytest.fixture(scope="module")
def ben(ada: Shell, tmp_path_factory: pytest.TempPathFactory) -> Shell:
    """Let in while Ada's `read --follow` runs: a member's device must be there to do it."""
    shell = Shell(tmp_path_factory.mktemp("ben"))
    link = ada.run("link", "Monday").strip()
    listening = ada.start("read", "Monday round", "--follow")
    answer = shell.ask("join", link, "--name", "Ben")
    assert answer["room"]["title"] == "Monday round"
    assert {one["name"] for one in answer["room"]["members"]} == {"Ada", "Ben"}
    listening.interrupt()
    assert listening.end() == 130
    return shell


def test_one_says_and_the_other_reads(ada: Shell, ben: Shell) -> None:
    assert ben.run("say", "monday", "Who can take *Tuesday*?").startswith("On the server, encrypted")
    assert "Ben: Who can take *Tuesday*?" in ada.run("read", "Monday round")
    said = ada.ask("say", "Monday round", "I can.")
    read = [json.loads(line) for line in ben.run("read", "Monday", "--json").splitlines()]
    assert read[-1]["id"] == said["id"]
    assert read[-1]["author"]["name"] == "Ada"
    assert (read[-1]["text"], read[-1]["mine"]) == ("I can.", False)
    assert "Ada, Ben" in ben.run("rooms")
    assert ben.ask("rooms")["rooms"][0]["unread"] == 0


def test_a_text_may_come_from_the_standard_input(ada: Shell, ben: Shell) -> None:
    ada.run("say", "Monday", "-", typed="first line\nsecond line\n")
    assert ben.ask("read", "Monday", "--last", "1")["text"] == "first line\nsecond line"


def test_a_list_is_no_option(ada: Shell, ben: Shell) -> None:
    ada.run("say", "Monday", "- one\n- two")
    assert ben.ask("read", "Monday", "--last", "1")["text"] == "- one\n- two"


def test_what_somebody_wrote_cannot_move_the_terminal(ada: Shell, ben: Shell) -> None:
    ben.run("say", "Monday", "\x1b[2Jgone\x07 \u202eback")
    shown = ada.run("read", "Monday", "--last", "1")
    assert "\x1b" not in shown
    assert "\u202e" not in shown
    assert "gone" in shown


def test_follow_shows_what_comes_until_interrupted(ada: Shell, ben: Shell) -> None:
    ben.run("say", "Monday", "before")
    listening = ada.start("read", "Monday", "--follow", "--last", "1", "--json")
    listening.lines(1)
    ben.run("say", "Monday", "live one")
    ben.run("say", "Monday", "live two")
    assert [json.loads(line)["text"] for line in listening.lines(3)] == ["before", "live one", "live two"]
    # One store is open once: the other command says what is the matter.
    ada.run("say", "Monday", "meanwhile", code=4)
    assert "Another program has this store open" in ada.said
    listening.interrupt()
    assert listening.end() == 130


def test_whoever_has_read_enough_may_close_the_pipe(ada: Shell, ben: Shell) -> None:
    for number in range(3):
        ben.run("say", "Monday", f"line {number}")
    done = subprocess.run(
        f"{sys.executable} -m collegium read Monday | head -n 1",
        shell=True,
        env=ada.env,
        capture_output=True,
        text=True,
        timeout=MINUTE_S,
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_the_recovery_code_is_shown_until_it_is_said_to_be_kept(
    ada: Shell, ben: Shell, house: House, tmp_path: Path
) -> None:
    shown = ben.ask("code")["recovery_code"]
    assert shown in ben.run("code")
    assert ben.ask("code", "--kept") == {"recovery_code": None}
    assert "with you alone" in ben.run("code")
    again = Shell(tmp_path)
    assert "Welcome back, Ben" in again.run("recover", house.server.base, typed=shown + "\n")
    assert again.ask("rooms")["name"] == "Ben"
    forgotten = Shell(tmp_path, COLLEGIUM_PASSPHRASE="another passphrase")
    assert error_of(forgotten.ask("rooms", code=4)) == "wrong_opener"
    assert "new passphrase" in forgotten.run("recover", typed=shown + "\n")
    assert forgotten.ask("rooms")["name"] == "Ben"


# How it ends when it does not work


def error_of(answer: dict[str, Any]) -> str:
    return str(answer["error"]["code"])


def test_refusals_are_words_or_json_and_an_exit_code(ada: Shell, house: House, tmp_path: Path) -> None:
    ada.run("say", "Wednesday", "hello", code=1)
    assert (
        ada.said == "collegium: There is no such group here. `collegium rooms` lists those that there are.\n"
    )
    assert error_of(ada.ask("say", "Wednesday", "hello", code=1)) == "room_unknown"
    assert error_of(ada.ask("say", "Monday", " ", code=1)) == "text_empty"
    founding = house.server.base + "/join#f." + "A" * 43
    assert error_of(ada.ask("join", founding, code=1)) == "link_founder"
    inviting = ada.run("link", "Monday").strip()
    assert error_of(ada.ask("join", inviting, "--start", "Group", code=1)) == "link_invite"
    assert error_of(Shell(tmp_path).ask("recover", code=1)) == "server_missing"
    ada.run("say", code=2)
    ada.run("says", "Monday", "hello", code=2)


def test_a_store_without_an_account_or_without_its_passphrase(ada: Shell, tmp_path: Path) -> None:
    nobody = Shell(tmp_path)
    assert error_of(nobody.ask("rooms", code=4)) == "no_account"
    assert not nobody.store.exists()
    locked = Shell(ada.store.parent, COLLEGIUM_PASSPHRASE="")
    assert error_of(locked.ask("rooms", code=4)) == "passphrase_missing"
    wrong = Shell(ada.store.parent, COLLEGIUM_PASSPHRASE="not this one at all")
    assert error_of(wrong.ask("rooms", code=4)) == "wrong_opener"


def test_a_key_file_opens_the_store_when_nobody_else_may_read_it(ada: Shell, tmp_path: Path) -> None:
    unattended = Shell(ada.store.parent, COLLEGIUM_PASSPHRASE="")
    key = tmp_path / "key"
    key.write_text(PASSPHRASE + "\n")
    key.chmod(0o644)
    assert error_of(unattended.ask("rooms", "--key-file", str(key), code=4)) == "key_file"
    key.chmod(0o600)
    assert unattended.ask("rooms", "--key-file", str(key))["name"] == "Ada"
    key.write_text("one\ntwo\n")
    assert error_of(unattended.ask("rooms", "--key-file", str(key), code=4)) == "key_file"


def test_without_a_server_it_is_kept_and_said_so(ada: Shell, house: House) -> None:
    house.server.kill()
    assert error_of(ada.ask("say", "Monday", "later then", "--wait", "1", code=3)) == "queued"
    house.server.start()
    assert ada.ask("rooms")["current"] is True
    last = ada.ask("read", "Monday", "--last", "1")
    assert (last["text"], last["delivery"] != "queued") == ("later then", True)


# The doctor


def verdicts(shell: Shell, *words: str, code: int = 0) -> dict[str, str]:
    lines = shell.run("doctor", *words, "--json", code=code).splitlines()
    return {one["name"]: one["verdict"] for one in map(json.loads, lines)}


def test_the_doctor_finds_a_sound_server_and_device(ada: Shell, house: House) -> None:
    found = verdicts(ada)
    sound = ("server", "clock", "storage", "socket", "store", "sign-in", "rooms")
    assert {name: found[name] for name in sound} == dict.fromkeys(sound, "ok")
    assert found["media"] == "not checked"
    assert "WebSockets pass to the server" in ada.run("doctor", house.server.base)


def test_the_doctor_says_what_is_wrong(ada: Shell, house: House, tmp_path: Path) -> None:
    stranger = Shell(tmp_path)
    assert verdicts(stranger, "http://127.0.0.1:1", code=1)["server"] == "failed"
    assert error_of(stranger.ask("doctor", code=1)) == "address_missing"
    assert error_of(stranger.ask("doctor", "ftp://example.org", code=1)) == "address"
    ada.store.chmod(0o644)
    assert verdicts(ada)["store"] == "warning"
    ada.store.chmod(0o600)
    # This server has no media unit.
    assert verdicts(ada, "--call", "Monday", code=1)["call"] == "failed"
    assert error_of(ada.ask("call", "Monday", "--seconds", "1", code=1)) == "media_unavailable"
    assert error_of(ada.ask("call", "Monday", "--file", str(tmp_path), code=1)) == "call_file"


MOVED = """
import sys, time
real, real_ns = time.time, time.time_ns
time.time = lambda: real() + {seconds}
time.time_ns = lambda: real_ns() + int({seconds} * 1e9)
from collegium import main
sys.argv = ["collegium", *{words!r}]
main()
"""


@pytest.mark.parametrize(("seconds", "verdict"), [(60, "warning"), (-700, "failed")])
def test_e10_the_doctor_sees_a_clock_that_is_wrong(
    house: House, tmp_path: Path, seconds: int, verdict: str
) -> None:
    words = ["doctor", house.server.base, "--json"]
    done = subprocess.run(
        [sys.executable, "-c", MOVED.format(seconds=seconds, words=words)],
        env=Shell(tmp_path).env,
        capture_output=True,
        text=True,
        timeout=MINUTE_S,
    )
    found = {one["name"]: one["verdict"] for one in map(json.loads, done.stdout.splitlines())}
    assert found["clock"] == verdict, done.stderr
    assert done.returncode == (1 if verdict == "failed" else 0)


def test_over_tls_the_certificate_must_be_one_that_this_system_trusts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority = trustme.CA()
    issued = authority.issue_cert("localhost")
    issued.private_key_and_cert_chain_pem.write_to_path(tmp_path / "server.pem")
    authority.cert_pem.write_to_path(tmp_path / "authority.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authority.pem"))
    pem = str(tmp_path / "server.pem")
    server = HouseServer(tmp_path, tls_cert=pem, tls_key=pem)
    server.base = f"https://localhost:{server.port}"
    server.start()
    trusting = Shell(tmp_path)
    found = verdicts(trusting, server.base)
    sound = ("server", "certificate", "socket")
    assert {name: found[name] for name in sound} == dict.fromkeys(sound, "ok")
    house = House(server)
    assert trusting.ask("join", house.founder_link(), "--name", "Ada", "--start", "Monday")["room"]["title"]
    monkeypatch.delenv("SSL_CERT_FILE")
    assert verdicts(Shell(tmp_path / "other"), server.base, code=1)["server"] == "failed"
    server.close()
