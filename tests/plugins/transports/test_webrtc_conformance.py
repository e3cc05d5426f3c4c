from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import pytest
import trio
from kasmcore_webrtc.connection import WebRtcConnection

from kasmcore.api import Connection
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
            yield ends[0], client
        finally:
            is_over.set()
            await client.aclose("the test is over")
