from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import pytest
import trio
from kasmcore_webrtc.connection import WebRtcConnection

from kasmcore.api import Connection, Lane
from kasmcore.testing.conformance import TransportConformance
from tests.plugins.transports.webrtc_client import WebRtcClient, loop_in_thread
from tests.plugins.transports.webrtc_host import listening


class TestWebRtc(TransportConformance):
    holds_at_most_bytes = 2 * 1024 * 1024

    @pytest.fixture(autouse=True)
    def _loop(self) -> Iterator[None]:
        with loop_in_thread() as self.loop:
            yield

    def connect(self) -> AbstractAsyncContextManager[tuple[Connection, Connection]]:
        return connected(self.loop)


LARGE_BYTES = 64 * 1024


class FramesAsMessages:
    """Sends what the suite puts on the lane of frames as the session does.

    The suite wants each to arrive. Chunks may be lost where a socket's buffer is full, and of a
    large frame some will be: those go another way.
    """

    def __init__(self, connection: WebRtcConnection) -> None:
        self._connection = connection
        self._serials = itertools.count(1)

    async def send(self, lane: Lane, message: bytes) -> None:
        if lane is Lane.FRAMES and len(message) <= LARGE_BYTES:
            await self._connection.send_frame(next(self._serials), message)
        else:
            await self._connection.send(Lane.BULK if lane is Lane.FRAMES else lane, message)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)


@asynccontextmanager
async def connected(
    loop: asyncio.AbstractEventLoop,
) -> AsyncIterator[tuple[Connection, Connection]]:
    """Both ends of a connection."""
    ends: list[WebRtcConnection] = []
    is_over = trio.Event()

    async def keep(connection: Connection) -> None:
        assert isinstance(connection, WebRtcConnection)
        ends.append(connection)
        await is_over.wait()

    async with listening(keep) as site:
        client = WebRtcClient(loop)
        await client.connect(site.answer)
        while not ends:
            await trio.sleep(0.01)
        try:
            yield FramesAsMessages(ends[0]), client
        finally:
            is_over.set()
            await client.aclose("the test is over")
