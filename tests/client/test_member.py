"""Members without a browser, against a real server: rooms, posts, people who come and go."""

import asyncio
from collections.abc import Awaitable
from dataclasses import replace
from pathlib import Path

import httpx2
import pytest

from client.collegium import Collegium
from client.engine.records import RejoinErrand
from client.engine.world import system_world
from client.errors import CollegiumError
from crypto.identity.recovery_code import format_recovery_code
from tests.client.company import (
    PASSPHRASE,
    House,
    first,
    found,
    happened,
    let_in,
    names,
    opened,
    patience,
    reads,
    transcript,
    until,
)
from tests.house_server import run


async def refused(code: str, work: Awaitable[object]) -> None:
    with pytest.raises(CollegiumError) as error:
        await work
    assert error.value.code == code


def test_two_members_meet_write_and_answer(house: House, tmp_path: Path) -> None:
    async def work() -> None:
        async with opened(tmp_path / "ada") as ada, opened(tmp_path / "ben") as ben:
            room = await found(house, ada, "Ada")
            his = await let_in(room, ben, "Ben")
            assert (his.title, his.id, names(his)) == (room.title, room.id, {"Ada", "Ben"})
            async with patience():
                asked = await room.say("Who can take *Tuesday*?")
            assert asked.n > 0
            heard = await first(his)
            assert (heard.id, heard.author, heard.text, heard.mine) == (asked.id, "Ada", asked.text, False)
            async with patience():
                await his.say("I can.", reply_to=heard)
            answer = await first(room)
            assert (answer.author, answer.text, answer.reply_to) == ("Ben", "I can.", asked.id)
            assert transcript(room) == transcript(his)
            assert ada.alarms == ben.alarms == []

    run(work())


def test_everything_is_there_again_when_the_store_is_opened_again(house: House, tmp_path: Path) -> None:
    async def work() -> None:
        async with opened(tmp_path / "ada") as ada:
            room = await found(house, ada, "Ada")
            link = await room.invite()
            async with opened(tmp_path / "ben") as ben, patience():
                his = await ben.join(link, name="Ben")
                await his.say("before")
            await reads(ada, room, "before")
            await room.say("while Ben was away")
            async with opened(tmp_path / "ben") as ben:
                # The link was used up: it leads where it led.
                async with patience():
                    his = await ben.join(link)
                assert (ben.name, his.id, his.title) == ("Ben", room.id, room.title)
                assert "before" in [post.text for post in his.posts()]
                await reads(ben, his, "while Ben was away")
                async with patience():
                    await his.say("after")
                await reads(ada, room, "after")
                assert transcript(room) == transcript(his)

    run(work())


def test_a_post_counts_as_read_when_the_next_one_is_asked_for(house: House, tmp_path: Path) -> None:
    async def work() -> None:
        async with opened(tmp_path / "ada") as ada:
            room = await found(house, ada, "Ada")
            async with opened(tmp_path / "ben") as ben:
                his = await let_in(room, ben, "Ben")
                for text in ("one", "two", "three"):
                    await room.say(text)
                seen = []
                async with patience():
                    async for post in his.follow():
                        seen.append(post.text)
                        if post.text == "two":
                            break
                assert seen == ["one", "two"]
            async with opened(tmp_path / "ben") as ben:
                his = ben.room("Monday")
                assert (await first(his)).text == "two"  # the loop had not said that it was done with it
                await his.mark_read(his.posts()[-1].n)
                assert his.unread == 0

    run(work())


