"""The shortest round trip of the last minutes. Pure: time is an argument."""

from __future__ import annotations

from collections import deque

MEMORY_S = 300.0


class ShortestRoundTrip:
    """Forgets what is old, so that a longer way is learnt."""

    def __init__(self) -> None:
        self._rising: deque[tuple[float, float]] = deque()
        """When and how long; only those that no later one is shorter than."""

    def shortest_with(self, now_s: float, round_trip_s: float) -> float:
        """Take one more; return the shortest."""
        rising = self._rising
        while rising and rising[-1][1] >= round_trip_s:
            rising.pop()
        rising.append((now_s, round_trip_s))
        while rising[0][0] < now_s - MEMORY_S:
            rising.popleft()
        return rising[0][1]
