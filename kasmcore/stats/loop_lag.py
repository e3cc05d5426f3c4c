"""How long what arrives, such as a key press, waits until the event loop takes it up."""

from __future__ import annotations

import collections

import attrs

_MEMORY_S = 5
_LEAST_STRETCH_S = 0.0002
"""Shorter ones are not kept: nobody feels them."""
_MOST_IDLE_S = 0.02
"""A longer rest counts as one of this length: lag is told of when there is something to do."""


@attrs.define
class _Second:
    number: int
    observed_s: float = 0.0
    stretches_s: list[float] = attrs.field(factory=list)


@attrs.define
class LoopLag:
    """The last seconds in which the loop had something to do.

    The loop looks for what has arrived, then runs what can run: that is a stretch. What arrives in
    the middle of one waits for its end. Neither timers nor tasks are needed to know that.
    """

    _seconds: collections.deque[_Second] = attrs.field(
        factory=lambda: collections.deque(maxlen=_MEMORY_S), init=False
    )

    def busy(self, now_s: float, stretch_s: float) -> None:
        """The loop has looked for nothing since so long ago."""
        second = self._second(now_s)
        second.observed_s += stretch_s
        if stretch_s >= _LEAST_STRETCH_S:
            second.stretches_s.append(stretch_s)

    def idle(self, now_s: float, waited_s: float) -> None:
        """The loop waited so long for something to arrive."""
        self._second(now_s).observed_s += min(waited_s, _MOST_IDLE_S)

    def percentile_s(self, percent: float) -> float:
        """What arrives at any time waits no longer, in so many percent; 0 if nothing happened."""
        stretches_s = sorted(
            (stretch_s for second in self._seconds for stretch_s in second.stretches_s),
            reverse=True,
        )
        late_s = (1 - percent / 100) * sum(second.observed_s for second in self._seconds)
        longer_s = 0.0
        for count, stretch_s in enumerate(stretches_s, start=1):
            # What arrives early enough in a stretch waits longer than the next shorter one takes.
            longer_s += stretch_s
            limit_s = (longer_s - late_s) / count
            shorter_s = stretches_s[count] if count < len(stretches_s) else 0.0
            if limit_s >= shorter_s:
                return limit_s
        return 0.0

    def _second(self, now_s: float) -> _Second:
        number = int(now_s)
        if not self._seconds or self._seconds[-1].number != number:
            self._seconds.append(_Second(number))
        return self._seconds[-1]
