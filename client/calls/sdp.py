"""The unit's offers, read strictly, and our answers (RFC 8866, RFC 8829).

Sections 0 to 3 are what a client sends, in the order of `Kind`; those from 4 on are what it receives. All lie
in one BUNDLE with one ICE-lite transport.
"""

import ipaddress
import re
from dataclasses import dataclass
from typing import Final, Literal

from crypto.sframe.kid import Kind
from wire.bounds import MAX_SDP, MAX_SECTIONS

OWN: Final = (Kind.AUDIO, Kind.CAMERA, Kind.SCREEN, Kind.SCREEN_AUDIO)
"""What is sent on the first sections."""
MAX_CANDIDATES: Final = 8

MID_URI: Final = "urn:ietf:params:rtp-hdrext:sdes:mid"
WIDE_URI: Final = "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"
LEVEL_URI: Final = "urn:ietf:params:rtp-hdrext:ssrc-audio-level"
_OUR_EXTENSIONS: Final = (MID_URI, WIDE_URI, LEVEL_URI)

_CANDIDATE: Final = re.compile(r"\S{1,32} 1 udp (\d{1,10}) (\S{1,64}) (\d{1,5}) typ host")
_SSRC: Final = re.compile(r"(\d{1,10}) cname:\S+")
_FID: Final = re.compile(r"FID (\d{1,10}) (\d{1,10})")
_RTPMAP: Final = re.compile(r"(\d{1,3}) (opus|vp8|rtx)/\d+(?:/2)?", re.IGNORECASE)
_EXTMAP: Final = re.compile(r"(\d{1,2}) (\S+)")
_FINGERPRINT: Final = re.compile(r"sha-256 ((?:[0-9A-F]{2}:){31}[0-9A-F]{2})", re.IGNORECASE)


