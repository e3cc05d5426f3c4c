"""How much may be under way: by what the path delivers and by its queue. Pure."""

from __future__ import annotations

from collections import deque

from kasmcore_webrtc.round_trips import ShortestRoundTrip

LEAST_BYTES = 32 * 1024
MOST_BYTES = 4 * 2**20
QUEUE_S = 0.05
"""What may queue in the network: enough to see a faster path, too little to feel."""
SAMPLES = 8
LEAST_SAMPLE_S = 0.02
MUCH_LOSS = 0.1
SHRINK = 0.8
GROW = 1.05
LEAST_SHARE = 0.1


class SteadyWindow:
    """Keeps the window at what one round trip and a short queue hold.

    A lost packet changes nothing by itself: where loss means a full queue, the round trips have
    told so before; where it does not, halving the window for it gives a good path away. Only where
    much is lost, a queue must be too short to be seen.
    """

    def __init__(self) -> None:
        self.window_bytes = LEAST_BYTES
        self._rates: deque[float] = deque(maxlen=SAMPLES)
        self._round_trips = ShortestRoundTrip()
        self._shortest_s = 0.0
        self._sample_s = LEAST_SAMPLE_S
        self._sample_began_s = 0.0
        self._sample_bytes = 0
        self._lost_bytes = 0
        self._share = 1.0
        self._was_full = False

    def measured(self, now_s: float, round_trip_s: float) -> None:
        """Take a round trip."""
        self._shortest_s = self._round_trips.shortest_with(now_s, round_trip_s)
        self._sample_s = max(LEAST_SAMPLE_S, round_trip_s)

    def acknowledged(
        self, now_s: float, count_bytes: int, lost_bytes: int, under_way_bytes: int
    ) -> None:
        """Take what has arrived and what was found lost; so much was under way before."""
        self._lost_bytes += lost_bytes
        if not self._sample_bytes:
            self._sample_began_s = min(self._sample_began_s or now_s, now_s)
        self._sample_bytes += count_bytes
        self._was_full |= under_way_bytes >= self.window_bytes
        elapsed_s = now_s - self._sample_began_s
        if elapsed_s < self._sample_s:
            return
        rate = self._sample_bytes / elapsed_s
        # A sender that had little to send tells nothing about a slower path.
        if self._was_full or rate > max(self._rates, default=0.0):
            self._rates.append(rate)
        loss = self._lost_bytes / (self._lost_bytes + self._sample_bytes + 1)
        if loss > MUCH_LOSS:
            self._share = max(LEAST_SHARE, self._share * SHRINK)
        else:
            self._share = min(1.0, self._share * GROW)
        self._sample_began_s, self._sample_bytes, self._was_full = now_s, 0, False
        self._lost_bytes = 0
        held_bytes = max(self._rates, default=0.0) * (self._shortest_s + QUEUE_S) * self._share
        self.window_bytes = max(LEAST_BYTES, min(MOST_BYTES, round(held_bytes)))
