"""Signing in and out: ``/api/login``, ``/api/logout``."""

from __future__ import annotations

import json
from collections.abc import Callable

import attrs

from kasmcore.interfaces.login import Credentials
from kasmcore.interfaces.routes import HttpResponse
from kasmcore.server.endpoints import Call, Endpoint
from kasmcore.server.login import LoginChain
from kasmcore.server.requests import RequestHead, RequestRefused
from kasmcore.users.login_sessions import session_key

LOGIN_BODY_LIMIT_BYTES = 4096


@attrs.frozen
class LoginCookie:
    """The cookie that keeps a login: no script reads it, no foreign page sends it."""

    name: str
    path: str

    def header(self, token: str, head: RequestHead, lifetime_s: int) -> tuple[str, str]:
        """Return the Set-Cookie header; a lifetime of 0 removes the cookie."""
        secure = "; Secure" if head.source.is_secure else ""
        return (
            "Set-Cookie",
            f"{self.name}={token}; Path={self.path}; Max-Age={lifetime_s}; HttpOnly; "
            f"SameSite=Strict{secure}",
        )


def login_endpoints(
    chain: LoginChain,
    cookie: LoginCookie,
    lifetime_s: int,
    end_visits: Callable[[str], None],
) -> tuple[Endpoint, ...]:
    """Return the two endpoints.

    Args:
        chain: checks the credentials and keeps the logins.
        cookie: how the browser keeps its side.
        lifetime_s: how long it keeps it.
        end_visits: ends the connections opened under the session key that it is given.
    """

    async def log_in(call: Call) -> HttpResponse:
        credentials = _credentials_of(call)
        proven = await chain.log_in(credentials, call.head.source.address)
        token = chain.open_session(proven)
        header = cookie.header(token, call.head, lifetime_s)
        return HttpResponse(204, headers=(("Cache-Control", "no-store"), header))

    async def log_out(call: Call) -> HttpResponse:
        token = call.head.cookie(cookie.name)
        if token is not None:
            key = session_key(token)
            chain.close_session(key)
            end_visits(key)
        return HttpResponse(204, headers=(cookie.header("", call.head, 0),))

    return (
        Endpoint(
            method="POST",
            path="/api/login",
            is_public=True,
            body_limit_bytes=LOGIN_BODY_LIMIT_BYTES,
            handler=log_in,
            summary="Sign in with a name and a password; sets the session cookie.",
        ),
        Endpoint(
            method="POST",
            path="/api/logout",
            is_public=True,
            handler=log_out,
            summary="Sign out: ends the session of the cookie and what it opened.",
        ),
    )


def _credentials_of(call: Call) -> Credentials:
    content_type = call.head.headers.get("content-type", "").partition(";")[0].strip().lower()
    if content_type != "application/json":  # which no form of a foreign page can send
        raise RequestRefused(415, "send the login as application/json")
    malformed = RequestRefused(400, 'send the login as {"username": "…", "password": "…"}')
    try:
        content = json.loads(call.body)
    except (ValueError, RecursionError) as error:
        raise malformed from error
    if not isinstance(content, dict):
        raise malformed
    username, password = content.get("username"), content.get("password")
    if not isinstance(username, str) or not isinstance(password, str) or not username:
        raise malformed
    return Credentials(username, password, headers=call.head.header_pairs)
