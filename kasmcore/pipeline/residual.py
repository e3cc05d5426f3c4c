"""What a frame's copies leave to be sent."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from kasmcore.pipeline.copies import Copy
from kasmcore.pipeline.pixel_words import FramePair
from kasmcore.pipeline.tiles import TILE, TileGrid, TileMask
from kasmcore.values.geometry import Rectangle


def residual_of(frames: FramePair, changed: TileMask, copies: Sequence[Copy]) -> TileMask:
    """Changed tiles that true copies leave different from the frame after."""
    grid, residual = TileGrid(frames.size), changed.copy()
    for copy in copies:
        inner = grid.tiles_inside(copy.rectangle)
        residual[inner.rows, inner.columns] = False
    for copy in copies:
        outer, inner = grid.tiles_of(copy.rectangle), grid.tiles_inside(copy.rectangle)
        for edge in outer.without(inner):
            if residual[edge.rows, edge.columns].any():
                residual[edge.rows, edge.columns] &= _differs_outside(frames, grid, edge, copies)
    return residual


def _differs_outside(
    frames: FramePair, grid: TileGrid, tiles: Rectangle, copies: Sequence[Copy]
) -> TileMask:
    """Of these tiles those with a pixel that changed and that no copy brings."""
    area = grid.pixels_of(tiles)
    if frames.compiled is not None:
        return frames.compiled.differing_outside(area, [copy.rectangle for copy in copies])
    before, after = frames.pixels(area)
    differs = before != after
    for copy in copies:
        brought = copy.rectangle.intersection(area)
        if not brought.is_empty():
            inside = brought.moved(-area.x, -area.y)
            differs[inside.rows, inside.columns] = False
    rows, columns = np.arange(0, area.height, TILE), np.arange(0, area.width, TILE)
    by_row = np.logical_or.reduceat(differs, rows, axis=0)
    mask: TileMask = np.logical_or.reduceat(by_row, columns, axis=1)
    return mask
