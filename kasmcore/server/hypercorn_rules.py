"""How we use Hypercorn 0.18: its settings, and what it has no settings for.

Hypercorn speaks HTTP/1.1 and WebSocket on connections that we accept ourselves. Each change below
says what Hypercorn does without it; a test shows that each still works with the version installed.
"""

from __future__ import annotations

import functools
import logging
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

import h11
import hypercorn.protocol
import hypercorn.protocol.h11
import hypercorn.protocol.ws_stream
import wsproto.events
from hypercorn.config import Config
from hypercorn.protocol.events import Event, Request
from hypercorn.typing import ASGIReceiveEvent
from wsproto.connection import ConnectionState
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


class ToldCloseStream(hypercorn.protocol.ws_stream.WSStream):
    """Without it every WebSocket that the peer closes seems to have broken off: code 1006."""

    _peers_code: int | None = None

    async def handle(self, event: Event) -> None:
        """Take what comes from the connection; see that the application is told the code."""
        await super().handle(event)
        if isinstance(event, Request) and self.app_put is not None:
            self.app_put = functools.partial(self._put, self.app_put)

    async def _put(
        self, put: Callable[[ASGIReceiveEvent], Awaitable[None]], message: ASGIReceiveEvent
    ) -> None:
        if message["type"] == "websocket.disconnect" and self._peers_code is not None:
            message["code"] = self._peers_code
        await put(message)

    async def _send_wsproto_event(self, event: wsproto.events.Event) -> None:
        """The answer to a close frame holds the peer's code."""
        is_answer = self.connection.state is ConnectionState.REMOTE_CLOSING
        if is_answer and isinstance(event, wsproto.events.CloseConnection):
            self._peers_code = event.code
        await super()._send_wsproto_event(event)


def _no_extensions(requested: Iterable[str], supported: list[Extension]) -> bytes | None:  # noqa: ARG001
    """Without it every browser gets permessage-deflate, at 15 to 20 times the CPU."""
    return None


def apply_rules() -> None:
    """Change Hypercorn for this process; safe to repeat."""
    hypercorn.protocol.H11Protocol = Http1Only  # type: ignore[attr-defined]
    hypercorn.protocol.ws_stream.WebsocketBuffer = BoundedWebSocketBuffer  # type: ignore[misc]
    hypercorn.protocol.h11.WSStream = ToldCloseStream  # type: ignore[attr-defined]
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
