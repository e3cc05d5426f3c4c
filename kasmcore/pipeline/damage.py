"""Which tiles of a frame really differ from the frame before: exact, pixel by pixel."""

from __future__ import annotations

from kasmcore.pipeline.pixel_words import FramePair
from kasmcore.pipeline.tiles import TileGrid, TileMask
from kasmcore.values.frames import VisibleFrame


def find_damage(previous: VisibleFrame | None, current: VisibleFrame) -> TileMask:
    """Compare a frame with the one before.

    Only inside ``current.hints``: the source promises that nothing else changed.

    Returns: mask on the tile grid of the current frame; every tile when there is no frame before
        or when it had another size.
    """
    grid = TileGrid(current.size)
    if previous is None or previous.size != current.size:
        return grid.full_mask()
    frames = FramePair(previous.pixels, current.pixels)
    mask = grid.empty_mask()
    for hint in current.hints:
        tiles = grid.tiles_of(hint)
        if not tiles.is_empty():
            mask[tiles.rows, tiles.columns] |= frames.differing_tiles(tiles)
    return mask