class OfferError(Exception):
    """The server's offer is none that this client can answer. `code` says what is wrong with it."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, slots=True)
class Candidate:
    host: str
    port: int
    priority: int


@dataclass(frozen=True, slots=True)
class Section:
    media: Literal["audio", "video"]
    mid: str
    direction: str
    payload_type: int
    """Of Opus or VP8."""
    rtx: int | None
    extensions: tuple[tuple[int, str], ...]
    """(id, URI) of those that this client knows."""
    ssrc: int | None
    """Of what is received."""
    rtx_ssrc: int | None

    def extension(self, uri: str) -> int | None:
        return next((number for number, one in self.extensions if one == uri), None)


@dataclass(frozen=True, slots=True)
class Offer:
    ufrag: str
    password: str
    fingerprint: str
    candidates: tuple[Candidate, ...]
    sections: tuple[Section, ...]


@dataclass(frozen=True, slots=True)
class Local:
    """This end of the transport."""

    ufrag: str
    password: str
    fingerprint: str


def read_offer(text: str) -> Offer:
    """Raises OfferError and nothing else."""
    if not text or len(text) > MAX_SDP:
        raise OfferError("offer_size")
    head, *parts = text.replace("\r\n", "\n").split("\nm=")
    if not head.startswith("v=0\n") or "a=ice-lite" not in head.split("\n"):
        raise OfferError("offer_head")
    if not len(OWN) <= len(parts) <= MAX_SECTIONS:
        raise OfferError("offer_sections")
    blocks = [part.split("\n") for part in parts]
    first = _attributes(blocks[0])
    fingerprint = _FINGERPRINT.fullmatch(first.get("fingerprint", [""])[0])
    if fingerprint is None:
        raise OfferError("offer_fingerprint")
    candidates = tuple(_candidate(one) for one in first.get("candidate", [])[:MAX_CANDIDATES])
    if not candidates:
        raise OfferError("offer_candidate")
    return Offer(
        ufrag=_one(first, "ice-ufrag"),
        password=_one(first, "ice-pwd"),
        fingerprint=fingerprint[1].upper(),
        candidates=candidates,
        sections=tuple(_section(place, block) for place, block in enumerate(blocks)),
    )


def _attributes(block: list[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for line in block:
        if line.startswith("a="):
            name, _, value = line[2:].partition(":")
            found.setdefault(name, []).append(value)
    return found


def _one(attributes: dict[str, list[str]], name: str) -> str:
    values = attributes.get(name, [])
    if len(values) != 1 or not re.fullmatch(r"[A-Za-z0-9+/]{4,256}", values[0]):
        raise OfferError("offer_ice")
    return values[0]


def _candidate(value: str) -> Candidate:
    found = _CANDIDATE.fullmatch(value)
    if found is None or not 0 < int(found[3]) <= 65535:
        raise OfferError("offer_candidate")
    try:
        host = ipaddress.ip_address(found[2])
    except ValueError as error:
        raise OfferError("offer_candidate") from error
    return Candidate(str(host), int(found[3]), int(found[1]))


def _section(place: int, block: list[str]) -> Section:
    media = block[0].split(" ")[0]
    attributes = _attributes(block)
    # The unit names each section by its place.
    if media not in ("audio", "video") or attributes.get("mid") != [str(place)]:
        raise OfferError("offer_section")
    types: dict[str, int] = {}
    for value in attributes.get("rtpmap", []):
        if (found := _RTPMAP.fullmatch(value)) is not None:
            types[found[2].lower()] = int(found[1])
    codec = "opus" if media == "audio" else "vp8"
    if codec not in types:
        raise OfferError("offer_codec")
    directions = [one for one in ("recvonly", "sendonly", "inactive") if one in attributes]
    if len(directions) != 1 or (place < len(OWN)) is not (directions == ["recvonly"]):
        raise OfferError("offer_direction")
    known = (_EXTMAP.fullmatch(value) for value in attributes.get("extmap", []))
    extensions = tuple((int(one[1]), one[2]) for one in known if one and one[2] in _OUR_EXTENSIONS)
    ssrc, rtx_ssrc = _sources(attributes)
    return Section(
        media="audio" if media == "audio" else "video",
        mid=str(place),
        direction=directions[0],
        payload_type=types[codec],
        rtx=types.get("rtx") if media == "video" else None,
        extensions=extensions,
        ssrc=ssrc,
        rtx_ssrc=rtx_ssrc,
    )


def _sources(attributes: dict[str, list[str]]) -> tuple[int | None, int | None]:
    groups = [_FID.fullmatch(value) for value in attributes.get("ssrc-group", [])]
    for group in groups:
        if group is not None:
            return int(group[1]), int(group[2])
    for value in attributes.get("ssrc", []):
        if (found := _SSRC.fullmatch(value)) is not None:
            return int(found[1]), None
    return None, None


def answer(offer: Offer, sends: frozenset[Kind], local: Local) -> str:
    """To this offer: we send these kinds, and receive all that there is."""
    lines = ["v=0", "o=- 0 0 IN IP4 0.0.0.0", "s=-", "t=0 0"]
    lines.append(f"a=group:BUNDLE {' '.join(section.mid for section in offer.sections)}")
    for place, section in enumerate(offer.sections):
        if place < len(OWN):
            direction = "sendonly" if OWN[place] in sends else "inactive"
        else:
            direction = "recvonly" if section.direction == "sendonly" else "inactive"
        lines += _answered(section, direction, local)
    return "\r\n".join(lines) + "\r\n"


def _answered(section: Section, direction: str, local: Local) -> list[str]:
    audio, types = section.media == "audio", [section.payload_type]
    if section.rtx is not None:
        types.append(section.rtx)
    lines = [
        f"m={section.media} 9 UDP/TLS/RTP/SAVPF {' '.join(map(str, types))}",
        "c=IN IP4 0.0.0.0",
        f"a=mid:{section.mid}",
        f"a={direction}",
        f"a=ice-ufrag:{local.ufrag}",
        f"a=ice-pwd:{local.password}",
        f"a=fingerprint:sha-256 {local.fingerprint}",
        "a=setup:active",
        "a=rtcp-mux",
        "a=rtcp-rsize",
        *(f"a=extmap:{number} {uri}" for number, uri in section.extensions),
        f"a=rtpmap:{section.payload_type} {'opus/48000/2' if audio else 'VP8/90000'}",
        f"a=rtcp-fb:{section.payload_type} transport-cc",
    ]
    if not audio:
        lines += [f"a=rtcp-fb:{section.payload_type} nack", f"a=rtcp-fb:{section.payload_type} nack pli"]
    if section.rtx is not None:
        lines += [
            f"a=rtpmap:{section.rtx} rtx/90000",
            f"a=fmtp:{section.rtx} apt={section.payload_type}",
        ]
    return lines
