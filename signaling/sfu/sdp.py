"""The unit's offers as SDP, and the client's answers, read strictly (RFC 8866, RFC 8829, RFC 9429).

Sections 0 to 3 are what the client sends, in the order of `Kind`. Those from 4 on are what it receives. All
lie in one BUNDLE with one ICE-lite transport, of which only the credentials ever change.
"""

import ipaddress
import re
from dataclasses import dataclass
from typing import Literal, Protocol

from signaling.sfu import extensions, payloads
from signaling.sfu.control import KINDS, MAX_SDP, MAX_SECTIONS, OWN_SECTIONS, Kind
from signaling.sfu.ice import Credentials

# RFC 8852's names of the layers that a client may send, the smallest first.
LAYERS: dict[Kind, tuple[str, ...]] = {Kind.CAMERA: ("l", "m", "h"), Kind.SCREEN: ("l", "h")}
PROTOCOL = "UDP/TLS/RTP/SAVPF"
HOST_PREFERENCE = 126  # RFC 8445 §5.1.2.2
DIRECTIONS = ("sendrecv", "sendonly", "recvonly", "inactive")
# Attributes that say one thing: twice is a contradiction, whatever they say.
SINGLE = ("mid", "ice-ufrag", "ice-pwd", "setup", "simulcast")

_LINE = re.compile(r"[a-z]=[^\x00-\x08\x0a-\x1f\x7f]*")
_TOKEN = re.compile(r"[A-Za-z0-9+/]+")
_FINGERPRINT = re.compile(r"sha-256 ([0-9A-F]{2}(?::[0-9A-F]{2}){31})", re.IGNORECASE)
_RID = re.compile(r"([A-Za-z0-9_-]{1,16}) send(?: .*)?")
_CODECS = {
    payloads.OPUS: f"opus/{payloads.AUDIO_CLOCK}/2",
    payloads.VP8: f"vp8/{payloads.VIDEO_CLOCK}",
    payloads.RTX: f"rtx/{payloads.VIDEO_CLOCK}",
}


class SdpError(Exception):
    """The client's answer is none to this offer. `code`, of the form sdp_…, says why."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class Stream(Protocol):
    """What an offer tells of a stream towards the client: the forwarder's `StreamOut`."""

    @property
    def source_device(self) -> bytes: ...
    @property
    def kind(self) -> Kind: ...
    @property
    def ssrc(self) -> int: ...
    @property
    def rtx_ssrc(self) -> int | None: ...


@dataclass(frozen=True, slots=True)
class Section:
    """One section. The client sends its `own` kind on it, or receives the `stream`, or nothing for now."""

    media: Literal["audio", "video"]
    own: Kind | None = None
    stream: Stream | None = None


OWN = tuple(Section(kind.media, own=kind) for kind in KINDS)


@dataclass(frozen=True, slots=True)
class Transport:
    """Where the unit listens and who it is: the same in all offers of the process."""

    addresses: tuple[str, ...]
    port: int
    fingerprint: str


@dataclass(frozen=True, slots=True)
class Offer:
    """One offer of a session. `seq` rises with each."""

    number: int  # of the session, for o=
    seq: int
    transport: Transport
    credentials: Credentials
    sections: tuple[Section, ...]  # the mid of a section is its place

    def text(self) -> str:
        """RFC 8829 §5.2."""
        assert OWN_SECTIONS <= len(self.sections) <= MAX_SECTIONS
        lines = [
            "v=0",
            f"o=- {self.number} {self.seq} IN IP4 127.0.0.1",
            "s=-",
            "t=0 0",
            f"a=group:BUNDLE {' '.join(map(str, range(len(self.sections))))}",
            "a=extmap-allow-mixed",
            "a=msid-semantic: WMS *",
            "a=ice-lite",
        ]
        for mid, section in enumerate(self.sections):
            lines += self._section(mid, section)
        return "\r\n".join(lines) + "\r\n"

    def _section(self, mid: int, section: Section) -> list[str]:
        audio = section.media == "audio"
        formats = str(payloads.OPUS) if audio else f"{payloads.VP8} {payloads.RTX}"
        transport, first = self.transport, self.transport.addresses[0]
        direction = "recvonly" if section.own else "sendonly" if section.stream else "inactive"
        layers = LAYERS.get(section.own, ()) if section.own else ()
        ids = (
            extensions.AUDIO_EXTENSIONS
            if audio
            else extensions.SIMULCAST_EXTENSIONS
            if layers
            else extensions.VIDEO_EXTENSIONS
        )
        lines = [
            f"m={section.media} {transport.port} {PROTOCOL} {formats}",
            f"c=IN IP{ipaddress.ip_address(first).version} {first}",
            f"a=mid:{mid}",
            f"a={direction}",
            f"a=ice-ufrag:{self.credentials.ufrag}",
            f"a=ice-pwd:{self.credentials.password}",
            f"a=fingerprint:sha-256 {transport.fingerprint}",
            "a=setup:actpass",
            "a=rtcp-mux",
            "a=rtcp-rsize",
            *(f"a=extmap:{one} {extensions.URIS[one]}" for one in ids),
            *(payloads.AUDIO_LINES if audio else payloads.VIDEO_LINES),
        ]
        if layers:
            lines += [f"a=rid:{layer} recv" for layer in layers]
            lines.append(f"a=simulcast:recv {';'.join(layers)}")
        if section.stream:
            lines += _sources(section.stream)
        if mid == 0:  # RFC 9143 §7.1.3: those of the bundle
            lines += [
                f"a=candidate:{n + 1} 1 udp {HOST_PREFERENCE << 24 | 65535 - n << 8 | 255} {address}"
                f" {transport.port} typ host"
                for n, address in enumerate(transport.addresses)
            ]
            lines.append("a=end-of-candidates")
        return lines


