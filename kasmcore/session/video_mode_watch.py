"""KasmVNC's image video mode for one display: when it is on, and the operator's log of it."""

from __future__ import annotations

import logging

import attrs
import numpy as np

from kasmcore.pipeline.tiles import TileMask
from kasmcore.pipeline.video_mode import VideoMode, VideoModeRules

_LOG = logging.getLogger(__name__)

_LOG_EVERY_S = 1.0


@attrs.define(eq=False)
class VideoModeWatch:
    """Follows how much of the screen moves.

    Args:
        rules: the operator's thresholds.
        frame_interval_s: shortest time between two frames.
    """

    rules: VideoModeRules
    frame_interval_s: float
    _mode: VideoMode = attrs.field(init=False)
    _was_on: bool = attrs.field(default=False, init=False)
    _logged_s: float = attrs.field(default=-1e9, init=False)

    def __attrs_post_init__(self) -> None:
        self._mode = VideoMode(self.rules, self.frame_interval_s)
        self._was_on = self._mode.is_on(0.0)

    def note_changed(self, changed: TileMask, now_s: float) -> None:
        """A frame came in which these tiles have to be sent."""
        self._mode.note(np.count_nonzero(changed) / changed.size, now_s)
        if self.rules.is_logged:
            self._log(now_s)

    def is_on(self, now_s: float) -> bool:
        """True while viewers without a video stream are to get small images."""
        return self._mode.is_on(now_s)

    def ends_at_s(self, now_s: float) -> float:
        """When it will end if nothing moves; infinity when it is off, or always on."""
        ends_s = self._mode.ends_at_s(now_s)
        return float("inf") if ends_s is None else ends_s

    def _log(self, now_s: float) -> None:
        percent = round(100 * self._mode.moving_share(now_s))
        is_on = self._mode.is_on(now_s)
        if is_on != self._was_on:
            self._was_on = is_on
            _LOG.info(
                "video mode is %s: %d%% of the screen moves", "on" if is_on else "off", percent
            )
        elif now_s - self._logged_s >= _LOG_EVERY_S:
            _LOG.info("%d%% of the screen moves", percent)
        else:
            return
        self._logged_s = now_s
