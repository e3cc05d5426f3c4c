"""Round trips of one path: how short they can be, and how much longer they are now."""

from __future__ import annotations

import collections
from math import inf

import attrs

_MEMORY_S = 10.0
_RECENT_S = 0.1
"""The shortest of this time, or of one round trip, is taken for now: single late acknowledgements
are no queue."""
_ENOUGH = 8
"""Fewer tell jitter from a queue badly."""
_SMOOTHING = 1 / 8
_SHORT_QUEUE_S = 0.005
_SHORT_QUEUE_SHARE = 0.05


@attrs.define(eq=False)
class RecentLeast:
    """The least value of the last seconds."""

    _rising: collections.deque[tuple[float, float]] = attrs.field(
        factory=collections.deque, init=False
    )
    """When, and what: rising, so that the first is the least."""

    @property
    def value(self) -> float | None:
        """None before the first."""
        return self._rising[0][1] if self._rising else None

    def add(self, now_s: float, value: float, memory_s: float) -> None:
        """Note a value, and forget those that are older."""
        rising = self._rising
        while rising and rising[-1][1] >= value:
            rising.pop()
        rising.append((now_s, value))
        self.forget_before(now_s - memory_s)

    def least_since(self, since_s: float) -> float:
        """Return the least value since then; 0 if there is none."""
        return next((value for at_s, value in self._rising if at_s >= since_s), 0.0)

    def forget_before(self, since_s: float) -> None:
        """Forget all that is older; the latest always stays."""
        rising = self._rising
        while len(rising) > 1 and rising[0][0] < since_s:
            rising.popleft()


@attrs.define(eq=False)
class RoundTrips:
    """What is known of the round trips."""

    smoothed_s: float | None = attrs.field(default=None, init=False)
    latest_at_s: float = attrs.field(default=-inf, init=False)
    """When the latest was measured."""
    empty_at_s: float = attrs.field(default=-inf, init=False)
    """When one was last about as short as any."""
    _all: RecentLeast = attrs.field(factory=RecentLeast, init=False)
    _recent: RecentLeast = attrs.field(factory=RecentLeast, init=False)
    _count: int = attrs.field(default=0, init=False)

    @property
    def are_enough(self) -> bool:
        """True when there were enough of them to tell jitter from a queue."""
        return self._count >= _ENOUGH

    @property
    def shortest_s(self) -> float | None:
        """Of the last seconds; None before the first."""
        return self._all.value

    @property
    def recent_s(self) -> float | None:
        """Shortest of the latest ones; None before the first."""
        return self._recent.value

    @property
    def queue_s(self) -> float:
        """How much longer they are now."""
        return max(0.0, (self._recent.value or 0.0) - (self._all.value or 0.0))

    def add(self, round_trip_s: float, now_s: float) -> None:
        """Note one."""
        before_s = round_trip_s if self.smoothed_s is None else self.smoothed_s
        self.smoothed_s = before_s + _SMOOTHING * (round_trip_s - before_s)
        self.latest_at_s = now_s
        self._all.add(now_s, round_trip_s, _MEMORY_S)
        self._count += 1
        self._recent.add(now_s, round_trip_s, max(_RECENT_S, self.smoothed_s))
        shortest_s = self._all.value or 0.0
        if self.queue_s <= max(_SHORT_QUEUE_S, _SHORT_QUEUE_SHARE * shortest_s):
            self.empty_at_s = now_s

    def least_since(self, since_s: float) -> float:
        """Return the shortest of those since then; 0 if there are none."""
        return self._all.least_since(since_s)

    def restart_from(self, since_s: float) -> None:
        """Forget what was measured earlier, save the latest."""
        self._all.forget_before(since_s)
