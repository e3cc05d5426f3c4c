"""aiortc's SCTP on paths that lose packets."""

from __future__ import annotations

import time
from typing import Any

import aiortc.rtcpeerconnection
import aiortc.rtcsctptransport as sctp

from kasmcore_webrtc.stack.steady_window import SteadyWindow

RETRANSMISSION_LEAST_S = 0.4
"""As in browsers. RFC 9260 says 1 s: a key press would hang for it."""
RETRANSMISSION_FIRST_S = 1.0


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

    def _update_rto(self, R: float) -> None:  # noqa: N803 - the base class's name
        """Ignored: behind a lost packet the base class takes the wait for it for the path's."""

    async def _receive_sack_chunk(self, chunk: sctp.SackChunk) -> None:
        under_way_bytes, came_s = self._flight_size, time.time()
        await super()._receive_sack_chunk(chunk)
        now_s = time.monotonic()
        if self._newest_sent_s:
            round_trip_s = max(0.0, came_s - self._newest_sent_s)
            super()._update_rto(round_trip_s)
            self._steady.measured(now_s, round_trip_s)
        self._steady.acknowledged(now_s, self._delivered_bytes, self._lost_bytes, under_way_bytes)
        self._delivered_bytes = self._lost_bytes = 0
        self._newest_sent_s = 0.0


def make_steady() -> None:
    """Have aiortc use it."""
    sctp.SCTP_RTO_MIN = RETRANSMISSION_LEAST_S  # type: ignore[assignment]  # a whole number there
    sctp.SCTP_RTO_INITIAL = RETRANSMISSION_FIRST_S
    setattr(aiortc.rtcpeerconnection, "RTCSctpTransport", SteadySctpTransport)  # noqa: B010
