"""Copies through a whole session: exact for slow viewers, behind masks, after lost frames."""

import attrs
import numpy as np
import pytest
import trio
import trio.testing

from kasmcore.config.schema import ServerConfig
from kasmcore.config.schema_encoding import EncodingConfig, ScrollingConfig
from kasmcore.interfaces.dlp import DlpFilter
from kasmcore.values.frames import CopiedRectangle, EncodedFrame
from kasmcore.values.geometry import Size
from kasmcore.values.viewer_events import FrameFailed
from tests.unit.pipeline.moving_pictures import text_page
from tests.unit.session.desks import COARSE, RAW, Desk, MemoryLink, open_desk

PAGE = text_page(320, 2000)
NO_COPIES = attrs.evolve(
    ServerConfig(),
    encoding=EncodingConfig(scrolling=ScrollingConfig(detect_vertical_scrolling=False)),
)
TICK_S = 1 / 60


async def settle() -> None:
    await trio.sleep(0.1)
    await trio.testing.wait_all_tasks_blocked()


def show_page(desk: Desk, top: int) -> None:
    desk.desktop.paint_pixels(0, 0, PAGE[top : top + 200])


async def scroll(desk: Desk, steps: int, by: int = 12) -> None:
    """From wherever the page begins, this many ticks."""
    for step in range(1, steps + 1):
        show_page(desk, step * by)
        await trio.sleep(TICK_S)


def copies_in(frames: list[EncodedFrame]) -> list[CopiedRectangle]:
    parts = [part for frame in frames for part in frame.rectangles]
    return [part for part in parts if isinstance(part, CopiedRectangle)]


def image_pixels_in(frames: list[EncodedFrame]) -> int:
    parts = [part for frame in frames for part in frame.rectangles]
    return sum(part.rectangle.area for part in parts if not isinstance(part, CopiedRectangle))


def assert_exact(viewer: MemoryLink, desk: Desk) -> None:
    assert (viewer.picture == desk.desktop.pixels).all()


async def test_a_page_that_scrolls_is_copied_and_only_its_new_lines_are_sent(autojump_clock):
    async with open_desk() as desk:
        show_page(desk, 0)
        viewer = await desk.join()
        await settle()
        before = len(viewer.frames)
        await scroll(desk, 20)
        await settle()
        assert_exact(viewer, desk)
        assert len(copies_in(viewer.frames[before:])) >= 15
        assert image_pixels_in(viewer.frames[before:]) < 20 * 320 * 64


async def test_copies_come_first_in_their_frame(autojump_clock):
    async with open_desk() as desk:
        show_page(desk, 0)
        viewer = await desk.join()
        await settle()
        await scroll(desk, 10)
        for frame in viewer.frames:
            kinds = [isinstance(part, CopiedRectangle) for part in frame.rectangles]
            assert kinds == sorted(kinds, reverse=True)


async def test_a_frame_may_hold_copies_alone(autojump_clock):
    async with open_desk() as desk:
        page = np.full((400, 320, 4), 255, np.uint8)
        page[:100] = PAGE[:100]
        desk.desktop.paint_pixels(0, 0, page[:200])
        viewer = await desk.join()
        await settle()
        before = len(viewer.frames)
        desk.desktop.paint_pixels(0, 0, page[32:232])
        await settle()
        assert_exact(viewer, desk)
        (frame,) = viewer.frames[before:]
        assert len(copies_in([frame])) == len(frame.rectangles) > 0


async def test_a_slow_viewer_that_skipped_scrolls_ends_exact(autojump_clock):
    async with open_desk() as desk:
        show_page(desk, 0)
        quick, slow = await desk.join(), await desk.join()
        await settle()
        for _ in range(4):
            slow.stall()
            await scroll(desk, 7)
            slow.flow()
            await trio.sleep(TICK_S)
        await settle()
        assert_exact(quick, desk)
        assert_exact(slow, desk)
        assert len(slow.frames) < len(quick.frames)
        assert copies_in(slow.frames)


