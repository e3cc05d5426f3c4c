from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest
import trio

from kasmcore.api import Connection, ConnectionEnded, Lane
from tests.plugins.transports.webrtc_client import WebRtcClient, loop_in_thread
from tests.plugins.transports.webrtc_host import listening


@pytest.fixture
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    with loop_in_thread() as loop:
        yield loop


async def echo(connection: Connection) -> None:
    try:
        while True:
            await connection.send(Lane.CONTROL, await connection.receive())
    except ConnectionEnded:
        return


async def test_units_of_any_size_come_through_unchanged(loop: asyncio.AbstractEventLoop) -> None:
    units = [b"\0", bytes(range(256)) * 500]
    with trio.fail_after(30):
        async with listening(echo) as site:
            client = WebRtcClient(loop)
            await client.connect(site.answer)
            for unit in units:
                await client.send(Lane.CONTROL, unit)
                assert await client.receive() == unit
            await client.aclose("done")
