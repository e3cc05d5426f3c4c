"""From a connection that was let in to a viewer of the session."""

from __future__ import annotations

import logging

import attrs

from kasmcore import __version__
from kasmcore.config.schema import ServerConfig
from kasmcore.errors import ConnectionEnded, KasmcoreError
from kasmcore.interfaces.transport import Connection
from kasmcore.protocol.messages import Hello, Welcome
from kasmcore.protocol.version import FEATURE_COPY, FEATURE_RESUME, FEATURES
from kasmcore.session.session import Session
from kasmcore.session.wire_link import open_wire_link
from kasmcore.values.permissions import Permission, User, ViewerInfo

_LOG = logging.getLogger(__name__)


@attrs.frozen(eq=False)
class Reception:
    """Shakes hands with clients and hands them to the session."""

    session: Session
    desktop_name: str

    async def serve(self, connection: Connection, user: User, address: str) -> None:
        """Run one viewer on this connection until it has left; its faults end here."""

        def viewer_for(hello: Hello) -> tuple[ViewerInfo, Welcome]:
            return self._welcome(hello, connection, user, address)

        try:
            link = await open_wire_link(connection, viewer_for)
        except ConnectionEnded:
            _LOG.info("a connection from %s ended before its handshake", address)
        except KasmcoreError as error:
            _LOG.warning("a connection from %s was not let in: %s", address, error)
            await connection.aclose(error.what)
        else:
            await self.session.serve_viewer(link)
            await connection.aclose("the session of this viewer has ended")

    def _welcome(
        self, hello: Hello, connection: Connection, user: User, address: str
    ) -> tuple[ViewerInfo, Welcome]:
        """Decide who the viewer is and what it is told.

        Raises: KasmcoreError when nobody else may join.
        """
        session = self.session
        if session.viewers.is_full():
            raise KasmcoreError(
                f"all {session.viewers.maximum} places are taken",
                remedy="Try again when somebody has left.",
            )
        _LOG.debug("hello from %s: %s", address, hello)
        parts, config = session.parts, session.parts.config
        may_write = Permission.WRITE in user.permissions
        viewer = ViewerInfo(session.viewers.next_id(), user, address, connection.transport)
        return viewer, Welcome(
            server_version=__version__,
            viewer_id=viewer.viewer_id,
            user_name=user.name,
            permissions=user.permissions,
            desktop_name=self.desktop_name,
            codecs=(
                *(spec.codec for spec in parts.encoders),
                *(spec.codec for spec in session.streams.specs),
            ),
            features=_features_of(config),
            size=parts.source.size,
            maximum_clipboard_bytes=config.session.maximum_clipboard_bytes if may_write else 0,
        )


def _features_of(config: ServerConfig) -> tuple[str, ...]:
    copies = config.encoding.scrolling.detect_vertical_scrolling
    absent = {FEATURE_RESUME} if copies else {FEATURE_RESUME, FEATURE_COPY}
    return tuple(name for name in FEATURES if name not in absent)
