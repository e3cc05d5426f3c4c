"""Who sent a request, and whether the page it came from may send it."""

from __future__ import annotations

import base64
import binascii
import enum
import socket

import attrs

from kasmcore.config.schema import NetworkConfig
from kasmcore.interfaces.login import Credentials
from kasmcore.server.login import LOCAL_USER, LoginChain
from kasmcore.server.origins import is_origin_allowed, is_own_name
from kasmcore.server.requests import RequestHead, RequestRefused
from kasmcore.users.login_sessions import session_key
from kasmcore.values.permissions import User

_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


class Proof(enum.Enum):
    """What proved the user. Only CREDENTIALS is something that a foreign page cannot send."""

    NO_LOGIN = enum.auto()
    """Nobody has to log in here."""
    COOKIE = enum.auto()
    CREDENTIALS = enum.auto()
    """An Authorization header: a script, since browsers are never asked for one."""
    PROXY = enum.auto()
    """Headers that a plugin's authenticator knows."""


@attrs.frozen
class Visitor:
    """Who sent a request."""

    user: User
    proof: Proof
    session_key: str | None = attrs.field(repr=False, default=None)
    """Names the login to end at sign-out; with COOKIE only."""


@attrs.frozen(eq=False)
class Gatekeeper:
    """Asks every request for its login and every page for its Origin."""

    chain: LoginChain
    network: NetworkConfig
    cookie_name: str
    own_names: frozenset[str] = attrs.field(
        factory=lambda: frozenset({socket.gethostname().lower()})
    )

    async def identify(self, head: RequestHead, *, with_credentials: bool = True) -> Visitor | None:
        """Return who sent this, or None when nothing in it proves anybody.

        A cookie comes first: an Authorization header beside it may be meant for a proxy.

        Args:
            head: the request.
            with_credentials: check an Authorization header.

        Raises:
            RequestRefused: wrong credentials (401), too many tries (429), or a name that is not
                ours on a server without login (403).
        """
        if not self.chain.is_required:
            self._check_name(head)
            return Visitor(LOCAL_USER, Proof.NO_LOGIN)
        token = head.cookie(self.cookie_name)
        if token is not None:
            key = session_key(token)
            user = self.chain.session_user(key)
            if user is not None:
                return Visitor(user, Proof.COOKIE, key)
        credentials = _credentials_of(head) if with_credentials else None
        if credentials is not None:
            proven = await self.chain.log_in(credentials, head.source.address)
            return Visitor(proven.user, Proof.CREDENTIALS)
        user = await self.chain.recognise(head.header_pairs, head.source.address)
        return None if user is None else Visitor(user, Proof.PROXY)

    def check_change(self, head: RequestHead, visitor: Visitor | None) -> None:
        """Let a request that changes something pass only from our own pages, or from a script.

        Raises:
            RequestRefused: a foreign page sent it (403).
        """
        if head.method in _SAFE_METHODS:
            return
        origin = head.headers.get("origin")
        if origin is not None:
            self._check_origin(head, origin)
            return
        fetch_site = head.headers.get("sec-fetch-site")
        is_from_cookie = visitor is not None and visitor.proof in (Proof.COOKIE, Proof.PROXY)
        if fetch_site not in ("same-origin", "none") and (fetch_site or is_from_cookie):
            raise RequestRefused(403, "this request does not say that it comes from our own page")

    def check_websocket(self, head: RequestHead, visitor: Visitor) -> None:
        """Let a WebSocket open only from our own pages, allowed ones, or from a script.

        Raises:
            RequestRefused: a foreign page opens it, or a cookie comes without an Origin (403).
        """
        origin = head.headers.get("origin")
        if origin is not None:
            self._check_origin(head, origin)
        elif visitor.proof in (Proof.COOKIE, Proof.PROXY):
            raise RequestRefused(403, "a cookie opens a WebSocket only together with an Origin")

    def _check_origin(self, head: RequestHead, origin: str) -> None:
        if not is_origin_allowed(origin, head.source.host, self.network.allowed_origins):
            raise RequestRefused(
                403,
                f"pages of {origin[:200]!r} may not use this server; network.allowed_origins in "
                "its settings names those that may",
            )

    def _check_name(self, head: RequestHead) -> None:
        source = head.source
        if source.came_by_proxy:
            return
        if not is_own_name(source.host, self.own_names, self.network.allowed_origins):
            raise RequestRefused(
                403,
                f"this server needs no login and does not answer to the name {source.host[:200]!r};"
                " add the address of the page to network.allowed_origins",
            )


def _credentials_of(head: RequestHead) -> Credentials | None:
    """Return what the Authorization header presents; None without one of a known scheme.

    Raises:
        RequestRefused: it is malformed (400).
    """
    scheme, _, value = head.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return Credentials("", bearer_token=value.strip(), headers=head.header_pairs)
    if scheme.lower() != "basic":
        return None
    try:
        decoded = base64.b64decode(value.strip(), validate=True).decode("utf-8")
    except (binascii.Error, UnicodeDecodeError) as error:
        raise RequestRefused(400, "the Authorization header is malformed") from error
    username, separator, password = decoded.partition(":")
    if not separator:
        raise RequestRefused(400, "the Authorization header is malformed")
    return Credentials(username, password, headers=head.header_pairs)
