"""One room: who is told of what, what a packet looks like when it leaves, repair, key frames, bounds."""

import gc
import tracemalloc
from itertools import pairwise
from random import Random

import pytest

from signaling.sfu import key_frames, rtcp, rtp, srtp, vp8
from signaling.sfu.control import Kind, Layer
from signaling.sfu.extensions import AUDIO_LEVEL, MID, RID, TRANSPORT_WIDE_CC
from signaling.sfu.forwarder import MAX_OUT, Forwarder
from signaling.sfu.participant import BURST, MAX_SOURCES, RATE
from signaling.sfu.payloads import OPUS, RTX, VP8
from signaling.sfu.room import MAX_PARTICIPANTS, RoomFullError, StreamOut
from tests.signaling.sfu.forwarding.link import Link
from tests.signaling.sfu.forwarding.world import Browser, World

A, B, C = b"a" * 16, b"b" * 16, b"c" * 16


def room(*sessions: bytes) -> Forwarder:
    forwarder = Forwarder(Random(1).randbytes)
    for session in sessions:
        forwarder.join(session, session, 0.0)
    return forwarder


def audio(number: int, wide: int = 0, level: int = 40, ssrc: int = 7) -> bytes:
    extensions = {MID: b"0", TRANSPORT_WIDE_CC: wide.to_bytes(2, "big"), AUDIO_LEVEL: bytes([level])}
    return rtp.build(OPUS, number, number * 960, ssrc, b"opus%d" % number, extensions=extensions)


def video(
    number: int, key: bool = False, ssrc: int = 8, rid: str = "l", mid: str = "1", picture: int | None = None
) -> bytes:
    payload = vp8.descriptor(start=True, picture=number if picture is None else picture, tl0=number, tid=0)
    payload += (b"\x00" if key else b"\x01") + b"picture%d" % number
    extensions = {MID: mid.encode(), RID: rid.encode(), TRANSPORT_WIDE_CC: bytes(2)}
    return rtp.build(VP8, number, number * 3600, ssrc, payload, extensions=extensions)


def connected() -> tuple[Forwarder, dict[str, StreamOut]]:
    """A publishes, B has audio on 4 and the camera on 5."""
    forwarder = room(A, B)
    forwarder.publish(A, "0", Kind.AUDIO)
    forwarder.publish(A, "1", Kind.CAMERA)
    streams = {stream.kind.value: stream for stream in forwarder.streams_for(B)}
    forwarder.subscribe(B, "4", streams["audio"])
    forwarder.subscribe(B, "5", streams["camera"])
    return forwarder, streams


def media(forwarder: Forwarder) -> list[tuple[bytes, bytes]]:
    return [(session, packet) for session, packet, is_rtcp in forwarder.take() if not is_rtcp]


def said(forwarder: Forwarder) -> list[tuple[bytes, rtcp.Part]]:
    out = []
    for session, packet, is_rtcp in forwarder.take():
        if is_rtcp:
            out += [(session, part) for part in rtcp.parse(packet) or []]
    return out


# Who is here


def test_who_is_told_of_what() -> None:
    forwarder = room(A, B, C)
    assert forwarder.changed() == {A, B, C}
    assert forwarder.changed() == set()
    forwarder.publish(A, "0", Kind.AUDIO)
    forwarder.publish(A, "1", Kind.CAMERA)
    assert forwarder.changed() == {B, C}
    assert forwarder.streams_for(A) == ()
    first, second = forwarder.streams_for(B)
    assert (first.source_session, first.source_device, first.kind, first.rtx_ssrc) == (A, A, Kind.AUDIO, None)
    assert second.rtx_ssrc is not None
    forwarder.unpublish(A, "0")
    assert forwarder.streams_for(C) == (second,)
    assert forwarder.changed() == {B, C}
    forwarder.leave(A, 1.0)
    assert forwarder.streams_for(C) == ()
    assert forwarder.changed() == {B, C}
    forwarder.leave(A, 1.0)


def test_a_room_has_so_many_places() -> None:
    forwarder = room(*(bytes([i]) * 16 for i in range(MAX_PARTICIPANTS)))
    with pytest.raises(RoomFullError):
        forwarder.join(A, A, 0.0)
    with pytest.raises(ValueError, match="in the room"):
        forwarder.join(bytes(16), A, 0.0)
    forwarder.leave(bytes(16), 0.0)
    forwarder.join(A, A, 0.0)


def test_no_ssrc_is_given_twice() -> None:
    forwarder = room(A, B)
    seen: set[int | None] = set()
    for _ in range(50):
        forwarder.publish(A, "1", Kind.CAMERA)
        (stream,) = forwarder.streams_for(B)
        assert not {stream.ssrc, stream.rtx_ssrc} & seen
        seen |= {stream.ssrc, stream.rtx_ssrc}


