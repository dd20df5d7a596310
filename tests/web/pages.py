"""Pages of `web/tests`: built as the client is, and served on loopback."""

import http.server
import runpy
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from tests.house_server import ROOT

WEB = ROOT / "web"


class _Handler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass


@contextmanager
def served(mode: str, page: str, into: Path) -> Iterator[str]:
    """The address of a page of `web/vite.config.ts`, by its mode and its place in `web`."""
    command, env = runpy.run_path(str(ROOT / "run"))["node"]()
    build = ["exec", "--", "vite", "build", "--mode", mode, "--outDir", str(into), "--logLevel", "error"]
    subprocess.run([*command, *build], cwd=WEB, env=env, check=True, timeout=120)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(_Handler, directory=str(into)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://localhost:{server.server_port}/{page}"
    finally:
        server.shutdown()
        server.server_close()
