"""Settings, all from the environment, checked before anything starts."""

import ipaddress
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from server.errors import StartError

ROOT = Path(__file__).resolve().parent.parent


class Settings(BaseSettings):
    """`COLLEGIUM_PORT` and so on. Defaults serve this machine alone."""

    model_config = SettingsConfigDict(env_prefix="COLLEGIUM_", frozen=True)

    port: int = Field(default=8400, ge=1, le=65535)
    host: str = "127.0.0.1"
    data: Path = Path("data")
    origin: str | None = None
    tls_cert: Path | None = None
    tls_key: Path | None = None
    web: Path = ROOT / "web/dist"
    # Multiplies every rate limit: benchmarks raise it, tests of the limits lower it.
    rate_factor: float = Field(default=1.0, gt=0)
    # Whether /metrics answers others than this machine.
    metrics_open: bool = False
    # Messages older than this go even when a device has not fetched them; Commits never before 90 days (E23).
    retention_days: float = Field(default=90, gt=0)
    collect_seconds: float = Field(default=60, gt=0)

    @property
    def loopback(self) -> bool:
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"

    @property
    def behind_proxy(self) -> bool:
        """TLS ends before us: then the proxy's last X-Forwarded-For entry is the caller."""
        return self.origin is not None and self.tls_cert is None and self.origin.startswith("https://")

    @property
    def origins(self) -> tuple[str, ...]:
        """Whose pages may call; the first is the address that people are given."""
        if self.origin is not None:
            return (self.origin.rstrip("/"),)
        scheme = "https" if self.tls_cert else "http"
        return (f"{scheme}://localhost:{self.port}", f"{scheme}://127.0.0.1:{self.port}")

    @property
    def rp_id(self) -> str:
        """The relying party of passkeys: a name, never a bare address."""
        return urlsplit(self.origins[0]).hostname or "localhost"


def check(settings: Settings) -> None:
    """Raises StartError when people could not use this server safely as it is set."""
    if (settings.tls_cert is None) != (settings.tls_key is None):
        raise StartError("COLLEGIUM_TLS_CERT and COLLEGIUM_TLS_KEY belong together: set both or none.")
    for path in (settings.tls_cert, settings.tls_key):
        if path is not None and not path.is_file():
            raise StartError(
                f"{path} does not exist; COLLEGIUM_TLS_CERT and COLLEGIUM_TLS_KEY name PEM files."
            )
    if not settings.loopback and settings.tls_cert is None and settings.origin is None:
        raise StartError(
            f"COLLEGIUM_HOST={settings.host} would serve others without TLS, and browsers refuse passkeys "
            "and encryption there. Set COLLEGIUM_TLS_CERT and COLLEGIUM_TLS_KEY, or "
            "COLLEGIUM_ORIGIN=https://… when a proxy such as Caddy stands in front."
        )
    if settings.tls_cert is not None and not settings.loopback and settings.origin is None:
        raise StartError("Set COLLEGIUM_ORIGIN=https://NAME: the address that people will open.")
    if settings.origin is not None:
        parts = urlsplit(settings.origin)
        local = parts.hostname in ("localhost", "127.0.0.1", "::1")
        whole = parts.path in ("", "/") and not parts.query and not parts.fragment and bool(parts.hostname)
        if not whole or (parts.scheme != "https" and not (parts.scheme == "http" and local)):
            raise StartError("COLLEGIUM_ORIGIN is like https://group.example.org, without a path.")
