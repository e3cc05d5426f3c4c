"""A viewer that speaks our protocol over a transport's connection: one kind of ViewerLink."""

from __future__ import annotations

import collections
from collections.abc import Callable

import attrs
import trio

from kasmcore.errors import ConnectionEnded, KasmcoreError, RemoteProtocolError
from kasmcore.interfaces.transport import Connection, Lane, MeasuredConnection
from kasmcore.interfaces.viewer_link import ViewerAbilities
from kasmcore.protocol.clipboard_transfer import TransferRefused
from kasmcore.protocol.connection import ServerConnection, ServerReceived
from kasmcore.protocol.messages import Attach, Hello, Welcome
from kasmcore.protocol.version import (
    FEATURE_COPY,
    FEATURE_FULL_CHROMA,
    FEATURE_SCALED,
    HANDSHAKE_LIMIT_S,
)
from kasmcore.values.clipboard import AllowedClipboard
from kasmcore.values.frames import EncodedFrame
from kasmcore.values.permissions import ViewerInfo
from kasmcore.values.viewer_events import ViewerEvent
from kasmcore.values.viewer_updates import Farewell, Notice, Severity, ViewerUpdate

FAREWELL_LIMIT_S = 2.0
MOST_REASON_CHARACTERS = 1000

ViewerFor = Callable[[Hello], tuple[ViewerInfo, Welcome]]


async def open_wire_link(connection: Connection, viewer_for: ViewerFor) -> WireLink:
    """Shake hands with a client that has just connected.

    Args:
        connection: is left open, also after an error: whoever opened it closes it.
        viewer_for: decides who the viewer is and what it is told; called once. Its Welcome names
            all codecs and features of the server; the client gets those that it also has. What it
            raises (a KasmcoreError) is told to the client and raised again.

    Raises:
        ConnectionEnded: the client left.
        RemoteProtocolError: no Hello in 10 s, another protocol version, no codec in common. The
            client has been told.
    """
    protocol = ServerConnection()
    try:
        with trio.fail_after(HANDSHAKE_LIMIT_S):
            hello = await _receive_hello(connection, protocol)
            viewer, offered = viewer_for(hello)
            welcome = _agree(hello, offered)
            await connection.send(Lane.CONTROL, protocol.welcome(welcome))
    except trio.TooSlowError:
        error = RemoteProtocolError(f"the handshake took over {HANDSHAKE_LIMIT_S:.0f} s")
        await _say_farewell(connection, protocol, str(error))
        raise error from None
    except ConnectionEnded:
        raise
    except KasmcoreError as error:
        await _say_farewell(connection, protocol, str(error))
        raise
    path = connection.path if isinstance(connection, MeasuredConnection) else None
    abilities = ViewerAbilities(
        path_round_trip_s=None if path is None else path.shortest_round_trip_s,
        codecs=welcome.codecs,
        viewport=hello.viewport,
        wants_resize=hello.wants_resize,
        can_copy=FEATURE_COPY in welcome.features,
        can_scale=FEATURE_SCALED in welcome.features,
        has_full_chroma=FEATURE_FULL_CHROMA in welcome.features,
    )
    return WireLink(connection, protocol, viewer, abilities)


class WireLink:
    """A viewer behind the protocol; implements ViewerLink."""

    def __init__(
        self,
        connection: Connection,
        protocol: ServerConnection,
        viewer: ViewerInfo,
        abilities: ViewerAbilities,
    ) -> None:
        self._connection = connection
        self._protocol = protocol
        self._viewer = viewer
        self._abilities = abilities
        self._received: collections.deque[ServerReceived] = collections.deque()
        self._newest_clipboard: AllowedClipboard | None = None
        self._lane_locks = {lane: trio.Lock() for lane in Lane}

    @property
    def viewer(self) -> ViewerInfo:
        """Who it is."""
        return self._viewer

    @property
    def abilities(self) -> ViewerAbilities:
        """What it can do."""
        return self._abilities

    async def send(self, update: ViewerUpdate) -> None:
        """Send one update on its lane; waits while the link is busy.

        Clipboard contents go in chunks, between which the other lanes pass; newer contents end the
        transfer of older ones.

        Raises:
            ConnectionEnded: the viewer is gone, or got its Farewell.
            ValueError: a field does not fit its type on the wire.
        """
        if isinstance(update, AllowedClipboard):
            await self._send_clipboard(update)
        else:
            lane = Lane.FRAMES if isinstance(update, EncodedFrame) else Lane.CONTROL
            await self._send_on(lane, self._protocol.send(update))

    async def receive(self) -> ViewerEvent:
        """Wait for what the viewer does next.

        Raises:
            ConnectionEnded: the viewer is gone.
            RemoteProtocolError: it broke the protocol.
        """
        while True:
            while not self._received:
                data = await self._connection.receive()
                self._received += self._protocol.receive_data(data)
            event = self._received.popleft()
            if isinstance(event, TransferRefused):
                await self.send(_notice_of(event))
            elif not isinstance(event, Hello | Attach):
                return event

    async def _send_clipboard(self, contents: AllowedClipboard) -> None:
        self._newest_clipboard = contents
        for message in self._protocol.clipboard_messages(contents.items):
            if self._newest_clipboard is not contents:
                return
            await self._send_on(Lane.BULK, message)

    async def _send_on(self, lane: Lane, message: bytes) -> None:
        async with self._lane_locks[lane]:
            await self._connection.send(lane, message)


async def _receive_hello(connection: Connection, protocol: ServerConnection) -> Hello:
    while True:
        for message in protocol.receive_data(await connection.receive()):
            if isinstance(message, Hello):
                return message


def _agree(hello: Hello, offered: Welcome) -> Welcome:
    """What both sides have, in the server's order."""
    codecs = tuple(name for name in offered.codecs if name in hello.codecs)
    if not codecs:
        raise RemoteProtocolError(
            f"the client decodes none of the server's codecs {', '.join(offered.codecs)}",
            remedy="Use a newer browser, or enable another encoder.",
        )
    features = tuple(name for name in offered.features if name in hello.features)
    return attrs.evolve(offered, codecs=codecs, features=features)


async def _say_farewell(connection: Connection, protocol: ServerConnection, reason: str) -> None:
    """Tell a client that does not get in why; give up on one that does not listen."""
    farewell = protocol.send(Farewell(reason[:MOST_REASON_CHARACTERS], may_reconnect=False))
    with trio.move_on_after(FAREWELL_LIMIT_S):
        try:
            await connection.send(Lane.CONTROL, farewell)
        except ConnectionEnded:
            return


def _notice_of(refused: TransferRefused) -> Notice:
    if refused.maximum_bytes == 0:
        text = "The server does not take your clipboard."
    else:
        text = (
            f"Your clipboard holds {refused.announced_bytes} bytes; "
            f"the server takes at most {refused.maximum_bytes}."
        )
    return Notice(Severity.WARNING, "clipboard_too_large", text)
