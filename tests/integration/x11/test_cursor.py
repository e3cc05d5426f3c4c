"""Cursor images of a real X server."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import trio
from kasmcore_x11.connection import close_display, open_display
from kasmcore_x11.screen import open_screen
from kasmcore_x11.settings import X11Settings
from Xlib import X, Xcursorfont
from Xlib.display import Display
from Xlib.xobject.fontable import Font

from kasmcore.api import HIDDEN_CURSOR, CursorImage

if TYPE_CHECKING:
    from tests.integration.x11.conftest import XServer

pytestmark = pytest.mark.x11


def set_cursor(display: Display, shape: int) -> None:
    """Give the root window, where the pointer is, a shape of the standard cursor font."""
    font = display.open_font("cursor")
    assert isinstance(font, Font)
    cursor = font.create_glyph_cursor(
        font, shape, shape + 1, (0xFFFF, 0, 0), (0xFFFF, 0xFFFF, 0xFFFF)
    )
    display.screen().root.change_attributes(cursor=cursor)
    display.sync()


def set_empty_cursor(display: Display) -> None:
    """What applications do to hide the pointer: a cursor whose mask has no pixel."""
    root = display.screen().root
    pixmap = root.create_pixmap(8, 8, 1)
    gc = pixmap.create_gc(foreground=0)
    pixmap.fill_rectangle(gc, 0, 0, 8, 8)
    cursor = pixmap.create_cursor(pixmap, (0, 0, 0), (0, 0, 0), 0, 0)
    root.change_attributes(cursor=cursor)
    display.sync()


def pixel(image: CursorImage, x: int, y: int) -> tuple[int, ...]:
    start = (y * image.width + x) * 4
    return tuple(image.rgba[start : start + 4])


async def test_the_cursor_comes_at_once_and_then_when_it_changes(x_server: XServer) -> None:
    display = open_display(x_server.name, "")
    async with open_screen(x_server.name, "", X11Settings()) as screen:
        with trio.fail_after(30):
            first = await screen.next_cursor()
            with trio.move_on_after(0.1) as waited:
                await screen.next_cursor()
            assert waited.cancelled_caught
            set_cursor(display, Xcursorfont.left_ptr)
            arrow = await screen.next_cursor()
            set_cursor(display, Xcursorfont.crosshair)
            cross = await screen.next_cursor()
    assert first != arrow != cross
    assert pixel(arrow, arrow.hotspot_x, arrow.hotspot_y) in {
        (255, 0, 0, 255),
        (255, 255, 255, 255),
    }
    assert len(cross.rgba) == cross.width * cross.height * 4
    assert 0 < cross.hotspot_x < cross.width
    close_display(display)


async def test_an_empty_cursor_counts_as_hidden(x_server: XServer) -> None:
    display = open_display(x_server.name, "")
    async with open_screen(x_server.name, "", X11Settings()) as screen:
        with trio.fail_after(30):
            await screen.next_cursor()
            set_empty_cursor(display)
            assert await screen.next_cursor() == HIDDEN_CURSOR
            set_cursor(display, Xcursorfont.hand2)
            assert (await screen.next_cursor()).width > 1
    close_display(display)


async def test_a_change_to_the_same_image_is_not_told(x_server: XServer) -> None:
    display = open_display(x_server.name, "")
    async with open_screen(x_server.name, "", X11Settings()) as screen:
        with trio.fail_after(30):
            set_cursor(display, Xcursorfont.hand2)
            hand = await screen.next_cursor()
            set_cursor(display, Xcursorfont.hand2)  # a new cursor that looks the same
            with trio.move_on_after(0.2) as waited:
                await screen.next_cursor()
            assert waited.cancelled_caught
            set_cursor(display, Xcursorfont.watch)
            assert await screen.next_cursor() != hand
    close_display(display)


async def test_the_pointer_is_no_part_of_the_frame(x_server: XServer) -> None:
    display = open_display(x_server.name, "")
    root = display.screen().root
    gc = root.create_gc(foreground=0x204060, subwindow_mode=X.IncludeInferiors)
    root.fill_rectangle(gc, 0, 0, 1280, 800)
    set_cursor(display, Xcursorfont.left_ptr)
    root.warp_pointer(300, 300)
    display.sync()
    async with open_screen(x_server.name, "", X11Settings()) as screen:
        frame = await screen.next_frame()
    assert (frame.pixels[..., 0] == 0x60).all()
    close_display(display)
