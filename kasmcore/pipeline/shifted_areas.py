"""Where a shift holds pixel by pixel: rectangles of a frame that are the frame before, moved."""

from __future__ import annotations

from collections.abc import Sequence

import attrs
import numpy as np

from kasmcore.pipeline.pixel_words import FramePair
from kasmcore.pipeline.tiles import TILE, TileGrid, TileMask, bounds_of, rectangles_in
from kasmcore.values.geometry import Rectangle, Size

_MOST_RECTANGLES = 8
"""Of one shift; what is more ragged is not worth it."""


@attrs.frozen
class _Side:
    """A side of a rectangle, by the direction out of it."""

    dx: int
    dy: int

    def extended(self, rectangle: Rectangle, lines: int) -> Rectangle:
        """The rectangle with so many more lines on this side."""
        return Rectangle.from_edges(
            rectangle.x - lines * (self.dx < 0),
            rectangle.y - lines * (self.dy < 0),
            rectangle.right + lines * (self.dx > 0),
            rectangle.bottom + lines * (self.dy > 0),
        )

    def strip_at(self, rectangle: Rectangle, lines: int) -> Rectangle:
        """Those lines alone."""
        extended = self.extended(rectangle, lines)
        return Rectangle.from_edges(
            rectangle.right if self.dx > 0 else extended.x,
            rectangle.bottom if self.dy > 0 else extended.y,
            rectangle.x if self.dx < 0 else extended.right,
            rectangle.y if self.dy < 0 else extended.bottom,
        )


_SIDES = (_Side(0, -1), _Side(0, 1), _Side(-1, 0), _Side(1, 0))


@attrs.frozen
class Shift:
    """A guess: what lies in an area came from (dx, dy) up and left of it."""

    area: Rectangle
    """In pixels."""
    dx: int
    dy: int


def shifted_rectangles(
    frames: FramePair, shift: Shift, changed: TileMask, fewest_tiles: int
) -> list[Rectangle]:
    """The largest rectangles in a shift's area for which it is true, down to single pixels.

    Args:
        frames: before and after.
        shift: what is tried.
        changed: the tiles that there is something to gain at.
        fewest_tiles: changed tiles that a rectangle must hold.

    Returns: disjoint rectangles of the frame after; those that gain most, at most 8.
    """
    grid = TileGrid(frames.size)
    tiles = grid.tiles_inside(shift.area.intersection(_movable(grid.size, shift)))
    if tiles.is_empty():
        return []
    good = ~frames.differing_tiles(tiles, shift.dx, shift.dy)
    gain = good & changed[tiles.rows, tiles.columns]
    kept = [
        found
        for found in _rectangles_with_gain(good, gain, tiles)
        if np.count_nonzero(changed[found.rows, found.columns]) >= fewest_tiles
    ]
    kept.sort(key=lambda found: -np.count_nonzero(changed[found.rows, found.columns]))
    rectangles = [grid.pixels_of(found) for found in kept[:_MOST_RECTANGLES]]
    for index in range(len(rectangles)):
        others = rectangles[:index] + rectangles[index + 1 :]
        rectangles[index] = _grown(frames, rectangles[index], shift, others, changed)
    return rectangles


def _movable(size: Size, shift: Shift) -> Rectangle:
    """The part of a framebuffer that can come from inside it."""
    whole = Rectangle.of_size(size)
    return whole.intersection(whole.moved(shift.dx, shift.dy))


def _rectangles_with_gain(good: TileMask, gain: TileMask, tiles: Rectangle) -> list[Rectangle]:
    """Rectangles of good tiles, no further out than there is a gain; counted in tiles."""
    bounds = bounds_of(gain)
    if bounds.is_empty():
        return []
    found = rectangles_in(good[bounds.rows, bounds.columns])
    return [rectangle.moved(tiles.x + bounds.x, tiles.y + bounds.y) for rectangle in found]


def _grown(
    frames: FramePair,
    rectangle: Rectangle,
    shift: Shift,
    others: Sequence[Rectangle],
    changed: TileMask,
) -> Rectangle:
    """Grow each side by less than a tile into what changed, unless another one is there."""
    grid, limits = TileGrid(frames.size), _movable(frames.size, shift)
    for side in _SIDES:
        strip = side.strip_at(rectangle, TILE - 1).intersection(limits)
        tiles = grid.tiles_of(strip)
        gains = not strip.is_empty() and changed[tiles.rows, tiles.columns].any()
        if gains and not any(strip.overlaps(other) for other in others):
            rectangle = side.extended(rectangle, _lines_that_hold(frames, strip, shift, side))
    return rectangle


def _lines_that_hold(frames: FramePair, strip: Rectangle, shift: Shift, side: _Side) -> int:
    """For how many rows or columns of a strip, from the rectangle outwards, a shift is true."""
    is_backwards = side.dx + side.dy < 0
    if frames.compiled is not None:
        pair = frames.compiled
        equal_lines = pair.equal_rows if side.dy else pair.equal_columns
        return equal_lines(strip, shift.dx, shift.dy, is_backwards=is_backwards)
    old, new = frames.pixels(strip, shift.dx, shift.dy)
    differs = (old != new).any(axis=1 if side.dy else 0)
    if is_backwards:
        differs = differs[::-1]
    return int(differs.argmax()) if differs.any() else differs.size
