"""The transport: a UDP port of its own, and an HTTP route that tells its address."""

from __future__ import annotations

import datetime as dt
import json
import logging
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import trio

from kasmcore.api import (
    AsgiWebSocketHandler,
    HttpRequest,
    HttpResponse,
    Permission,
    RouteSpec,
    ServerConfig,
    TransportHost,
)
from kasmcore_webtransport.certificates import CertificateKeeper, FileIdentity, Identity
from kasmcore_webtransport.settings import WebTransportSettings

if TYPE_CHECKING:
    from aioquic.quic.configuration import QuicConfiguration

    from kasmcore_webtransport.endpoint import Endpoint
    from kasmcore_webtransport.udp import UdpSocket

_log = logging.getLogger(__name__)

NAME = "webtransport"
ROUTE = "/api/plugins/webtransport"
PATH = "/transports/webtransport"
"""Of the WebTransport session."""
_UNSPECIFIED = "0.0.0.0"  # noqa: S104 - is compared with
_HOST_NAME = re.compile(r"\[[0-9A-Fa-f:.]+\]|[^/:@\[\]\s]+")
"""In a Host header, without its port."""
_NOT_YET = "the server has not opened its UDP port yet"


class WebTransportTransport:
    """Implements Transport and RoutedTransport."""

    def __init__(self, config: ServerConfig) -> None:
        self._settings = config.plugin_settings.of(WebTransportSettings)
        self._unavailable = _NOT_YET
        self._port = 0
        self.endpoint: Endpoint | None = None
        """While it listens."""
        self._keeper: CertificateKeeper | None = None

    def websocket_routes(self) -> Mapping[str, AsgiWebSocketHandler]:
        """None: it has a port of its own."""
        return {}

    def routes(self) -> Sequence[RouteSpec]:
        """Where the browser learns the address."""
        return [
            RouteSpec(
                method="GET",
                path=ROUTE,
                permission=Permission.NONE,
                handler=self._tell,
                summary="Where WebTransport listens, and which certificates to accept there.",
            )
        ]

    async def listen(
        self, host: TransportHost, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED
    ) -> None:
        """Serve until cancelled; without a UDP port say why, and return."""
        logging.getLogger("quic").setLevel(logging.ERROR)  # it warns of what any stranger may send
        # What follows costs a tenth of a second to import: only servers that use it pay.
        from kasmcore_webtransport.udp import UdpSocket

        sockets: list[UdpSocket] = []
        try:
            for address in _addresses(host):
                sockets.append(UdpSocket(address, host.port))
        except OSError as error:
            for udp in sockets:
                udp.close()
            self._unavailable = f"UDP port {host.port} cannot be opened: {error.strerror}"
            _log.warning(
                "webtransport is not available here: %s. Viewers use the next transport; free the "
                "port, or take webtransport out of plugins.transports.",
                self._unavailable,
            )
            task_status.started()
            return
        await self._run(host, sockets, task_status)

    async def _run(
        self, host: TransportHost, sockets: list[UdpSocket], task_status: trio.TaskStatus[None]
    ) -> None:
        from kasmcore_webtransport.admission import Admission
        from kasmcore_webtransport.endpoint import Endpoint
        from kasmcore_webtransport.quic import quic_configuration

        identity = self._identity(host)

        def configuration() -> QuicConfiguration:
            chosen = quic_configuration(self._settings.packet_bytes)
            chosen.private_key, chosen.certificate, *chosen.certificate_chain = identity()
            return chosen

        endpoint = self.endpoint = Endpoint(
            sockets,
            configuration,
            Admission(self._settings.most_connections),
            host.allows_origin,
            host.attach,
        )
        self._port, self._unavailable = sockets[0].port, ""
        task_status.started()
        try:
            await endpoint.run()
        finally:
            self._unavailable = "the server stops"

    def _identity(self, host: TransportHost) -> Identity:
        choice, files = self._settings.certificate, host.certificate_files
        is_configured = choice == "configured" or (choice == "auto" and host.has_own_certificate)
        if is_configured and files is not None:
            return FileIdentity(*files).current
        keeper = self._keeper = CertificateKeeper(_utc_now, host.host)
        return keeper.identity

    async def _tell(self, request: HttpRequest) -> HttpResponse:
        headers = (("Cache-Control", "no-store"),)
        if self._unavailable:
            content: dict[str, object] = {"error": self._unavailable}
            return HttpResponse(503, json.dumps(content).encode(), "application/json", headers)
        match = _HOST_NAME.match(request.headers.get("host", ""))
        name = "localhost" if match is None else match[0]
        port = self._settings.public_port or self._port
        hashes = [] if self._keeper is None else list(self._keeper.hash_texts())
        content = {"url": f"https://{name}:{port}{PATH}", "certificate_hashes": hashes}
        return HttpResponse(200, json.dumps(content).encode(), "application/json", headers)


def _addresses(host: TransportHost) -> list[str]:
    """Return what to bind: every IPv4 address stands for every IPv6 address too, if asked for."""
    network = host.config.network
    if host.host == _UNSPECIFIED and network.use_ipv6 and network.interface != _UNSPECIFIED:
        return [_UNSPECIFIED, "::"]
    return [host.host]


def _utc_now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)
