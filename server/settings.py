"""Settings, all from the environment, checked before anything starts."""

import ipaddress
import os
import sys
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from server.errors import StartError
from server.push_endpoint import named_hosts
from server.turn_credentials import turn_urls
from signaling.sfu.control import MAX_ADDRESSES

ROOT = Path(__file__).resolve().parent.parent
MIN_TURN_SECRET = 16
MAX_TURN_SECRET = 1024
MAX_WORKERS = 16


def default_workers() -> int:
    """One for each core, four at most. A unit inherits its end of a socketpair, which Windows has not."""
    return min(4, os.cpu_count() or 1) if sys.platform != "win32" else 0


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
    # Who a push service may write to about our wakes: mailto: or https:. Without it, the origin is named.
    push_contact: str | None = Field(default=None, max_length=200)
    # Push services beside the known ones, as HOST or HOST:PORT. Their addresses are not judged (THREATS 43).
    push_hosts: str = Field(default="", max_length=2000)
    # Who certifies these, beside the authorities of the system: a PEM file.
    push_ca: Path | None = None
    # turn:HOST:PORT?transport=udp and so on, and the secret that is shared with the TURN server.
    turn_urls: str = Field(default="", max_length=2000)
    turn_secret: SecretStr | None = None
    turn_secret_file: Path | None = None
    # Processes that forward the media of calls; 0 turns calls off. The first has UDP port `media_port`, the
    # next ones the ports after it; with 0 each takes any.
    media_workers: int = Field(default_factory=default_workers, ge=0, le=MAX_WORKERS)
    media_port: int = Field(default=0, ge=0, le=65535)
    media_host: str = "127.0.0.1"
    # What clients are told to send to, where that is another address than `media_host`; several with commas.
    media_address: str = Field(default="", max_length=400)

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
    def media_addresses(self) -> tuple[str, ...]:
        """What clients are told to send media to."""
        named = tuple(one.strip() for one in self.media_address.split(",") if one.strip())
        return named or (self.media_host,)

    @property
    def calls_stay_here(self) -> bool:
        """People come from other machines, and media would not."""
        others = self.rp_id not in ("localhost", "127.0.0.1", "::1")
        here = all(ipaddress.ip_address(one).is_loopback for one in self.media_addresses)
        return others and here and self.media_workers > 0

    @property
    def rp_id(self) -> str:
        """The relying party of passkeys: a name, never a bare address."""
        return urlsplit(self.origins[0]).hostname or "localhost"

    @property
    def push_subject(self) -> str:
        """Who answers for our wakes (RFC 8292 §2.1)."""
        return self.push_contact or self.origins[0]


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
    _check_push(settings)
    _check_turn(settings)
    _check_media(settings)


def _check_push(settings: Settings) -> None:
    if settings.push_contact is not None and not settings.push_contact.startswith(("mailto:", "https://")):
        raise StartError("COLLEGIUM_PUSH_CONTACT is like mailto:someone@example.org or https://example.org.")
    named_hosts(settings.push_hosts)
    if settings.push_ca is not None and not settings.push_ca.is_file():
        raise StartError(f"{settings.push_ca} does not exist; COLLEGIUM_PUSH_CA names a PEM file.")


def _check_turn(settings: Settings) -> None:
    urls = turn_urls(settings.turn_urls)
    if settings.turn_secret and settings.turn_secret_file is not None:
        raise StartError("Set COLLEGIUM_TURN_SECRET or COLLEGIUM_TURN_SECRET_FILE, not both.")
    secret = turn_secret(settings)
    if bool(urls) != bool(secret):
        raise StartError("COLLEGIUM_TURN_URLS and COLLEGIUM_TURN_SECRET belong together: set both or none.")
    if secret and len(secret) < MIN_TURN_SECRET:
        raise StartError(
            f"The TURN secret is short: {MIN_TURN_SECRET} characters at least (openssl rand -hex 32)."
        )


def _check_media(settings: Settings) -> None:
    if settings.media_port and settings.media_port + settings.media_workers - 1 > 65535:
        raise StartError("COLLEGIUM_MEDIA_PORT and the ports after it, one for each worker, end at 65535.")
    for name, text in (
        ("HOST", settings.media_host),
        *(("ADDRESS", one) for one in settings.media_addresses),
    ):
        try:
            address = ipaddress.ip_address(text)
        except ValueError as error:
            raise StartError(f"COLLEGIUM_MEDIA_{name}={text} is no address; names do not do.") from error
        if name == "ADDRESS" and address.is_unspecified:
            raise StartError(
                f"COLLEGIUM_MEDIA_HOST={text} stands for all addresses, and clients must be told one: "
                "set COLLEGIUM_MEDIA_ADDRESS."
            )
    if len(settings.media_addresses) > MAX_ADDRESSES:
        raise StartError(f"COLLEGIUM_MEDIA_ADDRESS names {MAX_ADDRESSES} addresses at most.")


def turn_secret(settings: Settings) -> bytes:
    """What we share with the TURN server; empty when there is none. Raises StartError."""
    if settings.turn_secret:
        return settings.turn_secret.get_secret_value().encode()
    if settings.turn_secret_file is None:
        return b""
    try:
        with settings.turn_secret_file.open("rb") as file:
            return file.read(MAX_TURN_SECRET).strip()
    except OSError as error:
        raise StartError(
            f"COLLEGIUM_TURN_SECRET_FILE {settings.turn_secret_file}: {error.strerror}."
        ) from error
