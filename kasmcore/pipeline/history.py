"""How often and when each tile changed: the same for all viewers of a session."""

from __future__ import annotations

import attrs
import numpy as np

from kasmcore.pipeline.tiles import TileFloats, TileGrid, TileMask

_MEMORY_S = 0.25
"""Time in which a tile's heat falls to a third."""
_FRAME_WEIGHT = 0.2
_RESTLESS_HEAT = 4.0
_RESTLESS_SHARE = 0.5
_ONCE = 1.2
"""More heat than this has what changed more than once lately."""
_NEVER_S = -1e9
_MOST_RESTLESS_TILES = 64
_HEAT_GRAIN_S = 0.005
_CLOCK_GRAIN_S = 1e-5
"""Whoever sleeps until a tile is at rest finds it so, in spite of rounding."""


@attrs.define
class ChangeHistory:
    """Clock and heat of every tile.

    Heat is about the number of changes in the last quarter second: 15 for a tile that changes
    60 times a second, 8 at 30, 3 for a caret in quick typing.
    """

    grid: TileGrid
    last_changed_s: TileFloats = attrs.field(init=False)
    """When each tile last showed something else, also something that came from another place."""
    heated_s: TileFloats = attrs.field(init=False)
    """When each tile last showed something new."""
    _heat: TileFloats = attrs.field(init=False)
    _faded: TileFloats = attrs.field(init=False)
    """Heat as it was asked for last, and when that was."""
    _faded_s: float = attrs.field(default=_NEVER_S, init=False)
    _calm_since_s: dict[bytes, float] = attrs.field(factory=dict, init=False)
    """By what was left out: asked for by every viewer after every frame."""
    _share: TileFloats = attrs.field(init=False)
    """Of the last frames, how many changed the tile."""

    def __attrs_post_init__(self) -> None:
        self.last_changed_s = np.full(self.grid.shape, _NEVER_S)
        self.heated_s = np.full(self.grid.shape, _NEVER_S)
        self._heat = np.zeros(self.grid.shape)
        self._faded = np.zeros(self.grid.shape)
        self._share = np.zeros(self.grid.shape)

    def record(self, changed: TileMask, now_s: float, moved: TileMask | None = None) -> None:
        """Note that these tiles changed now.

        Args:
            changed: what shows something new; it gets hotter.
            now_s: the time.
            moved: what shows something that came from another place; it is as hot as before.
        """
        self._faded_s = _NEVER_S
        self._calm_since_s.clear()
        elapsed_s = now_s - self.heated_s[changed]
        self._heat[changed] = self._heat[changed] * np.exp(-elapsed_s / _MEMORY_S) + 1.0
        self.heated_s[changed] = now_s
        self._share *= 1 - _FRAME_WEIGHT
        self._share[changed] += _FRAME_WEIGHT
        self.last_changed_s[changed] = now_s
        if moved is not None:
            self.last_changed_s[moved] = now_s

    def heat(self, now_s: float) -> TileFloats:
        """Heat of every tile by now, or some milliseconds ago; the same for all who ask."""
        if abs(now_s - self._faded_s) > _HEAT_GRAIN_S:
            self._faded_s = now_s
            self._faded = self._heat * np.exp((self.heated_s - now_s) / _MEMORY_S)
        return self._faded

    def restless(self, now_s: float) -> TileMask:
        """Tiles that keep changing: often, or with every frame where a slow link takes few."""
        heat = self.heat(now_s)
        steady = (self._share >= _RESTLESS_SHARE) & (heat >= _ONCE)
        restless: TileMask = steady | (heat >= _RESTLESS_HEAT)
        return restless

    def resting(self, now_s: float, rest_s: float) -> TileMask:
        """Tiles that have not changed for at least so long."""
        mask: TileMask = self.last_changed_s <= now_s - rest_s + _CLOCK_GRAIN_S
        return mask

    def calm_at_s(self, rest_s: float, without: TileMask) -> float:
        """From when on only few tiles, not counting those ``without``, changed that lately.

        Past when the picture is calm already; a caret or a clock does not disturb it.
        """
        key = without.tobytes()
        if key not in self._calm_since_s:
            self._calm_since_s[key] = self._latest_change_s(without)
        return self._calm_since_s[key] + rest_s

    def _latest_change_s(self, without: TileMask) -> float:
        """Of all tiles but the most restless ones."""
        changed_s = self.last_changed_s[~without]
        if changed_s.size <= _MOST_RESTLESS_TILES:
            return _NEVER_S
        place = changed_s.size - 1 - _MOST_RESTLESS_TILES
        return float(np.partition(changed_s, place)[place])
