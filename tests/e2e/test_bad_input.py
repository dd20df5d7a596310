"""Bad links, an evil server, storage denied, lost or old, a wrong clock: clear words, and nothing lost."""

import re
import secrets
import shutil
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.e2e.company import Company
from tests.e2e.person import NETWORK_NOISE, PASSPHRASE, Person
from tests.e2e.relay import Direction, Frame
from wire.bounds import to_base64url

TITLE = "Supervision circle"
DAY_MS = 24 * 3600 * 1000
GONE = "This invitation does not work any more"
CUT = "A part of this link is missing"


@pytest.fixture(scope="module")
def pair(company: Company) -> tuple[Person, Person]:
    ada = company.founder("Ada", TITLE)
    return ada, company.join(ada, TITLE, "Ben")


Pair = tuple[Person, Person]


def token_of(link: str) -> str:
    return link.split("#")[1].split(".")[0]


# Invitations.


def test_a_link_that_nobody_made_is_refused(company: Company) -> None:
    eva = company.person("Eva")
    eva.allow("404")
    eva.open(f"{company.house.origin}/join#f.{to_base64url(secrets.token_bytes(32))}")
    eva.see(GONE)
    eva.see(re.compile("Ask your colleague for a new link"))
    company.dismiss(eva)


def test_an_expired_invitation_says_so(company: Company, pair: Pair) -> None:
    ada, _ = pair
    link = ada.invite()
    with company.house.database() as database:
        database.execute("UPDATE tokens SET not_after = 1 WHERE used_by IS NULL AND room IS NOT NULL")
    eva = company.person("Eva")
    eva.allow("404")
    eva.open(link)
    eva.see(GONE)
    company.dismiss(eva)


def test_a_used_invitation_lets_nobody_else_in(company: Company, pair: Pair) -> None:
    ada, _ = pair
    link = ada.invite()
    fay, gil = company.person("Fay"), company.person("Gil")
    fay.sign_up(link)
    fay.in_group(TITLE)
    gil.allow("404")
    gil.open(link)
    gil.see(GONE)
    ada.say("Only Fay came in")
    fay.reads("Only Fay came in")
    for person in (fay, gil):
        company.dismiss(person)


@pytest.mark.parametrize("left", [0.2, 0.5, 0.9, 0.99])
def test_a_truncated_link_is_told_apart_from_a_wrong_one(company: Company, pair: Pair, left: float) -> None:
    """Also when no more than its last character is missing. The whole one stays good."""
    ada, _ = pair
    link = ada.invite()
    start = link.index("#") + 1
    eva = company.person("Eva")
    eva.open(link[: start + int((len(link) - start) * left)])
    eva.see(CUT)
    eva.see(re.compile("copy the whole link by hand"))
    asked = [one.path for one in eva.relay.asked if one.path.startswith("/api/join/")]
    assert not asked, "a cut link need not be shown to the server"
    eva.open(link)
    expect(eva.heading("A colleague invites you to a consultation group")).to_be_visible()
    company.dismiss(eva)


def test_a_link_of_another_server_is_named_as_such(company: Company) -> None:
    eva = company.person("Eva")
    eva.open(company.house.origin)
    eva.page.get_by_role("textbox", name="Invitation link").fill("https://other.example/join#f.abc")
    eva.button("Open the invitation").click()
    eva.see(re.compile("This link belongs to another Collegium server"))
    eva.page.get_by_role("textbox", name="Invitation link").fill("no link at all")
    eva.button("Open the invitation").click()
    eva.see(re.compile("This is not an invitation link"))
    company.dismiss(eva)


def test_a_spent_link_takes_nothing_from_somebody_who_is_a_member(company: Company, pair: Pair) -> None:
    ada, ben = pair
    place = ben.at
    ben.allow("404")
    ben.open(f"{company.house.origin}/join#f.{to_base64url(secrets.token_bytes(32))}")
    ben.unlock()
    ben.see(re.compile("This invitation can’t be used|This invitation does not work any more"))
    ben.page.goto(place)
    ben.unlock()
    ben.in_group(TITLE)
    ada.say("Still a member")
    ben.reads("Still a member")


# A server that misbehaves.


def entries(frames: list[Frame]) -> list[Frame]:
    return [frame for frame in frames if frame["t"] == "entry"]


