"""What an operator's monitoring reads: counts since the start, as plain values and as text."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import attrs


def _metric(kind: str, help_text: str) -> int:
    field: int = attrs.field(default=0, metadata={"kind": kind, "help": help_text})
    return field


@attrs.frozen(kw_only=True)
class CodecMetrics:
    """What one encoder has done since the session started; ``codec`` becomes a label."""

    codec: str
    codec_rectangles_total: int = _metric("counter", "Images, or packets of streams, encoded.")
    codec_pixels_total: int = _metric("counter", "Pixels encoded.")
    codec_bytes_total: int = _metric(
        "counter", "Bytes that came of it; sharing viewers count once."
    )
    codec_encode_microseconds_total: int = _metric("counter", "Time spent, in all threads.")
    codec_encoder_faults_total: int = _metric(
        "counter", "Rectangles that an encoder failed at, so that another took its place."
    )
    codec_viewers_without_total: int = _metric(
        "counter", "Viewers that could not show it after all and get others."
    )
    codec_usable: int = _metric("gauge", "0 once the encoder has failed too often.")


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
        "gauge",
        "How long what arrives waits for the event loop, 99th percentile of the last busy seconds.",
    )
    policy_refusals_total: int = _metric("counter", "What DLP filters refused.")
    codecs: tuple[CodecMetrics, ...] = ()
    """One for each encoder in use, whether it has encoded anything or not."""


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
    lines: list[str] = []
    for group in groups:
        lines += _lines({"": group})
        if isinstance(group, SessionMetrics):
            labelled = {f'{{codec="{_escaped(codec.codec)}"}}': codec for codec in group.codecs}
            lines += _lines(labelled)
    return "\n".join(lines) + "\n"


def _lines(groups: Mapping[str, SessionMetrics | AccessMetrics | CodecMetrics]) -> Iterator[str]:
    """The metrics of groups of one class, each by its labels."""
    for group in list(groups.values())[:1]:
        for field in attrs.fields(type(group)):
            if "kind" in field.metadata:
                name = f"kasmcore_{field.name}"
                yield f"# HELP {name} {field.metadata['help']}"
                yield f"# TYPE {name} {field.metadata['kind']}"
                for labels, each in groups.items():
                    yield f"{name}{labels} {getattr(each, field.name)}"


def _escaped(label: str) -> str:
    return label.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
