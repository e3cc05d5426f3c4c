"""Transport ``unix_socket``: for viewers that are programs of this machine, over a Unix socket.

Use it:  kasmcore run --set 'plugins.files=[unix_socket.py]' \
                      --set 'plugins.transports=[websocket, unix_socket]' \
                      --set plugin_settings.unix_socket.path=/run/user/1000/kasmcore

Both sides send units: whole messages of the protocol after their length, four bytes, big-endian.
The length 0 is a goodbye. A viewer shows by its first unit, ``Attach``, who it is.
"""

from __future__ import annotations

import contextlib
import itertools
import os
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import attrs
import trio

from kasmcore.api import (
    AsgiWebSocketHandler,
    ConfigError,
    ConnectionEnded,
    Lane,
    RemoteProtocolError,
    ServerConfig,
    SettingsSection,
    TransportHost,
    TransportSpec,
    hookimpl,
    setting,
)

NAME = "unix_socket"
LENGTH_BYTES = 4
GOODBYE = bytes(LENGTH_BYTES)
LONGEST_FROM_CLIENT_BYTES = 128 * 2**10 + 16
"""No unit of a client is longer; a longer one could only fill the server's memory."""
MOST_CONNECTIONS = 32
READ_BYTES = 2**16
CLOSE_LIMIT_S = 1.0


@attrs.frozen(kw_only=True)
class UnixSocketSettings:
    """Where the socket is. YAML: ``plugin_settings.unix_socket``."""

    path: str = setting("", "Path of the socket, which only the server's own user may open.")


class UnixConnection:
    """One end of a connection; implements Connection. Clients use it, too."""

    transport = NAME

    def __init__(self, stream: trio.SocketStream, longest_incoming_bytes: int) -> None:
        self._stream = stream
        self._longest_incoming_bytes = longest_incoming_bytes
        self._received = bytearray()
        self._numbers = itertools.count()
        self._waiting: list[tuple[Lane, int]] = []
        self._changed = trio.Event()
        self._is_writing = False
        self._is_closed = False

    async def send(self, lane: Lane, message: bytes) -> None:
        """Send one unit; returns when the kernel has taken it all: that is the back pressure."""
        async with self._turn(lane):
            if self._is_closed:
                raise ConnectionEnded("the connection is closed")
            try:
                await self._stream.send_all(len(message).to_bytes(LENGTH_BYTES, "big") + message)
            except (trio.BrokenResourceError, trio.ClosedResourceError) as error:
                raise ConnectionEnded("the peer is gone") from error
            except trio.Cancelled:
                self._cut()  # after a part of a unit the peer would understand nothing
                raise

    async def receive(self) -> bytes:
        """Wait for the next unit. Cancelled, it loses nothing: a part of one stays here."""
        await trio.lowlevel.checkpoint()
        await self._fill(LENGTH_BYTES)
        length = int.from_bytes(self._received[:LENGTH_BYTES], "big")
        if length == 0:
            raise ConnectionEnded("the peer said goodbye", is_in_order=True)
        if length > self._longest_incoming_bytes:
            raise RemoteProtocolError(f"the peer announced a unit of {length} bytes")
        end = LENGTH_BYTES + length
        await self._fill(end)
        unit = bytes(self._received[LENGTH_BYTES:end])
        del self._received[:end]
        return unit

    async def aclose(self, reason: str) -> None:
        """Say goodbye and close; the protocol's own Farewell has told the reason."""
        was_closed, self._is_closed = self._is_closed, True
        with trio.move_on_after(CLOSE_LIMIT_S, shield=True):
            if not was_closed and not self._is_writing:
                with contextlib.suppress(trio.BrokenResourceError):
                    await self._stream.send_all(GOODBYE)
        await self._stream.aclose()

    @contextlib.asynccontextmanager
    async def _turn(self, lane: Lane) -> AsyncIterator[None]:
        """Wait until nobody writes, and nobody waits whose message is more urgent."""
        turn = (lane, next(self._numbers))
        self._waiting.append(turn)
        try:
            while self._is_writing or min(self._waiting) != turn:
                await self._changed.wait()
        finally:
            self._waiting.remove(turn)
            self._wake()
        self._is_writing = True
        try:
            yield
        finally:
            self._is_writing = False
            self._wake()

    async def _fill(self, count: int) -> None:
        while len(self._received) < count:
            try:
                data = await self._stream.receive_some(READ_BYTES)
            except (trio.BrokenResourceError, trio.ClosedResourceError) as error:
                raise ConnectionEnded("the connection broke") from error
            if not data:
                raise ConnectionEnded("the peer left without a goodbye")
            self._received += data

    def _cut(self) -> None:
        self._is_closed = True
        self._stream.socket.close()

    def _wake(self) -> None:
        self._changed.set()
        self._changed = trio.Event()


@attrs.define
class UnixSocketTransport:
    """Implements Transport."""

    path: Path
    _open: int = attrs.field(default=0, init=False)

    def websocket_routes(self) -> Mapping[str, AsgiWebSocketHandler]:
        """None: it has a socket of its own."""
        return {}

    async def listen(
        self, host: TransportHost, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED
    ) -> None:
        """Serve the socket until cancelled."""

        async def serve(stream: trio.SocketStream) -> None:
            connection = UnixConnection(stream, LONGEST_FROM_CLIENT_BYTES)
            if self._open < MOST_CONNECTIONS:
                self._open += 1
                try:
                    # All programs of this machine share one brake on guessing tokens.
                    await host.attach(connection, "127.0.0.1")
                finally:
                    self._open -= 1
            await connection.aclose("the viewer has left")

        if self.path.is_socket():
            self.path.unlink()  # of a run before
        with trio.socket.socket(trio.socket.AF_UNIX) as listener:
            await listener.bind(os.fspath(self.path))
            try:
                self.path.chmod(0o600)  # nobody can connect before it listens
                listener.listen()
                task_status.started()
                await trio.serve_listeners(serve, [trio.SocketListener(listener)])
            finally:
                self.path.unlink(missing_ok=True)


def make_transport(config: ServerConfig) -> UnixSocketTransport:
    """Return the transport of these settings.

    Raises:
        ConfigError: they name no path.
    """
    path = config.plugin_settings.of(UnixSocketSettings).path
    if not path:
        raise ConfigError(
            "unix_socket needs a path",
            where="plugin_settings.unix_socket.path",
            remedy="Set it to a path in a folder of yours, or take it out of plugins.transports.",
        )
    return UnixSocketTransport(Path(path))


@hookimpl
def kasmcore_register_settings() -> list[SettingsSection]:
    """Declare where the socket is."""
    return [SettingsSection(name=NAME, settings_class=UnixSocketSettings)]


@hookimpl
def kasmcore_register_transports() -> list[TransportSpec]:
    """Offer ``unix_socket``."""
    return [TransportSpec(name=NAME, factory=make_transport)]
