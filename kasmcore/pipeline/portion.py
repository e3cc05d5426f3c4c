"""What of a change goes into one frame where all of it would keep the link, or the cores, too long.

What is left stays pending, and is sent as it looks by then. So a key press or a clipboard never
waits for a whole picture.
"""

from __future__ import annotations

import attrs
import numpy as np
from numpy.typing import NDArray

from kasmcore.pipeline.tiles import TileFloats, TileMask

_WHOLE_PORTIONS = 2.0
"""A change of so many portions still goes in one frame: what belongs together appears together."""
_LEAST_SHARE = 1e-9


@attrs.frozen
class Portion:
    """How much one frame may hold; as shares, 1 is a portion."""

    limit_bytes: float
    limit_s: float
    """CPU time."""

    def share(self, payload_bytes: float, seconds: float) -> float:
        """How much of a portion this is; never nothing."""
        return max(payload_bytes / self.limit_bytes, seconds / self.limit_s, _LEAST_SHARE)


def is_too_much(shares: TileFloats) -> bool:
    """True when these tiles should go in several frames."""
    return float(shares.sum()) > _WHOLE_PORTIONS


def one_portion(
    shares: TileFloats, begin: int, urgent: TileMask | None = None
) -> tuple[TileMask, int]:
    """Choose the tiles of one portion, in whole rows where several fit.

    Args:
        shares: of a portion, that each tile takes; 0 where there is nothing to send.
        begin: place of the tile to begin with, counted row by row; after the last comes the first.
        urgent: tiles that go before all others.

    Returns: the tiles, at least one, and where the next portion begins.
    """
    flat = shares.ravel()
    places = np.flatnonzero(flat)
    places = np.roll(places, -int(np.searchsorted(places, begin)))
    first = places[:0]
    if urgent is not None:
        is_first = urgent.ravel()[places]
        first, places = places[is_first], places[~is_first]
    left = 1.0 - float(flat[first].sum())
    fewest = 0 if first.size else 1
    count = max(fewest, int(np.searchsorted(np.cumsum(flat[places]), left, side="right")))
    count = _in_whole_rows(places, min(count, places.size), shares.shape[1])
    mask = np.zeros(flat.shape, np.bool_)
    mask[first] = mask[places[:count]] = True
    next_begin = int(places[count]) if count < places.size else 0
    return mask.reshape(shares.shape), next_begin


def _in_whole_rows(places: NDArray[np.intp], count: int, columns: int) -> int:
    """Without the beginning of a row, where that costs less than half of the tiles."""
    if count in (0, places.size):
        return count
    rows = places[: count + 1] // columns
    whole = int(np.argmax(rows == rows[-1]))
    return whole if whole > count // 2 else count
