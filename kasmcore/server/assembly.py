"""Puts the application together from the setup; nothing runs yet."""

from __future__ import annotations

from collections.abc import Iterable

from kasmcore.errors import PluginError
from kasmcore.interfaces.transport import AsgiWebSocketHandler, RoutedTransport
from kasmcore.server.access_counts import AccessCounts
from kasmcore.server.app import WebApplication
from kasmcore.server.client_api import (
    Transports,
    client_endpoint,
    decoder_endpoints,
    health_endpoint,
    metrics_endpoint,
)
from kasmcore.server.endpoints import Endpoint, EndpointTable, plugin_endpoint
from kasmcore.server.gatekeeper import Gatekeeper
from kasmcore.server.login_api import LoginCookie, login_endpoints
from kasmcore.server.requests import normalised_base_path
from kasmcore.server.responses import security_headers
from kasmcore.server.server_setup import ServerSetup
from kasmcore.server.static_files import StaticFiles
from kasmcore.server.statistics_api import statistics_endpoints
from kasmcore.server.tickets import Tickets
from kasmcore.server.visits import OpenVisits


def build_application(
    setup: ServerSetup, tickets: Tickets, counts: AccessCounts, port: int
) -> WebApplication:
    """Return what answers on the port.

    Raises:
        KasmcoreError: plugins claim the same path, or there is no browser client.
    """
    config = setup.config
    # Cookies do not know ports: servers on one machine need a name each.
    base_path = normalised_base_path(config.network.base_path)
    cookie = LoginCookie(f"kasmcore_{port}", base_path)
    visits = OpenVisits()
    has_plugin_decoders = any(spec.browser_decoder is not None for spec in setup.encoders)
    return WebApplication(
        gatekeeper=Gatekeeper(tickets.chain, config.network, cookie.name),
        endpoints=EndpointTable.of_endpoints(_endpoints(setup, tickets, cookie, visits, counts)),
        files=StaticFiles.of_config(config.server.http.httpd_directory),
        websockets=_websockets(setup.transports),
        base_path=base_path,
        serve_viewer=setup.serve_viewer,
        visits=visits,
        base_headers=security_headers(config.server.http.headers, allows_wasm=has_plugin_decoders),
        body_timeout_s=setup.limits.body_s,
        counts=counts,
    )


def _endpoints(
    setup: ServerSetup,
    tickets: Tickets,
    cookie: LoginCookie,
    visits: OpenVisits,
    counts: AccessCounts,
) -> Iterable[Endpoint]:
    def end_login(key: str) -> None:
        visits.end_of_session(key)
        setup.end_login(key)

    lifetime_s = setup.config.security.session_lifetime
    chain = tickets.chain
    yield from login_endpoints(chain, cookie, lifetime_s, end_login)
    yield tickets.endpoint()
    yield client_endpoint(
        setup.desktop_name,
        chain.is_required,
        setup.transports,
        setup.encoders,
        upgrade=setup.config.network.upgrade,
    )
    yield health_endpoint()
    yield metrics_endpoint(setup.metrics, counts.metrics)
    yield from statistics_endpoints(setup.report)
    yield from decoder_endpoints(setup.encoders)
    yield from map(plugin_endpoint, setup.routes)
    for _, transport in setup.transports:
        if isinstance(transport, RoutedTransport):
            yield from map(plugin_endpoint, transport.routes())


def _websockets(transports: Transports) -> dict[str, AsgiWebSocketHandler]:
    handlers: dict[str, AsgiWebSocketHandler] = {}
    for spec, transport in transports:
        for path, handler in transport.websocket_routes().items():
            path = f"/{path.lstrip('/')}"
            if path in handlers:
                raise PluginError(
                    f"two transports use the path {path}",
                    where=f"transport {spec.name}",
                    remedy="Leave one of them out of plugins.transports.",
                )
            handlers[path] = handler
    return handlers
