"""The pointer: places, buttons, wheel and the image of the cursor."""

from __future__ import annotations

import numpy as np
import pytest
from Xlib import X
from Xlib.ext import xfixes

from tests.browser.conftest import OpenPage
from tests.browser.remote_page import RemotePage
from tests.waiting import wait_for, wait_until_equal
from tests.x_desk import PaintedWindow, PointerEvent, XDesk, open_font

pytestmark = [pytest.mark.browser, pytest.mark.x11]

CURSOR_PIXELS = """
async (css) => {
  const [, url, x, y] = /url\\("([^"]+)"\\).*\\) (\\d+) (\\d+), default$/.exec(css);
  const image = new Image();
  image.src = url;
  await image.decode();
  const context = new OffscreenCanvas(image.width, image.height).getContext("2d");
  context.drawImage(image, 0, 0);
  const { data } = context.getImageData(0, 0, image.width, image.height);
  return { width: image.width, height: image.height, x: Number(x), y: Number(y), rgba: [...data] };
}
"""
LEFT_POINTER, WATCH, CROSS = 68, 150, 34
"""Glyphs of X's cursor font."""


@pytest.fixture
def window(remote: RemotePage, desk: XDesk) -> PaintedWindow:
    """A window over the whole display."""
    wait_until_equal(lambda: desk.size, (800, 600))
    opened = desk.open_window(800, 600)
    remote.page.mouse.move(9, 9)  # what does not move is not told
    remote.page.mouse.move(5, 5)
    wait_until_equal(desk.pointer, (5, 5))
    opened.pointer_events()
    return opened


def wait_for_events(window: PaintedWindow, *expected: PointerEvent) -> None:
    """Wait for these events; movements in between do not matter."""
    seen: list[PointerEvent] = []
    wanted = list(expected)

    def look() -> bool:
        seen.extend(event for event in window.pointer_events() if event.kind != "move")
        return len(seen) >= len(wanted)

    wait_for(look, f"{len(wanted)} presses and releases")
    assert seen == wanted


@pytest.mark.parametrize(("button", "number"), [("left", 1), ("middle", 2), ("right", 3)])
@pytest.mark.parametrize("place", [(0, 0), (799, 599), (123, 456)])
def test_a_click_arrives_at_its_place(
    remote: RemotePage, window: PaintedWindow, place: tuple[int, int], button: str, number: int
) -> None:
    remote.click(*place, button)
    wait_for_events(
        window, PointerEvent("press", *place, number), PointerEvent("release", *place, number)
    )


def test_a_drag_holds_the_button_on_its_whole_way(
    remote: RemotePage, window: PaintedWindow, desk: XDesk
) -> None:
    remote.page.mouse.move(100, 100)
    remote.page.mouse.down()
    for step in range(1, 11):
        remote.page.mouse.move(100 + 20 * step, 100 + 10 * step)
    wait_until_equal(desk.pointer, (300, 200))
    assert desk.modifiers_and_buttons() & X.Button1Mask
    remote.page.mouse.up()
    wait_for_events(
        window, PointerEvent("press", 100, 100, 1), PointerEvent("release", 300, 200, 1)
    )


def test_a_double_click_is_two_clicks(remote: RemotePage, window: PaintedWindow) -> None:
    remote.page.mouse.dblclick(50, 60)
    both = (PointerEvent("press", 50, 60, 1), PointerEvent("release", 50, 60, 1))
    wait_for_events(window, *both, *both)


@pytest.mark.parametrize(
    ("turn", "button"), [((0, -100), 4), ((0, 100), 5), ((-100, 0), 6), ((100, 0), 7)]
)
def test_the_wheel_turns_in_its_direction(
    remote: RemotePage, window: PaintedWindow, turn: tuple[int, int], button: int
) -> None:
    remote.page.mouse.move(200, 300)
    remote.page.mouse.wheel(*turn)
    wait_for_events(
        window, PointerEvent("press", 200, 300, button), PointerEvent("release", 200, 300, button)
    )


def test_clicks_hit_the_right_pixel_of_a_scaled_picture(
    open_page: OpenPage, window: PaintedWindow
) -> None:
    remote = open_page()
    remote.choose_scale("fit")
    remote.page.set_viewport_size({"width": 400, "height": 300})
    canvas = remote.page.locator("#desktop canvas")
    wait_until_equal(canvas.bounding_box, {"x": 0, "y": 0, "width": 400, "height": 300})

    remote.click(100, 75)
    remote.click(399, 299)

    clicks = [(kind, x, y) for x, y in ((200, 150), (798, 598)) for kind in ("press", "release")]
    wait_for_events(window, *(PointerEvent(kind, x, y, 1) for kind, x, y in clicks))


def test_on_a_fine_screen_clicks_hit_the_right_pixel(open_page: OpenPage, desk: XDesk) -> None:
    remote = open_page(size=(400, 300), device_scale_factor=2)
    remote.wait_for_size(400, 300)
    window = desk.open_window(400, 300)
    remote.click(321, 123)
    wait_for_events(
        window, PointerEvent("press", 321, 123, 1), PointerEvent("release", 321, 123, 1)
    )


def show_glyph(desk: XDesk, window: PaintedWindow, glyph: int) -> None:
    font = open_font(desk.display, "cursor")
    black, red = (0, 0, 0), (65535, 0, 0)
    cursor = font.create_glyph_cursor(font, glyph, glyph + 1, red, black)
    window.window.change_attributes(cursor=cursor)
    desk.display.sync()


@pytest.mark.parametrize("glyph", [LEFT_POINTER, WATCH, CROSS])
def test_the_browser_shows_the_desktops_cursor(
    remote: RemotePage, window: PaintedWindow, desk: XDesk, glyph: int
) -> None:
    before = remote.cursor
    show_glyph(desk, window, glyph)
    remote.page.mouse.move(200, 200)
    wait_for(lambda: remote.cursor not in ("", before), "another cursor")

    desk.display.xfixes_query_version()
    real = xfixes.get_cursor_image(desk.display, desk.display.screen().root)
    shown = remote.page.evaluate(CURSOR_PIXELS, remote.cursor)

    assert (shown["width"], shown["height"]) == (real.width, real.height)
    assert (shown["x"], shown["y"]) == (real.xhot, real.yhot)
    rgba = np.array(shown["rgba"], np.uint8).reshape(real.height, real.width, 4)
    argb = np.array(real.cursor_image, np.uint32).reshape(real.height, real.width)
    opaque = argb >> 24 == 255
    assert opaque.any()
    np.testing.assert_array_equal(rgba[..., 3], argb >> 24)
    for channel, shift in enumerate((16, 8, 0)):
        np.testing.assert_array_equal(rgba[opaque][:, channel], (argb[opaque] >> shift) & 255)


def test_a_cursor_that_a_program_hides_is_hidden(
    remote: RemotePage, window: PaintedWindow, desk: XDesk
) -> None:
    show_glyph(desk, window, CROSS)
    wait_for(lambda: remote.cursor not in ("", "none"), "a cursor")

    blank = window.window.create_pixmap(1, 1, 1)
    context = blank.create_gc(foreground=0)
    blank.fill_rectangle(context.id, 0, 0, 1, 1)
    window.window.change_attributes(
        cursor=blank.create_cursor(blank.id, (0, 0, 0), (0, 0, 0), 0, 0)
    )
    desk.display.sync()

    wait_until_equal(lambda: remote.cursor, "none")
