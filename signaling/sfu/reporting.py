"""How one participant fares, for people."""

from signaling.sfu.control import Kind, Layer, ParticipantReport, Sending
from signaling.sfu.participant import Participant


def report_of(person: Participant, now: float) -> ParticipantReport:
    up = sum(
        source.rate
        for section in person.sections.values()
        for source in section.layers.values()
        if source.is_live(now)
    )
    down = sum(
        line.incoming.rate
        for line in person.lines.values()
        if line.incoming is not None and line.incoming.is_live(now)
    )
    loudness = max((s.loudness.value for s in person.sections.values() if s.kind is Kind.AUDIO), default=0.0)
    return ParticipantReport(
        device=person.device,
        session=person.session,
        round_trip_ms=1000 * person.round_trip if person.round_trip_known else None,
        loss_up=person.loss_up,
        loss_down=min(1.0, person.loss_down),
        kbps_up=up / 1000,
        kbps_down=down / 1000,
        loudness=round(loudness),
        layers=[
            Sending(
                mid=line.mid,
                layer=line.incoming.layer
                if line.incoming is not None and line.incoming.is_live(now)
                else Layer.NONE,
            )
            for line in person.lines.values()
        ],
    )
