"""One TCP connection that a browser or script opened."""

from __future__ import annotations

import socket
import struct

import attrs
import trio

from kasmcore.interfaces.transport import PathState

_TCP_INFO = 152
"""Bytes of Linux's ``struct tcp_info`` up to ``tcpi_min_rtt``."""


@attrs.frozen(eq=False)
class WatchedStream(trio.abc.HalfCloseableStream):
    """A TCP stream that notes when it ends, whichever side ended it."""

    stream: trio.SocketStream
    ended: trio.Event = attrs.field(factory=trio.Event, init=False)

    @property
    def socket(self) -> trio.socket.SocketType:
        """The socket below."""
        return self.stream.socket

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        """Send all of it."""
        try:
            await self.stream.send_all(data)
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            self.ended.set()
            raise

    async def wait_send_all_might_not_block(self) -> None:
        """Wait until the kernel takes some bytes."""
        await self.stream.wait_send_all_might_not_block()

    async def send_eof(self) -> None:
        """Send nothing more."""
        await self.stream.send_eof()

    async def receive_some(self, max_bytes: int | None = None) -> bytes | bytearray:
        """Receive what there is; empty when the peer has ended."""
        try:
            data = await self.stream.receive_some(max_bytes)
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            self.ended.set()
            raise
        if not data:
            self.ended.set()
        return data

    async def aclose(self) -> None:
        """Close it."""
        self.ended.set()
        await self.stream.aclose()


@attrs.frozen(eq=False)
class AcceptedConnection:
    """A connection that can be cut from any task; ASGI scopes carry it as ``state.connection``."""

    stream: WatchedStream
    address: str
    """IP address of the peer."""
    serving: trio.CancelScope = attrs.field(factory=trio.CancelScope, init=False)
    """Around all tasks of this connection."""

    @property
    def path(self) -> PathState | None:
        """How its packets are doing, as the kernel counts; None when it does not tell."""
        try:
            info = self.stream.stream.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _TCP_INFO)
        except (OSError, trio.ClosedResourceError):
            return None
        return _path_state(info) if isinstance(info, bytes) else None

    def use_congestion_control(self, name: str) -> bool:
        """Take this TCP algorithm; False when the kernel does not have it, or may not use it."""
        try:
            self.stream.stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, name.encode())
        except (OSError, trio.ClosedResourceError):
            return False
        return True

    @property
    def ended(self) -> trio.Event:
        """Set when it is closed, by ``abort`` or because the peer has left."""
        return self.stream.ended

    async def abort(self) -> None:
        """Close it at once: whoever sends or receives on it is told that it is closed."""
        await trio.aclose_forcefully(self.stream)

    def finish(self) -> None:
        """End what still runs on it: after a WebSocket Hypercorn's ping task sleeps on."""
        self.serving.cancel()


def _path_state(info: bytes) -> PathState | None:
    """Read what we need of ``struct tcp_info``; an old kernel gives less of it."""
    if len(info) < _TCP_INFO:
        return None
    (round_trip_us,) = struct.unpack_from("=I", info, 68)
    unsent_bytes, shortest_us = struct.unpack_from("=II", info, 144)
    if not 0 < shortest_us <= round_trip_us:  # nothing has been acknowledged yet
        shortest_us = round_trip_us
    return PathState(shortest_us / 1e6, round_trip_us / 1e6, unsent_bytes)
