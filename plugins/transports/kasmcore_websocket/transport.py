"""The transport: one ASGI handler on the shared port, no sockets of its own."""

from __future__ import annotations

from collections.abc import Mapping

import trio

from kasmcore.api import (
    AsgiReceive,
    AsgiScope,
    AsgiSend,
    AsgiWebSocketHandler,
    TransportHost,
    Visit,
)
from kasmcore_websocket.connection import WebSocketConnection

PATH = "transports/websocket"
SUBPROTOCOL = "kasmcore.v1"


class WebSocketTransport:
    """Implements Transport."""

    def websocket_routes(self) -> Mapping[str, AsgiWebSocketHandler]:
        """The only route."""
        return {PATH: serve_websocket}

    async def listen(
        self,
        host: TransportHost,  # noqa: ARG002 - the interface's; there is nothing to bind
        *,
        task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
    ) -> None:
        """Nothing to open: it rides on the shared port."""
        task_status.started()


async def serve_websocket(
    scope: AsgiScope, receive: AsgiReceive, send: AsgiSend, visit: Visit
) -> None:
    """Serve one viewer until it has left; a peer of another protocol is refused with status 400."""
    if SUBPROTOCOL not in scope["subprotocols"]:
        await _refuse(send)
        return
    await send({"type": "websocket.accept", "subprotocol": SUBPROTOCOL})
    connection = WebSocketConnection(receive, send, scope["state"]["connection"])
    async with trio.open_nursery() as nursery:
        nursery.start_soon(connection.writer.run)
        try:
            await visit.serve(connection)
        finally:
            await connection.finish()
            nursery.cancel_scope.cancel()


async def _refuse(send: AsgiSend) -> None:
    text = f"This server speaks {SUBPROTOCOL}. Reload the page, or update the client."
    headers = [(b"content-type", b"text/plain; charset=utf-8")]
    await send({"type": "websocket.http.response.start", "status": 400, "headers": headers})
    await send({"type": "websocket.http.response.body", "body": text.encode()})
