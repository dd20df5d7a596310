"""What every request passes: origins, limits, headers; and the pages behind them."""

import http.client
import json
import re
from pathlib import Path

import pytest

from tests.house_server import HouseServer, run
from tests.opaque.session import Session


def call(
    house: HouseServer, method: str, path: str, body: bytes | None = None, /, **headers: str
) -> tuple[int, dict[str, str], bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", house.port, timeout=10)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    connection.request(method, path, body, named)
    answer = connection.getresponse()
    out = answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read()
    connection.close()
    return out


def code(body: bytes) -> str:
    return str(json.loads(body)["code"])


def test_only_our_own_pages_may_change_anything(house: HouseServer) -> None:
    """THREATS 38."""
    body = json.dumps({"device_id": "A" * 22}).encode()
    path, kind = "/api/sign-in/challenge", {"content_type": "application/json"}
    for origin in (f"http://localhost:{house.port}", f"http://127.0.0.1:{house.port}"):
        assert call(house, "POST", path, body, origin=origin, **kind)[0] == 200
    for origin in ("http://evil.example", "null", f"http://localhost:{house.port + 1}", "http://localhost"):
        status, _, answer = call(house, "POST", path, body, origin=origin, **kind)
        assert (status, code(answer)) == (403, "origin")
    # A cookie without an origin did not come from a page of ours.
    status, _, answer = call(house, "POST", path, body, cookie="__Host-collegium=x", **kind)
    assert (status, code(answer)) == (403, "origin")


def test_a_socket_needs_our_origin_and_a_ticket(house: HouseServer) -> None:
    upgrade = {
        "upgrade": "websocket",
        "connection": "Upgrade",
        "sec_websocket_version": "13",
        "sec_websocket_key": "dGhlIHNhbXBsZSBub25jZQ==",
    }

    async def ticket() -> str:
        me = Session(house.base)
        await me.register(house.token())
        return await me.ticket()

    one = run(ticket())
    path = f"/api/socket?ticket={one}"
    assert call(house, "GET", path, None, origin="http://evil.example", **upgrade)[0] == 403
    assert call(house, "GET", "/api/socket", None, **upgrade)[0] == 403
    assert call(house, "GET", "/api/socket?ticket=" + "A" * 43, None, **upgrade)[0] == 403
    assert call(house, "GET", f"/api/other?ticket={one}", None, **upgrade)[0] == 403
    assert call(house, "GET", path, None, **upgrade)[0] == 101
    assert call(house, "GET", path, None, **upgrade)[0] == 403  # once


def test_the_page_is_fenced_in(house: HouseServer) -> None:
    status, headers, body = call(house, "GET", "/")
    assert (status, headers["cache-control"]) == (200, "no-store")
    assert b"<title>Collegium</title>" in body
    policy = dict(part.split(" ", 1) for part in headers["content-security-policy"].split("; "))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == "'self' 'wasm-unsafe-eval'"
    assert policy["connect-src"] == policy["worker-src"] == "'self'"
    assert policy["require-trusted-types-for"] == "'script'"
    assert {"svelte", "collegium"} <= set(policy["trusted-types"].split())
    assert policy["frame-ancestors"] == "'none'"
    assert headers["cross-origin-opener-policy"] == "same-origin"
    assert headers["cross-origin-embedder-policy"] == "require-corp"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["x-content-type-options"] == "nosniff"
    assert "camera=(self)" in headers["permissions-policy"]
    assert "server" not in headers


@pytest.mark.parametrize("path", ["/join", "/room/AAAA", "/room/AAAA/x", "/recover", "/j/TOKEN"])
def test_the_clients_own_routes_are_the_page(house: HouseServer, path: str) -> None:
    status, _, body = call(house, "GET", path)
    assert status == 200
    assert b"<title>" in body


def test_hashed_assets_are_for_ever(house: HouseServer) -> None:
    status, headers, _ = call(house, "GET", "/assets/app-Ab12_-cd.js")
    assert status == 200
    assert headers["cache-control"] == "public, max-age=31536000, immutable"
    assert headers["content-type"].startswith("text/javascript")


@pytest.mark.parametrize(
    "path",
    [
        "/../data/collegium.sqlite",
        "/assets/../../data/collegium.sqlite",
        "/%2e%2e/data/collegium.sqlite",
        "/assets/%2e%2e%2f%2e%2e%2fdata%2fcollegium.sqlite",
        "/..%5cdata",
        "//etc/passwd",
        "/.collegium",
        "/assets",
        "/nothing",
        "/api/nothing",
        "/docs",
        "/openapi.json",
        "/index.html%00.js",
    ],
)
def test_nothing_else_is_served(house: HouseServer, path: str) -> None:
    """THREATS 42."""
    status, _, body = call(house, "GET", path)
    assert status == 404
    assert code(body) == "not_found"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b'{"device_id": 5}',
        b'{"device_id": "AAAA"}',
        b'{"device_id": "AAAAAAAAAAAAAAAAAAAAAA", "more": 1}',
        b'{"device_id": "AAAAAAAAAAAAAAAAAAAAAA=="}',
        b'{"device_id": "AAAAAAAAAAAAAAAAAAAAA\xff"}',
        b"[" * 50_000,
    ],
    ids=["empty", "cut", "list", "number", "short", "more", "padded", "utf8", "deep"],
)
def test_malformed_bodies(house: HouseServer, body: bytes) -> None:
    status, _, answer = call(house, "POST", "/api/sign-in/challenge", body, content_type="application/json")
    assert (status, code(answer)) == (400, "malformed")


def test_a_large_body_is_refused_unread(house: HouseServer) -> None:
    body = b" " * (256 * 1024 + 1)
    status, _, answer = call(house, "POST", "/api/accounts", body, content_type="application/json")
    assert (status, code(answer)) == (413, "too_large")


def test_health_and_metrics(house: HouseServer) -> None:
    assert json.loads(call(house, "GET", "/healthz")[2]) == {"status": "ok"}
    assert json.loads(call(house, "GET", "/readyz")[2]) == {"status": "ok"}
    status, _, text = call(house, "GET", "/metrics")
    assert status == 200
    assert b"collegium_sockets" in text
    # Through a proxy it is nobody's business.
    assert call(house, "GET", "/metrics", x_forwarded_for="203.0.113.9")[0] == 404


def test_rate_limits(tmp_path: Path) -> None:
    house = HouseServer(tmp_path, rate_factor="0.02").start()
    try:
        answers = [call(house, "GET", "/api/server") for _ in range(15)]
        assert answers[0][0] == 200
        status, headers, body = answers[-1]
        assert (status, code(body)) == (429, "too_many")
        assert int(headers["retry-after"]) >= 1
        assert call(house, "GET", "/healthz")[0] == 200
    finally:
        house.close()


def test_logs_tell_nothing(house: HouseServer) -> None:
    """After everything above: no token, id, address or text of anybody in the log."""
    canary = "canary-" + "x" * 20
    call(
        house,
        "POST",
        "/api/accounts",
        json.dumps({"token": canary}).encode(),
        content_type="application/json",
    )
    call(house, "GET", f"/api/join/{canary}")
    assert canary not in house.log
    assert "127.0.0.1" not in house.log
    for line in house.log.splitlines():
        fields = json.loads(line)
        assert not [v for v in fields.values() if isinstance(v, str) and re.search(r"[A-Za-z0-9_-]{40}", v)]
