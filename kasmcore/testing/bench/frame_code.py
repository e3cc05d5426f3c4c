"""The number of a frame, drawn so large that any codec keeps it: 8 x 2 blocks of 16 x 16 pixels.

The upper row holds the eight bits of the number, the most significant first, white for 1; the lower
row their opposites, so that what is no code is not taken for one.
"""

from __future__ import annotations

from kasmcore.values.geometry import Rectangle
from kasmcore.values.pixels import BgrxPixels

BITS = 8
NUMBERS = 1 << BITS
CELL = 16
PLACE = Rectangle(16, 0, BITS * CELL, 2 * CELL)
"""Where every scene shows it."""


def code_cells(number: int) -> tuple[list[Rectangle], list[Rectangle]]:
    """Return the black and the white cells for a number, which is taken modulo 256."""
    cells: tuple[list[Rectangle], list[Rectangle]] = ([], [])
    for place in range(BITS):
        bit = number >> (BITS - 1 - place) & 1
        for row, is_white in enumerate((bit, 1 - bit)):
            x, y = PLACE.x + place * CELL, PLACE.y + row * CELL
            cells[is_white].append(Rectangle(x, y, CELL, CELL))
    return cells


def read_code(pixels: BgrxPixels) -> int | None:
    """Return the number that a picture of the whole screen shows; None when it shows none."""
    centres = pixels[
        PLACE.y + CELL // 2 : PLACE.bottom : CELL, PLACE.x + CELL // 2 : PLACE.right : CELL, 1
    ]
    if centres.shape != (2, BITS):
        return None
    bits = centres > 127
    if (bits[0] == bits[1]).any():
        return None
    return sum(1 << BITS - 1 - place for place in range(BITS) if bits[0, place])


def unwrapped(number: int, after: int) -> int:
    """Return the full number of a frame not before ``after``, whose last eight bits are known."""
    return after + (number - after) % NUMBERS
