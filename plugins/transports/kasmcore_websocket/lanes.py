"""Lanes on a single stream: the most urgent message that waits goes next, one at a time."""

from __future__ import annotations

import attrs
import trio

from kasmcore.api import AsgiMessage, AsgiSend, ConnectionEnded, Lane


@attrs.define(eq=False)
class WaitingMessage:
    """A message that its sender waits for."""

    event: AsgiMessage
    settled: trio.Event = attrs.field(factory=trio.Event, init=False)
    was_sent: bool = attrs.field(default=False, init=False)

    def settle(self, was_sent: bool) -> None:
        """Let the sender go on."""
        self.was_sent = was_sent
        self.settled.set()


class LaneWriter:
    """Holds at most one message of each lane; a task of its own writes them by urgency.

    That task alone waits for the peer to take bytes, so that every sender can be cancelled.
    """

    def __init__(self, write: AsgiSend) -> None:
        self._write = write
        self._waiting: dict[Lane, WaitingMessage] = {}
        self._writing: WaitingMessage | None = None
        self._turns = {lane: trio.Lock() for lane in Lane}
        self._arrived = trio.Event()
        self._is_ended = False

    async def run(self) -> None:
        """Write what is sent, until cancelled."""
        while True:
            while not self._waiting:
                self._arrived = trio.Event()
                await self._arrived.wait()
            self._writing = self._waiting.pop(min(self._waiting))
            await self._write(self._writing.event)
            self._writing.settle(was_sent=True)
            self._writing = None

    async def send(self, lane: Lane, data: bytes) -> None:
        """Wait until the message was written; cancelled before its turn, it is never sent.

        Raises:
            ConnectionEnded: the connection ended, now or before.
        """
        async with self._turns[lane]:
            if self._is_ended:
                raise ConnectionEnded("the connection is closed")
            message = self._put(lane, {"type": "websocket.send", "bytes": data})
            try:
                await message.settled.wait()
            finally:
                if self._waiting.get(lane) is message:
                    del self._waiting[lane]
        if not message.was_sent:
            raise ConnectionEnded("the connection was closed before the message was sent")

    def end(self) -> None:
        """Refuse what waits and all that comes. Safe to repeat."""
        self._is_ended = True
        for message in self._waiting.values():
            message.settle(was_sent=False)
        self._waiting.clear()

    async def close(self, event: AsgiMessage) -> None:
        """End, and write this as the last message. Call once."""
        self.end()
        await self._put(Lane.CONTROL, event).settled.wait()

    async def wait_idle(self) -> None:
        """Wait until the message that is being written, if any, is written."""
        if self._writing is not None:
            await self._writing.settled.wait()

    def _put(self, lane: Lane, event: AsgiMessage) -> WaitingMessage:
        message = self._waiting[lane] = WaitingMessage(event)
        self._arrived.set()
        return message
