"""A device for tests and benchmarks: signs in, keeps one socket, sends opaque payloads.

It speaks the wire in full and knows the rules of order, and no cryptography beyond sign-in: its payloads are
well-formed MLS PrivateMessage envelopes around bytes that mean nothing.
"""

import asyncio
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, TypeVar

import httpx2
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from crypto.mls.envelope import ContentType, Envelope, write_envelope
from crypto.room.log_head import list_hash
from tests.opaque.identity import Identity, public, sign
from wire import frames, http
from wire.bounds import ID_BYTES, MAX_SERVER_MESSAGE, Strict, from_base64url, to_base64url
from wire.codec import decode_server, encode

F = TypeVar("F")

CONTENT = {"message": ContentType.APPLICATION, "commit": ContentType.COMMIT, "leave": ContentType.PROPOSAL}


class ServerError(Exception):
    """The server refused; `code` says why."""

    def __init__(self, status: int, code: str) -> None:
        super().__init__(f"{status} {code}")
        self.status, self.code = status, code


def envelope(kind: str, room: bytes, message_id: bytes, content: bytes, epoch: int = 0) -> bytes:
    """A PrivateMessage whose encrypted parts are opaque."""
    header = Envelope(room, epoch, CONTENT[kind], message_id)
    return write_envelope(header, b"\0" * 28, content)


@dataclass
class RoomView:
    """What this client has seen of a room."""

    devices: list[bytes] = field(default_factory=list)
    after: int = 0
    last: int = 0
    entries: dict[int, frames.Entry] = field(default_factory=dict)
    gaps: dict[int, frames.GapEntry] = field(default_factory=dict)


class Http:
    """The HTTP calls, one method each where a test needs more than one line."""

    def __init__(self, base: str) -> None:
        self.base = base
        self._client = httpx2.AsyncClient(base_url=base, headers={"collegium-client": "sdk"}, timeout=30)
        self.session: bytes | None = None

    async def call(self, method: str, path: str, body: Strict | None = None) -> Any:
        """The JSON answer. Raises ServerError."""
        headers = {}
        if self.session is not None:
            headers["authorization"] = "Bearer " + to_base64url(self.session)
        content = body.model_dump_json(exclude_none=True) if body is not None else None
        if content is not None:
            headers["content-type"] = "application/json"
        answer = await self._client.request(method, path, content=content, headers=headers)
        parsed: Any = answer.json() if answer.content else {}
        if answer.status_code >= 400:
            raise ServerError(answer.status_code, str(parsed.get("code")))
        return parsed

    async def post(self, path: str, body: Strict | None = None) -> Any:
        return await self.call("POST", path, body)

    async def close(self) -> None:
        await self._client.aclose()


