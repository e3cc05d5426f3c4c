"""Every TCP connection: counted, told TLS from plain HTTP, served by Hypercorn, cut at the end."""

from __future__ import annotations

import logging
import re
import socket
from collections import Counter
from ipaddress import ip_address

import attrs
import trio
from hypercorn.config import Config
from hypercorn.trio.tcp_server import TCPServer
from hypercorn.trio.worker_context import WorkerContext
from hypercorn.typing import AppWrapper, ConnectionState

from kasmcore.server.accepted import AcceptedConnection, WatchedStream
from kasmcore.server.access_counts import AccessCounts
from kasmcore.server.proxies import Networks, is_trusted_proxy
from kasmcore.server.server_setup import ServerLimits
from kasmcore.server.tls import TlsIdentity

_log = logging.getLogger(__name__)

_UNANSWERED_MS = 120_000
"""A peer that takes no byte for this long is gone. (trio keeps little unsent data in the kernel
and sends small packets at once without being asked.)"""
_CONGESTION_CONTROL = "bbr"
_TLS_HANDSHAKE = b"\x16"
_REQUEST_LINE = re.compile(rb"[A-Z]{1,10} (/[\x21-\x7e]*) HTTP/1\.[01]\r\n")
_HOST_LINE = re.compile(rb"\r\nhost:[ \t]*([A-Za-z0-9.:\[\]_-]+)[ \t]*\r\n", re.I)
_PLAIN_HEAD_BYTES = 8192
_PLAIN_REFUSAL = b"This port speaks HTTPS: put https:// in front of the address.\n"