def test_what_is_no_longer_there_is_ignored() -> None:
    forwarder, streams = connected()
    forwarder.unpublish(A, "1")
    forwarder.subscribe(B, "6", streams["camera"])
    forwarder.unsubscribe(B, "6")
    forwarder.wants(B, "6", Layer.HIGH, 0.0)
    forwarder.unsubscribe(C, "4")
    forwarder.rtp(C, audio(1), 0.0)
    forwarder.rtcp(C, rtcp.picture_loss(1, 2), 0.0)
    forwarder.unpublish(C, "1")
    assert forwarder.take() == []


# What leaves


def test_audio_as_it_leaves() -> None:
    forwarder, streams = connected()
    forwarder.rtp(A, audio(500, wide=4660, level=0x80 | 33), 1.0)
    ((session, packet),) = media(forwarder)
    assert session == B
    shape = rtp.shape_of(packet)
    assert shape is not None
    assert packet[shape.payload :] == b"opus500"
    assert packet[shape.level] == 0x80 | 33
    # Trap 4: the number is the receiver's own, never the sender's. The MID is of the sender's connection.
    assert packet[shape.wide : shape.wide + 2] == b"\x00\x01"
    assert shape.names == ()
    _, _, number, timestamp, ssrc = rtp.read_fixed(packet)
    assert (timestamp, ssrc) == (500 * 960, streams["audio"].ssrc)
    forwarder.rtp(A, audio(502), 1.04)
    forwarder.rtp(A, audio(501), 1.05)
    forwarder.rtp(A, audio(501), 1.06)  # a duplicate
    forwarder.rtp(A, audio(499), 1.07)  # before the beginning
    numbers = [rtp.read_fixed(packet)[2] - number for _, packet in media(forwarder)]
    assert numbers == [2, 1]


def test_a_camera_begins_with_a_key_frame() -> None:
    forwarder, streams = connected()
    forwarder.rtp(A, video(10), 1.0)
    forwarder.tick(1.0)
    requests = [part for session, part in said(forwarder) if isinstance(part, rtcp.KeyFrameRequest)]
    assert requests == [rtcp.KeyFrameRequest((8,))]
    forwarder.rtp(A, video(11), 1.02)
    assert media(forwarder) == []
    forwarder.rtp(A, video(12, key=True), 1.04)
    forwarder.rtp(A, video(13), 1.06)
    first, second = (packet for _, packet in media(forwarder))
    assert first.endswith(b"picture12")
    assert rtp.read_fixed(second)[2] == rtp.read_fixed(first)[2] + 1 & 0xFFFF
    assert rtp.read_fixed(first)[4] == streams["camera"].ssrc


def test_an_empty_packet_keeps_the_sequence_whole() -> None:
    forwarder, _ = connected()
    forwarder.rtp(A, video(10, key=True), 1.0)
    forwarder.tick(1.0)
    forwarder.rtp(A, video(11, key=True), 1.02)
    extensions = {MID: b"1", RID: b"l"}
    forwarder.rtp(A, rtp.build(VP8, 12, 0, 8, b"", extensions=extensions, padding=50), 1.03)
    forwarder.rtp(A, video(13), 1.04)
    packets = [packet for _, packet in media(forwarder)]
    numbers = [rtp.read_fixed(packet)[2] for packet in packets]
    assert numbers == [numbers[0], numbers[0] + 1, numbers[0] + 2]
    assert len(packets[1]) == rtp.OVERHEAD


@pytest.mark.parametrize(
    ("first", "flags", "rest"),
    [
        (bytes([0x90, 0x80, 0x15]), 0x9080, b""),  # a picture id of 7 bits leaves as one of 15
        (bytes([0x90, 0x80, 0x80, 0x15]), 0x9080, b""),
        (bytes([0x90, 0xE0, 0x80, 0x15, 9, 0x40]), 0x90E0, b"\x09\x40"),
    ],
)
def test_descriptors_as_they_leave(first: bytes, flags: int, rest: bytes) -> None:
    forwarder, _ = connected()
    for number in (1, 2):
        extensions = {MID: b"1", RID: b"l"}
        forwarder.rtp(A, rtp.build(VP8, number, 0, 8, first + b"\x00frame", extensions=extensions), 1.0)
        forwarder.tick(1.0)
    ((_, packet),) = media(forwarder)
    assert packet[20:] == flags.to_bytes(2, "big") + b"\x80\x15" + rest + b"\x00frame"


