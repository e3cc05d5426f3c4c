"""Where in its tiles a video region really moves, so that what is round it stays exact.

A video seldom begins on the border of a tile. Its stream shows the very rectangle that moves;
tiles at its edges hold some of it and some of what is round it.
"""

from __future__ import annotations

from collections.abc import Iterator

import attrs
import numpy as np
from numpy.typing import NDArray

from kasmcore.pipeline.tiles import TILE, TileGrid, TileMask
from kasmcore.pipeline.video_regions import VideoRegion
from kasmcore.values.geometry import Rectangle
from kasmcore.values.pixels import BgrxPixels

_LOOKS = 3
"""Frames after which the edges are believed, ..."""
_CLEAR_SHARE = 0.5
"""... or one, if so many of the pixels along each edge changed in it."""
_GROW_AFTER = 6
"""Frames with motion between rectangle and tiles' border, out of so many times four."""


@attrs.define
class _Edges:
    """One region: how far inside the border of its tiles it begins on each side."""

    number: int
    top: int = TILE
    bottom: int = TILE
    left: int = TILE
    right: int = TILE
    looks: int = 0
    frames: int = 0
    frames_outside: int = 0

    @property
    def are_those_of_tiles(self) -> bool:
        """Nothing can be outside."""
        return self.is_settled and self.top == self.bottom == self.left == self.right == 0

    @property
    def is_settled(self) -> bool:
        return self.looks >= _LOOKS

    def settle(self) -> None:
        """An edge where nothing was seen to move is the tiles'."""
        self.top, self.bottom, self.left, self.right = (
            side % TILE for side in (self.top, self.bottom, self.left, self.right)
        )

    def inside(self, area: Rectangle) -> Rectangle:
        """The rectangle that moves."""
        return Rectangle.from_edges(
            area.x + self.left,
            area.y + self.top,
            area.right - self.right,
            area.bottom - self.bottom,
        )


@attrs.define
class RegionBounds:
    """Follows the edges of all regions of a display.

    Args:
        numbers: where the numbers of regions come from, whose edges are found to be others.
    """

    numbers: Iterator[int]
    _edges: dict[int, _Edges] = attrs.field(factory=dict, init=False)
    _before: BgrxPixels | None = attrs.field(default=None, init=False)

    def follow(
        self, regions: tuple[VideoRegion, ...], grid: TileGrid, pixels: BgrxPixels
    ) -> tuple[tuple[VideoRegion, ...], TileMask]:
        """Give each region the rectangle that moves; call it for every frame.

        Returns: the regions whose edges are known, and the tiles at their edges in which
            something else has changed since the frame before.
        """
        self._edges = {
            region.number: self._edges.get(region.number, _Edges(region.number))
            for region in regions
        }
        before, self._before = self._before, pixels if regions else None
        exposed = grid.empty_mask()
        known = []
        for region in regions:
            edges = self._edges[region.number]
            if not edges.are_those_of_tiles and before is not None and before.shape == pixels.shape:
                self._look(edges, region, before, pixels)
                if edges.is_settled:
                    exposed |= _changed_outside(edges, region, grid, before, pixels)
            if edges.is_settled:
                rectangle = edges.inside(region.rectangle)
                known.append(attrs.evolve(region, number=edges.number, rectangle=rectangle))
        return tuple(known), exposed

    def _look(
        self, edges: _Edges, region: VideoRegion, before: BgrxPixels, now: BgrxPixels
    ) -> None:
        """Learn how far the motion of this frame reaches."""
        seen = _insets(region.rectangle, before, now)
        found = [
            min(side, inset)
            for side, inset in zip(
                (edges.top, edges.bottom, edges.left, edges.right), seen, strict=True
            )
        ]
        if not edges.is_settled:
            edges.top, edges.bottom, edges.left, edges.right = found
            if any(inset < TILE for inset in seen):
                rectangle = edges.inside(region.rectangle)
                is_clear = max(found) < TILE and _are_clear(rectangle, before, now)
                edges.looks += _LOOKS if is_clear else 1
            if edges.is_settled:
                edges.settle()
            return
        edges.frames += 1
        edges.frames_outside += found != [edges.top, edges.bottom, edges.left, edges.right]
        if edges.frames_outside >= _GROW_AFTER:
            edges.top, edges.bottom, edges.left, edges.right = found
            edges.number = next(self.numbers)
        if edges.frames_outside >= _GROW_AFTER or edges.frames >= 4 * _GROW_AFTER:
            edges.frames = edges.frames_outside = 0


def _insets(area: Rectangle, before: BgrxPixels, now: BgrxPixels) -> tuple[int, int, int, int]:
    """How far inside an area its motion begins at top, bottom, left and right; 16: not near."""
    rows, columns = min(TILE, area.height), min(TILE, area.width)
    top = Rectangle(area.x, area.y, area.width, rows)
    bottom = Rectangle(area.x, area.bottom - rows, area.width, rows)
    left = Rectangle(area.x, area.y, columns, area.height)
    right = Rectangle(area.right - columns, area.y, columns, area.height)
    return (
        _first(_differing(top, before, now), 1),
        _first(_differing(bottom, before, now)[::-1], 1),
        _first(_differing(left, before, now), 0),
        _first(_differing(right, before, now)[:, ::-1], 0),
    )


def _are_clear(area: Rectangle, before: BgrxPixels, now: BgrxPixels) -> bool:
    """Along every edge of an area most pixels changed."""
    lines = (
        Rectangle(area.x, area.y, area.width, 1),
        Rectangle(area.x, area.bottom - 1, area.width, 1),
        Rectangle(area.x, area.y, 1, area.height),
        Rectangle(area.right - 1, area.y, 1, area.height),
    )
    return not area.is_empty() and all(
        _differing(line, before, now).mean() >= _CLEAR_SHARE for line in lines
    )


def _changed_outside(
    edges: _Edges, region: VideoRegion, grid: TileGrid, before: BgrxPixels, now: BgrxPixels
) -> TileMask:
    """Tiles of a region that changed between its rectangle and their border."""
    mask = grid.empty_mask()
    area = region.rectangle
    for strip in area.without(edges.inside(area)):
        rows, columns = np.nonzero(_differing(strip, before, now))
        mask[(rows + strip.y) // TILE, (columns + strip.x) // TILE] = True
    return mask


def _differing(area: Rectangle, before: BgrxPixels, now: BgrxPixels) -> NDArray[np.bool_]:
    """Per pixel of an area."""
    first, second = (
        pixels[area.rows, area.columns].view(np.uint32)[..., 0] for pixels in (before, now)
    )
    differing: NDArray[np.bool_] = first != second
    return differing


def _first(flags: NDArray[np.bool_], axis: int) -> int:
    """The first row (axis 1) or column (0) with a flag; 16 when there is none."""
    found = np.logical_or.reduce(flags, axis=axis)
    return int(found.argmax()) if found.any() else TILE


def edge_tiles(area: Rectangle, grid: TileGrid) -> TileMask:
    """Tiles that a rectangle covers in part."""
    mask = grid.mask_of([area])
    inner = grid.tiles_inside(area)
    if not inner.is_empty():
        mask[inner.rows, inner.columns] = False
    return mask
