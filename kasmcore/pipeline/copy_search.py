"""Finds what scrolled and what was dragged between two frames: every copy true in all pixels."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import attrs
import numpy as np
from numpy.typing import NDArray

from kasmcore.pipeline.copies import Copy, FrameChange, in_order
from kasmcore.pipeline.free_shift import Vector, free_shift
from kasmcore.pipeline.pixel_words import FramePair
from kasmcore.pipeline.residual import residual_of
from kasmcore.pipeline.shift_votes import horizontal_shift, vertical_shift
from kasmcore.pipeline.shifted_areas import Shift, shifted_rectangles
from kasmcore.pipeline.tiles import TileGrid, TileMask, bounds_of
from kasmcore.values.frames import VisibleFrame
from kasmcore.values.geometry import Rectangle

_FEWEST_TILES = 8
"""Fewer changed tiles are sent as quickly as copied."""
_FEWEST_ROWS = 3
"""Changed tiles along a band; in less of them nothing can be seen to scroll."""
_BAND_TILES = 2
_MOST_MISSES = 2
"""Bands looked at in vain before a direction is given up."""
_MOST_SHIFTS = 6
_MOST_COPIES = 16
_MOST_FREE_SHIFTS = 2
_FEWEST_FREE_TILES = 64
"""A window smaller than 128 x 128 is sent as quickly as looked for."""
_SHARE_WORTH_MORE = 0.15
"""When something was found and less of the change is left, no more is looked for."""
_PATIENCE_FRAMES = 8
"""After so many frames in which nothing was found, as in a video, …"""
_RARE = 4
"""… only one in so many is looked at."""

Vote = Callable[[FramePair, Rectangle], int | None]


@attrs.frozen(kw_only=True)
class CopyRules:
    """What is looked for."""

    moves: bool
    """Windows that moved, and what scrolled up or down."""
    sideways: bool
    """What scrolled to the left or right."""
    threshold: float
    """Share of the screen, 0 to 1, that must have changed before scrolls are looked for."""


@attrs.define(eq=False)
class CopyFinder:
    """Finds how much of each frame's change is content that moved.

    It remembers which way of looking found something last, and looks that way first.
    """

    rules: CopyRules
    _ways: list[Callable[[_Search], None]] = attrs.field(init=False)
    _vain_frames: int = attrs.field(default=0, init=False)
    _last_vector: Vector = attrs.field(default=(0, 0), init=False)

    def __attrs_post_init__(self) -> None:
        self._ways = [_Search.try_scrolls, _Search.try_free_shifts, _Search.try_sideways]

    def find(
        self,
        previous: VisibleFrame | None,
        current: VisibleFrame,
        changed: TileMask,
        restless: Callable[[], TileMask | None] | None = None,
    ) -> FrameChange:
        """Find the copies of one frame.

        Args:
            previous: the frame before, None when there is none.
            current: the frame after; its ``moves`` are tried.
            changed: the tiles that differ, exactly.
            restless: tells the tiles that show something new all the time: there is nothing to
                look for in them. Asked only after many frames in which nothing was found.
        """
        if previous is None or previous.size != current.size or not self.rules.moves:
            return FrameChange.without_copies(changed)
        frames = FramePair(previous.pixels, current.pixels)
        search = _Search(frames, self.rules, changed.copy(), self._last_vector)
        search.try_moves([Shift(move.rectangle, move.dx, move.dy) for move in current.moves])
        if search.found or self._is_turn(search):
            if restless is not None and self._vain_frames > _PATIENCE_FRAMES:
                search.leave_out(restless())
            self._look(search)
        copies = in_order(search.found)
        if copies:
            self._last_vector = copies[0].dx, copies[0].dy
        return FrameChange(changed, copies, residual_of(frames, changed, copies))

    def _is_turn(self, search: _Search) -> bool:
        """False for what cannot be a scroll, and for most frames of a video."""
        if not search.is_enough_left():
            return False
        self._vain_frames += 1
        rests = self._vain_frames > _PATIENCE_FRAMES and self._vain_frames % _RARE
        return not rests

    def _look(self, search: _Search) -> None:
        """Look in one way after the other while enough is left."""
        for way in list(self._ways):
            if not search.is_enough_left():
                break
            found = len(search.found)
            way(search)
            if len(search.found) > found:
                self._ways.remove(way)
                self._ways.insert(0, way)
        if search.found:
            self._vain_frames = 0


@attrs.define(eq=False)
class _Search:
    """The state of the search in one frame."""

    frames: FramePair
    rules: CopyRules
    left: TileMask
    """Changed tiles that no copy covers yet."""
    expected: Vector
    """How far something went in a frame before."""
    grid: TileGrid = attrs.field(init=False)
    _changed_tiles: int = attrs.field(init=False)
    found: list[Copy] = attrs.field(factory=list, init=False)
    _tried: list[Shift] = attrs.field(factory=list, init=False)

    def __attrs_post_init__(self) -> None:
        self.grid = TileGrid(self.frames.size)
        self._changed_tiles = int(np.count_nonzero(self.left))

    def leave_out(self, restless: TileMask | None) -> None:
        """Look for nothing in these tiles."""
        if restless is not None:
            self.left &= ~restless

    def is_enough_left(self) -> bool:
        """Enough is left that scrolls are to be looked for."""
        fewest = max(_FEWEST_TILES, self.rules.threshold * self.left.size)
        if self.found:
            fewest = max(fewest, _SHARE_WORTH_MORE * self._changed_tiles)
        return bool(np.count_nonzero(self.left) >= fewest)

    def try_moves(self, moves: Sequence[Shift]) -> None:
        """Try what the capture source knows."""
        for move in moves:
            if move.dx or move.dy:
                self._try(move)

    def try_scrolls(self) -> None:
        """Look for what scrolled up or down."""
        self._try_bands(vertical_shift, is_upright=True)

    def try_sideways(self) -> None:
        """Look for what scrolled to the left or right."""
        if self.rules.sideways:
            self._try_bands(horizontal_shift, is_upright=False)

    def try_free_shifts(self) -> None:
        """Look for what went in any direction, as long as some is found."""
        for _ in range(_MOST_FREE_SHIFTS):
            is_small = np.count_nonzero(self.left) < _FEWEST_FREE_TILES
            if is_small or (self.found and not self.is_enough_left()):
                return
            area = self.grid.pixels_of(_densest_area(self.left))
            vector = free_shift(self.frames, area, self.expected)
            if vector is None or not self._is_wanted(*vector):
                return
            if not self._try(Shift(area, *vector)):
                return

    def _is_wanted(self, dx: int, dy: int) -> bool:
        """What goes straight may be a scroll, and follows the rules for scrolls."""
        if dx and dy:
            return True
        return self.is_enough_left() and (dx == 0 or self.rules.sideways)

    def _try_bands(self, vote: Vote, *, is_upright: bool) -> None:
        """Let bands where most is left vote, until too many know nothing."""
        usable = np.ones(self.left.shape[1 if is_upright else 0], np.bool_)
        misses = hits = 0
        while misses < _MOST_MISSES and hits < _MOST_SHIFTS and self.is_enough_left():
            band = _busiest_band(self.left if is_upright else self.left.T, usable)
            if band is None:
                return
            tiles = band if is_upright else _transposed(band)
            distance = vote(self.frames, self.grid.pixels_of(tiles))
            if distance is not None and self._try(self._scroll(distance, is_upright=is_upright)):
                hits += 1
            else:
                misses += 1
                reach = max(_BAND_TILES, usable.size // 8)
                usable[max(0, band.x - reach) : band.x + reach] = False

    def _scroll(self, distance: int, *, is_upright: bool) -> Shift:
        """A scroll by this much of all that is left."""
        dx, dy = (0, distance) if is_upright else (distance, 0)
        return Shift(self.grid.pixels_of(bounds_of(self.left)), dx, dy)

    def _try(self, shift: Shift) -> bool:
        """Keep what is true of a shift; False if it is nothing new."""
        if any(
            (tried.dx, tried.dy) == (shift.dx, shift.dy) and tried.area.contains(shift.area)
            for tried in self._tried
        ):
            return False
        self._tried.append(shift)
        rectangles = shifted_rectangles(self.frames, shift, self.left, _FEWEST_TILES)
        rectangles = rectangles[: _MOST_COPIES - len(self.found)]
        for rectangle in rectangles:
            self.found.append(Copy(rectangle, shift.dx, shift.dy))
            tiles = self.grid.tiles_of(rectangle)
            self.left[tiles.rows, tiles.columns] = False
        return bool(rectangles)


def _densest_area(left: TileMask) -> Rectangle:
    """The tiles round the fullest row, as far as rows and then columns follow without a gap."""
    top, bottom = _run_round_most(np.count_nonzero(left, axis=1))
    first, last = _run_round_most(np.count_nonzero(left[top:bottom], axis=0))
    return Rectangle.from_edges(first, top, last, bottom)


def _run_round_most(counts: NDArray[np.signedinteger]) -> tuple[int, int]:
    """First and last + 1 of the neighbours above 0 of the greatest count."""
    most = int(counts.argmax())
    gaps = np.flatnonzero(counts == 0)
    at = int(np.searchsorted(gaps, most))
    first = int(gaps[at - 1]) + 1 if at else 0
    return first, int(gaps[at]) if at < gaps.size else counts.size


def _busiest_band(left: TileMask, usable: NDArray[np.bool_]) -> Rectangle | None:
    """The upright band of tiles with most that is left, from its first to its last tile."""
    counts = np.where(usable, np.count_nonzero(left, axis=0), 0)
    column = min(int(counts.argmax()), max(0, left.shape[1] - _BAND_TILES))
    band = left[:, column : column + _BAND_TILES]
    rows = np.flatnonzero(band.any(axis=1))
    if rows.size < _FEWEST_ROWS:
        return None
    return Rectangle.from_edges(column, int(rows[0]), column + band.shape[1], int(rows[-1]) + 1)


def _transposed(rectangle: Rectangle) -> Rectangle:
    return Rectangle(rectangle.y, rectangle.x, rectangle.height, rectangle.width)
