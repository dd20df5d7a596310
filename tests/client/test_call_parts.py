"""What a call is made of without any I/O: packets, feedback, frames put together, offers, refusals."""

import random
from pathlib import Path

import av
import pytest

from client.calls.assembly import ASK_EVERY_MS, GIVE_UP_MS, MAX_ASKED, MAX_HELD, Assembly
from client.calls.connection import Connection
from client.calls.frames import Frames, Refusal
from client.calls.media import MediaFile, TestPattern, VideoEncoder, level_of
from client.calls.outgoing import HISTORY, Outgoing
from client.calls.rtp import MAX_PAYLOAD, Packet, build, parse, vp8_part, vp8_payloads
from client.calls.sdp import OWN, Local, OfferError, answer, read_offer
from client.calls.wide_feedback import Arrivals
from client.errors import CollegiumError
from crypto.sframe.kid import Kind
from crypto.sframe.receive_keys import EPOCH_GRACE, ReceiveEpoch
from signaling.sfu import control, extensions, payloads, rtp, sdp, transport_feedback, vp8
from signaling.sfu.ice import Credentials
from signaling.sfu.participant import StreamOut
from tests.crypto.seeded_rng import seeded_rng

LOCAL = Local("ufrag", "p" * 24, ":".join(["AB"] * 32))
KEY_FRAME, OTHER_FRAME = bytes(12), b"\x01" + bytes(11)


# Packets


def test_a_packet_is_what_the_unit_reads_and_comes_back_as_it_was() -> None:
    level, mid = bytes((23,)), b"0"
    packet = Packet(
        111, True, 65535, 2**32 - 1, 7, b"sealed", {extensions.MID: mid, extensions.AUDIO_LEVEL: level}
    )
    data = build(packet)
    assert parse(data) == packet
    shape = rtp.shape_of(data)
    assert shape is not None
    assert shape.name(data, extensions.MID) == "0"
    assert data[shape.level] == 23
    assert data[shape.payload : shape.end] == b"sealed"
    # And the other way round, with padding, which is no payload.
    theirs = rtp.build(96, 1, 2, 3, b"", extensions={extensions.TRANSPORT_WIDE_CC: b"\x01\x02"}, padding=200)
    assert parse(theirs) == Packet(96, False, 1, 2, 3, b"", {extensions.TRANSPORT_WIDE_CC: b"\x01\x02"})


def test_any_bytes_are_a_packet_or_none() -> None:
    draw = random.Random(1)
    whole = rtp.build(96, 1, 2, 3, b"abc", extensions={1: b"4", 4: b"\x01\x02"}, padding=4)
    for _ in range(2_000):
        data = bytearray(whole[: draw.randrange(len(whole) + 1)])
        for _ in range(draw.randrange(4)):
            if data:
                data[draw.randrange(len(data))] = draw.randrange(256)
        packet = parse(bytes(data))
        if packet is not None:
            vp8_part(packet.payload)


def test_a_picture_is_cut_so_that_the_unit_finds_its_beginning() -> None:
    frame = KEY_FRAME + bytes(2 * MAX_PAYLOAD)
    parts = vp8_payloads(frame, 40_000)
    assert len(parts) == 3
    assert all(len(part) <= rtp.MAX_PAYLOAD for part in parts)
    found = [vp8.parse(part, 0, len(part)) for part in parts]
    assert [one is not None and one[0] for one in found] == [True, False, False]
    assert {one[2] for one in found if one is not None} == {40_000 & 0x7FFF}
    read = [vp8_part(part) for part in parts]
    assert [one is not None and one[0] for one in read] == [True, False, False]
    assert b"".join(one[1] for one in read if one is not None) == frame


@pytest.mark.parametrize("seed", range(20))
def test_feedback_says_to_the_unit_what_came_and_when(seed: int) -> None:
    draw, arrivals = random.Random(seed), Arrivals()
    number, tick = draw.randrange(65_536), draw.randrange(2**20)
    base = number
    came: dict[int, int] = {}
    for _ in range(300):
        number += draw.choice((1, 1, 1, 2, 9))
        tick += draw.choice((0, 3, 200, 300, 4000))
        came[number] = tick
        arrivals.note(number & 0xFFFF, tick)
        if draw.random() < 0.05:
            body = arrivals.body()
            assert body is not None
            read = transport_feedback.read(body)
            assert read is not None
            first = base + (read[0] - base) % 65_536
            for at, said in enumerate(read[1], first):
                assert said == came.pop(at, None)
            assert arrivals.body() is None
    arrivals.note(number - 5 & 0xFFFF, tick)  # its turn is over, or it waits: nothing fails


# Frames put together


