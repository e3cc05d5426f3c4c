"""Rectangles cut to size: without what need not be sent, and in strips for several threads."""

from __future__ import annotations

from collections.abc import Sequence

from kasmcore.pipeline.tiles import TILE
from kasmcore.values.geometry import Rectangle

_LARGEST_JOB_PIXELS = 1 << 17
"""Rectangles are cut into strips of about this size, so that several threads share them."""
_WORTH_CUTTING = 0.8
_SHORTEST_STRIP_ROWS = 4 * TILE


def without(rectangle: Rectangle, brought: Sequence[Rectangle]) -> list[Rectangle]:
    """Cut out what need not be sent, where that leaves much less."""
    pieces = [rectangle]
    for other in brought:
        pieces = [piece for whole in pieces for piece in whole.without(other)]
    saves = sum(piece.area for piece in pieces) <= _WORTH_CUTTING * rectangle.area
    return pieces if saves else [rectangle]


def cut_into_strips(rectangle: Rectangle, maximum_side: int) -> list[Rectangle]:
    """Cut a large rectangle into horizontal strips of whole tiles, none wider than allowed."""
    if rectangle.width > maximum_side:
        half = Rectangle(rectangle.x, rectangle.y, maximum_side // TILE * TILE, rectangle.height)
        rest = Rectangle.from_edges(half.right, rectangle.y, rectangle.right, rectangle.bottom)
        return cut_into_strips(half, maximum_side) + cut_into_strips(rest, maximum_side)
    rows = max(_SHORTEST_STRIP_ROWS, _LARGEST_JOB_PIXELS // max(1, rectangle.width) // TILE * TILE)
    return [
        Rectangle.from_edges(rectangle.x, top, rectangle.right, min(top + rows, rectangle.bottom))
        for top in range(rectangle.y, rectangle.bottom, rows)
    ]
