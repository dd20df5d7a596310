"""The estimate and the layers on simulated paths: it comes near what they carry, and audio never stops."""

from itertools import pairwise

import pytest

from signaling.sfu.control import Kind, Layer
from signaling.sfu.participant import LOSING_TIME
from tests.signaling.sfu.forwarding.link import Link
from tests.signaling.sfu.forwarding.world import RATES, Browser, World


def call(world: World, down: Link, layers: str = "lmh") -> tuple[Browser, Browser]:
    """A films and talks, B looks on over a path of its own."""
    sender, receiver = world.join("a"), world.join("b", down=down)
    world.publish(sender, Kind.AUDIO, Kind.CAMERA)
    world.connect()
    receiver.want(sender, Layer.HIGH)
    world.talk(sender)
    world.film(sender, layers)
    return sender, receiver


def estimate(world: World, receiver: Browser) -> float:
    return world.forwarder._people[receiver.session].estimator.rate


def longest_pause(receiver: Browser, sender: Browser, kind: Kind, since: float = 0.0) -> float:
    return max(b - a for a, b in pairwise(at for at in receiver.of(sender, kind).at if at >= since))


@pytest.mark.parametrize(
    ("capacity", "loss", "delay", "jitter", "layer", "lowest"),
    [
        (20e6, 0.0, 0.02, 0.0, Layer.HIGH, 1.4e6),
        (1e6, 0.0, 0.02, 0.0, Layer.MIDDLE, 0.6e6),
        (300e3, 0.0, 0.02, 0.0, Layer.LOW, 0.19e6),
        (1e6, 0.05, 0.02, 0.0, Layer.MIDDLE, 0.5e6),
        (1e6, 0.0, 0.2, 0.03, Layer.MIDDLE, 0.5e6),
        (300e3, 0.05, 0.1, 0.02, Layer.LOW, 0.12e6),
    ],
    ids=["wide", "1M", "300k", "1M, 5 % loss", "1M, 200 ms with jitter", "300k, loss and jitter"],
)
def test_the_layer_that_fits_is_found_and_kept(
    capacity: float, loss: float, delay: float, jitter: float, layer: Layer, lowest: float
) -> None:
    world = World(f"{capacity} {loss} {delay}")
    down = Link(world.dice, capacity, delay, jitter, loss)
    sender, receiver = call(world, down)
    world.run(10)
    seen, waits = [], []
    for _ in range(40):
        world.run(0.5)
        seen.append(world.layer(receiver, sender))
        waits.append(down.waited)
        assert lowest <= estimate(world, receiver) <= 1.1 * capacity
    assert seen.count(layer) >= 36
    assert max(waits) < 0.3
    assert longest_pause(receiver, sender, Kind.AUDIO) < 0.35
    assert longest_pause(receiver, sender, Kind.CAMERA, since=world.now - 20) < 0.5


def test_a_path_that_shrinks_is_followed_down_within_two_seconds_and_up_again() -> None:
    world = World("shrinks")
    down = Link(world.dice, 3e6)
    sender, receiver = call(world, down)
    world.run(8)
    assert world.layer(receiver, sender) is Layer.HIGH
    shrunk = world.now
    down.capacity = 0.35e6
    for _ in range(20):
        world.run(0.1)
        if world.layer(receiver, sender) is Layer.LOW:
            break
    assert world.layer(receiver, sender) is Layer.LOW
    world.run(10)
    assert world.layer(receiver, sender) is Layer.LOW
    # Pictures went on, and what was heard was late once but never stopped.
    assert longest_pause(receiver, sender, Kind.AUDIO, since=shrunk) < 0.7
    assert longest_pause(receiver, sender, Kind.CAMERA, since=shrunk + 3) < 0.3
    down.capacity = 3e6
    world.run(30)
    assert world.layer(receiver, sender) is Layer.HIGH


def test_where_not_even_the_smallest_picture_fits_audio_goes_on_alone() -> None:
    world = World("thin")
    down = Link(world.dice, 110e3)
    sender, receiver = call(world, down, "l")
    world.run(10)
    calm = world.now
    world.run(20)
    assert longest_pause(receiver, sender, Kind.AUDIO, since=calm) < 0.4
    heard = [at for at in receiver.of(sender, Kind.AUDIO).at if at >= calm]
    assert len(heard) >= 0.97 * 20 * 50
    # With nothing but audio flowing, padding still finds out that there is more room.
    down.capacity = 2e6
    world.run(50)
    assert world.layer(receiver, sender) is not Layer.NONE
    assert receiver.padding > 0


