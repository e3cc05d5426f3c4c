"""A path with a bottleneck, seeded and without a clock, for a sender with congestion control."""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable

import attrs
from kasmcore_webtransport.congestion import RateControl

PACKET_BYTES = 1200
_REORDERED = 3


@attrs.define(kw_only=True)
class Path:
    """One bottleneck with a buffer; may be changed while it runs."""

    bytes_per_s: float
    round_trip_s: float
    buffer_s: float = 1.0
    loss: float = 0.0
    jitter_s: float = 0.0
    is_cut: bool = False
    free_at_s: float = 0.0

    def queue_s(self, now_s: float) -> float:
        return max(0.0, self.free_at_s - now_s)


@attrs.define(eq=False)
class Sender:
    """Sends as its congestion control allows: all the time, or what ``demand`` has asked for."""

    control: RateControl = attrs.field(factory=lambda: RateControl(PACKET_BYTES))
    demand: Callable[[float], float] | None = None
    """Bytes asked for until then."""
    number: int = 0
    sent_bytes: int = 0
    delivered_bytes: int = 0
    in_flight: dict[int, float] = attrs.field(factory=dict)
    due_s: float = 0.0


@attrs.define(eq=False)
class Simulation:
    path: Path
    senders: list[Sender]
    seed: int = 1
    now_s: float = 0.0
    queues_s: list[tuple[float, float]] = attrs.field(factory=list)
    _events: list[tuple[float, int, Callable[[], None]]] = attrs.field(factory=list)
    _count: int = 0
    _random: random.Random = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self._random = random.Random(self.seed)
        for sender in self.senders:
            self._at(0.0, lambda sender=sender: self._send(sender))

    def at(self, when_s: float, change: Callable[[], None]) -> None:
        self._at(when_s, change)

    def run_until(self, end_s: float) -> None:
        while self._events and self._events[0][0] <= end_s:
            self.now_s, _, action = heapq.heappop(self._events)
            action()
        self.now_s = end_s

    def rate(self, sender: Sender, seconds: float) -> float:
        """Run so long; return the bytes/s that arrived."""
        before = sender.delivered_bytes
        self.run_until(self.now_s + seconds)
        return (sender.delivered_bytes - before) / seconds

    def longest_queue_s(self, since_s: float) -> float:
        return max(queue_s for at_s, queue_s in self.queues_s if at_s >= since_s)

    def _at(self, when_s: float, action: Callable[[], None]) -> None:
        self._count += 1
        heapq.heappush(self._events, (when_s, self._count, action))

    def _send(self, sender: Sender) -> None:
        control = sender.control
        while True:
            if sender.demand is not None and sender.sent_bytes >= sender.demand(self.now_s):
                control.nothing_to_send()
                self._wake(sender, self.now_s + 0.005)
                return
            if control.bytes_in_flight + PACKET_BYTES > control.window_bytes:
                self._wake(sender, self.now_s + 0.3)  # like a probe timeout
                return
            when_s = control.may_send_at(self.now_s)
            if when_s is not None:
                self._wake(sender, when_s)
                return
            self._transmit(sender)

    def _wake(self, sender: Sender, when_s: float) -> None:
        sender.due_s = when_s
        self._at(when_s, lambda: self._send(sender) if sender.due_s == when_s else None)

    def _transmit(self, sender: Sender) -> None:
        path, now_s = self.path, self.now_s
        number = sender.number = sender.number + 1
        sender.sent_bytes += PACKET_BYTES
        sender.control.sent(number, PACKET_BYTES, now_s)
        sender.in_flight[number] = now_s
        queue_s = path.queue_s(now_s)
        self.queues_s.append((now_s, queue_s))
        if path.is_cut or queue_s > path.buffer_s or self._random.random() < path.loss:
            self._at(now_s + 1.0, lambda: self._lose(sender, number))
            return
        path.free_at_s = now_s + queue_s + PACKET_BYTES / path.bytes_per_s
        late_s = path.round_trip_s + self._random.random() * path.jitter_s
        self._at(path.free_at_s + late_s, lambda: self._acknowledge(sender, number))

    def _acknowledge(self, sender: Sender, number: int) -> None:
        if number not in sender.in_flight:
            return
        if self.path.is_cut:
            self._at(self.now_s + 1.0, lambda: self._lose(sender, number))
            return
        sent_s = sender.in_flight.pop(number)
        sender.delivered_bytes += PACKET_BYTES
        sender.control.acked(number, self.now_s)
        sender.control.round_trip(self.now_s - sent_s, self.now_s)
        for older in [each for each in sender.in_flight if each <= number - _REORDERED]:
            if self.now_s - sender.in_flight[older] > self.path.round_trip_s * 9 / 8:
                self._lose(sender, older)
        self._send(sender)

    def _lose(self, sender: Sender, number: int) -> None:
        if sender.in_flight.pop(number, None) is not None:
            sender.control.lost(number, self.now_s)
            self._send(sender)
