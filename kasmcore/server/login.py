"""Who asks: the chain of authenticators, the brake on guessing, and logins kept by cookie."""

from __future__ import annotations

import logging
from collections.abc import Sequence

import attrs
import trio

from kasmcore.config.schema import SecurityConfig
from kasmcore.interfaces.login import Authenticator, Credentials
from kasmcore.server.access_counts import AccessCounts
from kasmcore.server.requests import RequestRefused
from kasmcore.server.users_file import UsersFile
from kasmcore.server.users_login import UsersFileLogin
from kasmcore.users.login_sessions import LoginSessions, new_session_token
from kasmcore.users.records import LOCKED
from kasmcore.users.throttle import LoginThrottle, source_of
from kasmcore.values.permissions import FULL_PERMISSIONS, User

_log = logging.getLogger(__name__)

LOCAL_USER = User(name="local", permissions=FULL_PERMISSIONS)
"""Everyone, when no login is required."""
_MOST_LOGINS_AT_ONCE = 32


@attrs.frozen
class ProvenUser:
    """Somebody who presented the right credentials."""

    user: User
    is_account: bool
    """True when the users file proved it, whose later changes then count for this login."""


@attrs.define(eq=False)
class LoginChain:
    """Decides who somebody is; keeps the logins. One for all ways in, so that all share a brake."""

    _security: SecurityConfig
    _users: UsersFile
    _authenticators: tuple[Authenticator, ...]
    _throttle: LoginThrottle
    _sessions: LoginSessions
    _counts: AccessCounts
    _under_way: int = attrs.field(default=0, init=False)

    @classmethod
    def of_config(
        cls,
        security: SecurityConfig,
        users: UsersFile,
        authenticators: Sequence[Authenticator],
        counts: AccessCounts,
    ) -> LoginChain:
        """Ask the plugins' authenticators in order and the users file last."""
        brake = security.brute_force_protection
        return cls(
            security,
            users,
            (*authenticators, UsersFileLogin(users)),
            LoginThrottle(brake.blacklist_threshold, float(brake.blacklist_timeout)),
            LoginSessions(float(security.session_lifetime)),
            counts,
        )

    @property
    def is_required(self) -> bool:
        """False when everyone is let in as ``local``."""
        return self._security.login_required

    async def log_in(self, credentials: Credentials, address: str) -> ProvenUser:
        """Check credentials that somebody presented.

        Raises:
            RequestRefused: they are wrong (401), or this source or everyone has to wait (429).
        """
        self.begin_try(address)
        source = source_of(address)
        try:
            proven = await self._ask_all(credentials, address)
        except BaseException:
            self._throttle.abandoned(source)
            raise
        if proven is None:
            self._throttle.failed(source, trio.current_time())
            self._counts.refused_logins += 1
            _log.warning("login refused for %r from %s", credentials.username, address)
            raise RequestRefused(401, "wrong user name or password")
        self._throttle.succeeded(source)
        return proven

    def begin_try(self, address: str) -> None:
        """Somebody is going to present what could be guessed; ``end_try`` follows.

        Raises:
            RequestRefused: this source has to wait (429).
        """
        wait_s = self._throttle.begin(source_of(address), trio.current_time())
        if wait_s > 0:
            raise RequestRefused(
                429, "too many failed logins from your address", retry_after_s=wait_s
            )

    def end_try(self, address: str, *, was_right: bool | None) -> None:
        """It was right, or wrong; None when nothing was presented after all."""
        source = source_of(address)
        if was_right is None:
            self._throttle.abandoned(source)
        elif was_right:
            self._throttle.succeeded(source)
        else:
            self._counts.refused_logins += 1
            self._throttle.failed(source, trio.current_time())

    async def recognise(self, headers: tuple[tuple[str, str], ...], address: str) -> User | None:
        """Ask the plugins' authenticators whether headers alone prove somebody (a proxy's login).

        Nothing was guessed, so nothing counts as a failure.
        """
        credentials = Credentials(username="", headers=headers)
        for authenticator in self._authenticators[:-1]:
            user = await authenticator.authenticate(credentials, address)
            if user is not None:
                return user
        return None

    def open_session(self, proven: ProvenUser) -> str:
        """Return the token of a new login kept by cookie."""
        token = new_session_token()
        password_hash = None
        if proven.is_account:
            record = self._users.record(proven.user.name)
            password_hash = LOCKED if record is None else record.password_hash
        self._sessions.open(token, proven.user, password_hash, trio.current_time())
        return token

    def session_user(self, key: str) -> User | None:
        """Return who is logged in under this key, with the rights of now; None if nobody is.

        An account that is gone, locked or has a new password is not logged in any more.
        """
        session = self._sessions.find(key, trio.current_time())
        if session is None or session.password_hash is None:
            return None if session is None else session.user
        record = self._users.record(session.user.name)
        if record is None or record.is_locked or record.password_hash != session.password_hash:
            self._sessions.close(key)
            return None
        return record.user

    def close_session(self, key: str) -> None:
        """End a login kept by cookie; safe to repeat."""
        self._sessions.close(key)

    async def _ask_all(self, credentials: Credentials, address: str) -> ProvenUser | None:
        if self._under_way >= _MOST_LOGINS_AT_ONCE:
            raise RequestRefused(429, "too many logins at once", retry_after_s=1.0)
        self._under_way += 1
        try:
            for authenticator in self._authenticators:
                user = await authenticator.authenticate(credentials, address)
                if user is not None:
                    return ProvenUser(user, authenticator is self._authenticators[-1])
            return None
        finally:
            self._under_way -= 1
