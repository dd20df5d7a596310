"""Rooms of two and three in which nothing goes wrong."""

import pytest

from client.room import commands
from client.room.sight import SightPost
from client.room.surface import CommandError
from tests.client.room.invariants import expect_converged, expect_stored
from tests.client.room.world import Device, World, room_of


def reactions_of(post: SightPost) -> list[tuple[str, tuple[str, ...]]]:
    return [(one.emoji, one.who) for one in post.reactions]


def test_e24_an_invite_is_accepted_and_nobody_else_could_confirm_the_state() -> None:
    world = World("two")
    anna, ben = room_of(world, "anna", "ben")
    assert ben.stage == "member"
    assert ben.state.newcomer is None
    assert not ben.view().provisional
    anna.post("hello Ben")
    world.run(1_000)
    ben.post("hello Anna")
    world.run(1_000)
    for one in (anna, ben):
        assert one.texts() == ["hello Ben", "hello Anna"]
        assert one.names() == ["anna", "ben"]
        assert one.told() == []
        expect_stored(one)
    expect_converged(world)


def test_a_message_is_queued_on_the_server_delivered() -> None:
    world = World("delivery")
    anna, ben = room_of(world, "anna", "ben")
    ben.disconnect()
    anna.disconnect()
    anna.post("for later")
    assert anna.posts()[-1].delivery == "queued"
    anna.connect()
    world.run(1_000)
    assert anna.posts()[-1].delivery == "server"
    ben.connect()
    world.run(1_000)
    assert anna.posts()[-1].delivery == "delivered"


def test_edits_deletions_reactions_and_replies_are_shown_at_once_and_agree_everywhere() -> None:
    world = World("edits")
    anna, ben = room_of(world, "anna", "ben")
    for text in ("first", "second", "third"):
        anna.post(text)
    world.run(1_000)
    first, second = anna.post_id("first"), anna.post_id("second")
    ben.command(commands.React(first, "👍", True))
    ben.command(commands.Post("an answer", reply_to=first))
    anna.command(commands.Edit(first, "first, better"))
    anna.command(commands.Delete(second))
    assert anna.texts() == ["first, better", "", "third"]
    world.run(1_000)
    anna.command(commands.React(first, "👍", True))
    ben.command(commands.React(first, "👍", False))
    world.run(1_000)
    for one in (anna, ben):
        assert one.texts() == ["first, better", "", "third", "an answer"]
        posts = one.posts()
        assert reactions_of(posts[0]) == [("👍", ("anna",))]
        assert posts[3].reply_to is not None
        assert posts[3].reply_to.text == "first, better"
        assert posts[1].deleted
    with pytest.raises(CommandError, match="not_yours"):
        ben.command(commands.Edit(first, "mine"))
    expect_converged(world)


def test_a_reply_to_what_is_still_queued_quotes_it() -> None:
    world = World("queued reply")
    anna, ben = room_of(world, "anna", "ben")
    anna.disconnect()
    anna.post("not sent yet")
    anna.command(commands.Post("an answer to it", reply_to=anna.post_id("not sent yet")))
    quoted = anna.posts()[-1].reply_to
    assert quoted is not None
    assert (quoted.name, quoted.text) == ("anna", "not sent yet")
    anna.connect()
    world.run(1_000)
    assert ben.texts() == ["not sent yet", "an answer to it"]


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (commands.Post(""), "text"),
        (commands.Post("x" * 20_001), "text"),
        (commands.Post("fine", reply_to=b"short"), "target"),
        (commands.Edit(bytes(16), "fine"), "not_yours"),
        (commands.Edit(bytes(16), ""), "text"),
        (commands.Delete(bytes(16)), "not_yours"),
        (commands.React(bytes(16), "no", True), "emoji"),
        (commands.React(b"short", "👍", True), "target"),
        (commands.Rename(" "), "title"),
    ],
)
def test_what_nobody_would_accept_is_refused_at_once(command: commands.Command, code: str) -> None:
    world = World("out of bounds")
    (anna,) = room_of(world, "anna")
    before = anna.state
    with pytest.raises(CommandError) as caught:
        anna.command(command)
    assert caught.value.code == code
    assert anna.state is before


