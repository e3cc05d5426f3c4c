"""What the page shows is what the X display holds, pixel for pixel, once it rests."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.browser.conftest import OpenPage
from tests.browser.pictures import noise, photograph
from tests.browser.remote_page import RemotePage
from tests.x_desk import PaintedWindow, XDesk

pytestmark = [pytest.mark.browser, pytest.mark.x11]


def write_lines(window: PaintedWindow, lines: int, seed: int = 0) -> None:
    random = np.random.default_rng(seed)
    for line in range(lines):
        letters = "".join(chr(code) for code in random.integers(33, 127, 60))
        window.write(letters, 4, 14 + 13 * line)


def test_the_first_picture_is_the_whole_display(desk: XDesk, open_page: OpenPage) -> None:
    window = desk.open_window(500, 400, 30, 20, colour=0x336699)
    write_lines(window, 20)
    window.paint(photograph(200, 100), 250, 250)

    remote = open_page()

    remote.wait_until_exact(desk)


def test_photographs_noise_and_text_are_exact_after_rest(remote: RemotePage, desk: XDesk) -> None:
    window = desk.open_window(800, 600, colour=0x202428)
    write_lines(window, 40)
    window.paint(photograph(300, 200), 450, 10)
    window.paint(noise(160, 120), 500, 300)
    remote.wait_until_exact(desk)

    window.paint(photograph(800, 600, phase=2.0))
    remote.wait_until_exact(desk)


def test_changes_of_any_size_are_exact_after_rest(remote: RemotePage, desk: XDesk) -> None:
    window = desk.open_window(800, 600)
    random = np.random.default_rng(3)
    for turn in range(6):
        for _ in range(12):
            x, y = int(random.integers(0, 800)), int(random.integers(0, 600))
            width, height = (int(side) for side in random.integers(1, 2 ** (turn + 3), 2))
            window.fill(int(random.integers(0, 1 << 24)), (x, y, width, height))
        remote.wait_until_exact(desk)

    window.fill(0xFF0000, (799, 599, 1, 1))
    remote.wait_until_exact(desk)


def test_windows_that_moved_leave_no_trace(remote: RemotePage, desk: XDesk) -> None:
    desk.open_window(800, 600, colour=0x446644)
    moved = desk.open_window(300, 200)
    moved.paint(photograph(300, 200))
    write_lines(moved, 6)
    for step in range(40):
        moved.move(12 * step - 20, 7 * step - 20)
    remote.wait_until_exact(desk)


def test_a_picture_that_moved_for_a_while_is_exact_after_rest(
    remote: RemotePage, desk: XDesk
) -> None:
    window = desk.open_window(800, 600)
    write_lines(window, 40)
    for frame in range(60):
        window.paint(photograph(320, 240, phase=frame / 5), 200, 150)
    window.paint(noise(320, 240), 200, 150)

    remote.wait_until_exact(desk)


def test_a_terminal_that_scrolled_is_exact_after_rest(
    remote: RemotePage, desk: XDesk, tmp_path: Path
) -> None:
    done = tmp_path / "done"
    desk.open_terminal(f"seq 1 3000; touch {done}; cat", ready=done)
    remote.wait_until_exact(desk)


def test_the_screen_shows_the_display_pixel_for_pixel(desk: XDesk, open_page: OpenPage) -> None:
    remote = open_page(size=(640, 480))
    remote.wait_for_size(640, 480)
    window = desk.open_window(640, 480)
    window.paint(noise(640, 480))
    remote.wait_until_exact(desk)

    left = {"x": 0, "y": 100, "width": 640, "height": 380}  # below the panel's button
    picture = Image.open(io.BytesIO(remote.page.screenshot(clip=left)))  # type: ignore[arg-type]

    np.testing.assert_array_equal(np.asarray(picture.convert("RGB")), desk.pixels()[100:])