def test_duplicated_frames_are_read_once(pair: Pair) -> None:
    ada, ben = pair

    def twice(way: Direction, frames: list[Frame]) -> list[Frame]:
        return [copy for frame in frames for copy in (frame, frame)] if way == "down" else frames

    ben.relay.on_frames = twice
    said = [f"doubled {n}" for n in range(5)]
    for text in said:
        ada.say(text)
    ben.reads(said[-1])
    ben.say("Doubled by me")
    ada.reads("Doubled by me")
    ben.relay.on_frames = None
    assert [text for text in ben.transcript() if text.startswith("doubled")] == said
    assert ben.transcript().count("Doubled by me") == 1


def test_reordered_frames_are_read_in_order(pair: Pair) -> None:
    ada, ben = pair
    held: list[Frame] = []

    def swapped(way: Direction, frames: list[Frame]) -> list[Frame]:
        """Every other entry is held back until the one after it has gone."""
        if way == "up":
            return frames
        out = []
        for frame in frames:
            if frame["t"] == "entry" and not held:
                held.append(frame)
            elif frame["t"] == "entry":
                out += [frame, held.pop()]
            else:
                out.append(frame)
        return out

    ben.relay.on_frames = swapped
    said = [f"shuffled {n}" for n in range(6)]
    for text in said:
        ada.say(text)
        ada.delivery(text, "On the server|Delivered")
    ben.reads(said[-1])
    ben.relay.on_frames = None
    ben.reload()
    ben.in_group(TITLE)
    ben.reads(said[-1])
    assert [text for text in ben.transcript() if text.startswith("shuffled")] == said
    ada.say("In order again")
    ben.reads("In order again")


def test_replayed_frames_change_nothing(pair: Pair) -> None:
    ada, ben = pair
    ada.say("Once and only once")
    ben.reads("Once and only once")
    before = ben.transcript()
    every = [
        frame for frame in ben.relay.frames("down") if frame["t"] in ("entry", "ack", "request", "welcome")
    ]
    for frame in every:
        ben.relay.inject([frame])
    ada.say("After the replay")
    ben.reads("After the replay")
    assert ben.transcript() == [*before, "After the replay"]
    ben.say("Replay answered")
    ada.reads("Replay answered")


MALFORMED = {
    "noise": b"\xff\xfe\xfd" * 40,
    "half a frame": b"\xa2\x61t\x65entry",
    "not a map": b"\x01\x02\x03",
    "unknown frame": b"\xa1\x61t\x64evil",
    "deep": b"\x81" * 5_000,
    "no room": b"\xa1\x61t\x65entry",
    "empty": b"",
    "huge length": b"\x5b" + b"\x7f" * 8,
    "indefinite": b"\xbf\x61t\x64pong\xff",
}


@pytest.mark.parametrize("name", MALFORMED)
def test_malformed_frames_end_the_connection_and_no_more(pair: Pair, name: str) -> None:
    ada, ben = pair
    ben.allow(NETWORK_NOISE)
    ada.say(f"before {name}")
    ben.reads(f"before {name}")
    ben.relay.inject(MALFORMED[name])
    ada.say(f"after {name}")
    ben.reads(f"after {name}")
    ben.say(f"answer to {name}")
    ada.reads(f"answer to {name}")


def test_an_oversized_message_is_not_swallowed(pair: Pair) -> None:
    ada, ben = pair
    ben.allow(NETWORK_NOISE)
    room = entries(ada.relay.frames("down"))[-1]["room"]
    ben.relay.inject([{"t": "ephemeral", "room": room, "payload": bytes(9 * 1024 * 1024)}])
    ada.say("After nine megabytes")
    ben.reads("After nine megabytes")


def test_a_withheld_entry_is_missed_and_fetched(pair: Pair) -> None:
    ada, ben = pair
    withheld: list[int] = []

    def without(way: Direction, frames: list[Frame]) -> list[Frame]:
        if way == "down" and not withheld and entries(frames):
            withheld.append(entries(frames)[0]["n"])
            return [frame for frame in frames if frame["t"] != "entry" or frame["n"] != withheld[0]]
        return frames

    ben.relay.on_frames = without
    ada.say("Held back at first")
    ada.delivery("Held back at first", "On the server")
    ada.say("The next one")
    ben.reads("Held back at first")
    ben.reads("The next one")
    ben.relay.on_frames = None
    assert withheld
    assert ben.transcript()[-2:] == ["Held back at first", "The next one"]


