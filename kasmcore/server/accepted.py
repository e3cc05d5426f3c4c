"""One TCP connection that a browser or script opened."""

from __future__ import annotations

import attrs
import trio


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
    def ended(self) -> trio.Event:
        """Set when it is closed, by ``abort`` or because the peer has left."""
        return self.stream.ended

    async def abort(self) -> None:
        """Close it at once: whoever sends or receives on it is told that it is closed."""
        await trio.aclose_forcefully(self.stream)

    def finish(self) -> None:
        """End what still runs on it: after a WebSocket Hypercorn's ping task sleeps on."""
        self.serving.cancel()
