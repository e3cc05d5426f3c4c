"""The transport: answers offers, and has each peer served on its data channels."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Sequence
from ipaddress import ip_address

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
from kasmcore_webrtc.connection import WebRtcConnection
from kasmcore_webrtc.ice import ice_settings
from kasmcore_webrtc.limits import PeerLimits
from kasmcore_webrtc.process import StackProcess
from kasmcore_webrtc.records import OpenRequest
from kasmcore_webrtc.sdp import OfferRefused, checked_offer, with_public_address
from kasmcore_webrtc.settings import WebRtcSettings
from kasmcore_webrtc.signalling import Unavailable, answer_offer, ice_servers_response

PATH = "/api/plugins/webrtc"
ANSWER_LIMIT_S = 15.0
"""Covers the start of the process and its wait for STUN and TURN servers."""
OPEN_LIMIT_S = 20.0
"""For the client to reach us and open its channels."""
CLOSE_LIMIT_S = 3.0
IDLE_S = 60.0
"""How long the process is kept when there are no peers."""
PAYLOAD_BYTES = 1200
"""Of one datagram: what passes nearly everywhere."""

_LOG = logging.getLogger(__name__)


class WebRtcTransport:
    """Implements Transport and RoutedTransport."""

    def __init__(self, config: ServerConfig, back_end: str) -> None:
        own = config.plugin_settings.of(WebRtcSettings)
        self._back_end = back_end
        self._network = config.network
        self._ports = own.ports
        self._payload_bytes = config.network.udp.payload_size or PAYLOAD_BYTES
        self._ice = ice_settings(config)
        self._limits = PeerLimits(own.most_peers, own.most_peers_of_user, own.offers_per_minute)
        self._host: TransportHost | None = None
        self._nursery: trio.Nursery | None = None
        self._process: StackProcess | None = None
        self._starting = trio.Lock()

    def websocket_routes(self) -> Mapping[str, AsgiWebSocketHandler]:
        """None: signalling needs no more than a request."""
        return {}

    def routes(self) -> Sequence[RouteSpec]:
        """Where the browser asks for servers, and brings its offer."""
        return (
            RouteSpec(
                method="GET",
                path=PATH,
                permission=Permission.NONE,
                handler=self._tell_servers,
                summary="STUN and TURN servers for a WebRTC connection",
            ),
            RouteSpec(
                method="POST",
                path=f"{PATH}/offer",
                permission=Permission.NONE,
                handler=self._take_offer,
                summary="Answer a WebRTC offer",
            ),
        )

    async def listen(
        self,
        host: TransportHost,
        *,
        task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
    ) -> None:
        """Serve peers until cancelled. Sockets and process are opened for the first offer."""
        self._host = host
        async with trio.open_nursery() as nursery:
            self._nursery = nursery
            task_status.started()
            try:
                await self._stop_idle_processes()
            finally:
                self._nursery = None

    async def _tell_servers(self, request: HttpRequest) -> HttpResponse:
        return ice_servers_response(self._ice.for_browser(request.user.name, time.time()))

    async def _take_offer(self, request: HttpRequest) -> HttpResponse:
        return await answer_offer(request, self._answer)

    async def _answer(self, sdp: str, request: HttpRequest) -> str:
        user = request.user.name
        if self._nursery is None:
            raise Unavailable("the server is not ready, or stops")
        self._limits.count_offer(user, trio.current_time())
        is_near = _is_loopback(request.address)
        sdp = checked_offer(sdp, allow_loopback=is_near)
        self._limits.add_peer(user)
        try:
            connection: WebRtcConnection = await self._nursery.start(
                self._serve, self._open_request(sdp, is_near), request.address
            )
        except BaseException:
            self._limits.remove_peer(user)
            raise
        self._nursery.start_soon(self._count_until_ended, connection, user)
        assert connection.answer is not None  # noqa: S101 - _serve starts with one
        return with_public_address(connection.answer, self._ice.public_address)

    async def _serve(
        self,
        request: OpenRequest,
        address: str,
        *,
        task_status: trio.TaskStatus[WebRtcConnection],
    ) -> None:
        """Run one peer; started when there is an answer."""
        process = await self._running_process()
        connection = WebRtcConnection(process)
        try:
            connection.began(process.open_peer(request, connection))
            with trio.move_on_after(ANSWER_LIMIT_S):
                await connection.settled.wait()
            if connection.answer is None:
                raise OfferRefused(connection.end_reason)
            task_status.started(connection)
            with trio.move_on_after(OPEN_LIMIT_S):
                await connection.opened.wait()
            if connection.is_open and self._host is not None:
                await self._host.attach(connection, address)
        finally:
            with trio.CancelScope(shield=True):
                await connection.aclose("the connection is closed")
                with trio.move_on_after(CLOSE_LIMIT_S):
                    await connection.ended.wait()
            _LOG.debug("a WebRTC peer has ended: %s", connection.end_reason)

    async def _count_until_ended(self, connection: WebRtcConnection, user: str) -> None:
        try:
            await connection.ended.wait()
        finally:
            self._limits.remove_peer(user)

    async def _running_process(self) -> StackProcess:
        """Return the process, started now when there is none.

        Raises:
            Unavailable: it cannot be started.
        """
        async with self._starting:
            if self._process is not None and self._process.is_running:
                return self._process
            if self._nursery is None:
                raise Unavailable("the server stops")
            self._process = StackProcess(self._back_end, self._payload_bytes)
            try:
                await self._nursery.start(self._process.run)
            except OSError as error:
                raise Unavailable(f"the WebRTC process cannot start: {error.strerror}") from error
            return self._process

    async def _stop_idle_processes(self) -> None:
        """Give its memory back once nobody has used it for a while."""
        was_idle = False
        while True:
            await trio.sleep(IDLE_S)
            async with self._starting:
                is_idle = self._process is not None and not self._process.peer_count
                if is_idle and was_idle and self._process is not None:
                    self._process.stop()
                    self._process = None
                was_idle = is_idle

    def _open_request(self, sdp: str, is_near: bool) -> OpenRequest:
        assert self._host is not None  # noqa: S101 - listen has set it
        bind = ip_address(self._host.host)
        return OpenRequest(
            sdp=sdp,
            bind_address="" if bind.is_unspecified else str(bind),
            with_loopback=is_near,
            use_ipv4=self._network.use_ipv4,
            use_ipv6=self._network.use_ipv6,
            first_port=self._ports.first,
            last_port=self._ports.last,
            payload_bytes=self._payload_bytes,
            ice_servers=self._ice.for_server(time.time()),
        )


def _is_loopback(address: str) -> bool:
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return False
