"""A viewer's own frame rate, below that of the session."""

from __future__ import annotations

import attrs

_NEVER_S = -1e9


@attrs.define
class RateLimit:
    """Says when the next frame may be sent, so that the mean rate is kept."""

    _due_s: float = attrs.field(default=_NEVER_S, init=False)

    @property
    def due_s(self) -> float:
        """When the next frame may be sent."""
        return self._due_s

    def note_sent(self, now_s: float, interval_s: float) -> None:
        """A frame is sent now; one that is late may be followed by one that is early."""
        self._due_s = max(self._due_s, now_s - interval_s / 2) + interval_s

    def lift(self) -> None:
        """Another rate holds from now on."""
        self._due_s = _NEVER_S