def test_edits_deletions_reactions_and_a_new_title_reach_the_others(house: House, tmp_path: Path) -> None:
    async def work() -> None:
        async with opened(tmp_path / "ada") as ada, opened(tmp_path / "ben") as ben:
            room = await found(house, ada, "Ada")
            his = await let_in(room, ben, "Ben")
            wrong, gone = await room.say("teh first"), await room.say("never mind")
            await room.edit(wrong, "the first")
            await room.delete(gone)
            await reads(ben, his, "the first")
            await his.react(wrong, "👍")
            await until(ada, lambda: room.posts()[0].reactions != ())
            await room.rename("Tuesday round")
            await until(ben, lambda: his.title == "Tuesday round")
            await until(ben, lambda: his.posts()[1].deleted)
            one, two = his.posts()
            assert (one.text, one.edited, one.reactions[0].emoji, two.text) == ("the first", True, "👍", "")
            await refused("target_gone", his.edit(one, "not mine"))
            await refused("not_allowed", his.react(one, "no"))
            await refused("title_invalid", his.rename("\u202e"))
            await refused("text_empty", his.say("  \n"))
            await refused("text_too_long", his.say("x" * 20_001))

    run(work())


def test_the_founder_removes_somebody_who_reads_nothing_more(house: House, tmp_path: Path) -> None:
    async def work() -> None:
        async with (
            opened(tmp_path / "a") as ada,
            opened(tmp_path / "b") as ben,
            opened(tmp_path / "c") as cleo,
        ):
            room = await found(house, ada, "Ada")
            his, hers = await let_in(room, ben, "Ben"), await let_in(room, cleo, "Cleo")
            async with patience():
                await room.say("all three")
                await reads(ben, his, "all three")
                await room.remove(next(one for one in room.members if one.name == "Ben"))
            assert names(room) == {"Ada", "Cleo"}
            await until(ben, lambda: his.state == "removed")
            await room.say("without Ben")
            await hers.say("without Ben, too")
            await reads(cleo, hers, "without Ben")
            assert [post.text for post in his.posts()] == ["all three"]  # what was read stays readable
            await refused("room_closed", his.say("I am still here"))
            # What was not read yet comes before the end is told.
            following = his.follow()
            assert (await anext(following)).text == "all three"
            await refused("room_closed", anext(following))

    run(work())


def test_e14_the_others_remove_somebody_when_enough_agree(house: House, tmp_path: Path) -> None:
    async def work() -> None:
        folders = [tmp_path / name for name in "abcd"]
        async with (
            opened(folders[0]) as ada,
            opened(folders[1]) as ben,
            opened(folders[2]) as cleo,
            opened(folders[3]) as dan,
        ):
            room = await found(house, ada, "Ada")
            rooms = [
                await let_in(room, one, name) for one, name in ((ben, "Ben"), (cleo, "Cleo"), (dan, "Dan"))
            ]
            target = next(one for one in room.members if one.name == "Dan")
            async with patience():
                await rooms[0].remove(target)
            assert names(room) == {"Ada", "Ben", "Cleo", "Dan"}
            await until(cleo, lambda: rooms[1].sight(0).removals != ())
            async with patience():
                await rooms[1].remove(target)
            await until(ada, lambda: names(room) == {"Ada", "Ben", "Cleo"})
            await until(dan, lambda: rooms[2].state == "removed")

    run(work())


def test_a_member_leaves_and_the_others_go_on(house: House, tmp_path: Path) -> None:
    async def work() -> None:
        async with opened(tmp_path / "a") as ada, opened(tmp_path / "b") as ben:
            room = await found(house, ada, "Ada")
            his = await let_in(room, ben, "Ben")
            async with patience():
                await his.leave()
            assert his.state == "left"
            await until(ada, lambda: names(room) == {"Ada"})
            assert happened(room)[-1] == "left"
            await room.say("alone again")
            await refused("room_closed", his.say("no"))

    run(work())


