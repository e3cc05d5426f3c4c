"""The WebSocket transport on a real hypercorn, for its tests."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import trio
import trio_websocket
from hypercorn.app_wrappers import ASGIWrapper
from hypercorn.config import Config
from hypercorn.trio.tcp_server import TCPServer
from hypercorn.trio.worker_context import WorkerContext
from hypercorn.typing import ConnectionState
from kasmcore_websocket.connection import MAXIMUM_INCOMING_BYTES
from kasmcore_websocket.transport import PATH, SUBPROTOCOL, serve_websocket

from kasmcore.api import Connection, PathState, Permission, User

Serve = Callable[[Connection], Awaitable[None]]
USER = User("tester", Permission.READ)


class LetIn:
    user = USER
    address = "127.0.0.1"

    def __init__(self, serve: Serve) -> None:
        self._serve = serve

    async def serve(self, connection: Connection) -> None:
        await self._serve(connection)


class TcpConnection:
    def __init__(self, stream: trio.SocketStream) -> None:
        self.stream = stream
        self.path: PathState | None = None

    async def abort(self) -> None:
        await trio.aclose_forcefully(self.stream)


@asynccontextmanager
async def hypercorn_host(
    serve: Serve, handler_ended: trio.Event | None = None
) -> AsyncIterator[int]:
    """Hypercorn on a free port of the loopback address, as the server runs it; gives the port."""
    config = Config()
    config.websocket_max_message_size = MAXIMUM_INCOMING_BYTES

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await serve_websocket(scope, receive, send, LetIn(serve))
        if handler_ended is not None:
            handler_ended.set()

    async def handle(stream: trio.SocketStream) -> None:
        state = ConnectionState({"connection": TcpConnection(stream)})
        await TCPServer(
            ASGIWrapper(app),
            config,
            WorkerContext(None),
            state,
            stream,  # type: ignore[arg-type]  # it takes plain streams too
        )

    async with trio.open_nursery() as nursery:
        listeners = await nursery.start(partial(trio.serve_tcp, handle, 0, host="127.0.0.1"))
        yield listeners[0].socket.getsockname()[1]
        nursery.cancel_scope.cancel()


def connect(port: int, subprotocol: str = SUBPROTOCOL) -> Any:
    return trio_websocket.open_websocket(
        "127.0.0.1",
        port,
        f"/{PATH}",
        use_ssl=False,
        subprotocols=[subprotocol],
        max_message_size=2**24,
    )
