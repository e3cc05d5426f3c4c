"""The server as a whole: opens the port, serves until cancelled, stops in order."""

from __future__ import annotations

import logging
import socket
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import cast

import attrs
import trio
from hypercorn.app_wrappers import ASGIWrapper
from hypercorn.typing import ASGIFramework

from kasmcore.config.schema import ServerConfig
from kasmcore.interfaces.login import Credentials
from kasmcore.interfaces.transport import Connection
from kasmcore.server.access_counts import AccessCounts
from kasmcore.server.app import WebApplication
from kasmcore.server.assembly import build_application
from kasmcore.server.certificates import own_addresses
from kasmcore.server.connections import ConnectionHandler
from kasmcore.server.exposure import check_exposure
from kasmcore.server.hypercorn_rules import apply_rules, hypercorn_config
from kasmcore.server.login import LOCAL_USER, LoginChain
from kasmcore.server.origins import is_origin_of_host
from kasmcore.server.requests import normalised_base_path
from kasmcore.server.server_setup import Listening, ServerSetup
from kasmcore.server.sockets import BindAddress, bind_addresses, open_listeners
from kasmcore.server.tickets import Tickets
from kasmcore.server.tls import TlsIdentity
from kasmcore.server.visits import LetInVisit
from kasmcore.values.permissions import Guest

_log = logging.getLogger(__name__)


async def serve(
    setup: ServerSetup, *, task_status: trio.TaskStatus[Listening] = trio.TASK_STATUS_IGNORED
) -> None:
    """Serve until cancelled; then tell the viewers, let requests end and close everything.

    Calls ``task_status.started`` once the port answers.

    Raises:
        ConfigError: TLS or login may not be off here, or the certificate cannot be used.
        ListenError: the port cannot be had.
        KasmcoreError: plugins claim the same path, or there is no browser client.
        ExceptionGroup: a transport's own listener failed.
    """
    config = setup.config
    addresses = bind_addresses(config.network)
    for warning in check_exposure(config, addresses):
        _log.warning("%s", warning)
    tls = TlsIdentity.of_config(config) if config.network.ssl.enabled else None
    setup.users.records()  # a broken file stops the start, not the first login
    sockets = open_listeners(addresses, setup.port)
    try:
        server = _assembled(setup, tls, addresses, int(sockets[0].getsockname()[1]))
        await server.run(sockets, task_status)
    finally:
        for listener in sockets:
            listener.close()


def _assembled(
    setup: ServerSetup,
    tls: TlsIdentity | None,
    addresses: Sequence[BindAddress],
    port: int,
) -> _RunningServer:
    config = setup.config
    apply_rules()
    counts = AccessCounts()
    chain = LoginChain.of_config(config.security, setup.users, setup.authenticators, counts)
    tickets = Tickets(chain)
    app = build_application(setup, tickets, counts, port)
    handler = ConnectionHandler(
        app=ASGIWrapper(cast("ASGIFramework", app)),  # the same calls in narrower types
        http_config=hypercorn_config(setup.limits),
        limits=setup.limits,
        tls=tls,
        requires_tls=config.network.ssl.require_ssl,
        trusted_proxies=config.network.trusted_proxies,
        counts=counts,
        congestion_control=config.network.tcp_congestion_control,
    )
    host = _Host(config, addresses[0].host, port, tls, chain, tickets, setup)
    return _RunningServer(setup, app, handler, tls, host, _listening(addresses, host, tls))


@attrs.frozen(eq=False)
class _Host:
    """What transports that listen on their own get; a ``TransportHost``."""

    config: ServerConfig
    host: str
    port: int
    _tls: TlsIdentity | None
    _chain: LoginChain
    _tickets: Tickets
    _setup: ServerSetup

    @property
    def certificate_files(self) -> tuple[Path, Path] | None:
        """PEM files of the certificate chain and of its key; None without TLS."""
        return None if self._tls is None else (self._tls.certificate_file, self._tls.key_file)

    @property
    def has_own_certificate(self) -> bool:
        """True when the operator configured it."""
        return self._tls is not None and self.config.network.ssl.pem_certificate is not None

    def allows_origin(self, origin: str, host: str) -> bool:
        """True for a page of this server, or of one that the settings name."""
        return is_origin_of_host(origin, host, self.config.network.allowed_origins)

    async def admit(self, credentials: Credentials, address: str) -> LetInVisit:
        """Let a peer in as the login page would."""
        user = LOCAL_USER
        if self._chain.is_required:
            user = (await self._chain.log_in(credentials, address)).user
        return LetInVisit(Guest(user, address), self._setup.serve_viewer)

    async def attach(self, connection: Connection, address: str) -> None:
        """Serve a connection whose peer proves by a token who it is; its faults end here."""
        try:
            await self._setup.attach_viewer(connection, address, self._tickets)
        except Exception:  # noqa: BLE001 - border: one viewer
            _log.exception("a connection by %s from %s failed", connection.transport, address)


@attrs.define(eq=False)
class _RunningServer:
    """One run from open sockets to the last closed connection."""

    setup: ServerSetup
    app: WebApplication
    handler: ConnectionHandler
    tls: TlsIdentity | None
    host: _Host
    listening: Listening
    _connections_may_end: trio.Event = attrs.field(factory=trio.Event, init=False)

    async def run(
        self, sockets: Sequence[socket.socket], task_status: trio.TaskStatus[Listening]
    ) -> None:
        """Serve until cancelled."""
        listeners = [trio.SocketListener(trio.socket.from_stdlib_socket(s)) for s in sockets]
        async with trio.open_nursery() as nursery:
            connections = await nursery.start(self._keep_connections)
            try:
                if self.tls is not None:
                    nursery.start_soon(self.tls.watch, self.setup.limits.certificate_check_s)
                for _, transport in self.setup.transports:
                    await nursery.start(transport.listen, self.host)
                nursery.start_soon(
                    partial(
                        trio.serve_listeners,
                        self.handler.handle,
                        listeners,
                        handler_nursery=connections,
                    )
                )
                task_status.started(self.listening)
                await trio.sleep_forever()
            finally:
                with trio.CancelScope(shield=True):
                    await self._stop_connections()

    async def _keep_connections(self, task_status: trio.TaskStatus[trio.Nursery]) -> None:
        """Own the connections' tasks: cancelling the server does not reach them, stopping does."""
        with trio.CancelScope(shield=True):
            async with trio.open_nursery() as connections:
                task_status.started(connections)
                await self._connections_may_end.wait()
                connections.cancel_scope.cancel()

    async def _stop_connections(self) -> None:
        self.app.visits.end_all()
        with trio.move_on_after(self.setup.limits.stop_s):
            await self.handler.stop()
        await self.handler.cut_all()
        self._connections_may_end.set()


def _listening(addresses: Sequence[BindAddress], host: _Host, tls: TlsIdentity | None) -> Listening:
    network = host.config.network
    tail = f":{host.port}{normalised_base_path(network.base_path)}"
    scheme = "http" if tls is None else "https"
    reachable: list[str] = []
    for address in addresses:
        if address.is_everywhere:
            reachable += [
                own.url_host
                for own in map(BindAddress.of_text, own_addresses())
                if own.family == address.family
            ]
        elif not address.is_loopback:
            reachable.append(address.url_host)
    first = addresses[0]
    here = "localhost" if first.is_everywhere else first.url_host
    return Listening(
        port=host.port,
        url=f"{scheme}://{here}{tail}",
        network_urls=tuple(f"{scheme}://{name}{tail}" for name in reachable),
        certificate_fingerprint=None if tls is None else tls.fingerprint,
    )
