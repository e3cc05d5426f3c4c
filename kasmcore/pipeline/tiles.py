"""The grid of tiles over a framebuffer: damage, history and pending regions are masks on it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

import attrs
import numpy as np
from numpy.typing import NDArray

from kasmcore.kernels import CompiledMask
from kasmcore.values.geometry import Rectangle, Size

TILE = 16
"""Side of a tile in pixels: JPEG's largest coding unit, and small enough for one glyph."""

TileMask = Annotated[NDArray[np.bool_], "(tile rows, tile columns)"]
TileCounts = Annotated[NDArray[np.uint32], "(tile rows, tile columns)"]
TileFloats = Annotated[NDArray[np.float64], "(tile rows, tile columns)"]

_MAXIMUM_RECTANGLES = 64


@attrs.frozen
class TileGrid:
    """The tiles of a framebuffer of this size; those at the right and bottom edge may be cut."""

    size: Size

    @property
    def rows(self) -> int:
        """Number of tile rows."""
        return -(-self.size.height // TILE)

    @property
    def columns(self) -> int:
        """Number of tile columns."""
        return -(-self.size.width // TILE)

    @property
    def shape(self) -> tuple[int, int]:
        """Shape of every mask on this grid."""
        return (self.rows, self.columns)

    def empty_mask(self) -> TileMask:
        """No tile."""
        return np.zeros(self.shape, np.bool_)

    def full_mask(self) -> TileMask:
        """Every tile."""
        return np.ones(self.shape, np.bool_)

    def mask_of(self, rectangles: Iterable[Rectangle]) -> TileMask:
        """Every tile that one of the rectangles (in pixels) touches."""
        mask = self.empty_mask()
        for rectangle in rectangles:
            tiles = self.tiles_of(rectangle)
            mask[tiles.rows, tiles.columns] = True
        return mask

    def tiles_of(self, rectangle: Rectangle) -> Rectangle:
        """The tiles that a rectangle of pixels touches, counted in tiles."""
        inside = rectangle.intersection(Rectangle.of_size(self.size))
        return Rectangle.from_edges(
            inside.x // TILE,
            inside.y // TILE,
            -(-inside.right // TILE) if inside.width else inside.x // TILE,
            -(-inside.bottom // TILE) if inside.height else inside.y // TILE,
        )

    def tiles_inside(self, rectangle: Rectangle) -> Rectangle:
        """The tiles that lie wholly in a rectangle of pixels, counted in tiles."""
        inside = rectangle.intersection(Rectangle.of_size(self.size))
        right = self.columns if inside.right == self.size.width else inside.right // TILE
        bottom = self.rows if inside.bottom == self.size.height else inside.bottom // TILE
        return Rectangle.from_edges(-(-inside.x // TILE), -(-inside.y // TILE), right, bottom)

    def pixels_of(self, tiles: Rectangle) -> Rectangle:
        """The pixels of a rectangle counted in tiles, cut at the framebuffer's edges."""
        return Rectangle.from_edges(
            tiles.x * TILE,
            tiles.y * TILE,
            min(tiles.right * TILE, self.size.width),
            min(tiles.bottom * TILE, self.size.height),
        )

    def rectangles_of(self, mask: TileMask) -> tuple[Rectangle, ...]:
        """Disjoint rectangles of pixels that cover just the mask; a few more tiles when ragged.

        A mask that falls into more than 64 rectangles is made coarser until it does not.
        """
        step = 1
        while True:
            covered = mask if step == 1 else _coarser(mask, step)
            found = rectangles_in(covered)
            if len(found) <= _MAXIMUM_RECTANGLES or step >= max(self.shape):
                return tuple(self.pixels_of(tiles) for tiles in found)
            step *= 2


def _coarser(mask: TileMask, step: int) -> TileMask:
    """Every block of step x step tiles becomes wholly true if one of its tiles is."""
    rows, columns = mask.shape
    padded = np.zeros((-(-rows // step) * step, -(-columns // step) * step), np.bool_)
    padded[:rows, :columns] = mask
    blocks = padded.reshape(padded.shape[0] // step, step, padded.shape[1] // step, step)
    coarse = blocks.any(axis=(1, 3))
    return np.repeat(np.repeat(coarse, step, axis=0), step, axis=1)[:rows, :columns]


def rectangles_in(mask: TileMask) -> list[Rectangle]:
    """Cut a mask into disjoint rectangles, counted in tiles.

    They are the runs of each row, joined with equal runs above.
    """
    compiled = CompiledMask.of(mask)
    if compiled is not None:
        return compiled.rectangles()
    differs = (mask[1:] != mask[:-1]).any(axis=1)
    tops = [0, *(np.flatnonzero(differs) + 1).tolist()]
    finished: list[Rectangle] = []
    open_runs: dict[tuple[int, int], int] = {}  # (left, right) -> top row
    for top in tops:
        runs = {run: open_runs.pop(run, top) for run in runs_of(mask[top])}
        finished += [_run(run, first, top) for run, first in open_runs.items()]
        open_runs = runs
    finished += [_run(run, first, mask.shape[0]) for run, first in open_runs.items()]
    return finished


def runs_of(row: NDArray[np.bool_], bridging: int = 0) -> list[tuple[int, int]]:
    """(first, last + 1) of every run of true cells, over gaps of so many."""
    cells = np.flatnonzero(row)
    if not cells.size:
        return []
    breaks = np.flatnonzero(np.diff(cells) > 1 + bridging)
    firsts = cells[np.concatenate(([0], breaks + 1))]
    lasts = cells[np.concatenate((breaks, [cells.size - 1]))]
    return list(zip(firsts.tolist(), (lasts + 1).tolist(), strict=True))


def bounds_of(mask: TileMask) -> Rectangle:
    """The smallest rectangle, counted in tiles, that holds the mask; empty when there is none."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not rows.size:
        return Rectangle(0, 0, 0, 0)
    return Rectangle.from_edges(
        int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1
    )


def _run(run: tuple[int, int], top: int, bottom: int) -> Rectangle:
    return Rectangle.from_edges(run[0], top, run[1], bottom)
