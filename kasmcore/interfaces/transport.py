"""Transports: connections with lanes between the session and a viewer."""

from __future__ import annotations

import enum
from collections.abc import Awaitable, Callable, Mapping, MutableMapping, Sequence
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import attrs
import trio

from kasmcore.config.schema import ServerConfig
from kasmcore.interfaces.login import Credentials
from kasmcore.interfaces.routes import RouteSpec
from kasmcore.values.permissions import User


class Lane(enum.IntEnum):
    """Kinds of traffic, most urgent first. Order holds within a lane, not between lanes."""

    CONTROL = 0
    """Input, cursor, notices: reliable, ordered, small."""
    FRAMES = 1
    """Frames: each whole or not at all."""
    BULK = 2
    """Clipboard contents, files: reliable, ordered, never delays the others."""


class Connection(Protocol):
    """One viewer's connection: whole protocol messages, up to 16 MiB each, on lanes."""

    @property
    def transport(self) -> str:
        """Name of the transport plugin."""

    async def send(self, lane: Lane, message: bytes) -> None:
        """Send one message; return when the network has taken it.

        A slow peer makes this wait: that wait is the back pressure. Messages that wait on a more
        urgent lane go first. Different tasks may send on different lanes at once.

        Raises:
            ConnectionEnded: the peer is gone.
        """

    async def receive(self) -> bytes:
        """Wait for the next whole message of any lane.

        Raises:
            ConnectionEnded: the peer is gone.
            RemoteProtocolError: the peer sent something that is not a message (too long, text).
        """

    async def aclose(self, reason: str) -> None:
        """End the connection in order; safe to repeat. ``reason`` is for the peer, one line."""


class Visit(Protocol):
    """A peer that was let in: logged in, its Origin checked."""

    @property
    def user(self) -> User:
        """Who it is."""

    @property
    def address(self) -> str:
        """Its IP address."""

    async def serve(self, connection: Connection) -> None:
        """Run the viewer until it has left. Its faults never raise here."""


@attrs.frozen
class PathState:
    """How packets are doing between this machine and the next one that answers for them."""

    shortest_round_trip_s: float
    """Of the last minutes."""
    round_trip_s: float
    """Lately."""
    unsent_bytes: int
    """Handed over, but not on their way."""


@runtime_checkable
class MeasuredConnection(Protocol):
    """A Connection that can tell how its packets are doing may also implement this."""

    @property
    def path(self) -> PathState | None:
        """Measured by the transport; None when it cannot be told."""


@runtime_checkable
class UnorderedConnection(Protocol):
    """A Connection that carries each frame on its own, so that none waits for one before it.

    The session then sends frames by ``send_frame`` and nothing else on the lane ``FRAMES``. Several
    may be under way; the viewer puts them in order by the ``FrameOrder`` that each begins with.
    """

    @property
    def frames_may_be_lost(self) -> bool:
        """True when a frame may vanish in the network (a data channel without retransmission).
        False: each arrives unless it is dropped (a QUIC stream)."""

    async def send_frame(self, serial: int, unit: bytes) -> None:
        """Send one frame: ``FrameOrder`` and ``Frame`` in one unit.

        Returns when it was handed to the network and another one may follow: back pressure as by
        ``send``. It returns as well when the frame was dropped meanwhile.

        Raises:
            ConnectionEnded: the peer is gone.
        """

    def drop_frame(self, serial: int) -> None:
        """Stop sending a frame that a newer one has replaced. Never waits; does nothing for one
        that has arrived or is not known."""


class CuttableConnection(Protocol):
    """The TCP connection below a WebSocket; its scope carries it as ``state.connection``."""

    @property
    def path(self) -> PathState | None:
        """What the kernel measures; None when it does not tell."""

    async def abort(self) -> None:
        """Close it at once; a send that waits for a peer who takes no bytes returns then."""


AsgiMessage = MutableMapping[str, Any]
AsgiScope = MutableMapping[str, Any]
AsgiReceive = Callable[[], Awaitable[AsgiMessage]]
AsgiSend = Callable[[AsgiMessage], Awaitable[None]]
AsgiWebSocketHandler = Callable[[AsgiScope, AsgiReceive, AsgiSend, Visit], Awaitable[None]]


class TransportHost(Protocol):
    """What the server lends to a transport that listens on its own."""

    @property
    def config(self) -> ServerConfig:
        """The server's settings."""

    @property
    def host(self) -> str:
        """Address to bind."""

    @property
    def port(self) -> int:
        """The HTTPS port; UDP transports use the same number."""

    @property
    def certificate_files(self) -> tuple[Path, Path] | None:
        """Files of the HTTPS port's certificate chain and of its key, both PEM and maybe the same
        one; they may be replaced while the server runs. None without TLS."""

    @property
    def has_own_certificate(self) -> bool:
        """True when the operator configured the certificate, so that browsers are expected to
        trust it; False for one that the server made, or none."""

    def allows_origin(self, origin: str, host: str) -> bool:
        """True when a page may connect: one of this server, or that the settings name.

        Args:
            origin: the page's Origin.
            host: what the page called us by, with or without a port. Its port does not matter: a
                UDP transport's may be another one than the page's.
        """

    async def admit(self, credentials: Credentials, address: str) -> Visit:
        """Check credentials as the login page does, with the same throttle.

        Raises:
            KasmcoreError: refused; the text may be shown to the peer.
        """

    async def attach(self, connection: Connection, address: str) -> None:
        """Serve a connection whose peer proves itself by its first message, ``Attach``.

        For peers that were not let in otherwise. Runs until the viewer has left or goes on with
        another connection; the caller then closes this one, if it is open. Its faults never raise
        here. A peer that brings no good token in 10 s, or sends more than 1 KiB before, is refused.

        Args:
            connection: has just opened.
            address: the peer's IP address.
        """


class Transport(Protocol):
    """One way to carry connections."""

    def websocket_routes(self) -> Mapping[str, AsgiWebSocketHandler]:
        """ASGI WebSocket handlers on the shared HTTPS port, by path below the site's root.

        The server has checked login and Origin before it calls one, and closes the WebSocket in
        order after it. ``scope["state"]["connection"]`` is a CuttableConnection, for a peer that
        stopped reading: cancelling alone does not end a send to it.
        """

    async def listen(
        self, host: TransportHost, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED
    ) -> None:
        """Run own sockets until cancelled; call ``task_status.started()`` when they are open.

        A transport that only rides on the shared port calls it and returns.
        """


@runtime_checkable
class RoutedTransport(Protocol):
    """A Transport that answers HTTP requests, for signalling or its address, may also have this."""

    def routes(self) -> Sequence[RouteSpec]:
        """Routes below ``/api/plugins/<name>``, as other plugins may offer them.

        The path of the first one is told to the browser as the transport's ``path`` when it has no
        WebSocket route.
        """


@attrs.frozen(kw_only=True)
class TransportSpec:
    """A transport that can be used. ``name``: word that YAML and browser use."""

    name: str
    factory: Callable[[ServerConfig], Transport]
