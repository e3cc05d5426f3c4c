"""Once a second, while frames flow: tell each viewer how it is served."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable

import attrs
import trio

from kasmcore.session.viewer import Viewer
from kasmcore.values.viewer_updates import ViewerStatistics

_PERIOD_S = 1.0


@attrs.define(eq=False)
class StatisticsFlow:
    """Counts what each viewer got since the last time. Silent while nothing is sent."""

    viewers: Callable[[], Iterable[Viewer]]
    _last: dict[int, tuple[int, int]] = attrs.field(factory=dict, init=False)

    async def run(self) -> None:
        """Run until cancelled; asleep between rounds that found nothing, without any traffic."""
        while True:
            await trio.sleep(_PERIOD_S)
            present = list(self.viewers())
            self._last = {v.info.viewer_id: self._tell(v, len(present)) for v in present}

    def _tell(self, viewer: Viewer, viewers: int) -> tuple[int, int]:
        counters = viewer.counters
        now = (counters.frames, counters.payload_bytes)
        frames, payload_bytes = self._last.get(viewer.info.viewer_id, (0, 0))
        if now[0] != frames:
            viewer.outbox.put(
                ViewerStatistics(
                    frames_per_s=(now[0] - frames) / _PERIOD_S,
                    bytes_per_s=(now[1] - payload_bytes) / _PERIOD_S,
                    round_trip_ms=viewer.pacer.round_trip_s * 1000,
                    encode_ms=statistics.median(counters.encode_s) * 1000,
                    skipped_frames=counters.skipped_frames,
                    viewers=viewers,
                )
            )
        return now
