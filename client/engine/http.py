"""The HTTP calls of the engine: the models of `wire/http.py` both ways, one error type, bounded answers."""

from typing import TypeVar
from urllib.parse import urlsplit

import httpx2
from pydantic import ValidationError

from client.engine.world import World, is_here, trust
from client.errors import CollegiumError, ServerError
from wire.bounds import Strict, to_base64url
from wire.http import Problem

M = TypeVar("M", bound=Strict)

TIMEOUT_S = 20
MAX_ANSWER = 4 * 1024 * 1024


def origin_of(address: str) -> str:
    """`https://host[:port]` of an address that somebody typed. Raises CollegiumError."""
    try:
        parts = urlsplit(address.strip())
        port = parts.port
    except ValueError as error:
        raise CollegiumError("address") from error
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise CollegiumError("address")
    # Sessions and tickets travel in the clear otherwise; a browser would not do it either.
    if parts.scheme == "http" and not is_here(address.strip()):
        raise CollegiumError("insecure")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    usual = {"http": 80, "https": 443}[parts.scheme]
    return f"{parts.scheme}://{host}" + ("" if port in (None, usual) else f":{port}")


class Http:
    """One server's HTTP interface; it holds the session once there is one."""

    def __init__(self, world: World, origin: str) -> None:
        self.origin = origin
        self.session: bytes | None = None
        self._client = httpx2.AsyncClient(
            base_url=origin,
            headers={"collegium-client": "sdk"},
            timeout=TIMEOUT_S,
            follow_redirects=False,
            trust_env=not is_here(origin),
            transport=world.transport(origin),
            verify=trust() if origin.startswith("https:") else True,
        )

    async def call(self, method: str, path: str, answer: type[M], body: Strict | None = None) -> M:
        """The answer, checked. Raises ServerError."""
        headers = {}
        content = None
        if self.session is not None:
            headers["authorization"] = "Bearer " + to_base64url(self.session)
        if body is not None:
            content = body.model_dump_json(exclude_none=True).encode()
            headers["content-type"] = "application/json"
        status, text = await self._exchange(method, path, content, headers)
        if not 200 <= status < 300:
            raise _refusal(status, text)
        try:
            return answer.model_validate_json(text or b"{}")
        except ValidationError as error:
            raise ServerError("server_answer", status) from error

    async def _exchange(
        self, method: str, path: str, content: bytes | None, headers: dict[str, str]
    ) -> tuple[int, bytes]:
        try:
            async with self._client.stream(method, path, content=content, headers=headers) as response:
                text = bytearray()
                async for part in response.aiter_bytes():
                    text += part
                    if len(text) > MAX_ANSWER:
                        raise ServerError("server_answer", response.status_code)
                return response.status_code, bytes(text)
        except (httpx2.HTTPError, httpx2.InvalidURL, OSError) as error:
            raise ServerError("offline", 0, detail=f"{type(error).__name__}: {error}") from error

    async def close(self) -> None:
        await self._client.aclose()


def _refusal(status: int, text: bytes) -> ServerError:
    try:
        problem = Problem.model_validate_json(text)
    except ValidationError:
        # A proxy's page in place of our server's answer: it is not there for us now.
        return ServerError("offline" if status >= 500 else "server_answer", status)
    return ServerError(problem.code, status, problem.retry_after)


def may_pass(error: BaseException) -> bool:
    """Whether asking the same again later may well succeed."""
    if not isinstance(error, ServerError):
        return False
    return error.status == 0 or error.status >= 500 or error.code in ("offline", "too_many", "storage")