def packets(frame: bytes, number: int) -> list[Packet]:
    parts = vp8_payloads(frame, number)
    return [
        Packet(96, place == len(parts) - 1, number + place & 0xFFFF, number, 7, part, {})
        for place, part in enumerate(parts)
    ]


def test_a_frame_in_any_order_and_over_the_end_of_the_numbers() -> None:
    draw = random.Random(3)
    for _ in range(50):
        assembly, frame = Assembly(video=True), KEY_FRAME + draw.randbytes(5 * MAX_PAYLOAD)
        first, *rest = packets(frame, 65_533)
        draw.shuffle(rest)
        found = assembly.add(first, 0)
        for packet in [*rest, *rest]:  # each comes twice
            found += assembly.add(packet, 0)
        assert found == [frame]


def test_what_is_lost_is_asked_for_again_then_given_up_until_the_next_key_frame() -> None:
    assembly = Assembly(video=True)
    assert assembly.add(packets(KEY_FRAME, 10)[0], 0) == [KEY_FRAME]
    assert assembly.add(packets(OTHER_FRAME, 12)[0], 0) == []
    _, wants = assembly.due(0)
    assert (wants.lost, wants.key_frame) == ((11,), False)
    assert assembly.due(ASK_EVERY_MS - 1)[1].lost == ()
    assert assembly.due(ASK_EVERY_MS)[1].lost == (11,)
    assert assembly.add(packets(OTHER_FRAME, 11)[0], 100) == [OTHER_FRAME, OTHER_FRAME]
    # The next one never comes.
    assert assembly.add(packets(OTHER_FRAME, 14)[0], 200) == []
    found, wants = assembly.due(200 + GIVE_UP_MS)
    assert (found, wants.key_frame) == ([], True)
    assert assembly.given_up == 1
    assert assembly.add(packets(OTHER_FRAME, 15)[0], 900) == []
    assert assembly.add(packets(KEY_FRAME, 16)[0], 900) == [KEY_FRAME]
    assert not assembly.due(5_000)[1].key_frame


def test_what_waits_and_what_is_asked_for_is_bounded() -> None:
    assembly = Assembly(video=True)
    assembly.add(packets(KEY_FRAME, 0)[0], 0)
    for number in range(2, 2 * MAX_HELD, 2):
        assembly.add(packets(OTHER_FRAME, number)[0], 0)
    assert len(assembly._held) < MAX_HELD
    assert len(assembly.due(0)[1].lost) <= MAX_ASKED


def test_a_sound_that_is_late_is_gone_without() -> None:
    assembly = Assembly(video=False)
    sounds = [Packet(111, False, number, number, 7, bytes((number,)), {}) for number in range(4)]
    assert assembly.add(sounds[0], 0) == [b"\0"]
    assert assembly.add(sounds[2], 0) == []
    found, wants = assembly.due(200)
    assert (found, wants.lost) == ([b"\2"], ())
    assert assembly.add(sounds[1], 210) == []
    assert assembly.add(sounds[3], 210) == [b"\3"]


# Who may be heard


def epoch(number: int, own: int, key: int = 1, **leaves: int) -> ReceiveEpoch:
    return ReceiveEpoch(number, bytes((key,)) * 32, {leaf: name for name, leaf in leaves.items()}, own)


def two() -> tuple[Frames, Frames]:
    """Ada at leaf 0 and Ben at leaf 1, in epoch 1."""
    ada, ben = Frames(seeded_rng("1")), Frames(seeded_rng("2"))
    ada.begin(epoch(1, 0, ada=0, ben=1), 0)
    ben.begin(epoch(1, 1, ada=0, ben=1), 0)
    return ada, ben


def sealed(frames: Frames, kind: Kind = Kind.AUDIO) -> bytes:
    frame = frames.seal(kind, KEY_FRAME)
    assert frame is not None
    return frame


def test_e36_a_section_shows_the_device_and_the_kind_that_the_offer_said_and_nothing_else() -> None:
    ada, ben = two()
    ada.expect("4", "ben", Kind.AUDIO)
    ada.expect("5", "cleo", Kind.AUDIO)
    frame = sealed(ben)
    opened = ada.open("4", frame, 0)
    assert opened is not None
    assert opened[0] == KEY_FRAME
    assert ada.open("4", frame, 0) is None
    assert ada.open("5", sealed(ben), 0) is None
    ada.expect("7", "ben", Kind.SCREEN)
    assert ada.open("7", sealed(ben, Kind.CAMERA), 0) is None
    assert ada.open("4", KEY_FRAME, 0) is None
    assert ada.open("4", frame[:-1] + bytes((frame[-1] ^ 1,)), 0) is None
    assert ada.open("6", sealed(ben), 0) is None  # no such section
    assert ada.open("4", sealed(ada), 0) is None  # our own come back only as a trick
    assert ada.tallies["ben"].opened == {Kind.AUDIO: 1}
    assert ada.tallies["ben"].refused == {
        Refusal.REPLAY: 2,  # the altered one has the counter of before
        Refusal.SWAPPED: 1,
        Refusal.UNENCRYPTED: 1,
        Refusal.NO_KEY: 1,
    }
    assert ada.tallies["cleo"].refused == {Refusal.SWAPPED: 1}
    assert set(ada.tallies) == {"ben", "cleo"}


