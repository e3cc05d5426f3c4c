"""What one viewer sees, tile by tile, and so what it still lacks."""

from __future__ import annotations

import attrs
import numpy as np
from numpy.typing import NDArray

from kasmcore.pipeline.history import ChangeHistory
from kasmcore.pipeline.tiles import TileGrid, TileMask

EXACT = 100


@attrs.define
class ViewerPicture:
    """The picture at one viewer.

    ``pending`` tiles changed since they were last sent; the others were sent at ``quality``
    (100 is exact). Its size never grows, however long the viewer takes nothing.
    """

    grid: TileGrid
    pending: TileMask = attrs.field(init=False)
    quality: NDArray[np.uint8] = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self.pending = self.grid.full_mask()
        self.quality = np.zeros(self.grid.shape, np.uint8)

    def add_changed(self, changed: TileMask) -> None:
        """These tiles have new content."""
        self.pending |= changed

    def take(self, quality_sent: NDArray[np.uint8]) -> None:
        """A frame was handed to the link: tiles above 0 were sent, at that quality."""
        sent = quality_sent > 0
        self.pending &= ~sent
        self.quality[sent] = quality_sent[sent]

    def give_back(self, tiles: TileMask) -> None:
        """These tiles were sent but not shown."""
        self.pending |= tiles
        self.quality[tiles] = 0

    def is_current(self) -> bool:
        """True when nothing is pending."""
        return not self.pending.any()

    def blurred(self) -> TileMask:
        """Tiles that were sent, but not exactly."""
        mask: TileMask = (self.quality < EXACT) & ~self.pending
        return mask

    def refinable(self, history: ChangeHistory, now_s: float, rest_s: float) -> TileMask:
        """Tiles that were not sent exactly and have been at rest so long."""
        return self.blurred() & history.resting(now_s, rest_s)

    def next_refinement_s(self, history: ChangeHistory, rest_s: float) -> float | None:
        """When the next tile will be at rest; None when all is exact."""
        blurred = self.blurred()
        if not blurred.any():
            return None
        return float(history.last_changed_s[blurred].min()) + rest_s