async def test_a_viewer_that_cannot_copy_gets_no_copies_and_ends_exact(autojump_clock):
    async with open_desk() as desk:
        show_page(desk, 0)
        viewer, other = await desk.join(can_copy=False), await desk.join()
        await settle()
        await scroll(desk, 10)
        await settle()
        for watching in (viewer, other):
            await trio.sleep(1)
            assert_exact(watching, desk)
        assert not copies_in(viewer.frames)
        assert copies_in(other.frames)


async def test_copies_can_be_switched_off(autojump_clock):
    async with open_desk(config=NO_COPIES) as desk:
        show_page(desk, 0)
        viewer = await desk.join()
        await settle()
        await scroll(desk, 10)
        await trio.sleep(1)
        assert_exact(viewer, desk)
        assert not copies_in(viewer.frames)


async def test_text_that_scrolls_stays_exact_all_the_while(autojump_clock):
    """Heat would make a moving picture of it: only what is new counts."""
    async with open_desk() as desk:
        show_page(desk, 0)
        viewer = await desk.join()
        await settle()
        for step in range(1, 40):
            show_page(desk, 12 * step)
            await settle_between_frames()
            assert_exact(viewer, desk)


async def settle_between_frames() -> None:
    await trio.sleep(TICK_S * 1.5)
    await trio.testing.wait_all_tasks_blocked()


async def test_a_frame_with_copies_that_could_not_be_shown_is_made_good(autojump_clock):
    async with open_desk() as desk:
        show_page(desk, 0)
        viewer = await desk.join()
        await settle()
        shown = viewer.picture.copy()
        viewer.acknowledges = False
        show_page(desk, 12)
        await settle()
        assert copies_in(viewer.frames[-1:])
        viewer.picture[:] = shown  # as if it had thrown the frame away
        viewer.acknowledges = True
        viewer.do(FrameFailed(viewer.frames[-1].serial, "raw", "garbled"))
        await settle()
        assert_exact(viewer, desk)


async def test_a_frame_that_failed_before_later_copies_is_made_good(autojump_clock):
    async with open_desk(encoders=(RAW, COARSE)) as desk:
        show_page(desk, 0)
        viewer = await desk.join()
        await settle()
        shown = viewer.picture.copy()
        viewer.acknowledges = False
        desk.desktop.paint_pixels(100, 100, PAGE[:40, :40] ^ 0x55)
        await settle()
        lost = viewer.frames[-1].serial
        viewer.picture[:] = shown
        below = desk.desktop.pixels[12:]
        desk.desktop.paint_pixels(0, 0, below)
        await settle()
        assert copies_in(viewer.frames[-1:])
        viewer.acknowledges = True
        viewer.do(FrameFailed(lost, "raw", "garbled"))
        await settle()
        assert_exact(viewer, desk)


class Cover(DlpFilter):
    """Hides a rectangle."""

    def filter_frame(self, pixels, changed):
        pixels[60:120, 100:200] = 0


@pytest.mark.parametrize("by", [12, -7, 16])
async def test_no_pixel_from_under_a_mask_reaches_a_viewer_by_a_copy(autojump_clock, by):
    secret = np.array([201, 73, 155, 0], np.uint8)
    async with open_desk(masks=(Cover(),)) as desk:
        page = PAGE.copy()
        viewer = await desk.join(codecs=("raw",))
        for step in range(25):
            top = 1000 + step * by
            picture = page[top : top + 200].copy()
            picture[60:120, 100:200] = secret
            desk.desktop.paint_pixels(0, 0, picture)
            await settle_between_frames()
            assert not (viewer.picture == secret).all(axis=2).any()
            assert not viewer.picture[60:120, 100:200].any()
        await trio.sleep(1)
        expected = desk.desktop.pixels
        expected[60:120, 100:200] = 0
        assert (viewer.picture == expected).all()
        assert copies_in(viewer.frames)


async def test_a_resize_in_the_middle_of_a_scroll_leaves_no_copy_behind(autojump_clock):
    async with open_desk() as desk:
        show_page(desk, 0)
        viewer = await desk.join()
        await settle()
        viewer.stall()
        await scroll(desk, 3)
        await desk.desktop.resize(Size(320, 240))
        viewer.flow()
        await settle()
        assert_exact(viewer, desk)
