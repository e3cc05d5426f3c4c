"""What kind of pixels there are: text and line art, or a picture."""

from __future__ import annotations

import enum
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from kasmcore.kernels import Surface
from kasmcore.pipeline.tiles import (
    TILE,
    TileCounts,
    TileFloats,
    TileGrid,
    TileMask,
    bounds_of,
    rectangles_in,
)
from kasmcore.values.geometry import Rectangle
from kasmcore.values.pixels import BgrxPixels

_FLAT_TEXT = 0.33
"""Share of equal neighbours above which a tile counts as text or line art."""
_FLAT_ANYWAY = 0.75
"""Above this share it does so, whatever the others are like."""
_FLAT_TEXT_ALONE, _FLAT_ANYWAY_ALONE = 0.2, 0.6
"""The same for a rectangle without its neighbourhood."""
_FAINT_STEPS = 0.7
"""Share of the unequal neighbours that differ little above which it is a picture: a sky."""
_FAINT = 8
"""Greatest difference in green that is little."""
_ROW_STEP = 8
_NEIGHBOURHOOD = 4
"""Tiles on each side of a block that is judged as one."""


class Content(enum.Enum):
    """Kind of pixels."""

    TEXT = "text"
    PICTURE = "picture"


def picture_tiles(pixels: BgrxPixels, grid: TileGrid, within: TileMask) -> TileMask:
    """Tiles of the mask that hold a picture; the others hold text or line art.

    Text has many pixels that equal their right neighbour, and the others differ much from it;
    photographs have few of the first, or shades that differ little. A block of 4 x 4 tiles is
    judged as one, by those of its tiles that are in the mask, so that edges inside a photograph or
    an icon beside text do not split it.
    """
    picture = grid.empty_mask()
    region = _whole_blocks(bounds_of(within), grid)
    if region.is_empty():
        return picture
    place = region.rows, region.columns
    inside = within[place]
    flatness, faintness = _flatness_and_faintness(pixels, grid, region, inside)
    picture[place] = _judge_blocks(flatness, faintness, inside) & inside
    return picture