def test_what_leaves_is_short_enough_to_be_sealed() -> None:
    forwarder, streams = connected()
    forwarder.rtp(A, video(10), 1.0)
    forwarder.tick(1.0)
    head = bytes([0x90, 0xE0, 0x15, 9, 0x40]) + b"\x00"  # a picture id that grows by a byte
    for i, size in enumerate((rtp.MAX_PAYLOAD, rtp.MAX_PAYLOAD + 1)):
        payload = head + bytes(size - len(head))
        packet = rtp.build(VP8, 11 + i, 0, 8, payload, extensions={MID: b"1", RID: b"l"})
        forwarder.rtp(A, packet, 1.1)
    ((_, sent),) = media(forwarder)
    number = rtp.read_fixed(sent)[2]
    forwarder.rtcp(B, rtcp.nack(1, streams["camera"].ssrc, [number]), 1.2)
    ((_, repair),) = media(forwarder)
    assert len(sent) < len(repair) <= srtp.MAX_PACKET


def test_a_line_that_is_taken_again_goes_on_counting() -> None:
    forwarder, streams = connected()
    forwarder.rtp(A, audio(1), 1.0)
    forwarder.rtp(A, audio(2), 1.0)
    last = rtp.read_fixed(media(forwarder)[-1][1])[2]
    forwarder.unsubscribe(B, "4")
    forwarder.rtp(A, audio(3), 1.1)
    assert media(forwarder) == []
    forwarder.subscribe(B, "9", streams["audio"])
    forwarder.rtp(A, audio(4), 2.0)
    ((_, packet),) = media(forwarder)
    assert rtp.read_fixed(packet)[2] == last + 1 & 0xFFFF


def test_a_source_that_leaps_or_begins_anew_goes_on_without_a_leap() -> None:
    forwarder, _ = connected()
    numbers = [1, 2, 30_000, 30_001, *range(4, 64), 64]
    for i, number in enumerate(numbers):
        forwarder.rtp(A, audio(number), 1 + i / 50)
    out = [rtp.read_fixed(packet)[2] for _, packet in media(forwarder)]
    assert [number - out[0] for number in out] == list(range(len(out)))
    # Sixty that are older than the cache: after fifty of them it is taken to have begun anew.
    assert len(out) == 4 + 61 - 50


# Repair


def test_a_gap_upstream_is_asked_for_and_filled_in_its_place() -> None:
    forwarder, _ = connected()
    forwarder.rtp(A, video(10), 1.0)
    forwarder.tick(1.0)
    forwarder.rtp(A, video(11, key=True), 1.01)
    forwarder.take()
    forwarder.rtp(A, video(14), 1.02)
    forwarder.tick(1.04)
    assert (A, rtcp.Nack(8, (12, 13))) in said(forwarder)
    lost = video(12)
    shape = rtp.shape_of(lost)
    assert shape is not None
    extensions = {MID: b"1", 3: b"l"}  # the repaired RID
    body = (12).to_bytes(2, "big") + lost[shape.payload :]
    forwarder.rtp(A, rtp.build(RTX, 99, 12 * 3600, 5008, body, extensions=extensions), 1.06)
    forwarder.rtp(A, lost, 1.07)  # and now it comes by itself
    packets = media(forwarder)
    assert len(packets) == 1
    assert packets[0][1].endswith(b"picture12")
    forwarder.tick(1.3)
    assert (A, rtcp.Nack(8, (13,))) in said(forwarder)


def test_a_key_frame_ends_the_asking_for_what_was_before_it() -> None:
    forwarder, _ = connected()
    forwarder.rtp(A, video(10), 1.0)
    forwarder.rtp(A, video(13), 1.01)
    forwarder.rtp(A, video(15, key=True), 1.02)
    forwarder.tick(1.2)
    assert not [part for _, part in said(forwarder) if isinstance(part, rtcp.Nack)]


def test_audio_is_neither_asked_for_nor_sent_again() -> None:
    forwarder, streams = connected()
    forwarder.rtp(A, audio(1), 1.0)
    forwarder.rtp(A, audio(5), 1.1)
    forwarder.tick(1.2)
    assert not [part for _, part in said(forwarder) if isinstance(part, rtcp.Nack)]
    forwarder.rtcp(B, rtcp.nack(1, streams["audio"].ssrc, range(0x8000)), 1.3)
    assert media(forwarder) == []


