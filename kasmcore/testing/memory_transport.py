"""Two ends of a connection in memory, over a link whose rate, delay and stalls a test sets.

All waiting is trio's, so that under a ``MockClock`` an hour of a slow link takes no time.
"""

from __future__ import annotations

from collections import deque
from math import inf

import attrs
import trio

from kasmcore.errors import ConnectionEnded, RemoteProtocolError
from kasmcore.interfaces.transport import Lane
from kasmcore.testing.wake_up import WakeUp

MAXIMUM_MESSAGE_BYTES = 16 * 1024 * 1024
ROOM_BYTES = 256 * 1024


@attrs.define
class Link:
    """One direction of the network between two ends; change it while it runs.

    Attributes:
        bytes_per_s: how fast it takes bytes.
        delay_s: how long a message travels after its last byte was taken.
        room_bytes: how much may be under way or unread before sending waits.
    """

    bytes_per_s: float = inf
    delay_s: float = 0.0
    room_bytes: int = ROOM_BYTES
    _is_stalled: bool = attrs.field(default=False, init=False)
    _wake_up: WakeUp = attrs.field(factory=WakeUp, init=False)
    _queues: dict[Lane, deque[object]] = attrs.field(
        factory=lambda: {lane: deque() for lane in Lane}, init=False
    )
    _is_busy: bool = attrs.field(default=False, init=False)
    _under_way: deque[tuple[float, bytes]] = attrs.field(factory=deque, init=False)
    _under_way_bytes: int = attrs.field(default=0, init=False)

    def stall(self) -> None:
        """Take nothing more until ``resume``."""
        self._is_stalled = True

    def resume(self) -> None:
        """Take bytes again."""
        self._is_stalled = False
        self._wake_up.wake()

    @property
    def under_way_bytes(self) -> int:
        """Bytes that were sent and not yet received."""
        return self._under_way_bytes

    def end(self, reason: str) -> None:
        """Break the link: whoever sends or receives on it gets ConnectionEnded."""
        self._wake_up.end(lambda: ConnectionEnded(reason))

    async def carry(self, lane: Lane, message: bytes) -> None:
        """Take one message when its turn has come; the more urgent lane goes first.

        Raises:
            ConnectionEnded: the link is broken.
        """
        turn = object()
        self._queues[lane].append(turn)
        try:
            await self._wake_up.wait_until(lambda: self._may_go(lane, turn, len(message)))
        finally:
            self._queues[lane].remove(turn)
            self._wake_up.wake()
        self._is_busy = True
        try:
            await trio.sleep(len(message) / self.bytes_per_s)
            self._wake_up.check()
        finally:
            self._is_busy = False
            self._wake_up.wake()
        self._under_way.append((trio.current_time() + self.delay_s, message))
        self._under_way_bytes += len(message)

    async def deliver(self) -> bytes:
        """Return the next message when it has arrived; those under way arrive even at the end.

        Raises:
            ConnectionEnded: the link is broken and nothing is left.
        """
        if not self._under_way:
            await self._wake_up.wait_until(lambda: bool(self._under_way))
        await trio.sleep_until(self._under_way[0][0])
        _, message = self._under_way.popleft()
        self._under_way_bytes -= len(message)
        self._wake_up.wake()
        return message

    def _may_go(self, lane: Lane, turn: object, size: int) -> bool:
        is_first = self._queues[lane][0] is turn
        waits_for_others = any(self._queues[other] for other in Lane if other < lane)
        has_room = not self._under_way or self._under_way_bytes + size <= self.room_bytes
        return is_first and has_room and not (waits_for_others or self._is_stalled or self._is_busy)


@attrs.define
class MemoryConnection:
    """One end; a ``Connection``.

    Attributes:
        outgoing: the link that carries what this end sends.
        incoming: the link that brings what it receives.
        close_reason: what ``aclose`` of the other end gave; None while open.
    """

    outgoing: Link
    incoming: Link
    transport: str = "memory"
    close_reason: str | None = None
    _is_closed: bool = attrs.field(default=False, init=False)

    async def send(self, lane: Lane, message: bytes) -> None:
        """Send one message; waits for the link. As in ``Connection``."""
        if self._is_closed:
            raise ConnectionEnded("this end is closed")
        await self.outgoing.carry(lane, bytes(message))

    async def receive(self) -> bytes:
        """Wait for the next message. As in ``Connection``."""
        if self._is_closed:
            raise ConnectionEnded("this end is closed")
        message = await self.incoming.deliver()
        if len(message) > MAXIMUM_MESSAGE_BYTES:
            raise RemoteProtocolError(f"a message of {len(message)} bytes is too long")
        return message

    async def aclose(self, reason: str) -> None:
        """End both directions; the other end still receives what is under way."""
        await trio.lowlevel.checkpoint()
        self._is_closed = True
        self.outgoing.end(f"the peer closed: {reason}")
        self.incoming.end(f"the peer closed: {reason}")

    def vanish(self) -> None:
        """Be gone without a word, as a client whose machine lost its network and then timed out."""
        self._is_closed = True
        self.outgoing.end("the peer vanished")
        self.incoming.end("the peer vanished")


def memory_connections(
    to_client: Link | None = None, to_server: Link | None = None
) -> tuple[MemoryConnection, MemoryConnection]:
    """Return the server's end and the client's end of one connection."""
    down, up = to_client or Link(), to_server or Link()
    return (
        MemoryConnection(outgoing=down, incoming=up),
        MemoryConnection(outgoing=up, incoming=down),
    )
