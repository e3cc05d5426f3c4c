"""Where a frame's time goes: one duration per stage, and their percentiles."""

from __future__ import annotations

import collections
from collections.abc import Mapping

import attrs

STAGES = ("capture", "damage", "plan", "encode", "send", "network", "decode", "present")
"""In the order in which a frame passes them; the durations of one frame add up to its latency.

``plan`` includes the wait for the viewer's credit, ``network`` the way there and the
acknowledgement's way back.
"""

_MEMORY_FRAMES = 600


@attrs.frozen
class FrameTimeline:
    """Durations of one frame at one viewer in seconds, by stage in the order of STAGES."""

    durations_s: tuple[float, ...]
    payload_bytes: int

    @property
    def latency_s(self) -> float:
        """From the change on the display until shown."""
        return sum(self.durations_s)


@attrs.define
class TimelineStatistics:
    """The last frames of a session."""

    _frames: collections.deque[FrameTimeline] = attrs.field(
        factory=lambda: collections.deque(maxlen=_MEMORY_FRAMES), init=False
    )

    def add(self, timeline: FrameTimeline) -> None:
        """Note a frame that was shown."""
        self._frames.append(timeline)

    def __len__(self) -> int:
        return len(self._frames)

    def percentiles_ms(self, percent: float) -> Mapping[str, float]:
        """One percentile of every stage, and of the whole latency as ``total``; empty if no frame.

        Percentiles of stages do not add up to that of the total: the slow frames differ.
        """
        if not self._frames:
            return {}
        by_stage = {
            stage: percentile([frame.durations_s[i] for frame in self._frames], percent) * 1000
            for i, stage in enumerate(STAGES)
        }
        total = percentile([frame.latency_s for frame in self._frames], percent) * 1000
        return {**by_stage, "total": total}


def percentile(values: list[float], percent: float) -> float:
    """The value that so many percent of the values do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]
