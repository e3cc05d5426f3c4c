"""What every capture source must hold. These tests run in real time: a display is no simulation."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager

import numpy as np
import pytest
import trio

from kasmcore.interfaces.capture import CaptureSource
from kasmcore.values.clipboard import TEXT_MIME, AllowedClipboard, ClipboardItem
from kasmcore.values.frames import CapturedFrame
from kasmcore.values.geometry import Rectangle, Size
from kasmcore.values.viewer_events import (
    InputEvent,
    KeyEvent,
    KeysReleased,
    PointerButton,
    PointerMoved,
    TextTyped,
    WheelTurned,
)

PATIENCE_S = 20.0
INPUT: tuple[InputEvent, ...] = (
    PointerMoved(5, 7),
    PointerButton(1, pressed=True, x=5, y=7),
    PointerButton(1, pressed=False, x=5, y=7),
    WheelTurned(dx=0, dy=120, x=5, y=7),
    WheelTurned(dx=-17, dy=0, x=5, y=7),
    KeyEvent(pressed=True, keysym=0x61, code="KeyA"),
    KeyEvent(pressed=False, keysym=0x61, code="KeyA"),
    KeyEvent(pressed=True, keysym=0, code=""),
    KeyEvent(pressed=False, keysym=0, code=""),
    TextTyped("aß€漢😀"),
    PointerMoved(65535, 65535),
    KeysReleased(),
)


@pytest.mark.trio
class CaptureConformance:
    """Subclass it, override ``open`` and ``change``; it needs pytest-trio."""

    def open(self) -> AbstractAsyncContextManager[CaptureSource]:
        """Open a source of at least 64x64 pixels."""
        raise NotImplementedError("override open")

    async def change(self, source: CaptureSource, number: int) -> None:
        """Make something on the display look different, for each number in its own way."""
        raise NotImplementedError("override change")

    async def test_the_first_frame_comes_at_once_and_is_whole(self) -> None:
        with trio.fail_after(PATIENCE_S):
            async with self.open() as source:
                frame = await source.next_frame()
                assert frame.size == source.size
                assert frame.pixels.dtype == np.uint8
                assert frame.pixels.shape[2] == 4
                covered = _covered(frame)
                assert covered.all()

    async def test_a_change_brings_a_frame_with_a_greater_serial(self) -> None:
        with trio.fail_after(PATIENCE_S):
            async with self.open() as source:
                before = await source.next_frame()
                for number in range(5):
                    await self.change(source, number)
                    after = await self._next_different(source, before)
                    assert after.serial > before.serial
                    assert after.captured_at_s >= before.captured_at_s
                    assert after.changed_at_s <= after.captured_at_s
                    before = after

    async def test_hints_cover_all_that_changed(self) -> None:
        with trio.fail_after(PATIENCE_S):
            async with self.open() as source:
                before = await source.next_frame()
                for number in range(5):
                    await self.change(source, number)
                    after = await source.next_frame()
                    differs = (after.pixels[..., :3] != before.pixels[..., :3]).any(axis=2)
                    assert not (differs & ~_covered(after)).any()
                    before = after

    async def test_frames_stay_as_they_were_returned(self) -> None:
        with trio.fail_after(PATIENCE_S):
            async with self.open() as source:
                frames = [await source.next_frame()]
                copies = [frames[0].pixels.copy()]
                for number in range(8):
                    await self.change(source, number)
                    frames.append(await self._next_different(source, frames[-1]))
                    copies.append(frames[-1].pixels.copy())
                for frame, copy in zip(frames, copies, strict=True):
                    assert np.array_equal(frame.pixels, copy), f"frame {frame.serial} changed"

    async def test_nothing_happens_while_nothing_changes(self) -> None:
        with trio.fail_after(PATIENCE_S):
            async with self.open() as source:
                await self._until_quiet(source)
                with trio.move_on_after(1.0) as waiting:
                    await source.next_frame()
                assert waiting.cancelled_caught

    async def test_cancelling_next_frame_loses_no_change(self) -> None:
        with trio.fail_after(PATIENCE_S):
            async with self.open() as source:
                before = await source.next_frame()
                for number in range(5):
                    with trio.move_on_after(0.01):
                        before = await source.next_frame()
                    await self.change(source, number)
                    with trio.move_on_after(0):
                        before = await source.next_frame()
                await self.change(source, 5)
                after = await self._next_different(source, before)
                differs = (after.pixels[..., :3] != before.pixels[..., :3]).any(axis=2)
                assert not (differs & ~_covered(after)).any()

    @pytest.mark.parametrize("size", [Size(320, 240), Size(517, 333), Size(640, 480)], ids=str)
    async def test_a_new_size_is_taken_or_the_nearest_and_the_next_frame_shows_it(
        self, size: Size
    ) -> None:
        with trio.fail_after(PATIENCE_S):
            async with self.open() as source:
                frame = await source.next_frame()
                taken = await source.resize(size)
                assert source.size == taken
                while frame.size != taken:
                    frame = await source.next_frame()
                assert frame.pixels.shape[:2] == (taken.height, taken.width)
                assert await source.resize(taken) == taken

    async def test_every_kind_of_input_is_accepted_and_keys_can_be_let_go(self) -> None:
        with trio.fail_after(PATIENCE_S):
            async with self.open() as source:
                for event in INPUT:
                    await source.input.send(event, viewer_id=1)
                held = KeyEvent(pressed=True, keysym=0xFFE1, code="ShiftLeft")
                await source.input.send(held, viewer_id=2)
                await source.input.release_all(2)
                await source.input.release_all(2)
                await source.input.release_all(99)

    async def test_the_first_cursor_comes_at_once_and_only_another_one_follows(self) -> None:
        with trio.fail_after(PATIENCE_S):
            async with self.open() as source:
                cursor = await source.next_cursor()
                assert len(cursor.rgba) == cursor.width * cursor.height * 4
                assert 0 <= cursor.hotspot_x <= max(cursor.width - 1, 0)
                assert 0 <= cursor.hotspot_y <= max(cursor.height - 1, 0)
                with trio.move_on_after(0.3):
                    assert await source.next_cursor() != cursor

    async def test_what_was_put_into_the_clipboard_is_not_offered_back(self) -> None:
        with trio.fail_after(PATIENCE_S):
            async with self.open() as source:
                if source.clipboard is not None:
                    text = ClipboardItem(TEXT_MIME, "ein Wort – 漢".encode())
                    await source.clipboard.put(AllowedClipboard((text,)))
                    with trio.move_on_after(0.3):
                        offer = await source.clipboard.next_offer()
                        assert text not in offer.items

    async def _next_different(self, source: CaptureSource, before: CapturedFrame) -> CapturedFrame:
        while True:
            frame = await source.next_frame()
            assert frame.serial > before.serial
            if not np.array_equal(frame.pixels, before.pixels):
                return frame

    async def _until_quiet(self, source: CaptureSource) -> None:
        while True:
            with trio.move_on_after(0.5) as waiting:
                await source.next_frame()
            if waiting.cancelled_caught:
                return


def _covered(frame: CapturedFrame) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
    covered = np.zeros(frame.pixels.shape[:2], bool)
    for hint in frame.hints:
        inside = hint.intersection(Rectangle.of_size(frame.size))
        covered[inside.rows, inside.columns] = True
    return covered
