"""What scrolls and what keeps moving on a real desktop, as a browser gets it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.browser.conftest import OpenPage
from tests.browser.pictures import noise, photograph
from tests.browser.remote_page import RemotePage
from tests.waiting import wait_for
from tests.x_desk import XDesk

pytestmark = [pytest.mark.browser, pytest.mark.x11]


def ways_of_coming(remote: RemotePage) -> str:
    """The page's own figures: how parts of the last frames came."""
    return remote.page.locator("#statistics dd").nth(3).inner_text()


def watch(open_page: OpenPage) -> RemotePage:
    remote = open_page()
    remote.open_panel()
    remote.page.click("#statistics-toggle")
    remote.close_panel()
    return remote


def test_what_keeps_moving_comes_as_video_and_is_exact_after_rest(
    open_page: OpenPage, desk: XDesk
) -> None:
    remote = watch(open_page)
    window = desk.open_window(800, 600)
    window.paint(noise(800, 600))
    pictures = [photograph(480, 320, phase=turn / 5) for turn in range(16)]
    turns = iter(range(100_000))

    def is_video() -> bool:
        for _ in range(8):
            window.paint(pictures[next(turns) % len(pictures)], 100, 120)
        return "h264" in ways_of_coming(remote)

    wait_for(is_video, "a video stream")
    remote.wait_until_exact(desk)


def test_a_terminal_that_scrolls_comes_as_copies(
    open_page: OpenPage, desk: XDesk, tmp_path: Path
) -> None:
    remote = watch(open_page)
    ready = tmp_path / "ready"
    lines = "i=0; while [ $i -lt 4000 ]; do i=$((i+1)); echo line $i of many; sleep 0.03; done"
    desk.open_terminal(f"touch {ready}; {lines}", ready=ready)

    wait_for(lambda: "copies" in ways_of_coming(remote), "copies")
