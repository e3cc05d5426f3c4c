"""Shaking hands with a client: from its Hello to a viewer behind the protocol."""

from __future__ import annotations

from collections.abc import Callable

import attrs
import trio

from kasmcore.errors import ConnectionEnded, KasmcoreError, RemoteProtocolError
from kasmcore.interfaces.transport import Connection, Lane, MeasuredConnection
from kasmcore.interfaces.viewer_link import ViewerAbilities
from kasmcore.protocol.messages import Attach, Hello, Welcome
from kasmcore.protocol.version import (
    FEATURE_COPY,
    FEATURE_FULL_CHROMA,
    FEATURE_RESUME,
    FEATURE_SCALED,
    HANDSHAKE_LIMIT_S,
)
from kasmcore.session.first_words import Newcomer
from kasmcore.session.wire_link import Resuming, WireLink
from kasmcore.values.permissions import ViewerInfo

ViewerFor = Callable[[Hello], tuple[ViewerInfo, Welcome]]


async def open_wire_link(connection: Connection, viewer_for: ViewerFor) -> WireLink:
    """Shake hands with a client that has just connected, and may only join.

    Args:
        connection: is left open, also after an error: whoever opened it closes it.
        viewer_for: as in ``welcome_newcomer``.

    Raises: as ``welcome_newcomer``.
    """
    return await welcome_newcomer(Newcomer(connection), viewer_for)


async def welcome_newcomer(
    newcomer: Newcomer,
    viewer_for: ViewerFor,
    hello: Hello | None = None,
    resuming: Resuming | None = None,
) -> WireLink:
    """Shake hands with a client that may join.

    Args:
        newcomer: its connection.
        viewer_for: decides who the viewer is and what it is told; called once. Its Welcome names
            all codecs and features of the server; the client gets those that it also has. What it
            raises (a KasmcoreError) is told to the client and raised again.
        hello: the client's, if it has come.
        resuming: how the viewer may go on elsewhere, if it can.

    Raises:
        ConnectionEnded: the client left.
        RemoteProtocolError: no Hello in 10 s, another protocol version, no codec in common. The
            client has been told.
    """
    protocol, connection = newcomer.protocol, newcomer.connection
    try:
        first = hello or await newcomer.first_words()
        if isinstance(first, Attach):
            raise RemoteProtocolError("Attach came instead of Hello")
        viewer, offered = viewer_for(first)
        welcome = _agree(first, offered)
        with trio.fail_at(newcomer.deadline_s):
            await connection.send(Lane.CONTROL, protocol.welcome(welcome))
    except trio.TooSlowError:
        error = RemoteProtocolError(f"the handshake took over {HANDSHAKE_LIMIT_S:.0f} s")
        await newcomer.turn_away(str(error))
        raise error from None
    except ConnectionEnded:
        raise
    except KasmcoreError as error:
        await newcomer.turn_away(str(error))
        raise
    if FEATURE_RESUME not in welcome.features:
        resuming = None
    return WireLink(connection, protocol, viewer, _abilities(connection, first, welcome), resuming)


def _abilities(connection: Connection, hello: Hello, welcome: Welcome) -> ViewerAbilities:
    path = connection.path if isinstance(connection, MeasuredConnection) else None
    return ViewerAbilities(
        path_round_trip_s=None if path is None else path.shortest_round_trip_s,
        codecs=welcome.codecs,
        viewport=hello.viewport,
        wants_resize=hello.wants_resize,
        can_copy=FEATURE_COPY in welcome.features,
        can_scale=FEATURE_SCALED in welcome.features,
        has_full_chroma=FEATURE_FULL_CHROMA in welcome.features,
    )


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
