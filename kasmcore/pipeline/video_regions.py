"""Rectangles that keep moving: where a video plays, a game runs, a page animates."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator

import attrs
import numpy as np

from kasmcore.pipeline.history import ChangeHistory
from kasmcore.pipeline.moving_rectangles import bounding_box, dense_rectangles, share_of
from kasmcore.pipeline.tiles import TileFloats, TileGrid, TileMask
from kasmcore.values.geometry import Rectangle

_HOT = 2.4
"""Heat of a tile that changes eight times a second or more, or for the third time at 20."""
_STILL_HOT = 1.4
_WARM = 1.2
"""What changes three times a second keeps a region that is there."""
_SUSTAINED_S = 0.3
_LARGE_TILES = 2000
"""So many hot tiles move, without waiting: as images they cost most."""
_LOOK_EVERY_S = 0.1
_FULL_SHARE = 0.9
"""Share of a region that moves when nothing is to be learned of its size."""
_AWAKE_S = 0.35
_BUSY_SHARE = 0.3
"""A region in which fewer tiles change is asleep, and in the end over."""
_COLD_S = 1.5
_SETTLE_S = 0.5
"""A region keeps its rectangle so long at least: a new one costs a key frame."""
_SHRINK_AFTER_S = 3.0
_SHRINK_BELOW = 0.7
"""Share of its area that motion must have left before a region shrinks."""
_USUAL_CHANGES_PER_S = 30.0
_NEVER_S = -1e9


@attrs.frozen(kw_only=True)
class RegionRules:
    """What becomes a video region.

    Attributes:
        whole_screen: True: one region that is the whole framebuffer, always.
        most_regions: how many there may be at once.
        least_side: shortest width and height, in tiles.
        least_tiles: fewest moving tiles, also of what wakes a whole screen.
        least_share: share of a rectangle's tiles that must move.
    """

    whole_screen: bool = False
    most_regions: int = 4
    least_side: int = 4
    least_tiles: int = 24
    least_share: float = 0.6


@attrs.frozen
class VideoRegion:
    """A rectangle that is worth a video stream, for as long as it has this number."""

    number: int
    """Another rectangle gets another number."""
    tiles: Rectangle
    """Counted in tiles."""
    rectangle: Rectangle
    """In pixels."""
    changes_per_s: float
    """How often its tiles change, when it was found."""
    awake_until_s: float
    """When it is at rest, if nothing changes before; it may then be shown exactly."""

    def is_awake(self, now_s: float) -> bool:
        """True while most of it moves."""
        return now_s < self.awake_until_s


@attrs.define
class _Tracked:
    region: VideoRegion
    since_s: float
    warm_s: float
    wide_s: float
    """When motion last filled it."""


@attrs.define
class RegionFinder:
    """Follows the regions of one display from frame to frame."""

    rules: RegionRules
    numbers: Iterator[int] = attrs.field(factory=lambda: itertools.count(1))
    """Where the regions' numbers come from."""
    _grid: TileGrid | None = attrs.field(default=None, init=False)
    _hot_since_s: TileFloats = attrs.field(factory=lambda: np.zeros((0, 0)), init=False)
    _tracked: list[_Tracked] = attrs.field(factory=list, init=False)
    _looked_s: float = attrs.field(default=_NEVER_S, init=False)

    def look(self, history: ChangeHistory, now_s: float) -> tuple[VideoRegion, ...]:
        """The regions of now; call it for every frame, after its changes were recorded."""
        if self._grid != history.grid:
            self._start_over(history.grid, now_s)
        is_due = now_s - self._looked_s >= _LOOK_EVERY_S or self._is_large_change(history, now_s)
        if is_due and not self.rules.whole_screen:
            self._looked_s = now_s
            self._follow(history, now_s)
        for tracked in self._tracked:
            awake_until_s = self._awake_until_s(history, tracked.region.tiles)
            tracked.region = attrs.evolve(tracked.region, awake_until_s=awake_until_s)
        return tuple(tracked.region for tracked in self._tracked)

    def why(self) -> str:
        """One line for the debug log."""
        return ", ".join(
            f"region {tracked.region.number} {tracked.region.rectangle} "
            f"at {tracked.region.changes_per_s:.0f} Hz"
            for tracked in self._tracked
        )

    def _is_large_change(self, history: ChangeHistory, now_s: float) -> bool:
        """So much changed now, where no region is known, that the next look cannot wait."""
        changed = np.count_nonzero(history.heated_s >= now_s)
        return not self._tracked and bool(changed >= _LARGE_TILES)

    def _start_over(self, grid: TileGrid, now_s: float) -> None:
        self._grid = grid
        self._hot_since_s = np.full(grid.shape, np.inf)
        self._tracked = []
        if self.rules.whole_screen:
            whole = Rectangle(0, 0, grid.columns, grid.rows)
            self._tracked = [self._track(grid, whole, _USUAL_CHANGES_PER_S, now_s)]

    def _follow(self, history: ChangeHistory, now_s: float) -> None:
        heat = history.heat(now_s)
        moving = self._moving(heat, now_s)
        self._end_cold_ones(heat, now_s)
        if self._is_all_known(moving):
            for tracked in self._tracked:
                tracked.wide_s = now_s
            return
        rules = self.rules
        found = [
            tiles
            for tiles in dense_rectangles(moving, rules.least_share, rules.least_tiles)
            if min(tiles.width, tiles.height) >= rules.least_side
        ]
        for tracked in self._tracked:
            self._adapt(tracked, found, moving, now_s)
        self._drop_overlapping()
        for tiles in found:
            taken = any(tiles.overlaps(tracked.region.tiles) for tracked in self._tracked)
            if not taken and len(self._tracked) < rules.most_regions:
                rate_hz = _changes_per_s(heat, tiles)
                self._tracked.append(self._track(history.grid, tiles, rate_hz, now_s))

    def _moving(self, heat: TileFloats, now_s: float) -> TileMask:
        """Tiles that have been hot long enough."""
        since_s = self._hot_since_s
        since_s[heat < _STILL_HOT] = np.inf
        starting = (heat >= _HOT) & np.isinf(since_s)
        since_s[starting] = now_s
        is_large = np.count_nonzero(np.isfinite(since_s)) >= _LARGE_TILES
        moving: TileMask = since_s <= now_s - (0.0 if is_large else _SUSTAINED_S)
        return moving

    def _is_all_known(self, moving: TileMask) -> bool:
        """Every region is full of motion, and there is none elsewhere."""
        regions = [tracked.region.tiles for tracked in self._tracked]
        if not all(share_of(moving, tiles) >= _FULL_SHARE for tiles in regions):
            return False
        inside = sum(np.count_nonzero(moving[tiles.rows, tiles.columns]) for tiles in regions)
        return bool(inside == np.count_nonzero(moving))

    def _end_cold_ones(self, heat: TileFloats, now_s: float) -> None:
        for tracked in self._tracked:
            if share_of(heat >= _WARM, tracked.region.tiles) >= _BUSY_SHARE:
                tracked.warm_s = now_s
        self._tracked = [item for item in self._tracked if now_s - item.warm_s <= _COLD_S]

    def _adapt(
        self, tracked: _Tracked, found: list[Rectangle], moving: TileMask, now_s: float
    ) -> None:
        """Grow at once when motion goes on outside, shrink when it has long been smaller."""
        region = tracked.region
        candidate = max(
            found, key=lambda tiles: tiles.intersection(region.tiles).area, default=None
        )
        if candidate is None or not candidate.overlaps(region.tiles):
            tracked.wide_s = now_s
            return
        wanted = region.tiles
        if not region.tiles.contains(candidate):
            wanted = bounding_box(region.tiles, candidate)
            if share_of(moving, wanted) < self.rules.least_share:
                wanted = candidate  # it moved
        elif candidate.area >= _SHRINK_BELOW * region.tiles.area:
            tracked.wide_s = now_s
        elif now_s - tracked.wide_s >= _SHRINK_AFTER_S:
            wanted = candidate
        if wanted != region.tiles and now_s - tracked.since_s >= _SETTLE_S:
            assert self._grid is not None  # noqa: S101 - there are regions
            changed = self._track(self._grid, wanted, region.changes_per_s, now_s)
            tracked.region, tracked.since_s, tracked.wide_s = changed.region, now_s, now_s

    def _drop_overlapping(self) -> None:
        """Of two regions that have grown into one another the larger one stays."""
        kept: list[_Tracked] = []
        for tracked in sorted(self._tracked, key=lambda item: -item.region.tiles.area):
            if not any(tracked.region.tiles.overlaps(other.region.tiles) for other in kept):
                kept.append(tracked)
        self._tracked = kept

    def _track(
        self, grid: TileGrid, tiles: Rectangle, changes_per_s: float, now_s: float
    ) -> _Tracked:
        region = VideoRegion(
            next(self.numbers), tiles, grid.pixels_of(tiles), changes_per_s, _NEVER_S
        )
        return _Tracked(region, since_s=now_s, warm_s=now_s, wide_s=now_s)

    def _awake_until_s(self, history: ChangeHistory, tiles: Rectangle) -> float:
        """When fewer tiles of it than make it busy will have changed lately."""
        changed_s = history.heated_s[tiles.rows, tiles.columns].ravel()
        most = changed_s.size
        busy = math.ceil(_BUSY_SHARE * most)
        if self.rules.whole_screen:
            busy = min(self.rules.least_tiles, most)
        return float(np.partition(changed_s, most - busy)[most - busy]) + _AWAKE_S


def _changes_per_s(heat: TileFloats, tiles: Rectangle) -> float:
    """The rate of change that leads to this heat right after a change."""
    peak = float(np.percentile(heat[tiles.rows, tiles.columns], 90))
    return -4.0 / math.log1p(-1.0 / max(peak, 1.01))
