"""Programs that talk over a made link in made time: what they do to it is a unit test.

Nothing waits: ``Simulation.run`` goes from one event to the next. ``Simulation.play`` does the same
by trio's clock, for code that asks it for the time; under a ``MockClock`` it takes no longer.
"""

from __future__ import annotations

from typing import Protocol

import attrs
import trio

from tests.links.model import LinkQuality, TwoWayLink, Way

UDP_HEADERS_BYTES = 28
"""IPv4 and UDP, on every datagram."""
_TICK_S = 1e-6


class Program(Protocol):
    """One end of a conversation, without a socket and a clock of its own."""

    def receive(self, datagram: bytes, sender: str, now_s: float) -> None:
        """A datagram arrives."""

    def due_s(self) -> float | None:
        """When to wake it."""

    def wake(self, now_s: float) -> None:
        """Its time has come."""

    def outgoing(self, now_s: float) -> list[bytes]:
        """Datagrams that it wants to send now."""


@attrs.frozen
class _Packet:
    conversation: int
    sender: str
    datagram: bytes


@attrs.define
class Simulation:
    """Conversations between two places, over one link.

    Args:
        quality: of both directions, at the start.
        seed: of all chance.
    """

    quality: LinkQuality
    seed: int = 1
    now_s: float = attrs.field(default=0.0, init=False)
    link: TwoWayLink[_Packet] = attrs.field(init=False)
    _ends: list[dict[Way, Program]] = attrs.field(factory=list, init=False)

    def __attrs_post_init__(self) -> None:
        self.link = TwoWayLink.of(self.quality, self.seed)

    def add(self, server: Program, client: Program) -> None:
        """Two programs begin to talk; each gets what the link carries its way."""
        self._ends.append({Way.TO_SERVER: server, Way.TO_CLIENT: client})
        for way in Way:
            self._send(len(self._ends) - 1, way)

    def run(self, seconds: float) -> None:
        """Let so much time pass."""
        end_s = self.now_s + seconds
        while (due_s := self._next_due_s()) <= end_s:
            self._step(due_s)
        self.now_s = end_s

    async def play(self, seconds: float) -> None:
        """Let so much time of trio's clock pass."""
        end_s = self.now_s + seconds
        ahead_s = trio.current_time() - self.now_s
        while (due_s := self._next_due_s()) <= end_s:
            await trio.sleep_until(due_s + ahead_s)
            self._step(due_s)
        await trio.sleep_until(end_s + ahead_s)
        self.now_s = end_s

    def _next_due_s(self) -> float:
        times = [end.due_s() for ends in self._ends for end in ends.values()]
        due = [at_s for at_s in (*times, self.link.next_due_s()) if at_s is not None]
        # Some programs ask for this very moment until the clock has gone on.
        return max(self.now_s + _TICK_S, min(due, default=float("inf")))

    def _step(self, now_s: float) -> None:
        self.now_s = now_s
        self.link.advance(now_s)
        touched: dict[tuple[int, Way], None] = {}
        for way, direction in self.link.ways.items():
            for packet in direction.due(now_s):
                end = self._ends[packet.conversation][way]
                end.receive(packet.datagram, packet.sender, now_s)
                touched[packet.conversation, way] = None
        for number, ends in enumerate(self._ends):
            for way, end in ends.items():
                due_s = end.due_s()
                if due_s is not None and due_s <= now_s:
                    end.wake(now_s)
                    touched[number, way] = None
        for number, way in touched:
            self._send(number, way)

    def _send(self, conversation: int, own_way: Way) -> None:
        """Send what the program wants to send that gets what goes ``own_way``."""
        is_client = own_way is Way.TO_CLIENT
        way = Way.TO_SERVER if is_client else Way.TO_CLIENT
        sender = f"client-{self.link.rebindings}" if is_client else "server"
        for datagram in self._ends[conversation][own_way].outgoing(self.now_s):
            packet = _Packet(conversation, sender, datagram)
            size_bytes = len(datagram) + UDP_HEADERS_BYTES
            self.link.ways[way].take(packet, size_bytes, self.now_s, "udp")
