"""One connection of a viewer that may go on with another one: sends on its lanes until replaced."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import trio

from kasmcore.errors import ConnectionEnded
from kasmcore.interfaces.transport import (
    Connection,
    Lane,
    MeasuredConnection,
    UnorderedConnection,
)
from kasmcore.session.frame_order import FrameOrdering


class WirePath:
    """A connection while a viewer uses it.

    Attributes:
        connection: opened and closed by somebody else.
        address: the client's IP address.
        greeting: what is to be sent first.
        ordering: of its frames; None where they arrive in order.
        taken: set when the viewer goes on here.
        released: set when the viewer does not need it any more, or it broke.
    """

    def __init__(self, connection: Connection, address: str = "") -> None:
        self.connection = connection
        self.address = address
        self.greeting = b""
        self.taken = trio.Event()
        self.released = trio.Event()
        self._unordered = connection if isinstance(connection, UnorderedConnection) else None
        self.ordering = None if self._unordered is None else FrameOrdering()
        self._may_send = trio.Event()
        self._lane_locks = {lane: trio.Lock() for lane in Lane}
        self._waits: set[trio.CancelScope] = set()
        self._receiving = trio.CancelScope()

    @property
    def round_trip_s(self) -> float | None:
        """The shortest one that the transport has measured."""
        connection = self.connection
        path = connection.path if isinstance(connection, MeasuredConnection) else None
        return None if path is None else path.shortest_round_trip_s

    @property
    def may_lose_frames(self) -> bool:
        """True when frames may vanish in the network."""
        return self._unordered is not None and self._unordered.frames_may_be_lost

    def open(self) -> None:
        """The server's first message here was sent: others may follow."""
        self.taken.set()
        self._may_send.set()

    def release(self) -> None:
        """End everything that waits for the network here."""
        self.released.set()
        self.interrupt()
        for scope in list(self._waits):
            scope.cancel()

    def interrupt(self) -> None:
        """Let whoever receives here look at something else."""
        self._receiving.cancel()

    async def receive(self) -> bytes | None:
        """Wait for what the client sends; None when interrupted.

        Raises:
            ConnectionEnded: the connection broke.
            RemoteProtocolError: the client sent what is no message.
        """
        with trio.CancelScope() as self._receiving:
            if self.released.is_set():
                return None
            return await self.connection.receive()
        return None

    async def send(self, lane: Lane, message: bytes) -> bool:
        """Send one message; False when the viewer went on elsewhere meanwhile.

        Raises:
            ConnectionEnded: the connection broke.
        """
        with self._waiting():
            await self._may_send.wait()
            async with self._lane_locks[lane]:
                await self.connection.send(lane, message)
            return True
        return False

    async def send_frame(self, serial: int, order: bytes, message: bytes) -> bool:
        """Send one frame, as the connection carries frames; else as ``send``."""
        if self._unordered is None:
            return await self.send(Lane.FRAMES, message)
        with self._waiting():
            await self._may_send.wait()
            await self._unordered.send_frame(serial, order + message)
            return True
        return False

    def drop_frame(self, serial: int) -> None:
        """Stop sending a frame."""
        if self._unordered is not None:
            self._unordered.drop_frame(serial)

    @contextlib.contextmanager
    def _waiting(self) -> Iterator[None]:
        """A wait that ends when this path is released; what the connection says then is nothing."""
        with trio.CancelScope() as scope:
            if self.released.is_set():
                scope.cancel()
            self._waits.add(scope)
            try:
                yield
            except ConnectionEnded:
                if not self.released.is_set():
                    raise
            finally:
                self._waits.discard(scope)
