"""What the page tells about the picture, and what it asks of it."""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np
import pytest
from playwright.sync_api import Page

from kasmcore.values.frames import CopiedRectangle, VideoRectangle
from kasmcore.values.geometry import Rectangle, Size
from kasmcore.values.viewer_events import PictureSettings, VideoPreference
from kasmcore.values.viewer_updates import ViewerStatistics
from tests.browser.conftest import OpenContext
from tests.browser.pictures import photograph
from tests.browser.remote_page import RemotePage
from tests.browser.scripted_server import ScriptedServer, ScriptedViewer, scripted_server
from tests.browser.test_frame_parts import image
from tests.browser.video_packets import PacketMaker
from tests.waiting import wait_for, wait_until_equal

pytestmark = pytest.mark.browser

SIZE = Size(400, 300)
VIDEO = Rectangle(16, 16, 64, 48)
READ_BORDERS = """
() => {
  const canvas = document.querySelector(".kasmcore-regions");
  const { data, width, height } = canvas.getContext("2d").getImageData(0, 0, 400, 300);
  const box = canvas.getBoundingClientRect();
  const under = document.querySelector("#desktop canvas").getBoundingClientRect();
  return {
    size: [canvas.width, canvas.height],
    isOverThePicture: box.x === under.x && box.y === under.y && box.width === under.width,
    marked: data.reduce((count, value, i) => count + (i % 4 === 3 && value > 0), 0),
    legend: document.querySelector(".kasmcore-region-legend").innerText,
  };
}
"""


@pytest.fixture(scope="module")
def server() -> Iterator[ScriptedServer]:
    with scripted_server(("qoi", "h264"), SIZE) as opened:
        yield opened


@pytest.fixture
def page(open_context: OpenContext, server: ScriptedServer) -> Page:
    opened = open_context().new_page()
    opened.goto(server.url)
    return opened


def show_something_of_each(viewer: ScriptedViewer) -> None:
    packet = PacketMaker(VIDEO.size).encode(photograph(VIDEO.width, VIDEO.height))
    viewer.show(
        SIZE,
        CopiedRectangle(Rectangle(200, 0, 100, 50), 0, 0),
        image(Rectangle(0, 200, 60, 40)),
        VideoRectangle(VIDEO, "h264", 80, 1, True, False, packet),
    )


def figures(page: Page) -> dict[str, str]:
    return dict(
        page.evaluate(
            """() => [...document.querySelectorAll("#statistics-list dt")].map(
                 (term) => [term.innerText, term.nextElementSibling.innerText])"""
        )
    )


def test_the_figures_are_there_before_and_after_the_first_frame_and_finite(
    page: Page, server: ScriptedServer
) -> None:
    viewer = server.next_viewer()
    RemotePage.on(page).open_panel()
    page.click("#statistics-toggle")
    assert "Frames" in figures(page)

    viewer.tell(ViewerStatistics(1.0, 1.0, 1.0, 1.0, skipped_frames=7, viewers=2))
    viewer.show(SIZE, image(Rectangle(0, 0, 60, 40)))
    show_something_of_each(viewer)

    wait_for(lambda: "– network" in figures(page), "the stages")
    told = figures(page)
    assert told["Skipped frames"] == "7"
    assert re.search(r"h264 \d+ % / \d+ %", told["Codecs, of data / of area"])
    assert "0.5 copies a second" in told["Codecs, of data / of area"]
    stages = [value for name, value in told.items() if name.startswith("–")]
    assert len(stages) == 7
    for value in [*stages, told["Latency, median / 95 %"]]:
        assert re.fullmatch(r"\d+\.\d / \d+\.\d ms", value), told
    assert not re.search("NaN|Infinity|undefined|null", " ".join(told.values()))
    wait_until_equal(lambda: figures(page)["Latency, median / 95 %"], "–")


def test_borders_tell_how_each_part_came_and_leave_the_picture_alone(
    page: Page, server: ScriptedServer
) -> None:
    viewer = server.next_viewer()
    viewer.show(SIZE, image(Rectangle(0, 0, 400, 300)))
    assert page.locator("#desktop canvas").count() == 1
    remote = RemotePage.on(page)
    remote.open_panel()
    page.check("#show-regions")

    show_something_of_each(viewer)

    seen = wait_for(lambda: (now := page.evaluate(READ_BORDERS))["marked"] and now, "borders")
    assert seen["size"] == [400, 300]
    assert seen["isOverThePicture"]
    assert [line.split()[-1] for line in seen["legend"].splitlines()] == ["copy", "h264", "qoi"]
    before = remote.pixels()
    wait_until_equal(lambda: page.evaluate(READ_BORDERS)["marked"], 0)
    np.testing.assert_array_equal(remote.pixels(), before)

    page.uncheck("#show-regions")
    assert page.locator("#desktop canvas").count() == 1


def test_wishes_about_the_picture_are_told_at_once_and_again_after_a_reload(
    page: Page, server: ScriptedServer
) -> None:
    viewer = server.next_viewer()
    RemotePage.on(page).open_panel()

    page.select_option("#video", "off")
    assert viewer.next_wish() == PictureSettings(video=VideoPreference.OFF)
    page.uncheck("#exact-at-rest")
    wish = viewer.next_wish()
    assert wish == PictureSettings(video=VideoPreference.OFF, exact_at_rest=False)

    page.reload()
    assert server.next_viewer().next_wish() == wish
