"""The session's counts, for the operator."""

from __future__ import annotations

from kasmcore.session.session import Session
from kasmcore.stats.metrics import CodecMetrics, SessionMetrics


def metrics_of(session: Session) -> SessionMetrics:
    """Count what the session has done so far."""
    totals = session.viewers.totals()
    return SessionMetrics(
        viewers=len(session.viewers),
        captured_frames_total=session.frames.captured_frames,
        sent_frames_total=totals.frames,
        skipped_frames_total=totals.skipped_frames,
        sent_bytes_total=totals.payload_bytes,
        encode_microseconds_total=_microseconds(session.pool.counts.encode_s),
        video_streams=session.streams.running,
        video_packets_total=session.streams.total_packets(),
        event_loop_lag_p99_microseconds=_microseconds(session.loop_lag.percentile_s(99)),
        policy_refusals_total=session.refusals,
        codecs=tuple(_codec_metrics(session, codec) for codec in _codecs(session)),
    )


def _codecs(session: Session) -> list[str]:
    """Of the encoders in use: no name of a label comes from a viewer."""
    codecs = [spec.codec for spec in session.parts.encoders]
    return codecs + [spec.codec for spec in session.streams.specs if spec.codec not in codecs]


def _codec_metrics(session: Session, codec: str) -> CodecMetrics:
    count = session.pool.counts.of(codec)
    return CodecMetrics(
        codec=codec,
        codec_rectangles_total=count.rectangles,
        codec_pixels_total=count.pixels,
        codec_bytes_total=count.payload_bytes,
        codec_encode_microseconds_total=_microseconds(count.encode_s),
        codec_encoder_faults_total=count.faults,
        codec_viewers_without_total=count.viewers_without,
        codec_usable=int(session.pool.is_usable(codec) and session.streams.is_usable(codec)),
    )


def _microseconds(seconds: float) -> int:
    return round(seconds * 1e6)
