"""aiortc's SCTP on paths that lose packets."""

from __future__ import annotations

import time
from typing import Any

import aiortc.rtcpeerconnection
import aiortc.rtcsctptransport as sctp

from kasmcore_webrtc.stack.steady_window import SteadyWindow

RETRANSMISSION_LEAST_S = 0.2
"""RFC 9260 says 1 s, browsers 0.4: a frame would hang for it."""
RETRANSMISSION_FIRST_S = 1.0
ANSWER_AT_ONCE = 0x08
"""RFC 7053: the peer must not delay its acknowledgement of this chunk."""


class SteadySctpTransport(sctp.RTCSctpTransport):
    """Takes its window from SteadyWindow: its own falls to a third at one lost packet in 100.

    Overrides what aiortc 1.14 to 1.16 keep for themselves; tests notice when that changes.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        self._steady = SteadyWindow()
        self._delivered_bytes = 0
        self._lost_bytes = 0
        self._newest_sent_s = 0.0
        super().__init__(*arguments, **options)

    @property
    def _cwnd(self) -> int:
        return self._steady.window_bytes

    @_cwnd.setter
    def _cwnd(self, _value: int) -> None:
        """Ignored: what the base class makes of a loss."""

    def _flight_size_decrease(self, chunk: sctp.DataChunk) -> None:
        if chunk._in_flight and (chunk._abandoned or chunk._retransmit):
            self._lost_bytes += chunk._book_size
        elif chunk._in_flight:
            self._delivered_bytes += chunk._book_size
            if chunk._sent_count == 1 and chunk._sent_time is not None:
                self._newest_sent_s = max(self._newest_sent_s, chunk._sent_time)
        super()._flight_size_decrease(chunk)

    def _flight_size_increase(self, chunk: sctp.DataChunk) -> None:
        if chunk._sent_count:
            chunk._sent_time = time.time()  # the base class keeps the first time
        elif not (self._outbound_queue or self._data_channel_queue):
            chunk.flags |= ANSWER_AT_ONCE
        super()._flight_size_increase(chunk)

    def _t3_expired(self) -> None:
        """Send again what is missing, and not what arrived behind it as the base class does."""
        super()._t3_expired()
        for chunk in self._sent_queue:
            if chunk._acked:
                chunk._retransmit = False

    def _update_rto(self, R: float) -> None:  # noqa: N803 - the base class's name
        """Ignored: behind a lost packet the base class takes the wait for it for the path's."""

    async def _receive_sack_chunk(self, chunk: sctp.SackChunk) -> None:
        under_way_bytes, came_s = self._flight_size, time.time()
        if chunk.gaps:
            self._spare_sent_again(came_s)
        await super()._receive_sack_chunk(chunk)
        now_s = time.monotonic()
        if self._newest_sent_s:
            round_trip_s = max(0.0, came_s - self._newest_sent_s)
            super()._update_rto(round_trip_s)
            self._steady.measured(now_s, round_trip_s)
        self._steady.acknowledged(now_s, self._delivered_bytes, self._lost_bytes, under_way_bytes)
        self._delivered_bytes = self._lost_bytes = 0
        self._newest_sent_s = 0.0

    def _spare_sent_again(self, now_s: float) -> None:
        """What was sent again cannot have been answered yet: others that arrive prove nothing."""
        round_trip_s = self._srtt or self._rto
        for chunk in self._sent_queue:
            if chunk._sent_count > 1 and now_s - (chunk._sent_time or 0.0) < round_trip_s:
                chunk._misses = 0


def make_steady() -> None:
    """Have aiortc use it."""
    sctp.SCTP_RTO_MIN = RETRANSMISSION_LEAST_S  # type: ignore[assignment]  # a whole number there
    sctp.SCTP_RTO_INITIAL = RETRANSMISSION_FIRST_S
    setattr(aiortc.rtcpeerconnection, "RTCSctpTransport", SteadySctpTransport)  # noqa: B010
