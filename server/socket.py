"""The WebSocket endpoint, as plain ASGI: a ticket, then frames past the ASGI queue (direct.py)."""

from urllib.parse import parse_qs

from server.connection import Connection
from server.direct import EXTENSION, DirectProtocol
from server.door import Receive, Scope, Send
from server.service import Service
from wire.bounds import from_base64url

PATH = "/api/socket"


async def socket(service: Service, scope: Scope, receive: Receive, send: Send) -> None:
    """One socket from handshake to end."""
    await receive()
    query = parse_qs(scope["query_string"].decode("latin-1"), max_num_fields=4)
    try:
        secret = from_base64url(query.get("ticket", [""])[0])
    except ValueError:
        secret = b""
    ticket = service.tickets.take(secret) if scope["path"] == PATH else None
    protocol = scope["extensions"].get(EXTENSION)
    if ticket is None or not isinstance(protocol, DirectProtocol):
        # The same for a path, a ticket that never was, and one that was used or ran out.
        await send({"type": "websocket.close", "code": 1008})
        return
    await send({"type": "websocket.accept"})
    connection = Connection(service.hub, protocol, ticket.device, ticket.account, ticket.session)
    service.hub.add(connection)
    protocol.listener = connection
    try:
        while True:
            message = await receive()
            if message["type"] == "websocket.disconnect":
                return
            connection.bye("malformed", 1003)  # text is not spoken here
    finally:
        connection.ended()
