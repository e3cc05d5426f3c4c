"""Transport ``websocket``: all lanes on one WebSocket of the shared port; works everywhere."""

from __future__ import annotations

from kasmcore.api import TransportSpec, hookimpl
from kasmcore_websocket.connection import NAME
from kasmcore_websocket.transport import WebSocketTransport


@hookimpl
def kasmcore_register_transports() -> list[TransportSpec]:
    """Offer ``websocket``."""
    return [TransportSpec(name=NAME, factory=lambda _config: WebSocketTransport())]
