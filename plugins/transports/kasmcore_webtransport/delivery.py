"""How fast what was sent is delivered, from which packets are acknowledged when."""

from __future__ import annotations

import attrs

_SHORTEST_S = 0.001


@attrs.frozen
class RateSample:
    """What one acknowledged packet tells."""

    bytes_per_s: float
    is_limited: bool
    """The sender had too little: the path may carry more."""


@attrs.frozen
class _Sent:
    packet_bytes: int
    sent_s: float
    delivered: int
    """Bytes that were delivered when it left."""
    delivered_s: float
    """When the last of them were."""
    first_sent_s: float
    """When the packet left whose acknowledgement came last then."""
    is_limited: bool


@attrs.define(eq=False)
class DeliveryRate:
    """Samples of the rate, each over about one round trip.

    As in the IETF draft on delivery rate estimation: bytes acknowledged between a packet's leaving
    and its acknowledgement, over the longer of the times in which they left and arrived. So heaps
    of acknowledgements do not look like a fast path.
    """

    delivered: int = attrs.field(default=0, init=False)
    """Bytes acknowledged so far."""
    _delivered_s: float = attrs.field(default=0.0, init=False)
    _first_sent_s: float = attrs.field(default=0.0, init=False)
    _limited_until: int = attrs.field(default=0, init=False)
    _sent: dict[int, _Sent] = attrs.field(factory=dict, init=False)

    def sent(self, number: int, packet_bytes: int, now_s: float, *, is_first: bool) -> None:
        """A packet leaves.

        Args:
            number: names it; may be any number that no packet in flight has.
            packet_bytes: its size.
            now_s: when.
            is_first: nothing else is in flight.
        """
        if is_first:
            self._delivered_s = self._first_sent_s = now_s
        self._sent[number] = _Sent(
            packet_bytes,
            now_s,
            self.delivered,
            self._delivered_s,
            self._first_sent_s,
            self.delivered < self._limited_until,
        )

    def acked(self, number: int, now_s: float) -> RateSample | None:
        """A packet has arrived; None when that tells nothing."""
        packet = self._sent.pop(number, None)
        if packet is None:
            return None
        self.delivered += packet.packet_bytes
        self._delivered_s = now_s
        self._first_sent_s = packet.sent_s
        took_s = max(packet.sent_s - packet.first_sent_s, now_s - packet.delivered_s, _SHORTEST_S)
        return RateSample((self.delivered - packet.delivered) / took_s, packet.is_limited)

    def packet_bytes(self, number: int) -> int:
        """Size of a packet in flight; 0 for none."""
        packet = self._sent.get(number)
        return 0 if packet is None else packet.packet_bytes

    def forget(self, number: int) -> int:
        """Return the size of a packet that is no longer in flight; 0 for none."""
        packet = self._sent.pop(number, None)
        return 0 if packet is None else packet.packet_bytes

    def limit(self, bytes_in_flight: int) -> None:
        """All that is in flight, and leaves before it has arrived, is limited by the sender."""
        self._limited_until = self.delivered + max(bytes_in_flight, 1)

    def restart(self, now_s: float) -> None:
        """Let what is in flight tell nothing: the path was interrupted meanwhile."""
        self._delivered_s = self._first_sent_s = now_s
        self._sent = {
            number: attrs.evolve(packet, is_limited=True, delivered=self.delivered)
            for number, packet in self._sent.items()
        }
