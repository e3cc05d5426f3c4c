"""The ASGI application: each request goes to an endpoint, a file or a transport, or is refused."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping

import attrs
import trio

from kasmcore.interfaces.routes import HttpResponse
from kasmcore.interfaces.transport import (
    AsgiMessage,
    AsgiReceive,
    AsgiScope,
    AsgiSend,
    AsgiWebSocketHandler,
)
from kasmcore.server.access_counts import AccessCounts
from kasmcore.server.access_log import AccessEntry, log_access
from kasmcore.server.endpoints import Call, Endpoint, EndpointTable
from kasmcore.server.gatekeeper import Gatekeeper, Visitor
from kasmcore.server.requests import RequestHead, RequestRefused, read_body, request_head
from kasmcore.server.responses import (
    asgi_headers,
    error_response,
    send_response,
    send_websocket_refusal,
)
from kasmcore.server.server_setup import ServeViewer
from kasmcore.server.static_files import StaticFiles
from kasmcore.server.visits import LetInVisit, OpenVisits, WebSocketExchange
from kasmcore.values.permissions import Guest

_log = logging.getLogger(__name__)
_PROGRAM_PATHS = ("/api/", "/plugins/", "/transports/")
_Refuse = Callable[[AsgiSend, int, list[tuple[bytes, bytes]], bytes], Awaitable[None]]


@attrs.define(eq=False)
class WebApplication:
    """Everything that answers on the port; one call for each request or WebSocket."""

    gatekeeper: Gatekeeper
    endpoints: EndpointTable
    files: StaticFiles
    websockets: Mapping[str, AsgiWebSocketHandler]
    """Transports' handlers by path."""
    base_path: str
    """With a slash at both ends."""
    serve_viewer: ServeViewer
    visits: OpenVisits
    base_headers: tuple[tuple[str, str], ...]
    body_timeout_s: float
    counts: AccessCounts

    async def __call__(self, scope: AsgiScope, receive: AsgiReceive, send: AsgiSend) -> None:
        """Answer one ``http`` or ``websocket`` scope."""
        self.counts.http_requests += 1
        head = request_head(scope, self.gatekeeper.network)
        entry = AccessEntry(head, trio.current_time())
        if scope["type"] == "websocket":
            await self._run_websocket(head, WebSocketExchange(scope, receive, send), entry)
        else:
            await self._answer_request(head, _Body(receive), send, entry)

    async def _answer_request(
        self, head: RequestHead, body: _Body, send: AsgiSend, entry: AccessEntry
    ) -> None:
        try:
            response = await self._respond(head, body, entry)
            headers = asgi_headers(response, self.base_headers)
        except RequestRefused as refused:
            response = error_response(refused)
            headers = asgi_headers(response, self.base_headers)
        except Exception:  # noqa: BLE001 - border: one HTTP request
            _log.exception("%s %s failed", head.method, head.path)
            response = error_response(RequestRefused(500, "the server failed at this request"))
            headers = asgi_headers(response, self.base_headers)
        log_access(entry, response.status, len(response.body))
        async with trio.open_nursery() as nursery:
            # Hypercorn tells the end of the request through the queue that bodies come by: when
            # nobody empties it, an unread body holds the connection for ever.
            nursery.start_soon(body.drain)
            await send_response(send, response.status, headers, response.body)
            nursery.cancel_scope.cancel()

    async def _respond(self, head: RequestHead, body: _Body, entry: AccessEntry) -> HttpResponse:
        endpoint = self.endpoints.find(head.path, head.method)
        if endpoint is not None:
            return await self._call(endpoint, head, body, entry)
        methods = self.endpoints.methods(head.path)
        is_file = not methods and not head.path.startswith(_PROGRAM_PATHS)
        if methods or (is_file and head.method not in ("GET", "HEAD")):
            refusal = error_response(
                RequestRefused(405, f"{head.path} does not know {head.method[:20]}")
            )
            allowed = ", ".join(methods or ("GET", "HEAD"))
            return attrs.evolve(refusal, headers=(*refusal.headers, ("Allow", allowed)))
        if not is_file:
            raise RequestRefused(404, f"there is no {head.path}")
        if f"{head.path}/" == self.base_path:
            return HttpResponse(308, headers=(("Location", f"{head.path.rpartition('/')[2]}/"),))
        if head.path == "/" and not await self._may_see_desktop(head, entry):
            return HttpResponse(
                303, headers=(("Location", "login.html"), ("Cache-Control", "no-store"))
            )
        return await self.files.respond(head.path, head.headers.get("if-none-match", ""))

    async def _may_see_desktop(self, head: RequestHead, entry: AccessEntry) -> bool:
        """Whether to show the desktop's page, which holds no secret, or the login page."""
        visitor = await self.gatekeeper.identify(head, with_credentials=False)
        entry.name(visitor)
        # Who follows a link on another site sends no cookie yet: the page itself asks who it is.
        return visitor is not None or head.headers.get("sec-fetch-site") == "cross-site"

    async def _call(
        self, endpoint: Endpoint, head: RequestHead, body: _Body, entry: AccessEntry
    ) -> HttpResponse:
        visitor = None if endpoint.is_public else await self._visitor(head)
        entry.name(visitor)
        if visitor is not None and endpoint.permission not in visitor.user.permissions:
            raise RequestRefused(403, f"{visitor.user.name} may not use {endpoint.path}")
        self.gatekeeper.check_change(head, visitor)
        content = await read_body(
            head, body.receive, endpoint.body_limit_bytes, self.body_timeout_s
        )
        return await endpoint.handler(Call(head, visitor, content))

    async def _visitor(self, head: RequestHead) -> Visitor:
        visitor = await self.gatekeeper.identify(head)
        if visitor is None:
            raise RequestRefused(401, "log in first")
        return visitor

    async def _run_websocket(
        self, head: RequestHead, exchange: WebSocketExchange, entry: AccessEntry
    ) -> None:
        try:
            handler = self.websockets.get(head.path)
            if handler is None:
                raise RequestRefused(404, f"there is no WebSocket at {head.path}")
            visitor = await self._visitor(head)
            entry.name(visitor)
            self.gatekeeper.check_websocket(head, visitor)
        except RequestRefused as refused:
            response = error_response(refused)
            headers = asgi_headers(response, self.base_headers)
            log_access(entry, response.status, len(response.body))
            await send_websocket_refusal(exchange.send, response.status, headers, response.body)
            return
        log_access(entry, 101, 0)
        guest = Guest(visitor.user, head.source.address, visitor.session_key)
        await self.visits.run(handler, exchange, LetInVisit(guest, self.serve_viewer))


@attrs.define(eq=False)
class _Body:
    """Hands on a request's body and can throw away what is left of it."""

    _receive: AsgiReceive
    _has_ended: bool = False

    async def receive(self) -> AsgiMessage:
        message = await self._receive()
        self._has_ended = not message.get("more_body", False)
        return message

    async def drain(self) -> None:
        while not self._has_ended:
            await self.receive()
