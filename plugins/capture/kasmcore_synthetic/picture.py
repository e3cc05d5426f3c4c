"""What the synthetic display looks like at a time: pure, the same for the same seed."""

from __future__ import annotations

import attrs
import numpy as np
from numpy.typing import NDArray

from kasmcore.api import BgrxPixels, Rectangle, Size

CARET_PERIOD_S = 0.5
#: Blue, green, red, unused.
PAPER = (250, 250, 248, 0)
INK = (40, 32, 30, 0)
SQUARE_COLOURS = (
    (60, 60, 220, 0),
    (90, 180, 40, 0),
    (220, 110, 30, 0),
    (40, 200, 230, 0),
    (200, 60, 160, 0),
    (120, 120, 120, 0),
    (190, 190, 20, 0),
)

_GLYPH_WIDTH, _GLYPH_HEIGHT = 5, 9
_CELL_WIDTH, _CELL_HEIGHT = 8, 16
_LETTERS = 40
_MARGIN = 16
_PIXELS_A_STEP = 3


@attrs.frozen
class Moment:
    """All that the picture depends on besides its size and seed."""

    step: int
    """How often the moving part has moved."""
    is_caret_on: bool
    presses: int
    """How many keys and buttons were pressed; the square's colour follows."""


@attrs.frozen
class Layout:
    """Where the parts of the picture are."""

    text: Rectangle
    moving: Rectangle
    caret: Rectangle
    square: Rectangle


def layout_of(size: Size) -> Layout:
    """Place text on the left, the moving part on the right, the square in the corner below."""
    screen = Rectangle.of_size(size)
    half = size.width // 2
    side = max(4, min(size.width, size.height) // 8)
    return Layout(
        text=Rectangle.from_edges(
            _MARGIN, _MARGIN, half - _MARGIN, size.height - 2 * _MARGIN - side
        ),
        moving=Rectangle.from_edges(
            half, _MARGIN, size.width - _MARGIN, size.height - 2 * _MARGIN - side
        ),
        caret=Rectangle(_MARGIN, size.height - _MARGIN - side, 2, side).intersection(screen),
        square=Rectangle(size.width - _MARGIN - side, size.height - _MARGIN - side, side, side),
    )


class Picture:
    """The picture in one size; `draw` brings it to a moment."""

    def __init__(self, size: Size, seed: int) -> None:
        self.size = size
        self.layout = layout_of(size)
        self._framebuffer = _blank(size)
        randomness = np.random.default_rng(seed)
        _draw_text(self._framebuffer, self.layout.text, randomness)
        self._scene = _scene(self.layout.moving.size, randomness)
        self._shown: Moment | None = None

    def draw(self, moment: Moment) -> list[Rectangle]:
        """Bring the picture to this moment; return what changed, all of it the first time."""
        before, self._shown = self._shown, moment
        changed = []
        if before is None or before.step != moment.step:
            changed.append(self._paint_moving(moment.step))
        if before is None or before.is_caret_on != moment.is_caret_on:
            changed.append(self._fill(self.layout.caret, INK if moment.is_caret_on else PAPER))
        if before is None or before.presses != moment.presses:
            colour = SQUARE_COLOURS[moment.presses % len(SQUARE_COLOURS)]
            changed.append(self._fill(self.layout.square, colour))
        if before is None:
            return [Rectangle.of_size(self.size)]
        return [area for area in changed if not area.is_empty()]

    def copy(self) -> BgrxPixels:
        """The picture as it is now, in memory of its own that nobody writes to."""
        pixels = self._framebuffer.copy()
        pixels.flags.writeable = False
        return pixels

    def _paint_moving(self, step: int) -> Rectangle:
        area = self.layout.moving
        spare = self._scene.shape[1] - area.width
        swing = step * _PIXELS_A_STEP % (2 * spare)
        left = min(swing, 2 * spare - swing)  # to the right end and back
        self._framebuffer[area.rows, area.columns] = self._scene[:, left : left + area.width]
        return area

    def _fill(self, area: Rectangle, colour: tuple[int, int, int, int]) -> Rectangle:
        self._framebuffer[area.rows, area.columns] = colour
        return area


def _blank(size: Size) -> NDArray[np.uint8]:
    pixels = np.empty((size.height, size.width, 4), np.uint8)
    pixels[:] = PAPER
    return pixels


def _draw_text(pixels: NDArray[np.uint8], area: Rectangle, randomness: np.random.Generator) -> None:
    """Fill the area with lines of words of letter-like signs, two colours, sharp edges."""
    letters = randomness.random((_LETTERS, _GLYPH_HEIGHT, _GLYPH_WIDTH)) < 0.5
    letters[0] = False  # the space
    columns, lines = area.width // _CELL_WIDTH, area.height // _CELL_HEIGHT
    if columns < 1 or lines < 1:
        return
    chosen = randomness.integers(1, _LETTERS, (lines, columns))
    chosen[randomness.random((lines, columns)) < 0.17] = 0
    ends = randomness.integers(columns // 2, columns + 1, lines)
    chosen[np.arange(columns) >= ends[:, None]] = 0
    cells = np.zeros((lines, _CELL_HEIGHT, columns, _CELL_WIDTH), bool)
    cells[:, :_GLYPH_HEIGHT, :, :_GLYPH_WIDTH] = letters[chosen].transpose(0, 2, 1, 3)
    ink = cells.reshape(lines * _CELL_HEIGHT, columns * _CELL_WIDTH)
    height, width = ink.shape
    pixels[area.y : area.y + height, area.x : area.x + width][ink] = INK


def _scene(size: Size, randomness: np.random.Generator) -> NDArray[np.uint8]:
    """A smooth coloured landscape with grain, twice as wide as the part that is shown of it."""
    width, height = 2 * size.width + 1, size.height
    x = np.linspace(0, 4 * np.pi, width, dtype=np.float32)[None, :]
    y = np.linspace(0, 2 * np.pi, height, dtype=np.float32)[:, None]
    phases = randomness.uniform(0, 2 * np.pi, 3).astype(np.float32)
    scene = np.zeros((height, width, 4), np.uint8)
    for channel, phase in enumerate(phases):
        wave = np.sin(x * (1 + channel / 2) + phase) + np.cos(y + x / 3 + phase)
        grain = randomness.integers(-6, 7, (height, width), np.int16)
        scene[..., channel] = np.clip(128 + 50 * wave + grain, 0, 255)
    return scene
