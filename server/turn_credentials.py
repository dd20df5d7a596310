"""Credentials for a TURN server that shares a secret with us: coturn's `use-auth-secret`. Pure.

The username says when it runs out and is otherwise random, so the TURN server learns nothing about who uses
it (THREATS 33); minutes later it opens nothing (THREATS 34).
"""

import hmac
import re
from base64 import b64encode

from server.errors import StartError
from wire.bounds import MAX_TURN_URLS, to_base64url
from wire.http import TurnServers

TTL_S = 600
NAME_BYTES = 12
# RFC 7065 §3.1, of which browsers take these.
_URL = re.compile(
    r"turns?:(\[[0-9A-Fa-f:.]{2,45}\]|[A-Za-z0-9.-]{1,253})(:[0-9]{1,5})?(\?transport=(udp|tcp))?"
)


def turn_urls(text: str) -> tuple[str, ...]:
    """COLLEGIUM_TURN_URLS, with spaces or commas between. Raises StartError."""
    urls = tuple(text.replace(",", " ").split())
    for url in urls:
        if not _URL.fullmatch(url):
            raise StartError(
                f"COLLEGIUM_TURN_URLS: {url} is not like turn:turn.example.org:3478?transport=udp or "
                "turns:turn.example.org:5349."
            )
    if len(urls) > MAX_TURN_URLS:
        raise StartError(f"COLLEGIUM_TURN_URLS takes {MAX_TURN_URLS} addresses at most.")
    return urls


def turn_servers(urls: tuple[str, ...], secret: bytes, now_s: int, name: bytes) -> TurnServers:
    """What a browser is given. `name`: random bytes, new each time."""
    if not urls:
        return TurnServers(urls=[])
    username = f"{now_s + TTL_S}:{to_base64url(name)}"
    # SHA-1 is what TURN servers speak; as a MAC it is sound.
    credential = b64encode(hmac.digest(secret, username.encode(), "sha1")).decode()
    return TurnServers(urls=list(urls), username=username, credential=credential, ttl=TTL_S)
