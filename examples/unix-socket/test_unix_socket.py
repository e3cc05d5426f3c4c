"""The transport holds what every transport must."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import trio
from unix_socket import UnixConnection, UnixSocketTransport
from viewer import open_socket

from kasmcore.api import Connection
from kasmcore.testing.conformance import TransportConformance


class LendingHost:
    """Stands for the server: gives each connection to the test."""

    def __init__(self) -> None:
        self.connections: list[UnixConnection] = []
        self.may_end = trio.Event()

    async def attach(self, connection: UnixConnection, address: str) -> None:
        """Keep it open until the test is over."""
        self.connections.append(connection)
        await self.may_end.wait()


class TestUnixSocket(TransportConformance):
    """Over a real socket."""

    @asynccontextmanager
    async def connect(self) -> AsyncIterator[tuple[Connection, Connection]]:
        """Open both ends."""
        host = LendingHost()
        with TemporaryDirectory() as folder:
            path = Path(folder) / "socket"
            async with trio.open_nursery() as nursery:
                await nursery.start(UnixSocketTransport(path).listen, host)
                client = await open_socket(str(path))
                while not host.connections:
                    await trio.lowlevel.checkpoint()
                try:
                    yield host.connections[0], client
                finally:
                    host.may_end.set()
                    await client.aclose("done")
                    nursery.cancel_scope.cancel()