def test_e38_who_is_here_and_who_writes_is_shown_and_is_over_by_itself() -> None:
    world = World("typing")
    anna, ben = room_of(world, "anna", "ben")
    world.run(60_000)
    assert [one.online for one in ben.view().members] == [True, True]
    anna.command(commands.Typing())
    world.run(1_000)
    assert ben.view().typing == (anna.me.account_id,)
    anna.post("there")
    world.run(1_000)
    assert ben.view().typing == ()
    anna.disconnect()
    world.run(200_000)
    assert [one.online for one in ben.view().members] == [False, True]


def test_two_hundred_messages_while_away_are_all_there_in_order_and_unread_until_read() -> None:
    world = World("away")
    anna, ben = room_of(world, "anna", "ben")
    ben.command(commands.MarkRead(ben.state.log.n))
    ben.disconnect()
    said = [f"message {i}" for i in range(200)]
    for text in said:
        anna.post(text)
    world.run(20_000)
    ben.connect()
    world.run(5_000)
    assert ben.texts() == said
    assert ben.view(100).older
    assert ben.view().unread == 200
    ben.command(commands.MarkRead(ben.state.log.n))
    assert ben.view().unread == 0
    assert [name for name in ben.rows if name.startswith("timeline/")] == ["timeline/0"]
    expect_converged(world)
    expect_stored(ben)


def test_a_message_rewrites_a_few_rows_and_not_the_group() -> None:
    world = World("rows")
    anna, ben = room_of(world, "anna", "ben")
    before = dict(ben.rows)
    anna.post("one more")
    world.run(1_000)
    changed = {name for name in ben.rows if before.get(name) != ben.rows[name]}
    assert changed == {"core", "ratchets", "heads/0", "timeline/0"}


def test_e23_of_what_was_deleted_the_head_remains_and_the_room_goes_on() -> None:
    world = World("gap")
    anna, ben = room_of(world, "anna", "ben")
    ben.disconnect()
    anna.post("nobody kept this")
    anna.post("nor this")
    world.run(1_000)
    world.ds.collect(anna.state.room_id, anna.state.log.n)
    anna.post("but this")
    world.run(1_000)
    ben.connect()
    world.run(1_000)
    assert ben.texts() == ["but this"]
    assert ben.lines().count("unreadable") == 2
    ben.post("I am back")
    world.run(1_000)
    assert anna.texts()[-1] == "I am back"
    assert [*anna.told(), *ben.told()] == []
    expect_converged(world)


def test_e24_what_a_newcomer_was_given_is_provisional_until_a_second_member_confirmed_it() -> None:
    world = World("three")
    anna, ben = room_of(world, "anna", "ben")
    anna.post("before Cleo")
    fragment = anna.invite()
    world.run(1_000)
    ben.disconnect()
    cleo = world.device("cleo")
    cleo.accept(fragment)
    world.run(5_000)
    assert cleo.state.newcomer is None
    assert cleo.view().provisional
    ben.connect()
    world.run(60_000)
    assert not cleo.view().provisional
    cleo.post("hello")
    world.run(1_000)
    assert cleo.texts() == ["hello"]
    assert ben.texts() == ["before Cleo", "hello"]
    assert ben.names() == ["anna", "ben", "cleo"]
    assert told_by_all(world) == []
    expect_converged(world)


def told_by_all(world: World) -> list[str]:
    return [code for one in world.devices for code in one.told()]


def test_e24_when_the_adder_is_gone_before_it_posts_the_snapshot_another_member_does() -> None:
    world = World("adder gone")
    anna, ben = room_of(world, "anna", "ben")
    fragment = anna.invite()
    world.run(1_000)
    cleo = world.device("cleo")
    # Nothing of Anna's but the commit leaves her device.
    anna.meddle = lambda frame: frame if frame.kind == "commit" else None
    cleo.accept(fragment)
    world.run(5_000)
    assert cleo.state.newcomer is not None
    expect_stored(cleo)
    world.run(15_000)
    assert given_by(cleo) == ben.me.account_id
    assert cleo.view().provisional
    anna.meddle = None
    anna.reconnect()
    world.run(60_000)
    assert not cleo.view().provisional
    expect_converged(world)


def given_by(device: Device) -> bytes:
    assert device.state.newcomer is None
    assert device.state.provisional is not None
    return device.state.provisional.poster
