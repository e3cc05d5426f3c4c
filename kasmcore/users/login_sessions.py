"""Who is logged in with a cookie: a bounded table that a restart empties."""

from __future__ import annotations

import hashlib
import secrets
from collections import OrderedDict

import attrs

from kasmcore.values.permissions import User


def new_session_token() -> str:
    """Return 256 random bits for a cookie."""
    return secrets.token_urlsafe(32)


def session_key(token: str) -> str:
    """Return what the table keeps of a token: enough to know it again, not to use it."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


@attrs.frozen
class LoginSession:
    """One login by cookie."""

    user: User
    """As it was at login."""
    password_hash: str | None = attrs.field(repr=False)
    """The account's hash at login; None when no users file proved the user."""
    ends_at_s: float


@attrs.define
class LoginSessions:
    """Sessions by the key of their token.

    Attributes:
        lifetime_s: from login to the end of a session.
        maximum_per_user: the user's oldest session ends when one more opens.
        maximum: so does the oldest of all.
    """

    lifetime_s: float
    maximum_per_user: int = 64
    maximum: int = 4096
    _sessions: OrderedDict[str, LoginSession] = attrs.field(factory=OrderedDict, init=False)

    def open(self, token: str, user: User, password_hash: str | None, now_s: float) -> None:
        """Remember a login."""
        self._forget_ended(now_s)
        own = [key for key, session in self._sessions.items() if session.user.name == user.name]
        for key in own[: len(own) - self.maximum_per_user + 1]:
            del self._sessions[key]
        while len(self._sessions) >= self.maximum:
            self._sessions.popitem(last=False)
        self._sessions[session_key(token)] = LoginSession(
            user, password_hash, now_s + self.lifetime_s
        )

    def find(self, key: str, now_s: float) -> LoginSession | None:
        """Return the session of this key, or None when there is none or it has ended."""
        session = self._sessions.get(key)
        if session is None or now_s >= session.ends_at_s:
            return None
        return session

    def close(self, key: str) -> None:
        """Forget a session; safe to repeat."""
        self._sessions.pop(key, None)

    def _forget_ended(self, now_s: float) -> None:
        ended = [key for key, session in self._sessions.items() if now_s >= session.ends_at_s]
        for key in ended:
            del self._sessions[key]
