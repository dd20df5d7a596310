"""A room with simulated browsers around one forwarder: real packets, a simulated clock, imperfect links.

Everything that leaves towards a browser is checked as it leaves: no sequence number of an SSRC goes out twice
(the nonce of AES-GCM), and transport-wide numbers go up by one.
"""

import heapq
from collections import defaultdict
from collections.abc import Callable
from random import Random

from signaling.sfu import rtcp, rtp, vp8
from signaling.sfu.control import Kind, Layer
from signaling.sfu.departures import Out
from signaling.sfu.extensions import AUDIO_LEVEL, MID, REPAIRED_RID, RID, TRANSPORT_WIDE_CC
from signaling.sfu.forwarder import Forwarder
from signaling.sfu.payloads import OPUS, RTX, VP8
from signaling.sfu.room import StreamOut
from signaling.sfu.sequence import nearest
from signaling.sfu.transport_feedback import Arrivals
from tests.signaling.sfu.forwarding.link import Link
from tests.signaling.sfu.forwarding.viewer import ASK_EVERY, Packet, Viewer

MIDS = {Kind.AUDIO: "0", Kind.CAMERA: "1", Kind.SCREEN: "2", Kind.SCREEN_AUDIO: "3"}
RATES = {"l": 120_000, "m": 400_000, "h": 1_200_000}
FRAMES = 25
MTU = 1100
KEY_GAP = 0.3
"""Chromium makes no key frame sooner after the last one that it was asked for."""
STALL = (0.05, 0.3)
"""Seconds for which a busy processor leaves a program alone."""


class Upstream:
    """One SSRC of a browser, with what it sent lately for retransmissions."""

    def __init__(self, ssrc: int, mid: str, rid: str | None, dice: Random) -> None:
        self.ssrc, self.mid, self.rid = ssrc, mid, rid
        self.sequence = dice.randrange(1 << 16)
        self.offset = dice.randrange(1 << 32)
        self.picture = dice.randrange(1 << 15)
        self.tl0 = dice.randrange(256)
        self.rtx_sequence = dice.randrange(1 << 16)
        self.key_frame = True
        self.key_frames = 0
        self.keyed_at = float("-inf")
        self.sent: dict[int, tuple[bool, int, bytes]] = {}
        self.packets = self.octets = 0
        self.paused = False
        """A layer that its sender leaves out."""


class Got:
    """What a browser has of one SSRC."""

    def __init__(self) -> None:
        self.sequences: set[int] = set()
        self.highest: int | None = None
        self.arrived: dict[int, float] = {}
        self.times: dict[int, int] = {}
        """Timestamps by sequence number."""
        self.pictures: dict[int, int] = {}
        self.tl0s: dict[int, int] = {}
        self.payloads: dict[int, bytes] = {}
        self.at: list[float] = []
        self.octets = 0
        self.report: rtcp.SenderReport | None = None


