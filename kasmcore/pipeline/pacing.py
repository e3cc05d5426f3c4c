"""When a viewer may get its next frame, and how large it may be; steered by acknowledgements."""

from __future__ import annotations

import collections

import attrs

_FASTEST_BYTES_PER_S = 25e6
"""What we take a link for that we have never seen busy: 200 Mbit/s."""
_SMALL_FRAME_BYTES = 16_384
"""A frame smaller than this says nothing about a link's rate."""
_RATE_MEMORY = 8
_ROUND_TRIP_MEMORY = 100
_MOST_IN_FLIGHT = 8


@attrs.frozen
class _Sent:
    serial: int
    payload_bytes: int
    sent_s: float


@attrs.define
class Pacer:
    """Keeps few frames on their way to one viewer, so that none waits in the network.

    Args:
        frames_in_flight: frames that may always be unacknowledged.
        target_queue_s: time that frames may wait in the network beyond its shortest round trip.
        frame_interval_s: shortest time between two frames.
    """

    frames_in_flight: int
    target_queue_s: float
    frame_interval_s: float
    _in_flight: collections.deque[_Sent] = attrs.field(factory=collections.deque, init=False)
    _round_trips_s: collections.deque[float] = attrs.field(
        factory=lambda: collections.deque(maxlen=_ROUND_TRIP_MEMORY), init=False
    )
    _rates: collections.deque[float] = attrs.field(
        factory=lambda: collections.deque(maxlen=_RATE_MEMORY), init=False
    )
    _last_shown_s: float = attrs.field(default=-1e9, init=False)

    @property
    def in_flight(self) -> int:
        """Frames sent but not acknowledged."""
        return len(self._in_flight)

    @property
    def round_trip_s(self) -> float:
        """Latest time from sent to shown; 0 before the first."""
        return self._round_trips_s[-1] if self._round_trips_s else 0.0

    @property
    def shortest_round_trip_s(self) -> float:
        """Shortest of the last hundred; 0 before the first."""
        return min(self._round_trips_s, default=0.0)

    @property
    def queue_s(self) -> float:
        """Time that the latest acknowledged frame waited in the network."""
        return self.round_trip_s - self.shortest_round_trip_s

    @property
    def bytes_per_s(self) -> float:
        """What the link carries, as far as frames have shown."""
        if not self._rates:
            return _FASTEST_BYTES_PER_S
        return min(max(self._rates), _FASTEST_BYTES_PER_S)

    def has_credit(self) -> bool:
        """True when a frame may be sent now."""
        return self.in_flight < self._limit()

    def _limit(self) -> int:
        """Frames that may be in flight: more on a long link, as long as none waits in it."""
        if self.queue_s > self.target_queue_s:
            return max(1, self.frames_in_flight - 1)
        on_the_way = round(self.shortest_round_trip_s / self.frame_interval_s)
        return min(_MOST_IN_FLIGHT, self.frames_in_flight + on_the_way)

    def frame_budget_bytes(self) -> float:
        """Size that a frame should not exceed to arrive within its interval."""
        return max(_SMALL_FRAME_BYTES, self.bytes_per_s * self.frame_interval_s)

    def sent(self, serial: int, payload_bytes: int, now_s: float) -> None:
        """A frame was handed to the link."""
        self._in_flight.append(_Sent(serial, payload_bytes, now_s))

    def shown(self, serial: int, now_s: float, present_s: float) -> bool:
        """The viewer acknowledged a frame, and all before it.

        Args:
            serial: the viewer's number of the frame.
            now_s: when the acknowledgement arrived.
            present_s: time that decoding and showing took at the viewer.

        Returns: False when no such frame is in flight.
        """
        if not any(frame.serial == serial for frame in self._in_flight):
            return False
        while self._in_flight:
            frame = self._in_flight.popleft()
            if frame.serial != serial:
                continue
            round_trip_s = max(0.0, now_s - frame.sent_s - present_s)
            self._round_trips_s.append(round_trip_s)
            self._learn_rate(frame, now_s, round_trip_s)
            break
        return True

    def _learn_rate(self, frame: _Sent, now_s: float, round_trip_s: float) -> None:
        """A large frame that followed the one before at once took as long as its bytes need."""
        if frame.payload_bytes >= _SMALL_FRAME_BYTES:
            since_s = min(round_trip_s, now_s - self._last_shown_s)
            busy_s = max(since_s - self.shortest_round_trip_s / 2, 0.0005)
            self._rates.append(frame.payload_bytes / busy_s)
        self._last_shown_s = now_s
