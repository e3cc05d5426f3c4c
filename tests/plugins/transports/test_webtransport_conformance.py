"""What every transport's connections must hold, over WebTransport."""

from __future__ import annotations

import struct
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import trio
from aioquic.quic.connection import Limit

from kasmcore.api import Connection, ConnectionEnded, Lane
from kasmcore.testing.conformance import TransportConformance
from tests.plugins.transports.quic_client import QuicClient
from tests.plugins.transports.webtransport_host import joined, listening

_GREETING = b"\x20opened"
_WINDOW_BYTES = 20 * 1024 * 1024
"""A frame of 16 MiB is taken when it is there in full."""
_FIRST_STREAM = 15
"""Of the server, after those of HTTP/3."""


class TestWebTransport(TransportConformance):
    holds_at_most_bytes = 24 * 1024 * 1024  # what the client's QUIC takes unread; and some messages

    def connect(self) -> AbstractAsyncContextManager[tuple[Connection, Connection]]:
        return both_ends()


class FixedWindow(Limit):
    """What the client lets the server send; aioquic's own doubles, whether anybody reads or not."""

    def __init__(self, before: Limit) -> None:
        self._granted = before.value
        super().__init__(before.frame_type, before.name, before.value)
        self.used, self.sent = before.used, before.sent

    @property
    def value(self) -> int:
        return self._granted

    @value.setter
    def value(self, value: int) -> None:
        """It stays as it is."""

    def grant(self, more_bytes: int) -> None:
        self._granted += more_bytes


class ClientEnd:
    """A client as a Connection of the suite."""

    transport = "webtransport"

    def __init__(self, client: QuicClient) -> None:
        self._client = client
        self._window = client.quic._local_max_data = FixedWindow(client.quic._local_max_data)
        self._next_frame = _FIRST_STREAM
        self._taken: dict[int, int] = {}
        self._waiting: list[bytes] = []

    async def send(self, lane: Lane, message: bytes) -> None:
        await trio.lowlevel.checkpoint()
        if self._client.is_over:
            raise ConnectionEnded("the server is gone")
        if lane is Lane.BULK:
            await self._client.send_bulk(message)
        else:
            await self._client.send_control(message)

    async def receive(self) -> bytes:
        await trio.lowlevel.checkpoint()
        while not self._waiting:
            self._collect()
            if self._waiting:
                break
            if self._client.is_over:
                raise ConnectionEnded("the server is gone")
            with trio.move_on_after(0.2):
                await self._client.changed.wait()
        unit = self._waiting.pop(0)
        self._window.grant(len(unit))
        await self._client.settle()
        return unit

    def _collect(self) -> None:
        client = self._client
        self._collect_units(client.control_id, 0)
        for stream_id in [key for key, data in client.streams.items() if data[:1] == b"\x02"]:
            self._collect_units(stream_id, 1)
        while (data := client.streams.get(self._next_frame)) is not None:
            if data[:1] != b"\x02":
                if self._next_frame not in client.ended:
                    return
                self._waiting.append(bytes(data[1:]))
            self._next_frame += 4

    def _collect_units(self, stream_id: int, head: int) -> None:
        data = self._client.streams.get(stream_id, bytearray())
        start = self._taken.get(stream_id, head)
        while len(data) >= start + 4:
            end = start + 4 + int.from_bytes(data[start : start + 4], "big")
            if len(data) < end:
                break
            self._waiting.append(bytes(data[start + 4 : end]))
            start = end
        self._taken[stream_id] = start

    async def aclose(self, reason: str) -> None:
        client = self._client
        if not client.is_over:
            client.quic.send_stream_data(client.session_id, b"", end_stream=True)
            client.is_over = True
            await client.settle()


@asynccontextmanager
async def both_ends() -> AsyncIterator[tuple[Connection, Connection]]:
    async with listening() as site:
        sizes = {"max_data": _WINDOW_BYTES, "max_stream_data": 2**40}
        async with joined(site, **sizes) as client:
            client.quic.send_stream_data(
                client.control_id, struct.pack(">I", len(_GREETING)) + _GREETING
            )
            await client.settle()
            await client.until(lambda: site.host.connections)
            assert await site.connection.receive() == _GREETING
            yield site.connection, ClientEnd(client)
