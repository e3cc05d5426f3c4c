"""The tokens with which viewers may go on with their session on another connection."""

from __future__ import annotations

import collections

import attrs

from kasmcore.session.wire_link import WireLink
from kasmcore.users.tokens import new_token, token_key

_MOST_UNCONFIRMED = 4


@attrs.define(eq=False)
class ResumeTokens:
    """A few tokens for each viewer; implements ``Resuming``.

    A token is void once its viewer was heard on a connection that offered a newer one. Until then
    it stays good: that connection may have ended before the newer one arrived.
    """

    grace_s: int
    _links: dict[bytes, WireLink] = attrs.field(factory=dict, init=False)
    _keys: dict[WireLink, collections.deque[bytes]] = attrs.field(factory=dict, init=False)

    def __len__(self) -> int:
        return len(self._links)

    def issue(self, link: WireLink) -> str:
        """Return a new token of a viewer."""
        token = new_token()
        key = token_key(token)
        keys = self._keys.setdefault(link, collections.deque())
        if len(keys) >= _MOST_UNCONFIRMED:
            del self._links[keys[1]], keys[1]  # the first is the one that surely arrived
        keys.append(key)
        self._links[key] = link
        return token

    def confirm(self, link: WireLink) -> None:
        """The viewer has its newest token: the others are void."""
        keys = self._keys.get(link)
        while keys is not None and len(keys) > 1:
            del self._links[keys.popleft()]

    def forget(self, link: WireLink) -> None:
        """The viewer has left."""
        for key in self._keys.pop(link, ()):
            del self._links[key]

    def find(self, token: str) -> WireLink | None:
        """Return whose token this is; None when it is nobody's."""
        return self._links.get(token_key(token))

    def links(self) -> tuple[WireLink, ...]:
        """All viewers that may come back."""
        return tuple(self._keys)
