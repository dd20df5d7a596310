"""What /metrics shows: counts and times, nothing about anybody.

The delivery path counts in plain integers; a collector reads them when somebody asks.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from prometheus_client import CollectorRegistry, Counter, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector


@dataclass(slots=True)
class Counts:
    """Since the start, but for what is now."""

    sockets: int = 0  # now
    entries: int = 0
    delivered: int = 0
    lagged: int = 0
    commits: int = 0
    log_failed: int = 0
    calls: int = 0  # now
    participants: int = 0  # now
    units: int = 0  # now
    unit_ends: int = 0
    media_up_kilobits: float = 0
    media_down_kilobits: float = 0


class _FromCounts(Collector):
    def collect(self) -> Iterable[Metric]:
        yield GaugeMetricFamily("collegium_sockets", "Open sockets", COUNTS.sockets)
        yield CounterMetricFamily("collegium_entries", "Log entries taken", COUNTS.entries)
        yield CounterMetricFamily("collegium_delivered", "Log entries put into outboxes", COUNTS.delivered)
        yield CounterMetricFamily("collegium_lagged", "Sockets that continued from the log", COUNTS.lagged)
        yield CounterMetricFamily("collegium_commits", "Transactions of the writer", COUNTS.commits)
        yield CounterMetricFamily("collegium_log_failed", "Writes of the log that failed", COUNTS.log_failed)
        yield GaugeMetricFamily("collegium_calls", "Rooms with a call", COUNTS.calls)
        yield GaugeMetricFamily("collegium_call_participants", "Devices in calls", COUNTS.participants)
        yield GaugeMetricFamily("collegium_media_units", "Media processes that listen", COUNTS.units)
        yield CounterMetricFamily(
            "collegium_media_unit_ends", "Media processes that ended unasked", COUNTS.unit_ends
        )
        media = CounterMetricFamily(
            "collegium_media_kilobits", "Media forwarded, as the units report it", labels=["direction"]
        )
        media.add_metric(["up"], COUNTS.media_up_kilobits)
        media.add_metric(["down"], COUNTS.media_down_kilobits)
        yield media


COUNTS = Counts()
REGISTRY = CollectorRegistry()
REGISTRY.register(_FromCounts())
REFUSED = Counter("collegium_refused", "Frames refused", ["code"], registry=REGISTRY)
HTTP = Counter("collegium_http", "HTTP answers", ["status"], registry=REGISTRY)


def text() -> bytes:
    return generate_latest(REGISTRY)
