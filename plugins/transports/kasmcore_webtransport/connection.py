"""One viewer's connection, as the session of the desktop sees it."""

from __future__ import annotations

from collections.abc import Callable

import trio

from kasmcore.api import ConnectionEnded, Lane, PathState
from kasmcore_webtransport.session import Session, State
from kasmcore_webtransport.transport import NAME

_MOST_UNSENT_BYTES = 8192
"""A send returns when no more of it waits: the next may then be made while the rest leaves."""
_CLOSE_S = 1.0
"""How long the last messages, and then the end, may take to arrive."""


class WebTransportConnection:
    """Implements Connection, UnorderedConnection and MeasuredConnection.

    Args:
        session: is open.
        flush: sends what the QUIC connection wants to send.
        hang_up: ends the QUIC connection.
    """

    def __init__(
        self, session: Session, flush: Callable[[], None], hang_up: Callable[[str], None]
    ) -> None:
        self._session = session
        self._flush = flush
        self._hang_up = hang_up
        self._moved = trio.Event()
        self._is_closed = False
        self._turns = {lane: trio.Lock() for lane in Lane}

    @property
    def transport(self) -> str:
        """Name of the transport plugin."""
        return NAME

    @property
    def frames_may_be_lost(self) -> bool:
        """A stream arrives in full, unless it is reset."""
        return False

    @property
    def path(self) -> PathState | None:
        """What congestion control has measured."""
        quic = self._session.quic
        trips = quic.control.round_trips
        if trips.shortest_s is None or trips.recent_s is None:
            return None
        return PathState(
            shortest_round_trip_s=trips.shortest_s,
            round_trip_s=trips.recent_s,
            unsent_bytes=quic.all_unsent_bytes(),
        )

    def note_progress(self) -> None:
        """Something was sent, has arrived or has ended: whoever waits looks again."""
        if self._moved.statistics().tasks_waiting:
            self._moved.set()
            self._moved = trio.Event()

    async def send(self, lane: Lane, message: bytes) -> None:
        """Send one message; returns when the network has taken it.

        Raises:
            ConnectionEnded: the peer is gone.
        """
        if lane is Lane.FRAMES:
            await self._send(lambda: self._session.send_frame(None, message))
            return
        async with self._turns[lane]:
            if lane is Lane.CONTROL:
                while self._session.control_id < 0:
                    await self._wait()
                await self._send(lambda: self._session.send_control(message))
            else:
                await self._send(lambda: self._session.send_bulk(message))

    async def send_frame(self, serial: int, unit: bytes) -> None:
        """Send one frame on a stream of its own; returns when most of it has left, or not at all.

        Raises:
            ConnectionEnded: the peer is gone.
        """
        await self._send(lambda: self._session.send_frame(serial, unit))

    def drop_frame(self, serial: int) -> None:
        """Stop sending a frame."""
        if self._is_open:
            self._session.drop_frame(serial)
            self._flush()
            self.note_progress()

    async def receive(self) -> bytes:
        """Wait for the next whole message.

        Raises:
            ConnectionEnded: the peer is gone.
            RemoteProtocolError: the peer sent what is no unit.
        """
        session = self._session
        await trio.lowlevel.checkpoint()
        while not session.units or self._is_closed:
            if session.fault is not None and not self._is_closed:
                raise session.fault
            await self._wait()
        unit = session.take_unit()
        if session.grant():
            self._flush()
        return unit

    async def aclose(self, reason: str) -> None:
        """Let the last control messages arrive, tell the peer, and end."""
        if self._is_closed:
            return
        session = self._session
        was_open = self._is_open
        self._is_closed = True
        self.note_progress()
        with trio.move_on_after(_CLOSE_S, shield=True):
            if was_open:
                await self._wait_delivered(session.control_id)
                goodbye = session.say_goodbye(reason)
                self._flush()
                await self._wait_delivered(goodbye)
        self._hang_up(reason)

    @property
    def _is_open(self) -> bool:
        return self._session.state is State.OPEN and not self._is_closed

    async def _send(self, write: Callable[[], int | None]) -> None:
        await trio.lowlevel.checkpoint()
        if not self._is_open:
            raise self._ended()
        stream_id = write()
        self._flush()
        quic = self._session.quic
        while stream_id is not None and quic.unsent_bytes(stream_id) > _MOST_UNSENT_BYTES:
            await self._wait()

    async def _wait(self) -> None:
        if not self._is_open:
            raise self._ended()
        await self._moved.wait()

    async def _wait_delivered(self, stream_id: int) -> None:
        session = self._session
        while session.state is State.OPEN and not session.quic.is_delivered(stream_id):
            await self._moved.wait()

    def _ended(self) -> ConnectionEnded:
        session = self._session
        if session.state is State.ENDED:
            return ConnectionEnded(session.end_reason, is_in_order=session.ended_in_order)
        return ConnectionEnded("the connection is closed")
