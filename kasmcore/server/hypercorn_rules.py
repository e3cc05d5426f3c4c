"""How we use Hypercorn 0.18: its settings, and what it has no settings for.

Hypercorn speaks HTTP/1.1 and WebSocket on connections that we accept ourselves. Each change below
says what Hypercorn does without it; a test shows that each still works with the version installed.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import Any

import h11
import hypercorn.protocol
import hypercorn.protocol.h11
import hypercorn.protocol.ws_stream
from hypercorn.config import Config
from wsproto.events import Message
from wsproto.extensions import Extension

from kasmcore.server.server_setup import ServerLimits


class Http1Only(hypercorn.protocol.h11.H11Protocol):
    """Without it any client may switch to HTTP/2 in clear text, which nothing of ours needs."""

    async def _check_protocol(self, event: h11.Request) -> None:
        """Serve ``Upgrade: h2c`` and the preface of HTTP/2 as the HTTP/1.1 that they also are."""


class BoundedWebSocketBuffer(hypercorn.protocol.ws_stream.WebsocketBuffer):
    """Without it a message that is too long is refused, but what follows of it is still kept."""

    def extend(self, event: Message[Any]) -> None:
        """Add a part of a message.

        Raises:
            FrameTooLargeError: it would be longer than the limit; nothing of it was kept.
        """
        if self.length + len(event.data) > self.max_length:
            self.value = None
            raise hypercorn.protocol.ws_stream.FrameTooLargeError
        super().extend(event)


def _no_extensions(requested: Iterable[str], supported: list[Extension]) -> bytes | None:  # noqa: ARG001
    """Without it every browser gets permessage-deflate, at 15 to 20 times the CPU."""
    return None


def apply_rules() -> None:
    """Change Hypercorn for this process; safe to repeat."""
    hypercorn.protocol.H11Protocol = Http1Only  # type: ignore[attr-defined]
    hypercorn.protocol.ws_stream.WebsocketBuffer = BoundedWebSocketBuffer  # type: ignore[misc]
    hypercorn.protocol.ws_stream.server_extensions_handshake = _no_extensions  # type: ignore[attr-defined]


def hypercorn_config(limits: ServerLimits) -> Config:
    """Return Hypercorn's settings; sockets, TLS and access log are ours."""
    config = Config()
    config.accesslog = None
    config.errorlog = logging.getLogger("kasmcore.server.http")
    config.include_server_header = False
    config.h11_max_incomplete_size = limits.header_bytes
    config.keep_alive_timeout = limits.keep_alive_s
    config.read_timeout = limits.silence_s
    config.ssl_handshake_timeout = limits.handshake_s
    config.websocket_max_message_size = limits.websocket_message_bytes
    config.websocket_ping_interval = limits.ping_interval_s
    return config
