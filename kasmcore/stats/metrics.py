"""What an operator's monitoring reads: counts since the start, as plain values and as text."""

from __future__ import annotations

from collections.abc import Callable

import attrs


def _metric(kind: str, help_text: str) -> int:
    field: int = attrs.field(default=0, metadata={"kind": kind, "help": help_text})
    return field


@attrs.frozen(kw_only=True)
class SessionMetrics:
    """How the session has been doing since it started; attribute names are the metrics' names."""

    viewers: int = _metric("gauge", "Viewers connected now.")
    captured_frames_total: int = _metric("counter", "Frames captured.")
    sent_frames_total: int = _metric("counter", "Frames sent, counted for each viewer.")
    skipped_frames_total: int = _metric("counter", "Frames that a newer one replaced unsent.")
    sent_bytes_total: int = _metric("counter", "Bytes of encoded pixels sent to all viewers.")
    encode_microseconds_total: int = _metric("counter", "Time spent encoding, in all threads.")
    video_streams: int = _metric("gauge", "Video streams encoded now; viewers share them.")
    video_packets_total: int = _metric("counter", "Pictures encoded for video streams.")
    event_loop_lag_p99_microseconds: int = _metric(
        "gauge", "How late the server's event loop woke for a frame's turn, 99th percentile."
    )
    policy_refusals_total: int = _metric("counter", "What DLP filters refused.")


@attrs.frozen(kw_only=True)
class AccessMetrics:
    """How the server's doors have been doing since it started."""

    connections: int = _metric("gauge", "TCP connections open now.")
    http_requests_total: int = _metric("counter", "HTTP requests answered.")
    refused_logins_total: int = _metric("counter", "Logins with wrong credentials.")


MetricsSource = Callable[[], SessionMetrics]
"""Gives the session's counts of now; called for each reading, must not block."""


def prometheus_text(*groups: SessionMetrics | AccessMetrics) -> str:
    """Return the counts in Prometheus' text format 0.0.4."""
    lines = []
    for group in groups:
        for field in attrs.fields(type(group)):
            name = f"kasmcore_{field.name}"
            lines.append(f"# HELP {name} {field.metadata['help']}")
            lines.append(f"# TYPE {name} {field.metadata['kind']}")
            lines.append(f"{name} {getattr(group, field.name)}")
    return "\n".join(lines) + "\n"
