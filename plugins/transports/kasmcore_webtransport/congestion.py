"""Congestion control: how fast packets may leave, by what arrives and how long it takes.

Pure: no clock, no sockets. Time is an argument, in seconds of any clock that never goes back.

The rate is a model of the path, not a reaction to single losses: what was delivered lately, times
a gain that falls as the round trip grows beyond its shortest. A link that loses one packet in
twenty at random is used in full; a buffer that begins to fill is seen before it drops anything.
Loss counts only where it is so frequent that the path drops what it cannot carry.
"""

from __future__ import annotations

from math import inf

import attrs

from kasmcore_webtransport.delivery import DeliveryRate, RateSample
from kasmcore_webtransport.round_trips import RecentLeast, RoundTrips

_FIRST_WINDOW_PACKETS = 32
_LEAST_WINDOW_PACKETS = 4
_LEAST_BYTES_PER_S = 6_000.0
_STARTUP_GAIN = 2.0
_EMPTY_QUEUE_GAIN = 1.25
"""While nothing waits in the path a little more is sent than it has delivered ..."""
_FULL_QUEUE_GAIN = 0.75
"""... and less when its queue is as long as it may be: it settles at half of that."""
_LONG_QUEUE_GAIN = 0.5
_TARGET_QUEUE_S = 0.030
_TARGET_QUEUE_SHARE = 0.125
"""Of the shortest round trip: long ways vary more."""
_ROUNDS_REMEMBERED = 8
"""Round trips for which the best rate is remembered, as short as they can be ..."""
_LEAST_MEMORY_S = 0.2
"""... or so long."""
_GROWN = 1.2
"""A round that delivered so much more than those before shows that the path has more ..."""
_GROWN_ROUNDS = 3
"""... after so many in turn the rate grows as at the start; after so many without, that ends."""
_MUCH_LOSS = 0.10
_LOSS_GAIN = 0.9
_LOSS_MEMORY = 0.75
_LOSSY_ROUNDS = 8
"""Loss that stays so long although less is sent is not the path's answer to our rate ..."""
_MOST_LOSS_REPAIRED = 0.4
"""... which then has to be higher by what is lost, or it would fall on and on."""
_FEWEST_JUDGED = 20
"""Packets of a round whose loss is judged."""
_DRAINED_EVERY_S = 5.0
"""After so long with a queue it is emptied, to see again how short the way can be."""
_DRAINING_S = 0.2
_DRAINING_GAIN = 0.5
_DEEP_DRAINING_S = 0.02
"""A queue that stands all the same is emptied until next to nothing is in flight; it is looked so
often whether that is so."""
_BURST_S = 0.016
_FEWEST_BURST_PACKETS = 10
_MOST_BURST_BYTES = 128 * 1024
_QUANTUM_S = 0.001
"""Packets that are due within this time leave together: a timer for each would cost more."""
_SILENCE_S = 0.4
"""Without any acknowledgement for this long (and some round trips) the path was interrupted."""
_SILENCE_ROUND_TRIPS = 4.0


