"""The peer of `bench media`: Debian's Janus 1.1.2, VideoRoom, on one core.

What it is asked for is what our unit does: everybody publishes a voice and a camera, and gets those of
all the others over one connection (Janus has one for each direction), with NACK, retransmission and
transport-wide numbers as it offers them. It is ICE-lite, as ours is.
"""

import itertools
import json
import re
import shutil
import socket
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil  # type: ignore[import-untyped]
from websockets import Subprotocol
from websockets.sync.client import ClientConnection, connect

from bench.media import path
from bench.media.load import Load, Sends
from signaling.sfu.extensions import AUDIO_LEVEL, MID, TRANSPORT_WIDE_CC, URIS
from signaling.sfu.ice import Credentials
from signaling.sfu.payloads import AUDIO_LINES, OPUS, RTX, VIDEO_LINES, VP8
from tests.house_server import free_port
from tests.signaling.sfu.peer import THEIRS, answer_to

HOST = "127.0.0.1"
START_S = 30.0
PATIENCE_S = 30.0
KEEP_ALIVE_S = 20.0
INSTALL = "apt-get install --no-install-recommends janus"
CONFIG = """
general: {{
  configs_folder = "{folder}"
  debug_level = 2
  session_timeout = 0
  server_name = "bench"
}}
nat: {{
  ice_lite = true
  ice_enforce_list = "{address}"
  full_trickle = false
  nice_debug = false
}}
media: {{ ipv6 = false }}
transports: {{ disable = "{transports}" }}
plugins: {{ disable = "{plugins}" }}
"""
WEBSOCKETS = """
general: {{ json = "compact", ws = true, ws_port = {port}, ws_ip = "127.0.0.1", wss = false }}
"""
OTHER_TRANSPORTS = ("http", "mqtt", "nanomsg", "pfunix", "rabbitmq")
OTHER_PLUGINS = (
    "audiobridge",
    "duktape",
    "echotest",
    "lua",
    "nosip",
    "recordplay",
    "sip",
    "streaming",
    "textroom",
    "videocall",
    "voicemail",
)


def missing() -> str | None:
    """What this machine lacks for the peer, or None."""
    if shutil.which("janus") is None or shutil.which("taskset") is None:
        return f"it is not installed ({INSTALL})"
    if own_address() is None:
        return "it takes no part on loopback, and this machine has no other IPv4 address"
    return None


def _libraries(names: tuple[str, ...]) -> str:
    return ",".join(f"libjanus_{name}.so" for name in names)


def own_address() -> str | None:
    """An address of this machine beside loopback, which Janus leaves out. What goes there never leaves it."""
    states = psutil.net_if_stats()
    for name, addresses in psutil.net_if_addrs().items():
        for one in addresses:
            local = one.address.startswith(("127.", "169.254."))
            if one.family == socket.AF_INET and not local and states[name].isup:
                return str(one.address)
    return None


class Process:
    """Janus with no more than it needs, on loopback."""

    def __init__(self, cores: set[int]) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="collegium-bench-janus-"))
        self.port = free_port()
        config = CONFIG.format(
            folder=self.folder,
            address=own_address(),
            transports=_libraries(OTHER_TRANSPORTS),
            plugins=_libraries(OTHER_PLUGINS),
        )
        (self.folder / "janus.jcfg").write_text(config)
        (self.folder / "janus.transport.websockets.jcfg").write_text(WEBSOCKETS.format(port=self.port))
        (self.folder / "janus.plugin.videoroom.jcfg").write_text("general: { events = false }\n")
        with (self.folder / "output").open("w") as output:
            self._process = subprocess.Popen(
                ["taskset", "-c", ",".join(map(str, sorted(cores))), "janus", "-F", self.folder, "-o"],
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )
        self.process = psutil.Process(self._process.pid)
        try:
            self._wait()
        except BaseException:
            self.close()
            raise

    def _wait(self) -> None:
        end = time.monotonic() + START_S
        while time.monotonic() < end and self._process.poll() is None:
            with socket.socket() as probe:
                if probe.connect_ex((HOST, self.port)) == 0:
                    return
            time.sleep(0.05)
        raise ConnectionError(f"Janus does not answer: {self.output()}")

    def output(self) -> str:
        return (self.folder / "output").read_text(errors="replace")[-2000:]

    def close(self) -> None:
        self._process.kill()
        self._process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


