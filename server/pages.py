"""The browser client: hashed assets for ever, the page itself never from a cache."""

import mimetypes
import re
from pathlib import Path

from fastapi import APIRouter, Request
from fastapi.responses import FileResponse, PlainTextResponse, Response

from server.errors import NotFoundError

# What the build names: no dots but before the ending, no way up.
_NAME = re.compile(r"[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*")
_HASHED = re.compile(r"assets/.*-[A-Za-z0-9_-]{8}\.[a-z0-9]+")
# Paths of the client's own routes: the page is the same, it reads the address itself.
_ROUTES = re.compile(r"|join|j/[^/]*|room(/[^/]*)*|settings(/[^/]*)*|recover")

mimetypes.add_type("text/javascript", ".js")
mimetypes.add_type("application/manifest+json", ".webmanifest")
mimetypes.add_type("application/wasm", ".wasm")


def router(web: Path) -> APIRouter:
    """The routes of a built client in `web`."""
    routes = APIRouter()

    @routes.get("/{path:path}", include_in_schema=False)
    async def page(path: str, request: Request) -> Response:
        parts = path.split("/") if path else []
        if path.startswith("api/") or len(parts) > 4:
            raise NotFoundError
        if parts and all(_NAME.fullmatch(part) for part in parts):
            file = web.joinpath(*parts)
            if file.is_file() and not any(part.startswith(".") for part in parts):
                cache = "public, max-age=31536000, immutable" if _HASHED.fullmatch(path) else "no-cache"
                return FileResponse(file, headers={"cache-control": cache})
        if _ROUTES.fullmatch(path):
            index = web / "index.html"
            if not index.is_file():
                return PlainTextResponse("The browser client is not built: ./run builds it.\n", 503)
            return FileResponse(index, media_type="text/html", headers={"cache-control": "no-store"})
        raise NotFoundError

    return routes