def test_a_lost_server_is_waited_for_and_nothing_is_lost(house: House, tmp_path: Path) -> None:
    async def work() -> None:
        async with opened(tmp_path / "ada") as ada:
            room = await found(house, ada, "Ada")
            async with opened(tmp_path / "ben") as ben:
                his = await let_in(room, ben, "Ben")
                house.server.kill()
                await until(ben, lambda: ben.connection != "online")
                with pytest.raises(TimeoutError):
                    async with asyncio.timeout(0.2):
                        await his.say("into the void")
                assert his.posts()[-1].n == 0
                waiting = asyncio.create_task(his.say("and another"))
                house.server.start()
                async with patience():
                    assert (await waiting).n > 0
                await reads(ada, room, "into the void", "and another")
            house.server.kill()
            async with opened(tmp_path / "ben") as ben:  # opens without a server, too
                his = ben.room(room.title)
                with pytest.raises(TimeoutError):
                    async with asyncio.timeout(0.2):
                        await his.say("stored")
            house.server.start()
            async with opened(tmp_path / "ben"):
                await reads(ada, room, "stored")
            texts = [post.text for post in room.posts()]
            assert texts == ["into the void", "and another", "stored"]

    run(work())


def test_e22_a_recovery_code_brings_the_account_back_as_a_new_device(house: House, tmp_path: Path) -> None:
    async def work() -> None:
        async with opened(tmp_path / "ada") as ada:
            room = await found(house, ada, "Ada")
            async with opened(tmp_path / "ben") as ben:
                his = await let_in(room, ben, "Ben")
                await his.say("from the old device")
                code = ben.recovery_code
                assert code is not None
                await ben.recovery_code_is_kept()
                assert ben.recovery_code is None
                # The list of groups is on the server (E22): it is the one errand there is.
                await until(ben, lambda: ben.session.records.errands == ())
            async with opened(tmp_path / "new") as ben:
                await refused(
                    "recovery_code_checksum",
                    ben.recover(house.server.base, code[:-1] + "0Z"[code[-1] == "0"]),
                )
                async with patience():
                    await ben.recover(house.server.base, code)
                (his,) = ben.rooms
                await until(ben, lambda: his.state == "ready")
                assert ben.name == "Ben"
                async with patience():
                    await his.say("from the new device")
                await reads(ada, room, "from the new device")
                assert names(room) == {"Ada", "Ben"}

    run(work())


def test_e39_an_old_copy_of_the_store_encrypts_nothing_and_asks_to_come_back(
    house: House, tmp_path: Path
) -> None:
    async def work() -> None:
        async with opened(tmp_path / "ada") as ada:
            room = await found(house, ada, "Ada")
            async with opened(tmp_path / "ben") as ben:
                his = await let_in(room, ben, "Ben")
                await his.say("one")
            (tmp_path / "copy").write_bytes((tmp_path / "ben").read_bytes())
            async with opened(tmp_path / "ben") as ben, patience():
                await ben.room(room.title).say("two")
            await reads(ada, room, "one", "two")
            async with opened(tmp_path / "copy") as ben:
                his = ben.room(room.title)
                await until(ben, lambda: any(alarm.code == "copy" for alarm in ben.alarms))
                await until(ben, lambda: his.state == "ready")
                async with patience():
                    await his.say("three")
            await reads(ada, room, "three")
            texts = [post.text for post in room.posts()]
            assert texts == ["one", "two", "three"]
            assert "rejoined" in happened(room)

    run(work())


def test_e39_a_live_copy_is_sent_away_and_says_so(house: House, tmp_path: Path) -> None:
    async def work() -> None:
        async with opened(tmp_path / "ada") as ada:
            await found(house, ada, "Ada")
        (tmp_path / "copy").write_bytes((tmp_path / "ada").read_bytes())
        async with opened(tmp_path / "ada") as ada:
            await ada.online()
            async with opened(tmp_path / "copy") as copy:
                await until(ada, lambda: [one.code for one in ada.alarms] == ["replaced"])
                await until(ada, lambda: ada.connection == "offline")
                await until(copy, lambda: copy.connection == "online")

    run(work())


def test_a_session_that_the_server_forgot_is_made_anew(house: House, tmp_path: Path) -> None:
    async def work() -> None:
        async with opened(tmp_path / "ada") as ada:
            room = await found(house, ada, "Ada")
            assert ada.session.http.session is not None
            ada.session.http.session = bytes(32)  # what has run out looks the same
            async with patience():
                assert "/join#" in await room.invite()

    run(work())