class Api:
    """Requests over one WebSocket, one after the other."""

    def __init__(self, port: int) -> None:
        self._socket: ClientConnection = connect(
            f"ws://{HOST}:{port}", subprotocols=[Subprotocol("janus-protocol")], max_size=1 << 20, proxy=None
        )
        self._numbers = itertools.count(1)
        self._session: int | None = None
        self.lost = 0
        self._session = self.request({"janus": "create"})["data"]["id"]
        self._alive_at = time.monotonic()

    def request(self, body: dict[str, Any], *, event: bool = False) -> dict[str, Any]:
        """The answer to it; of what is done later, the event."""
        transaction = str(next(self._numbers))
        if self._session is not None:
            body = {**body, "session_id": self._session}
        self._socket.send(json.dumps({**body, "transaction": transaction}))
        end = time.monotonic() + PATIENCE_S
        while True:
            answer: dict[str, Any] = json.loads(self._socket.recv(max(0.0, end - time.monotonic())))
            if answer.get("transaction") != transaction or (event and answer["janus"] == "ack"):
                continue
            data = answer.get("plugindata", {}).get("data", {})
            if answer["janus"] == "error" or "error" in data:
                raise ConnectionError(f"Janus refuses {body}: {answer}")
            return answer

    def attach(self) -> int:
        return int(self.request({"janus": "attach", "plugin": "janus.plugin.videoroom"})["data"]["id"])

    def ask(self, handle: int, body: dict[str, Any], sdp: tuple[str, str] | None = None) -> dict[str, Any]:
        message: dict[str, Any] = {"janus": "message", "handle_id": handle, "body": body}
        if sdp is not None:
            message["jsep"] = {"type": sdp[0], "sdp": sdp[1], "trickle": False}
        return self.request(message, event=body["request"] != "create")

    def tend(self, seconds: float) -> None:
        """Read what it tells, and stay alive."""
        if time.monotonic() - self._alive_at > KEEP_ALIVE_S:
            self._alive_at = time.monotonic()
            self.request({"janus": "keepalive"})
        try:
            told: dict[str, Any] = json.loads(self._socket.recv(seconds))
        except TimeoutError:
            return
        self.lost += told["janus"] == "hangup"

    def close(self) -> None:
        self._socket.close()


def publishing(host: str, port: int, audio: int, video: int) -> str:
    """The offer of a client that sends a voice and a camera and takes the DTLS client's part."""
    head = ["v=0", f"o=- 1 1 IN IP4 {HOST}", "s=-", "t=0 0", "a=group:BUNDLE 0 1", "a=msid-semantic: WMS *"]
    common = [
        f"c=IN IP4 {host}",
        "a=sendonly",
        "a=ice-ufrag:theirs",
        f"a=ice-pwd:{'w' * 24}",
        f"a=fingerprint:sha-256 {THEIRS.fingerprint}",
        "a=setup:active",
        "a=rtcp-mux",
        "a=rtcp-rsize",
        f"a=candidate:1 1 udp 2130706431 {host} {port} typ host",
        "a=end-of-candidates",
        "a=msid:one two",
    ]
    extmap = {name: f"a=extmap:{name} {URIS[name]}" for name in (MID, TRANSPORT_WIDE_CC, AUDIO_LEVEL)}
    voice = [
        f"m=audio {port} UDP/TLS/RTP/SAVPF {OPUS}",
        *common,
        "a=mid:0",
        *extmap.values(),
        *AUDIO_LINES,
        f"a=ssrc:{audio} cname:load",
    ]
    camera = [
        f"m=video {port} UDP/TLS/RTP/SAVPF {VP8} {RTX}",
        *common,
        "a=mid:1",
        extmap[MID],
        extmap[TRANSPORT_WIDE_CC],
        *VIDEO_LINES,
        f"a=ssrc-group:FID {video} {video + 1}",
        f"a=ssrc:{video} cname:load",
        f"a=ssrc:{video + 1} cname:load",
    ]
    return "\r\n".join([*head, *voice, *camera]) + "\r\n"


def receiving(offer: str, host: str, port: int) -> str:
    """The answer of a client that takes all that is offered. Janus names its certificate for all sections."""
    lines = []
    for line in answer_to(offer).split("\r\n"):
        if line.startswith("a=fingerprint:"):
            line = f"a=fingerprint:sha-256 {THEIRS.fingerprint}"
        lines.append(line)
        if line.startswith("a=mid:"):
            lines.append(f"a=candidate:1 1 udp 2130706431 {host} {port} typ host")
    return "\r\n".join(lines)


