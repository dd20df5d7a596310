"""A push service of the tests' own: real HTTPS on loopback, which records every request that reaches it."""

import json
import ssl
import threading
from collections import defaultdict, deque
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import trustme
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from wire.bounds import from_base64url

PATIENCE_S = 20


@dataclass(frozen=True, slots=True)
class Received:
    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Reply:
    status: int = 201
    headers: tuple[tuple[str, str], ...] = ()


class PushService:
    """`endpoint(name)` is where a device is reached; `says` scripts what its next requests are answered."""

    def __init__(self, folder: Path) -> None:
        authority = trustme.CA()
        self.ca = folder / "push-ca.pem"
        authority.cert_pem.write_to_path(str(self.ca))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("localhost").configure_cert(context)
        self.received: list[Received] = []
        self._says: dict[str, deque[Reply]] = defaultdict(deque)
        self._more = threading.Condition()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._server.socket = context.wrap_socket(
            self._server.socket, server_side=True, do_handshake_on_connect=False
        )
        self.port = int(self._server.server_address[1])
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def host(self) -> str:
        return f"localhost:{self.port}"

    def endpoint(self, name: str) -> str:
        return f"https://{self.host}/push/{name}"

    def says(self, name: str, *replies: Reply) -> None:
        self._says[f"/push/{name}"].extend(replies)

    def wait_for(self, count: int) -> list[Received]:
        """Every request, once there are so many."""
        with self._more:
            assert self._more.wait_for(lambda: len(self.received) >= count, PATIENCE_S), self.received
            return list(self.received)

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _took(self, one: Received) -> Reply:
        with self._more:
            self.received.append(one)
            self._more.notify_all()
            waiting = self._says[one.path]
            return waiting.popleft() if waiting else Reply()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        service = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length", "0")))
                headers = {name.lower(): value for name, value in self.headers.items()}
                reply = service._took(Received(self.command, self.path, headers, body))
                self.send_response(reply.status)
                for name, value in reply.headers:
                    self.send_header(name, value)
                self.send_header("content-length", "0")
                self.end_headers()

            def do_GET(self) -> None:  # what follows a redirect
                self.do_POST()

            def log_message(self, *_: object) -> None:
                pass

        return Handler


def claims_of(authorization: str) -> dict[str, object]:
    """The claims of a VAPID header whose signature holds by the key beside it (RFC 8292 §3)."""
    scheme, _, rest = authorization.partition(" ")
    assert scheme == "vapid"
    given = dict(part.strip().split("=", 1) for part in rest.split(","))
    signed, _, signature = given["t"].rpartition(".")
    head, _, claims = signed.partition(".")
    assert json.loads(from_base64url(head)) == {"typ": "JWT", "alg": "ES256"}
    raw = from_base64url(signature)
    assert len(raw) == 64
    key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), from_base64url(given["k"]))
    der = encode_dss_signature(int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big"))
    key.verify(der, signed.encode(), ec.ECDSA(hashes.SHA256()))
    found: dict[str, object] = json.loads(from_base64url(claims))
    return found
