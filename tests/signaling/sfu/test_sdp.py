"""Offers as browsers take them, their recorded answers, and every way in which an answer can be none."""

import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from signaling.sfu.control import MAX_SDP, MAX_SECTIONS
from signaling.sfu.sdp import Answer, SdpError, Section, Taken, read_answer
from tests.signaling.sfu.offers import ALICE, CAMERA, FIRST, ROUNDS, SCREEN, SECOND, VOICE, Round, offer

ANSWERS = Path(__file__).parent / "answers"
WITH_ALICE = ROUNDS[1].offer


def answer_of(browser: str, name: str) -> str:
    return (ANSWERS / f"{browser}-{name}.sdp").read_text().replace("\n", "\r\n")


GOOD = answer_of("chromium", "with-alice")
OURS = {"0": Taken(True), "1": Taken(True, ("l", "m", "h")), "2": Taken(True, ("l", "h")), "3": Taken(True)}


@pytest.mark.parametrize("browser", ["chromium", "firefox"])
@pytest.mark.parametrize("one", ROUNDS, ids=lambda one: one.name)
def test_what_browsers_answered(browser: str, one: Round) -> None:
    text = answer_of(browser, one.name)
    answer = read_answer(text, one.offer)
    own = [OURS[mid] if mid in one.sends else Taken(False) for mid in OURS]
    received = [Taken(section.stream is not None) for section in one.offer.sections[4:]]
    assert answer.sections == (*own, *received)
    assert f"a=ice-ufrag:{answer.ufrag}\r\n" in text
    assert f"a=fingerprint:sha-256 {answer.fingerprint}\r\n" in text
    assert read_answer(text.replace("\r\n", "\n"), one.offer) == answer


def test_new_credentials_make_the_client_take_new_ones() -> None:
    """An ICE restart (RFC 8839 §4.4.1.1.1), as far as the answer shows it."""
    for browser in ("chromium", "firefox"):
        ufrags = [read_answer(answer_of(browser, one.name), one.offer).ufrag for one in ROUNDS]
        assert ufrags[0] == ufrags[1] == ufrags[2] != ufrags[3]


def section_of(text: str, mid: int) -> list[str]:
    return text.split("\r\nm=")[mid + 1].split("\r\n")


def test_an_offer_says_all_that_it_has_to() -> None:
    text = WITH_ALICE.text()
    assert text.endswith("\r\n")
    head = text.split("\r\nm=")[0]
    assert "a=group:BUNDLE 0 1 2 3 4 5" in head
    assert "a=ice-lite" in head
    for mid in range(6):
        lines = section_of(text, mid)
        assert f"a=mid:{mid}" in lines
        for needed in (
            "a=rtcp-mux",
            "a=rtcp-rsize",
            "a=setup:actpass",
            f"a=ice-ufrag:{FIRST.ufrag}",
            f"a=ice-pwd:{FIRST.password}",
        ):
            assert needed in lines
    assert [line for line in text.split("\r\n") if line.startswith("a=candidate")] == [
        "a=candidate:1 1 udp 2130706431 127.0.0.1 40000 typ host",
        "a=candidate:2 1 udp 2130706175 ::1 40000 typ host",
    ]
    assert "a=simulcast:recv l;m;h" in section_of(text, 1)
    assert "a=simulcast:recv l;h" in section_of(text, 2)
    assert "goog-remb" not in text
    assert SECOND.ufrag in ROUNDS[3].offer.text()


def test_the_primary_source_comes_before_its_rtx() -> None:
    """Trap 5: Chromium takes the first for media."""
    lines = section_of(WITH_ALICE.text(), 5)
    assert [line for line in lines if line.startswith("a=ssrc")] == [
        "a=ssrc-group:FID 1002 1003",
        f"a=ssrc:1002 cname:{ALICE.hex()}",
        f"a=ssrc:1003 cname:{ALICE.hex()}",
    ]
    assert f"a=msid:{ALICE.hex()} {ALICE.hex()}-camera" in lines
    assert "a=sendonly" in lines
    lines = section_of(WITH_ALICE.text(), 4)
    assert [line for line in lines if line.startswith("a=ssrc")] == [f"a=ssrc:1001 cname:{ALICE.hex()}"]


