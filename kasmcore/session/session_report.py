"""How the session's viewers are served, for the operator."""

from __future__ import annotations

import numpy as np
import trio

from kasmcore.session.session import Session
from kasmcore.session.viewer import Viewer
from kasmcore.stats.report import SessionReport, ShownFrame, ViewerReport


def report_of(session: Session) -> SessionReport:
    """Report on all viewers as they are now."""
    now_s = trio.current_time()
    percentiles = {f"p{percent}": session.timeline.percentiles_ms(percent) for percent in _PERCENTS}
    return SessionReport(
        viewers=tuple(_viewer_report(viewer, now_s) for viewer in session.viewers),
        stages_ms={name: stages for name, stages in percentiles.items() if stages},
    )


_PERCENTS = (50, 95, 99)


def _viewer_report(viewer: Viewer, now_s: float) -> ViewerReport:
    counters, pacer = viewer.counters, viewer.pacer
    return ViewerReport(
        viewer=viewer.info,
        connected_at_s=viewer.connected_at_s,
        frames=counters.frames,
        payload_bytes=counters.payload_bytes,
        skipped_frames=counters.skipped_frames,
        failed_frames=counters.failed_frames,
        frames_in_flight=pacer.in_flight,
        round_trip_s=pacer.round_trip_s,
        queue_s=pacer.queue_s,
        bytes_per_s=pacer.bytes_per_s,
        recent=viewer.limits.recent(now_s),
        total=viewer.limits.total(),
        newest=_shown_frame(viewer, now_s),
    )


def _shown_frame(viewer: Viewer, now_s: float) -> ShownFrame | None:
    if viewer.newest_shown is None:
        return None
    sent, timeline, shown_s = viewer.newest_shown
    return ShownFrame(
        serial=sent.serial,
        age_s=now_s - shown_s,
        size=sent.picture.grid.size,
        changed_share=float(np.count_nonzero(sent.tiles) / sent.tiles.size),
        timeline=timeline,
        shares=sent.shares,
    )
