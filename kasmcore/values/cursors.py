"""The pointer's image."""

from __future__ import annotations

import attrs


@attrs.frozen
class CursorImage:
    """The cursor as the display draws it; width and height 0 mean that it is hidden."""

    width: int
    height: int
    hotspot_x: int
    hotspot_y: int
    rgba: bytes
    """width * height * 4 bytes, RGBA, not premultiplied, rows from top to bottom."""


HIDDEN_CURSOR = CursorImage(width=0, height=0, hotspot_x=0, hotspot_y=0, rgba=b"")
