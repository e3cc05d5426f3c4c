"""What a bad network does to packets, as a model that its caller's clock drives.

The relay of ``tests/impaired_link.py`` passes real IP packets through it, the simulation of
``tests/links/simulation.py`` made ones in made time. The same seed and the same packets give the
same losses.
"""

from __future__ import annotations

import enum
import heapq
import random
from collections import deque
from collections.abc import Iterator, Sequence
from typing import Generic, TypeVar

import attrs

PacketT = TypeVar("PacketT")

LARGEST_PACKET_BYTES = 1500
_LONGEST_COUNTED_QUEUE_MS = 5000
_JITTER_EVERY_S = 0.01


class Way(enum.Enum):
    """The two directions."""

    TO_CLIENT = "to_client"
    TO_SERVER = "to_server"


@attrs.frozen(kw_only=True)
class LinkQuality:
    """What one direction of a link is like.

    Attributes:
        bytes_per_s: of IP packets.
        delay_s: one way, beside the wait in the queue.
        jitter_s: packets take up to so much longer; by how much is drawn anew every 10 ms. They
            keep their order.
        loss: share of packets that vanish behind the queue.
        loss_burst_packets: how many vanish in a row, on average (a Gilbert model); 1 for each by
            its own chance.
        reordering: share of packets that those behind them pass ...
        reordering_s: ... because they take so much longer.
        duplication: share of packets that arrive twice.
        queue_s: how long a packet may have to wait at this rate; one that would wait longer is
            dropped.
        queue_bytes: the same in bytes; counts instead of ``queue_s`` if it is given.
        largest_packet_bytes: larger ones vanish without a word, as in a tunnel.
    """

    bytes_per_s: float = 1e9
    delay_s: float = 0.0
    jitter_s: float = 0.0
    loss: float = 0.0
    loss_burst_packets: float = 1.0
    reordering: float = 0.0
    reordering_s: float = 0.01
    duplication: float = 0.0
    queue_s: float = 0.1
    queue_bytes: int | None = None
    largest_packet_bytes: int = LARGEST_PACKET_BYTES


@attrs.define
class WayCounts:
    """What has happened in one direction."""

    passed_packets: int = 0
    passed_bytes: int = 0
    tcp_packets: int = 0
    tcp_bytes: int = 0
    udp_packets: int = 0
    udp_bytes: int = 0
    lost_packets: int = 0
    overflowed_packets: int = 0
    cut_packets: int = 0
    too_large_packets: int = 0
    reordered_packets: int = 0
    duplicated_packets: int = 0
    longest_queue_s: float = 0.0
    _waits: list[int] = attrs.field(factory=lambda: [0] * (_LONGEST_COUNTED_QUEUE_MS + 1))
    """Packets by the milliseconds they waited in the queue."""

    def waited(self, wait_s: float) -> None:
        """A packet has left the queue."""
        self.longest_queue_s = max(self.longest_queue_s, wait_s)
        self._waits[min(int(wait_s * 1000), _LONGEST_COUNTED_QUEUE_MS)] += 1

    def passed(self, size_bytes: int, protocol: str) -> None:
        """A packet gets through."""
        self.passed_packets += 1
        self.passed_bytes += size_bytes
        if protocol == "tcp":
            self.tcp_packets += 1
            self.tcp_bytes += size_bytes
        elif protocol == "udp":
            self.udp_packets += 1
            self.udp_bytes += size_bytes

    def queue_s(self, percent: float) -> float:
        """The wait in the queue that this share of packets keeps to."""
        wanted = sum(self._waits) * percent / 100
        seen = 0
        for wait_ms, packets in enumerate(self._waits):
            seen += packets
            if packets and seen >= wanted:
                return wait_ms / 1000
        return 0.0

    def as_numbers(self) -> dict[str, float]:
        """Everything, for JSON."""
        numbers: dict[str, float] = {
            field.name: getattr(self, field.name)
            for field in attrs.fields(WayCounts)
            if not field.name.startswith("_")
        }
        return numbers | {"queue_p50_s": self.queue_s(50), "queue_p95_s": self.queue_s(95)}


