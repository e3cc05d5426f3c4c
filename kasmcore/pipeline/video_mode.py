"""KasmVNC's image video mode: when much of the screen moves for long, pictures get small.

It is for viewers without a video stream. How much moves is taken over time, not over frames: a
second without a frame is a second of rest.
"""

from __future__ import annotations

import collections
import math

import attrs

from kasmcore.pipeline.scaling import ScalingAlgorithm
from kasmcore.values.geometry import Size

_SLOT_S = 0.1
"""The share of the screen that changed is noted for each tenth of a second."""
_FRAMES_A_SLOT = 2
"""A slot is long enough for so many frames, so that slow frame rates leave none empty."""
_NEVER_S = -1e9


@attrs.frozen(kw_only=True)
class VideoModeRules:
    """When image video mode begins and ends, and what pictures are like in it."""

    enter_s: float
    """Time over which the moving share of the screen is averaged; 0: always in video mode."""
    area_share: float
    """Above this mean share of the screen it begins."""
    exit_s: float
    """It ends when the mean has not been above that share for so long."""
    largest: Size
    """A larger framebuffer is sent smaller, and stretched by the viewer."""
    algorithm: ScalingAlgorithm
    quality_of_codec: dict[str, int | None]
    """Quality of each lossy codec, 0 to 99; None: as good as the link carries."""
    lowest_quality_of_codec: dict[str, int]
    """The lowest that a slow link makes of None."""
    is_logged: bool = False
    """True: the operator wants to read how much moves."""


@attrs.define
class VideoMode:
    """Watches how much of one screen moves.

    Args:
        rules: thresholds.
        frame_interval_s: shortest time between two frames.
    """

    rules: VideoModeRules
    frame_interval_s: float
    _slots: collections.deque[tuple[int, float]] = attrs.field(
        factory=collections.deque, init=False
    )
    _sum: float = attrs.field(default=0.0, init=False)
    _qualified_s: float = attrs.field(default=_NEVER_S, init=False)

    @property
    def _slot_s(self) -> float:
        return max(_SLOT_S, _FRAMES_A_SLOT * self.frame_interval_s)

    @property
    def _window_slots(self) -> int:
        return max(1, math.ceil(self.rules.enter_s / self._slot_s))

    def note(self, changed_share: float, now_s: float) -> None:
        """A frame came in which this share (0 to 1) of the screen had changed."""
        if self._qualified_s > _NEVER_S and not self.is_on(now_s):
            self._forget()
        slot = int(now_s / self._slot_s)
        self._drop_before(slot - self._window_slots + 1)
        if self._slots and self._slots[-1][0] == slot:
            changed_share = max(changed_share, self._slots[-1][1])
            self._sum -= self._slots.pop()[1]
        self._slots.append((slot, changed_share))
        self._sum += changed_share
        if self._sum > self.rules.area_share * self._window_slots:
            self._qualified_s = now_s

    def moving_share(self, now_s: float) -> float:
        """Mean share of the screen that changed, over the time before ``now_s``."""
        self._drop_before(int(now_s / self._slot_s) - self._window_slots + 1)
        return self._sum / self._window_slots

    def is_on(self, now_s: float) -> bool:
        """True while pictures are to be small."""
        return self.rules.enter_s <= 0 or now_s < self._qualified_s + self.rules.exit_s

    def ends_at_s(self, now_s: float) -> float | None:
        """When it will end if nothing moves; None when it is off, or always on."""
        if self.rules.enter_s <= 0 or not self.is_on(now_s):
            return None
        return self._qualified_s + self.rules.exit_s

    def _forget(self) -> None:
        self._slots.clear()
        self._sum = 0.0
        self._qualified_s = _NEVER_S

    def _drop_before(self, slot: int) -> None:
        while self._slots and self._slots[0][0] < slot:
            self._sum -= self._slots.popleft()[1]
        if not self._slots:
            self._sum = 0.0
