"""How late the event loop wakes those who wait for a time: what holds up input holds up this."""

from __future__ import annotations

import collections

import attrs

from kasmcore.stats.timeline import percentile

_MEMORY = 600


@attrs.define
class LoopLag:
    """The last wake-ups that were due at a time; no timers of its own."""

    _lags_s: collections.deque[float] = attrs.field(
        factory=lambda: collections.deque(maxlen=_MEMORY), init=False
    )

    def add(self, lag_s: float) -> None:
        """A wait ended so long after it was due."""
        self._lags_s.append(max(0.0, lag_s))

    @property
    def count(self) -> int:
        """Waits that are known."""
        return len(self._lags_s)

    def percentile_s(self, percent: float) -> float:
        """Lag that so many percent do not exceed; 0 before the first."""
        return percentile(list(self._lags_s), percent) if self._lags_s else 0.0
