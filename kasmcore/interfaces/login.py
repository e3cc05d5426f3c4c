"""Authenticators: from credentials to a user."""

from __future__ import annotations

from typing import Protocol

import attrs

from kasmcore.values.permissions import User


@attrs.frozen
class Credentials:
    """What a person or script presented; secrets never show in logs."""

    username: str
    password: str = attrs.field(repr=False, default="")
    bearer_token: str = attrs.field(repr=False, default="")
    headers: tuple[tuple[str, str], ...] = attrs.field(repr=False, default=())
    """Request headers, names in lower case, for authenticators behind a proxy."""


class Authenticator(Protocol):
    """Knows some users. Asked in order; the first that answers with a user decides."""

    @property
    def name(self) -> str:
        """Word for logs and messages."""

    async def authenticate(self, credentials: Credentials, address: str) -> User | None:
        """Return the user that these credentials prove, or None if they prove nobody here.

        Args:
            credentials: as presented; must not be logged.
            address: IP address of the peer.
        """
