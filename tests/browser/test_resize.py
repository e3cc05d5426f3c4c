"""The display takes the size of the window, and the picture stays crisp."""

from __future__ import annotations

import pytest

from tests.browser.conftest import OpenPage
from tests.browser.remote_page import RemotePage
from tests.waiting import wait_until_equal
from tests.x_desk import XDesk

pytestmark = [pytest.mark.browser, pytest.mark.x11]

LAYOUT = """
() => {
  const canvas = document.querySelector("#desktop canvas");
  const box = canvas.getBoundingClientRect();
  const ratio = devicePixelRatio;
  return [box.width * ratio / canvas.width, box.height * ratio / canvas.height,
          getComputedStyle(canvas).imageRendering];
}
"""


def wait_until_sized(remote: RemotePage, desk: XDesk, size: tuple[int, int]) -> None:
    wait_until_equal(lambda: desk.size, size)
    remote.wait_for_size(*size)


@pytest.mark.parametrize("size", [(1000, 700), (641, 479), (333, 517), (1366, 768)])
def test_the_display_takes_the_size_of_the_window(
    remote: RemotePage, desk: XDesk, size: tuple[int, int]
) -> None:
    desk.open_window(300, 200, 10, 10, colour=0x884422).write("resized", 20, 40)
    remote.page.set_viewport_size({"width": size[0], "height": size[1]})

    wait_until_sized(remote, desk, size)
    remote.wait_until_exact(desk)
    assert remote.page.evaluate(LAYOUT) == [1, 1, "pixelated"]


def test_many_sizes_in_a_row_end_at_the_last_one(remote: RemotePage, desk: XDesk) -> None:
    for width in range(500, 900, 25):
        remote.page.set_viewport_size({"width": width, "height": width - 100})
    wait_until_sized(remote, desk, (875, 775))
    remote.wait_until_exact(desk)


def test_on_a_fine_screen_each_desktop_pixel_is_a_square_of_whole_pixels(
    open_page: OpenPage, desk: XDesk
) -> None:
    remote = open_page(size=(700, 500), device_scale_factor=2)
    wait_until_sized(remote, desk, (700, 500))
    assert remote.page.evaluate(LAYOUT) == [2, 2, "pixelated"]

    remote.open_panel()
    remote.page.locator("#device-pixels").check()

    wait_until_sized(remote, desk, (1400, 1000))
    assert remote.page.evaluate(LAYOUT) == [1, 1, "pixelated"]


def test_a_window_beyond_the_largest_display_shows_it_as_large_as_it_gets(
    open_page: OpenPage, desk: XDesk
) -> None:
    remote = open_page(size=(2100, 600))
    wait_until_sized(remote, desk, (1920, 600))
    remote.wait_until_exact(desk)


def test_another_viewer_follows_the_size(
    open_page: OpenPage, remote: RemotePage, desk: XDesk
) -> None:
    follower = open_page(size=(700, 500))
    wait_until_sized(follower, desk, (700, 500))

    remote.page.set_viewport_size({"width": 900, "height": 650})

    wait_until_sized(remote, desk, (900, 650))
    follower.wait_for_size(900, 650)
    follower.wait_until_exact(desk)
    remote.wait_until_exact(desk)


def test_a_viewer_that_scales_the_picture_leaves_the_display_alone(
    remote: RemotePage, desk: XDesk
) -> None:
    wait_until_sized(remote, desk, (800, 600))
    remote.choose_scale("fit")

    remote.page.set_viewport_size({"width": 400, "height": 500})

    wait_until_equal(
        lambda: remote.page.locator("#desktop canvas").bounding_box(),
        {"x": 0, "y": 100, "width": 400, "height": 300},
    )
    assert desk.size == (800, 600)

    remote.choose_scale("resize")
    wait_until_sized(remote, desk, (400, 500))