@attrs.define
class Direction(Generic[PacketT]):
    """One direction of the link, driven by the clock of its caller."""

    quality: LinkQuality
    seed: int
    counts: WayCounts = attrs.field(factory=WayCounts)
    _waiting: deque[tuple[float, int, str, PacketT]] = attrs.field(factory=deque, init=False)
    _waiting_bytes: int = attrs.field(default=0, init=False)
    _free_s: float = attrs.field(default=0.0, init=False)
    _under_way: list[tuple[float, int, PacketT]] = attrs.field(factory=list, init=False)
    _number: int = attrs.field(default=0, init=False)
    _last_arrival_s: float = attrs.field(default=0.0, init=False)
    _cut_until_s: float = attrs.field(default=-1.0, init=False)
    _jitter_until_s: float = attrs.field(default=-1.0, init=False)
    _jitter_share: float = attrs.field(default=0.0, init=False)
    _in_burst: bool = attrs.field(default=False, init=False)
    _random: random.Random = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self._random = random.Random(self.seed)

    def take(self, packet: PacketT, size_bytes: int, now_s: float, protocol: str = "") -> None:
        """A packet arrives at the queue."""
        quality = self.quality
        self._serve(now_s)
        if size_bytes > quality.largest_packet_bytes:
            self.counts.too_large_packets += 1
            return
        limit_bytes: float = (
            quality.bytes_per_s * quality.queue_s + LARGEST_PACKET_BYTES
            if quality.queue_bytes is None
            else quality.queue_bytes
        )
        if self._waiting_bytes + size_bytes > limit_bytes:
            self.counts.overflowed_packets += 1
            return
        self._waiting.append((now_s, size_bytes, protocol, packet))
        self._waiting_bytes += size_bytes
        self._serve(now_s)

    def cut(self, until_s: float) -> None:
        """Whatever would leave the queue before then vanishes."""
        self._cut_until_s = max(self._cut_until_s, until_s)

    def due(self, now_s: float) -> Iterator[PacketT]:
        """Packets that have arrived at the other end by now."""
        self._serve(now_s)
        under_way = self._under_way
        while under_way and under_way[0][0] <= now_s:
            yield heapq.heappop(under_way)[2]

    def next_due_s(self) -> float | None:
        """When to look again."""
        first_s = self._under_way[0][0] if self._under_way else None
        if self._waiting and (first_s is None or self._free_s < first_s):
            return self._free_s
        return first_s

    def _serve(self, now_s: float) -> None:
        while self._waiting and self._free_s <= now_s:
            came_s, size_bytes, protocol, packet = self._waiting.popleft()
            self._waiting_bytes -= size_bytes
            started_s = max(self._free_s, came_s)
            self.counts.waited(started_s - came_s)
            self._free_s = started_s + size_bytes / self.quality.bytes_per_s
            if started_s < self._cut_until_s:
                self.counts.cut_packets += 1
            elif self._is_lost():
                self.counts.lost_packets += 1
            else:
                self.counts.passed(size_bytes, protocol)
                self._pass_on(packet)

    def _pass_on(self, packet: PacketT) -> None:
        quality, chance = self.quality, self._random.random
        arrival_s = self._free_s + quality.delay_s
        if quality.jitter_s:
            if self._free_s >= self._jitter_until_s:
                self._jitter_until_s = self._free_s + _JITTER_EVERY_S
                self._jitter_share = chance()
            arrival_s += quality.jitter_s * self._jitter_share
        if quality.reordering and chance() < quality.reordering:
            self.counts.reordered_packets += 1
            arrival_s += quality.reordering_s
        else:
            # Also after a change to a shorter link: a queue does not let the later ones pass.
            arrival_s = max(arrival_s, self._last_arrival_s)
            self._last_arrival_s = arrival_s
        self._number += 1
        heapq.heappush(self._under_way, (arrival_s, self._number, packet))
        if quality.duplication and chance() < quality.duplication:
            self.counts.duplicated_packets += 1
            self._number += 1
            heapq.heappush(self._under_way, (arrival_s, self._number, packet))

    def _is_lost(self) -> bool:
        loss, mean_burst = self.quality.loss, self.quality.loss_burst_packets
        if loss <= 0:
            return False
        if mean_burst <= 1:
            return self._random.random() < loss
        leaves = 1 / mean_burst
        enters = loss * leaves / (1 - loss)
        chance = self._random.random()
        self._in_burst = chance >= leaves if self._in_burst else chance < enters
        return self._in_burst


