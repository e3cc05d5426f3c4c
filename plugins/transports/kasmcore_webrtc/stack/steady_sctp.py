"""aiortc's SCTP on paths that lose packets."""

from __future__ import annotations

import aiortc.rtcsctptransport as sctp

RETRANSMISSION_LEAST_S = 0.4
RETRANSMISSION_FIRST_S = 1.0


def make_steady() -> None:
    """Retransmit after what browsers wait (RFC 9260 says 1 s: a key press would hang for it)."""
    sctp.SCTP_RTO_MIN = RETRANSMISSION_LEAST_S  # type: ignore[assignment]  # a whole number there
    sctp.SCTP_RTO_INITIAL = RETRANSMISSION_FIRST_S
