"""The offers that the recorded answers were given to, in the order of one connection."""

from dataclasses import dataclass

from signaling.sfu.control import Kind
from signaling.sfu.ice import Credentials
from signaling.sfu.sdp import OWN, Offer, Section, Transport

TRANSPORT = Transport(("127.0.0.1", "::1"), 40_000, ":".join(["AB"] * 32))
FIRST, SECOND = Credentials("ufragOne0000", "p" * 32), Credentials("ufragTwo0000", "q" * 32)
ALICE, BOB = bytes([0xA1]) * 16, bytes([0xB0]) * 16


@dataclass(frozen=True, slots=True)
class OneStream:
    source_device: bytes
    kind: Kind
    ssrc: int
    rtx_ssrc: int | None = None


VOICE = OneStream(ALICE, Kind.AUDIO, 1001)
CAMERA = OneStream(ALICE, Kind.CAMERA, 1002, 1003)
SCREEN = OneStream(BOB, Kind.SCREEN, 1004, 1005)


def offer(seq: int, sections: tuple[Section, ...], credentials: Credentials = FIRST) -> Offer:
    return Offer(7, seq, TRANSPORT, credentials, OWN + sections)


@dataclass(frozen=True, slots=True)
class Round:
    """An offer, and the mids on which the client sends in its answer."""

    name: str
    offer: Offer
    sends: tuple[str, ...]


ROUNDS = (
    Round("alone", offer(0, ()), ("0", "1")),
    Round(
        "with-alice",
        offer(1, (Section("audio", stream=VOICE), Section("video", stream=CAMERA))),
        ("0", "1", "2", "3"),
    ),
    Round(
        "alice-hides",
        offer(2, (Section("audio", stream=VOICE), Section("video"))),
        ("0",),
    ),
    Round(
        "bob-shows-after-a-restart",
        offer(3, (Section("audio", stream=VOICE), Section("video", stream=SCREEN)), SECOND),
        ("0", "1"),
    ),
)
