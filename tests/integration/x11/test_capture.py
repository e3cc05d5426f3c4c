"""Frames of a real X server: complete, exact, untorn, and free when nothing happens."""

from __future__ import annotations

import gc
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import trio
from kasmcore_x11.connection import open_display
from kasmcore_x11.framebuffer_ring import IDLE_FRAMES
from kasmcore_x11.screen import X11Screen, open_screen
from kasmcore_x11.settings import X11Settings
from numpy.typing import NDArray
from Xlib import X

from kasmcore.api import BgrxPixels, CapturedFrame, CaptureEnded, PluginUnavailable, Rectangle, Size

if TYPE_CHECKING:
    from tests.integration.x11.conftest import StartXServer, XServer

pytestmark = pytest.mark.x11

SIZE = Size(1280, 800)


@asynccontextmanager
async def watched(server: XServer, settings: X11Settings | None = None) -> AsyncIterator[X11Screen]:
    async with open_screen(server.name, "", settings or X11Settings()) as screen:
        with trio.fail_after(60):
            yield screen


class Painter:
    """A real X client that draws on the root window."""

    def __init__(self, name: str) -> None:
        self.display = open_display(name, "")
        self.root = self.display.screen().root
        self.gc = self.root.create_gc(subwindow_mode=X.IncludeInferiors)

    def fill(self, rectangle: Rectangle, colour: int) -> None:
        self.gc.change(foreground=colour)
        self.root.fill_rectangle(
            self.gc, rectangle.x, rectangle.y, rectangle.width, rectangle.height
        )
        self.display.sync()

    def scribble(self, randomness: random.Random) -> None:
        """Draw one random thing anywhere, also partly outside."""
        x, y = randomness.randrange(-50, SIZE.width), randomness.randrange(-50, SIZE.height)
        width, height = randomness.choice([(1, 1), (7, 300), (400, 9), (90, 60), (900, 600)])
        self.gc.change(foreground=randomness.randrange(1 << 24))
        match randomness.randrange(4):
            case 0:
                self.root.fill_rectangle(self.gc, x, y, width, height)
            case 1:
                self.root.line(self.gc, x, y, x + width, y + height)
            case 2:
                self.root.copy_area(self.gc, self.root, 10, 10, width, height, x, y)
            case _:
                spots = [(randomness.randrange(1280), randomness.randrange(800)) for _ in range(40)]
                self.root.poly_point(self.gc, X.CoordModeOrigin, spots)

    def picture(self) -> NDArray[np.uint8]:
        """The framebuffer as a plain GetImage reads it: blue, green, red."""
        geometry = self.root.get_geometry()
        image = self.root.get_image(0, 0, geometry.width, geometry.height, X.ZPixmap, 0xFFFFFFFF)
        pixels = np.frombuffer(image.data, np.uint8)
        return pixels.reshape(geometry.height, geometry.width, 4)[..., :3]


def rebuild(mirror: BgrxPixels, frame: CapturedFrame) -> None:
    """Bring the mirror up to date with nothing but the hinted rectangles."""
    for hint in frame.hints:
        mirror[hint.rows, hint.columns] = frame.pixels[hint.rows, hint.columns]


async def test_the_first_frame_is_whole_and_comes_at_once(x_server: XServer) -> None:
    painter = Painter(x_server.name)
    painter.fill(Rectangle(100, 50, 200, 30), 0x112233)
    async with watched(x_server) as screen:
        frame = await screen.next_frame()
    assert frame.size == screen.size == SIZE
    assert frame.hints == (Rectangle.of_size(SIZE),)
    assert frame.pixels[60, 150, :3].tolist() == [0x33, 0x22, 0x11]
    assert np.array_equal(frame.pixels[..., :3], painter.picture())


async def test_a_small_change_is_hinted_alone(x_server: XServer) -> None:
    painter = Painter(x_server.name)
    async with watched(x_server) as screen:
        first = await screen.next_frame()
        painter.fill(Rectangle(700, 400, 8, 16), 0xFFFFFF)
        frame = await screen.next_frame()
    assert frame.hints == (Rectangle(700, 400, 8, 16),)
    assert frame.serial > first.serial
    assert first.captured_at_s <= frame.changed_at_s <= frame.captured_at_s
    assert frame.pixels[399:401, 700, 0].tolist() == [0, 255]


async def test_two_changes_far_apart_stay_two_hints(x_server: XServer) -> None:
    painter = Painter(x_server.name)
    async with watched(x_server, X11Settings(settle_ms=50)) as screen:
        await screen.next_frame()
        painter.fill(Rectangle(1200, 10, 60, 16), 0xFFFFFF)  # a clock
        painter.fill(Rectangle(40, 700, 2, 18), 0xFFFFFF)  # a caret
        frame = await screen.next_frame()
    assert sorted(frame.hints, key=lambda hint: hint.y) == [
        Rectangle(1200, 10, 60, 16),
        Rectangle(40, 700, 2, 18),
    ]


