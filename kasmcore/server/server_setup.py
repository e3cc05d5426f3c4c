"""What the server needs to know before it listens, and what it tells once it does."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import attrs

from kasmcore.config.schema import ServerConfig
from kasmcore.interfaces.encoder import EncoderSpec
from kasmcore.interfaces.login import Authenticator
from kasmcore.interfaces.routes import RouteSpec
from kasmcore.interfaces.stream_encoder import StreamEncoderSpec
from kasmcore.interfaces.transport import Connection, Transport, TransportSpec
from kasmcore.server.users_file import UsersFile
from kasmcore.session.reception import Doorkeeper
from kasmcore.stats.metrics import MetricsSource, SessionMetrics
from kasmcore.stats.report import ReportSource, SessionReport
from kasmcore.values.permissions import Guest

ServeViewer = Callable[[Connection, Guest], Awaitable[None]]
"""Runs a viewer on a connection; returns when it needs that no more."""
AttachViewer = Callable[[Connection, str, Doorkeeper], Awaitable[None]]
"""Does so for somebody at an IP address who proves by a token who it is."""


async def attach_nobody(connection: Connection, address: str, doorkeeper: Doorkeeper) -> None:  # noqa: ARG001 - an AttachViewer
    """Turn everybody away: there is no session to attach to."""
    await connection.aclose("there is no session")


@attrs.frozen(kw_only=True)
class ServerLimits:
    """Bounds that keep one peer from harming the rest. No settings: no operator needs them."""

    handshake_s: float = 10.0
    """From the TCP connection to the end of the TLS handshake."""
    keep_alive_s: float = 15.0
    """For the head of a request, from the connection or the end of the request before."""
    body_s: float = 20.0
    """For a request's body."""
    silence_s: int = 75
    """An open WebSocket that answers no ping for this long is gone."""
    ping_interval_s: float = 20.0
    certificate_check_s: float = 60.0
    """Between two looks at whether the certificate's files have changed."""
    stop_s: float = 3.0
    """For requests and viewers to end when the server stops."""
    header_bytes: int = 16 * 1024
    websocket_message_bytes: int = 16 * 1024 * 1024
    connections: int = 800
    connections_per_address: int = 200
    """Does not count for loopback and trusted proxies."""


@attrs.frozen(kw_only=True)
class ServerSetup:
    """Everything the server works with.

    Attributes:
        config: all settings; the server reads ``network``, ``security`` and ``server``.
        port: TCP port; 0 takes any free one.
        desktop_name: title of the page.
        users: the accounts.
        serve_viewer: runs a viewer that was let in.
        attach_viewer: runs one that proves by a token who it is.
        end_login: ends the viewers that a login has let in.
        transports: in the order in which the browser tries them.
        encoders: those in use, of images and of streams; the page learns where their decoders are.
        routes: HTTP routes of plugins.
        authenticators: asked in this order, before the users file.
        metrics: counts of the session.
        report: how the session's viewers are served.
        limits: bounds for peers.
    """

    config: ServerConfig
    port: int
    desktop_name: str
    users: UsersFile
    serve_viewer: ServeViewer
    transports: tuple[tuple[TransportSpec, Transport], ...] = ()
    encoders: tuple[EncoderSpec | StreamEncoderSpec, ...] = ()
    routes: tuple[RouteSpec, ...] = ()
    attach_viewer: AttachViewer = attach_nobody
    end_login: Callable[[str], None] = lambda _login: None
    authenticators: tuple[Authenticator, ...] = ()
    metrics: MetricsSource = SessionMetrics
    report: ReportSource = SessionReport
    limits: ServerLimits = ServerLimits()


@attrs.frozen(kw_only=True)
class Listening:
    """Where the server now listens."""

    port: int
    url: str
    """To open in a browser on this machine."""
    network_urls: tuple[str, ...]
    """To open on other machines; empty when only this machine can reach the server."""
    certificate_fingerprint: str | None
    """SHA-256 in hex pairs; None without TLS."""