def test_many_cameras_share_a_path_small_before_anyone_is_large() -> None:
    world = World("many")
    receiver = world.join("me", down=Link(world.dice, 0.8e6))
    senders = [world.join(f"s{i}") for i in range(4)]
    for sender in senders:
        world.publish(sender, Kind.AUDIO, Kind.CAMERA)
        world.film(sender, rates={"l": 90_000, "m": 250_000, "h": 450_000})
        world.talk(sender)
    world.connect()
    for sender in senders:
        receiver.want(sender, Layer.HIGH)
    world.run(8)
    calm = world.now
    world.run(6)
    given = [world.layer(receiver, sender) for sender in senders]
    assert Layer.NONE not in given
    assert Layer.HIGH not in given
    for sender in senders:
        assert longest_pause(receiver, sender, Kind.CAMERA, since=calm) < 0.5
        assert longest_pause(receiver, sender, Kind.AUDIO, since=calm) < 0.2


def test_a_screen_goes_before_cameras() -> None:
    world = World("screen")
    sender, receiver = call(world, Link(world.dice, 0.75e6))
    world.publish(sender, Kind.SCREEN)
    world.connect()
    world.share(sender, 400_000)
    world.run(20)
    assert world.layer(receiver, sender, Kind.SCREEN) is Layer.HIGH
    assert world.layer(receiver, sender) in (Layer.LOW, Layer.NONE)


def test_without_feedback_no_more_than_the_first_estimate_is_sent() -> None:
    world = World("mute")
    sender, receiver = call(world, Link(world.dice, 20e6))
    receiver.answers = False
    world.run(10)
    assert world.layer(receiver, sender) is Layer.LOW
    assert receiver.padding < 40_000


def test_a_camera_whose_only_layer_is_large_is_found_to_fit_with_nothing_else_flowing() -> None:
    world = World("only large")
    sender, receiver = world.join("a"), world.join("b")
    world.publish(sender, Kind.CAMERA)
    world.connect()
    world.film(sender, "h")
    world.run(6)
    assert world.layer(receiver, sender) is Layer.HIGH


def test_a_receiver_that_falls_silent_is_sent_less() -> None:
    world = World("falls silent")
    sender, receiver = call(world, Link(world.dice, 20e6))
    world.run(8)
    assert world.layer(receiver, sender) is Layer.HIGH
    receiver.answers = False
    world.run(12)
    assert world.layer(receiver, sender) in (Layer.LOW, Layer.NONE)


def test_voices_are_sent_twice_where_packets_are_lost_and_not_where_the_path_is_full() -> None:
    world = World("losing")
    down = Link(world.dice, 20e6)
    sender, receiver = call(world, down)
    world.run(10)
    assert world.forwarder.losing() == set()
    down.loss = 0.05
    world.run(5)
    assert world.forwarder.losing() == {receiver.session}
    down.loss = 0.0
    world.run(LOSING_TIME + 5)
    assert world.forwarder.losing() == set()
    down.capacity = 0.35e6
    for _ in range(50):
        world.run(0.2)
        assert world.forwarder.losing() == set()
    assert world.layer(receiver, sender) is Layer.LOW
    assert receiver.session not in world.forwarder.losing()
    world.leave(receiver)


def test_what_probing_costs() -> None:
    """Padding on a path that is found to be at its end: in the first minute one part in forty."""
    world = World("probing")
    _, receiver = call(world, Link(world.dice, 1e6))
    world.run(60)
    media = sum(got.octets for got in receiver.got.values())
    assert 0 < receiver.padding < media / 40
    assert sum(RATES[layer] for layer in "m") < estimate(world, receiver)


def test_two_runs_of_one_seed_are_equal() -> None:
    def run() -> tuple[int, float]:
        world = World("equal")
        _, receiver = call(world, Link(world.dice, 1e6, loss=0.02, jitter=0.01))
        world.run(5)
        return world.packets_left, estimate(world, receiver)

    assert run() == run()


def test_who_was_without_a_picture_for_long_has_one_soon_when_the_path_is_wide_again() -> None:
    world = World("bare")
    down = Link(world.dice, 110e3)
    sender, receiver = call(world, down)
    world.run(90)
    assert world.layer(receiver, sender) is Layer.NONE
    down.capacity = 5e6
    world.run(14)
    assert world.layer(receiver, sender) is Layer.HIGH


def test_after_an_outage_everything_is_back_within_seconds() -> None:
    world = World("outage")
    up, down = Link(world.dice), Link(world.dice, 5e6)
    sender, receiver = world.join("a"), world.join("b", up=up, down=down)
    world.publish(sender, Kind.AUDIO, Kind.CAMERA)
    world.connect()
    receiver.want(sender, Layer.HIGH)
    world.talk(sender)
    world.film(sender)
    world.run(8)
    assert world.layer(receiver, sender) is Layer.HIGH
    up.loss = down.loss = 1.0
    world.run(20)
    assert estimate(world, receiver) < 100_000
    up.loss = down.loss = 0.0
    world.run(5)
    assert world.layer(receiver, sender) is Layer.HIGH
