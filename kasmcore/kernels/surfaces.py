"""Frames as the compiled library sees them. Nothing outside their memory is ever asked for."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Annotated, Any

import attrs
import numpy as np
from numpy.typing import NDArray

from kasmcore.kernels.library import LIBRARY
from kasmcore.values.geometry import Rectangle
from kasmcore.values.pixels import BgrxPixels

TILE = 16
"""Side of a tile in pixels, in the library."""
_PIXEL_BYTES = 4

TileFlags = Annotated[NDArray[np.bool_], "(tile rows, tile columns)"]
TileCounts = Annotated[NDArray[np.uint32], "(tile rows, tile columns)"]


@attrs.frozen(eq=False)
class Surface:
    """A frame's memory."""

    pixels: BgrxPixels
    _functions: Any
    _address: int
    _stride: int

    @classmethod
    def of(cls, pixels: BgrxPixels) -> Surface | None:
        """None without a library, or when the pixels of a row do not follow each other."""
        functions = LIBRARY.functions
        follow = pixels.strides[1:] == (_PIXEL_BYTES, 1) and pixels.dtype == np.uint8
        if functions is None or not follow or pixels.shape[2] != _PIXEL_BYTES:
            return None
        return cls(pixels, functions, pixels.ctypes.data, pixels.strides[0])

    def at(self, area: Rectangle) -> tuple[int, int]:
        """Address of an area's first pixel, and the stride.

        Raises: ``ValueError`` when the area is empty or not wholly inside.
        """
        height, width = self.pixels.shape[:2]
        is_inside = area.x >= 0 and area.y >= 0 and area.right <= width and area.bottom <= height
        if area.is_empty() or not is_inside:
            raise ValueError(f"{area} is not inside a frame of {width}x{height}")
        return self._address + area.y * self._stride + area.x * _PIXEL_BYTES, self._stride

    def neighbours(
        self, area: Rectangle, row_step: int, little: int
    ) -> tuple[TileCounts, TileCounts]:
        """Count per tile, on every so-manieth row from the area's first one.

        The area's last pixel of a row has no neighbour.

        Args:
            area: in pixels; tiles begin at its corner.
            row_step: 1 for every row.
            little: greatest difference in green, 0 to 127, that is little.

        Returns: pixels that have their right neighbour's colour, and others that differ little.
        """
        if row_step < 1 or not 0 <= little < 128:
            raise ValueError("row_step is at least 1, little from 0 to 127")
        equal, faint = np.empty((2, *_tiles_shape(area)), np.uint32)
        self._functions.kasmcore_neighbours(
            *self.at(area),
            *(area.width, area.height, row_step, little),
            *(equal.ctypes.data, faint.ctypes.data),
        )
        return equal, faint


