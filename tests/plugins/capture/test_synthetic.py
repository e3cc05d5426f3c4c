"""The synthetic display: a picture that moves, rests and answers, without any X."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import attrs
import kasmcore_synthetic
import numpy as np
import pytest
import trio
import trio.testing
from kasmcore_synthetic.settings import SyntheticSettings
from kasmcore_synthetic.source import SyntheticSource, open_synthetic

from kasmcore.api import (
    TEXT_MIME,
    AllowedClipboard,
    CaptureRequest,
    CaptureSource,
    ClipboardItem,
    KeyEvent,
    PointerButton,
    PointerMoved,
    Rectangle,
    ServerConfig,
    Size,
    TextTyped,
)
from kasmcore.config.schema_plugins import PluginSettings
from kasmcore.testing.conformance.capture import CaptureConformance


def request_of(settings: SyntheticSettings) -> CaptureRequest:
    config = attrs.evolve(ServerConfig(), plugin_settings=PluginSettings((settings,)))
    return CaptureRequest(config, display="", authority_file="")


@asynccontextmanager
async def opened(**settings: float) -> AsyncIterator[SyntheticSource]:
    async with open_synthetic(request_of(SyntheticSettings(**settings))) as source:  # type: ignore[arg-type]
        yield source


class TestConformance(CaptureConformance):
    """It holds what every capture source must."""

    def open(self) -> AbstractAsyncContextManager[CaptureSource]:
        return open_synthetic(request_of(SyntheticSettings(frame_rate_hz=0)))

    async def change(self, source: CaptureSource, number: int) -> None:
        await source.input.send(TextTyped("x"), viewer_id=number)


def test_it_offers_itself_and_its_settings() -> None:
    (spec,) = kasmcore_synthetic.kasmcore_register_capture_sources()
    assert (spec.name, spec.needs_display) == ("synthetic", False)
    (section,) = kasmcore_synthetic.kasmcore_register_settings()
    assert (section.name, section.settings_class) == ("synthetic", SyntheticSettings)


async def test_the_same_seed_shows_the_same_and_another_one_something_else() -> None:
    pictures = []
    for seed in (1, 1, 2):
        async with opened(seed=seed) as source:
            pictures.append((await source.next_frame()).pixels)
    assert np.array_equal(pictures[0], pictures[1])
    assert (pictures[0] != pictures[2]).mean() > 0.1


async def test_it_moves_at_its_frame_rate_and_only_where_it_says(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with opened(width=640, height=480, frame_rate_hz=7) as source:
        before = await source.next_frame()
        started_at_s = trio.current_time()
        steps = 0
        while trio.current_time() < started_at_s + 10:
            frame = await source.next_frame()
            outside = np.ones((480, 640), bool)
            for hint in frame.hints:
                outside[hint.rows, hint.columns] = False
            assert np.array_equal(frame.pixels[outside], before.pixels[outside])
            steps += any(hint.area > 10_000 for hint in frame.hints)
            before = frame
    assert steps == 70


async def test_the_caret_blinks_twice_a_second(autojump_clock: trio.testing.MockClock) -> None:
    async with opened(frame_rate_hz=1) as source:
        first = await source.next_frame()
        for beat in range(1, 9):
            frame = await source.next_frame()
            assert frame.changed_at_s - first.changed_at_s == pytest.approx(beat / 2)


async def test_a_still_picture_rests(autojump_clock: trio.testing.MockClock) -> None:
    async with opened(frame_rate_hz=0) as source:
        await source.next_frame()
        with trio.move_on_after(1000) as waited:
            await source.next_frame()
        assert waited.cancelled_caught


async def test_the_square_changes_with_every_key_and_button() -> None:
    async with opened(frame_rate_hz=0, width=200, height=100) as source:
        square = Rectangle(172, 72, 12, 12)
        colours = [(await source.next_frame()).pixels[80, 180].tolist()]
        for event in (
            KeyEvent(pressed=True, keysym=0x61, code="KeyA"),
            PointerButton(button=1, pressed=True, x=3, y=4),
            TextTyped("漢"),
        ):
            await source.input.send(event, viewer_id=5)
            frame = await source.next_frame()
            assert frame.hints == (square,)
            colours.append(frame.pixels[80, 180].tolist())
        assert len({tuple(colour) for colour in colours}) == 4
        assert source.input.held_by(5) == {"KeyA", "button 1"}
        await source.input.release_all(5)
        assert source.input.held_by(5) == frozenset()


async def test_a_key_that_is_let_go_changes_nothing(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with opened(frame_rate_hz=0) as source:
        await source.next_frame()
        await source.input.send(KeyEvent(pressed=False, keysym=0x61, code="KeyA"), viewer_id=5)
        with trio.move_on_after(5) as waited:
            await source.next_frame()
        assert waited.cancelled_caught


async def test_the_pointer_is_a_cross_over_the_square() -> None:
    async with opened(width=200, height=100) as source:
        arrow = await source.next_cursor()
        await source.input.send(PointerMoved(175, 75), viewer_id=1)
        cross = await source.next_cursor()
        await source.input.send(PointerMoved(20, 20), viewer_id=1)
        assert await source.next_cursor() == arrow != cross


async def test_clipboard_text_comes_back_in_capitals_once(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with opened() as source:
        text = AllowedClipboard((ClipboardItem(TEXT_MIME, "grün".encode()),))
        await source.clipboard.put(text)
        (answer,) = (await source.clipboard.next_offer()).items
        assert answer == ClipboardItem(TEXT_MIME, "GRÜN".encode())
        await source.clipboard.put(AllowedClipboard((answer,)))
        with trio.move_on_after(5) as waited:
            await source.clipboard.next_offer()
        assert waited.cancelled_caught


@pytest.mark.parametrize(
    ("wanted", "given"),
    [
        (Size(801, 333), Size(801, 333)),
        (Size(1, 1), Size(64, 64)),
        (Size(64, 9999), Size(64, 4320)),
    ],
    ids=str,
)
async def test_a_resize_redraws_all(wanted: Size, given: Size) -> None:
    async with opened(frame_rate_hz=0) as source:
        await source.next_frame()
        assert await source.resize(wanted) == given == source.size
        frame = await source.next_frame()
        assert frame.size == given
        assert frame.hints == (Rectangle.of_size(given),)
