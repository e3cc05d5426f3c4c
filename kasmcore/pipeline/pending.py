"""What one viewer sees, tile by tile, and so what it still lacks."""

from __future__ import annotations

from collections.abc import Sequence

import attrs
import numpy as np
from numpy.typing import NDArray

from kasmcore.pipeline.copies import Copy, FrameChange
from kasmcore.pipeline.history import ChangeHistory
from kasmcore.pipeline.tiles import TILE, TileGrid, TileMask
from kasmcore.values.geometry import Rectangle

EXACT = 100
MOST_COPIES = 24
"""So many wait for a viewer that takes no frame; more are not worth the viewer's time."""
FEWEST_TILES = 4
"""A copy that saves fewer tiles costs more than it saves."""


@attrs.define
class ViewerPicture:
    """The picture at one viewer.

    After the queued copies, ``pending`` tiles may differ from the newest frame; the others show
    it as it was sent, at ``quality`` (100 is exact). Its size never grows beyond a limit, however
    long the viewer takes nothing.
    """

    grid: TileGrid
    pending: TileMask = attrs.field(init=False)
    quality: NDArray[np.uint8] = attrs.field(init=False)
    copies_taken: int = attrs.field(default=0, init=False)
    """How many copies were taken to be sent so far."""
    _copies: list[Copy] = attrs.field(factory=list, init=False)
    _is_one_change: bool = attrs.field(default=False, init=False)
    """All that is pending, and all copies, come from one change of a current picture."""

    def __attrs_post_init__(self) -> None:
        self.pending = self.grid.full_mask()
        self.quality = np.zeros(self.grid.shape, np.uint8)

    def add_changed(self, changed: TileMask) -> None:
        """These tiles have new content."""
        self.pending |= changed
        self._is_one_change = False

    def add_change(self, change: FrameChange) -> None:
        """A new frame exists; the viewer can carry out copies."""
        was_current = self.is_current()
        for copy in change.copies:
            self._add_copy(copy, change.changed)
        self.pending |= change.residual
        self._is_one_change = was_current and bool(self._copies)

    def brought(self) -> tuple[Rectangle, ...]:
        """What the queued copies make right, to the pixel, whatever tiles are pending.

        Nothing when the viewer skipped a frame: what it lacks is known by the tile then.
        """
        if not self._is_one_change:
            return ()
        return tuple(copy.rectangle for copy in self._copies)

    def take_copies(self) -> tuple[Copy, ...]:
        """Return the copies to send ahead of all that is pending, and forget them."""
        taken, self._copies = tuple(self._copies), []
        self.copies_taken += len(taken)
        return taken

    def take(self, quality_sent: NDArray[np.uint8], brought: Sequence[Rectangle] = ()) -> None:
        """A frame was handed to the link.

        Args:
            quality_sent: tiles above 0 were sent, at that quality.
            brought: pixels that copies had made right; they were not sent and are as good as the
                copies left them.
        """
        sent = quality_sent > 0
        partly = sent & self.grid.mask_of(brought)
        self.pending &= ~sent
        before = self.quality[partly]
        self.quality[sent] = quality_sent[sent]
        self.quality[partly] = np.minimum(self.quality[partly], before)

    def give_back(self, tiles: TileMask, copies_before: int) -> None:
        """A frame with these tiles was sent but not shown.

        Args:
            tiles: what it covered.
            copies_before: ``copies_taken`` before it was planned. What was copied in the frame or
                since may be stale too, and what was copied from there: then all is pending.
        """
        if self._copies or self.copies_taken > copies_before:
            tiles = self.grid.full_mask()
            self._copies.clear()
        self.pending |= tiles
        self.quality[tiles] = 0

    def is_current(self) -> bool:
        """True when nothing is pending and nothing waits to be copied."""
        return not self._copies and not self.pending.any()

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

    def _add_copy(self, copy: Copy, changed: TileMask) -> None:
        """Queue a copy, unless its source is too stale to save anything."""
        tiles = self.grid.tiles_of(copy.rectangle)
        place = tiles.rows, tiles.columns
        pending, quality = self._after(copy, tiles)
        saved = ~pending & changed[place] & self._is_covered(copy.rectangle)
        if np.count_nonzero(saved) < FEWEST_TILES:
            self.pending[place] |= changed[place]
            return
        if len(self._copies) == MOST_COPIES:
            self.pending |= self.grid.mask_of(queued.rectangle for queued in self._copies)
            self._copies.clear()
            self._add_copy(copy, changed)
            return
        self._copies.append(copy)
        self.pending[place] = pending
        self.quality[place] = quality

    def _after(self, copy: Copy, tiles: Rectangle) -> tuple[TileMask, NDArray[np.uint8]]:
        """Pending and quality of the tiles that a copy touches, once it is carried out.

        A tile takes the worst of the tiles that feed it, and of itself where some of it stays.
        """
        place = tiles.rows, tiles.columns
        stays = ~self._is_covered(copy.rectangle)
        pending, quality = self.pending[place] & stays, self.quality[place].copy()
        quality[~stays] = EXACT
        rows = _feeding(copy.rectangle.y, copy.rectangle.bottom, copy.dy)
        columns = _feeding(copy.rectangle.x, copy.rectangle.right, copy.dx)
        for row in rows:
            for column in columns:
                feeding = np.ix_(row, column)
                pending |= self.pending[feeding]
                np.minimum(quality, self.quality[feeding], out=quality)
        return pending, quality

    def _is_covered(self, rectangle: Rectangle) -> TileMask:
        """Of the tiles that a rectangle touches those that lie wholly inside it."""
        size = self.grid.size
        rows = _covered(rectangle.y, rectangle.bottom, size.height)
        columns = _covered(rectangle.x, rectangle.right, size.width)
        covered: TileMask = rows[:, None] & columns[None, :]
        return covered


def _feeding(start: int, end: int, moved: int) -> list[NDArray[np.int64]]:
    """Along one axis, for every tile from start to end: first and last tile that feed it."""
    tops = np.arange(start // TILE, -(-end // TILE)) * TILE
    first = (np.maximum(tops, start) - moved) // TILE
    last = (np.minimum(tops + TILE, end) - moved - 1) // TILE
    return [first] if (first == last).all() else [first, last]


def _covered(start: int, end: int, limit: int) -> NDArray[np.bool_]:
    """Along one axis: which of the tiles from start to end are wholly inside."""
    tops = np.arange(start // TILE, -(-end // TILE)) * TILE
    covered: NDArray[np.bool_] = (tops >= start) & (np.minimum(tops + TILE, limit) <= end)
    return covered
