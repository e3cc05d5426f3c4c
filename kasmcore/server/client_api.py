"""What the browser client and an operator's tools ask for: client, health, metrics, decoders."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from importlib.resources.abc import Traversable

import trio

from kasmcore import __version__
from kasmcore.interfaces.encoder import EncoderSpec
from kasmcore.interfaces.routes import HttpResponse
from kasmcore.interfaces.stream_encoder import StreamEncoderSpec
from kasmcore.interfaces.transport import RoutedTransport, Transport, TransportSpec
from kasmcore.server.endpoints import Call, Endpoint
from kasmcore.server.responses import json_response
from kasmcore.server.static_files import content_response
from kasmcore.stats.metrics import AccessMetrics, MetricsSource, prometheus_text
from kasmcore.values.permissions import Permission, User

Transports = Sequence[tuple[TransportSpec, Transport]]
Encoders = Sequence[EncoderSpec | StreamEncoderSpec]


def client_endpoint(
    desktop_name: str,
    login_required: bool,
    transports: Transports,
    encoders: Encoders,
    *,
    upgrade: str,
) -> Endpoint:
    """``/api/client``: all that the page must know to connect, in URLs relative to it."""
    offers = [{"name": spec.name, "path": _path_of(transport)} for spec, transport in transports]
    decoders = {
        spec.codec: None if spec.browser_decoder is None else _decoder_url(spec.codec)
        for spec in encoders
    }

    async def describe(call: Call) -> HttpResponse:
        return json_response(
            {
                "version": __version__,
                "desktop_name": desktop_name,
                "user": _user_content(call.user),
                "login_required": login_required,
                "transports": offers,
                "upgrade": upgrade,
                "decoders": decoders,
            }
        )

    return Endpoint(
        method="GET",
        path="/api/client",
        handler=describe,
        summary="Who is logged in, and how to connect.",
    )


def _path_of(transport: Transport) -> str:
    """Where the browser begins: the WebSocket, or else the first of its own routes."""
    paths = list(transport.websocket_routes())
    if not paths and isinstance(transport, RoutedTransport):
        paths = [route.path for route in transport.routes()]
    return paths[0].lstrip("/") if paths else ""


def health_endpoint() -> Endpoint:
    """``/api/health``: answers while the server lives."""

    async def tell(call: Call) -> HttpResponse:  # noqa: ARG001 - one answer for everyone
        return json_response({"status": "ok"})

    return Endpoint(
        method="GET",
        path="/api/health",
        is_public=True,
        handler=tell,
        summary="Whether the server answers.",
    )


def metrics_endpoint(session: MetricsSource, access: Callable[[], AccessMetrics]) -> Endpoint:
    """``/metrics``: counts in Prometheus' text format."""

    async def tell(call: Call) -> HttpResponse:  # noqa: ARG001 - one answer for every owner
        text = prometheus_text(session(), access())
        return HttpResponse(
            200, text.encode(), "text/plain; version=0.0.4", (("Cache-Control", "no-store"),)
        )

    return Endpoint(
        method="GET",
        path="/metrics",
        permission=Permission.OWNER,
        handler=tell,
        summary="Counts for monitoring, in Prometheus' text format.",
    )


def decoder_endpoints(encoders: Encoders) -> tuple[Endpoint, ...]:
    """``/plugins/decoders/<codec>.js``: decoders that encoder plugins bring; public, as files."""
    return tuple(
        _decoder_endpoint(spec.codec, spec.browser_decoder)
        for spec in encoders
        if spec.browser_decoder is not None
    )


def _decoder_endpoint(codec: str, module: Traversable) -> Endpoint:
    async def give(call: Call) -> HttpResponse:
        content = await trio.to_thread.run_sync(module.read_bytes)
        known = call.head.headers.get("if-none-match", "")
        return content_response(content, "text/javascript; charset=utf-8", known)

    return Endpoint(
        method="GET",
        path=f"/{_decoder_url(codec)}",
        is_public=True,
        handler=give,
        summary=f"Browser decoder of {codec}.",
    )


def _decoder_url(codec: str) -> str:
    return f"plugins/decoders/{codec}.js"


def _user_content(user: User) -> Mapping[str, object]:
    words = (
        ("read", Permission.READ),
        ("write", Permission.WRITE),
        ("owner", Permission.OWNER),
    )
    granted = [word for word, permission in words if permission in user.permissions]
    return {"name": user.name, "permissions": granted}