@attrs.frozen(kw_only=True)
class Rebinding:
    """The network gives the client another outside address, as a router does that forgets it, or
    another network. The old one reaches nobody any more."""

    address: str | None = None
    """None keeps it."""
    port_shift: int = 0
    """By how much ports differ from the client's own from now on."""


@attrs.frozen(kw_only=True)
class LinkChange:
    """Something that happens to a link at a time.

    Attributes:
        after_s: from when the script begins.
        to_client, to_server: what that direction is like from now on; None leaves it.
        cut_s: for how long nothing gets through ...
        cut_ways: ... in these directions.
        rebinding: the client's outside address changes.
    """

    after_s: float = 0.0
    to_client: LinkQuality | None = None
    to_server: LinkQuality | None = None
    cut_s: float = 0.0
    cut_ways: tuple[Way, ...] = tuple(Way)
    rebinding: Rebinding | None = None

    @classmethod
    def both_ways(cls, quality: LinkQuality, after_s: float = 0.0) -> LinkChange:
        """Both directions become like this."""
        return cls(after_s=after_s, to_client=quality, to_server=quality)


def wandering_rate(
    quality: LinkQuality, seed: int, *, seconds: float, every_s: float, times: float
) -> list[LinkChange]:
    """A script of a rate that goes up and down by chance, as that of a mobile phone.

    Args:
        quality: in the middle.
        seed: of the chance.
        seconds: how long the script is.
        every_s: how often the rate changes.
        times: at most so many times faster or slower than in the middle.
    """
    chance = random.Random(seed)
    place = 0.0
    changes = []
    for step in range(1, int(seconds / every_s) + 1):
        place = max(-1.0, min(1.0, place + chance.uniform(-0.5, 0.5)))
        rate = quality.bytes_per_s * times**place
        changes.append(
            LinkChange.both_ways(attrs.evolve(quality, bytes_per_s=rate), step * every_s)
        )
    return changes


@attrs.define
class TwoWayLink(Generic[PacketT]):
    """Both directions, and what is going to happen to them."""

    ways: dict[Way, Direction[PacketT]]
    rebinding: Rebinding = attrs.field(factory=Rebinding)
    rebindings: int = 0
    _script: list[tuple[float, int, LinkChange]] = attrs.field(factory=list, init=False)
    _number: int = attrs.field(default=0, init=False)

    @classmethod
    def of(cls, quality: LinkQuality, seed: int) -> TwoWayLink[PacketT]:
        """The same in both directions."""
        return cls({way: Direction(quality, seed + place) for place, way in enumerate(Way)})

    def follow(self, script: Sequence[LinkChange], now_s: float) -> None:
        """Let these things happen, counted from now."""
        for change in script:
            self._number += 1
            heapq.heappush(self._script, (now_s + change.after_s, self._number, change))
        self.advance(now_s)

    def advance(self, now_s: float) -> None:
        """What is due happens."""
        while self._script and self._script[0][0] <= now_s:
            at_s, _, change = heapq.heappop(self._script)
            for way, quality in (
                (Way.TO_CLIENT, change.to_client),
                (Way.TO_SERVER, change.to_server),
            ):
                if quality is not None:
                    self.ways[way].quality = quality
            if change.cut_s:
                for way in change.cut_ways:
                    self.ways[way].cut(at_s + change.cut_s)
            if change.rebinding is not None:
                self.rebinding = change.rebinding
                self.rebindings += 1

    def next_due_s(self) -> float | None:
        """When to look again."""
        times = [way.next_due_s() for way in self.ways.values()]
        if self._script:
            times.append(self._script[0][0])
        return min((at_s for at_s in times if at_s is not None), default=None)

    def counts(self) -> dict[str, dict[str, float]]:
        """Of both directions since they were last reset."""
        return {way.value: self.ways[way].counts.as_numbers() for way in Way}

    def reset_counts(self) -> None:
        """Count from nothing."""
        for direction in self.ways.values():
            direction.counts = WayCounts()