def test_a_nack_is_answered_under_another_ssrc_and_sequence() -> None:
    forwarder, streams = connected()
    forwarder.rtp(A, video(10), 1.0)
    forwarder.tick(1.0)
    forwarder.rtp(A, video(11, key=True, picture=200), 1.01)
    forwarder.rtp(A, video(12, picture=201), 1.02)
    original = media(forwarder)[1][1]
    number = rtp.read_fixed(original)[2]
    camera = streams["camera"]
    for i in range(4):
        forwarder.rtcp(B, rtcp.nack(1, camera.ssrc, [number, number + 5]), 1.1 + i / 100)
    (repair,) = (packet for _, packet in media(forwarder))  # once in a round trip
    _, marked, own, timestamp, ssrc = rtp.read_fixed(repair)
    assert (marked & 0x7F, ssrc) == (RTX, camera.rtx_ssrc)
    assert timestamp == rtp.read_fixed(original)[3]
    assert repair[20:] == number.to_bytes(2, "big") + original[20:]
    forwarder.rtcp(B, rtcp.nack(1, camera.ssrc, [number]), 2.0)
    ((_, again),) = media(forwarder)
    assert rtp.read_fixed(again)[2] == own + 1 & 0xFFFF
    assert again[17:19] != repair[17:19]  # another transport-wide number


def test_what_did_not_leave_under_a_number_is_not_repaired_under_it() -> None:
    """A line that stopped, while its source goes on: those numbers are of what comes after a key frame."""
    forwarder, streams = connected()
    forwarder.rtp(A, video(10), 1.0)
    forwarder.tick(1.0)
    forwarder.rtp(A, video(11, key=True), 1.01)
    number = rtp.read_fixed(media(forwarder)[0][1])[2]
    forwarder.wants(B, "5", Layer.NONE, 1.02)
    forwarder.tick(1.02)
    for i in range(12, 30):
        forwarder.rtp(A, video(i), 1.03)
    forwarder.rtcp(B, rtcp.nack(1, streams["camera"].ssrc, [number + 1, number + 2]), 1.1)
    assert media(forwarder) == []
    forwarder.wants(B, "5", Layer.LOW, 1.2)
    forwarder.tick(1.2)
    forwarder.rtp(A, video(30, key=True), 1.3)
    forwarder.rtcp(B, rtcp.nack(1, streams["camera"].ssrc, [number, number + 1]), 1.4)
    # Nor is what left before the last key frame: nobody needs it any more.
    _, repaired = (packet for _, packet in media(forwarder))
    assert repaired.endswith(b"picture30")


def test_who_asks_for_everything_again_and_again_is_answered_within_bounds() -> None:
    forwarder, streams = connected()
    forwarder.rtp(A, video(0), 1.0)
    forwarder.tick(1.0)
    for i in range(1, 200):
        forwarder.rtp(A, video(i, key=i == 1) + bytes(1000), 1 + i / 100)
    first = rtp.read_fixed(media(forwarder)[0][1])[2]
    sent = 0
    for i in range(400):
        forwarder.rtcp(B, rtcp.nack(1, streams["camera"].ssrc, range(first, first + 199)), 3 + i / 100)
        forwarder.tick(3 + i / 100)
        sent += sum(len(packet) for _, packet in media(forwarder))
    burst = forwarder._people[B].repair_burst
    assert burst < sent < burst + 5 * 300_000 / 8


# Layers


def test_audio_comes_off_the_budget_before_any_picture() -> None:
    people = [bytes([i]) * 16 for i in range(6)]
    forwarder = room(*people, B)
    forwarder.publish(people[0], "1", Kind.CAMERA)
    (camera,) = forwarder.streams_for(B)
    forwarder.subscribe(B, "4", camera)
    for mid, one in enumerate(people, 5):
        forwarder.publish(one, "0", Kind.AUDIO)
        stream = next(s for s in forwarder.streams_for(B) if (s.source_session, s.kind) == (one, Kind.AUDIO))
        forwarder.subscribe(B, str(mid), stream)
    forwarder.rtp(people[0], video(1), 1.0)
    forwarder.tick(1.0)
    aim = forwarder._people[B].lines["4"]
    assert aim.aim is Layer.LOW
    # Six who talk leave too little of the first estimate for a new picture; one that is shown is kept longer.
    aim.aim = Layer.NONE
    for one in people:
        forwarder.rtp(one, audio(1), 1.1)
    forwarder.tick(1.3)
    assert aim.aim is Layer.NONE
    heard = [packet for _, packet in media(forwarder) if packet[1] & 0x7F == OPUS]
    assert len(heard) == 6


def pair(world: World, up: Link | None = None, layers: str = "lmh") -> tuple[Browser, Browser, set[str]]:
    sender, receiver = world.join("a", up=up), world.join("b")
    world.publish(sender, Kind.AUDIO, Kind.CAMERA)
    world.connect()
    world.talk(sender)
    return sender, receiver, world.film(sender, layers)