def test_e36_frames_of_the_epoch_before_open_for_a_while_and_senders_switch_at_once() -> None:
    ada, ben = two()
    ada.expect("4", "ben", Kind.AUDIO)
    late, too_late = sealed(ben), sealed(ben)
    ada.begin(epoch(2, 0, key=2, ada=0, ben=1), 1_000)
    assert ada.open("4", late, 1_000 + EPOCH_GRACE - 1) is not None
    assert ada.open("4", too_late, 1_000 + EPOCH_GRACE) is None
    assert ada.open("4", sealed(ben), 1_000 + EPOCH_GRACE) is None  # he has not switched
    ben.begin(epoch(2, 1, key=2, ada=0, ben=1), 1_000)
    assert ada.open("4", sealed(ben), 1_000 + EPOCH_GRACE) is not None
    assert ada.tallies["ben"].epochs == {1, 2}
    after = sealed(ben)
    ada.end()  # out of the call: no key is left
    assert ada.open("4", after, 1_000 + EPOCH_GRACE) is None


def test_e14_while_somebody_goes_nothing_is_sealed_and_they_are_unheard() -> None:
    ada, ben = two()
    ada.expect("4", "ben", Kind.AUDIO)
    assert ada.open("4", sealed(ben), 0) is not None
    ada.hold("ben")
    assert ada.seal(Kind.AUDIO, KEY_FRAME) is None
    assert ada.open("4", sealed(ben), 0) is None
    assert ada.tallies["ben"].refused == {Refusal.NO_KEY: 1}
    ada.begin(epoch(2, 0, key=2, ada=0), 0)
    assert ada.seal(Kind.AUDIO, KEY_FRAME) is not None
    ada.end()
    assert ada.seal(Kind.AUDIO, KEY_FRAME) is None
    ada.begin(epoch(3, 0, key=3, ada=0, ben=1), 0)
    assert ada.seal(Kind.AUDIO, KEY_FRAME) is None


# Offers and answers


def offered(streams: int) -> sdp.Offer:
    kinds = (control.Kind.AUDIO, control.Kind.CAMERA)
    sections = tuple(
        sdp.Section(
            kinds[n % 2].media,
            stream=StreamOut(b"s" * 16, b"d" * 16, kinds[n % 2], 100 + n, 200 + n if n % 2 else None),
        )
        for n in range(streams)
    )
    transport = sdp.Transport(("192.0.2.1", "2001:db8::1"), 5000, ":".join(["CD"] * 32))
    idle = (sdp.Section("video"),)
    return sdp.Offer(1, 2, transport, Credentials("u" * 8, "p" * 24), sdp.OWN + sections + idle)


@pytest.mark.parametrize("streams", [0, 1, 5])
def test_the_unit_takes_our_answer_to_its_offer(streams: int) -> None:
    theirs = offered(streams)
    offer = read_offer(theirs.text())
    assert [(one.host, one.port) for one in offer.candidates] == [("192.0.2.1", 5000), ("2001:db8::1", 5000)]
    assert (offer.ufrag, offer.password) == ("u" * 8, "p" * 24)
    received = offer.sections[len(OWN) : len(OWN) + streams]
    assert [one.ssrc for one in received] == [100 + n for n in range(streams)]
    assert [one.rtx_ssrc for one in received] == [200 + n if n % 2 else None for n in range(streams)]
    taken = sdp.read_answer(answer(offer, frozenset((Kind.AUDIO, Kind.CAMERA)), LOCAL), theirs)
    assert (taken.ufrag, taken.fingerprint) == (LOCAL.ufrag, LOCAL.fingerprint)
    assert [one.flows for one in taken.sections] == [True, True, False, False] + [True] * streams + [False]
    assert all(one.layers == () for one in taken.sections)
    listening = sdp.read_answer(answer(offer, frozenset(), LOCAL), theirs)
    assert not any(one.flows for one in listening.sections[: len(OWN)])


