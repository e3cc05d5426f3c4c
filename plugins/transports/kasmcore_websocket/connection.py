"""One viewer's connection on an ASGI WebSocket."""

from __future__ import annotations

import trio

from kasmcore.api import (
    AsgiReceive,
    AsgiSend,
    ConnectionEnded,
    CuttableConnection,
    Lane,
    PathState,
    RemoteProtocolError,
)
from kasmcore_websocket.lanes import LaneWriter

NAME = "websocket"
MAXIMUM_INCOMING_BYTES = 128 * 2**10 + 5
BULK_QUEUE_S = 0.025
"""Bulk is sent while round trips are no longer than this beyond the shortest ..."""
BULK_PATIENCE_S = 0.01
"""... which is looked at so often."""
CLOSE_LIMIT_S = 1.0
"""How long the message that is being written may take when the connection is to end."""
MOST_REASON_BYTES = 123
NORMAL_CLOSURE = 1000
GOING_AWAY = 1001
CLOSED_BY_THE_PAGE = (NORMAL_CLOSURE, GOING_AWAY)


class WebSocketConnection:
    """Implements Connection; needs its ``writer`` to run beside it."""

    def __init__(self, receive: AsgiReceive, send: AsgiSend, tcp: CuttableConnection) -> None:
        self.writer = LaneWriter(send)
        self._receive = receive
        self._tcp = tcp
        self._is_ended = False
        self._receiving = trio.CancelScope()

    @property
    def transport(self) -> str:
        """Name of the transport plugin."""
        return NAME

    async def send(self, lane: Lane, message: bytes) -> None:
        """Send one message; returns when the socket has taken it.

        Bulk waits until nothing else is queued: what is in the socket or in the network already
        cannot be overtaken.

        Raises:
            ConnectionEnded: the peer is gone.
        """
        if lane is Lane.BULK:
            while self._is_path_busy() and not self._is_ended:
                await trio.sleep(BULK_PATIENCE_S)
        await self.writer.send(lane, message)

    @property
    def path(self) -> PathState | None:
        """How its packets are doing."""
        return self._tcp.path

    def _is_path_busy(self) -> bool:
        path = self._tcp.path
        if path is None:
            return False
        queue_s = path.round_trip_s - path.shortest_round_trip_s
        return path.unsent_bytes > 0 or queue_s > BULK_QUEUE_S

    async def receive(self) -> bytes:
        """Wait for the next whole message.

        Raises:
            ConnectionEnded: the peer is gone.
            RemoteProtocolError: the peer sent text, or more than MAXIMUM_INCOMING_BYTES at once.
        """
        with trio.CancelScope() as self._receiving:
            if not self._is_ended:
                return await self._next_binary()
        raise ConnectionEnded("the connection is closed")

    async def aclose(self, reason: str) -> None:
        """Tell the peer that the connection ends; the server then waits for its answer."""
        if self._is_ended:
            return
        self._end()
        text = reason.encode()[:MOST_REASON_BYTES].decode(errors="ignore")
        with trio.move_on_after(CLOSE_LIMIT_S, shield=True):
            close = {"type": "websocket.close", "code": NORMAL_CLOSURE, "reason": text}
            await self.writer.close(close)

    async def finish(self) -> None:
        """Let the message that is being written end, or cut the connection if it does not."""
        self._end()
        with trio.move_on_after(CLOSE_LIMIT_S, shield=True) as patience:
            await self.writer.wait_idle()
        if patience.cancelled_caught:
            with trio.CancelScope(shield=True):
                await self._tcp.abort()

    async def _next_binary(self) -> bytes:
        while True:
            event = await self._receive()
            if event["type"] == "websocket.disconnect":
                self._end()
                raise ConnectionEnded(
                    "the viewer closed the connection",
                    is_in_order=event.get("code") in CLOSED_BY_THE_PAGE,
                )
            if event["type"] == "websocket.receive":
                data = event.get("bytes")
                if not isinstance(data, bytes):
                    raise RemoteProtocolError("the viewer sent a text message")
                if len(data) > MAXIMUM_INCOMING_BYTES:
                    raise RemoteProtocolError(
                        f"the viewer sent {len(data)} bytes at once, "
                        f"the most is {MAXIMUM_INCOMING_BYTES}"
                    )
                return data

    def _end(self) -> None:
        self._is_ended = True
        self.writer.end()
        self._receiving.cancel()
