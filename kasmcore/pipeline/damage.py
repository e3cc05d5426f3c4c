"""Which tiles of a frame really differ from the frame before: exact, pixel by pixel."""

from __future__ import annotations

from kasmcore.pipeline.pixel_words import FramePair
from kasmcore.pipeline.tiles import TileGrid, TileMask
from kasmcore.values.frames import VisibleFrame


def find_damage(
    previous: VisibleFrame | None, current: VisibleFrame, *, compares: bool = True
) -> TileMask:
    """Compare a frame with the one before.

    Only inside ``current.hints``: the source promises that nothing else changed.

    Args:
        previous: the frame before, None when there is none.
        current: the frame after.
        compares: False takes every tile that a hint touches for changed.

    Returns: mask on the tile grid of the current frame; every tile when there is no frame before
        or when it had another size.
    """
    grid = TileGrid(current.size)
    if previous is None or previous.size != current.size:
        return grid.full_mask()
    if not compares:
        return grid.mask_of(current.hints)
    frames = FramePair(previous.pixels, current.pixels)
    mask = grid.empty_mask()
    for hint in current.hints:
        tiles = grid.tiles_of(hint)
        if not tiles.is_empty():
            mask[tiles.rows, tiles.columns] |= frames.differing_tiles(tiles)
    return mask
