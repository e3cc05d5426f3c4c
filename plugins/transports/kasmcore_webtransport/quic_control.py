"""Our congestion control in aioquic's clothes."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from aioquic.quic.congestion.base import QuicCongestionControl, register_congestion_control

from kasmcore_webtransport.congestion import RateControl

if TYPE_CHECKING:
    from aioquic.quic.connection import QuicConnection
    from aioquic.quic.packet_builder import QuicSentPacket
    from aioquic.quic.recovery import QuicPacketRecovery

NAME = "kasmcore"
"""By which aioquic's configuration asks for it."""


class RatePacer:
    """Stands in for aioquic's pacer, which knows no rate but window by round trip."""

    def __init__(self, control: RateControl) -> None:
        self._control = control
        self._taken_bytes = 0
        self._builds_one_from: int | None = None

    @contextlib.contextmanager
    def for_one_packet(self) -> Iterator[None]:
        """Let aioquic build no more than one packet meanwhile."""
        self._builds_one_from = self._taken_bytes
        try:
            yield
        finally:
            self._builds_one_from = None

    def next_send_time(self, now: float) -> float | None:
        """When the next packet may be built; None for now."""
        if self._builds_one_from is not None and self._taken_bytes > self._builds_one_from:
            return now
        return self._control.may_send_at(now, self._taken_bytes)

    def update_after_send(self, now: float) -> None:  # noqa: ARG002 - aioquic's
        """A packet was built; it counts as full until it is known how large it is."""
        self._taken_bytes += self._control.packet_bytes

    def update_rate(self, congestion_window: int, smoothed_rtt: float) -> None:
        """Nothing: the rate is not made from these."""

    def settle(self) -> None:
        """All packets that were built have been sent."""
        self._taken_bytes = 0


class RateCongestionControl(QuicCongestionControl):
    """Hands aioquic's calls to a RateControl."""

    def __init__(self, *, max_datagram_size: int) -> None:
        self.control = RateControl(max_datagram_size)
        self.pacer = RatePacer(self.control)
        self._recovery: QuicPacketRecovery | None = None

    @property
    def congestion_window(self) -> int:  # type: ignore[override]  # aioquic only reads it
        """Most bytes in flight."""
        return self.control.window_bytes

    @property
    def bytes_in_flight(self) -> int:  # type: ignore[override]  # aioquic only reads it
        """Bytes in flight."""
        return self.control.bytes_in_flight

    def take_over(self, quic: QuicConnection) -> None:
        """Pace the connection too, and take round trips less the delay of acknowledgements."""
        self._recovery = quic._loss
        quic._loss._pacer = self.pacer  # type: ignore[assignment]

    def on_packet_sent(self, *, packet: QuicSentPacket) -> None:
        """Pass on."""
        if packet.sent_time is not None:  # aioquic sets it just before
            self.control.sent(packet.packet_number, packet.sent_bytes, packet.sent_time)

    def on_packet_acked(self, *, now: float, packet: QuicSentPacket) -> None:
        """Pass on."""
        self.control.acked(packet.packet_number, now)

    def on_packets_expired(self, *, packets: Iterable[QuicSentPacket]) -> None:
        """Pass on."""
        for packet in packets:
            self.control.forgotten(packet.packet_number)

    def on_packets_lost(self, *, now: float, packets: Iterable[QuicSentPacket]) -> None:
        """Pass on."""
        for packet in packets:
            self.control.lost(packet.packet_number, now)

    def on_persistent_congestion(self) -> None:
        """An interruption says nothing about the rate that the path has without it."""

    def on_rtt_measurement(self, *, now: float, rtt: float) -> None:
        """Pass on."""
        if self._recovery is not None:
            rtt = min(rtt, self._recovery._rtt_latest)
        self.control.round_trip(rtt, now)


register_congestion_control(NAME, RateCongestionControl)
