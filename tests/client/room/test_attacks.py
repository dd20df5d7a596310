"""What a member or a server that keeps no rules can bring about, and what everyone else then sees."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from client.room import commands
from client.room.core import JoinExpectation, decode_expectation
from crypto.mls.application import protect_application
from crypto.mls.group import epoch
from crypto.mls.group_info import sign_group_info
from crypto.mls.key_package import decode_key_package, key_package_ref
from crypto.mls.key_schedule import welcome_secret, zero_secret
from crypto.mls.mls_message import decode_mls_message, encode_mls_message
from crypto.mls.proposal import Proposal, Remove
from crypto.mls.ratchet_tree import RatchetTree
from crypto.mls.stage_commit import stage_commit
from crypto.mls.suite import room_suite
from crypto.mls.tree_codec import ratchet_tree_extension
from crypto.mls.tree_math import leaf_count_for, node_width
from crypto.mls.welcome import NewMember, open_group_info, open_group_secrets, seal_welcome
from crypto.mls.welcome import Welcome as MlsWelcome
from crypto.room.bodies import Post, encode_body
from crypto.room.events import (
    Envelope,
    Unsigned,
    encode_commit_data,
    encode_envelope,
    event_authenticated_data,
    sign_event,
)
from crypto.room.log_head import list_hash, seen_of
from crypto.room.roster import devices_of, leaves_of
from crypto.room.welcome_payload import decode_welcome_payload, encode_welcome_payload
from tests.client.room.delivery_service import FromServer
from tests.client.room.invariants import expect_converged
from tests.client.room.world import ROOM, Device, World, room_of
from wire.frames import Bye, Entry, Ready, Send, Welcome


def swallow(_: FromServer) -> None:
    """What a rogue did is nothing that its own core would know."""


def rogue_commit(device: Device, proposals: tuple[Proposal, ...]) -> Send:
    """A commit that an honest core would not make, signed and sealed as it must be."""
    id_, log = device.rng(16), device.state.log
    assert log.head is not None
    staged = stage_commit(
        device.group,
        proposals=proposals,
        authenticated_data=encode_commit_data(id_, seen_of(log.n, log.head)),
        rng=device.rng,
    )
    listed = devices_of(device.membership.roster)
    return Send(
        room=ROOM,
        id=id_,
        kind="commit",
        after=log.after,
        list=list_hash(listed),
        payload=staged.message,
        devices=list(listed),
    )


def rogue_message(device: Device, data: bytes, id_: bytes) -> Send:
    """A message whose plaintext is whatever a member likes."""
    made = protect_application(
        device.group, data=data, authenticated_data=event_authenticated_data(id_), rng=device.rng
    )
    list_ = list_hash(devices_of(device.membership.roster))
    after = device.state.log.after
    return Send(room=ROOM, id=id_, kind="message", after=after, list=list_, payload=made.message)


def altering(pick: Callable[[Entry], bool]) -> Callable[[FromServer], FromServer]:
    """Changes one entry on its way to a device."""

    def tamper(frame: FromServer) -> FromServer:
        if isinstance(frame, Entry) and pick(frame):
            return frame.model_copy(update={"time": frame.time + 1})
        return frame

    return tamper


# Insiders


def test_e18_a_commit_that_breaks_the_rules_is_skipped_by_all_blamed_and_shown() -> None:
    world = World("bad commit")
    anna, ben, cleo = room_of(world, "anna", "ben", "cleo")
    before = epoch(anna.group)
    (target,) = leaves_of(anna.membership.roster, anna.me.account_id)
    # Ben is not the founder, and nobody approves that he removes Anna.
    ben.tamper = swallow
    ben.send(rogue_commit(ben, (Remove(target),)))
    world.run(2_000)
    assert epoch(anna.group) == before
    for one in (anna, cleo):
        assert one.told() == ["bad_commit ben"]
        assert one.lines()[-1] == "bad_commit"
        assert one.state.log.after == one.state.log.n
    anna.post("we go on")
    anna.command(commands.Rename("On"))
    world.run(2_000)
    assert cleo.texts() == ["we go on"]
    assert cleo.view().title == "On"


def test_e19_noise_is_shown_as_unreadable_and_several_in_one_epoch_are_an_alarm() -> None:
    world = World("noise")
    anna, ben = room_of(world, "anna", "ben")
    ben.tamper = swallow
    # The first opens, but is no event; the others use its key again, which nobody has any more.
    for _ in range(3):
        ben.send(rogue_message(ben, b"\1\2\3", ben.rng(16)))
    world.run(500)
    assert anna.lines().count("unreadable") == 3
    assert anna.told() == ["unreadable"]
    anna.post("still here")
    world.run(500)
    assert anna.texts() == ["still here"]


@pytest.mark.parametrize("breaks", ["nothing", "id", "signature"])
def test_e16_an_event_has_one_id_and_its_authors_signature_or_is_nothing_said(breaks: str) -> None:
    world = World(f"rogue event {breaks}")
    anna, ben = room_of(world, "anna", "ben")
    ben.tamper = swallow
    id_, log = ben.rng(16), ben.state.log
    assert log.head is not None
    inside = ben.rng(16) if breaks == "id" else id_
    unsigned = Unsigned(inside, "post", encode_body(Post("hello")))
    key = ben.rng(32) if breaks == "signature" else ben.group.signature_private_key
    signature = sign_event(key, ROOM, unsigned)
    seen = seen_of(log.n, log.head)
    envelope = Envelope(inside, unsigned.type, ben.state.counter, seen, unsigned.body, signature)
    ben.send(rogue_message(ben, encode_envelope(envelope), id_))
    world.run(500)
    assert anna.texts() == (["hello"] if breaks == "nothing" else [])
    assert anna.lines().count("unreadable") == (0 if breaks == "nothing" else 1)


def test_e15_a_commit_under_another_id_than_its_own_is_skipped() -> None:
    world = World("commit id")
    anna, ben = room_of(world, "anna", "ben")

    def rename(frame: FromServer) -> FromServer:
        if isinstance(frame, Entry) and frame.kind == "commit":
            return frame.model_copy(update={"id": bytes(16)})
        return frame

    anna.tamper = rename
    ben.command(commands.Rename("Renamed"))
    world.run(300)
    assert anna.told() == ["bad_commit ben"]
    assert anna.lines()[-1] == "bad_commit"
    assert anna.view().title == "Tuesday group"


def test_e18_a_commit_that_this_device_cannot_complete_it_says_so_and_comes_back_through_another() -> None:
    world = World("stuck")
    anna, ben, cleo = room_of(world, "anna", "ben", "cleo")
    # What Anna's path holds for Cleo opens with no key of hers.
    membership = cleo.membership
    spoilt = {at: bytes((7,)) * len(key) for at, key in membership.group.private_tree.items()}
    group = replace(membership.group, private_tree=spoilt)
    cleo.known = replace(cleo.state, membership=replace(membership, group=group))
    cleo.post("not yet sent")
    anna.command(commands.Rename("Renamed"))
    world.run(60_000)
    assert cleo.told() == ["stuck anna"]
    assert cleo.stage == "member"
    assert cleo.state.log.maker.account_id != anna.me.account_id
    assert cleo.view().title == "Renamed"
    assert "rejoined" in anna.lines()
    anna.post("welcome back")
    cleo.post("thank you")
    world.run(60_000)
    for one in (anna, ben, cleo):
        assert sorted(one.texts()) == ["not yet sent", "thank you", "welcome back"]
    expect_converged(world)


def test_e20_a_list_that_is_not_the_trees_is_seen_named_and_put_right() -> None:
    world = World("routing")
    anna, ben, cleo = room_of(world, "anna", "ben", "cleo")

    def without_cleo(frame: Send) -> Send:
        """A valid commit, but its frame leaves Cleo out."""
        if frame.kind != "commit" or frame.devices is None:
            return frame
        devices = [one for one in frame.devices if one != cleo.me.device_id]
        return frame.model_copy(update={"devices": devices, "list": list_hash(devices)})

    ben.meddle = without_cleo
    ben.command(commands.Rename("Without Cleo"))
    world.run(300)
    ben.meddle = None
    world.run(30_000)
    assert "routing ben" in anna.told()
    assert len(world.ds.rooms[ROOM].lists.next) == 3
    anna.post("everyone?")
    world.run(5_000)
    assert cleo.texts() == ["everyone?"]
    expect_converged(world)


# A server that lies


def test_e19_another_log_for_one_member_alarm_pause_and_on_with_it_when_the_person_says_so() -> None:
    world = World("fork")
    anna, ben = room_of(world, "anna", "ben")
    position = anna.state.log.n + 1
    ben.tamper = altering(lambda entry: entry.n == position)
    anna.post("one")
    world.run(500)
    ben.tamper = None
    anna.post("two")
    world.run(500)
    assert ben.told() == ["fork anna"]
    assert ben.alarms[0].evidence is not None
    assert ben.view().state == "paused"
    assert ben.texts() == ["one", "two"]
    ben.post("held back")
    world.run(1_000)
    assert anna.texts() == ["one", "two"]
    ben.command(commands.Resume())
    world.run(1_000)
    assert anna.told() == ["fork ben"]
    assert anna.view().state == "paused"
    anna.command(commands.Resume())
    anna.post("three")
    world.run(1_000)
    assert ben.texts() == ["one", "two", "held back", "three"]
    assert ben.view().state == "ready"


def test_positions_that_are_held_back_are_asked_for() -> None:
    world = World("hole")
    anna, ben = room_of(world, "anna", "ben")
    held = anna.state.log.n + 1
    ben.tamper = lambda frame: None if isinstance(frame, Entry) and frame.n == held else frame
    anna.post("held back")
    anna.post("after it")
    world.run(25_000)
    assert ben.texts() == []
    ben.tamper = None
    world.run(25_000)
    assert ben.texts() == ["held back", "after it"]
    assert ben.told() == []
    expect_converged(world)


def test_positions_that_never_come_are_given_up_in_the_end() -> None:
    world = World("held for good")
    anna, ben = room_of(world, "anna", "ben")
    held = anna.state.log.n + 1
    ben.tamper = lambda frame: None if isinstance(frame, Entry) and frame.n == held else frame
    anna.post("held back")
    anna.post("after it")
    world.run(120_000)
    assert ben.told() == ["log_broken"]


def test_a_frame_that_comes_twice_changes_nothing() -> None:
    world = World("twice")
    anna, ben = room_of(world, "anna", "ben")
    frames: list[FromServer] = []

    def listen(frame: FromServer) -> FromServer:
        frames.append(frame)
        return frame

    ben.tamper = listen
    anna.post("once")
    anna.command(commands.Rename("Once"))
    world.run(2_000)
    assert ben.link is not None
    for frame in list(frames):
        if not isinstance(frame, Ready | Bye):
            ben.receive(ben.link, frame)
    world.run(2_000)
    assert ben.texts() == ["once"]
    assert ben.lines().count("renamed") == 1
    assert ben.told() == []
    expect_converged(world)


def test_e29_a_welcome_that_no_member_made_is_refused() -> None:
    world = World("welcome")
    anna, _ = room_of(world, "anna", "ben")
    fragment = anna.invite()
    world.run(1_000)
    cleo = world.device("cleo")

    def forge(frame: FromServer) -> FromServer:
        if not isinstance(frame, Welcome):
            return frame
        said = decode_welcome_payload(frame.payload)
        assert said.mac is not None
        mac = bytes(byte ^ 1 for byte in said.mac)
        return frame.model_copy(update={"payload": encode_welcome_payload(replace(said, mac=mac))})

    cleo.tamper = forge
    cleo.accept(fragment)
    world.run(5_000)
    assert cleo.known is None
    assert cleo.errors == ["welcome_mac"]
    cleo.tamper = None
    cleo.reconnect()
    world.run(20_000)
    assert cleo.stage == "member"
    expect_converged(world)


def widened(frame: Welcome, expected: JoinExpectation, author: Device, slots: int) -> Welcome:
    """The Welcome again, with its tree drawn out to so many places, as a rogue member can make it."""
    said = decode_welcome_payload(frame.payload)
    welcome = decode_mls_message(said.welcome)
    assert isinstance(welcome, MlsWelcome)
    reference = key_package_ref(room_suite, expected.key_package)
    shared = open_group_secrets(room_suite, welcome, reference, expected.secrets.init_private_key)
    secret = welcome_secret(room_suite, shared.joiner_secret, zero_secret(room_suite))
    info = open_group_info(room_suite, welcome, secret)
    tree = author.group.tree
    nodes = [*tree.nodes(), *[None] * (2 * (slots - tree.leaf_count) - 1), tree.leaf(info.signer)]
    nodes += [None] * (node_width(leaf_count_for(slots)) - len(nodes))
    forged = sign_group_info(
        room_suite,
        context=info.context,
        extensions=(ratchet_tree_extension(RatchetTree.of(nodes)),),
        confirmation_tag=info.confirmation_tag,
        signer=info.signer,
        signature_private_key=author.group.signature_private_key,
    )
    init_key = decode_key_package(expected.key_package).init_key
    sealed = seal_welcome(
        room_suite,
        forged,
        joiner_secret=shared.joiner_secret,
        welcome_secret=secret,
        psks=shared.psks,
        new_members=[NewMember(reference, init_key, shared.path_secret)],
        rng=author.rng,
    )
    payload = encode_welcome_payload(replace(said, welcome=encode_mls_message(sealed)))
    return frame.model_copy(update={"payload": payload})


@pytest.mark.parametrize(("slots", "refused"), [(256, "v201_tree_hash"), (257, "decode")])
def test_e13_a_welcome_of_more_than_256_leaves_is_left_unread(slots: int, refused: str) -> None:
    world = World("wide welcome")
    anna, _ = room_of(world, "anna", "ben")
    fragment = anna.invite()
    world.run(1_000)
    cleo = world.device("cleo")
    cleo.accept(fragment)
    assert cleo.expectation is not None
    expected = decode_expectation(cleo.expectation)
    cleo.tamper = lambda frame: widened(frame, expected, anna, slots) if isinstance(frame, Welcome) else frame
    world.run(5_000)
    assert cleo.known is None
    assert cleo.errors == [refused]


def test_e25_a_welcome_that_nobody_asked_for_is_refused() -> None:
    world = World("unasked")
    anna, ben = room_of(world, "anna", "ben")
    before = ben.state
    welcome = Welcome(room=ROOM, n=before.log.n + 1, time=world.now, payload=anna.rng(500))
    assert ben.link is not None
    ben.receive(ben.link, welcome)
    assert ben.state.membership is before.membership
    assert ben.stage == "member"


def test_e19_a_state_on_top_of_another_log_than_its_own_is_not_taken_over() -> None:
    world = World("fork below")
    anna, ben = room_of(world, "anna", "ben")
    copy = dict(ben.rows)
    ben.post("after the copy")
    world.run(1_000)
    anna.post("and more")
    world.run(1_000)
    # Ben reads on below his coming for the heads alone; one of these is not what Anna was sent.
    position = anna.state.log.n
    ben.tamper = altering(lambda entry: entry.n == position)
    ben.rows = copy
    ben.crash()
    world.run(60_000)
    assert ben.told() == ["copy ben", "fork anna"]
    assert ben.alarms[-1].evidence is not None
    assert ben.state.newcomer is not None
    assert ben.texts() == []


def test_after_a_removal_nothing_is_asked_of_a_server_that_held_something_back() -> None:
    world = World("removed amid a hole")
    anna, ben, cleo = room_of(world, "anna", "ben", "cleo")
    held = anna.state.log.n + 1
    ben.tamper = lambda frame: None if isinstance(frame, Entry) and frame.n == held else frame
    anna.post("held back")
    anna.post("after it")
    world.run(1_000)
    assert ben.state.link.fetching is not None
    anna.command(commands.RemoveMember(ben.me.account_id))
    world.run(5_000)
    cleo.post("goodbye")  # the new list holds when another account goes by it (E20)
    world.run(120_000)
    assert ben.stage == "removed"
    assert ben.told() == []
    assert not ben.state.link.connected


# E39: a copy of a device's state


def test_e39_restored_from_an_old_copy_it_encrypts_nothing_destroys_that_state_and_comes_back() -> None:
    world = World("copy")
    anna, ben = room_of(world, "anna", "ben")
    ben.post("before the copy")
    world.run(1_000)
    copy = dict(ben.rows)
    ben.post("after the copy")
    world.run(1_000)
    ben.rows = copy
    ben.crash()
    ben.post("from the copy")
    world.run(60_000)
    assert ben.told() == ["copy ben"]
    assert ben.stage == "member"
    assert "rejoined" in anna.lines()
    anna.post("hello again")
    world.run(2_000)
    assert anna.texts() == ["before the copy", "after the copy", "from the copy", "hello again"]
    assert "from the copy" in ben.texts()
    assert "hello again" in ben.texts()
    expect_converged(world)


def test_e39_a_commit_of_its_own_that_it_does_not_know_is_a_copys_as_well() -> None:
    world = World("copy commits")
    _, ben = room_of(world, "anna", "ben")
    copy = dict(ben.rows)
    ben.command(commands.Rename("By the other copy"))
    world.run(1_000)
    ben.rows = copy
    ben.crash()
    world.run(60_000)
    assert ben.told() == ["copy ben"]
    assert ben.stage == "member"
    assert ben.view().title == "By the other copy"
    expect_converged(world)


def test_e39_while_nobody_is_there_to_add_it_it_waits_and_the_log_that_it_does_not_read_is_no_alarm() -> None:
    world = World("lonely copy")
    anna, ben = room_of(world, "anna", "ben")
    copy = dict(ben.rows)
    ben.post("after the copy")
    anna.post("and more")
    world.run(1_000)
    anna.disconnect()
    ben.rows = copy
    ben.crash()
    world.run(600_000)
    assert ben.told() == ["copy ben"]
    assert ben.stage == "rejoining"
    anna.connect()
    world.run(60_000)
    assert ben.told() == ["copy ben"]
    assert ben.stage == "member"
    expect_converged(world)


def test_e39_with_a_message_on_its_way_in_both_nothing_is_said_twice() -> None:
    world = World("twins")
    anna, ben = room_of(world, "anna", "ben")
    ben.disconnect()
    ben.post("queued in both")
    copy = dict(ben.rows)
    ben.connect()
    world.run(1_000)
    assert anna.texts() == ["queued in both"]
    ben.rows = copy
    ben.crash()
    world.run(60_000)
    assert ben.told() == ["copy ben"]
    assert anna.texts() == ["queued in both"]
    assert ben.texts() == ["queued in both"]
    expect_converged(world)


@pytest.mark.parametrize("deleted", ["before it is found", "after it is found"])
def test_e39_what_an_old_copy_had_still_to_say_is_not_said_twice_also_where_it_was_deleted(
    deleted: str,
) -> None:
    world = World(f"deleted {deleted}")
    anna, ben = room_of(world, "anna", "ben")
    ben.disconnect()
    ben.post("queued in both")
    copy = dict(ben.rows)
    ben.connect()
    world.run(1_000)
    anna.disconnect()
    if deleted == "before it is found":
        world.ds.collect(ROOM)
    ben.rows = copy
    ben.crash()
    world.run(5_000)
    # Where nothing of its own is left in the log, it does not even come to know of the other copy.
    assert ben.told() == ([] if deleted == "before it is found" else ["copy ben"])
    world.ds.collect(ROOM, world.ds.rooms[ROOM].last)
    anna.connect()
    world.run(60_000)
    assert anna.texts() == ["queued in both"]
    assert ben.texts() == []
    expect_converged(world)


# E22: a device of a recovered account


def test_e22_it_is_added_by_somebody_on_its_pin_list_beside_the_old_one() -> None:
    world = World("recovered")
    anna, ben = room_of(world, "anna", "ben")
    laptop = world.device("ben", "laptop")
    laptop.recover(ben.pin())
    ben.disconnect()
    world.run(20_000)
    assert laptop.stage == "member"
    assert laptop.view().title == "Tuesday group"
    laptop.post("from my new laptop")
    world.run(1_000)
    assert anna.texts() == ["from my new laptop"]
    ben.connect()
    world.run(5_000)
    assert ben.texts() == ["from my new laptop"]
    expect_converged(world)


def test_e22_it_takes_no_welcome_of_anybody_else() -> None:
    world = World("not pinned")
    anna, ben = room_of(world, "anna", "ben")
    pin = ben.pin()
    accounts = tuple(one for one in pin.accounts if one.account_id != anna.me.account_id)
    laptop = world.device("ben", "laptop")
    laptop.recover(replace(pin, accounts=accounts))
    ben.disconnect()
    world.run(20_000)
    assert laptop.stage == "rejoining"
    assert "welcome" in laptop.told()
    assert laptop.state.membership is None
