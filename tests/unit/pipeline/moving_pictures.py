"""Desktops of windows that scroll and move, for tests of copies."""

from collections.abc import Sequence

import attrs
import numpy as np
from hypothesis import strategies as st

from kasmcore.values.frames import WindowMove
from kasmcore.values.geometry import Rectangle
from tests.unit.pipeline.frames import photo

_MARGIN = 300


def text_page(width: int, height: int, seed: int = 3) -> np.ndarray:
    """Lines of dark signs of their own on white, with blank space between and at the right."""
    rng = np.random.default_rng(seed)
    pixels = np.full((height, width, 4), 255, np.uint8)
    for top in range(2, height - 12, 15):
        length = int(rng.integers(width // 3, width))
        ink = rng.random((11, length)) < 0.3
        pixels[top : top + 11, :length][ink] = rng.integers(0, 120)
    return pixels


def noise_page(width: int, height: int, seed: int = 4) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 4), dtype=np.uint8)


def striped_page(width: int, height: int, seed: int = 5) -> np.ndarray:
    """Rows that repeat: every shift by 12 looks the same."""
    pixels = np.full((height, width, 4), 255, np.uint8)
    pixels[seed % 12 :: 12] = 30
    return pixels


PAGES = (text_page, noise_page, striped_page)


@attrs.define
class MovingWindow:
    """A window that shows a part of a page."""

    place: Rectangle
    page: np.ndarray
    x: int = _MARGIN
    y: int = _MARGIN

    def scroll(self, dx: int, dy: int) -> None:
        """The content goes right and down by this much."""
        self.x = int(np.clip(self.x - dx, 0, 2 * _MARGIN))
        self.y = int(np.clip(self.y - dy, 0, 2 * _MARGIN))

    def content(self) -> np.ndarray:
        return self.page[self.y : self.y + self.place.height, self.x : self.x + self.place.width]


@attrs.define
class MovingDesk:
    """Windows in front of each other, the last on top, that may reach over the edges."""

    background: np.ndarray
    windows: list[MovingWindow]

    @classmethod
    def of_windows(cls, background: np.ndarray, places: Sequence[Rectangle]) -> "MovingDesk":
        windows = [
            MovingWindow(
                place, text_page(place.width + 2 * _MARGIN, place.height + 2 * _MARGIN, seed)
            )
            for seed, place in enumerate(places)
        ]
        return cls(background, windows)

    @property
    def whole(self) -> Rectangle:
        return Rectangle(0, 0, self.background.shape[1], self.background.shape[0])

    def picture(self) -> np.ndarray:
        pixels = self.background.copy()
        for window in self.windows:
            shown = window.place.intersection(self.whole)
            part = shown.moved(-window.place.x, -window.place.y)
            pixels[shown.rows, shown.columns] = window.content()[part.rows, part.columns]
        return pixels

    def step(self, draw) -> tuple[WindowMove, ...]:
        """Let each window rest, scroll, move or get another content; tell the moves."""
        moves = []
        for number, window in enumerate(self.windows):
            kind = draw(st.sampled_from(("rest", "scroll", "sideways", "move", "write", "renew")))
            distance = draw(st.integers(-90, 90))
            if kind == "scroll":
                window.scroll(0, distance)
            elif kind == "sideways":
                window.scroll(distance, 0)
            elif kind == "move":
                dx, dy = distance, draw(st.integers(-60, 60))
                window.place = window.place.moved(dx, dy)
                moves.append(WindowMove(window.place.intersection(self.whole), dx, dy))
            elif kind == "write":
                x, y = draw(st.integers(0, 200)), draw(st.integers(0, 200))
                window.page = window.page.copy()
                window.page[window.y + y :, window.x + x :][:9, :7] ^= 0x55
            elif kind == "renew":
                window.page = noise_page(window.page.shape[1], window.page.shape[0], number + 50)
        return tuple(moves)


@st.composite
def moving_desks(draw) -> MovingDesk:
    width, height = draw(st.integers(200, 420)), draw(st.integers(150, 300))
    windows = []
    for number in range(draw(st.integers(1, 3))):
        place = Rectangle(
            draw(st.integers(-40, width - 60)),
            draw(st.integers(-40, height - 60)),
            draw(st.integers(40, width)),
            draw(st.integers(40, height)),
        )
        page = draw(st.sampled_from(PAGES))
        size = place.width + 2 * _MARGIN, place.height + 2 * _MARGIN
        windows.append(MovingWindow(place, page(*size, seed=number)))
    return MovingDesk(photo(width, height), windows)
