"""What /metrics shows: counts and times, nothing about anybody."""

from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest

REGISTRY = CollectorRegistry()

SOCKETS = Gauge("collegium_sockets", "Open sockets", registry=REGISTRY)
ENTRIES = Counter("collegium_entries", "Log entries taken", registry=REGISTRY)
DELIVERED = Counter("collegium_delivered", "Log entries put into outboxes", registry=REGISTRY)
LAGGED = Counter("collegium_lagged", "Sockets that fell behind and continued from the log", registry=REGISTRY)
REFUSED = Counter("collegium_refused", "Frames refused", ["code"], registry=REGISTRY)
HTTP = Counter("collegium_http", "HTTP answers", ["status"], registry=REGISTRY)
COMMITS = Gauge("collegium_commits", "Transactions of the writer since the start", registry=REGISTRY)


def text() -> bytes:
    return generate_latest(REGISTRY)
