"""Messages of the client that arrive exactly once, over however many connections."""

from __future__ import annotations

import collections

import attrs

from kasmcore.values.viewer_events import (
    KeyEvent,
    KeysReleased,
    PointerButton,
    RefreshRequested,
    ResizeRequested,
    TextTyped,
    WheelTurned,
)

COUNTED = (
    RefreshRequested,
    KeyEvent,
    TextTyped,
    KeysReleased,
    PointerButton,
    WheelTurned,
    ResizeRequested,
)
"""Both sides count these; of the others the newest replaces all before it."""
COUNT_RANGE = 2**32
MOST_KEPT = 512
MOST_KEPT_BYTES = 64 * 2**10


@attrs.define
class SentCounted:
    """The client's memory of the last counted messages that it has sent."""

    _count: int = attrs.field(default=0, init=False)
    _kept: collections.deque[bytes] = attrs.field(factory=collections.deque, init=False)
    _kept_bytes: int = attrs.field(default=0, init=False)

    def add(self, message: bytes) -> None:
        """Keep one message, as it was written; older ones may be forgotten."""
        self._count = (self._count + 1) % COUNT_RANGE
        self._kept.append(message)
        self._kept_bytes += len(message)
        while len(self._kept) > MOST_KEPT or self._kept_bytes > MOST_KEPT_BYTES:
            self._kept_bytes -= len(self._kept.popleft())

    def after(self, received: int) -> tuple[bytes, ...] | None:
        """The messages that the server lacks; None when they are not all kept.

        Args:
            received: how many the server has taken.
        """
        missing = (self._count - received) % COUNT_RANGE
        if missing > len(self._kept):
            return None
        return tuple(self._kept)[len(self._kept) - missing :]