async def test_changes_are_merged_to_few_hints(x_server: XServer) -> None:
    painter = Painter(x_server.name)
    async with watched(x_server, X11Settings(settle_ms=50)) as screen:
        mirror = (await screen.next_frame()).pixels.copy()
        for x in range(0, 1280, 20):
            for y in range(0, 800, 20):
                painter.gc.change(foreground=x * y)
                painter.root.fill_rectangle(painter.gc, x, y, 3, 3)
        painter.display.sync()
        frame = await screen.next_frame()
        assert 0 < len(frame.hints) <= 64
        rebuild(mirror, frame)
        assert np.array_equal(mirror, frame.pixels)


@pytest.mark.parametrize("seed", range(3))
async def test_hints_alone_rebuild_every_frame_while_a_client_draws(
    x_server: XServer, seed: int
) -> None:
    painter = Painter(x_server.name)

    def draw() -> None:
        randomness = random.Random(seed)
        for count in range(1500):
            painter.scribble(randomness)
            if randomness.random() < 0.2:
                painter.display.sync()
            if count % 100 == 0:
                time.sleep(0.01)
        painter.display.sync()

    async with watched(x_server) as screen:
        mirror = (await screen.next_frame()).pixels.copy()
        count = 0

        async def follow() -> None:
            nonlocal count
            while True:
                with trio.move_on_after(0.0005 if count % 3 == 0 else 60):  # often cut short
                    frame = await screen.next_frame()
                    rebuild(mirror, frame)
                    assert np.array_equal(mirror, frame.pixels)
                count += 1

        async with trio.open_nursery() as nursery:
            nursery.start_soon(follow)
            await trio.to_thread.run_sync(draw)
            picture = painter.picture()
            while not np.array_equal(mirror[..., :3], picture):
                await trio.sleep(0.01)
            nursery.cancel_scope.cancel()
        assert count > 5


async def test_a_held_frame_is_never_written_again(x_server: XServer) -> None:
    painter = Painter(x_server.name)
    async with watched(x_server) as screen:
        painter.fill(Rectangle.of_size(SIZE), 0x808080)
        held = (await screen.next_frame()).pixels[100:700][:, 200:900][::2, ::3, :3]
        before = held.copy()
        for colour in range(40):
            painter.fill(Rectangle.of_size(SIZE), colour)
            frame = await screen.next_frame()
            assert frame.pixels[400, 400, 0] == colour
        assert np.array_equal(held, before)
        with pytest.raises(ValueError, match="read-only"):
            held[0, 0, 0] = 1


async def test_framebuffers_are_used_again_when_nobody_reads_them(x_server: XServer) -> None:
    painter = Painter(x_server.name)
    async with watched(x_server) as screen:
        for colour in range(50):
            painter.fill(Rectangle.of_size(SIZE), colour)
            frame = await screen.next_frame()  # the one before is let go after this one came
        assert shared_segments() == 2
        del frame
    gc.collect()
    assert shared_segments() == 0


async def test_memory_is_bounded_and_a_frame_waits_for_a_reader_to_let_go(
    x_server: XServer,
) -> None:
    painter = Painter(x_server.name)
    async with watched(x_server, X11Settings(most_framebuffers=3)) as screen:
        held = []
        for colour in range(1, 4):
            painter.fill(Rectangle.of_size(SIZE), colour)
            held.append((await screen.next_frame()).pixels[5:, 5:])
        painter.fill(Rectangle.of_size(SIZE), 9)
        with trio.move_on_after(0.1) as waited:
            await screen.next_frame()
        assert waited.cancelled_caught
        assert shared_segments() == 3
        async with trio.open_nursery() as nursery:
            nursery.start_soon(trio.to_thread.run_sync, held.pop, 1)
            frame = await screen.next_frame()
        assert frame.pixels[0, 0, 0] == 9
        assert [int(view[0, 0, 0]) for view in held] == [1, 3]
        assert shared_segments() == 3


async def test_framebuffers_that_are_not_needed_any_more_are_given_back(
    x_server: XServer,
) -> None:
    painter = Painter(x_server.name)
    async with watched(x_server, X11Settings(settle_ms=0)) as screen:
        held = []
        for colour in range(6):
            painter.fill(Rectangle(0, 0, 4, 4), colour)
            held.append(await screen.next_frame())
        assert shared_segments() == 6
        held.clear()
        for colour in range(IDLE_FRAMES + 5):
            painter.fill(Rectangle(0, 0, 4, 4), colour)
            frame = await screen.next_frame()
        assert shared_segments() == 2
        assert frame.pixels[0, 0, 0] == (IDLE_FRAMES + 4) % 256


async def test_a_frame_outlives_the_capture(x_server: XServer) -> None:
    painter = Painter(x_server.name)
    painter.fill(Rectangle.of_size(SIZE), 0x010203)
    async with watched(x_server) as screen:
        pixels = (await screen.next_frame()).pixels
    assert pixels[..., :3].reshape(-1, 3).min(axis=0).tolist() == [3, 2, 1]
    del pixels
    gc.collect()
    assert shared_segments() == 0


