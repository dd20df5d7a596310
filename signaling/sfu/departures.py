"""What leaves towards receivers: the places where a header is written and a transport-wide number is given.

A number is given once for each packet of a receiver, in the order in which they leave, whatever stream they
are of; what left under it is remembered until its feedback comes.
"""

from typing import Final

from signaling.sfu import rtp
from signaling.sfu.cache import Kept
from signaling.sfu.incoming import Incoming
from signaling.sfu.line import Line
from signaling.sfu.participant import SENT_SLOTS, Participant
from signaling.sfu.payloads import RTX
from signaling.sfu.probe import MAX_PACKETS as MAX_PADDING
from signaling.sfu.vp8 import PICTURE_IDS

Out = list[tuple[bytes, bytes, bool]]
"""(session, packet, whether it is RTCP), in order."""

_SENT: Final = SENT_SLOTS - 1


def forward(out: Out, source: Incoming, lines: list[Line], kept: Kept, now: float) -> None:
    """A packet of `source` to each of these lines. This is what a call costs."""
    sequence, marked, timestamp, flags, picture, tl0, tail = kept
    head = rtp.OUT | marked
    append = out.append
    stamp = (now, len(tail) + rtp.OVERHEAD)
    ssrc = source.section.stream.ssrc << 32 | rtp.VIDEO_BLOCK
    # A loop for each form of packet: what differs between receivers is all that is done inside.
    if picture >= 0 and tl0 >= 0:
        pack = rtp.pack_layered
        for line in lines:
            receiver = line.receiver
            receiver.wide = wide = receiver.wide + 1
            receiver.ring[wide & _SENT] = stamp
            append(
                (
                    receiver.session,
                    pack(
                        head,
                        sequence + line.sequence & 0xFFFF,
                        timestamp + line.timestamp & 0xFFFFFFFF,
                        ssrc,
                        rtp.WIDE | (wide & 0xFFFF) << 8,
                        flags,
                        picture + line.picture & 0x7FFF | 0x8000,
                        tl0 + line.tl0 & 0xFF,
                    )
                    + tail,
                    False,
                )
            )
    elif picture >= 0:
        pack = rtp.pack_pictured
        for line in lines:
            receiver = line.receiver
            receiver.wide = wide = receiver.wide + 1
            receiver.ring[wide & _SENT] = stamp
            append(
                (
                    receiver.session,
                    pack(
                        head,
                        sequence + line.sequence & 0xFFFF,
                        timestamp + line.timestamp & 0xFFFFFFFF,
                        ssrc,
                        rtp.WIDE | (wide & 0xFFFF) << 8,
                        flags,
                        picture + line.picture & 0x7FFF | 0x8000,
                    )
                    + tail,
                    False,
                )
            )
    elif source.video or flags < 0:
        pack = rtp.pack_video
        for line in lines:
            receiver = line.receiver
            receiver.wide = wide = receiver.wide + 1
            receiver.ring[wide & _SENT] = stamp
            append(
                (
                    receiver.session,
                    pack(
                        head,
                        sequence + line.sequence & 0xFFFF,
                        timestamp + line.timestamp & 0xFFFFFFFF,
                        ssrc,
                        rtp.WIDE | (wide & 0xFFFF) << 8,
                    )
                    + tail,
                    False,
                )
            )
    else:
        pack = rtp.pack_audio
        ssrc += rtp.AUDIO_BLOCK - rtp.VIDEO_BLOCK
        level = rtp.LEVEL | flags
        for line in lines:
            receiver = line.receiver
            receiver.wide = wide = receiver.wide + 1
            receiver.ring[wide & _SENT] = stamp
            append(
                (
                    receiver.session,
                    pack(
                        head,
                        sequence + line.sequence & 0xFFFF,
                        timestamp + line.timestamp & 0xFFFFFFFF,
                        ssrc,
                        rtp.WIDE | (wide & 0xFFFF) << 8,
                        level,
                    )
                    + tail,
                    False,
                )
            )


def repair(out: Out, line: Line, kept: Kept, now: float) -> None:
    """RFC 4588: what left here before once more, under the SSRC and sequence of retransmissions.

    Never under its own: with another transport-wide number in its header it would be another packet.
    """
    ssrc = line.section.stream.rtx_ssrc
    assert ssrc is not None
    receiver = line.receiver
    receiver.wide = wide = receiver.wide + 1
    sequence, marked, timestamp, flags, picture, tl0, tail = kept
    if picture >= 0:
        picture = (picture + line.picture) % PICTURE_IDS | 0x8000
        descriptor = flags.to_bytes(2, "big") + picture.to_bytes(2, "big")
        if tl0 >= 0:
            descriptor += bytes([tl0 + line.tl0 & 0xFF])
        tail = descriptor + tail
    packet = (
        rtp.pack_repair(
            rtp.OUT | marked & rtp.MARKER | RTX,
            line.repair_sequence & 0xFFFF,
            timestamp + line.timestamp & 0xFFFFFFFF,
            ssrc << 32 | rtp.VIDEO_BLOCK,
            rtp.WIDE | (wide & 0xFFFF) << 8,
            sequence + line.sequence & 0xFFFF,
        )
        + tail
    )
    line.repair_sequence += 1
    receiver.repair_level -= len(packet)
    receiver.ring[wide & _SENT] = (now, len(packet))
    out.append((receiver.session, packet, False))


def padding_line(person: Participant) -> Line | None:
    """A line that has an SSRC for retransmissions: padding goes out under it, as browsers do it too.

    Nothing need flow on the line: so a receiver that gets audio alone is probed as well.
    """
    return next((line for line in person.lines.values() if line.section.stream.rtx_ssrc is not None), None)


def pad(out: Out, person: Participant, line: Line, now: float) -> None:
    """What is lacking in the burst that is being sent: packets that are padding alone."""
    ssrc = line.section.stream.rtx_ssrc
    assert ssrc is not None
    probe, ring = person.probe, person.ring
    sent = probe.answered
    for wide in range(probe.first, person.wide + 1):
        entry = ring[wide & _SENT]
        sent += entry[1] if entry is not None else 0
    count = -(-probe.lacking(sent, now) // rtp.PADDING_PACKET)
    stamp = (now, rtp.PADDING_PACKET)
    for _ in range(min(count, MAX_PADDING)):
        person.wide = wide = person.wide + 1
        ring[wide & _SENT] = stamp
        packet = rtp.pack_video(
            rtp.OUT_PADDED | RTX,
            line.repair_sequence & 0xFFFF,
            line.newest_timestamp,
            ssrc << 32 | rtp.VIDEO_BLOCK,
            rtp.WIDE | (wide & 0xFFFF) << 8,
        )
        line.repair_sequence += 1
        out.append((person.session, packet + rtp.PADDING, False))
