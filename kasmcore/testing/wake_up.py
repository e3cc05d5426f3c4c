"""Wait for a condition that other tasks change, or for an end that raises."""

from __future__ import annotations

from collections.abc import Callable

import trio

from kasmcore.errors import KasmcoreError


class WakeUp:
    """Wakes whoever waits, so that it looks again; no polling, nothing lost by cancelling."""

    def __init__(self) -> None:
        self._event = trio.Event()
        self._make_error: Callable[[], KasmcoreError] | None = None

    def wake(self) -> None:
        """Something changed."""
        self._event.set()
        self._event = trio.Event()

    def end(self, make_error: Callable[[], KasmcoreError]) -> None:
        """Make every wait raise such an error from now on; the first end counts."""
        self._make_error = self._make_error or make_error
        self.wake()

    def check(self) -> None:
        """Raise as ``end`` said, if it was called."""
        if self._make_error is not None:
            raise self._make_error()

    async def wait_until(
        self, condition: Callable[[], bool], *, also_after_end: bool = False
    ) -> None:
        """Return when the condition holds; its result is still true for the caller then.

        Args:
            condition: looked at whenever something changed.
            also_after_end: what holds counts more than the end.
        """
        await trio.lowlevel.checkpoint()
        while True:
            if also_after_end and condition():
                return
            self.check()
            if condition():
                return
            await self._event.wait()
