"""Who may begin a connection: cheap refusals first, so that a flood costs little."""

from __future__ import annotations

import collections
import enum
from ipaddress import ip_address

import attrs

_CALM_HALF_OPEN = 8
"""With more handshakes under way than this, an address has to prove itself first (Retry)."""
_MOST_HALF_OPEN = 64
_MOST_OF_ADDRESS = 32
"""Does not count for loopback: all who come through a local relay share that."""
_HANDSHAKES_PER_S = 40.0
_HANDSHAKE_BURST = 40.0
_ANSWERS_PER_S = 1000.0
_ANSWER_BURST = 500.0


class Verdict(enum.Enum):
    """What to do with a first packet."""

    IGNORE = enum.auto()
    RETRY = enum.auto()
    ACCEPT = enum.auto()


@attrs.define
class TokenBucket:
    """Allows so much a second, and a little at once."""

    per_s: float
    burst: float
    _tokens: float = attrs.field(init=False)
    _at_s: float = attrs.field(default=0.0, init=False)

    def __attrs_post_init__(self) -> None:
        self._tokens = self.burst

    def take(self, now_s: float) -> bool:
        """True when one more is allowed now."""
        passed_s = max(0.0, now_s - self._at_s)
        self._tokens = min(self.burst, self._tokens + passed_s * self.per_s)
        self._at_s = now_s
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True


@attrs.define(eq=False)
class Admission:
    """Counts connections, and judges first packets."""

    most_connections: int
    open: int = attrs.field(default=0, init=False)
    half_open: int = attrs.field(default=0, init=False)
    """Of these, the ones without a session."""
    _of_address: collections.Counter[str] = attrs.field(factory=collections.Counter, init=False)
    _handshakes: TokenBucket = attrs.field(
        factory=lambda: TokenBucket(_HANDSHAKES_PER_S, _HANDSHAKE_BURST), init=False
    )
    _answers: TokenBucket = attrs.field(
        factory=lambda: TokenBucket(_ANSWERS_PER_S, _ANSWER_BURST), init=False
    )

    def judge(self, address: str, is_proven: bool, now_s: float) -> Verdict:
        """Say what to do with a first packet from this address.

        Args:
            address: where it says that it comes from.
            is_proven: it brings a token that we sent there.
            now_s: the time.
        """
        if self.open >= self.most_connections or self.half_open >= _MOST_HALF_OPEN:
            return Verdict.IGNORE
        key = _key(address)
        if key and self._of_address[key] >= _MOST_OF_ADDRESS:
            return Verdict.IGNORE
        if not is_proven and self.half_open >= _CALM_HALF_OPEN:
            return Verdict.RETRY if self.may_answer(now_s) else Verdict.IGNORE
        return Verdict.ACCEPT if self._handshakes.take(now_s) else Verdict.IGNORE

    def may_answer(self, now_s: float) -> bool:
        """True when a packet without a connection may be answered now."""
        return self._answers.take(now_s)

    def began(self, address: str) -> None:
        """A connection begins."""
        self.open += 1
        self.half_open += 1
        self._of_address[_key(address)] += 1

    def opened(self) -> None:
        """It has a session now."""
        self.half_open -= 1

    def ended(self, address: str, had_session: bool) -> None:
        """It is gone."""
        self.open -= 1
        if not had_session:
            self.half_open -= 1
        key = _key(address)
        self._of_address[key] -= 1
        if self._of_address[key] <= 0:
            del self._of_address[key]


def _key(address: str) -> str:
    """Return what counts as one peer: an IPv4 address, an IPv6 /64; empty for loopback."""
    parsed = ip_address(address.partition("%")[0])
    if parsed.is_loopback:
        return ""
    return str(parsed) if parsed.version == 4 else parsed.packed[:8].hex()
