"""The beginning of every connection: what the client says first, and how it is turned away."""

from __future__ import annotations

import attrs
import trio

from kasmcore.errors import ConnectionEnded, KasmcoreError, RemoteProtocolError
from kasmcore.interfaces.transport import Connection, Lane
from kasmcore.protocol.connection import ServerConnection, ServerReceived
from kasmcore.protocol.messages import Attach, Hello
from kasmcore.protocol.version import HANDSHAKE_LIMIT_S, MAXIMUM_FIRST_BYTES
from kasmcore.values.viewer_updates import Farewell

FAREWELL_LIMIT_S = 2.0
MOST_REASON_CHARACTERS = 1000


@attrs.define(eq=False)
class Newcomer:
    """A connection that has just opened; whoever opened it closes it."""

    connection: Connection
    protocol: ServerConnection = attrs.field(factory=ServerConnection, init=False)
    deadline_s: float = attrs.field(init=False)
    _unread: list[ServerReceived] = attrs.field(factory=list, init=False)

    @deadline_s.default
    def _ten_seconds_from_now(self) -> float:
        return trio.current_time() + HANDSHAKE_LIMIT_S

    async def first_words(self) -> Hello | Attach:
        """Wait for Hello, or for an Attach that comes alone.

        Raises:
            ConnectionEnded: the client left.
            RemoteProtocolError: something else came, or nothing in time.
        """
        with trio.move_on_at(self.deadline_s):
            while not self._unread:
                self._unread += self.protocol.receive_data(await self.connection.receive())
            return self._take()
        raise RemoteProtocolError(f"the handshake took over {HANDSHAKE_LIMIT_S:.0f} s")

    async def token(self) -> str:
        """Wait for the Attach of somebody who was not let in yet, who may not say much.

        Raises: as ``first_words``.
        """
        heard_bytes = 0
        with trio.move_on_at(self.deadline_s):
            while not self._unread:
                data = await self.connection.receive()
                heard_bytes += len(data)
                if heard_bytes > MAXIMUM_FIRST_BYTES:
                    raise RemoteProtocolError(f"{heard_bytes} bytes came without an Attach")
                self._unread += self.protocol.receive_data(data)
            first = self._take()
            if isinstance(first, Attach):
                return first.token
            raise RemoteProtocolError("Hello came before Attach")
        raise RemoteProtocolError(f"no Attach came in {HANDSHAKE_LIMIT_S:.0f} s")

    async def turn_away(self, reason: str, *, may_reconnect: bool = False) -> None:
        """Tell a client that does not get in why; give up on one that does not listen."""
        farewell = self.protocol.send(Farewell(reason[:MOST_REASON_CHARACTERS], may_reconnect))
        with trio.move_on_after(FAREWELL_LIMIT_S):
            try:
                await self.connection.send(Lane.CONTROL, farewell)
            except ConnectionEnded:
                return

    def _take(self) -> Hello | Attach:
        first = self._unread.pop(0)
        if isinstance(first, Hello | Attach):
            return first
        raise KasmcoreError(f"{type(first).__name__} came first")  # the protocol lets none through
