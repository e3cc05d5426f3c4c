"""The links in memory hold what every transport that carries frames on their own must hold."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from kasmcore.interfaces.transport import Connection
from kasmcore.testing.conformance.unordered_transport import UnorderedTransportConformance
from kasmcore.testing.memory_transport import unordered_connections


class TestMemory(UnorderedTransportConformance):
    @asynccontextmanager
    async def connect(self) -> AsyncIterator[tuple[Connection, Connection]]:
        yield unordered_connections()
