"""Data loss prevention as a person meets it: what is hidden, what is refused, what is told."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.browser.conftest import OpenPage
from tests.browser.pictures import noise
from tests.browser.remote_page import RemotePage
from tests.live_server import Launcher, LiveServer
from tests.waiting import wait_for, wait_until_equal
from tests.x_desk import PointerEvent, RgbPixels, XDesk

pytestmark = [pytest.mark.browser, pytest.mark.x11]

DLP = "data_loss_prevention"
ROWS, COLUMNS = slice(50, 450), slice(100, 700)
"""What may be seen of 800x600 pixels."""


@pytest.fixture(scope="module")
def server(servers: Launcher) -> LiveServer:
    return servers.start(
        f"{DLP}.visible_region.left=100",
        f"{DLP}.visible_region.top=50",
        f"{DLP}.visible_region.right=-100",
        f"{DLP}.visible_region.bottom=-150",
        f"{DLP}.keyboard.enabled=false",
        f"{DLP}.clipboard.server_to_client.enabled=false",
        f"{DLP}.clipboard.client_to_server.enabled=false",
    )


def visible(pixels: RgbPixels) -> RgbPixels:
    seen = np.zeros_like(pixels)
    seen[ROWS, COLUMNS] = pixels[ROWS, COLUMNS]
    return seen


def test_what_lies_outside_the_visible_region_is_black_for_viewers(
    remote: RemotePage, desk: XDesk
) -> None:
    wait_until_equal(lambda: desk.size, (800, 600))
    window = desk.open_window(800, 600, colour=0xFFFFFF)
    window.paint(noise(800, 600))
    remote.wait_until_exact(desk, visible)

    window.fill(0x00FF00, (0, 0, 800, 600))
    window.fill(0xFF0000, (90, 40, 30, 30))  # across the border
    remote.wait_until_exact(desk, visible)
    assert not remote.pixels()[:50].any()


def test_what_lies_outside_the_visible_region_is_black_in_screenshots(
    remote: RemotePage, desk: XDesk, servers: Launcher, server: LiveServer, tmp_path: Path
) -> None:
    desk.open_window(800, 600).paint(noise(800, 600, seed=5))
    file = tmp_path / "desk.png"

    done = servers.command("screenshot", server.url, "-o", str(file), "--wait-exact")

    assert done.returncode == 0, done.stderr
    shown = np.asarray(Image.open(file).convert("RGB"))
    np.testing.assert_array_equal(shown, visible(desk.pixels()))


def test_clicks_outside_the_visible_region_do_not_arrive(remote: RemotePage, desk: XDesk) -> None:
    window = desk.open_window(800, 600)
    for place in ((50, 300), (400, 20), (750, 300), (400, 500)):
        remote.click(*place)
        remote.page.mouse.wheel(0, 100)
    remote.click(400, 300)

    seen: list[PointerEvent] = []

    def has_clicked() -> bool:
        seen.extend(event for event in window.pointer_events() if event.kind != "move")
        return len(seen) >= 2

    wait_for(has_clicked, "the click inside")
    assert seen == [PointerEvent("press", 400, 300, 1), PointerEvent("release", 400, 300, 1)]


def test_a_keyboard_that_is_switched_off_types_nothing_and_says_so(
    remote: RemotePage, desk: XDesk
) -> None:
    remote.click(400, 300)
    remote.page.keyboard.type("typed in vain")
    remote.keys.insert("日本")
    remote.wait_for_toast("Typing is switched off in this session.")
    assert desk.held_keycodes() == []


def test_a_clipboard_that_is_switched_off_leaves_nothing_and_says_so(
    remote: RemotePage, desk: XDesk
) -> None:
    desk.copy("secret")
    remote.wait_for_toast("Nothing may be copied out of the session.")
    remote.open_panel()
    assert remote.page.locator("#clipboard-text").input_value() == ""


def test_a_clipboard_that_is_switched_off_takes_nothing_and_says_so(
    open_page: OpenPage, desk: XDesk
) -> None:
    desk.copy("as it was")
    remote = open_page()
    remote.open_panel()
    remote.page.locator("#clipboard-text").fill("from outside")
    remote.page.locator("#clipboard-send").click()
    remote.wait_for_toast("Nothing may be copied into the session.")
    assert desk.pasted() == "as it was"