@pytest.mark.parametrize(
    ("link", "code"),
    [
        ("http://127.0.0.1:1/join", "link_incomplete"),
        ("AAAA.BBBB", "link_incomplete"),
        ("https://[bad/join#x", "address"),
        ("http://192.0.2.1/join#f." + "A" * 43, "insecure"),
        ("{base}/join#f." + "A" * 42, "link_incomplete"),
        ("{base}/join#f." + "A" * 43, "link_unknown"),
        ("{base}/join#" + "A" * 43 + "." + "A" * 44, "link_incomplete"),
        ("http://127.0.0.1:1/join#f." + "A" * 43, "offline"),
    ],
)
def test_a_link_that_leads_nowhere_is_refused_and_leaves_nothing(
    house: House, tmp_path: Path, link: str, code: str
) -> None:
    async def work() -> None:
        async with opened(tmp_path / "store") as me:
            async with patience():
                await refused(code, me.sign_up(link.format(base=house.server.base), name="Ada"))
            assert not me.has_account
            await refused("no_account", me.start("Group"))
            # The store is still good for another try.
            async with patience():
                await me.sign_up(house.founder_link(), name="Ada")
            assert me.name == "Ada"

    run(work())


def test_what_makes_no_account_is_said_before_anything_is_used_up(house: House, tmp_path: Path) -> None:
    link = house.founder_link()

    async def work() -> None:
        async with Collegium.open(tmp_path / "store", "too short") as me:
            await refused("passphrase_short", me.sign_up(link, name="Ada"))
        async with opened(tmp_path / "store") as me:
            await refused("name_missing", me.sign_up(link, name=None))
            await refused("name_invalid", me.sign_up(link, name=" \u202e "))
            await me.sign_up(link, name="  Ada   Lovelace ")
            assert me.name == "Ada Lovelace"
            await refused("account_exists", me.sign_up(house.founder_link(), name="Ada"))
            await refused("link_founder", me.join(link))
            await refused("link_other_server", me.join("http://localhost:1/join#f." + "A" * 43))

    run(work())


def test_a_store_opens_with_its_passphrase_alone_and_once(house: House, tmp_path: Path) -> None:
    async def work() -> None:
        async with opened(tmp_path / "store") as me:
            await found(house, me, "Ada")
            with pytest.raises(CollegiumError) as busy:
                async with opened(tmp_path / "store"):
                    pass
            assert busy.value.code == "storage_busy"
        with pytest.raises(CollegiumError) as wrong:
            async with Collegium.open(tmp_path / "store", PASSPHRASE + "!"):
                pass
        assert wrong.value.code == "wrong_opener"
        async with opened(tmp_path / "store") as me:  # the lock was given back
            assert me.name == "Ada"
        await refused("not_open", me.start("Group"))

    run(work())


class LosesAnswers(httpx2.AsyncHTTPTransport):
    """The first request to each of these paths arrives, and its answer does not."""

    def __init__(self, *paths: str) -> None:
        super().__init__()
        self.paths = set(paths)

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        response = await super().handle_async_request(request)
        if request.url.path in self.paths:
            self.paths.discard(request.url.path)
            await response.aclose()
            raise httpx2.ReadError("the answer was lost")
        return response


class HoldsLists(httpx2.AsyncHTTPTransport):
    """The answer to the first list of groups waits until it is let go."""

    def __init__(self) -> None:
        super().__init__()
        self.arrived, self.let_go = asyncio.Event(), asyncio.Event()

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        response = await super().handle_async_request(request)
        if request.url.path == "/api/backup":
            self.arrived.set()
            await self.let_go.wait()
        return response


