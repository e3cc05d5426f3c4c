"""The display gets another size at run time: by us, by a user inside, or not at all."""

from __future__ import annotations

import logging
import random
from typing import TYPE_CHECKING

import numpy as np
import pytest
import trio
from kasmcore_x11.connection import close_display, open_display
from kasmcore_x11.screen import X11Screen, open_screen
from kasmcore_x11.settings import X11Settings
from Xlib import X

from kasmcore.api import CapturedFrame, Rectangle, Size

if TYPE_CHECKING:
    from tests.integration.x11.conftest import StartXServer, XServer

pytestmark = pytest.mark.x11


async def frame_of(screen: X11Screen, size: Size) -> CapturedFrame:
    """The first frame of this size."""
    while (frame := await screen.next_frame()).size != size:
        pass
    return frame


async def test_the_frame_after_a_resize_has_the_new_size_and_is_whole(x_server: XServer) -> None:
    async with open_screen(x_server.name, "", X11Settings()) as screen:
        with trio.fail_after(30):
            await screen.next_frame()
            for size in (Size(1281 - 2, 723), Size(1, 1), Size(1280, 800), Size(333, 777)):
                assert await screen.resize(size) == size == screen.size
                frame = await screen.next_frame()
                assert frame.size == size
                assert frame.hints == (Rectangle.of_size(size),)
                assert len(x_server.run("xwininfo", "-root").split(b"\n")) > 5
                expected = f"-geometry {size}+0+0".encode()
                assert expected in x_server.run("xwininfo", "-root")


async def test_a_size_beyond_the_limits_becomes_the_nearest_possible(x_server: XServer) -> None:
    async with open_screen(x_server.name, "", X11Settings()) as screen:
        with trio.fail_after(30):
            assert await screen.resize(Size(640, 480)) == Size(640, 480)
            assert await screen.resize(Size(60000, 70000)) == Size(1280, 800)
            assert await screen.resize(Size(9000, 100)) == Size(1280, 100)


async def test_many_resizes_leave_one_mode_and_no_framebuffer_behind(x_server: XServer) -> None:
    randomness = random.Random(1)
    async with open_screen(x_server.name, "", X11Settings()) as screen:
        with trio.fail_after(100):
            for _ in range(200):
                size = Size(randomness.randrange(100, 1280), randomness.randrange(100, 800))
                assert await screen.resize(size) == size
                frame = await frame_of(screen, size)
    modes = x_server.run("xrandr").decode()
    assert modes.count("kasmcore-") == 1
    assert f"kasmcore-{frame.size}" in modes
    assert modes.count(" 1280x800 ") == 1  # the server's own mode stays


async def test_two_viewers_may_resize_at_once(x_server: XServer) -> None:
    sizes = [Size(600 + 10 * count, 500) for count in range(20)]
    async with open_screen(x_server.name, "", X11Settings()) as screen:
        with trio.fail_after(30):
            async with trio.open_nursery() as nursery:
                for size in sizes:
                    nursery.start_soon(screen.resize, size)
            assert screen.size in sizes
            assert (await screen.next_frame()).size == screen.size
    assert x_server.run("xrandr").decode().count("kasmcore-") == 1


async def test_modes_that_another_run_left_behind_are_removed(x_server: XServer) -> None:
    timing = ["0", "640", "640", "640", "640", "480", "480", "480", "480"]
    x_server.run("xrandr", "--newmode", "kasmcore-640x480", *timing)
    x_server.run("xrandr", "--newmode", "mine", *timing)
    async with open_screen(x_server.name, "", X11Settings()) as screen:
        assert await screen.resize(Size(500, 400)) == Size(500, 400)
    modes = x_server.run("xrandr", "--verbose").decode()
    assert "kasmcore-640x480" not in modes
    assert "kasmcore-500x400" in modes
    assert "mine" in modes


async def test_the_resolution_stays_at_96_dots_per_inch(x_server: XServer) -> None:
    async with open_screen(x_server.name, "", X11Settings()) as screen:
        for size in (Size(1111, 555), Size(640, 480)):
            await screen.resize(size)
            assert b"96x96 dots per inch" in x_server.run("xdpyinfo")


async def test_a_resize_from_inside_is_noticed(x_server: XServer) -> None:
    async with open_screen(x_server.name, "", X11Settings()) as screen:
        with trio.fail_after(30):
            await screen.resize(Size(600, 500))
            await frame_of(screen, Size(600, 500))
            async with trio.open_nursery() as nursery:
                nursery.start_soon(
                    trio.to_thread.run_sync, x_server.run, "xrandr", "-s", "1280x800"
                )
                frame = await frame_of(screen, Size(1280, 800))
        assert screen.size == Size(1280, 800)
        assert frame.hints == (Rectangle.of_size(screen.size),)


async def test_frames_go_on_while_the_size_changes_all_the_time(x_server: XServer) -> None:
    display = open_display(x_server.name, "")
    gc = display.screen().root.create_gc(subwindow_mode=X.IncludeInferiors)
    sizes = [Size(width, 900 - width // 2) for width in range(200, 1200, 40)]
    async with open_screen(x_server.name, "", X11Settings()) as screen:
        with trio.fail_after(60):
            async with trio.open_nursery() as nursery:

                async def resize_all() -> None:
                    for size in sizes:
                        assert await screen.resize(size) == size
                    nursery.cancel_scope.cancel()

                async def paint() -> None:
                    while True:
                        display.screen().root.fill_rectangle(gc, 0, 0, 1280, 800)
                        display.flush()
                        await trio.sleep(0)

                nursery.start_soon(resize_all)
                nursery.start_soon(paint)
                while True:
                    frame = await screen.next_frame()
                    assert frame.size in {Size(1280, 800), *sizes}
                    whole = Rectangle.of_size(frame.size)
                    assert all(whole.contains(hint) for hint in frame.hints)
            display.sync()
            gc.change(foreground=0xC0FFEE)
            display.screen().root.fill_rectangle(gc, 0, 0, 1280, 800)
            display.sync()
            while (frame := await screen.next_frame()).pixels[0, 0, 0] != 0xEE:
                pass
            assert frame.size == sizes[-1]
            assert np.ptp(frame.pixels[..., :3].reshape(-1, 3), axis=0).tolist() == [0, 0, 0]
    close_display(display)


async def test_a_server_without_randr_keeps_its_size_and_says_why(
    start_x_server: StartXServer, caplog: pytest.LogCaptureFixture
) -> None:
    server = start_x_server(640, 480, 24, "-extension", "RANDR")
    async with open_screen(server.name, "", X11Settings()) as screen:
        with caplog.at_level(logging.WARNING, "kasmcore.x11"), trio.fail_after(30):
            assert await screen.resize(Size(320, 200)) == Size(640, 480)
    assert f"display {server.name} stays at 640x480: it has no RandR" in caplog.text