def flipped(data: bytes, at: int = -20) -> bytes:
    changed = bytearray(data)
    changed[at] ^= 1
    return bytes(changed)


def test_an_altered_message_is_not_shown_and_the_fork_is_told(company: Company) -> None:
    ada = company.founder("Ada", "Fork")
    ben = company.join(ada, "Fork", "Ben")

    def altered(way: Direction, frames: list[Frame]) -> list[Frame]:
        return [
            {**frame, "payload": flipped(frame["payload"])}
            if way == "down" and frame["t"] == "entry"
            else frame
            for frame in frames
        ]

    ben.relay.on_frames = altered
    ada.say("Altered on its way")
    ben.see(re.compile("This message can’t be read on this device"))
    ben.relay.on_frames = None
    ada.say("The next, unchanged")
    ben.see(re.compile("This device and Ada’s device have not seen the same messages"))
    ben.see("Sending is paused in this group")
    ben.reads_not("Altered on its way")
    ben.button("Go on without comparing").click()
    ben.page.get_by_role("dialog").get_by_role("button", name="Go on").click()
    expect(ben.page.get_by_role("dialog")).to_have_count(0)
    ben.say("Going on")
    ada.reads("Going on")
    for person in (ada, ben):
        company.dismiss(person)


def test_a_request_with_another_key_package_is_not_admitted(company: Company, pair: Pair) -> None:
    """The server knows the sealed request, not what seals it: a swapped one opens for nobody (E28)."""
    ada, ben = pair
    link = ada.invite()
    eva = company.person("Eva")
    swapped: list[bytes] = []

    def other(way: Direction, frames: list[Frame]) -> list[Frame]:
        out = []
        for frame in frames:
            if way == "down" and frame["t"] == "request":
                swapped.append(frame["sealed"])
                frame = {**frame, "sealed": flipped(frame["sealed"])}
            out.append(frame)
        return out

    for person in (ada, ben):
        person.relay.on_frames = other
    eva.sign_up(link)
    expect(eva.heading("Waiting to be let in")).to_be_visible()
    eva.page.wait_for_function("n => n >= 0", arg=len(swapped))
    ada.say("Nobody new")
    ben.reads("Nobody new")
    assert swapped
    ada.sees_not("Eva joined")
    for person in (ada, ben):
        person.relay.on_frames = None
        person.allow(NETWORK_NOISE)
        person.relay.drop()
    eva.in_group(TITLE)  # the honest one, once it comes
    company.dismiss(eva)


def test_another_welcome_is_refused_and_the_right_one_taken(company: Company, pair: Pair) -> None:
    """A Welcome that was not made for this invitation opens nothing (E25, E29)."""
    ada, _ = pair
    first, second = company.person("First"), company.person("Second")
    first.sign_up(ada.invite())
    first.in_group(TITLE)
    (stolen,) = (frame for frame in first.relay.frames("down") if frame["t"] == "welcome")
    seen: list[bytes] = []

    def other(way: Direction, frames: list[Frame]) -> list[Frame]:
        out = []
        for frame in frames:
            if way == "down" and frame["t"] == "welcome":
                seen.append(frame["payload"])
                payload = stolen["payload"] if len(seen) % 2 else flipped(frame["payload"])
                frame = {**frame, "payload": payload}
            out.append(frame)
        return out

    second.relay.on_frames = other
    second.allow(NETWORK_NOISE)
    second.sign_up(ada.invite())
    ada.see("Second joined, invited by Ada")
    second.see(re.compile("let you into a group in a way that does not fit your invitation"))
    expect(second.heading(TITLE)).to_have_count(0)
    assert seen
    second.relay.on_frames = None
    second.relay.drop()
    second.in_group(TITLE)
    for person in (first, second):
        company.dismiss(person)


