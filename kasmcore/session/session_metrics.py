"""The session's counts, for the operator."""

from __future__ import annotations

from kasmcore.session.session import Session
from kasmcore.stats.metrics import SessionMetrics


def metrics_of(session: Session) -> SessionMetrics:
    """Count what the session has done so far."""
    totals = session.viewers.totals()
    return SessionMetrics(
        viewers=len(session.viewers),
        captured_frames_total=session.frames.captured_frames,
        sent_frames_total=totals.frames,
        skipped_frames_total=totals.skipped_frames,
        sent_bytes_total=totals.payload_bytes,
        encode_microseconds_total=round(session.pool.encode_seconds * 1e6),
        video_streams=session.streams.running,
        video_packets_total=session.streams.total_packets(),
        event_loop_lag_p99_microseconds=round(session.frames.loop_lag.percentile_s(99) * 1e6),
        policy_refusals_total=session.refusals,
    )
