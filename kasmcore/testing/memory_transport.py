"""Two ends of a connection in memory, over a link whose rate, delay and stalls a test sets.

All waiting is trio's, so that under a ``MockClock`` an hour of a slow link takes no time.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Callable
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
    loses: Callable[[int], bool] = attrs.field(default=lambda _serial: False)
    """Which frames vanish that are sent each on its own, by serial."""
    lateness_s: Callable[[int], float] = attrs.field(default=lambda _serial: 0.0)
    """How much longer than ``delay_s`` such a frame travels."""
    _frames: list[tuple[float, int, bytes]] = attrs.field(factory=list, init=False)
    """Those under way: when they arrive, and their serials."""
    _sooner: trio.Event = attrs.field(factory=trio.Event, init=False)
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

    def end(self, reason: str, *, is_in_order: bool = False) -> None:
        """Break the link: whoever sends or receives on it gets ConnectionEnded."""
        self._wake_up.end(lambda: ConnectionEnded(reason, is_in_order=is_in_order))

    async def carry(self, lane: Lane, message: bytes) -> None:
        """Take one message when its turn has come; the more urgent lane goes first.

        Raises:
            ConnectionEnded: the link is broken.
        """
        await self._take(lane, message)
        self._under_way.append((trio.current_time() + self.delay_s, message))
        self._sooner.set()

    async def carry_frame(self, serial: int, unit: bytes) -> None:
        """Take one frame as ``carry``; it may overtake others, or vanish.

        Raises:
            ConnectionEnded: the link is broken.
        """
        await self._take(Lane.FRAMES, unit)
        if self.loses(serial):
            self._under_way_bytes -= len(unit)
            return
        arrives_s = trio.current_time() + self.delay_s + self.lateness_s(serial)
        heapq.heappush(self._frames, (arrives_s, serial, unit))
        self._sooner.set()
        self._wake_up.wake()

    def forget_frame(self, serial: int) -> None:
        """Let a frame vanish, if it is still under way."""
        gone = [entry for entry in self._frames if entry[1] == serial]
        for entry in gone:
            self._frames.remove(entry)
            self._under_way_bytes -= len(entry[2])
        heapq.heapify(self._frames)
        self._wake_up.wake()

    async def _take(self, lane: Lane, message: bytes) -> None:
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
        self._under_way_bytes += len(message)

    async def deliver(self) -> bytes:
        """Return the next message when it has arrived; those under way arrive even at the end.

        Raises:
            ConnectionEnded: the link is broken and nothing is left.
        """
        while True:
            if self._next_arrival_s() == inf:
                await self._wake_up.wait_until(self._has_some, also_after_end=True)
            arrives_s = self._next_arrival_s()
            self._sooner = trio.Event()
            with trio.move_on_at(arrives_s) as waiting:
                await self._sooner.wait()
            if waiting.cancelled_caught and self._next_arrival_s() <= arrives_s:
                return self._pop()

    def _has_some(self) -> bool:
        return self._next_arrival_s() < inf

    def _next_arrival_s(self) -> float:
        lanes_s = self._under_way[0][0] if self._under_way else inf
        return min(lanes_s, self._frames[0][0] if self._frames else inf)

    def _pop(self) -> bytes:
        if self._frames and (not self._under_way or self._frames[0][0] < self._under_way[0][0]):
            message = heapq.heappop(self._frames)[2]
        else:
            message = self._under_way.popleft()[1]
        self._under_way_bytes -= len(message)
        self._wake_up.wake()
        return message

    def _may_go(self, lane: Lane, turn: object, size: int) -> bool:
        is_first = self._queues[lane][0] is turn
        waits_for_others = any(self._queues[other] for other in Lane if other < lane)
        has_room = not self._under_way_bytes or self._under_way_bytes + size <= self.room_bytes
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
        self.outgoing.end(f"the peer closed: {reason}", is_in_order=True)
        self.incoming.end(f"the peer closed: {reason}", is_in_order=True)

    def vanish(self) -> None:
        """Be gone without a word, as a client whose machine lost its network and then timed out."""
        self._is_closed = True
        self.outgoing.end("the peer vanished")
        self.incoming.end("the peer vanished")


@attrs.define
class UnorderedMemoryConnection(MemoryConnection):
    """One end that sends each frame on its own; an ``UnorderedConnection``."""

    frames_may_be_lost: bool = True

    async def send_frame(self, serial: int, unit: bytes) -> None:
        """Send one frame; waits for the link. As in ``UnorderedConnection``."""
        if self._is_closed:
            raise ConnectionEnded("this end is closed")
        await self.outgoing.carry_frame(serial, bytes(unit))

    def drop_frame(self, serial: int) -> None:
        """Let a frame vanish. As in ``UnorderedConnection``."""
        self.outgoing.forget_frame(serial)


def unordered_connections(
    to_client: Link | None = None, to_server: Link | None = None
) -> tuple[UnorderedMemoryConnection, MemoryConnection]:
    """As ``memory_connections``; the server's end sends each frame on its own."""
    down, up = to_client or Link(), to_server or Link()
    return (
        UnorderedMemoryConnection(outgoing=down, incoming=up),
        MemoryConnection(outgoing=up, incoming=down),
    )


def memory_connections(
    to_client: Link | None = None, to_server: Link | None = None
) -> tuple[MemoryConnection, MemoryConnection]:
    """Return the server's end and the client's end of one connection."""
    down, up = to_client or Link(), to_server or Link()
    return (
        MemoryConnection(outgoing=down, incoming=up),
        MemoryConnection(outgoing=up, incoming=down),
    )
