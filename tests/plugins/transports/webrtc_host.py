"""The WebRTC transport without a server around it, for its tests."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import attrs
import trio
from kasmcore_webrtc.transport import PATH, WebRtcTransport

from kasmcore.api import Connection, HttpRequest, HttpResponse, Permission, ServerConfig, User
from kasmcore.config.schema import PluginSettings
from kasmcore.config.schema_network import NetworkConfig

Serve = Callable[[Connection], Awaitable[None]]


@attrs.define
class FakeHost:
    """A TransportHost that hands attached connections to the test."""

    serve: Serve
    config: ServerConfig = attrs.field(factory=ServerConfig)
    host: str = "127.0.0.1"
    port: int = 9670
    certificate_files: tuple[Path, Path] | None = None
    has_own_certificate: bool = False
    addresses: list[str] = attrs.field(factory=list)

    async def attach(self, connection: Connection, address: str) -> None:
        self.addresses.append(address)
        await self.serve(connection)

    async def admit(self, credentials: object, address: str) -> Any:
        raise AssertionError("no peer logs in here")


def config_with(*sections: attrs.AttrsInstance, **udp: Any) -> ServerConfig:
    """Settings with the plugin's section, and keys of network.udp."""
    network = NetworkConfig()
    network = attrs.evolve(network, udp=attrs.evolve(network.udp, **udp))
    return ServerConfig(network=network, plugin_settings=PluginSettings(sections))


@attrs.frozen
class Site:
    """Asks a running transport as a browser does."""

    transport: WebRtcTransport

    async def ask(
        self, method: str, path: str, body: bytes = b"", user: str = "ann", address: str = ""
    ) -> HttpResponse:
        (route,) = (
            r for r in self.transport.routes() if (r.method, r.path) == (method, PATH + path)
        )
        request = HttpRequest(
            method=method,
            path=PATH + path,
            query={},
            headers={},
            body=body,
            user=User(user, Permission.READ),
            address=address or "127.0.0.1",
        )
        return await route.handler(request)

    async def answer(self, sdp: str) -> str:
        response = await self.ask("POST", "/offer", json.dumps({"sdp": sdp}).encode())
        assert response.status == 200, response.body
        return str(json.loads(response.body)["sdp"])


@asynccontextmanager
async def listening(
    serve: Serve, config: ServerConfig | None = None, back_end: str = "aiortc"
) -> AsyncIterator[Site]:
    """A transport that serves what attaches."""
    config = config or ServerConfig()
    transport = WebRtcTransport(config, back_end)
    async with trio.open_nursery() as nursery:
        await nursery.start(transport.listen, FakeHost(serve, config))
        yield Site(transport)
        nursery.cancel_scope.cancel()
