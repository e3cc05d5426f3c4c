"""A client of the WebRTC transport: aiortc in a thread, for its tests."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import aioice.ice
import trio
from aiortc import RTCConfiguration, RTCDataChannel, RTCPeerConnection, RTCSessionDescription
from kasmcore_webrtc.lanes import (
    FRAMES,
    LABELS,
    LOOSE,
    LOW_BYTES,
    ChunkJoiner,
    LaneSender,
    PieceJoiner,
)

from kasmcore.api import ConnectionEnded, Lane

T = TypeVar("T")
MOST_UNREAD_BYTES = 256 * 1024
MOST_UNIT_BYTES = 17 * 2**20
UNORDERED = frozenset((FRAMES, LOOSE))
FRAME_LIFETIME_MS = 1000
"""As the browser's client has it."""
Answer = Callable[[str], Awaitable[str]]


@contextmanager
def loop_in_thread() -> Iterator[asyncio.AbstractEventLoop]:
    """An asyncio loop in a thread of its own; ICE in it uses 127.0.0.1 alone."""
    aioice.ice.get_host_addresses = lambda use_ipv4, use_ipv6: ["127.0.0.1"]
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        yield loop
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.run_until_complete(_end_tasks())
        loop.close()


async def _end_tasks() -> None:
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def in_loop(loop: asyncio.AbstractEventLoop, work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine in the loop's thread."""
    token = trio.lowlevel.current_trio_token()
    done = trio.Event()
    future = asyncio.run_coroutine_threadsafe(work, loop)
    future.add_done_callback(lambda _: token.run_sync_soon(done.set))
    await done.wait()
    return future.result()


class ClientChannels:
    """What a LaneSender sends by; in the loop's thread."""

    def __init__(self, channels: dict[str, RTCDataChannel]) -> None:
        self._channels = channels

    @property
    def buffered_bytes(self) -> int:
        return sum(channel.bufferedAmount for channel in self._channels.values())

    is_path_busy = False

    def send(self, label: str, message: bytes) -> None:
        self._channels[label].send(message)


class WebRtcClient:
    """The client's end: a ``Connection`` for the conformance suite, and more for other tests."""

    transport = "webrtc"

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self.channels: dict[str, RTCDataChannel] = {}
        self.frames: list[int] = []
        self._token = trio.lowlevel.current_trio_token()
        self._sender, self._receiver = trio.open_memory_channel[bytes](10**6)
        self._opened = {label: trio.Event() for label in LABELS}
        self._joiners = {label: PieceJoiner(MOST_UNIT_BYTES) for label in LABELS}
        self._chunks = ChunkJoiner()
        self._turns = {lane: trio.Lock() for lane in Lane}
        self._taken = {lane: trio.Event() for lane in Lane}
        self._unread_bytes = 0
        self._has_room = threading.Condition()
        self._lanes = LaneSender(ClientChannels(self.channels), 1100, self._unit_taken)

    async def connect(self, answer: Answer, labels: tuple[str, ...] = LABELS) -> None:
        """Make an offer, take the answer, and wait for the channels."""
        offer = await in_loop(self.loop, self.offer(labels))
        await self.take_answer(await answer(offer))
        for label in labels:
            await self._opened[label].wait()

    async def offer(self, labels: tuple[str, ...] = LABELS) -> str:
        """Runs in the loop."""
        self.peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        for label in labels:
            channel = self.peer.createDataChannel(
                label,
                ordered=label not in UNORDERED,
                maxRetransmits=0 if label == LOOSE else None,
                maxPacketLifeTime=FRAME_LIFETIME_MS if label == FRAMES else None,
            )
            self._watch(channel)
        await self.peer.setLocalDescription(await self.peer.createOffer())
        return str(self.peer.localDescription.sdp)

    async def take_answer(self, sdp: str) -> None:
        description = RTCSessionDescription(sdp, "answer")
        await in_loop(self.loop, self.peer.setRemoteDescription(description))

    async def send(self, lane: Lane, message: bytes) -> None:
        async with self._turns[lane]:
            self._taken[lane] = trio.Event()
            self.loop.call_soon_threadsafe(self._lanes.put, lane, memoryview(message))
            await self._taken[lane].wait()

    def send_now(self, label: str, *messages: bytes | str) -> None:
        """Send messages as they are."""

        def send_all() -> None:
            for message in messages:
                self.channels[label].send(message)

        self.loop.call_soon_threadsafe(send_all)

    async def receive(self) -> bytes:
        try:
            unit = await self._receiver.receive()
        except trio.EndOfChannel as error:
            raise ConnectionEnded("the server is gone") from error
        self._count_unread(-len(unit))
        return unit

    async def aclose(self, reason: str) -> None:
        self._count_unread(-(10**9))
        await in_loop(self.loop, self.peer.close())

    def _watch(self, channel: RTCDataChannel) -> None:
        label = channel.label
        self.channels[label] = channel
        channel.bufferedAmountLowThreshold = LOW_BYTES
        channel.on("open", lambda: self._token.run_sync_soon(self._opened[label].set))
        channel.on("bufferedamountlow", self._lanes.pump)
        channel.on("close", lambda: self._token.run_sync_soon(self._sender.close))
        channel.on("message", lambda message: self._message_came(label, message))

    def _message_came(self, label: str, message: bytes) -> None:
        """Runs in the loop, which stands still while too much is unread: nobody reads then."""
        self._token.run_sync_soon(self._take, label, message)
        with self._has_room:
            self._has_room.wait_for(lambda: self._unread_bytes < MOST_UNREAD_BYTES)

    def _count_unread(self, difference: int) -> None:
        with self._has_room:
            self._unread_bytes += difference
            self._has_room.notify()

    def _take(self, label: str, message: bytes) -> None:
        if label == FRAMES:
            for serial, unit in self._chunks.feed(message):
                self.frames.append(serial)
                self._deliver(unit)
            return
        unit = self._joiners[label].feed(message)
        if unit is not None:
            self._deliver(unit)

    def _deliver(self, unit: bytes) -> None:
        self._count_unread(len(unit))
        self._sender.send_nowait(unit)

    def _unit_taken(self, lane: Lane) -> None:
        self._token.run_sync_soon(self._taken[lane].set)
