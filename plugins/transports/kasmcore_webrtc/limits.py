"""How many peers there may be, and how often one may try. Pure: time is an argument."""

from __future__ import annotations

from collections import Counter, deque

import attrs

WINDOW_S = 60.0
MOST_USERS = 1000


class TooMany(Exception):
    """A limit is reached.

    Args:
        what: for the viewer, one line.
        retry_s: when another attempt may succeed.
    """

    def __init__(self, what: str, retry_s: float) -> None:
        super().__init__(what)
        self.retry_s = retry_s


@attrs.define
class PeerLimits:
    """Counts peers and attempts by user."""

    most_peers: int
    most_peers_of_user: int
    offers_per_minute: int
    _peers: Counter[str] = attrs.field(factory=Counter, init=False)
    _offers: dict[str, deque[float]] = attrs.field(factory=dict, init=False)

    def count_offer(self, user: str, now_s: float) -> None:
        """Count an attempt.

        Raises:
            TooMany: this user has tried too often.
        """
        offers = self._offers.setdefault(user, deque())
        while offers and offers[0] <= now_s - WINDOW_S:
            offers.popleft()
        if len(offers) >= self.offers_per_minute:
            raise TooMany("too many attempts to connect", offers[0] + WINDOW_S - now_s)
        offers.append(now_s)
        if len(self._offers) > MOST_USERS:
            self._offers = {u: o for u, o in self._offers.items() if o[-1] > now_s - WINDOW_S}

    def add_peer(self, user: str) -> None:
        """Count a peer, until ``remove_peer``.

        Raises:
            TooMany: there are as many as there may be.
        """
        if self._peers.total() >= self.most_peers:
            raise TooMany("the server has as many WebRTC connections as it may", 5.0)
        if self._peers[user] >= self.most_peers_of_user:
            raise TooMany("you have as many WebRTC connections as you may", 5.0)
        self._peers[user] += 1

    def remove_peer(self, user: str) -> None:
        """A peer has ended."""
        self._peers[user] -= 1
        if not self._peers[user]:
            del self._peers[user]
