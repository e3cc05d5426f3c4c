"""A display on which a video plays, for tests of video streams."""

import numpy as np
import trio
import trio.testing

from kasmcore.values.frames import VideoRectangle
from kasmcore.values.geometry import Rectangle
from tests.unit.session.desks import Desk, MemoryLink
from tests.unit.session.xorz import blurred

WINDOW = Rectangle(64, 32, 160, 128)
TITLE = Rectangle(64, 16, 32, 10)
CODECS = ("raw", "coarse", "xorz")


async def settle() -> None:
    """Let everything happen that does not wait for time to pass."""
    await trio.sleep(0.03)
    await trio.testing.wait_all_tasks_blocked()


async def play(
    desk: Desk,
    seconds: float,
    *,
    rate_hz: float = 30,
    first: int = 0,
    window: Rectangle = WINDOW,
) -> None:
    """Show noise in the window, another one in each picture."""
    shape = (window.height, window.width, 4)
    for step in range(round(seconds * rate_hz)):
        noise = np.random.default_rng(first + step).integers(0, 255, shape, np.uint8)
        desk.desktop.paint_pixels(window.x, window.y, noise)
        await trio.sleep(1 / rate_hz)


def parts_of(viewer: MemoryLink, since: int = 0) -> list[VideoRectangle]:
    """The video that a viewer got since its frame of this number."""
    frames = viewer.frames[since:]
    return [part for f in frames for part in f.rectangles if isinstance(part, VideoRectangle)]


def images_inside(viewer: MemoryLink, since: int) -> list[object]:
    """Images that a viewer got in the window since its frame of this number."""
    return [
        part
        for frame in viewer.frames[since:]
        for part in frame.rectangles
        if not isinstance(part, VideoRectangle) and part.rectangle.overlaps(WINDOW)
    ]


def expected(desk: Desk, window: Rectangle = WINDOW) -> np.ndarray:
    """The display, with what is left of it by video in the window."""
    pixels = desk.desktop.pixels
    inside = pixels[window.rows, window.columns]
    pixels[window.rows, window.columns] = blurred(inside)
    return pixels


def assert_right(desk: Desk, *viewers: MemoryLink) -> None:
    """Each viewer decoded every packet, and shows what it should."""
    for viewer in viewers:
        assert viewer.video.faults == []
        assert (viewer.picture == expected(desk)).all()
