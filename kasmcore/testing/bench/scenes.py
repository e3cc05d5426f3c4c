"""What is played: each scene prepares its pictures and returns what draws one frame."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import attrs
import numpy as np

from kasmcore.testing.bench.canvas import Canvas
from kasmcore.testing.bench.contents import photo_picture, text_picture
from kasmcore.values.geometry import Rectangle, Size

DrawFrame = Callable[[int], None]
"""Draws the frame of this number, all but its code; numbers may be skipped."""

_GLYPH = Size(9, 20)
_GLYPHS_IN_LINE = 100
_SCROLLED = Rectangle(160, 64, 1600, 944)
_SCROLL_PIXELS = 8
_SCROLL_STEPS = 200
_DRAGGED = Size(600, 400)
_VIDEO_FRAMES = 12
_GRAIN = 4


@attrs.frozen
class Scene:
    """A scene and how often it draws."""

    rate_hz: float
    """0: nothing moves."""
    prepare: Callable[[Canvas], DrawFrame]
    skips_late_frames: bool = True
    """False where each frame adds to the one before."""


def _idle(canvas: Canvas) -> DrawFrame:
    canvas.show(canvas.upload(text_picture(canvas.size)))
    return lambda number: None  # noqa: ARG005 - nothing moves


def _typing(canvas: Canvas) -> DrawFrame:
    """One letter at a time, from the left, line after line."""
    canvas.show(canvas.upload(text_picture(canvas.size)))
    letters = canvas.upload(text_picture(canvas.size, seed=3))

    def draw(number: int) -> None:
        line, column = divmod(number, _GLYPHS_IN_LINE)
        x = 40 + column * _GLYPH.width
        y = 100 + line * _GLYPH.height % (canvas.size.height - 200)
        canvas.copy(letters, Rectangle(x, y, _GLYPH.width, _GLYPH.height), x, y)

    return draw


def _scroll(canvas: Canvas) -> DrawFrame:
    """A page of text that moves up, then down again."""
    canvas.show(canvas.upload(text_picture(canvas.size)))
    height = _SCROLLED.height + _SCROLL_PIXELS * _SCROLL_STEPS
    page = canvas.upload(text_picture(Size(_SCROLLED.width, height), seed=4))

    def draw(number: int) -> None:
        step = _there_and_back(number, _SCROLL_STEPS)
        part = Rectangle(0, step * _SCROLL_PIXELS, _SCROLLED.width, _SCROLLED.height)
        canvas.copy(page, part, _SCROLLED.x, _SCROLLED.y)

    return draw


def _drag(canvas: Canvas) -> DrawFrame:
    """A real window that is moved over a photo."""
    canvas.show(canvas.upload(photo_picture(canvas.size)))
    start = Rectangle(0, 80, _DRAGGED.width, _DRAGGED.height)
    window = canvas.open_window(start, canvas.upload(text_picture(_DRAGGED, seed=5)))
    free_x = canvas.size.width - _DRAGGED.width
    free_y = canvas.size.height - _DRAGGED.height - start.y

    def draw(number: int) -> None:
        x = free_x * (0.5 + 0.5 * math.sin(number / 31))
        y = start.y + free_y * (0.5 + 0.5 * math.sin(number / 20))
        window.configure(x=int(x), y=int(y))

    return draw


def _video(canvas: Canvas) -> DrawFrame:
    """Every pixel of the screen changes: a landscape that sways, with grain."""
    random = np.random.default_rng(6)
    landscape = photo_picture(canvas.size)
    shape = (canvas.size.height, canvas.size.width, 1)
    frames = []
    for number in range(_VIDEO_FRAMES):
        angle = 2 * math.pi * number / _VIDEO_FRAMES
        sway = (round(20 * math.sin(angle)), round(40 * math.cos(angle)))
        grain = random.integers(-_GRAIN, _GRAIN + 1, shape, np.int16)
        moved = np.roll(landscape, sway, axis=(0, 1)) + grain
        frames.append(canvas.upload(np.clip(moved, 0, 255).astype(np.uint8)))
    canvas.show(frames[0])
    whole = Rectangle.of_size(canvas.size)
    return lambda number: canvas.copy(frames[number % _VIDEO_FRAMES], whole, 0, 0)


def _there_and_back(number: int, steps: int) -> int:
    return steps - abs(number % (2 * steps) - steps)


SCENES: Mapping[str, Scene] = {
    "idle": Scene(0, _idle),
    "typing": Scene(12, _typing, skips_late_frames=False),
    "scroll": Scene(60, _scroll),
    "drag": Scene(60, _drag),
    "video": Scene(30, _video),
}
