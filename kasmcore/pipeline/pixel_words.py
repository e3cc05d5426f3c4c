"""Two frames as machine words, to compare whole pixels, or two at once, instead of bytes."""

from __future__ import annotations

import attrs
import numpy as np
from numpy.typing import NDArray

from kasmcore.kernels import SurfacePair
from kasmcore.pipeline.tiles import TILE, TileGrid, TileMask
from kasmcore.values.geometry import Rectangle, Size
from kasmcore.values.pixels import BgrxPixels

_BAND_TILES = 4
"""Rows of tiles compared at a time, so that the result stays in the processor's cache."""
_PIXEL_BYTES = 4
_WHOLE_ROWS_SHARE = 1 / 3
"""From this share of a row on, comparing whole rows in one run is quicker than a part of each."""

Words = NDArray[np.unsignedinteger]


@attrs.frozen(eq=False)
class FramePair:
    """The pixels of two frames of one size: all four bytes of each count."""

    before: BgrxPixels
    after: BgrxPixels
    compiled: SurfacePair | None = attrs.field(init=False)
    """The same for the compiled library, where it can be used."""
    _is_contiguous: bool = attrs.field(init=False)
    _is_even: bool = attrs.field(init=False)
    """Two pixels fit a word: rows and memory allow it."""

    @compiled.default
    def _find_compiled(self) -> SurfacePair | None:
        return SurfacePair.of(self.before, self.after)

    @_is_contiguous.default
    def _find_contiguous(self) -> bool:
        return self.before.flags.c_contiguous and self.after.flags.c_contiguous

    @_is_even.default
    def _find_even(self) -> bool:
        starts = (self.before.ctypes.data, self.after.ctypes.data, 4 * self.after.shape[1])
        return self._is_contiguous and all(start % 8 == 0 for start in starts)

    @property
    def size(self) -> Size:
        """Size of both."""
        return Size(width=self.after.shape[1], height=self.after.shape[0])

    def pixels(self, area: Rectangle, dx: int = 0, dy: int = 0) -> tuple[Words, Words]:
        """What was (dx, dy) up and left of an area, and what is in it now, as (rows, pixels)."""
        return _pixels(self.before, area.moved(-dx, -dy)), _pixels(self.after, area)

    def words(self, area: Rectangle, dx: int = 0, dy: int = 0) -> tuple[Words, Words]:
        """The same in the largest words that the edges allow."""
        if self.word_bytes(area, dx) == _PIXEL_BYTES:
            return self.pixels(area, dx, dy)
        return _double_pixels(self.before, area.moved(-dx, -dy)), _double_pixels(self.after, area)

    def word_bytes(self, area: Rectangle, dx: int = 0) -> int:
        """Size of the largest words that an area's edges allow: one pixel, or two."""
        is_double = self._is_even and not (area.x % 2 or area.width % 2 or dx % 2)
        return 2 * _PIXEL_BYTES if is_double else _PIXEL_BYTES

    def differing_tiles(self, tiles: Rectangle, dx: int = 0, dy: int = 0) -> TileMask:
        """Of these tiles (rows, columns) those that differ from what was (dx, dy) up and left."""
        area = TileGrid(self.size).pixels_of(tiles)
        if self.compiled is not None:
            return self.compiled.differing_tiles(area, dx, dy)
        if self._can_run_over_rows(area, dx, dy):
            rows = self._whole_rows(area, dx, dy)
            return _differing(*rows, self.size.width)[:, tiles.columns]
        return _differing(*self.words(area, dx, dy), area.width)

    def _can_run_over_rows(self, area: Rectangle, dx: int, dy: int) -> bool:
        """Whole rows are one run of memory, also shifted, but at the ends of the framebuffer."""
        is_wide = area.width >= _WHOLE_ROWS_SHARE * self.size.width
        start = (area.y - dy) * self.size.width - dx
        end = start + area.height * self.size.width
        return is_wide and self._is_contiguous and start >= 0 and end <= self.size.area

    def _whole_rows(self, area: Rectangle, dx: int, dy: int) -> tuple[Words, Words]:
        """All columns; those whose source is outside hold pixels of the row above or below."""
        pixels_per_word = 2 if self._is_even and dx % 2 == 0 else 1
        kind: np.dtype[np.unsignedinteger] = np.dtype(f"u{4 * pixels_per_word}")
        shape = (area.height, self.size.width // pixels_per_word)
        start = area.y * shape[1]
        moved = dy * shape[1] + dx // pixels_per_word
        length = shape[0] * shape[1]
        old = self.before.reshape(-1).view(kind)[start - moved : start - moved + length]
        new = self.after.reshape(-1).view(kind)[start : start + length]
        return old.reshape(shape), new.reshape(shape)


def _differing(old: Words, new: Words, width: int) -> TileMask:
    """Tiles that differ, of an area so many pixels wide.

    The result of a comparison is a byte for each word; eight of them are looked at at once.
    """
    height, columns = new.shape
    tile_words = TILE * columns // width
    tile_rows, tile_columns = -(-height // TILE), -(-columns // tile_words)
    flags = np.zeros((_BAND_TILES * TILE, tile_columns * tile_words), np.bool_)
    is_padded = flags.shape[1] != columns
    differs = np.empty((tile_rows, tile_columns), np.bool_)
    for row in range(0, tile_rows, _BAND_TILES):
        band = slice(row * TILE, min(height, (row + _BAND_TILES) * TILE))
        lines = band.stop - band.start
        flags[lines:] = False
        if is_padded:
            flags[:lines, :columns] = old[band] != new[band]
        else:
            np.not_equal(old[band], new[band], out=flags[:lines])
        by_line = flags.view(np.uint64).reshape(_BAND_TILES, TILE, -1)
        by_word = np.bitwise_or.reduce(by_line, axis=1)
        by_tile = by_word.reshape(_BAND_TILES, tile_columns, -1).any(axis=2)
        differs[row : row + _BAND_TILES] = by_tile[: tile_rows - row]
    return differs


def _pixels(frame: BgrxPixels, area: Rectangle) -> Words:
    return frame[area.rows, area.columns].view(np.uint32)[..., 0]


def _double_pixels(frame: BgrxPixels, area: Rectangle) -> Words:
    whole = frame.reshape(frame.shape[0], -1).view(np.uint64)
    return whole[area.rows, area.x // 2 : area.right // 2]
