"""The desktop in memory does what a test tells it, and keeps what viewers do to it."""

import numpy as np
import pytest
import trio
import trio.testing

from kasmcore.api import (
    AllowedClipboard,
    CaptureEnded,
    CaptureRequest,
    ClipboardItem,
    CursorImage,
    KeyEvent,
    KeysReleased,
    PointerButton,
    Rectangle,
    ServerConfig,
    Size,
)
from kasmcore.testing import SyntheticDesktop


async def test_what_is_painted_is_in_the_next_frame_and_in_its_hints() -> None:
    desktop = SyntheticDesktop(Size(40, 30))
    await desktop.next_frame()
    desktop.paint(Rectangle(30, 20, 100, 100), (255, 128, 1))
    desktop.paint_pixels(0, 0, np.full((2, 3, 4), 7, np.uint8))
    frame = await desktop.next_frame()
    assert frame.hints == (Rectangle(30, 20, 10, 10), Rectangle(0, 0, 3, 2))
    assert frame.pixels[25, 35].tolist() == [1, 128, 255, 0]
    assert frame.pixels[1, 2].tolist() == [7, 7, 7, 7]
    assert not frame.pixels.flags.writeable


async def test_a_frame_tells_when_its_first_change_happened(
    autojump_clock: trio.testing.MockClock,
) -> None:
    desktop = SyntheticDesktop(Size(8, 8))
    await desktop.next_frame()
    desktop.paint(Rectangle(0, 0, 1, 1), (1, 1, 1))
    await trio.sleep(3)
    desktop.paint(Rectangle(1, 0, 1, 1), (1, 1, 1))
    frame = await desktop.next_frame()
    assert frame.captured_at_s - frame.changed_at_s == pytest.approx(3)


async def test_a_resize_keeps_what_fits_and_stays_within_the_largest_size() -> None:
    desktop = SyntheticDesktop(Size(8, 8), maximum_size=Size(10, 10))
    desktop.paint(Rectangle(0, 0, 8, 8), (9, 9, 9))
    assert await desktop.resize(Size(4, 100)) == Size(4, 10)
    frame = await desktop.next_frame()
    assert frame.size == Size(4, 10)
    assert frame.hints == (Rectangle(0, 0, 4, 10),)
    assert frame.pixels[7, 3, 0] == 9
    assert frame.pixels[8, 3, 0] == 0


async def test_input_is_kept_with_whose_it_is_and_what_is_held() -> None:
    desktop = SyntheticDesktop()
    await desktop.input.send(KeyEvent(pressed=True, keysym=0x61, code="KeyA"), 1)
    await desktop.input.send(PointerButton(1, pressed=True, x=0, y=0), 2)
    assert desktop.input.held == {1: {("key", "KeyA")}, 2: {("button", 1)}}
    await desktop.input.send(KeysReleased(), 1)
    await desktop.input.release_all(2)
    assert desktop.input.held == {1: set()}
    assert [each.viewer_id for each in await desktop.input.wait_received(3)] == [1, 2, 1]


async def test_the_clipboard_works_both_ways() -> None:
    desktop = SyntheticDesktop()
    assert desktop.clipboard is not None
    desktop.clipboard.offer_text("ö")
    offer = await desktop.clipboard.next_offer()
    assert offer.items == (ClipboardItem("text/plain", "ö".encode()),)
    await desktop.clipboard.put(AllowedClipboard(offer.items))
    assert await desktop.clipboard.wait_contents() == AllowedClipboard(offer.items)
    assert SyntheticDesktop(has_clipboard=False).clipboard is None


async def test_a_new_cursor_is_returned_once() -> None:
    desktop = SyntheticDesktop()
    assert (await desktop.next_cursor()).width == 0
    arrow = CursorImage(1, 1, 0, 0, b"\1\2\3\4")
    desktop.show_cursor(arrow)
    assert await desktop.next_cursor() == arrow
    with trio.move_on_after(0.01) as waiting:
        await desktop.next_cursor()
    assert waiting.cancelled_caught


async def test_the_end_reaches_those_who_wait_and_those_who_come_later() -> None:
    desktop = SyntheticDesktop()
    await desktop.next_frame()
    with pytest.RaisesGroup(CaptureEnded):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(desktop.next_frame)
            await trio.testing.wait_all_tasks_blocked()
            desktop.end()
    with pytest.raises(CaptureEnded):
        await desktop.input.send(KeysReleased(), 1)


async def test_its_spec_opens_this_very_desktop() -> None:
    desktop = SyntheticDesktop()
    async with desktop.spec().open(CaptureRequest(ServerConfig(), "", "")) as source:
        assert source is desktop
