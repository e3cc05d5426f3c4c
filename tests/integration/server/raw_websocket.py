"""A WebSocket client that can misbehave: wsproto over a stream that the test holds."""

from __future__ import annotations

from collections.abc import Mapping

import attrs
import trio
from wsproto.connection import Connection, ConnectionType
from wsproto.events import BytesMessage, CloseConnection, Ping

from tests.integration.server.raw_http import Reply, Stream, exchange, open_stream

HANDSHAKE = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
}
ECHO_PATH = "/transports/echo"


@attrs.define
class WebSocket:
    """An open WebSocket after its handshake."""

    stream: Stream
    handshake: Reply
    _connection: Connection = attrs.field(factory=lambda: Connection(ConnectionType.CLIENT))

    def feed(self, data: bytes) -> None:
        if data:
            self._connection.receive_data(data)

    async def send(self, message: bytes) -> None:
        await self.stream.send_all(self._connection.send(BytesMessage(data=message)))

    async def receive(self) -> bytes | CloseConnection | None:
        """Return the next message, the server's close frame, or None at the end."""
        message = bytearray()
        while True:
            for event in self._connection.events():
                if isinstance(event, BytesMessage):
                    message += event.data
                    if event.message_finished:
                        return bytes(message)
                elif isinstance(event, Ping):
                    await self.stream.send_all(self._connection.send(event.response()))
                elif isinstance(event, CloseConnection):
                    return event
            try:
                data = bytes(await self.stream.receive_some())
            except trio.BrokenResourceError:
                return None
            if not data:
                return None
            self._connection.receive_data(data)

    async def close(self, code: int) -> None:
        await self.stream.send_all(self._connection.send(CloseConnection(code=code)))

    async def answer_close(self, close: CloseConnection) -> None:
        await self.stream.send_all(self._connection.send(close.response()))


async def handshake(
    port: int, path: str, headers: Mapping[str, str], *, tls: bool = False
) -> tuple[Stream, Reply]:
    stream = await open_stream(port, tls=tls)
    reply = await exchange(stream, port, "GET", path, {**HANDSHAKE, **headers})
    return stream, reply


async def open_websocket(
    port: int, headers: Mapping[str, str], path: str = ECHO_PATH, *, tls: bool = False
) -> WebSocket:
    with trio.fail_after(20):
        stream, reply = await handshake(port, path, headers, tls=tls)
    assert reply.status == 101, reply
    socket = WebSocket(stream, reply)
    socket.feed(reply.rest)
    return socket


async def refused_websocket(port: int, headers: Mapping[str, str], path: str = ECHO_PATH) -> Reply:
    with trio.fail_after(20):
        stream, reply = await handshake(port, path, headers)
        await stream.aclose()
    return reply