def test_e22_a_group_begun_while_the_list_is_on_its_way_is_on_the_next_one(
    house: House, tmp_path: Path
) -> None:
    async def work() -> None:
        held = HoldsLists()
        world = replace(system_world(tmp_path / "ada"), transport=lambda _: held)
        async with Collegium(world, PASSPHRASE) as ada:
            await found(house, ada, "Ada", "Thursday")
            async with patience():
                await held.arrived.wait()
                await ada.start("Friday")
            held.let_go.set()
            await until(ada, lambda: ada.session.records.errands == ())
            code = ada.recovery_code
        async with opened(tmp_path / "new") as ada:
            await ada.recover(house.server.base, code or "")
            assert len(ada.rooms) == 2

    run(work())


def test_lost_answers_make_nothing_twice_and_nothing_impossible(house: House, tmp_path: Path) -> None:
    lost = LosesAnswers("/api/accounts", "/api/recovery/device", "/api/join-requests")

    def careless(store: Path) -> Collegium:
        return Collegium(replace(system_world(store), transport=lambda _: lost), PASSPHRASE)

    async def work() -> None:
        async with opened(tmp_path / "ada") as ada:
            room = await found(house, ada, "Ada")
            async with careless(tmp_path / "ben") as ben:
                link = await room.invite()
                await refused("offline", ben.sign_up(link, name="Ben"))
                his = await let_in(room, ben, "Ben", link)
                await until(ben, lambda: ben.session.records.errands == ())
                code = ben.recovery_code
                assert (code is not None, names(his)) == (True, {"Ada", "Ben"})
            async with careless(tmp_path / "new") as ben:
                await refused("offline", ben.recover(house.server.base, code or ""))
                await ben.recover(house.server.base, code or "")
                (his,) = ben.rooms
                await until(ben, lambda: his.state == "ready")
            assert lost.paths == set()

    run(work())


def test_e22_a_request_whose_answer_was_lost_is_not_posted_after_the_welcome(
    house: House, tmp_path: Path
) -> None:
    lost = LosesAnswers("/api/rejoin-requests")

    async def work() -> None:
        async with opened(tmp_path / "ada") as ada:
            room = await found(house, ada, "Ada")
            async with opened(tmp_path / "ben") as ben:
                await let_in(room, ben, "Ben")
                await until(ben, lambda: ben.session.records.errands == ())
                code = ben.recovery_code
            world = replace(system_world(tmp_path / "new"), transport=lambda _: lost)
            async with Collegium(world, PASSPHRASE) as ben:
                await ben.recover(house.server.base, code or "")
                (his,) = ben.rooms
                await until(ben, lambda: his.state == "ready")
                left = ben.session.records.errands
                assert not any(isinstance(one, RejoinErrand) for one in left)
                assert lost.paths == set()

    run(work())


def test_a_forgotten_passphrase_is_replaced_by_the_recovery_code(house: House, tmp_path: Path) -> None:
    async def work() -> None:
        async with opened(tmp_path / "ada") as ada:
            await found(house, ada, "Ada")
            code = ada.recovery_code or ""
        await refused("passphrase_short", Collegium.new_passphrase(tmp_path / "ada", code, "short"))
        other = format_recovery_code(bytes(15))
        await refused(
            "recovery_code_other", Collegium.new_passphrase(tmp_path / "ada", other, "another of mine")
        )
        await Collegium.new_passphrase(tmp_path / "ada", code, "another of mine")
        async with Collegium.open(tmp_path / "ada", "another of mine") as ada:
            assert ada.name == "Ada"
        with pytest.raises(CollegiumError):
            async with opened(tmp_path / "ada"):
                pass

    run(work())


def test_an_account_that_the_server_did_not_answer_for_is_offered_again(house: House, tmp_path: Path) -> None:
    """The keys are stored first: the answer may be lost, or the process."""

    async def work() -> None:
        link = house.founder_link()
        async with opened(tmp_path / "store") as me:
            house.server.kill()
            await refused("offline", me.sign_up(link, name="Ada"))
            house.server.start()
            await me.sign_up(link, name="Ada B.")
            assert me.name == "Ada B."

    run(work())
