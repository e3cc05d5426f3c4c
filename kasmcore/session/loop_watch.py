"""Watches how long the event loop is busy at a stretch."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator

import attrs
import trio

from kasmcore.stats.loop_lag import LoopLag

_ROUNDING_S = 0.001
"""Waits are rounded up to a millisecond."""


@attrs.define(eq=False)
class LoopWatch(trio.abc.Instrument):
    """Told by the loop itself: a sleeping loop is not woken, a busy one pays a microsecond."""

    lag: LoopLag
    _since_s: float = attrs.field(factory=time.perf_counter, init=False)

    @contextlib.contextmanager
    def watching(self) -> Iterator[None]:
        """Watch the loop that runs now until the block ends."""
        self._since_s = time.perf_counter()
        trio.lowlevel.add_instrument(self)
        try:
            yield
        finally:
            trio.lowlevel.remove_instrument(self)

    def before_io_wait(self, timeout: float) -> None:  # noqa: ARG002 - trio's signature
        """All that could run has run."""
        now_s = time.perf_counter()
        self.lag.busy(now_s, now_s - self._since_s)
        self._since_s = now_s

    def after_io_wait(self, timeout: float) -> None:
        """Something has arrived, or the time is over: late when a thread held the interpreter."""
        now_s = time.perf_counter()
        waited_s = now_s - self._since_s
        late_s = waited_s - timeout - _ROUNDING_S
        if late_s > 0:
            self.lag.busy(now_s, late_s)
            waited_s -= late_s
        self.lag.idle(now_s, waited_s)
        self._since_s = now_s