def test_a_section_without_a_stream_names_no_source() -> None:
    lines = section_of(ROUNDS[2].offer.text(), 5)
    assert "a=inactive" in lines
    assert not [line for line in lines if line.startswith(("a=ssrc", "a=msid"))]


def test_the_largest_offer_is_within_the_bound() -> None:
    streams = (VOICE, CAMERA, SCREEN)
    full = tuple(Section(one.kind.media, stream=one) for one in streams * 20)
    assert len(full) == MAX_SECTIONS - 4
    assert len(offer(2**53, full).text()) <= MAX_SDP


BROKEN: dict[str, tuple[str, str, str]] = {
    # what: (pattern, replacement, code)
    "another version": (r"^v=0", "v=1", "sdp_version"),
    "no origin": (r"o=.*\r\n", "", "sdp_version"),
    "no line": (r"a=rtcp-mux", "a rtcp-mux", "sdp_line"),
    "a control character": (r"a=rtcp-mux", "a=rtcp-\x01mux", "sdp_line"),
    "a lone carriage return": (r"a=rtcp-mux", "a=rtcp-mux\r", "sdp_line"),
    "a section less": (r"m=video.*\r\n(?:(?!m=).*\r\n)*\Z", "", "sdp_sections"),
    "another medium": (r"m=video", "m=audio", "sdp_media"),
    "another protocol": (r"UDP/TLS/RTP/SAVPF", "RTP/AVP", "sdp_media"),
    "no port": (r"m=audio 9", "m=audio nine", "sdp_media"),
    "a port too high": (r"m=audio 9", "m=audio 65536", "sdp_media"),
    "another mid": (r"a=mid:4", "a=mid:7", "sdp_mid"),
    "two mids": (r"a=mid:4", "a=mid:4\r\na=mid:4", "sdp_twice"),
    "a payload type that was not offered": (r"SAVPF 111", "SAVPF 111 0", "sdp_codec"),
    "RTX alone": (r"SAVPF 96 97", "SAVPF 97", "sdp_codec"),
    "a payload type twice": (r"SAVPF 96 97", "SAVPF 96 96", "sdp_codec"),
    "another codec": (r"a=rtpmap:96 VP8/90000", "a=rtpmap:96 H264/90000", "sdp_codec"),
    "RTX of another": (r"a=fmtp:97 apt=96", "a=fmtp:97 apt=98", "sdp_codec"),
    "no rtcp-mux": (r"a=rtcp-mux\r\n", "", "sdp_rtcp_mux"),
    "another extension id": (r"a=extmap:1 ", "a=extmap:7 ", "sdp_extension"),
    "extension ids exchanged": (r"a=extmap:4 http\S*", "a=extmap:4 urn:3gpp:toffset", "sdp_extension"),
    "no mid extension": (r"a=extmap:1 .*\r\n", "", "sdp_extension"),
    "both directions": (r"a=sendonly", "a=sendrecv", "sdp_direction"),
    "no direction": (r"a=sendonly\r\n", "", "sdp_direction"),
    "two directions": (r"a=sendonly", "a=sendonly\r\na=inactive", "sdp_direction"),
    "a client that sends where it receives": (r"a=recvonly", "a=sendonly", "sdp_direction"),
    "a layer that was not offered": (r"send l;m;h", "send l;m;x", "sdp_simulcast"),
    "a layer twice": (r"send l;m;h", "send l;m;m", "sdp_simulcast"),
    "layers without rids": (r"a=rid:m send\r\n", "", "sdp_simulcast"),
    "layers received": (r"a=simulcast:send l;m;h", "a=simulcast:recv l;m;h", "sdp_simulcast"),
    "not in the bundle": (r"BUNDLE 0 1 2 3 4 5", "BUNDLE 0 1 2 3 4", "sdp_bundle"),
    "no bundle": (r"a=group:BUNDLE.*\r\n", "", "sdp_bundle"),
    "passive": (r"a=setup:active", "a=setup:passive", "sdp_setup"),
    "no fingerprint": (r"a=fingerprint:.*\r\n", "", "sdp_fingerprint"),
    "a weak fingerprint": (r"a=fingerprint:sha-256", "a=fingerprint:sha-1", "sdp_fingerprint"),
    "a short fingerprint": (r"(a=fingerprint:sha-256 ).{3}", r"\1", "sdp_fingerprint"),
    "a short password": (r"a=ice-pwd:.*", "a=ice-pwd:short", "sdp_ice"),
    "no fragment": (r"a=ice-ufrag:.*\r\n", "", "sdp_ice"),
    "a fragment of other characters": (r"a=ice-ufrag:.*", "a=ice-ufrag:abc:d", "sdp_ice"),
    "everything refused": (r"m=(\w+) 9 ", r"m=\1 0 ", "sdp_nothing"),
    "no end of line": (r"\r\n\Z", "", "sdp_end"),
    "nothing": (r"(?s).*", "", "sdp_size"),
}


