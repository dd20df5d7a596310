"""Which push endpoints are called, and at which addresses (THREATS 43). Pure: no name is looked up here.

An endpoint comes from a client, so it may name anything: the server's own network, a neighbour, itself. It is
taken only when its host is a known push service, and called only at an address that anyone may call.
"""

import ipaddress
import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from server.errors import RefusedError, StartError
from wire.bounds import MAX_PUSH_ENDPOINT

HTTPS = 443
# The push services of the browsers. A name that begins with a dot stands for every name that ends so.
KNOWN = (
    "fcm.googleapis.com",  # Chrome, Edge on Android, Opera, Samsung
    ".push.services.mozilla.com",  # Firefox
    ".push.apple.com",  # Safari
    ".notify.windows.com",  # Edge
)
MAX_NAMED = 16
_NAME = re.compile(r"(?=.{1,253}\Z)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*")
# What may stand in a request line (RFC 3986 §3.3, §3.4); a fragment is never sent.
_TARGET = re.compile(r"/[A-Za-z0-9._~!$&'()*+,;=:@%/?-]*")
# IPv6 networks that carry an IPv4 address, which would be reached instead: compatible, mapped, NAT64, 6to4,
# Teredo. And the old site-local one.
CARRIERS = tuple(
    ipaddress.IPv6Network(network)
    for network in (
        "::/96",
        "::ffff:0:0/96",
        "64:ff9b::/96",
        "64:ff9b:1::/48",
        "2002::/16",
        "2001::/32",
        "fec0::/10",
    )
)

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class EndpointError(RefusedError):
    """The caller's: this server does not call such an endpoint."""

    def __init__(self, why: str) -> None:
        super().__init__("push_endpoint", f"This server does not call this push endpoint: {why}.")


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A push resource that may be called. `named`: its host was named by whoever runs the server."""

    host: str
    port: int
    target: str
    named: bool

    @property
    def authority(self) -> str:
        return self.host if self.port == HTTPS else f"{self.host}:{self.port}"

    @property
    def origin(self) -> str:
        """As `aud` names it (RFC 8292 §2)."""
        return f"https://{self.authority}"


Named = frozenset[tuple[str, int]]


def named_hosts(text: str) -> Named:
    """COLLEGIUM_PUSH_HOSTS: HOST or HOST:PORT, with spaces or commas between. Raises StartError."""
    found = set()
    for word in text.replace(",", " ").split():
        host, _, port = word.lower().partition(":")
        number = int(port) if port.isascii() and port.isdigit() else HTTPS if not port else 0
        if not _NAME.fullmatch(host) or not 1 <= number <= 65535:
            raise StartError(
                f"COLLEGIUM_PUSH_HOSTS: {word} is not like push.example.org or push.example.org:8443."
            )
        found.add((host, number))
    if len(found) > MAX_NAMED:
        raise StartError(f"COLLEGIUM_PUSH_HOSTS takes {MAX_NAMED} hosts at most.")
    return frozenset(found)


def read_endpoint(text: str, named: Named) -> Endpoint:
    """Raises EndpointError for everything that is not an https address at a push service that is known."""
    if len(text) > MAX_PUSH_ENDPOINT:
        raise EndpointError("it is too long")
    try:
        parts = urlsplit(text)
        host, port = parts.hostname or "", parts.port or HTTPS
    except ValueError as error:
        raise EndpointError("it is not an address") from error
    # Another spelling of the same address would be parsed differently elsewhere: one spelling alone.
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    if f"https://{parts.netloc}{target}" != text or parts.netloc not in (host, f"{host}:{port}"):
        raise EndpointError("it is not a plain https address")
    if not _NAME.fullmatch(host) or not _TARGET.fullmatch(target):
        raise EndpointError("it has characters that an address does not have")
    if (host, port) in named:
        return Endpoint(host, port, target, named=True)
    if port != HTTPS or not any(host.endswith(one) if one.startswith(".") else host == one for one in KNOWN):
        raise EndpointError("its host is not a known push service")
    return Endpoint(host, port, target, named=False)


def anyone_may_call(address: Address) -> bool:
    """Whether this is an address of the open internet, of one machine."""
    if isinstance(address, ipaddress.IPv6Address) and any(address in network for network in CARRIERS):
        return False
    return address.is_global and not address.is_multicast and not address.is_reserved