@attrs.define(eq=False)
class ConnectionHandler:
    """Serves connections that were accepted on the port."""

    app: AppWrapper
    http_config: Config
    limits: ServerLimits
    tls: TlsIdentity | None
    requires_tls: bool
    trusted_proxies: Networks
    counts: AccessCounts
    congestion_control: str | None = None
    """Name of a TCP algorithm; None: bbr if there is one."""
    _knows_congestion_control: bool = attrs.field(default=True, init=False)
    _worker: WorkerContext = attrs.field(factory=lambda: WorkerContext(None), init=False)
    _open: set[AcceptedConnection] = attrs.field(factory=set, init=False)
    _by_address: Counter[str] = attrs.field(factory=Counter, init=False)
    _silent: set[AcceptedConnection] = attrs.field(factory=set, init=False)
    """Those of them that have sent nothing yet."""
    _was_full: bool = attrs.field(default=False, init=False)
    _is_stopping: bool = attrs.field(default=False, init=False)
    _all_closed: trio.Event = attrs.field(factory=trio.Event, init=False)

    async def handle(self, stream: trio.SocketStream) -> None:
        """Serve one connection until it ends; it never harms the others, whatever it sends."""
        try:
            peer = str(stream.socket.getpeername()[0])
        except OSError:  # gone already
            await trio.aclose_forcefully(stream)
            return
        connection = AcceptedConnection(WatchedStream(stream), peer)
        if self._is_full(peer):
            if not self._was_full:
                _log.warning("connections are refused, from %s first: too many are open", peer)
            self._was_full = True
            await connection.abort()
            return
        self._was_full = False
        self._remember(connection)
        try:
            await self._serve(connection)
        except Exception as error:  # noqa: BLE001 - border: one HTTP request (Hypercorn raises on some)
            _log.warning("the connection from %s broke the protocol: %r", peer, error)
            _log.debug("where it broke", exc_info=True)
        finally:
            self._forget(connection)
            await connection.abort()

    async def stop(self) -> None:
        """Let requests under way end; connections without one are closed now."""
        self._is_stopping = True
        for connection in list(self._silent):
            await connection.abort()
        await self._worker.terminated.set()
        if self._open:
            await self._all_closed.wait()

    async def cut_all(self) -> None:
        """Close every connection at once."""
        for connection in list(self._open):
            await connection.abort()

    def _is_full(self, peer: str) -> bool:
        if len(self._open) >= self.limits.connections:
            return True
        if self._by_address[peer] < self.limits.connections_per_address:
            return False
        is_local = ip_address(peer.partition("%")[0]).is_loopback
        return not is_local and not is_trusted_proxy(peer, self.trusted_proxies)

    def _remember(self, connection: AcceptedConnection) -> None:
        self._open.add(connection)
        self._by_address[connection.address] += 1
        self.counts.connections = len(self._open)

    def _forget(self, connection: AcceptedConnection) -> None:
        self._open.discard(connection)
        self.counts.connections = len(self._open)
        self._by_address[connection.address] -= 1
        if self._by_address[connection.address] <= 0:
            del self._by_address[connection.address]
        if self._is_stopping and not self._open:
            self._all_closed.set()

    async def _serve(self, connection: AcceptedConnection) -> None:
        stream = connection.stream
        stream.stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _UNANSWERED_MS)
        self._control_congestion(connection)
        first = await self._first_byte(connection)
        if not first:
            return
        if self.tls is None:
            await self._serve_http(connection, stream)
        elif first == _TLS_HANDSHAKE:
            context = self.tls.context
            secure = trio.SSLStream(stream, context, server_side=True, https_compatible=True)
            await self._serve_http(connection, secure)
        elif self.requires_tls:
            with trio.move_on_after(self.limits.handshake_s):
                await _send_to_https(stream)
        else:
            await self._serve_http(connection, stream)

    def _control_congestion(self, connection: AcceptedConnection) -> None:
        """Loss alone must not slow a viewer down; say once when the kernel lacks what is set."""
        wanted = self.congestion_control or _CONGESTION_CONTROL
        took = self._knows_congestion_control and connection.use_congestion_control(wanted)
        if took or not self._knows_congestion_control:
            return
        self._knows_congestion_control = False
        level = logging.INFO if self.congestion_control is None else logging.WARNING
        _log.log(
            level,
            "this kernel has no TCP congestion control %s (`modprobe tcp_%s` may help): "
            "connections keep the system's own, which may be slow where packets are lost",
            wanted,
            wanted,
        )

    async def _first_byte(self, connection: AcceptedConnection) -> bytes:
        """Look at the first byte without taking it; empty when none comes."""
        self._silent.add(connection)
        try:
            with trio.move_on_after(self.limits.handshake_s):
                return await connection.stream.socket.recv(1, socket.MSG_PEEK)
        except (OSError, trio.ClosedResourceError):  # gone, or we stop
            return b""
        finally:
            self._silent.discard(connection)
        return b""

    async def _serve_http(
        self,
        connection: AcceptedConnection,
        stream: WatchedStream | trio.SSLStream[WatchedStream],
    ) -> None:
        state = ConnectionState({"connection": connection})
        server = TCPServer(self.app, self.http_config, self._worker, state, stream)  # type: ignore[arg-type]
        with connection.serving:
            await server.run()


async def _send_to_https(stream: WatchedStream) -> None:
    """Answer plain HTTP on a port that speaks TLS: the same address, with https."""
    head = b""
    while b"\r\n\r\n" not in head and len(head) < _PLAIN_HEAD_BYTES:
        data = await stream.receive_some(_PLAIN_HEAD_BYTES)
        if not data:
            return
        head += data
    request, host = _REQUEST_LINE.match(head), _HOST_LINE.search(head)
    status = b"400 Bad Request"
    location = b""
    if request is not None and host is not None:
        status = b"308 Permanent Redirect"
        location = b"Location: https://" + host[1] + request[1] + b"\r\n"
    await stream.send_all(
        b"HTTP/1.1 " + status + b"\r\n" + location + b"Content-Type: text/plain\r\n"
        b"Content-Length: %d\r\nConnection: close\r\n\r\n" % len(_PLAIN_REFUSAL) + _PLAIN_REFUSAL
    )
