"""The capture source ``x11``: one X display's frames, cursor, size, input and clipboard."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

import attrs
import trio

from kasmcore.api import CapturedFrame, CaptureRequest, ClipboardPort, CursorImage, InputSink, Size
from kasmcore_x11.clipboard import X11Clipboard
from kasmcore_x11.input_sink import X11Input
from kasmcore_x11.screen import X11Screen, open_screen
from kasmcore_x11.settings import X11Settings
from kasmcore_x11.single_error import single_error


@attrs.frozen(eq=False)
class X11Source:
    """One open X display; see `CaptureSource` for what each part promises."""

    _screen: X11Screen
    input: InputSink
    clipboard: ClipboardPort | None

    @property
    def size(self) -> Size:
        """Size of the framebuffer now."""
        return self._screen.size

    async def next_frame(self) -> CapturedFrame:
        """Wait for a change, then read the framebuffer."""
        return await self._screen.next_frame()

    async def next_cursor(self) -> CursorImage:
        """Wait for another image of the cursor."""
        return await self._screen.next_cursor()

    async def resize(self, size: Size) -> Size:
        """Give the display this size, or the nearest that it can have."""
        return await self._screen.resize(size)


@asynccontextmanager
async def open_x11(request: CaptureRequest) -> AsyncIterator[X11Source]:
    """Connect to the display until the block is left; then all held keys are let go.

    Raises:
        PluginUnavailable: there is no such display, it refuses us, or it lacks something.
    """
    settings = request.config.plugin_settings.of(X11Settings)
    address = (request.display, request.authority_file)
    async with (
        open_screen(*address, settings) as screen,
        _opened_input(*address) as keyboard,
        _opened_clipboard(request) as clipboard,
    ):
        yield X11Source(screen, keyboard, clipboard)


@asynccontextmanager
async def _opened_input(display_name: str, authority_file: str) -> AsyncIterator[X11Input]:
    sink = await trio.to_thread.run_sync(X11Input, display_name, authority_file)
    try:
        yield sink
    finally:
        with trio.CancelScope(shield=True):
            await sink.aclose()


@asynccontextmanager
async def _opened_clipboard(request: CaptureRequest) -> AsyncIterator[X11Clipboard]:
    rules = request.config.data_loss_prevention.clipboard.server_to_client
    connect = partial(
        X11Clipboard,
        request.display,
        request.authority_file,
        maximum_bytes=request.config.session.maximum_clipboard_bytes,
        offers_primary=rules.primary_clipboard_enabled,
    )
    clipboard = await trio.to_thread.run_sync(connect)
    try:
        with single_error():
            async with trio.open_nursery() as nursery:
                await nursery.start(clipboard.run)
                yield clipboard
                nursery.cancel_scope.cancel()
    finally:
        with trio.CancelScope(shield=True):
            await clipboard.aclose()