@dataclass(frozen=True, slots=True)
class Remote:
    credentials: Credentials
    address: tuple[str, int]
    wide_id: int


def remote_of(sdp: str) -> Remote:
    """What a client needs of Janus's SDP."""

    def found(pattern: str) -> str:
        match = re.search(pattern, sdp)
        if match is None:
            raise ConnectionError(f"Janus's SDP lacks {pattern}:\n{sdp}")
        return match[1]

    candidate = re.search(r"a=candidate:\S+ 1 udp \S+ ([0-9.]+) (\d+) typ host", sdp)
    if candidate is None:
        raise ConnectionError(f"Janus names no candidate:\n{sdp}")
    wide = re.search(rf"a=extmap:(\d+)\S* {re.escape(URIS[TRANSPORT_WIDE_CC])}", sdp)
    return Remote(
        Credentials(found(r"a=ice-ufrag:(\S+)"), found(r"a=ice-pwd:(\S+)")),
        (candidate[1], int(candidate[2])),
        int(wide[1]) if wide else 0,
    )


class Janus:
    """Rooms of so many; `close` ends the process."""

    name = "Janus"

    def __init__(self, load: Load, rooms: int, size: int, cores: set[int]) -> None:
        self._load, self._size = load, size
        self._janus = Process(cores)
        self.process = self._janus.process
        self._sockets: list[socket.socket] = []
        self._places: list[int] = []
        self._ssrcs = itertools.count(1000)
        self._api: Api | None = None
        self.lost = 0
        try:
            self._api = Api(self._janus.port)
            for room in range(1, rooms + 1):
                self._fill(self._api, room)
        except BaseException:
            print(self._janus.output())
            self.close()
            raise

    def _fill(self, api: Api, room: int) -> None:
        handles = [api.attach() for _ in range(self._size)]
        # No cap on the bitrate: what is sent is what is forwarded, as with ours.
        api.ask(
            handles[0],
            {
                "request": "create",
                "room": room,
                "publishers": self._size,
                "bitrate": 0,
                "fir_freq": 0,
                "audiocodec": "opus",
                "videocodec": "vp8",
            },
        )
        feeds = [self._publish(api, handle, room) for handle in handles]
        for feed in feeds:
            self._subscribe(api, room, [other for other in feeds if other != feed])

    def _publish(self, api: Api, handle: int, room: int) -> int:
        joined = api.ask(handle, {"request": "join", "ptype": "publisher", "room": room})
        audio = next(self._ssrcs) * 10
        connection = path.new_socket(own_address())
        host, port = connection.getsockname()
        offer = publishing(host, port, audio, audio + 1)
        answer = api.ask(handle, {"request": "publish"}, ("offer", offer))["jsep"]["sdp"]
        self._connect(connection, answer, audio, Sends(audio, audio + 1, "0", "1", self._size - 1))
        return int(joined["plugindata"]["data"]["id"])

    def _subscribe(self, api: Api, room: int, feeds: list[int]) -> None:
        handle = api.attach()
        streams = [{"feed": feed} for feed in feeds]
        attached = api.ask(
            handle, {"request": "join", "ptype": "subscriber", "room": room, "streams": streams}
        )
        offer = attached["jsep"]["sdp"]
        connection = path.new_socket(own_address())
        api.ask(handle, {"request": "start"}, ("answer", receiving(offer, *connection.getsockname())))
        self._connect(connection, offer, next(self._ssrcs) * 10, None)

    def _connect(self, connection: socket.socket, sdp: str, ssrc: int, sends: Sends | None) -> None:
        self._sockets.append(connection)
        remote = remote_of(sdp)
        ready = path.connect(connection, remote.credentials, remote.address, asks=True)
        wide_id = remote.wide_id if sends is None else 0
        self._places.append(
            self._load.add(connection, ready.keys, ssrc, ready.check, wide_id=wide_id, sends=sends)
        )

    def tend(self, seconds: float) -> None:
        assert self._api is not None
        self._api.tend(seconds)
        self.lost = self._api.lost

    def close(self) -> None:
        for place in self._places:
            self._load.remove(place)
        for connection in self._sockets:
            connection.close()
        self._janus.close()
        if self._api is not None:
            self._api.close()
