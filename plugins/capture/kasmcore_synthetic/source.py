"""The capture source ``synthetic``. It draws only when a frame is asked for."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import trio

from kasmcore.api import (
    CapturedFrame,
    CaptureRequest,
    CursorImage,
    Size,
)
from kasmcore_synthetic.clipboard import EchoClipboard
from kasmcore_synthetic.cursors import ARROW, CROSS
from kasmcore_synthetic.echo_input import EchoInput
from kasmcore_synthetic.picture import CARET_PERIOD_S, Moment, Picture
from kasmcore_synthetic.settings import SyntheticSettings

SMALLEST = Size(64, 64)
LARGEST = Size(7680, 4320)


class SyntheticSource:
    """A moving picture that answers to input; see `CaptureSource` for what each part promises."""

    def __init__(self, settings: SyntheticSettings) -> None:
        self._settings = settings
        self._picture = Picture(_possible(Size(settings.width, settings.height)), settings.seed)
        rate_hz = settings.frame_rate_hz
        self._step_s = 1 / rate_hz if rate_hz else math.inf
        self._started_at_s = trio.current_time()
        self._serial = 0
        self._shown_cursor: CursorImage | None = None
        self._happened = trio.Event()
        self.input = EchoInput(self._wake)
        self.clipboard = EchoClipboard()

    @property
    def size(self) -> Size:
        """Size of the picture now."""
        return self._picture.size

    async def next_frame(self) -> CapturedFrame:
        """Wait until the picture moves or input arrives, then draw it."""
        await trio.lowlevel.checkpoint()
        while True:
            now_s = trio.current_time()
            changed = self._picture.draw(self._moment(now_s))
            if changed:
                self._serial += 1
                return CapturedFrame(
                    serial=self._serial,
                    pixels=self._picture.copy(),
                    hints=tuple(changed),
                    changed_at_s=now_s,
                    captured_at_s=now_s,
                )
            with trio.move_on_at(self._next_change_s(now_s)):
                await self._happened.wait()

    async def next_cursor(self) -> CursorImage:
        """Wait until the pointer enters or leaves the square, where it is a cross."""
        await trio.lowlevel.checkpoint()
        while (cursor := self._cursor()) == self._shown_cursor:
            await self._happened.wait()
        self._shown_cursor = cursor
        return cursor

    async def resize(self, size: Size) -> Size:
        """Show the same in another size, from 64x64 to 7680x4320."""
        await trio.lowlevel.checkpoint()
        possible = _possible(size)
        if possible != self._picture.size:
            self._picture = Picture(possible, self._settings.seed)
            self._wake()
        return possible

    def _moment(self, now_s: float) -> Moment:
        age_s = now_s - self._started_at_s
        return Moment(
            step=_periods(age_s, self._step_s),
            is_caret_on=self._step_s == math.inf or _periods(age_s, CARET_PERIOD_S) % 2 == 0,
            presses=self.input.presses,
        )

    def _next_change_s(self, now_s: float) -> float:
        """When the moving part or the caret is due next."""
        if self._step_s == math.inf:
            return math.inf
        age_s = now_s - self._started_at_s
        due_s = [
            (_periods(age_s, period_s) + 1) * period_s
            for period_s in (self._step_s, CARET_PERIOD_S)
        ]
        return self._started_at_s + min(due_s)

    def _cursor(self) -> CursorImage:
        x, y = self.input.pointer
        square = self._picture.layout.square
        is_inside = square.x <= x < square.right and square.y <= y < square.bottom
        return CROSS if is_inside else ARROW

    def _wake(self) -> None:
        self._happened.set()
        self._happened = trio.Event()


@asynccontextmanager
async def open_synthetic(request: CaptureRequest) -> AsyncIterator[SyntheticSource]:
    """Open the moving picture; it needs no display and never ends by itself."""
    settings = request.config.plugin_settings.of(SyntheticSettings)
    yield SyntheticSource(settings)


def _periods(age_s: float, period_s: float) -> int:
    """How many periods are over; one that ends right now is, whatever the rounding."""
    return math.floor(age_s / period_s + 1e-6)


def _possible(size: Size) -> Size:
    return Size(
        min(max(size.width, SMALLEST.width), LARGEST.width),
        min(max(size.height, SMALLEST.height), LARGEST.height),
    )