def test_any_text_is_an_offer_or_an_error_of_ours() -> None:
    draw, whole = random.Random(5), offered(3).text()
    lines = whole.split("\r\n")
    refused = 0
    for _ in range(500):
        some = [line for line in lines if draw.random() > 0.02]
        at = draw.randrange(len(some))
        some[at] = "".join(draw.choice("am=:0 9-\x00é") if draw.random() < 0.2 else one for one in some[at])
        try:
            read_offer("\r\n".join(some))
        except OfferError:
            refused += 1
    assert refused > 100
    for text in ("", "v=0", whole * 100, whole.replace("192.0.2.1", "unit.local")):
        with pytest.raises(OfferError):
            read_offer(text)


# One end to another, with what a network does in between


def test_pictures_come_through_a_path_that_loses_and_reorders() -> None:
    draw, pattern, encoder = random.Random(11), TestPattern(), VideoEncoder()
    ada, ben = two()
    offer = read_offer(offered(2).text())
    sender, receiver = Connection(ben, seeded_rng("3")), Connection(ada, seeded_rng("4"))
    sender.negotiated(offer, {}, frozenset((Kind.AUDIO, Kind.CAMERA)))
    receiver.negotiated(offer, {"5": ("ben", Kind.CAMERA)}, frozenset((Kind.AUDIO,)))
    going = sender.going[Kind.CAMERA]
    going.ssrc, going.rtx_ssrc = 101, 201  # the unit keeps sections, and renames nothing else
    now, waiting = 0, list[bytes]()
    for count, picture in enumerate(pattern.pictures()):
        if count == 60:
            break
        waiting += sender.send(Kind.CAMERA, encoder.encode(picture, sender.wants_key), now * 90, None, 0.0)
        sender.wants_key = False
        draw.shuffle(waiting)
        for packet in waiting:
            if count == 0 or draw.random() > 0.2:
                receiver.rtp(packet, now)
        now += 83
        waiting = []
        for feedback in receiver.due(now, 0.0):
            waiting += sender.rtcp(feedback, now, 0.0)
    tally = ada.tallies["ben"]
    assert tally.pictures > 40
    assert tally.undecodable == 0
    assert set(tally.refused) <= {Refusal.REPLAY}


def test_what_was_sent_is_counted_by_the_reports_and_sent_again_for_a_while() -> None:
    section = read_offer(offered(0).text()).sections[1]
    going = Outgoing(section, seeded_rng("8"))
    sent = [going.frame(KEY_FRAME, n, None, 0.0)[0] for n in range(HISTORY + 10)]
    first, last = parse(sent[0]), parse(sent[-1])
    assert first is not None
    assert last is not None
    assert going.again(first.sequence) is None
    repair = parse(going.again(last.sequence) or b"")
    assert repair is not None
    assert (repair.payload_type, repair.ssrc) == (payloads.RTX, going.rtx_ssrc)
    assert repair.payload == last.sequence.to_bytes(2, "big") + last.payload
    assert going.count_up_to(last.sequence) == len(sent)
    assert going.count_up_to(last.sequence - 9) == len(sent) - 9


def test_the_encoder_begins_with_a_key_frame_and_makes_one_when_asked() -> None:
    encoder, keys = VideoEncoder(), []
    for count, picture in enumerate(TestPattern().pictures()):
        if count == 6:
            break
        keys.append(not encoder.encode(picture, count == 4)[0] & 1)
    assert keys == [True, False, False, False, True, False]


def test_a_file_without_sound_and_pictures_is_refused(tmp_path: Path) -> None:
    for content in (b"", b"no film"):
        (tmp_path / "file").write_bytes(content)
        with pytest.raises(CollegiumError) as refused:
            MediaFile(tmp_path / "file")
        assert refused.value.code == "call_file"
    with pytest.raises(CollegiumError):
        MediaFile(tmp_path / "nowhere")


def test_a_film_begins_again_and_is_made_smaller(tmp_path: Path) -> None:
    path = tmp_path / "film.mkv"
    with av.open(str(path), "w") as container:
        video = container.add_stream("mjpeg", rate=10)
        video.width, video.height, video.pix_fmt = 1602, 902, "yuvj420p"
        for _ in range(3):
            container.mux(video.encode(av.VideoFrame(1602, 902, "yuvj420p")))
        container.mux(video.encode(None))
    film = MediaFile(path)
    assert film.kinds == {Kind.CAMERA}
    pictures = film.pictures()
    found = [next(pictures) for _ in range(7)]
    times = [one.at for one in found]
    assert times == sorted(set(times))
    assert {(one.frame.width, one.frame.height) for one in found} == {(1280, 720)}


def test_a_level_is_decibels_below_the_loudest() -> None:
    sound = next(TestPattern().sounds())
    assert level_of(sound) == 23
    silent = av.AudioFrame(format="s16", layout="mono", samples=960)
    silent.planes[0].update(bytes(1920))
    assert level_of(silent) == 127
