"""The WebTransport transport without a server around it, for its tests."""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import attrs
import trio
from kasmcore_webtransport.connection import WebTransportConnection
from kasmcore_webtransport.endpoint import Endpoint
from kasmcore_webtransport.settings import WebTransportSettings
from kasmcore_webtransport.transport import ROUTE, WebTransportTransport

from kasmcore.api import HttpRequest, HttpResponse, Permission, ServerConfig, User
from kasmcore.config.schema import PluginSettings
from tests.plugins.transports.quic_client import QuicClient, connected

Serve = Callable[[WebTransportConnection], Awaitable[None]]


@attrs.define(eq=False)
class FakeHost:
    """A TransportHost that hands attached connections to the test."""

    serve: Serve | None = None
    config: ServerConfig = attrs.field(factory=ServerConfig)
    host: str = "127.0.0.1"
    port: int = 0
    certificate_files: tuple[Path, Path] | None = None
    has_own_certificate: bool = False
    connections: list[WebTransportConnection] = attrs.field(factory=list)
    addresses: list[str] = attrs.field(factory=list)

    def allows_origin(self, origin: str, host: str) -> bool:
        return "evil" not in origin

    async def admit(self, credentials: object, address: str) -> Any:
        raise AssertionError("no peer logs in here")

    async def attach(self, connection: WebTransportConnection, address: str) -> None:
        self.connections.append(connection)
        self.addresses.append(address)
        if self.serve is not None:
            await self.serve(connection)
        else:
            await trio.sleep_forever()


def config_with(**settings: Any) -> ServerConfig:
    sections = (WebTransportSettings(**settings),)
    return ServerConfig(plugin_settings=PluginSettings(sections))


@attrs.frozen
class Listening:
    transport: WebTransportTransport
    host: FakeHost

    async def ask(self, host_header: str = "desk.example:8443") -> HttpResponse:
        (route,) = self.transport.routes()
        request = HttpRequest(
            "GET", ROUTE, {}, {"host": host_header}, b"", User("ann", Permission.READ), "127.0.0.1"
        )
        return await route.handler(request)

    async def address(self) -> dict[str, Any]:
        response = await self.ask()
        assert response.status == 200, response.body
        content = json.loads(response.body)
        assert isinstance(content, dict)
        return content

    async def port(self) -> int:
        return int((await self.address())["url"].rpartition(":")[2].partition("/")[0])

    @property
    def endpoint(self) -> Endpoint:
        assert self.transport.endpoint is not None
        return self.transport.endpoint

    @property
    def connection(self) -> WebTransportConnection:
        return self.host.connections[-1]


@contextlib.asynccontextmanager
async def joined(site: Listening, **configuration: Any) -> AsyncIterator[QuicClient]:
    """A client whose connection has reached the host: ``site.connection`` is its other end."""
    before = len(site.host.connections)
    async with connected(await site.port(), **configuration) as client:
        await client.until(lambda: len(site.host.connections) > before)
        yield client


@contextlib.asynccontextmanager
async def listening(
    host: FakeHost | None = None, config: ServerConfig | None = None
) -> AsyncIterator[Listening]:
    """Run the transport."""
    host = FakeHost() if host is None else host
    transport = WebTransportTransport(config or host.config)
    async with trio.open_nursery() as nursery:
        await nursery.start(transport.listen, host)
        yield Listening(transport, host)
        nursery.cancel_scope.cancel()
