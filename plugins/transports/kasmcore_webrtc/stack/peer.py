"""One peer in the stack's process: its lanes, and the limits that a hostile one meets."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from kasmcore.api import Lane
from kasmcore_webrtc.lanes import (
    BULK,
    CONTROL,
    GOODBYE,
    LABELS,
    LOOSE,
    LOOSE_HEAD_BYTES,
    MOST_LOOSE_BYTES,
    LaneSender,
    PieceJoiner,
)
from kasmcore_webrtc.records import PATH, SERIAL, FromStack, Record, ToStack
from kasmcore_webrtc.round_trips import ShortestRoundTrip
from kasmcore_webrtc.stack.interface import PeerLink

DRAIN_LIMIT_S = 1.0
DRAIN_STEP_S = 0.01
PATH_PERIOD_S = 0.1
BULK_PERIOD_S = 0.02
BULK_QUEUE_S = 0.025
"""Bulk goes while round trips are no longer than this beyond the shortest."""

Tell = Callable[[FromStack, bytes], None]


class PeerPath:
    """A PieceSink that watches how long packets take."""

    def __init__(self, link: PeerLink) -> None:
        self._link = link
        self._round_trips = ShortestRoundTrip()
        self._last_sent_s = 0.0

    @property
    def buffered_bytes(self) -> int:
        """What all channels together hold that is not sent."""
        return self._link.buffered_bytes

    @property
    def is_path_busy(self) -> bool:
        """True while packets queue; a path without packets measures nothing, and is not busy."""
        round_trip_s = self._link.round_trip_s
        if round_trip_s is None:
            return False
        now_s = time.monotonic()
        queue_s = round_trip_s - self._round_trips.shortest_with(now_s, round_trip_s)
        return queue_s > BULK_QUEUE_S and now_s - self._last_sent_s < round_trip_s

    def send(self, label: str, message: bytes) -> None:
        """Hand over one message."""
        self._last_sent_s = time.monotonic()
        self._link.send(label, message)


class StackPeer:
    """Implements PeerEvents; ``run`` ends when the peer has."""

    def __init__(self, chunk_bytes: int, tell: Tell) -> None:
        self._chunk_bytes = chunk_bytes
        self._tell = tell
        self._link: PeerLink | None = None
        self._sender: LaneSender | None = None
        self._missing = set(LABELS)
        self._joiners = {CONTROL: PieceJoiner(), BULK: PieceJoiner()}
        self._end_reason: str | None = None
        self._ended = asyncio.Event()

    async def run(self, link: PeerLink) -> str:
        """Serve it; returns why it ended."""
        self._link = link
        path = PeerPath(link)
        self._sender = LaneSender(
            path, self._chunk_bytes, lambda lane: self._tell(FromStack.TAKEN, bytes((lane,)))
        )
        try:
            while not self._ended.is_set():
                self._tell_path(link, self._sender)
                self._sender.pump()
                period_s = BULK_PERIOD_S if self._sender.has_bulk else PATH_PERIOD_S
                try:
                    async with asyncio.timeout(period_s):
                        await self._ended.wait()
                except TimeoutError:
                    continue
        finally:
            await link.close()
        return self._end_reason or "the peer has ended"

    def obey(self, record: Record) -> None:
        """Do what the server says."""
        sender = self._sender
        if sender is None or self._ended.is_set():
            return
        if record.kind == ToStack.UNIT:
            sender.put(Lane(record.data[0]), record.data[1:])
        elif record.kind == ToStack.FRAME:
            (serial,) = SERIAL.unpack_from(record.data)
            sender.put(Lane.FRAMES, record.data[SERIAL.size :], serial)
        elif record.kind == ToStack.DROP:
            sender.drop(*SERIAL.unpack(record.data))

    async def drain_and_end(self) -> None:
        """End it when everything has arrived, or after a while."""
        link, sender = self._link, self._sender
        if link is not None and sender is not None:
            for _ in range(round(DRAIN_LIMIT_S / DRAIN_STEP_S)):
                if self._ended.is_set() or (link.is_drained and not sender.waiting_bytes):
                    break
                sender.pump()
                await asyncio.sleep(DRAIN_STEP_S)
        self.link_ended("closed by the server")

    def channel_opened(self, label: str) -> None:
        """A channel of the client is open."""
        if label not in self._missing:
            self.link_ended("the viewer opened a channel that is not known")
            return
        self._missing.remove(label)
        if not self._missing:
            self._tell(FromStack.OPENED, b"")

    def message_came(self, label: str, message: bytes | str) -> None:
        """Take one message of a channel; one that breaks the rules ends the peer."""
        if self._ended.is_set():
            return
        if label == CONTROL and message == GOODBYE:
            self._tell(FromStack.LEFT, b"")
            self.link_ended("the viewer has left")
            return
        try:
            if isinstance(message, str):
                raise ValueError("a text message")
            if label == LOOSE:
                if not LOOSE_HEAD_BYTES < len(message) <= MOST_LOOSE_BYTES:
                    raise ValueError(f"a datagram of {len(message)} bytes")
                unit: bytes | None = message
            elif label in self._joiners:
                unit = self._joiners[label].feed(message)
            else:
                raise ValueError(f"a message on the channel {label[:20]!r}")
        except ValueError as error:
            self.link_ended(f"the viewer sent {error}")
            return
        if unit is not None:
            self._tell(FromStack.UNIT, bytes((LABELS.index(label),)) + unit)

    def may_send(self) -> None:
        """Channels have sent some of what they held."""
        if self._sender is not None and not self._ended.is_set():
            self._sender.pump()

    def link_ended(self, reason: str) -> None:
        """The peer is gone, or must go."""
        if self._end_reason is None:
            self._end_reason = reason
        self._ended.set()

    def _tell_path(self, link: PeerLink, sender: LaneSender) -> None:
        round_trip_s = link.round_trip_s
        if round_trip_s is not None:
            unsent_bytes = link.buffered_bytes + sender.waiting_bytes
            round_trip_us = min(2**32 - 1, round(round_trip_s * 1e6))
            self._tell(FromStack.PATH, PATH.pack(round_trip_us, unsent_bytes))