async def test_waiting_for_a_change_runs_no_code_at_all(x_server: XServer) -> None:
    async with watched(x_server) as screen:
        await screen.next_frame()
        with trio.move_on_after(0.2):  # what the set-up itself changed
            await screen.next_frame()
        counter = StepCounter()
        trio.lowlevel.add_instrument(counter)
        with trio.move_on_after(0.5):
            await screen.next_frame()
        trio.lowlevel.remove_instrument(counter)
    assert counter.steps <= 2  # the one that began to wait and the one that was cancelled


async def test_a_server_that_hangs_hangs_nobody_else(x_server: XServer) -> None:
    painter = Painter(x_server.name)
    async with watched(x_server) as screen:
        await screen.next_frame()
        painter.fill(Rectangle(0, 0, 9, 9), 0x999999)
        os.kill(x_server.process.pid, signal.SIGSTOP)
        try:
            with trio.move_on_after(0.1) as waited:
                await screen.next_frame()
            assert waited.cancelled_caught
        finally:
            os.kill(x_server.process.pid, signal.SIGCONT)
        assert (await screen.next_frame()).pixels[8, 8, 0] == 0x99


@pytest.mark.parametrize("wait_for", ["next_frame", "next_cursor"])
async def test_the_end_of_the_server_is_told_to_whoever_waits(
    x_server: XServer, wait_for: str
) -> None:
    async with watched(x_server) as screen:
        await screen.next_frame()
        await screen.next_cursor()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(trio.to_thread.run_sync, x_server.stop)
            with pytest.raises(CaptureEnded, match=f"the X server {x_server.name} has ended"):
                await until_it_fails(getattr(screen, wait_for))
        with pytest.raises(CaptureEnded):
            await screen.resize(Size(640, 480))


async def test_an_error_of_the_block_comes_out_as_it_is(x_server: XServer) -> None:
    async def fail() -> None:
        async with watched(x_server) as screen:
            await screen.next_frame()
            raise KeyError("second") from ValueError("first")

    with pytest.raises(KeyError, match="second") as caught:
        await fail()
    assert isinstance(caught.value.__cause__, ValueError)


def test_a_killed_capture_leaves_no_shared_memory(x_server: XServer, tmp_path: Path) -> None:
    program = tmp_path / "capture.py"
    program.write_text(CAPTURE_UNTIL_KILLED)
    paths = os.pathsep.join(path for path in sys.path if path)
    capture = subprocess.Popen(
        [sys.executable, str(program), x_server.name],
        env={**os.environ, "PYTHONPATH": paths},
        stdout=subprocess.PIPE,
    )
    assert capture.stdout is not None
    with capture:
        assert capture.stdout.readline() == b"captured\n"
        capture.kill()
    while str(capture.pid) in creators_of_shared_memory():  # until the server lets go too
        time.sleep(0.01)


@pytest.mark.parametrize("extension", ["MIT-SHM", "DAMAGE", "XFIXES", "XTEST"])
async def test_a_display_without_a_needed_extension_is_refused(
    start_x_server: StartXServer, extension: str
) -> None:
    server = start_x_server(640, 480, 24, "-extension", extension)
    with pytest.raises(PluginUnavailable, match=f"{server.name} lacks .*{extension}"):
        async with watched(server):
            pass


@pytest.mark.parametrize("depth", [8, 16, 30])
async def test_a_display_with_other_pixels_is_refused(
    start_x_server: StartXServer, depth: int
) -> None:
    server = start_x_server(640, 480, depth)
    with pytest.raises(PluginUnavailable, match=f"depth {depth}, must be 24 or 32"):
        async with watched(server):
            pass


async def until_it_fails(wait: Callable[[], Awaitable[object]]) -> None:
    while True:
        await wait()


class StepCounter(trio.abc.Instrument):
    """Counts how often any task ran."""

    steps = 0

    def before_task_step(self, task: trio.lowlevel.Task) -> None:
        self.steps += 1


def shared_segments() -> int:
    """System V shared memory segments that this process has mapped."""
    maps = Path("/proc/self/maps").read_text().splitlines()
    return sum("/SYSV" in line for line in maps)


def creators_of_shared_memory() -> list[str]:
    """Process numbers that made the System V segments of this machine."""
    table = Path("/proc/sysvipc/shm").read_text().splitlines()[1:]
    return [line.split()[4] for line in table]


CAPTURE_UNTIL_KILLED = """
import sys, trio
from kasmcore_x11.connection import open_display
from kasmcore_x11.framebuffer_ring import IDLE_FRAMES
from kasmcore_x11.screen import open_screen
from kasmcore_x11.settings import X11Settings

async def main():
    async with open_screen(sys.argv[1], "", X11Settings()) as screen:
        await screen.next_frame()
        print("captured", flush=True)
        await trio.sleep_forever()

trio.run(main)
"""
