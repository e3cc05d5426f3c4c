"""A relay between browser and server that breaks connections off, as a network does."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import attrs

_PIECE_BYTES = 65536


@attrs.define(eq=False)
class CutRelay:
    """Passes connections on to the server until they are cut."""

    port: int
    _server_port: int
    _lock: threading.Lock = attrs.field(factory=threading.Lock)
    _open: list[tuple[socket.socket, socket.socket]] = attrs.field(factory=list)
    is_closed: bool = False
    """True: new connections are broken off at once."""

    def cut(self) -> int:
        """Break all connections off; nobody says a word. Return how many there were."""
        with self._lock:
            pairs, self._open = self._open, []
        for pair in pairs:
            for end in pair:
                with contextlib.suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)
        return len(pairs)

    def pass_on(self, browser: socket.socket) -> None:
        """Serve one connection in threads of its own."""
        if self.is_closed:
            browser.close()
            return
        server = socket.create_connection(("127.0.0.1", self._server_port))
        with self._lock:
            self._open.append((browser, server))
        for source, target in ((browser, server), (server, browser)):
            threading.Thread(target=_copy, args=(source, target), daemon=True).start()


def _copy(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while piece := source.recv(_PIECE_BYTES):
            target.sendall(piece)
        target.shutdown(socket.SHUT_WR)


@contextmanager
def cut_relay(server_port: int) -> Iterator[CutRelay]:
    """A relay on a free loopback port, for a ``with`` block."""
    listener = socket.create_server(("127.0.0.1", 0))
    relay = CutRelay(listener.getsockname()[1], server_port)

    def accept() -> None:
        with contextlib.suppress(OSError):
            while True:
                relay.pass_on(listener.accept()[0])

    thread = threading.Thread(target=accept)
    thread.start()
    try:
        yield relay
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()
        relay.cut()