@attrs.define(eq=False)
class RateControl:
    """Rate, window and round trips of one path.

    Tell it of every packet that counts towards the bytes in flight: ``sent``, then one of
    ``acked``, ``lost`` or ``forgotten``; of each measured ``round_trip`` after the ``acked`` of the
    same acknowledgement; and ``nothing_to_send`` when the sender has no more although it may send.
    Then ask ``window_bytes`` (against ``bytes_in_flight``) and ``may_send_at``.

    Args:
        packet_bytes: size of a full packet.
    """

    packet_bytes: int
    bytes_in_flight: int = attrs.field(default=0, init=False)
    is_starting: bool = attrs.field(default=True, init=False)
    """True while the rate doubles, since nothing has shown the path to be used in full."""
    round_trips: RoundTrips = attrs.field(factory=RoundTrips, init=False)
    _delivery: DeliveryRate = attrs.field(factory=DeliveryRate, init=False)
    _best: RecentLeast = attrs.field(factory=RecentLeast, init=False)
    """Delivered bytes/s, negative: the least is the fastest."""
    _active_s: float = attrs.field(default=0.0, init=False)
    """The clock of that memory: it stands while the sender is the limit."""
    _learnt_s: float = attrs.field(default=-inf, init=False)
    _round_best: float = attrs.field(default=0.0, init=False)
    _round_ends_at: int = attrs.field(default=0, init=False)
    """Delivered bytes at which what was sent since the round began has arrived."""
    _round_is_limited: bool = attrs.field(default=True, init=False)
    """The sender had too little for the round to tell what the path carries."""
    _best_before: float = attrs.field(default=0.0, init=False)
    _still_rounds: int = attrs.field(default=0, init=False)
    _grown_rounds: int = attrs.field(default=0, init=False)
    _round_packets: int = attrs.field(default=0, init=False)
    _round_lost: int = attrs.field(default=0, init=False)
    _loss: float = attrs.field(default=0.0, init=False)
    _lossy_rounds: int = attrs.field(default=0, init=False)
    _newest_bytes_per_s: float = attrs.field(default=0.0, init=False)
    _acked_s: float = attrs.field(default=-inf, init=False)
    _drain_from_s: float = attrs.field(default=-inf, init=False)
    """Since when round trips have no queue of ours; earlier than the end while it goes on."""
    _drains_until_s: float = attrs.field(default=-inf, init=False)
    _path_from_s: float = attrs.field(default=-inf, init=False)
    _stranded_from_s: float = attrs.field(default=inf, init=False)
    """Since when round trips are long although next to nothing is in flight."""
    _drains_deep: bool = attrs.field(default=False, init=False)
    _tokens: float = attrs.field(default=0.0, init=False)
    _filled_s: float = attrs.field(default=-inf, init=False)

    # -- what happens

    def sent(self, number: int, packet_bytes: int, now_s: float) -> None:
        """A packet leaves."""
        self._delivery.sent(number, packet_bytes, now_s, is_first=self.bytes_in_flight == 0)
        if self.bytes_in_flight == 0:
            self._acked_s = now_s
        self.bytes_in_flight += packet_bytes
        self._fill(now_s)
        self._tokens -= packet_bytes

    def acked(self, number: int, now_s: float) -> None:
        """A packet has arrived."""
        packet_bytes = self._delivery.packet_bytes(number)
        self.bytes_in_flight -= packet_bytes
        self._round_packets += 1
        was_silent = self._was_silent(now_s)
        self._acked_s = now_s
        sample = self._delivery.acked(number, now_s)
        if was_silent:
            self._delivery.restart(now_s)
        elif sample is not None:
            self._learn(sample, now_s)

    def lost(self, number: int, now_s: float) -> None:
        """A packet has not arrived."""
        self.forgotten(number)
        self._round_packets += 1
        if not self._was_silent(now_s):
            self._round_lost += 1

    def forgotten(self, number: int) -> None:
        """A packet no longer counts, whatever became of it."""
        self.bytes_in_flight -= self._delivery.forget(number)

    def round_trip(self, round_trip_s: float, now_s: float) -> None:
        """One was measured, without the time that the peer held the acknowledgement back."""
        if now_s - round_trip_s < self._path_from_s:
            return
        self.round_trips.add(round_trip_s, now_s)
        self._note_longer_way(now_s)
        is_full = self.queue_s > self._target_queue_s() and self.round_trips.are_enough
        if self.is_starting and is_full:
            self._end_start()
        self._drain_at_times(now_s)

    def nothing_to_send(self) -> None:
        """The sender is the limit: what is delivered now is not all that the path carries."""
        self._delivery.limit(self.bytes_in_flight)

    def path_changed(self, now_s: float) -> None:
        """The peer is at another address: its way may be quite another one."""
        self.round_trips = RoundTrips()
        self._path_from_s = now_s
        self._delivery.restart(now_s)
        half = self._bytes_per_s() / 2
        self._best = RecentLeast()
        self._best.add(self._active_s, -half, _LEAST_MEMORY_S)
        self._loss, self._best_before = 0.0, half
        self._still_rounds = self._grown_rounds = 0
        self._drains_deep = False
        self._drain_from_s = self._drains_until_s = -inf
        self.is_starting = True

    # -- what follows from it

    @property
    def queue_s(self) -> float:
        """How long packets wait in the path."""
        return self.round_trips.queue_s

    @property
    def delivered_bytes_per_s(self) -> float | None:
        """What the path has carried lately, at least; None before anything is known."""
        return None if self._best.value is None else -self._best.value

    @property
    def bytes_per_s(self) -> float:
        """Rate at which packets may leave now."""
        return max(_LEAST_BYTES_PER_S, self._bytes_per_s() * self._gain())

    @property
    def window_bytes(self) -> int:
        """Most bytes that may be in flight."""
        least = self._least_window_bytes
        if self.is_starting:
            least = _FIRST_WINDOW_PACKETS * self.packet_bytes
        trip_s = self.round_trips.shortest_s
        if trip_s is None or self._drains_deep:
            return least
        if self.is_starting:
            return max(least, int(_STARTUP_GAIN * self._bytes_per_s() * (trip_s + _TARGET_QUEUE_S)))
        # Acknowledgements come in heaps, and late: by up to 25 ms.
        spare_s = 0.0 if self._drains() or self._is_long_queue() else 2 * self._target_queue_s()
        return max(least, int(self._bytes_per_s() * (trip_s + spare_s)))

    def may_send_at(self, now_s: float, built_bytes: int = 0) -> float | None:
        """Return when the next packet may leave; None for now.

        Args:
            now_s: the time.
            built_bytes: of packets that leave before it, of which ``sent`` has not been told yet.
        """
        self._fill(now_s)
        tokens = self._tokens - built_bytes
        if tokens > 0:
            return None
        quantum = max(self.packet_bytes, self.bytes_per_s * _QUANTUM_S)
        return now_s + (quantum - tokens) / self.bytes_per_s

    # -- inside

    @property
    def _least_window_bytes(self) -> int:
        return _LEAST_WINDOW_PACKETS * self.packet_bytes

    def _bytes_per_s(self) -> float:
        first_s = self.round_trips.shortest_s or 0.1
        first = _FIRST_WINDOW_PACKETS * self.packet_bytes / max(first_s, 0.001) / _STARTUP_GAIN
        best = self.delivered_bytes_per_s or 0.0
        if self.is_starting or best == 0.0:
            return max(first, best)
        # A long queue: the path has become slower, and the memory is of another one.
        return min(best, self._newest_bytes_per_s) if self._is_long_queue() else best

    def _is_long_queue(self) -> bool:
        return self.queue_s > 2 * self._target_queue_s()

    def _target_queue_s(self) -> float:
        return max(_TARGET_QUEUE_S, _TARGET_QUEUE_SHARE * (self.round_trips.shortest_s or 0.0))

    def _gain(self) -> float:
        if self.is_starting:
            return _STARTUP_GAIN
        if self._drains():
            return _DRAINING_GAIN
        fullness = self.queue_s / self._target_queue_s()
        if self._is_long_queue():
            return _LONG_QUEUE_GAIN
        empty_gain = _EMPTY_QUEUE_GAIN
        if self._grown_rounds >= _GROWN_ROUNDS:
            empty_gain = _STARTUP_GAIN
        gain = empty_gain + min(1.0, fullness) * (_FULL_QUEUE_GAIN - empty_gain)
        if self._loss <= _MUCH_LOSS:
            return gain
        if self._lossy_rounds > _LOSSY_ROUNDS:
            return gain / (1 - min(self._loss, _MOST_LOSS_REPAIRED))
        return min(gain, _LOSS_GAIN)

    def _learn(self, sample: RateSample, now_s: float) -> None:
        if self._delivery.delivered >= self._round_ends_at:
            self._end_round()
            self._round_ends_at = self._delivery.delivered + self.bytes_in_flight
        if not sample.is_limited:
            self._round_is_limited = False
            self._active_s += max(0.0, min(now_s - self._learnt_s, _LEAST_MEMORY_S))
        self._learnt_s = now_s
        rate = self._newest_bytes_per_s = sample.bytes_per_s
        self._round_best = max(self._round_best, rate)
        if not sample.is_limited or rate > (self.delivered_bytes_per_s or 0.0):
            shortest_s = self.round_trips.shortest_s or 0.0
            memory_s = max(_LEAST_MEMORY_S, _ROUNDS_REMEMBERED * shortest_s)
            self._best.add(self._active_s, -rate, memory_s)

    def _end_round(self) -> None:
        """Judge the round that is over; one that the sender limited takes no memory away."""
        if self._round_packets >= _FEWEST_JUDGED:
            loss = self._round_lost / self._round_packets
            self._loss += (1 - _LOSS_MEMORY) * (loss - self._loss)
            self._round_packets = self._round_lost = 0
            self._lossy_rounds = self._lossy_rounds + 1 if self._loss > _MUCH_LOSS else 0
        if self._round_is_limited:
            return
        if self._round_best >= _GROWN * self._best_before:
            self._grown_rounds += 1
            self._still_rounds = 0
        else:
            self._grown_rounds = 0
            self._still_rounds += 1
            if self.is_starting and self._still_rounds >= _GROWN_ROUNDS:
                self._end_start()
        self._best_before = self.delivered_bytes_per_s or 0.0
        self._round_best = 0.0
        self._round_is_limited = True

    def _end_start(self) -> None:
        self.is_starting = False
        self._grown_rounds = 0

    def _drains(self) -> bool:
        return self._drains_until_s > self.round_trips.latest_at_s

    def _drain_at_times(self, now_s: float) -> None:
        """Empty a queue that has stood for long; what is left then is the way itself."""
        if self._drains_until_s > now_s:
            return
        if self._drain_from_s < self._drains_until_s and not self._ends_drain(now_s):
            return
        trips = self.round_trips
        since_s = max(trips.empty_at_s, self._drains_until_s)
        if self.is_starting or now_s - since_s <= _DRAINED_EVERY_S:
            return
        self._drains_until_s = now_s + _DRAINING_S + 2 * self.queue_s + (trips.shortest_s or 0.0)
        self._drain_from_s = (now_s + self._drains_until_s) / 2

    def _ends_drain(self, now_s: float) -> bool:
        """Take the round trips at the end for the way's own, unless a queue of ours is left."""
        trips = self.round_trips  # those that would be kept: the path may just have become slower
        left_s = trips.least_since(self._drain_from_s) - (trips.shortest_s or 0.0)
        if left_s > 2 * self._target_queue_s():
            self._drains_deep = True
        if self._drains_deep and self.bytes_in_flight > self._least_window_bytes:
            self._drains_until_s = now_s + _DEEP_DRAINING_S
            self._drain_from_s = now_s
            return False
        self.round_trips.restart_from(self._drain_from_s)
        self._drain_from_s = self._drains_until_s
        self._drains_deep = False
        return True

    def _note_longer_way(self, now_s: float) -> None:
        """See that what looks like a queue is the way: it stays with nothing of ours in it."""
        if not self._is_long_queue() or self.bytes_in_flight > self._least_window_bytes:
            self._stranded_from_s = inf
            return
        self._stranded_from_s = min(self._stranded_from_s, now_s)
        if now_s - self._stranded_from_s > (self.round_trips.recent_s or 0.0):
            self.round_trips.restart_from(self._stranded_from_s)
            self._stranded_from_s = inf

    def _was_silent(self, now_s: float) -> bool:
        trip_s = self.round_trips.smoothed_s or 0.1
        return now_s - self._acked_s > max(_SILENCE_S, _SILENCE_ROUND_TRIPS * trip_s)

    def _fill(self, now_s: float) -> None:
        if self._filled_s == -inf:
            self._tokens = _FEWEST_BURST_PACKETS * self.packet_bytes
        elif now_s > self._filled_s:
            rate = self.bytes_per_s
            least = _FEWEST_BURST_PACKETS * self.packet_bytes
            most = max(least, min(rate * _BURST_S, _MOST_BURST_BYTES))
            self._tokens = min(most, self._tokens + rate * (now_s - self._filled_s))
        self._filled_s = max(self._filled_s, now_s)
