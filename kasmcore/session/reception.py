"""From a connection that was let in to a viewer of the session."""

from __future__ import annotations

import logging
from typing import Protocol

import attrs

from kasmcore import __version__
from kasmcore.config.schema import ServerConfig
from kasmcore.errors import ConnectionEnded, KasmcoreError
from kasmcore.interfaces.transport import Connection
from kasmcore.protocol.messages import Hello, Welcome
from kasmcore.protocol.version import FEATURE_COPY, FEATURES
from kasmcore.session.first_words import Newcomer
from kasmcore.session.handshake import welcome_newcomer
from kasmcore.session.resume_tokens import ResumeTokens
from kasmcore.session.session import Session
from kasmcore.session.wire_link import WireLink
from kasmcore.values.permissions import Guest, Permission, User, ViewerInfo

_LOG = logging.getLogger(__name__)


class Doorkeeper(Protocol):
    """Whom the server lets in by a token alone."""

    def begin(self, address: str) -> None:
        """Somebody has presented a token, which ``end`` tells about.

        Raises:
            KasmcoreError: too many were wrong; the text may be shown to the peer.
        """

    def redeem(self, ticket: str) -> Guest | None:
        """Return whom a ticket lets in, once; None when it is not good."""

    def end(self, address: str, *, was_right: bool | None) -> None:
        """The token was right, or wrong; None when it could not be looked at."""


@attrs.frozen(eq=False)
class Reception:
    """Shakes hands with clients and hands them to the session, or back to it."""

    session: Session
    desktop_name: str
    _tokens: ResumeTokens = attrs.field(init=False)
    _logins: dict[WireLink, str | None] = attrs.field(factory=dict, init=False)

    @_tokens.default
    def _make_tokens(self) -> ResumeTokens:
        return ResumeTokens(self.session.parts.config.session.resume_grace)

    async def serve(self, connection: Connection, guest: Guest) -> None:
        """Run a viewer of somebody who was let in until it needs this connection no more.

        It may be a new one, or one that goes on here. Its faults end here.
        """
        newcomer = Newcomer(connection)
        try:
            first = await newcomer.first_words()
            if isinstance(first, Hello):
                await self._join(newcomer, first, guest)
                return
        except ConnectionEnded:
            _LOG.info("a connection from %s ended before its handshake", guest.address)
            return
        except KasmcoreError as error:
            await self._turn_away(newcomer, guest.address, error)
            return
        link = self._tokens.find(first.token)
        if link is None or link.viewer.user.name != guest.user.name:
            await self._turn_away(newcomer, guest.address, _unknown_token(), may_reconnect=True)
        else:
            await self._carry_on(link, connection, guest.address)

    async def attach(self, connection: Connection, address: str, doorkeeper: Doorkeeper) -> None:
        """Run a viewer of somebody who proves by a token who it is; as ``serve``."""
        newcomer = Newcomer(connection)
        try:
            token = await newcomer.token()
        except ConnectionEnded:
            _LOG.info("a connection from %s ended before its token came", address)
            return
        except KasmcoreError as error:
            await self._turn_away(newcomer, address, error)
            return
        try:
            doorkeeper.begin(address)
        except KasmcoreError as error:  # its login, where it has one, is as good as before
            await self._turn_away(newcomer, address, error, may_reconnect=True)
            return
        was_right: bool | None = None
        try:
            link = self._tokens.find(token)
            guest = None if link is not None else doorkeeper.redeem(token)
            was_right = link is not None or guest is not None
        finally:
            doorkeeper.end(address, was_right=was_right)
        if link is not None:
            await self._carry_on(link, connection, address)
        elif guest is not None:
            await self._join(newcomer, None, attrs.evolve(guest, address=address))
        else:
            await self._turn_away(newcomer, address, _unknown_token(), may_reconnect=True)

    def user_changed(self, name: str, user: User | None) -> None:
        """An account has other rights now, or is gone (None): then nobody of it comes back."""
        self.session.user_changed(name, user)
        for link in list(self._logins):
            if user is None and link.is_away and link.viewer.user.name == name:
                link.end("this account was removed")

    def end_login(self, login: str) -> None:
        """A login has ended: so do the viewers that it let in, wherever they are connected."""
        for link, own in list(self._logins.items()):
            if own == login:
                link.end("the login has ended")

    async def _join(self, newcomer: Newcomer, hello: Hello | None, guest: Guest) -> None:
        def viewer_for(hello: Hello) -> tuple[ViewerInfo, Welcome]:
            return self._welcome(hello, newcomer.connection, guest.user, guest.address)

        try:
            link = await welcome_newcomer(newcomer, viewer_for, hello, self._tokens)
        except ConnectionEnded:
            _LOG.info("a connection from %s ended before its handshake", guest.address)
        except KasmcoreError as error:
            _LOG.warning("a connection from %s was not let in: %s", guest.address, error)
            await newcomer.connection.aclose(error.what)
        else:
            self._logins[link] = guest.login
            self.session.keep(self._run, link)
            await link.run_first()
            await newcomer.connection.aclose("the session of this viewer does not need it any more")

    async def _run(self, link: WireLink) -> None:
        """Run one viewer, over all its connections."""
        try:
            await self.session.serve_viewer(link)
        finally:
            link.end("the session of this viewer has ended")
            self._tokens.forget(link)
            del self._logins[link]

    async def _carry_on(self, link: WireLink, connection: Connection, address: str) -> None:
        _LOG.info(
            "viewer %d goes on by %s from %s",
            *(link.viewer.viewer_id, connection.transport, address),
        )
        await link.attach(connection, address)
        await connection.aclose("the session of this viewer does not need it any more")

    async def _turn_away(
        self,
        newcomer: Newcomer,
        address: str,
        error: KasmcoreError,
        *,
        may_reconnect: bool = False,
    ) -> None:
        _LOG.warning("a connection from %s was not let in: %s", address, error)
        await newcomer.turn_away(str(error), may_reconnect=may_reconnect)
        await newcomer.connection.aclose(error.what)

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


def _unknown_token() -> KasmcoreError:
    return KasmcoreError(
        "this session cannot be gone on with",
        remedy="Join again: its time to come back is over, or the server was started anew.",
    )


def _features_of(config: ServerConfig) -> tuple[str, ...]:
    copies = config.encoding.scrolling.detect_vertical_scrolling
    return tuple(name for name in FEATURES if copies or name != FEATURE_COPY)
