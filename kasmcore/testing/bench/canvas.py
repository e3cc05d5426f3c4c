"""A window over a whole X display to play scenes on. Pictures are uploaded once; each frame is then
a few small requests, so that playing costs little beside what is measured.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from Xlib import X
from Xlib.display import Display

from kasmcore.testing.bench.frame_code import code_cells
from kasmcore.values.geometry import Rectangle, Size
from kasmcore.values.pixels import BgrxPixels

if TYPE_CHECKING:
    from Xlib.xobject.drawable import Pixmap, Window

_REQUEST_BYTES = 240_000
"""Of a picture in one request; X allows 262140 without an extension."""


class Canvas:
    """The window; ``show`` maps it over everything else."""

    def __init__(self, display_name: str) -> None:
        """Connect; an unreachable display raises ``Xlib.error.DisplayError``."""
        self._display = Display(display_name)
        screen = self._display.screen()
        self._root, self._depth = screen.root, screen.root_depth
        geometry = self._root.get_geometry()
        self.size = Size(geometry.width, geometry.height)
        self._inks = [
            self._root.create_gc(foreground=pixel)
            for pixel in (screen.black_pixel, screen.white_pixel)
        ]
        self._window: Window | None = None

    def upload(self, pixels: BgrxPixels) -> Pixmap:
        """Keep a picture in the X server."""
        height, width = pixels.shape[:2]
        pixmap: Pixmap = self._root.create_pixmap(width, height, self._depth)
        rows = _REQUEST_BYTES // (width * 4)
        for top in range(0, height, rows):
            strip = pixels[top : top + rows]
            place = (0, top, width, strip.shape[0])
            pixmap.put_image(self._inks[0], *place, X.ZPixmap, self._depth, 0, strip.tobytes())
        return pixmap

    def show(self, background: Pixmap) -> None:
        """Cover the display with a picture."""
        self._window = self._child(self._root, Rectangle.of_size(self.size), background)

    def open_window(self, place: Rectangle, picture: Pixmap) -> Window:
        """Open a real window inside, which moves by ``configure(x=…, y=…)``."""
        return self._child(self._shown(), place, picture)

    def copy(self, picture: Pixmap, source: Rectangle, x: int, y: int) -> None:
        """Draw a part of a picture at x, y."""
        area = (source.x, source.y, source.width, source.height)
        self._shown().copy_area(self._inks[0], picture, *area, x, y)  # type: ignore[arg-type]

    def draw_code(self, number: int) -> None:
        """Draw the number of the frame."""
        for ink, cells in zip(self._inks, code_cells(number), strict=True):
            self._shown().poly_fill_rectangle(ink, _as_tuples(cells))

    def sync(self) -> None:
        """Return when the X server has carried out everything."""
        self._display.sync()

    def close(self) -> None:
        """Take the window away and disconnect."""
        if self._window is not None:
            self._window.destroy()
        self._display.close()

    def _shown(self) -> Window:
        if self._window is None:
            raise RuntimeError("show() comes before drawing")
        return self._window

    def _child(self, parent: Window, place: Rectangle, picture: Pixmap) -> Window:
        window = parent.create_window(
            place.x,
            place.y,
            place.width,
            place.height,
            0,
            self._depth,
            background_pixmap=picture,
            override_redirect=True,
        )
        window.map()
        window.raise_window()
        return window


def _as_tuples(cells: Sequence[Rectangle]) -> list[tuple[int, int, int, int]]:
    return [(cell.x, cell.y, cell.width, cell.height) for cell in cells]