def _sources(stream: Stream) -> list[str]:
    """RFC 8830, RFC 5576. Voice and camera are one MediaStream, the shared screen with its sound another."""
    shared = stream.kind in (Kind.SCREEN, Kind.SCREEN_AUDIO)
    name = f"{stream.source_device.hex()}{'-screen' if shared else ''}"
    lines = [f"a=msid:{name} {stream.source_device.hex()}-{stream.kind}"]
    if stream.rtx_ssrc is None:
        return [*lines, f"a=ssrc:{stream.ssrc} cname:{name}"]
    # The primary comes first: Chromium takes the first SSRC of a section as the one that carries media.
    return [
        *lines,
        f"a=ssrc-group:FID {stream.ssrc} {stream.rtx_ssrc}",
        f"a=ssrc:{stream.ssrc} cname:{name}",
        f"a=ssrc:{stream.rtx_ssrc} cname:{name}",
    ]


@dataclass(frozen=True, slots=True)
class Taken:
    """What the client said about one section: whether media flows on it, and in which layers it sends."""

    flows: bool
    layers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Answer:
    ufrag: str
    fingerprint: str  # sha-256, in capitals
    sections: tuple[Taken, ...]


@dataclass(slots=True)
class _Block:
    """The session's part, or one section: its first line and the attributes by name."""

    first: str
    attributes: dict[str, list[str]]

    def one(self, name: str, session: "_Block") -> str:
        """The value of an attribute that a section or the session has once; "" when there is none."""
        values = self.attributes.get(name) or session.attributes.get(name, [])
        return values[0] if values else ""


def read_answer(text: str, offer: Offer) -> Answer:
    """The answer to this offer. Raises SdpError and nothing else."""
    session, blocks = _blocks(text)
    if len(blocks) != len(offer.sections):
        raise SdpError("sdp_sections")
    taken, used = [], []
    for mid, (section, block) in enumerate(zip(offer.sections, blocks, strict=True)):
        rejected = _media(block, section)
        if block.one("mid", session) != str(mid):
            raise SdpError("sdp_mid")
        if rejected:
            taken.append(Taken(False))
            continue
        used.append(block)
        flows = _flows(block, session, section)
        _codecs(block, section)
        _extensions(block, section)
        taken.append(Taken(flows, _layers(block, section) if flows else ()))
    if not used:
        raise SdpError("sdp_nothing")
    bundled = next((one for one in session.attributes.get("group", []) if one.startswith("BUNDLE ")), "")
    if sorted(bundled.split()[1:]) != sorted(block.one("mid", session) for block in used):
        raise SdpError("sdp_bundle")
    transports = {_transport(block, session) for block in used}
    if len(transports) != 1:
        raise SdpError("sdp_transport")
    return Answer(*transports.pop(), tuple(taken))


def _blocks(text: str) -> tuple[_Block, list[_Block]]:
    if not text or len(text) > MAX_SDP:
        raise SdpError("sdp_size")
    lines = text.replace("\r\n", "\n").split("\n")
    if lines.pop() != "":
        raise SdpError("sdp_end")
    session = block = _Block("", {})
    blocks: list[_Block] = []
    head = []
    for line in lines:
        if not _LINE.fullmatch(line):
            raise SdpError("sdp_line")
        kind, value = line[0], line[2:]
        if kind == "m":
            if len(blocks) == MAX_SECTIONS:
                raise SdpError("sdp_sections")
            block = _Block(value, {})
            blocks.append(block)
        elif kind == "a":
            name, _, rest = value.partition(":")
            block.attributes.setdefault(name, []).append(rest)
        elif not blocks:
            head.append(line)
    if head[:1] != ["v=0"] or [line[0] for line in head[1:3]] != ["o", "s"]:
        raise SdpError("sdp_version")
    for one in (session, *blocks):
        if any(len(one.attributes.get(name, ())) > 1 for name in SINGLE):
            raise SdpError("sdp_twice")
    return session, blocks


