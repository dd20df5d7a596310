"""What must hold whenever the world has come to rest."""

from collections.abc import Iterable
from dataclasses import fields, replace

from client.room.core import CORE_ROW, row_names
from client.room.state import RoomState
from crypto.mls.group import epoch, epoch_authenticator
from crypto.room.log_head import first_head, next_head
from crypto.room.room_context import encode_room_context
from crypto.room.roster import devices_of
from crypto.room.snapshot import Snapshot, encode_snapshot
from tests.client.room.world import ROOM, Device, World


def true_head(world: World) -> bytes:
    """H_n as whoever holds the whole log computes it."""
    head = first_head(ROOM)
    for one in world.ds.rooms[ROOM].log:
        head = next_head(head, one.n, one.time, one.hash)
    return head


def _snapshot(state: RoomState, position: int) -> bytes:
    assert state.log.head is not None
    return encode_snapshot(Snapshot(position, state.log.head, state.fold))


def expect_converged(world: World) -> None:
    """All who are connected are level, agree on everything, and have nothing on the way."""
    room = world.ds.rooms[ROOM]
    members = [one for one in world.devices if one.stage == "member" and one.link is not None]
    first, head = members[0], true_head(world)
    for device in members:
        state, who = device.state, f"{device.person} at {device.state.log.n}"
        assert state.log.n == room.last, who
        assert state.log.after == room.after, who
        assert state.log.head == head, who
        assert epoch(device.group) == epoch(first.group), who
        assert epoch_authenticator(device.group) == epoch_authenticator(first.group), who
        context = encode_room_context(first.membership.context)
        assert encode_room_context(device.membership.context) == context, who
        assert state.outbox == (), who
        assert state.staged is None, who
        assert state.intents == (), who
        assert state.newcomer is None, who
        assert state.leaves == (), who
        # E37: the keys of a call that is over are superseded.
        assert state.chores.called == (room.call is not None), who
        assert set(devices_of(device.membership.roster)) == room.lists.next, who
        if state.whole and first.state.whole:
            assert _snapshot(state, room.last) == _snapshot(first.state, room.last), who
        asked = room.rejoins.get(device.me.device_id)
        assert asked not in [one.request_id for one in room.requests], f"{who} is asked for still"
    for device in world.devices:
        expect_media(device)
    expect_same_order(members)


def expect_media(device: Device) -> None:
    """Whoever encrypts does so in the present epoch, and may (E14, E19); and no base key was ever stored
    (E37).
    """
    who = device.person
    assert device.sending == (device.media == "on"), who
    assert (device.keys is not None) == (device.media in ("on", "held")), who
    if device.sending:
        state, keys = device.state, device.keys
        assert keys is not None
        assert keys.epoch == epoch(device.group), who
        assert keys.leaves.keys() == device.membership.roster.keys(), who
        assert (state.stage, state.pause, state.leaves, state.leaving) == ("member", None, (), None), who
    for name, row in device.rows.items():
        assert not any(key in row for key in device.world.base_keys.values()), f"{who}: a key in {name}"


def expect_same_order(devices: Iterable[Device]) -> None:
    """Whoever has read two posts has them in the same order, and none twice."""
    order: dict[bytes, int] = {}
    for device in devices:
        last, seen = 0, set[bytes]()
        for item in device.posts():
            if item.n == 0:
                continue
            assert item.id not in seen, f"{device.person} has a post twice"
            seen.add(item.id)
            assert item.n > last, f"{device.person} has posts out of order"
            last = item.n
            assert order.setdefault(item.id, item.n) == item.n, f"{device.person} has a post elsewhere"


VOLATILE = {"link", "dues", "requests", "cursors", "presence", "media", "call", "wake"}
WITH_GROUPS = {"membership", "staged"}


def expect_stored(device: Device) -> None:
    """The rows of a device give the state that it has, and there are no others."""
    assert set(device.rows) == {CORE_ROW, *row_names(device.rows[CORE_ROW])}
    state, loaded = device.state, device.stored()
    outbox = tuple(replace(one, in_flight=False) for one in state.outbox)
    leaving = None if state.leaving is None else replace(state.leaving, in_flight=False)
    kept = replace(state, outbox=outbox, leaving=leaving)
    for field in fields(RoomState):
        if field.name not in VOLATILE | WITH_GROUPS:
            assert getattr(loaded, field.name) == getattr(kept, field.name), field.name
    if state.membership is None:
        assert loaded.membership is None
        return
    assert loaded.membership is not None
    assert loaded.membership.context == state.membership.context
    assert loaded.membership.roster == state.membership.roster
    assert epoch_authenticator(loaded.membership.group) == epoch_authenticator(state.membership.group)
