"""From captured to visible: the DLP filters paint over what must not be seen."""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from kasmcore.interfaces.dlp import DlpFilter
from kasmcore.values.frames import CapturedFrame, VisibleFrame
from kasmcore.values.geometry import Rectangle


@attrs.define(eq=False)
class FrameMasks:
    """Turns captured frames into visible ones; the only maker of ``VisibleFrame`` in a session.

    Without filters no pixel is copied.
    """

    filters: Sequence[DlpFilter]
    _previous: VisibleFrame | None = attrs.field(default=None, init=False)

    def apply(self, frame: CapturedFrame) -> VisibleFrame:
        """Mask one frame; frames must come in order, each once."""
        if not self.filters:
            return _visible(frame, frame)
        previous = self._previous
        if previous is None or previous.size != frame.size:
            pixels = frame.pixels.copy()
            changed: tuple[Rectangle, ...] = (Rectangle.of_size(frame.size),)
        else:
            pixels, changed = previous.pixels.copy(), frame.hints
            for part in changed:
                pixels[part.rows, part.columns] = frame.pixels[part.rows, part.columns]
        for dlp_filter in self.filters:
            dlp_filter.filter_frame(pixels, changed)
        self._previous = _visible(frame, attrs.evolve(frame, pixels=pixels))
        return self._previous


def _visible(frame: CapturedFrame, masked: CapturedFrame) -> VisibleFrame:
    return VisibleFrame(
        serial=frame.serial,
        pixels=masked.pixels,
        hints=frame.hints,
        changed_at_s=frame.changed_at_s,
        captured_at_s=frame.captured_at_s,
        moves=frame.moves,
    )
