"""Tokens that let somebody in once: random, bounded in number and time; ``now_s`` comes in."""

from __future__ import annotations

import hashlib
import secrets
from collections import OrderedDict
from typing import Generic, TypeVar

import attrs

T = TypeVar("T")


def new_token() -> str:
    """Return 256 random bits as text that URLs and messages can hold."""
    return secrets.token_urlsafe(32)


def token_key(token: str) -> bytes:
    """Return what tables keep of a token.

    Looking up the hash of what came tells nobody by its time how much of a guess was right.
    """
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()


@attrs.frozen
class _Ticket(Generic[T]):
    holder: T
    ends_at_s: float


@attrs.define
class TicketTable(Generic[T]):
    """Tickets and who holds them; each is good once.

    Attributes:
        lifetime_s: how long one is good.
        maximum_per_holder: the holder's oldest is void when one more is issued.
        maximum: so is the oldest of all.
    """

    lifetime_s: float
    maximum_per_holder: int = 16
    maximum: int = 4096
    _tickets: OrderedDict[bytes, _Ticket[T]] = attrs.field(factory=OrderedDict, init=False)

    def issue(self, holder: T, now_s: float) -> str:
        """Return a new ticket."""
        for key in [key for key, ticket in self._tickets.items() if now_s >= ticket.ends_at_s]:
            del self._tickets[key]
        own = [key for key, ticket in self._tickets.items() if ticket.holder == holder]
        for key in own[: len(own) - self.maximum_per_holder + 1]:
            del self._tickets[key]
        while len(self._tickets) >= self.maximum:
            self._tickets.popitem(last=False)
        token = new_token()
        self._tickets[token_key(token)] = _Ticket(holder, now_s + self.lifetime_s)
        return token

    def redeem(self, token: str, now_s: float) -> T | None:
        """Return who held this ticket, which is void now; None for one that is not good."""
        ticket = self._tickets.pop(token_key(token), None)
        return None if ticket is None or now_s >= ticket.ends_at_s else ticket.holder