class Browser:
    def __init__(self, world: "World", name: str, up: Link, down: Link) -> None:
        self.world, self.name = world, name
        self.session = name.encode().ljust(16, b".")
        self.up, self.down = up, down
        self.dice = Random(f"{world.seed} {name}")
        self.wide = self.dice.randrange(1 << 16)
        self.streams: dict[tuple[Kind, str | None], Upstream] = {}
        self.arrivals = Arrivals(0.0)  # browsers say what is missing at once
        self.got: dict[int, Got] = defaultdict(Got)
        self.lines: dict[int, StreamOut] = {}
        self.ever: dict[int, StreamOut] = {}
        """By the SSRCs of media and of retransmissions, also of streams that ended: packets may be late."""
        self.mids: dict[int, str] = {}
        self.level = 127
        self.heard: list[tuple[float, object]] = []
        """Every part of RTCP that came, with its time."""
        self.asks = True
        """Whether it sends NACKs."""
        self.answers = True
        """Whether it sends feedback."""
        self.padding = 0
        """Bytes of packets that had nothing but padding."""
        self.twice = 0.0
        """Share of packets that the path doubles."""
        self.asleep = 0.0
        """Until then it stands still: it reads nothing and sends nothing."""
        self.repairs: list[tuple[float, int, int]] = []
        """(when, SSRC of the media, original sequence number) of each retransmission that came."""
        self.watches = False
        """Whether it asks and decodes as a real one does. Else it asks a few times for what is missing."""
        self.viewers: dict[int, Viewer] = {}
        self.round_trip = 0.1
        self.blind = False
        """Whether it has a wrong key."""

    # Sending

    def stream(self, kind: Kind, rid: str | None) -> Upstream:
        key = (kind, rid)
        if key not in self.streams:
            ssrc = 1000 + len(self.streams)
            self.streams[key] = Upstream(ssrc, MIDS[kind], rid, self.dice)
        return self.streams[key]

    def send_audio(self, size: int = 80) -> None:
        stream = self.stream(Kind.AUDIO, None)
        self._send_media(stream, OPUS, int(self.world.now * 48_000), self.dice.randbytes(size), False)

    def send_frame(self, kind: Kind, rid: str | None, rate: float) -> None:
        """One frame of one layer, in its packets."""
        stream = self.stream(kind, rid)
        if stream.paused:
            return
        key = stream.key_frame and self.world.now >= stream.keyed_at + KEY_GAP
        if key:
            stream.key_frame, stream.keyed_at = False, self.world.now
            stream.key_frames += 1
        stream.picture += 1
        stream.tl0 += 1
        left = max(60, int(rate / FRAMES / 8 * (self.world.key_frame if key else 0.93)))
        first = True
        while left > 0:
            descriptor = vp8.descriptor(start=first, picture=stream.picture, tl0=stream.tl0, tid=0)
            body = bytearray(self.dice.randbytes(max(4, min(left, MTU))))
            if first:
                body[0] = body[0] & 0xFE | (not key)
            left -= MTU
            self._send_media(stream, VP8, int(self.world.now * 90_000), descriptor + bytes(body), left <= 0)
            first = False

    def _send_media(self, stream: Upstream, kind: int, time: int, payload: bytes, marker: bool) -> None:
        stream.sequence = stream.sequence + 1 & 0xFFFF
        timestamp = time + stream.offset & 0xFFFFFFFF
        stream.sent[stream.sequence] = (marker, timestamp, payload)
        if len(stream.sent) > 1000:
            stream.sent.pop(next(iter(stream.sent)))
        stream.packets += 1
        stream.octets += len(payload)
        extensions = {MID: stream.mid.encode()}
        if kind == OPUS:
            extensions[AUDIO_LEVEL] = bytes([self.level])
        elif stream.rid is not None:
            extensions[RID] = stream.rid.encode()
        self._send(kind, stream.sequence, timestamp, stream.ssrc, payload, marker, extensions)

    def resend(self, ssrc: int, number: int) -> None:
        stream = next((one for one in self.streams.values() if one.ssrc == ssrc), None)
        if stream is None or number not in stream.sent:
            return
        marker, timestamp, payload = stream.sent[number]
        stream.rtx_sequence = stream.rtx_sequence + 1 & 0xFFFF
        extensions = {MID: stream.mid.encode()}
        if stream.rid is not None:
            extensions[REPAIRED_RID] = stream.rid.encode()
        body = number.to_bytes(2, "big") + payload
        self._send(RTX, stream.rtx_sequence, timestamp, ssrc + 5000, body, marker, extensions)

    def _send(
        self,
        kind: int,
        sequence: int,
        timestamp: int,
        ssrc: int,
        payload: bytes,
        marker: bool,
        extensions: dict[int, bytes],
    ) -> None:
        self.wide += 1
        extensions = {**extensions, TRANSPORT_WIDE_CC: (self.wide & 0xFFFF).to_bytes(2, "big")}
        packet = rtp.build(kind, sequence, timestamp, ssrc, payload, marker=marker, extensions=extensions)
        self._leave(packet, False)

    def say(self, compound: bytes) -> None:
        self._leave(compound, True)

    def _leave(self, packet: bytes, is_rtcp: bool) -> None:
        world = self.world
        for _ in range(1 + (self.dice.random() < self.twice)):
            at = self.up.send(len(packet), world.now)
            if at is None:
                continue
            if is_rtcp:
                world.at(
                    at, lambda: world.work(lambda: world.forwarder.rtcp(self.session, packet, world.now))
                )
            else:
                world.at(at, lambda: world.work(lambda: world.forwarder.rtp(self.session, packet, world.now)))

    def report(self) -> None:
        """Sender reports, as a browser sends them every second."""
        ntp = int((self.world.now + 4_000_000_000) * (1 << 32))
        for (kind, _), stream in self.streams.items():
            clock = 48_000 if kind is Kind.AUDIO else 90_000
            timestamp = int(self.world.now * clock) + stream.offset
            self.say(
                rtcp.sender_report(stream.ssrc, ntp, timestamp & 0xFFFFFFFF, stream.packets, stream.octets)
                + rtcp.source_description(stream.ssrc, b"sender")
            )

    # Receiving

    def receive(self, packet: bytes, is_rtcp: bool) -> None:
        if self.world.now < self.asleep:
            self.world.at(self.asleep, lambda: self.receive(packet, is_rtcp))
            return
        if is_rtcp:
            self._receive_rtcp(packet)
            return
        shape = rtp.shape_of(packet)
        assert shape is not None
        assert shape.wide
        assert shape.name(packet, MID) is None
        self.arrivals.noted.append(
            (int.from_bytes(packet[shape.wide : shape.wide + 2], "big"), self.world.now)
        )
        _, marked, number, timestamp, ssrc = rtp.read_fixed(packet)
        start = shape.payload
        if marked & 0x7F == RTX:
            # By the SDP: which media an SSRC of retransmissions repairs.
            assert ssrc == self.ever[ssrc].rtx_ssrc
            ssrc = self.ever[ssrc].ssrc
            if shape.padding:
                self.padding += len(packet)
                return
            number = int.from_bytes(packet[start : start + 2], "big")
            start += 2
            self.repairs.append((self.world.now, ssrc, number))
        got = self.got[ssrc]
        sequence = number if got.highest is None else nearest(number, got.highest)
        if sequence in got.sequences:
            assert got.payloads[sequence] == packet[start:], "a repair repeats what had left"
            return
        if got.highest is not None and self.asks and self.ever[ssrc].kind.media == "video":
            gap = range(got.highest + 1, sequence)
            if gap and not self.watches:
                self.world.at(self.world.now + 0.01, lambda: self._ask(ssrc, list(gap), 5))
        got.highest = sequence if got.highest is None else max(got.highest, sequence)
        got.sequences.add(sequence)
        got.times[sequence] = timestamp
        got.arrived[sequence] = self.world.now
        got.payloads[sequence] = packet[start:]
        got.at.append(self.world.now)
        got.octets += len(packet)
        if marked & 0x7F != OPUS:
            found = vp8.parse(packet, start, len(packet))
            assert found is not None
            got.pictures[sequence] = found[2]
            got.tl0s[sequence] = found[3]
            if self.watches:
                starts = bool(packet[start] & 0x10)
                marker = bool(marked & rtp.MARKER)
                self.viewer(ssrc).take(sequence, Packet(starts, marker, found[0]), self.world.now)

    def viewer(self, ssrc: int) -> Viewer:
        if ssrc not in self.viewers:
            self.viewers[ssrc] = Viewer(
                lambda numbers: self.say(rtcp.nack(1, ssrc, numbers)),
                lambda: self.say(rtcp.picture_loss(1, ssrc)),
                self.round_trip,
                blind=self.blind,
            )
        return self.viewers[ssrc]

    def look(self) -> None:
        for viewer in self.viewers.values():
            viewer.tick(self.world.now)

    def _ask(self, ssrc: int, numbers: list[int], tries: int) -> None:
        missing = [number for number in numbers if number not in self.got[ssrc].sequences]
        if missing and tries:
            self.say(rtcp.nack(1, ssrc, missing))
            self.world.at(self.world.now + 0.15, lambda: self._ask(ssrc, missing, tries - 1))

    def _receive_rtcp(self, compound: bytes) -> None:
        parts = rtcp.parse(compound)
        assert parts is not None
        for part in parts:
            self.heard.append((self.world.now, part))
            match part:
                case rtcp.Nack(ssrc, numbers):
                    for number in numbers:
                        self.resend(ssrc, number)
                case rtcp.KeyFrameRequest(ssrcs):
                    for stream in self.streams.values():
                        stream.key_frame = stream.key_frame or stream.ssrc in ssrcs
                case rtcp.SenderReport():
                    self.got[part.ssrc].report = part
                    # Its middle bits come back in the next report of the receiver.
                    block = rtcp.Block(part.ssrc, 0, 0, 0, 0, part.ntp >> 16 & 0xFFFFFFFF, 0)
                    self.say(rtcp.receiver_report(1, [block]))

    def feed_back(self) -> None:
        body = self.arrivals.feedback()
        if body is not None and self.answers:
            self.say(rtcp.wide_feedback(1, 1, body))

    def of(self, other: "Browser", kind: Kind) -> Got:
        """What it has of another's stream."""
        return self.got[self.out(other, kind).ssrc]

    def out(self, other: "Browser", kind: Kind) -> StreamOut:
        return next(s for s in self.lines.values() if s.source_session == other.session and s.kind is kind)

    def want(self, other: "Browser", layer: Layer, kind: Kind = Kind.CAMERA) -> None:
        mid = self.mids[self.out(other, kind).ssrc]
        self.world.forwarder.wants(self.session, mid, layer, self.world.now)