def is_picture(pixels: BgrxPixels) -> bool:
    """Judge a rectangle of any size by itself; in doubt, as with a few rows of text, it is none."""
    part = np.ascontiguousarray(pixels[:: max(1, pixels.shape[0] // _ROW_STEP)])
    equal, faint = _equal_and_faint(part)
    if not equal.size:
        return False
    flat_share, faint_share = float(equal.mean()), float(faint.mean())
    is_shaded = faint_share > _FAINT_STEPS * (1 - flat_share) and flat_share < _FLAT_ANYWAY_ALONE
    return flat_share < _FLAT_TEXT_ALONE or is_shaded


def _whole_blocks(tiles: Rectangle, grid: TileGrid) -> Rectangle:
    """The blocks that some tiles lie in, in tiles; whole, so that each is judged alike always."""
    step = _NEIGHBOURHOOD
    return Rectangle.from_edges(
        tiles.x // step * step,
        tiles.y // step * step,
        min(-(-tiles.right // step) * step, grid.columns),
        min(-(-tiles.bottom // step) * step, grid.rows),
    )


def _blocks_with_any(inside: TileMask) -> Iterator[Rectangle]:
    """Blocks that have a tile of the mask, as rectangles counted in tiles."""
    step = _NEIGHBOURHOOD
    height, width = inside.shape
    rows, columns = (np.arange(0, length, step) for length in inside.shape)
    by_row = np.logical_or.reduceat(inside, rows, axis=0)
    for blocks in rectangles_in(np.logical_or.reduceat(by_row, columns, axis=1)):
        yield Rectangle.from_edges(
            blocks.x * step,
            blocks.y * step,
            min(blocks.right * step, width),
            min(blocks.bottom * step, height),
        )


def _flatness_and_faintness(
    pixels: BgrxPixels, grid: TileGrid, region: Rectangle, inside: TileMask
) -> tuple[TileFloats, TileFloats]:
    """Share of pixels that equal their right neighbour, and of those that differ little, per tile.

    From a few rows of each block with a tile inside; 0 in the others.
    """
    compiled = Surface.of(pixels)
    equal, faint = np.zeros((2, *inside.shape), np.uint32)
    for tiles in _blocks_with_any(inside):
        area, at = grid.pixels_of(tiles.moved(region.x, region.y)), (tiles.rows, tiles.columns)
        if compiled is not None:
            equal[at], faint[at] = compiled.neighbours(area, _ROW_STEP, _FAINT)
        else:
            equal[at], faint[at] = _neighbours(pixels, area)
    area = grid.pixels_of(region)
    counted_columns = np.full(region.width, float(TILE))
    counted_columns[-1] = area.width - (region.width - 1) * TILE
    lines = -(-area.height // _ROW_STEP)
    counted_rows = np.add.reduceat(np.ones(lines), np.arange(0, lines, TILE // _ROW_STEP))
    counted = counted_rows[:, None] * counted_columns[None, :]
    return equal / counted, faint / counted


def _neighbours(pixels: BgrxPixels, area: Rectangle) -> tuple[TileCounts, TileCounts]:
    """Pixels per tile that equal their right neighbour, and that differ little from it."""
    part = np.ascontiguousarray(pixels[area.y : area.bottom : _ROW_STEP, area.columns])
    lines = part.shape[0]
    equal = np.zeros((lines, -(-area.width // TILE) * TILE), np.bool_)
    faint = np.zeros_like(equal)
    known = slice(0, area.width - 1)
    equal[:, known], faint[:, known] = _equal_and_faint(part)
    row_starts = np.arange(0, lines, TILE // _ROW_STEP)
    equals, faints = (
        np.add.reduceat(_sums_of_16(flags), row_starts, axis=0, dtype=np.uint32)
        for flags in (equal, faint)
    )
    return equals, faints


def _equal_and_faint(pixels: BgrxPixels) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Which pixels equal their right neighbour, and which differ little from it."""
    words = pixels.view(np.uint32)[..., 0] & np.uint32(0x00FFFFFF)
    green = pixels[..., 1]
    equal = words[:, 1:] == words[:, :-1]
    step = green[:, 1:] - green[:, :-1] + np.uint8(_FAINT)  # bytes: -8 to 8 become 0 to 16
    faint = (step <= 2 * _FAINT) & ~equal
    return equal, faint


def _sums_of_16(flags: NDArray[np.bool_]) -> NDArray[np.uint64]:
    """Count the true cells of every 16 in a row: eight bytes are added by one multiplication."""
    eights = (flags.view(np.uint64) * np.uint64(0x0101010101010101)) >> np.uint64(56)
    sums: NDArray[np.uint64] = eights[:, ::2] + eights[:, 1::2]
    return sums


def _judge_blocks(flatness: TileFloats, faintness: TileFloats, inside: TileMask) -> TileMask:
    """True where the block that a tile belongs to holds a picture."""
    rows, columns = flatness.shape
    row_starts = np.arange(0, rows, _NEIGHBOURHOOD)
    column_starts = np.arange(0, columns, _NEIGHBOURHOOD)

    def block_sums(values: TileFloats) -> TileFloats:
        summed = np.add.reduceat(values, row_starts, axis=0)
        return np.asarray(np.add.reduceat(summed, column_starts, axis=1))

    counted = block_sums(inside.astype(np.float64))
    flat = block_sums(np.where(inside, flatness, 0.0))
    faint = block_sums(np.where(inside, faintness, 0.0))
    is_shaded = (faint > _FAINT_STEPS * (counted - flat)) & (flat < _FLAT_ANYWAY * counted)
    judged_blocks = (flat < _FLAT_TEXT * counted) | is_shaded
    spread = np.repeat(np.repeat(judged_blocks, _NEIGHBOURHOOD, 0), _NEIGHBOURHOOD, 1)
    judged: TileMask = spread[:rows, :columns]
    return judged