class Session:
    """One device: HTTP, one socket, and what came over it."""

    def __init__(self, base: str, identity: Identity | None = None) -> None:
        self.base = base
        self.identity = identity or Identity()
        self.http = Http(base)
        self.rooms: dict[bytes, RoomView] = {}
        self.received: list[frames.ServerFrame] = []
        self.deployment_id = b""
        self._socket: ClientConnection | None = None
        self._reader: asyncio.Task[None] | None = None
        self._changed = asyncio.Event()
        self.closed_by_server = False

    @property
    def device(self) -> bytes:
        return self.identity.device

    # Accounts

    async def server(self) -> bytes:
        if not self.deployment_id:
            answer = await self.http.call("GET", "/api/server")
            self.deployment_id = from_base64url(answer["deployment_id"])
        return self.deployment_id

    async def new_account(self, token: bytes, backup: bytes = b"sealed") -> http.NewAccount:
        """The body of a registration, signed."""
        me = self.identity
        parts = (
            await self.server(),
            token,
            me.account,
            public(me.root),
            me.device,
            public(me.sign_in),
            public(me.recovery),
            sha256(backup).digest(),
        )
        return http.NewAccount(
            token=token,
            account_id=me.account,
            root_key=public(me.root),
            device_id=me.device,
            sign_in_key=public(me.sign_in),
            recovery_key=public(me.recovery),
            proof=sign(me.sign_in, http.SIGN_IN_LABEL, b"".join(parts)),
            backup=backup,
        )

    async def register(self, token: bytes, backup: bytes = b"sealed") -> None:
        answer = await self.http.post("/api/accounts", await self.new_account(token, backup))
        self.http.session = from_base64url(answer["session"])

    async def sign_in(self) -> None:
        deployment = await self.server()
        asked = await self.http.post("/api/sign-in/challenge", http.SignInChallengeFor(device_id=self.device))
        challenge = from_base64url(asked["challenge"])
        signed = deployment + self.device + challenge
        body = http.SignIn(
            device_id=self.device,
            challenge=challenge,
            signature=sign(self.identity.sign_in, http.SIGN_IN_LABEL, signed),
        )
        answer = await self.http.post("/api/sign-in", body)
        self.http.session = from_base64url(answer["session"])

    async def recover(self) -> bytes:
        """Open the account's backup with the recovery key, and register this device with it. Gives the
        backup.
        """
        deployment, account = await self.server(), self.identity.account
        asked = await self.http.post("/api/recovery/challenge", http.RecoveryChallengeFor(account_id=account))
        challenge = from_base64url(asked["challenge"])
        signature = sign(self.identity.recovery, http.RECOVERY_LABEL, deployment + account + challenge)
        opened = await self.http.post(
            "/api/recovery/open",
            http.RecoveryOpen(account_id=account, challenge=challenge, signature=signature),
        )
        grant, key = from_base64url(opened["grant"]), public(self.identity.sign_in)
        proof = sign(self.identity.sign_in, http.SIGN_IN_LABEL, deployment + grant + self.device + key)
        body = http.RecoveryDevice(grant=grant, device_id=self.device, sign_in_key=key, proof=proof)
        answer = await self.http.post("/api/recovery/device", body)
        self.http.session = from_base64url(answer["session"])
        return from_base64url(opened["backup"])

    async def create_room(self, room: bytes | None = None) -> bytes:
        room = room or secrets.token_bytes(ID_BYTES)
        await self.http.post("/api/rooms", http.NewRoom(room_id=room))
        self.rooms[room] = RoomView([self.device])
        return room

    async def mint(self, room: bytes, invite: bytes | None = None) -> bytes:
        body = http.NewRegistrationToken(room_id=room, invite_id=invite or secrets.token_bytes(ID_BYTES))
        answer = await self.http.post("/api/registration-tokens", body)
        return from_base64url(answer["token"])

    # The socket

    async def ticket(self) -> str:
        answer = await self.http.post("/api/tickets")
        return str(answer["ticket"])

    async def connect(self, cursors: dict[bytes, int] | None = None, caught_up: bool = True) -> None:
        """Open the socket and say hello. `cursors` default to what this client has seen."""
        if self.http.session is None:
            await self.sign_in()
        url = self.base.replace("http", "ws", 1) + "/api/socket?ticket=" + await self.ticket()
        self._socket = await connect(
            url, max_size=MAX_SERVER_MESSAGE, compression=None, ping_interval=None, proxy=None
        )
        self.closed_by_server = False
        self.received = []
        self._reader = asyncio.create_task(self._read(self._socket))
        if cursors is None:
            cursors = {room: view.last for room, view in self.rooms.items()}
        await self.send(
            frames.Hello(cursors=[frames.RoomCursor(room=room, n=n) for room, n in cursors.items()])
        )
        ready = await self.wait(frames.Ready)
        if caught_up:
            for state in ready.rooms:
                room = state.room
                await self.wait(frames.CaughtUp, lambda f, room=room: f.room == room)  # type: ignore[misc]

    async def disconnect(self) -> None:
        if self._socket is not None:
            await self._socket.close()
        if self._reader is not None:
            await self._reader
        self._socket = self._reader = None

    async def close(self) -> None:
        await self.disconnect()
        await self.http.close()

    async def send(self, *out: Strict) -> None:
        await self.send_bytes(encode(*out))

    async def send_bytes(self, data: bytes) -> None:
        assert self._socket is not None
        await self._socket.send(data)

    async def _read(self, socket: ClientConnection) -> None:
        try:
            async for data in socket:
                assert isinstance(data, bytes)
                for frame in decode_server(data):
                    self._take(frame)
        except ConnectionClosed:
            pass
        finally:
            self.closed_by_server = True
            self._changed.set()

    def _take(self, frame: frames.ServerFrame) -> None:
        self.received.append(frame)
        match frame:
            case frames.Ready(rooms=rooms):
                for state in rooms:
                    view = self.rooms.setdefault(state.room, RoomView())
                    view.devices = list(state.list)
                    view.after = max(view.after, state.after)
            case frames.Entry(room=room, n=n):
                view = self.rooms.setdefault(room, RoomView())
                view.entries[n] = frame
                view.last = max(view.last, n)
                if frame.kind != "message":
                    view.after = max(view.after, n)
            case frames.Gap(room=room, entries=entries):
                view = self.rooms.setdefault(room, RoomView())
                for entry in entries:
                    view.gaps[entry.n] = entry
                    view.last = max(view.last, entry.n)
            case frames.Welcome(room=room, n=n):
                view = self.rooms.setdefault(room, RoomView())
                view.last, view.after = max(view.last, n), max(view.after, n)
            case frames.Routing(room=room, new=new):
                self.rooms.setdefault(room, RoomView()).devices = list(new)
            case frames.Stale(room=room, after=after):
                view = self.rooms.setdefault(room, RoomView())
                view.after = max(view.after, after)
            case _:
                pass
        self._changed.set()

    async def until(self, condition: Callable[[], bool], seconds: float = 20) -> None:
        """Wait until something that came makes the condition true. Raises TimeoutError."""
        async with asyncio.timeout(seconds):
            while not condition():
                self._changed.clear()
                await self._changed.wait()

    async def wait(
        self, kind: type[F], match: Callable[[Any], bool] = lambda _: True, seconds: float = 20
    ) -> F:
        """The first frame of a class, received since the connection opened, that matches."""

        def found() -> F | None:
            return next((f for f in self.received if isinstance(f, kind) and match(f)), None)

        await self.until(lambda: found() is not None or self.closed_by_server, seconds)
        frame = found()
        if frame is None:
            raise ConnectionError(f"the server closed the socket; no {kind.__name__} came")
        return frame

    # Sending

    def message(
        self, room: bytes, content: bytes = b"opaque", message_id: bytes | None = None, **change: Any
    ) -> frames.Send:
        """A send frame for an application message, as the rules want it."""
        return self._send_frame("message", room, content, message_id, change)

    def commit(
        self,
        room: bytes,
        devices: list[bytes],
        welcomes: dict[bytes, bytes] | None = None,
        content: bytes = b"commit",
        message_id: bytes | None = None,
        **change: Any,
    ) -> frames.Send:
        """A Commit after which `devices` are listed."""
        change.setdefault("devices", sorted(devices))
        if welcomes:
            change["welcomes"] = [frames.WelcomeFor(device=d, payload=w) for d, w in welcomes.items()]
        change.setdefault("list", list_hash(devices))
        return self._send_frame("commit", room, content, message_id, change)

    def leave(self, room: bytes) -> frames.Send:
        return self._send_frame("leave", room, b"leave", None, {})

    def _send_frame(
        self, kind: str, room: bytes, content: bytes, message_id: bytes | None, change: dict[str, Any]
    ) -> frames.Send:
        view = self.rooms[room]
        message_id = message_id or secrets.token_bytes(ID_BYTES)
        values: dict[str, Any] = {
            "room": room,
            "id": message_id,
            "kind": kind,
            "after": view.after,
            "list": list_hash(view.devices),
            "payload": envelope(kind, room, message_id, content),
        }
        return frames.Send(**{**values, **change})

    async def deliver(self, send: frames.Send) -> frames.Ack | frames.Stale | frames.Refused:
        """Send one frame and wait for its answer."""
        before = len(self.received)
        await self.send(send)

        def answer() -> frames.Ack | frames.Stale | frames.Refused | None:
            for frame in self.received[before:]:
                if isinstance(frame, frames.Ack | frames.Stale | frames.Refused) and frame.id == send.id:
                    return frame
            return None

        await self.until(lambda: answer() is not None or self.closed_by_server)
        found = answer()
        if found is None:
            raise ConnectionError("the server closed the socket")
        return found

    async def say(self, room: bytes, content: bytes = b"opaque") -> frames.Ack:
        """Send a message; again under the same id when a Commit came first."""
        message_id = secrets.token_bytes(ID_BYTES)
        while True:
            answer = await self.deliver(self.message(room, content, message_id))
            if isinstance(answer, frames.Ack):
                return answer
            if isinstance(answer, frames.Refused):
                raise ServerError(0, answer.code)

    async def add(self, room: bytes, *others: "Session") -> frames.Ack:
        """Commit others' devices into a room, each with a Welcome."""
        devices = [*self.rooms[room].devices, *(other.device for other in others)]
        welcomes = {other.device: b"welcome " + other.device for other in others}
        answer = await self.deliver(self.commit(room, devices, welcomes))
        if not isinstance(answer, frames.Ack):
            raise ServerError(0, getattr(answer, "code", "stale"))
        self.rooms[room].after = max(self.rooms[room].after, answer.n)
        await self.until(lambda: answer.n in self.rooms[room].entries)
        return answer