class World:
    def __init__(self, seed: str) -> None:
        self.seed = seed
        self.dice = Random(seed)
        self.now = 1000.0
        self.forwarder = Forwarder(self.dice.randbytes)
        self.browsers: dict[bytes, Browser] = {}
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._count = 0
        self._due = self.now
        # Per receiver and SSRC: the newest sequence number that left, and all of them.
        self._left: dict[tuple[bytes, int], tuple[int, set[int]]] = {}
        self._wide: dict[bytes, int] = {}
        self._spares: dict[tuple[bytes, bytes], bytes] = {}
        self.packets_left = 0
        self.key_frame = 3.0
        """How much larger a key frame is than a frame is on average."""
        self.asleep = 0.0
        """Until then the unit stands still,"""
        self.amid = False
        """with one packet that it had read before."""

    def at(self, when: float, what: Callable[[], None]) -> None:
        self._count += 1
        heapq.heappush(self._events, (when, self._count, what))

    def every(self, period: float, what: Callable[[], None], phase: float = 0.0) -> None:
        def again() -> None:
            what()
            self.at(self.now + period, again)

        self.at(self.now + phase, again)

    def run(self, seconds: float) -> None:
        end = self.now + seconds
        while True:
            self._due = max(self._due, self.asleep)
            when = min(self._due, self._events[0][0]) if self._events else self._due
            if when > end:
                self.now = end
                return
            self.now = max(self.now, when)
            if self._events and self._events[0][0] <= self._due:
                heapq.heappop(self._events)[2]()
            else:
                self._due = self.forwarder.tick(self.now)
            self.deliver()

    def work(self, what: Callable[[], None]) -> None:
        """Something that the unit does: later, where it stands still."""
        if self.now >= self.asleep:
            what()
        elif self.amid:
            self.amid = False
            what()
            held = self.forwarder.take()
            self.forwarder.stood_still(self.now)
            self.at(self.asleep, lambda: self._put(held))
        else:
            self.at(self.asleep, lambda: self.work(what))

    def deliver(self) -> None:
        """What the forwarder lets go, checked, and put onto the links."""
        self._put(self.forwarder.take())

    def _put(self, out: Out) -> None:
        for session, packet, is_rtcp in out:
            if not is_rtcp:
                self._check(session, packet)
            browser = self.browsers.get(session)
            assert browser is not None, "a packet for somebody who left"
            self._leave(browser, packet, is_rtcp)
            if session in self.forwarder.losing() and not is_rtcp and packet[1] & 0x7F == OPUS:
                # As the switchboard does it, with the bytes that it had sealed.
                before = self._spares.get((session, packet[8:12]))
                self._spares[session, packet[8:12]] = packet
                if before is not None:
                    self._leave(browser, before, False)

    def _leave(self, browser: Browser, packet: bytes, is_rtcp: bool) -> None:
        at = browser.down.send(len(packet), self.now)
        if at is not None:
            self.at(at, lambda: browser.receive(packet, is_rtcp))

    def _check(self, session: bytes, packet: bytes) -> None:
        self.packets_left += 1
        _, _, number, _, ssrc = rtp.read_fixed(packet)
        newest, all_of_them = self._left.get((session, ssrc), (number, set()))
        sequence = nearest(number, newest)
        assert sequence not in all_of_them, f"{ssrc}: {sequence} leaves twice"
        assert newest - sequence < 1024, "further back than SRTP's window"
        assert sequence - newest < 4096, "a leap"
        all_of_them.add(sequence)
        self._left[session, ssrc] = (max(newest, sequence), all_of_them)
        shape = rtp.shape_of(packet)
        assert shape is not None
        wide = int.from_bytes(packet[shape.wide : shape.wide + 2], "big")
        before = self._wide.get(session)
        assert before is None or wide == before + 1 & 0xFFFF
        self._wide[session] = wide

    # People

    def join(self, name: str, up: Link | None = None, down: Link | None = None) -> Browser:
        browser = Browser(self, name, up or Link(self.dice), down or Link(self.dice))
        self.browsers[browser.session] = browser
        self.forwarder.join(browser.session, browser.session, self.now)
        self.every(0.1, lambda: self._if_here(browser, browser.feed_back), self.dice.random() * 0.1)
        self.every(1.0, lambda: self._if_here(browser, browser.report), 0.3 + self.dice.random())
        self.every(ASK_EVERY, lambda: self._if_here(browser, browser.look))
        return browser

    def leave(self, browser: Browser) -> None:
        self.forwarder.leave(browser.session, self.now)
        del self.browsers[browser.session]

    def publish(self, browser: Browser, *kinds: Kind) -> None:
        for kind in kinds:
            self.forwarder.publish(browser.session, MIDS[kind], kind)

    def connect(self, only: Browser | None = None) -> None:
        """Everybody subscribes to everything, as the offers after a change do; or one does."""
        changed = self.forwarder.changed()
        for session in changed if only is None else {only.session}:
            browser = self.browsers[session]
            streams = self.forwarder.streams_for(session)
            for gone in [ssrc for ssrc in browser.lines if ssrc not in {s.ssrc for s in streams}]:
                self.forwarder.unsubscribe(session, browser.mids.pop(gone))
                del browser.lines[gone]
            for stream in streams:
                if stream.ssrc not in browser.lines:
                    mid = str(next(m for m in range(4, 100) if str(m) not in browser.mids.values()))
                    self.forwarder.subscribe(session, mid, stream)
                    browser.lines[stream.ssrc] = browser.ever[stream.ssrc] = stream
                    if stream.rtx_ssrc is not None:
                        browser.ever[stream.rtx_ssrc] = stream
                    browser.mids[stream.ssrc] = mid

    def talk(self, browser: Browser) -> None:
        self.every(0.02, lambda: self._if_here(browser, browser.send_audio), self.dice.random() * 0.02)

    def film(self, browser: Browser, layers: str = "lmh", rates: dict[str, int] | None = None) -> set[str]:
        """A camera. The set that comes back says which layers are sent: change it to stop one."""
        on = set(layers)
        of = rates or RATES

        def frame() -> None:
            for layer in "lmh":
                if layer in on:
                    browser.send_frame(Kind.CAMERA, layer, of[layer])

        self.every(1 / FRAMES, lambda: self._if_here(browser, frame), self.dice.random() / FRAMES)
        return on

    def share(self, browser: Browser, rate: float = 300_000) -> None:
        self.every(
            1 / FRAMES, lambda: self._if_here(browser, lambda: browser.send_frame(Kind.SCREEN, "h", rate))
        )

    def _if_here(self, browser: Browser, what: Callable[[], None]) -> None:
        if self.now < browser.asleep:
            self.at(browser.asleep, lambda: self._if_here(browser, what))
        elif browser.session in self.browsers:
            what()

    def stall(self, seconds: float, share: float) -> None:
        """A busy machine for so long: everybody, each on its own, stands still for this share of the time."""
        end = self.now + seconds
        self._stall(self, end, share)
        for browser in self.browsers.values():
            self._stall(browser, end, share)

    def _stall(self, who: "World | Browser", end: float, share: float) -> None:
        length = self.dice.uniform(*STALL)
        start = self.now + length * (1 - share) / share * self.dice.uniform(0.2, 1.8)
        if start + length > end:
            return

        def sleep() -> None:
            who.asleep = self.now + length
            if who is self:
                self.amid = self.dice.random() < 0.5
            self.at(who.asleep, lambda: self._stall(who, end, share))

        self.at(start, sleep)

    def layer(self, receiver: Browser, sender: Browser, kind: Kind = Kind.CAMERA) -> Layer:
        """What the forwarder says that a receiver gets."""
        mid = receiver.mids[receiver.out(sender, kind).ssrc]
        for one in self.forwarder.report(self.now):
            if one.session == receiver.session:
                return next(sending.layer for sending in one.layers if sending.mid == mid)
        raise AssertionError("not in the room")