def _media(block: _Block, section: Section) -> bool:
    """RFC 8866 §5.14. Gives whether the client refuses the section (RFC 3264 §6: port 0)."""
    words = block.first.split(" ")
    if len(words) < 4 or words[0] != section.media or words[2] != PROTOCOL:
        raise SdpError("sdp_media")
    if not re.fullmatch(r"[0-9]{1,5}", words[1]) or int(words[1]) > 65535:
        raise SdpError("sdp_media")
    if words[1] == "0":
        return True
    offered = {payloads.OPUS} if section.media == "audio" else {payloads.VP8, payloads.RTX}
    answered = words[3:]
    if len(set(answered)) != len(answered) or not set(answered) <= set(map(str, offered)):
        raise SdpError("sdp_codec")
    if str(payloads.OPUS if section.media == "audio" else payloads.VP8) not in answered:
        raise SdpError("sdp_codec")
    return False


def _flows(block: _Block, session: _Block, section: Section) -> bool:
    """RFC 3264 §6.1: recvonly is answered by sendonly or inactive, sendonly by recvonly or inactive."""
    said = [name for name in DIRECTIONS if name in block.attributes]
    if not said:
        said = [name for name in DIRECTIONS if name in session.attributes]
    if said == ["inactive"]:
        return False
    if said != ["sendonly" if section.own else "recvonly"] or not (section.own or section.stream):
        raise SdpError("sdp_direction")
    return True


def _codecs(block: _Block, section: Section) -> None:
    for value in block.attributes.get("rtpmap", []):
        number, _, codec = value.partition(" ")
        if not re.fullmatch(r"[0-9]{1,3}", number) or _CODECS.get(int(number)) != codec.lower():
            raise SdpError("sdp_codec")
    if section.media == "video":
        for value in block.attributes.get("fmtp", []):
            number, _, parameters = value.partition(" ")
            if number == str(payloads.RTX) and f"apt={payloads.VP8}" not in parameters.split(";"):
                raise SdpError("sdp_codec")
    if "rtcp-mux" not in block.attributes:
        raise SdpError("sdp_rtcp_mux")


def _extensions(block: _Block, section: Section) -> None:
    """RFC 8285 §6: an answer keeps the offer's ids, or leaves an extension out."""
    offered = {str(number): uri for number, uri in extensions.URIS.items()}
    for value in block.attributes.get("extmap", []):
        number, _, uri = value.partition(" ")
        if offered.get(number.partition("/")[0]) != uri.partition(" ")[0]:
            raise SdpError("sdp_extension")
    # Without it packets of a BUNDLE have no section.
    if section.own and not any(
        value.partition(" ")[2] == extensions.URIS[extensions.MID]
        for value in block.attributes.get("extmap", [])
    ):
        raise SdpError("sdp_extension")


def _layers(block: _Block, section: Section) -> tuple[str, ...]:
    """RFC 8853 §5.3.2: what it sends of the layers that were offered; none when it sends one stream."""
    offered = LAYERS.get(section.own, ()) if section.own else ()
    simulcast = block.one("simulcast", block)
    if not simulcast:
        return ()
    direction, _, names = simulcast.partition(" ")
    chosen = tuple(name.removeprefix("~") for name in names.split(";"))
    if direction != "send" or len(set(chosen)) != len(chosen) or not set(chosen) <= set(offered):
        raise SdpError("sdp_simulcast")
    rids = [_RID.fullmatch(value) for value in block.attributes.get("rid", [])]
    if {rid.group(1) for rid in rids if rid} != set(chosen) or not all(rids):
        raise SdpError("sdp_simulcast")
    return chosen


def _transport(block: _Block, session: _Block) -> tuple[str, str]:
    """ufrag and fingerprint. RFC 8839 §5.4 has the lengths, RFC 5763 §5 the roles."""
    ufrag, password = block.one("ice-ufrag", session), block.one("ice-pwd", session)
    if not (4 <= len(ufrag) <= 256 and 22 <= len(password) <= 256):
        raise SdpError("sdp_ice")
    if not (_TOKEN.fullmatch(ufrag) and _TOKEN.fullmatch(password)):
        raise SdpError("sdp_ice")
    if block.one("setup", session) != "active":
        raise SdpError("sdp_setup")
    prints = block.attributes.get("fingerprint") or session.attributes.get("fingerprint", [])
    found = [match for match in map(_FINGERPRINT.fullmatch, prints) if match]
    if len(found) != 1:
        raise SdpError("sdp_fingerprint")
    return ufrag, found[0].group(1).upper()
