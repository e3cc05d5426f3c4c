"""The two images of the pointer."""

from __future__ import annotations

from kasmcore.api import CursorImage

_COLOURS = {"#": b"\x00\x00\x00\xff", "o": b"\xff\xff\xff\xff", " ": b"\x00\x00\x00\x00"}

_ARROW = (
    "#       ",
    "##      ",
    "#o#     ",
    "#oo#    ",
    "#ooo#   ",
    "#oooo#  ",
    "#ooooo# ",
    "#oooo###",
    "#oo#o#  ",
    "#o# #o# ",
    "##  #o# ",
    "     ## ",
)
_CROSS = (
    "   ###   ",
    "   #o#   ",
    "   #o#   ",
    "####o####",
    "#ooo#ooo#",
    "####o####",
    "   #o#   ",
    "   #o#   ",
    "   ###   ",
)


def _image(rows: tuple[str, ...], hotspot: tuple[int, int]) -> CursorImage:
    return CursorImage(
        width=len(rows[0]),
        height=len(rows),
        hotspot_x=hotspot[0],
        hotspot_y=hotspot[1],
        rgba=b"".join(_COLOURS[sign] for row in rows for sign in row),
    )


ARROW = _image(_ARROW, (0, 0))
CROSS = _image(_CROSS, (4, 4))