@pytest.mark.parametrize(("pattern", "replacement", "code"), BROKEN.values(), ids=BROKEN.keys())
def test_what_is_no_answer_has_one_code(pattern: str, replacement: str, code: str) -> None:
    text, count = re.subn(pattern, replacement, GOOD, flags=re.MULTILINE)
    assert count
    # `.` takes the carriage return of a line as well.
    text = re.sub(r"(?<!\r)\n", "\r\n", text)
    with pytest.raises(SdpError) as caught:
        read_answer(text, WITH_ALICE)
    assert caught.value.code == code


def test_two_transports_are_refused() -> None:
    head, tail = GOOD.rsplit("a=fingerprint:sha-256 EC", 1)
    with pytest.raises(SdpError) as caught:
        read_answer(f"{head}a=fingerprint:sha-256 ED{tail}", WITH_ALICE)
    assert caught.value.code == "sdp_transport"


@pytest.mark.parametrize("text", ["v=0\r\n" * 20_000, "v=0\r\no=-\r\ns=-\r\n" + "m=audio 9 X 1\r\n" * 65])
def test_too_much_is_refused(text: str) -> None:
    with pytest.raises(SdpError) as caught:
        read_answer(text, WITH_ALICE)
    assert caught.value.code in ("sdp_size", "sdp_sections")


def test_a_section_may_be_refused_or_left_quiet() -> None:
    parts = GOOD.split("m=")
    parts[3] = parts[3].replace("video 9", "video 0")
    parts[0] = parts[0].replace("BUNDLE 0 1 2 3 4 5", "BUNDLE 0 1 3 4 5")
    parts[5] = parts[5].replace("a=recvonly", "a=inactive")
    answer = read_answer("m=".join(parts), WITH_ALICE)
    assert answer.sections[2] == Taken(False)
    assert answer.sections[4] == Taken(False)
    assert answer.sections[5] == Taken(True)


def test_one_stream_without_layers_is_an_answer() -> None:
    text = re.sub(r"a=(rid|simulcast):.*\r\n", "", GOOD)
    assert read_answer(text, WITH_ALICE).sections[1] == Taken(True)


LINES = GOOD.split("\r\n")


@settings(max_examples=300, derandomize=True, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.integers(0, len(LINES) - 1),
            st.sampled_from(["drop", "twice", "swap"]) | st.text(max_size=20),
        ),
        min_size=1,
        max_size=4,
    )
)
def test_a_changed_answer_is_read_or_is_the_error(changes: list[tuple[int, str]]) -> None:
    lines = list(LINES)
    for at, what in changes:
        at %= len(lines)
        match what:
            case "drop":
                del lines[at]
            case "twice":
                lines.insert(at, lines[at])
            case "swap":
                lines[at], lines[-at] = lines[-at], lines[at]
            case text:
                lines[at] = lines[at][:8] + text
    try:
        answer = read_answer("\r\n".join(lines), WITH_ALICE)
    except SdpError:
        return
    assert isinstance(answer, Answer)
    assert len(answer.sections) == len(WITH_ALICE.sections)


@settings(derandomize=True, deadline=None)
@given(st.text(max_size=400))
def test_any_text_is_read_or_is_the_error(text: str) -> None:
    with pytest.raises(SdpError):
        read_answer(text, WITH_ALICE)
