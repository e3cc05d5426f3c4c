"""A small reverse proxy that shows a server under a path of its own, as nginx would."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from queue import SimpleQueue

import trio

PREFIX = "/desk/"


@contextmanager
def path_proxy(server_port: int, *, strips_prefix: bool) -> Iterator[int]:
    """Run a proxy in a thread and give its port.

    Args:
        server_port: of the server behind it, on loopback without TLS.
        strips_prefix: True takes the prefix off the path, as the server were at the root.
    """
    started: SimpleQueue[tuple[int, trio.lowlevel.TrioToken, trio.CancelScope]] = SimpleQueue()

    async def serve() -> None:
        with trio.CancelScope() as scope:
            listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
            port = int(listeners[0].socket.getsockname()[1])
            started.put((port, trio.lowlevel.current_trio_token(), scope))
            await trio.serve_listeners(partial(_forward, server_port, strips_prefix), listeners)

    thread = threading.Thread(target=trio.run, args=(serve,))
    thread.start()
    port, token, scope = started.get(timeout=10)
    try:
        yield port
    finally:
        token.run_sync_soon(scope.cancel)
        thread.join()


async def _forward(server_port: int, strips_prefix: bool, browser: trio.SocketStream) -> None:
    """Pass on one request, and for WebSockets all that follows."""
    head = b""
    while b"\r\n\r\n" not in head:
        more = await browser.receive_some()
        if not more:
            return
        head += more
    if not re.match(rb"[A-Z]+ " + PREFIX.encode(), head):
        await browser.send_all(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
        await browser.aclose()
        return
    server = await trio.open_tcp_stream("127.0.0.1", server_port)
    await server.send_all(_rewritten(head, strips_prefix))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(_copy, browser, server, nursery.cancel_scope)
        nursery.start_soon(_copy, server, browser, nursery.cancel_scope)
    await trio.aclose_forcefully(server)
    await trio.aclose_forcefully(browser)


def _rewritten(head: bytes, strips_prefix: bool) -> bytes:
    """One request a connection, said to come from a browser elsewhere."""
    host = re.search(rb"\r\nHost: ([^\r]*)", head)
    assert host is not None
    if b"\r\nUpgrade: websocket" not in head:
        head = re.sub(rb"\r\nConnection: [^\r]*", b"\r\nConnection: close", head, count=1)
    if strips_prefix:
        head = head.replace(PREFIX.encode(), b"/", 1)
    head = head.replace(host[0], b"\r\nHost: inside.example", 1)
    forwarded = b"\r\nX-Forwarded-For: 203.0.113.7\r\nX-Forwarded-Proto: http"
    first, rest = head.split(b"\r\n", 1)
    return first + forwarded + b"\r\nX-Forwarded-Host: " + host[1] + b"\r\n" + rest


async def _copy(
    source: trio.SocketStream, target: trio.SocketStream, scope: trio.CancelScope
) -> None:
    try:
        async for data in source:
            await target.send_all(data)
    except trio.BrokenResourceError:
        pass
    scope.cancel()
