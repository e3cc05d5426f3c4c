from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import attrs
import trio
import trio_websocket

from kasmcore.api import Connection, ConnectionEnded, Lane
from kasmcore.testing.conformance.transport import TransportConformance
from tests.plugins.transports.websocket_host import connect, hypercorn_host


@attrs.frozen
class ClientEnd:
    """A WebSocket client as a Connection."""

    websocket: trio_websocket.WebSocketConnection
    transport: str = "websocket"

    async def send(self, lane: Lane, message: bytes) -> None:
        try:
            await self.websocket.send_message(message)
        except trio_websocket.ConnectionClosed as closed:
            raise ConnectionEnded(str(closed.reason)) from closed

    async def receive(self) -> bytes:
        try:
            message = await self.websocket.get_message()
        except trio_websocket.ConnectionClosed as closed:
            raise ConnectionEnded(str(closed.reason)) from closed
        assert isinstance(message, bytes)
        return message

    async def aclose(self, reason: str) -> None:
        await self.websocket.aclose(reason=reason)


class TestWebSocketConformance(TransportConformance):
    @asynccontextmanager
    async def connect(self) -> AsyncIterator[tuple[Connection, Connection]]:
        servers, may_end = [], trio.Event()

        async def lend(connection: Connection) -> None:
            servers.append(connection)
            await may_end.wait()

        async with hypercorn_host(lend) as port, connect(port) as client:
            while not servers:
                await trio.lowlevel.checkpoint()
            try:
                yield servers[0], ClientEnd(client)
            finally:
                may_end.set()
