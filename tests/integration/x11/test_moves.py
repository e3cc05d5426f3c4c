"""Windows that move and text that scrolls on a real X server reach a viewer as copies, exactly."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import TYPE_CHECKING

import attrs
import numpy as np
import pytest
import trio
from kasmcore_x11.connection import close_display, open_display
from kasmcore_x11.screen import open_screen
from kasmcore_x11.settings import X11Settings
from kasmcore_x11.source import open_x11
from numpy.typing import NDArray
from Xlib import X

from kasmcore.api import CaptureRequest, Rectangle, ServerConfig, WindowMove
from kasmcore.config.schema_plugins import PluginSettings
from kasmcore.values.frames import CopiedRectangle
from tests.unit.session.desks import RAW, MemoryLink, open_desk

if TYPE_CHECKING:
    from tests.integration.x11.conftest import XServer

pytestmark = pytest.mark.x11

LIMIT_S = 60.0


class Desk:
    """A real X client with windows of noise on a background of noise."""

    def __init__(self, name: str) -> None:
        self.display = open_display(name, "")
        self.root = self.display.screen().root
        self._noise = np.random.default_rng(1)
        self.paint(self.root, 1280, 800)

    def close(self) -> None:
        close_display(self.display)

    def open_window(self, place: Rectangle, *, border: int = 0, override: bool = True):
        window = self.root.create_window(
            *(place.x, place.y, place.width, place.height, border),
            self.display.screen().root_depth,
            background_pixmap=X.NONE,
            override_redirect=override,
        )
        window.map()
        self.paint(window, place.width, place.height)
        return window

    def paint(self, drawable, width: int, height: int) -> None:
        """Noise, in strips that fit a request; what is uncovered keeps nothing of it."""
        pixels = self._noise.integers(0, 256, (height, width, 4), np.uint8)
        pixmap = drawable.create_pixmap(width, height, self.display.screen().root_depth)
        gc = pixmap.create_gc()
        for top in range(0, height, 50):
            strip = pixels[top : top + 50]
            pixmap.put_image(gc, 0, top, width, len(strip), X.ZPixmap, 24, 0, strip.tobytes())
        drawable.change_attributes(background_pixmap=pixmap)
        drawable.clear_area(0, 0, width, height)
        pixmap.free()
        self.display.sync()

    def move(self, window, x: int, y: int) -> None:
        window.configure(x=x, y=y)
        self.display.sync()

    def picture(self) -> NDArray[np.uint8]:
        image = self.root.get_image(0, 0, 1280, 800, X.ZPixmap, 0xFFFFFFFF)
        return np.frombuffer(image.data, np.uint8).reshape(800, 1280, 4)[..., :3]


@pytest.fixture
def desk(x_server: XServer) -> Iterator[Desk]:
    with closing(Desk(x_server.name)) as desk:
        yield desk


async def test_a_window_that_moved_is_told_with_the_frame_that_shows_it(desk: Desk) -> None:
    with trio.fail_after(LIMIT_S):
        async with open_screen(desk.display.get_display_name(), "", X11Settings()) as screen:
            assert (await screen.next_frame()).moves == ()
            window = desk.open_window(Rectangle(100, 80, 300, 200))
            assert (await screen.next_frame()).moves == ()
            desk.move(window, 123, 70)
            moves = (await screen.next_frame()).moves
            assert moves == (WindowMove(Rectangle(123, 70, 300, 200), 23, -10),)
            window.change_attributes(background_pixel=0)
            window.clear_area(0, 0, 30, 30)
            desk.display.sync()
            assert (await screen.next_frame()).moves == ()


async def test_moves_between_two_frames_add_up_and_are_cut_at_the_edges(desk: Desk) -> None:
    with trio.fail_after(LIMIT_S):
        settings = X11Settings(settle_ms=100)
        async with open_screen(desk.display.get_display_name(), "", settings) as screen:
            window = desk.open_window(Rectangle(100, 80, 300, 200), border=2)
            await screen.next_frame()
            for x, y in ((200, 80), (300, 90), (-50, 700)):
                desk.move(window, x, y)
            moves = (await screen.next_frame()).moves
            assert moves == (WindowMove(Rectangle(0, 700, 254, 100), -150, 620),)


async def test_a_window_that_was_resized_or_hidden_did_not_move(desk: Desk) -> None:
    with trio.fail_after(LIMIT_S):
        settings = X11Settings(settle_ms=100)
        async with open_screen(desk.display.get_display_name(), "", settings) as screen:
            resized = desk.open_window(Rectangle(100, 80, 300, 200))
            hidden = desk.open_window(Rectangle(500, 300, 200, 200))
            await screen.next_frame()
            resized.configure(x=150, y=90, width=310)
            desk.move(hidden, 600, 300)
            hidden.unmap()
            desk.display.sync()
            assert (await screen.next_frame()).moves == ()
            hidden.configure(x=10, y=10)
            hidden.map()
            desk.display.sync()
            assert (await screen.next_frame()).moves == ()
            desk.move(hidden, 13, 14)
            moves = (await screen.next_frame()).moves
            assert moves == (WindowMove(Rectangle(13, 14, 200, 200), 3, 4),)


def request_of(desk: Desk) -> CaptureRequest:
    config = attrs.evolve(ServerConfig(), plugin_settings=PluginSettings((X11Settings(),)))
    return CaptureRequest(config, display=desk.display.get_display_name(), authority_file="")


async def until_shown(viewer: MemoryLink, desk: Desk) -> None:
    while viewer.picture is None or not np.array_equal(viewer.picture[..., :3], desk.picture()):
        await trio.sleep(0.01)


def sent_pixels(viewer: MemoryLink, first_frame: int) -> int:
    return sum(
        part.rectangle.area
        for frame in viewer.frames[first_frame:]
        for part in frame.rectangles
        if not isinstance(part, CopiedRectangle)
    )


def copies_of(viewer: MemoryLink, first_frame: int) -> list[CopiedRectangle]:
    parts = [part for frame in viewer.frames[first_frame:] for part in frame.rectangles]
    return [part for part in parts if isinstance(part, CopiedRectangle)]


async def test_a_dragged_window_costs_a_copy_and_what_it_uncovers(desk: Desk) -> None:
    with trio.fail_after(LIMIT_S):
        window = desk.open_window(Rectangle(100, 80, 400, 300))
        async with (
            open_x11(request_of(desk)) as source,
            open_desk(source=source, encoders=(RAW,)) as session,
        ):
            viewer = await session.join(codecs=("raw",))
            await until_shown(viewer, desk)
            desk.move(window, 101, 80)  # from now on it is known
            await until_shown(viewer, desk)
            before = len(viewer.frames)
            for step in range(20):
                desk.move(window, 110 + 9 * step, 80 + 5 * step)
                await until_shown(viewer, desk)
            assert len(copies_of(viewer, before)) >= 18
            assert sent_pixels(viewer, before) < 0.5 * 20 * 400 * 300


async def test_a_terminal_that_scrolls_costs_copies_and_its_new_lines(
    desk: Desk, x_server: XServer
) -> None:
    script = (
        'read line; for n in $(seq 90); do echo "$n $(date +%N) $RANDOM some words that differ '
        '$((n * 7919)) $((n * n * 31))"; sleep 0.02; done; exec cat'
    )
    font = ("-fn", "fixed", "-geometry", "80x40+30+20")
    with trio.fail_after(LIMIT_S):
        x_server.start("xterm", *font, "-e", "sh", "-c", script)
        while b"xterm" not in x_server.run("xwininfo", "-root", "-tree"):
            await trio.sleep(0.05)
        async with (
            open_x11(request_of(desk)) as source,
            open_desk(source=source, encoders=(RAW,)) as session,
        ):
            viewer = await session.join(codecs=("raw",))
            await trio.sleep(0.5)
            before = len(viewer.frames)
            x_server.run("xdotool", "mousemove", "100", "100", "key", "Return")
            await trio.sleep(4)
            await until_shown(viewer, desk)
            upwards = [c for c in copies_of(viewer, before) if c.source_y > c.rectangle.y]
            assert len(upwards) >= 15
