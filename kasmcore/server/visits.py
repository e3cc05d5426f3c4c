"""The WebSockets that are open: one handler each, ended in order whatever the peer does."""

from __future__ import annotations

import logging

import attrs
import trio

from kasmcore.interfaces.transport import (
    AsgiMessage,
    AsgiReceive,
    AsgiScope,
    AsgiSend,
    AsgiWebSocketHandler,
    Connection,
)
from kasmcore.server.accepted import AcceptedConnection
from kasmcore.server.server_setup import ServeViewer
from kasmcore.values.permissions import Guest, User

_log = logging.getLogger(__name__)

CLOSE_GOING_AWAY = 1001
CLOSE_INTERNAL_ERROR = 1011
CLOSE_SIGNED_OUT = 4001
"""The login under which this WebSocket was opened has ended: coming back needs a new one."""
_CLOSE_GRACE_S = 2.0
_SEND_TO_NOBODY_S = 0.01


@attrs.frozen(eq=False)
class LetInVisit:
    """A peer that was let in; the ``Visit`` that transports get."""

    guest: Guest
    _serve_viewer: ServeViewer

    @property
    def user(self) -> User:
        """Who it is."""
        return self.guest.user

    @property
    def address(self) -> str:
        """Its IP address."""
        return self.guest.address

    async def serve(self, connection: Connection) -> None:
        """Run the viewer on this connection."""
        await self._serve_viewer(connection, self.guest)


@attrs.define(eq=False)
class WebSocketExchange:
    """The ASGI conversation of one WebSocket, watched so that it can be ended in order."""

    scope: AsgiScope
    _receive: AsgiReceive
    _send: AsgiSend
    is_open: bool = attrs.field(default=False, init=False)
    """The handler accepted it and neither side has closed it."""
    _is_answered: bool = attrs.field(default=False, init=False)

    @property
    def connection(self) -> AcceptedConnection:
        """The TCP connection below it."""
        connection: AcceptedConnection = self.scope["state"]["connection"]
        return connection

    async def receive(self) -> AsgiMessage:
        """Receive; cut the connection when the peer has left, so that no send waits for it."""
        message = await self._receive()
        if message["type"] == "websocket.disconnect":
            self.is_open, self._is_answered = False, True
            await self.connection.abort()
        return message

    async def send(self, message: AsgiMessage) -> None:
        """Send. To a peer who has left it does nothing, as ASGI says, but takes a moment.

        Hypercorn returns at once then, without letting other tasks run.
        """
        self._is_answered = True
        if self.connection.ended.is_set():
            await trio.sleep(_SEND_TO_NOBODY_S)
            return
        if message["type"] == "websocket.accept":
            self.is_open = True
        elif message["type"] == "websocket.close":
            self.is_open = False
        await self._send(message)

    async def close(self, code: int) -> None:
        """Send the close frame if there is none yet, and read on until the peer has left."""
        if not self._is_answered:
            await self.send({"type": "websocket.close", "code": code})  # a refusal, 403
            return
        if self.is_open:
            await self.send({"type": "websocket.close", "code": code})
            while (await self.receive())["type"] != "websocket.disconnect":
                pass


@attrs.define(eq=False)
class _OpenVisit:
    session_key: str | None
    handler_scope: trio.CancelScope = attrs.field(factory=trio.CancelScope)
    ending: trio.Event = attrs.field(factory=trio.Event)
    close_code: int = 1000

    def end(self, close_code: int) -> None:
        if not self.ending.is_set():
            self.close_code = close_code
            self.ending.set()
            self.handler_scope.cancel()


@attrs.define(eq=False)
class OpenVisits:
    """All WebSockets whose handler runs."""

    _visits: set[_OpenVisit] = attrs.field(factory=set, init=False)

    def end_all(self) -> None:
        """Ask every handler to end because the server stops; its peer is told."""
        for visit in list(self._visits):
            visit.end(CLOSE_GOING_AWAY)

    def end_of_session(self, key: str) -> None:
        """Ask the handlers to end that were opened under one login; their peers are told."""
        for visit in list(self._visits):
            if visit.session_key == key:
                visit.end(CLOSE_SIGNED_OUT)

    async def run(
        self,
        handler: AsgiWebSocketHandler,
        exchange: WebSocketExchange,
        visit: LetInVisit,
    ) -> None:
        """Run a transport's handler until it or the peer ends, then close the connection.

        Hypercorn shields its sends from cancellation: a peer that stops reading would hold the
        handler for ever. So the TCP connection is cut some time after the handler was asked to
        end.
        """
        opened = _OpenVisit(visit.guest.login)
        self._visits.add(opened)
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(_cut_when_overdue, opened, exchange.connection)
                nursery.start_soon(_end_when_left, opened, exchange.connection)
                await _run_handler(handler, exchange, visit, opened)
                opened.ending.set()
                await exchange.close(opened.close_code)
                nursery.cancel_scope.cancel()
        finally:
            self._visits.discard(opened)
            exchange.connection.finish()


async def _run_handler(
    handler: AsgiWebSocketHandler,
    exchange: WebSocketExchange,
    visit: LetInVisit,
    opened: _OpenVisit,
) -> None:
    try:
        with opened.handler_scope:
            await handler(exchange.scope, exchange.receive, exchange.send, visit)
    except Exception:  # noqa: BLE001 - border: one HTTP request, here a WebSocket
        opened.close_code = CLOSE_INTERNAL_ERROR
        _log.exception("the connection of %r from %s failed", visit.user.name, visit.address)


async def _cut_when_overdue(opened: _OpenVisit, connection: AcceptedConnection) -> None:
    await opened.ending.wait()
    await trio.sleep(_CLOSE_GRACE_S)
    await connection.abort()


async def _end_when_left(opened: _OpenVisit, connection: AcceptedConnection) -> None:
    """End a handler that only sends and so does not notice that its peer has left."""
    await connection.ended.wait()
    await trio.sleep(_CLOSE_GRACE_S)
    opened.end(CLOSE_GOING_AWAY)