def test_a_commit_that_nobody_can_read_is_skipped_and_the_group_goes_on(company: Company) -> None:
    ada = company.founder("Ada", "Spoiled")
    ben = company.join(ada, "Spoiled", "Ben")
    spoiled: list[bytes] = []

    def spoil(way: Direction, frames: list[Frame]) -> list[Frame]:
        out = []
        for frame in frames:
            if way == "up" and frame["t"] == "send" and frame["kind"] == "commit" and not spoiled:
                spoiled.append(frame["id"])
                frame = {**frame, "payload": flipped(frame["payload"])}
            out.append(frame)
        return out

    ada.relay.on_frames = spoil
    ada.show_people()
    ada.button("Make an invitation link").click()
    ben.see(re.compile("can’t be read|sent a change that breaks the group’s rules"))
    assert spoiled
    ada.relay.on_frames = None
    ada.button("Done").click()  # the invitation was committed anew
    ben.say("Ben goes on")
    ada.reads("Ben goes on", timeout=60_000)
    ada.say("Ada goes on")
    ben.reads("Ada goes on", timeout=60_000)
    for person in (ada, ben):
        company.dismiss(person)


# A device in a bad state.


def test_denied_storage_is_said_before_anything_is_made(company: Company, tmp_path: Path) -> None:
    eva = company.profile("Eva", tmp_path / "profile", site_data=False)
    eva.open(company.house.founder_link())
    eva.see(re.compile("Your browser does not let Collegium store anything on this device"))
    eva.see(re.compile("allow site data for this address"))
    company.dismiss(eva)


def test_evicted_storage_leads_to_the_recovery_code_and_back_in(company: Company, pair: Pair) -> None:
    ada, _ = pair
    eva = company.join(ada, TITLE, "Eva")
    eva.is_recoverable()
    eva.close_laptop()
    eva.evict()
    eva.page.goto(company.house.origin)
    expect(eva.heading("You need an invitation from a colleague")).to_be_visible()
    eva.page.get_by_role("link", name="I have a recovery code").click()
    eva.page.get_by_label("Recovery code").fill(eva.code)
    eva.button("Continue").click()
    eva.protect(PASSPHRASE)
    eva.open_group(TITLE)
    ada.say("Welcome back, Eva")
    eva.reads("Welcome back, Eva")
    company.dismiss(eva)


def test_a_profile_from_an_old_copy_is_noticed_and_comes_back_in(
    company: Company, pair: Pair, tmp_path: Path
) -> None:
    ada, ben = pair
    current, copy = tmp_path / "current", tmp_path / "copy"
    fay = company.profile("Fay", current)
    fay.sign_up(ada.invite(), PASSPHRASE)
    fay.in_group(TITLE)
    fay.say("Before the copy")
    ada.reads("Before the copy")
    place, code = fay.at, fay.code
    company.dismiss(fay)
    shutil.copytree(current, copy, ignore=shutil.ignore_patterns("Singleton*"))

    fay = company.profile("Fay", current)
    fay.place = place
    fay.open_laptop(PASSPHRASE)
    fay.in_group(TITLE)
    for n in range(3):
        fay.say(f"After the copy {n}")
        ada.reads(f"After the copy {n}")
    company.dismiss(fay)

    restored = company.profile("Fay", copy)
    restored.code, restored.place = code, place
    restored.open_laptop(PASSPHRASE)
    restored.see(re.compile("This device’s data is an old copy"), timeout=60_000)
    # Nobody of that name came back before: what is written now is written after it.
    ada.see(re.compile("Fay is back in the group with renewed keys"), timeout=60_000)
    ada.say("Welcome back from the past")
    restored.in_group(TITLE)
    restored.reads("Welcome back from the past")
    restored.say("From the restored profile")
    ada.reads("From the restored profile")
    ben.reads("From the restored profile")
    company.dismiss(restored)


@pytest.mark.parametrize("shift", [DAY_MS, -DAY_MS], ids=["ahead", "behind"])
def test_a_clock_that_is_wrong_by_a_day_is_said_and_messages_still_flow(
    company: Company, pair: Pair, shift: int
) -> None:
    ada, ben = pair
    ben.move_clock(shift)
    ben.allow(NETWORK_NOISE)
    ben.relay.drop()  # a new connection brings a new stamp
    if shift > 0:
        ben.unlock()  # for its own clock a day went by
        ben.in_group(TITLE)
    ben.see(re.compile("This device’s clock differs from the server’s by 24 hours"))
    ada.say(f"By the right clock {shift}")
    ben.reads(f"By the right clock {shift}")
    ben.say(f"By the wrong clock {shift}")
    ada.reads(f"By the wrong clock {shift}")
    ben.reload()
    ben.sees_not(re.compile("This device’s clock differs"))
