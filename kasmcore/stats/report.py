"""How the viewers are served, for the operator: what the server's web API tells."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import attrs

from kasmcore.stats.codec_counts import CodecShare
from kasmcore.stats.limits import LimitShares
from kasmcore.stats.timeline import FrameTimeline
from kasmcore.values.geometry import Size
from kasmcore.values.permissions import ViewerInfo


@attrs.frozen(kw_only=True)
class ShownFrame:
    """The newest frame that a viewer has shown."""

    serial: int
    """Counts this viewer's frames from 1."""
    age_s: float
    """How long ago it was shown."""
    size: Size
    """Of the framebuffer."""
    changed_share: float
    """Of the framebuffer, 0 to 1."""
    timeline: FrameTimeline
    shares: tuple[CodecShare, ...]


@attrs.frozen(kw_only=True)
class ViewerReport:
    """How one viewer is served."""

    viewer: ViewerInfo
    connected_at_s: float
    """Unix time."""
    frames: int
    payload_bytes: int
    skipped_frames: int
    failed_frames: int
    frames_in_flight: int
    round_trip_s: float
    queue_s: float
    """How long the newest frame waited in the network for those before it."""
    bytes_per_s: float
    """What the link carries, as far as is known."""
    recent: LimitShares
    total: LimitShares
    newest: ShownFrame | None = None
    """None until a frame was shown."""


@attrs.frozen(kw_only=True)
class SessionReport:
    """How all viewers are served."""

    viewers: tuple[ViewerReport, ...] = ()
    stages_ms: Mapping[str, Mapping[str, float]] = attrs.field(factory=dict)
    """By ``p50``, ``p95``, ``p99``: how long frames took in each stage; empty without frames."""


ReportSource = Callable[[], SessionReport]
"""Gives the session's report of now; called for each reading, must not block."""
