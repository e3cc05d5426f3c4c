"""One TCP connection that a browser or script opened."""

from __future__ import annotations

import attrs
import trio


@attrs.frozen(eq=False)
class AcceptedConnection:
    """A connection that can be cut from any task; ASGI scopes carry it as ``state.connection``."""

    stream: trio.SocketStream
    address: str
    """IP address of the peer."""

    async def abort(self) -> None:
        """Close it at once: whoever sends or receives on it is told that it is closed."""
        await trio.aclose_forcefully(self.stream)