def check_continuous(receiver: Browser, sender: Browser, pause: float) -> None:
    """No hole in the sequence, time goes on, and each frame has the picture id after the last one's."""
    got = receiver.of(sender, Kind.CAMERA)
    numbers = sorted(got.sequences)
    assert numbers == list(range(numbers[0], numbers[-1] + 1))
    for before, after in pairwise(numbers):
        step = got.times[after] - got.times[before] & 0xFFFFFFFF
        assert step < pause * 90_000
        frames = got.pictures[after] - got.pictures[before] & 0x7FFF
        assert (frames == 1) == (step > 0), "another frame has another time and the next picture id"
        assert frames in (0, 1)
        # Each frame here is of the lowest temporal layer.
        assert got.tl0s[after] - got.tl0s[before] & 0xFF == frames


def test_layers_follow_the_wish_as_one_stream() -> None:
    world = World("wishes")
    sender, receiver, _ = pair(world)
    world.run(6)
    for layer in (Layer.LOW, Layer.HIGH, Layer.MIDDLE, Layer.NONE, Layer.HIGH, Layer.LOW):
        receiver.want(sender, layer)
        world.run(1.5)
        assert world.layer(receiver, sender) is layer
    check_continuous(receiver, sender, pause=1.6)


def test_a_layer_that_stops_is_replaced_and_comes_back() -> None:
    world = World("stops")
    sender, receiver, on = pair(world)
    world.run(5)
    receiver.want(sender, Layer.HIGH)
    world.run(2)
    assert world.layer(receiver, sender) is Layer.HIGH
    on.discard("h")
    world.run(2)
    assert world.layer(receiver, sender) is Layer.MIDDLE
    on.discard("m")
    world.run(2)
    assert world.layer(receiver, sender) is Layer.LOW
    on.update("mh")
    world.run(5)
    assert world.layer(receiver, sender) is Layer.HIGH
    check_continuous(receiver, sender, pause=0.9)


def test_a_camera_without_layers_gives_its_one() -> None:
    world = World("one layer")
    sender, receiver = world.join("a"), world.join("b")
    world.publish(sender, Kind.CAMERA)
    world.connect()
    world.every(0.04, lambda: sender.send_frame(Kind.CAMERA, None, 200_000))
    receiver.want(sender, Layer.LOW)
    world.run(2)
    assert world.layer(receiver, sender) is Layer.HIGH


def test_time_goes_on_by_the_senders_clock_however_late_a_layer_comes() -> None:
    forwarder, _ = connected()
    for ssrc, rid, offset in ((8, "l", 5000), (9, "m", 77_000)):
        forwarder.rtp(A, video(1, ssrc=ssrc, rid=rid), 1.0)
        forwarder.rtcp(A, rtcp.sender_report(ssrc, 1000 << 32, offset, 0, 0), 1.0)

    def frame(ssrc: int, rid: str, number: int, timestamp: int, now: float, key: bool = True) -> None:
        payload = vp8.descriptor(start=True, picture=number, tl0=0, tid=0) + bytes([not key]) + b"frame"
        extensions = {MID: b"1", RID: rid.encode()}
        forwarder.rtp(A, rtp.build(VP8, number, timestamp, ssrc, payload, extensions=extensions), now)

    forwarder.wants(B, "5", Layer.LOW, 1.0)
    forwarder.tick(1.0)
    frame(8, "l", 2, 5000 + 9000, 1.1)
    # A tenth of a second later by the sender, two seconds later here.
    forwarder.wants(B, "5", Layer.MIDDLE, 1.2)
    forwarder._people[B].estimator.probed(5e6)
    frame(9, "m", 2, 77_000 + 15_000, 2.9, key=False)
    forwarder.tick(3.0)
    frame(9, "m", 3, 77_000 + 18_000, 3.1)
    frame(9, "m", 4, 77_000 + 21_000, 3.1)
    times = [rtp.read_fixed(packet)[3] for _, packet in media(forwarder)]
    assert [time - times[0] for time in times] == [0, 9000, 12_000]


def test_two_layers_of_one_moment_do_not_share_its_time() -> None:
    forwarder, _ = connected()
    forwarder._people[B].estimator.probed(5e6)
    for i, (rid, ssrc) in enumerate((("l", 8), ("m", 9))):
        forwarder.wants(B, "5", Layer(rid), 1.0 + i)
        forwarder.rtp(A, video(1, ssrc=ssrc, rid=rid), 1.0 + i)
        forwarder.tick(1.0 + i)
        forwarder.rtp(A, video(2, key=True, ssrc=ssrc, rid=rid), 1.0 + i)
        forwarder.rtcp(A, rtcp.sender_report(ssrc, 1000 << 32, 0, 0, 0), 1.0 + i)
    times = [rtp.read_fixed(packet)[3] for _, packet in media(forwarder)]
    assert len(times) == 2
    assert 0 < times[1] - times[0] & 0xFFFFFFFF < 0x80000000


