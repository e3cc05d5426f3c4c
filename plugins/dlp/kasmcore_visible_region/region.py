"""Paint over what lies outside the visible region, and stop clicks there."""

from __future__ import annotations

from collections.abc import Sequence

from kasmcore.api import (
    BgrxPixels,
    DlpFilter,
    InputEvent,
    PointerButton,
    Rectangle,
    Refusal,
    Size,
    ViewerInfo,
    WheelTurned,
)
from kasmcore_visible_region.borders import RegionBorders, parts_outside

_CLICK_REFUSED = Refusal("click_outside_visible_region", "")


class VisibleRegion(DlpFilter):
    """Black outside the region, whatever size the framebuffer takes.

    The pointer moves freely. A button press or a turn of the wheel outside is dropped unless
    ``allow_click_down``; a release outside unless ``allow_click_release``, so a button that was
    pressed inside stays down until it is released inside. Before the first frame, everything is
    outside.

    Args:
        borders: where the region lies; None when nothing is hidden.
        allow_click_down: let presses outside pass.
        allow_click_release: let releases outside pass.
    """

    def __init__(
        self,
        *,
        borders: RegionBorders | None,
        allow_click_down: bool,
        allow_click_release: bool,
    ) -> None:
        self._borders = borders
        self._allow_click_down = allow_click_down
        self._allow_click_release = allow_click_release
        self._region = Rectangle(0, 0, 0, 0)

    def filter_frame(self, pixels: BgrxPixels, changed: Sequence[Rectangle]) -> None:
        """Paint what changed outside the region black, in place."""
        if self._borders is None:
            return
        height, width = pixels.shape[:2]
        self._region = self._borders.region_in(Size(width, height))
        for rectangle in changed:
            for part in parts_outside(rectangle, self._region):
                pixels[part.rows, part.columns] = 0

    def filter_input(
        self,
        event: InputEvent,
        viewer: ViewerInfo,  # noqa: ARG002 - the same for all viewers
        now_s: float,  # noqa: ARG002 - and at all times
    ) -> InputEvent | Refusal:
        """Drop clicks outside the region as the settings say."""
        if self._borders is None or not isinstance(event, PointerButton | WheelTurned):
            return event
        if self._region.contains(Rectangle(event.x, event.y, 1, 1)):
            return event
        is_release = isinstance(event, PointerButton) and not event.pressed
        allowed = self._allow_click_release if is_release else self._allow_click_down
        return event if allowed else _CLICK_REFUSED
