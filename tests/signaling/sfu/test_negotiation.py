"""Which stream lies in which section, offer after offer."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from signaling.sfu.control import MAX_SECTIONS, Kind
from signaling.sfu.negotiation import Negotiation, arranged
from signaling.sfu.sdp import OWN, Offer, SdpError, Section
from tests.signaling.sfu.offers import ALICE, CAMERA, FIRST, SCREEN, SECOND, TRANSPORT, VOICE, OneStream
from tests.signaling.sfu.peer import answer_to

START = Negotiation(1, TRANSPORT)


def offered(before: Negotiation, *streams: OneStream) -> tuple[Negotiation, Offer]:
    after = before.offered(streams, FIRST)
    assert after is not None
    assert after.last is not None
    return after, after.last


def settled(before: Negotiation, *streams: OneStream, sends: tuple[str, ...] = ("0", "1")) -> Negotiation:
    """One offer with these streams, answered."""
    after, offer = offered(before, *streams)
    return after.answered(offer.seq, answer_to(offer.text(), sends))


def test_one_offer_is_open_at_a_time_and_the_next_has_what_changed_meanwhile() -> None:
    first, offer = offered(START)
    assert offer.sections == OWN
    assert first.offered([VOICE], FIRST) is None
    assert first.offered([VOICE, CAMERA], FIRST) is None
    after = first.answered(0, answer_to(offer.text(), ("0",)))
    _, offer = offered(after, VOICE, CAMERA)
    assert offer.seq == 1
    assert [section.stream for section in offer.sections[4:]] == [VOICE, CAMERA]


def test_nothing_new_makes_no_offer() -> None:
    after = settled(START, VOICE)
    assert after.offered([VOICE], FIRST) is None
    assert after.offered([VOICE], SECOND) is not None


def test_what_flows_is_what_both_said() -> None:
    after = settled(START, VOICE, CAMERA, sends=("0", "2"))
    assert after.flows() == {
        "0": OWN[0],
        "2": OWN[2],
        "4": Section("audio", stream=VOICE),
        "5": Section("video", stream=CAMERA),
    }
    # The camera goes: from the offer on it doesn't flow, before any answer.
    hidden, _ = offered(after, VOICE)
    assert set(hidden.flows()) == {"0", "2", "4"}
    assert hidden.receives() == {"4"}


def test_a_section_is_used_again_for_its_medium_once_the_client_knows_that_it_is_idle() -> None:
    another = replace(CAMERA, ssrc=2002, rtx_ssrc=2003)
    after = settled(START, VOICE, CAMERA)
    # In one step the new stream gets a section of its own, so that no client takes it for the old one.
    swapped, offer = offered(after, VOICE, another)
    assert [section.stream for section in offer.sections[4:]] == [VOICE, None, another]
    swapped = swapped.answered(offer.seq, answer_to(offer.text()))
    _, offer = offered(swapped, VOICE, another, SCREEN)
    assert [section.stream for section in offer.sections[4:]] == [VOICE, SCREEN, another]
    sound = OneStream(ALICE, Kind.SCREEN_AUDIO, 3001)
    _, offer = offered(swapped, VOICE, another, sound)
    assert [section.stream for section in offer.sections[4:]] == [VOICE, None, another, sound]


def test_an_answer_to_another_offer_is_refused_and_the_offer_stays_open() -> None:
    first, offer = offered(START)
    text = answer_to(offer.text())
    for seq in (1, 7):
        with pytest.raises(SdpError) as caught:
            first.answered(seq, text)
        assert caught.value.code == "no_offer"
    answered = first.answered(0, text)
    with pytest.raises(SdpError):
        answered.answered(0, text)
    # An offer that is waited for no more, because a restart goes before it.
    following, _ = offered(first.given_up(), VOICE)
    with pytest.raises(SdpError):
        following.answered(0, text)


def test_another_certificate_in_a_later_answer_is_refused() -> None:
    after, offer = offered(settled(START), VOICE)
    with pytest.raises(SdpError) as caught:
        after.answered(offer.seq, answer_to(offer.text(), fingerprint=":".join(["00"] * 32)))
    assert caught.value.code == "sdp_fingerprint"


def test_voices_come_first_when_there_are_too_many() -> None:
    streams = [OneStream(ALICE, Kind.CAMERA, n, 1000 + n) for n in range(60)]
    voices = [OneStream(ALICE, Kind.AUDIO, 5000 + n) for n in range(30)]
    sections = arranged(OWN, OWN, [*streams, *voices])
    assert len(sections) == MAX_SECTIONS
    assert {section.stream for section in sections} >= set(voices)


POOL = [OneStream(ALICE, kind, 100 * n + m, None) for n, kind in enumerate(Kind) for m in range(12)]


@settings(derandomize=True, deadline=None)
@given(st.lists(st.tuples(st.sets(st.sampled_from(POOL)), st.booleans()), max_size=12))
def test_sections_whatever_comes_and_goes(rounds: list[tuple[set[OneStream], bool]]) -> None:
    before, known = OWN, OWN
    for streams, answered in rounds:
        after = arranged(before, known, streams)
        placed = [section.stream for section in after if section.stream]
        assert len(placed) == len(set(placed))
        assert set(placed) <= streams
        assert len(after) == MAX_SECTIONS or set(placed) == streams
        assert after[:4] == OWN
        assert len(after) >= len(before)
        for mid, (old, new) in enumerate(zip(before, after, strict=False)):
            assert new.media == old.media
            if new.stream not in (old.stream, None):  # the client has said that nothing is there
                assert known[mid] == Section(new.media)
            if old.stream in streams:
                assert new.stream == old.stream  # it keeps its place
            elif old.stream is not None:
                assert new.stream is None  # it ends before another begins there
        before = after
        if answered:
            known = after