def test_pictures_and_sound_stay_in_step_over_switches() -> None:
    """By the last sender report, the timestamp of every packet is the moment at which it was filmed."""
    world = World("in step")
    sender, receiver, _ = pair(world)
    for layer in (Layer.HIGH, Layer.LOW, Layer.MIDDLE, Layer.NONE, Layer.HIGH):
        receiver.want(sender, layer)
        world.run(2.5)
    for kind, clock in ((Kind.CAMERA, 90_000), (Kind.AUDIO, 48_000)):
        got = receiver.of(sender, kind)
        report = got.report
        assert report is not None
        for number, timestamp in got.times.items():
            behind = (timestamp - report.timestamp + 2**31) % 2**32 - 2**31
            filmed = report.ntp / 2**32 - 4_000_000_000 + behind / clock
            assert 0.035 < got.arrived[number] - filmed < 0.2
    report = receiver.of(sender, Kind.CAMERA).report
    assert report is not None
    assert 0 < report.packets <= len(receiver.of(sender, Kind.CAMERA).sequences)


# Key frames


def test_a_member_with_a_wrong_key_causes_no_storm() -> None:
    """Trap 3: it asks for a key frame of everybody, ten times a second, for a minute."""
    world = World("storm")
    sender, receiver, _ = pair(world, layers="l")
    wrong = world.join("wrong")
    world.connect()
    world.run(3)
    before = {rid: sender.stream(Kind.CAMERA, rid).key_frames for rid in "lmh"}
    ssrc = wrong.out(sender, Kind.CAMERA).ssrc
    world.every(0.1, lambda: wrong.say(rtcp.picture_loss(1, ssrc)))
    world.run(60)
    asked = sum(sender.stream(Kind.CAMERA, rid).key_frames - before[rid] for rid in "lmh")
    assert 10 <= asked <= 60 * key_frames.REFILL + key_frames.BURST + 4
    # Who asks once is heard meanwhile.
    stream = sender.stream(Kind.CAMERA, world.layer(receiver, sender).value)
    before_one = stream.key_frames
    receiver.say(rtcp.picture_loss(1, receiver.out(sender, Kind.CAMERA).ssrc))
    world.run(0.2)
    assert stream.key_frames == before_one + 1


def test_wishes_that_flicker_cause_no_storm() -> None:
    world = World("flicker")
    sender, receiver, _ = pair(world)
    world.run(3)
    wishes = iter([Layer.HIGH, Layer.LOW] * 1000)
    world.every(0.1, lambda: receiver.want(sender, next(wishes)))
    before = sum(sender.stream(Kind.CAMERA, rid).key_frames for rid in "lmh")
    world.run(30)
    assert sum(sender.stream(Kind.CAMERA, rid).key_frames for rid in "lmh") - before <= 35


# Who is shown


def test_of_ten_cameras_six_are_shown_and_who_speaks_is_among_them() -> None:
    world = World("ten")
    receiver = world.join("me")
    senders = [world.join(f"s{i}") for i in range(9)]
    for sender in senders:
        world.publish(sender, Kind.AUDIO, Kind.CAMERA)
        world.film(sender, "l", {"l": 40_000, "m": 0, "h": 0})
        world.talk(sender)
    world.connect(receiver)

    def visible() -> set[str]:
        return {one.name for one in senders if world.layer(receiver, one) is not Layer.NONE}

    world.run(5)
    assert len(visible()) == 6
    hidden = next(one for one in senders if one.name not in visible())
    hidden.level = 20
    world.run(2.5)
    assert hidden.name in visible()
    assert len(visible()) == 6
    # Silence changes nothing; and who is wished large is shown whoever speaks.
    hidden.level = 127
    world.run(2)
    assert hidden.name in visible()
    unseen = next(one for one in senders if one.name not in visible())
    receiver.want(unseen, Layer.HIGH)
    world.run(2)
    assert unseen.name in visible()
    # Everybody is heard, always.
    for sender in senders:
        assert world.now - receiver.of(sender, Kind.AUDIO).at[-1] < 0.1


# Bounds