@attrs.frozen(eq=False)
class SurfacePair:
    """Two frames of one size, to compare."""

    before: Surface
    after: Surface
    _functions: Any

    @classmethod
    def of(cls, before: BgrxPixels, after: BgrxPixels) -> SurfacePair | None:
        """None without a library, or when the pixels of a row do not follow each other."""
        old, new = Surface.of(before), Surface.of(after)
        return None if old is None or new is None else cls(old, new, LIBRARY.functions)

    def differing_tiles(self, area: Rectangle, dx: int, dy: int) -> TileFlags:
        """Tiles, from the area's corner on, that differ from what was (dx, dy) up and left."""
        differs = np.empty(_tiles_shape(area), np.bool_)
        self._functions.kasmcore_differing_tiles(
            *self._both_at(area, dx, dy), area.width, area.height, differs.ctypes.data
        )
        return differs

    def differing_outside(self, area: Rectangle, others: Sequence[Rectangle]) -> TileFlags:
        """Tiles, from the area's corner on, with a pixel that differs outside these rectangles."""
        edges = np.array(
            [(x.x - area.x, x.y - area.y, x.right - area.x, x.bottom - area.y) for x in others],
            np.int32,
        )
        differs = np.empty(_tiles_shape(area), np.bool_)
        self._functions.kasmcore_differing_outside(
            *self._both_at(area, 0, 0),
            *(area.width, area.height, edges.ctypes.data, len(others), differs.ctypes.data),
        )
        return differs

    def row_hashes(
        self, area: Rectangle, weights: NDArray[np.uint64], word_bytes: int
    ) -> NDArray[np.uint64]:
        """For each row the sum of its words (4 or 8 bytes) times weights, wrapped at their size.

        Returns: (before and after, rows).
        """
        words, rest = divmod(area.width * _PIXEL_BYTES, word_bytes)
        if rest or word_bytes not in (4, 8):
            raise ValueError(f"rows of {area} are no words of {word_bytes} bytes")
        hashes = np.empty((2, area.height), np.uint64)
        weights_at = _address_of(weights, words)
        for surface, row in zip((self.before, self.after), hashes, strict=True):
            self._functions.kasmcore_row_hashes(
                *surface.at(area), words, word_bytes, area.height, weights_at, row.ctypes.data
            )
        return hashes

    def column_hashes(self, area: Rectangle, weights: NDArray[np.uint64]) -> NDArray[np.uint64]:
        """For each column the sum of its pixels times weights, wrapped at 4 bytes."""
        hashes = np.empty((2, area.width), np.uint64)
        weights_at = _address_of(weights, area.height)
        for surface, row in zip((self.before, self.after), hashes, strict=True):
            self._functions.kasmcore_column_hashes(
                *surface.at(area), area.width, area.height, weights_at, row.ctypes.data
            )
        return hashes

    def equal_rows(self, area: Rectangle, dx: int, dy: int, *, is_backwards: bool) -> int:
        """How many rows are what was (dx, dy) up and left, from the first on or the last back."""
        return self._equal_lines(area, dx, dy, (False, is_backwards))

    def equal_columns(self, area: Rectangle, dx: int, dy: int, *, is_backwards: bool) -> int:
        """The same from left to right, or back."""
        return self._equal_lines(area, dx, dy, (True, is_backwards))

    def find_run(self, run: Rectangle, window: Rectangle, most: int) -> list[tuple[int, int]]:
        """Where a row of pixels of the frame before is in a window of the frame after.

        Returns: (x, y) in the window of its first pixel, row by row; the first so many.
        """
        if run.height != 1 or most < 1:
            raise ValueError("a run has one row, and at least one place is asked for")
        found = np.empty((most, 2), np.int32)
        count = self._functions.kasmcore_find_run(
            self.before.at(run)[0],
            run.width,
            *self.after.at(window),
            *(window.width, window.height, found.ctypes.data, most),
        )
        return [(x, y) for x, y in found[:count].tolist()]

    def busiest_runs(
        self, row: Rectangle, length: int, bounds: Sequence[int], fewest: int
    ) -> list[int]:
        """In a row of the frame before: where most colours change along so many pixels.

        Args:
            row: one pixel high.
            length: of the runs, at least 1.
            bounds: rising; between two of them lie the places where a run may begin.
            fewest: changes of colour that a run must have.

        Returns: for every two bounds the first such x in the row, or -1.
        """
        is_rising = all(one < other for one, other in itertools.pairwise(bounds))
        if row.height != 1 or length < 1 or not is_rising or bounds[0] < 0:
            raise ValueError("runs are looked for in one row, between bounds that rise")
        if bounds[-1] + length - 1 > row.width:
            raise ValueError("the last run would end outside the row")
        edges = np.array(bounds, np.int32)
        places = np.empty(len(bounds) - 1, np.int32)
        self._functions.kasmcore_busiest_runs(
            self.before.at(row)[0],
            *(length, edges.ctypes.data, places.size, fewest, places.ctypes.data),
        )
        found: list[int] = places.tolist()
        return found

    def _equal_lines(self, area: Rectangle, dx: int, dy: int, how: tuple[bool, bool]) -> int:
        return int(
            self._functions.kasmcore_equal_lines(
                *self._both_at(area, dx, dy), area.width, area.height, *how
            )
        )

    def _both_at(self, area: Rectangle, dx: int, dy: int) -> tuple[int, int, int, int]:
        return *self.before.at(area.moved(-dx, -dy)), *self.after.at(area)


def _address_of(words: NDArray[np.uint64], fewest: int) -> int:
    """Where words of 8 bytes that follow each other begin."""
    if words.dtype != np.uint64 or not words.flags.c_contiguous or words.size < fewest:
        raise ValueError(f"{fewest} weights of 8 bytes are needed, one after another")
    return words.ctypes.data


def _tiles_shape(area: Rectangle) -> tuple[int, int]:
    return -(-area.height // TILE), -(-area.width // TILE)
