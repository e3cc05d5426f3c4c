"""One viewer's connection on WebRTC data channels."""

from __future__ import annotations

from collections import deque

import trio

from kasmcore.api import ConnectionEnded, Lane, PathState, RemoteProtocolError
from kasmcore_webrtc.lanes import CONTROL, LABELS, LOOSE
from kasmcore_webrtc.loose import LooseOrder
from kasmcore_webrtc.process import StackProcess
from kasmcore_webrtc.records import PATH, SERIAL, FromStack, ToStack
from kasmcore_webrtc.round_trips import ShortestRoundTrip

NAME = "webrtc"
MOST_UNREAD_BYTES = 8 * 2**20
"""A viewer that sends faster than it is served is cut: data channels cannot tell it to wait."""
UNIT_COST_BYTES = 100


class WebRtcConnection:
    """Implements Connection, MeasuredConnection and UnorderedConnection; a PeerListener."""

    def __init__(self, process: StackProcess) -> None:
        self.answer: str | None = None
        self.settled = trio.Event()
        """Answered or refused."""
        self.opened = trio.Event()
        """The channels are open, or never will be."""
        self.ended = trio.Event()
        self._process = process
        self._number = 0
        self._end_reason = "the connection is closed"
        self._is_closing = False
        self._has_left = False
        self._loose = LooseOrder()
        self._inbox: deque[bytes] = deque()
        self._inbox_bytes = 0
        self._arrived = trio.Event()
        self._turns = {lane: trio.Lock() for lane in Lane}
        self._outstanding = dict.fromkeys(Lane, 0)
        """Units that the stack has and the network has not."""
        self._changed = {lane: trio.Event() for lane in Lane}
        self._frames: set[int] = set()
        """Serials that wait for their turn, or that the stack has."""
        self._path: PathState | None = None
        self._round_trips = ShortestRoundTrip()
        self._fault: RemoteProtocolError | None = None

    @property
    def transport(self) -> str:
        """Name of the transport plugin."""
        return NAME

    @property
    def frames_may_be_lost(self) -> bool:
        """Their channel sends what was lost again for a while only."""
        return True

    @property
    def path(self) -> PathState | None:
        """As SCTP measures it."""
        return self._path

    @property
    def is_open(self) -> bool:
        """True from the moment its channels are open until it ends."""
        return self.opened.is_set() and not self.ended.is_set()

    @property
    def end_reason(self) -> str:
        """Why it ended, or was refused."""
        return self._end_reason

    def began(self, number: int) -> None:
        """Take the number that the process gave to this peer."""
        self._number = number

    async def send(self, lane: Lane, message: bytes) -> None:
        """Send one message; returns when SCTP has taken it. As in Connection."""
        if lane is Lane.FRAMES:
            raise ValueError("frames are sent by send_frame")
        async with self._turns[lane]:
            await self._wait_for_turn(lane)
            await self._hand_over(lane, ToStack.UNIT, bytes((lane,)), message)

    async def send_frame(self, serial: int, unit: bytes) -> None:
        """Send one frame. As in UnorderedConnection."""
        self._frames.add(serial)
        try:
            async with self._turns[Lane.FRAMES]:
                await self._wait_for_turn(Lane.FRAMES)
                if serial in self._frames:
                    head = SERIAL.pack(serial)
                    await self._hand_over(Lane.FRAMES, ToStack.FRAME, head, unit)
        finally:
            self._frames.discard(serial)

    def drop_frame(self, serial: int) -> None:
        """Stop sending a frame. As in UnorderedConnection."""
        if serial in self._frames and not self.ended.is_set():
            self._frames.discard(serial)
            self._process.post(ToStack.DROP, self._number, SERIAL.pack(serial))

    async def receive(self) -> bytes:
        """Wait for the next unit. As in Connection."""
        while True:
            if self._is_closing:
                raise ConnectionEnded("the connection is closed")
            if self._inbox:
                unit = self._inbox.popleft()
                self._inbox_bytes -= len(unit) + UNIT_COST_BYTES
                return unit
            if self._fault is not None:
                raise self._fault
            if self.ended.is_set():
                raise ConnectionEnded(self._end_reason, is_in_order=self._has_left)
            self._arrived = trio.Event()
            await self._arrived.wait()

    async def aclose(self, reason: str) -> None:  # noqa: ARG002 - data channels carry no reason
        """End it when what was sent has arrived; safe to repeat."""
        await trio.lowlevel.checkpoint()
        if self._is_closing:
            return
        self._is_closing = True
        self._arrived.set()
        if not self.ended.is_set():
            self._process.post(ToStack.CLOSE, self._number)
        self._wake_senders()

    def take(self, kind: FromStack, data: memoryview) -> None:
        """Take what the stack says. As in PeerListener."""
        if kind is FromStack.UNIT:
            self._take_unit(LABELS[data[0]], bytes(data[1:]))
        elif kind is FromStack.TAKEN:
            lane = Lane(data[0])
            self._outstanding[lane] -= 1
            self._changed[lane].set()
        elif kind is FromStack.PATH:
            self._take_path(*PATH.unpack(data))
        elif kind is FromStack.ANSWER:
            self.answer = str(data, "utf-8")
            self.settled.set()
        elif kind is FromStack.OPENED:
            self.opened.set()
        elif kind is FromStack.LEFT:
            self._has_left = True
        else:
            self._end(str(data, "utf-8"))

    async def _wait_for_turn(self, lane: Lane) -> None:
        """Wait for the unit whose sender was cancelled, if there is one."""
        await self._wait_until_taken(lane)
        self._check_open()

    async def _hand_over(self, lane: Lane, kind: ToStack, head: bytes, unit: bytes) -> None:
        """Give a unit to the stack and wait until the network has taken it."""
        self._outstanding[lane] += 1
        self._process.post(kind, self._number, head, unit)
        await self._wait_until_taken(lane)
        if self._outstanding[lane]:
            self._check_open()

    async def _wait_until_taken(self, lane: Lane) -> None:
        await trio.lowlevel.checkpoint()
        while self._outstanding[lane] and not (self._is_closing or self.ended.is_set()):
            self._changed[lane] = trio.Event()
            await self._changed[lane].wait()

    def _check_open(self) -> None:
        if self._is_closing or self.ended.is_set():
            raise ConnectionEnded(self._end_reason, is_in_order=self._has_left)

    def _wake_senders(self) -> None:
        for event in self._changed.values():
            event.set()

    def _take_unit(self, label: str, unit: bytes) -> None:
        if label == LOOSE:
            try:
                self._deliver(self._loose.datagram_came(unit))
            except ValueError as error:
                self._break(str(error))
            return
        self._deliver(unit)
        if label == CONTROL:
            self._deliver(self._loose.control_came())

    def _deliver(self, unit: bytes | None) -> None:
        if unit is None or self._is_closing or self._fault is not None:
            return
        self._inbox.append(unit)
        self._inbox_bytes += len(unit) + UNIT_COST_BYTES
        if self._inbox_bytes > MOST_UNREAD_BYTES:
            self._break("more than the session could take")
        self._arrived.set()

    def _break(self, what: str) -> None:
        """End the connection by the viewer's fault; what came before is still received."""
        if self._fault is None:
            self._fault = RemoteProtocolError(f"the viewer sent {what}")
            self._process.post(ToStack.CLOSE, self._number)
            self._arrived.set()

    def _take_path(self, round_trip_us: int, unsent_bytes: int) -> None:
        shortest_s = self._round_trips.shortest_with(trio.current_time(), round_trip_us / 1e6)
        self._path = PathState(shortest_s, round_trip_us / 1e6, unsent_bytes)

    def _end(self, reason: str) -> None:
        self._end_reason = reason
        self.ended.set()
        self.settled.set()
        self.opened.set()
        self._arrived.set()
        self._wake_senders()
