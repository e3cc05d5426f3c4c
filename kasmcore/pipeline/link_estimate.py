"""What a link carries and how long it takes, learnt from when sent bytes are acknowledged.

A link is taken for a pipe: a frame begins to pass when it has been sent and the frame before it is
through, and takes as long as its bytes need. What a frame took tells the rate, but only while the
link was the limit: of a link that is mostly idle one knows a rate that it surely carries, no more.
"""

from __future__ import annotations

import collections
from math import inf

import attrs

FASTEST_BYTES_PER_S = 25e6
"""What a link is taken for at most: 200 Mbit/s."""
SLOWEST_BYTES_PER_S = 8e3

_DARED_TIMES = 5.0
"""A link that is never busy may be taken for so much faster than any frame has shown it to be: one
large frame must not take seconds."""
_UNSEEN_BYTES_PER_S = 1.25e6
"""A link of unknown length that was never busy: 10 Mbit/s."""
_LONGEST_LAN_ROUND_TRIP_S = 0.010
"""A link as short as this is taken for a fast one until it shows otherwise."""
_ROUND_TRIP_MEMORY_S = 10.0
_SHORT_QUEUE_S = 0.01
"""Less than this on top of the shortest round trip is no queue."""
_SMALL_BYTES = 4096
_SMALL_PASSING_S = 0.02
"""Some frame of the last seconds had no more bytes, or was through as soon."""
_LESSON_S = 0.2
"""Frames that arrived within this time are one lesson: a packet that is sent again holds up what
follows it for a round trip, and lets it through at once then."""
_LESSON_MEMORY_S = 0.5
_LESSON_BYTES = 16_384
"""Fewer bytes than this teach nothing about a fast link."""
_LESSON_PASSING_S = 0.010
"""... nor do fewer than pass a slow one in this time."""
_BUSY_SHARE = 0.5
"""A link that is busy for this share of a lesson is the limit."""
_USED_SHARE = 0.1
"""One that carries less of what is believed shows nothing new."""
_SURELY_BUSY_S = 0.05
"""A frame this much later than others was held up by its own bytes, whatever came before it."""
_LEAST_BUSY_S = 0.001
_SURELY_CARRIED = 1.25
"""A link without a queue carries more than it is given: so much more is tried."""
_PERHAPS_CARRIED = 6.0
_GROWTH_A_ROUND_TRIP = 2.0
_SHORTEST_GROWTH_S = 0.02
_HEAP_S = 0.03
"""What a lost packet held up arrives within this time."""


@attrs.define
class _RecentLeast:
    """The least value of the last seconds."""

    memory_s: float
    _values: collections.deque[tuple[float, float]] = attrs.field(
        factory=collections.deque, init=False
    )
    """When, and what: rising, so that the first is the least."""

    def add(self, now_s: float, value: float) -> None:
        """Note a value."""
        values = self._values
        while values and values[-1][1] >= value:
            values.pop()
        values.append((now_s, value))
        while values[0][0] < now_s - self.memory_s:
            values.popleft()

    @property
    def value(self) -> float | None:
        """None before the first."""
        return self._values[0][1] if self._values else None


@attrs.frozen
class _Passage:
    """One frame that has arrived."""

    arrived_s: float
    payload_bytes: int
    busy_s: float
    """How long the link was busy with it, at most."""
    was_limit: bool
    """True when it came as late because the link was busy all that time."""