def test_one_who_floods_is_cut_off_and_the_others_are_not() -> None:
    forwarder, _ = connected()
    forwarder.publish(B, "0", Kind.AUDIO)
    forwarder.subscribe(A, "4", forwarder.streams_for(A)[0])
    forwarder.rtp(A, video(0), 0.0)
    forwarder.tick(0.0)
    heard = 0
    for i in range(1, 40_000):
        now = i / 10_000  # ten thousand packets a second
        forwarder.rtp(A, video(i & 0xFFFF, key=i == 1) + bytes(1100), now)
        if i % 200 == 0:
            forwarder.rtp(B, audio(i // 200), now)
        for session, _packet in media(forwarder):
            heard += session == A
    assert heard == 199
    taken = forwarder._people[A].sections["1"].layers[Layer.LOW].packets
    assert RATE * 4 / 1450 < taken < (RATE * 4 + BURST) / 1350
    # Who stops flooding is heard again.
    forwarder.rtp(A, audio(1), 4.1)
    assert len(media(forwarder)) == 1


def test_rtcp_beyond_its_rate_is_not_read() -> None:
    forwarder, streams = connected()
    forwarder.rtp(A, video(1), 1.0)
    forwarder.tick(1.0)
    forwarder.rtp(A, video(2, key=True), 1.0)
    number = rtp.read_fixed(media(forwarder)[0][1])[2]
    sent = 0
    # Each asks for one packet, and is sent it: nothing but the rate of RTCP holds it back.
    forwarder._people[B].repair_level = 1e9
    for i in range(5000):
        forwarder._people[B].lines["5"].resent.clear()
        forwarder.rtcp(B, rtcp.nack(1, streams["camera"].ssrc, [number]), 1 + i / 5000)
        sent += len(media(forwarder))
    assert 600 <= sent <= 902


def test_packets_that_nobody_takes_are_bounded() -> None:
    forwarder, _ = connected()
    for i in range(20_000):
        forwarder.rtp(A, audio(i & 0xFFFF), i / 50)
    assert len(forwarder.take()) <= MAX_OUT + MAX_PARTICIPANTS
    forwarder.rtp(A, audio(20_000), 400.0)
    assert len(media(forwarder)) == 1


def test_what_one_can_make_us_remember_is_bounded() -> None:
    forwarder, _ = connected()
    dice = Random(3)
    for i in range(3000):
        now = i / 20
        forwarder.rtp(A, video(i, ssrc=1000 + i, rid=dice.choice("lmhx"), mid=dice.choice("0129")), now)
        forwarder.rtp(A, rtp.build(RTX, i, 0, 9000 + i, b"\0\0x", extensions={MID: b"1", RID: b"l"}), now)
        forwarder.tick(now)
        forwarder.take()
    person = forwarder._people[A]
    assert len(person.sources) <= MAX_SOURCES
    layers = person.sections["1"].layers
    assert set(layers) <= {Layer.LOW, Layer.MIDDLE, Layer.HIGH}
    live = set(map(id, layers.values()))
    held = [
        source for source in person.sources.values() if hasattr(source, "cache") and id(source) not in live
    ]
    assert not any(any(source.cache.slots) for source in held)


def test_sections_are_bounded() -> None:
    forwarder = room(A)
    for i in range(8):
        forwarder.publish(A, str(i), Kind.AUDIO)
    with pytest.raises(ValueError, match="no such section"):
        forwarder.publish(A, "8", Kind.AUDIO)


def test_any_bytes_from_a_participant() -> None:
    forwarder, streams = connected()
    dice = Random(5)
    good = [
        audio(1),
        video(1, key=True),
        video(2),
        rtp.build(RTX, 1, 0, 5008, b"\0\1x", extensions={MID: b"1"}),
    ]
    good_rtcp = [
        rtcp.nack(1, streams["camera"].ssrc, [1, 2, 3]),
        rtcp.wide_feedback(1, 2, bytes([0, 1, 0, 3, 0, 0, 0, 0, 0x20, 3, 1, 1, 1, 0, 0, 0])),
        rtcp.receiver_report(1, [rtcp.Block(streams["camera"].ssrc, 1, 1, 1, 1, 1, 1)]),
        rtcp.sender_report(8, 1 << 60, 2**32 - 1, 1, 1),
        rtcp.goodbye([8]),
        rtcp.picture_loss(1, streams["camera"].ssrc),
    ]
    for i in range(6000):
        now = 1 + i / 100
        packet = bytearray(dice.choice(good if i % 2 else good_rtcp))
        if i % 5:
            for _ in range(dice.randrange(1, 4)):
                packet[dice.randrange(len(packet))] = dice.randrange(256)
            if i % 3 == 0:
                del packet[dice.randrange(len(packet)) :]
        (forwarder.rtp if i % 2 else forwarder.rtcp)(A if i % 4 < 2 else B, bytes(packet), now)
        if i % 10 == 0:
            forwarder.tick(now)
        for session, out, is_rtcp in forwarder.take():
            assert session in (A, B)
            assert rtcp.parse(out) is not None if is_rtcp else rtp.shape_of(out) is not None
    forwarder.report(100.0)


# What people are told


def test_the_report() -> None:
    world = World("report")
    sender, receiver, _ = pair(world, up=Link(world.dice, loss=0.1))
    sender.level = 30
    world.run(10)
    by_session = {one.session: one for one in world.forwarder.report(world.now)}
    up, down = by_session[sender.session], by_session[receiver.session]
    assert 0.04 < up.loss_up < 0.2
    assert up.loss_down == 0
    assert down.loss_down < 0.02
    assert 1500 < up.kbps_up < 2200
    assert down.kbps_up == 0
    assert 300 < down.kbps_down < 1400
    assert down.round_trip_ms is not None
    assert 35 < down.round_trip_ms < 80
    assert up.loudness == pytest.approx(97, abs=3)
    assert {one.layer for one in down.layers} == {Layer.MIDDLE, Layer.HIGH}


def test_what_a_sender_is_told_of_its_packets() -> None:
    world = World("told")
    sender, _, _ = pair(world, up=Link(world.dice, loss=0.1))
    world.run(6)
    blocks = [part for _, part in sender.heard if isinstance(part, rtcp.ReceiverReport)]
    assert 5 <= len(blocks) <= 8
    last = {block.ssrc: block for block in blocks[-1].blocks}
    assert set(last) == {one.ssrc for one in sender.streams.values()}
    assert all(block.last_sr for block in last.values())
    audio_block = last[sender.stream(Kind.AUDIO, None).ssrc]
    assert 0 < audio_block.lost < 60
    # Feedback ten times a second, which also says what was lost.
    feedback = [part for _, part in sender.heard if isinstance(part, rtcp.WideFeedback)]
    assert 45 <= len(feedback) <= 80


def test_an_idle_room_is_not_ticked_often() -> None:
    forwarder, _ = connected()
    assert forwarder.tick(10.0) == pytest.approx(10.2)
    forwarder.rtp(A, audio(1), 10.0)
    assert forwarder.tick(10.1) == pytest.approx(10.12)
    assert forwarder.tick(12.0) == pytest.approx(12.2)


def test_who_leaves_leaves_nothing_large_behind() -> None:
    """What people hold goes with them, and not only when somebody looks for circles."""
    forwarder = room(A)
    forwarder.publish(A, "1", Kind.CAMERA)

    def comes_and_goes(number: int) -> None:
        session = number.to_bytes(16, "big")
        forwarder.join(session, session, 0.0)
        forwarder.publish(session, "1", Kind.CAMERA)
        for one in (A, session):
            for n, stream in enumerate(forwarder.streams_for(one)):
                forwarder.subscribe(one, f"{4 + n}", stream)
        for one in (A, session):
            for n in range(3):
                forwarder.rtp(one, video(10 * number + n, key=n == 0), 0.01 * n)
        forwarder.tick(0.1)
        forwarder.take()
        forwarder.leave(session, 0.1)

    comes_and_goes(1)
    gc.collect()
    gc.disable()
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        for number in range(2, 102):
            comes_and_goes(number)
        grown = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
        gc.enable()
    assert grown < 100 * 8_000  # what is kept of packets that were sent to one of them is twice as much


def test_a_layer_without_packets_is_left_out_while_another_goes_on_and_not_where_all_stand_still() -> None:
    forwarder, _ = connected()
    section = forwarder._people[A].sections["1"]

    def film(layers: str, begun: float, seconds: float) -> float:
        for i in range(round(seconds * 25)):
            for k, rid in enumerate(layers):
                forwarder.rtp(A, video(round((begun + i / 25) * 25), ssrc=20 + k, rid=rid), begun + i / 25)
            forwarder.tick(begun + i / 25)
        return begun + seconds

    now = film("lm", 1.0, 2.0)
    assert [layer for layer, _ in section.live(now)] == [Layer.LOW, Layer.MIDDLE]
    for i in range(25):  # a sender that stands still
        forwarder.tick(now + i / 50)
        assert len(section.live(now + i / 50)) == 2
    now = film("lm", now + 0.5, 1.0)
    now = film("l", now, 0.52)
    assert [layer for layer, _ in section.live(now)] == [Layer.LOW]
    now = film("lm", now, 0.28)
    assert [layer for layer, _ in section.live(now)] == [Layer.LOW, Layer.MIDDLE]