@attrs.define
class LinkEstimate:
    """Rate, shortest round trip and queue of one link.

    Args:
        long_queue_s: a frame that waited longer shows that the link is slower than believed.
    """

    long_queue_s: float
    path_round_trip_s: float | None = None
    """Shortest round trip as the transport measured it, if it does."""
    queue_s: float = attrs.field(default=0.0, init=False)
    """How long the latest frame waited for those before it."""
    round_trip_s: float = attrs.field(default=0.0, init=False)
    """Latest time from sent to arrived and acknowledged."""
    empty_at_s: float = attrs.field(default=-1e9, init=False)
    """When a round trip was last about as short as any."""
    last_arrived_s: float = attrs.field(default=-1e9, init=False)
    """When the latest frame had passed."""
    _known: tuple[float | None, float] | None = attrs.field(default=None, init=False)
    """What is believed of the path, and the rate; None when something has been learnt since."""
    _rate: float | None = attrs.field(default=None, init=False)
    _ceiling: float = attrs.field(default=FASTEST_BYTES_PER_S, init=False)
    """What the wait for a frame that is overdue allows."""
    _fell_s: float = attrs.field(default=-1e9, init=False)
    _fell_from: float = attrs.field(default=0.0, init=False)
    _raised_s: float = attrs.field(default=-1e9, init=False)
    _round_trips_s: _RecentLeast = attrs.field(
        factory=lambda: _RecentLeast(_ROUND_TRIP_MEMORY_S), init=False
    )
    """As they were."""
    _bare_round_trips_s: _RecentLeast = attrs.field(
        factory=lambda: _RecentLeast(_ROUND_TRIP_MEMORY_S), init=False
    )
    """Without the time that the frames' own bytes took."""
    _carried: _RecentLeast = attrs.field(
        factory=lambda: _RecentLeast(_ROUND_TRIP_MEMORY_S), init=False
    )
    """Rates at which frames passed at least, negative: the least is the fastest."""
    _passages: collections.deque[_Passage] = attrs.field(factory=collections.deque, init=False)
    _lessons: collections.deque[tuple[float, float]] = attrs.field(
        factory=collections.deque, init=False
    )
    """When, and the rate: falling, so that the first is the highest."""

    @property
    def bytes_per_s(self) -> float:
        """What the link carries, as far as is known."""
        if self._known is None or self._known[0] != self.path_round_trip_s:
            rate = self._first_guess() if self._rate is None else self._rate
            limits = (rate, self._ceiling, self._most_to_dare(), FASTEST_BYTES_PER_S)
            self._known = self.path_round_trip_s, max(SLOWEST_BYTES_PER_S, min(limits))
        return self._known[1]

    @property
    def shortest_round_trip_s(self) -> float:
        """Round trip of a frame without bytes that waits for nothing; 0 if not known yet.

        Before the first frame it is what the transport measured. That is too short as a rule: it
        lacks what programs at both ends need, and all that lies behind a proxy.
        """
        seen_s = self._bare_round_trips_s.value
        return (self.path_round_trip_s or 0.0) if seen_s is None else seen_s

    @property
    def is_proven(self) -> bool:
        """False while nothing of size has passed; a short link needs no proof."""
        if self._rate is not None:
            return True
        is_seen = self._round_trips_s.value is not None or self.path_round_trip_s is not None
        return is_seen and self.shortest_round_trip_s <= _LONGEST_LAN_ROUND_TRIP_S

    def passing_s(self, payload_bytes: float) -> float:
        """How long so many bytes keep the link busy."""
        return payload_bytes / self.bytes_per_s

    def arrived(self, sent_s: float, payload_bytes: int, arrived_s: float) -> None:
        """A frame has arrived, and its acknowledgement is here.

        Args:
            sent_s: when it was handed to the link.
            payload_bytes: its size.
            arrived_s: when the acknowledgement came, less the time the viewer took to show it.
        """
        arrived_s = max(arrived_s, self.last_arrived_s, sent_s)
        late_s = arrived_s - sent_s - (self._round_trips_s.value or self.path_round_trip_s or inf)
        self._note_round_trip(arrived_s, arrived_s - sent_s, payload_bytes)
        reached_s = sent_s + self.shortest_round_trip_s
        busy_s = max(0.0, arrived_s - max(reached_s, self.last_arrived_s))
        self.queue_s = max(0.0, self.last_arrived_s - reached_s)
        self.last_arrived_s = arrived_s
        self._ceiling, self._known = FASTEST_BYTES_PER_S, None
        was_limit = self.queue_s > 0 or late_s >= _SURELY_BUSY_S
        self._passages.append(_Passage(arrived_s, payload_bytes, busy_s, was_limit))
        self._learn(arrived_s)

    def note_waiting(self, sent_s: float, payload_bytes: int, now_s: float) -> bool:
        """Look at the oldest frame that has not arrived.

        Returns: True when it is overdue; the rate is then lowered to what that shows.
        """
        started_s = max(sent_s + self.shortest_round_trip_s, self.last_arrived_s)
        overdue_s = now_s - started_s - self.passing_s(payload_bytes)
        if overdue_s <= self.long_queue_s + self.shortest_round_trip_s:
            return False
        if self._teaches(payload_bytes):
            self._ceiling = min(self._ceiling, payload_bytes / (now_s - started_s))
            self._known = None
        return True

    def _note_round_trip(self, now_s: float, round_trip_s: float, payload_bytes: int) -> None:
        """Keep the shortest one, without the time that the frame's own bytes took."""
        self.round_trip_s = round_trip_s
        is_first = self._round_trips_s.value is None
        if is_first or round_trip_s <= self.shortest_round_trip_s + _SHORT_QUEUE_S:
            self.empty_at_s = now_s
        self._round_trips_s.add(now_s, round_trip_s)
        way_s = round_trip_s / 2 if self.path_round_trip_s is None else self.path_round_trip_s
        self._carried.add(now_s, -payload_bytes / max(round_trip_s - way_s, _LEAST_BUSY_S))
        self._known = None
        seen_s = self._round_trips_s.value or round_trip_s
        small_s = max(_SMALL_PASSING_S, self.passing_s(_SMALL_BYTES))
        least_s = max(self.path_round_trip_s or 0.0, round_trip_s / 2, seen_s - small_s)
        bare_s = max(round_trip_s - self.passing_s(payload_bytes), least_s)
        self._bare_round_trips_s.add(now_s, bare_s)
        self._known = None

    def _learn(self, now_s: float) -> None:
        while self._passages[0].arrived_s < now_s - _LESSON_S:
            self._passages.popleft()
        busy = [passage for passage in self._passages if passage.was_limit]
        busy_s = sum(passage.busy_s for passage in busy)
        busy_bytes = sum(passage.payload_bytes for passage in busy)
        if busy_s >= _BUSY_SHARE * _LESSON_S and self._teaches(busy_bytes):
            self._note_limit(now_s, max(busy_bytes / busy_s, self._surely_carried(now_s)))
            return
        delivered = sum(passage.payload_bytes for passage in self._passages) / _LESSON_S
        if self.queue_s == 0 and delivered >= _USED_SHARE * self.bytes_per_s:
            seen_s = max(sum(passage.busy_s for passage in self._passages), _LEAST_BUSY_S)
            seen = delivered * _LESSON_S / seen_s
            more = max(_SURELY_CARRIED * delivered, min(seen, _PERHAPS_CARRIED * delivered))
            self._raise_to(now_s, more)

    def _surely_carried(self, now_s: float) -> float:
        """What has passed since the oldest frame of this lesson, whatever the reason of a wait."""
        oldest, *later = self._passages
        return sum(passage.payload_bytes for passage in later) / max(
            now_s - oldest.arrived_s, _BUSY_SHARE * _LESSON_S
        )

    def _teaches(self, total_bytes: int) -> bool:
        return total_bytes >= min(_LESSON_BYTES, self.bytes_per_s * _LESSON_PASSING_S)

    def _note_limit(self, now_s: float, rate: float) -> None:
        """The link was busy: this is its rate, or the highest of the last lessons is."""
        lessons = self._lessons
        if self.queue_s > self.long_queue_s or self._passages[-1].busy_s > 2 * self.long_queue_s:
            lessons.clear()
        while lessons and lessons[-1][1] <= rate:
            lessons.pop()
        lessons.append((now_s, rate))
        while lessons[0][0] < now_s - _LESSON_MEMORY_S:
            lessons.popleft()
        highest = lessons[0][1]
        before = self.bytes_per_s
        if self._rate is None or highest <= before:
            if now_s - self._fell_s > _HEAP_S:
                self._fell_s, self._fell_from = now_s, before
            self._believe(highest)
        else:
            self._raise_to(now_s, highest)

    def _raise_to(self, now_s: float, rate: float) -> None:
        """Believe in more, but step by step: acknowledgements also arrive in heaps.

        The first one of a heap shows a low rate, those right behind it that it was none.
        """
        before = self.bytes_per_s
        if before < self._fell_from and now_s - self._fell_s <= _HEAP_S:
            self._believe(max(before, min(rate, self._fell_from)))
            return
        since_s = now_s - self._raised_s
        step_s = max(self.shortest_round_trip_s, _SHORTEST_GROWTH_S)
        if rate > before and since_s >= step_s:
            self._raised_s = now_s
            self._believe(min(rate, before * _GROWTH_A_ROUND_TRIP))

    def _believe(self, rate: float) -> None:
        self._rate, self._known = rate, None

    def _most_to_dare(self) -> float:
        """So many times the rate at which some frame has passed, or more if that is not much."""
        surely = -(self._carried.value or 0.0)
        guess = self._first_guess() / _DARED_TIMES
        return max(_DARED_TIMES * surely, guess, _UNSEEN_BYTES_PER_S)

    def _first_guess(self) -> float:
        """A link that was never busy is judged by its length: most short ones are fast."""
        if self._round_trips_s.value is None and self.path_round_trip_s is None:
            return _UNSEEN_BYTES_PER_S
        trips = max(self.shortest_round_trip_s / _LONGEST_LAN_ROUND_TRIP_S, 1.0)
        return max(_UNSEEN_BYTES_PER_S, FASTEST_BYTES_PER_S / trips)
