"""The whole capture source on a real X server holds what every capture source must."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING

import attrs
import pytest
import trio
from kasmcore_x11.connection import close_display, open_display
from kasmcore_x11.settings import X11Settings
from kasmcore_x11.source import open_x11

from kasmcore.api import (
    CaptureEnded,
    CaptureRequest,
    CaptureSource,
    PointerMoved,
    ServerConfig,
    TextTyped,
)
from kasmcore.config.schema_plugins import PluginSettings
from kasmcore.testing.conformance.capture import CaptureConformance

if TYPE_CHECKING:
    from tests.integration.x11.conftest import XServer

pytestmark = pytest.mark.x11


def request_of(display: str, settings: X11Settings | None = None) -> CaptureRequest:
    sections = PluginSettings((settings or X11Settings(),))
    config = attrs.evolve(ServerConfig(), plugin_settings=sections)
    return CaptureRequest(config, display=display, authority_file="")


class TestConformance(CaptureConformance):
    """The suite holds nine frames at once, one more than the default ring has."""

    @pytest.fixture(autouse=True)
    def display_to_open(self, x_server: XServer) -> None:
        self.server = x_server

    def open(self) -> AbstractAsyncContextManager[CaptureSource]:
        return open_x11(request_of(self.server.name, X11Settings(most_framebuffers=12)))

    async def change(self, source: CaptureSource, number: int) -> None:
        await trio.to_thread.run_sync(self._paint, number)

    def _paint(self, number: int) -> None:
        display = open_display(self.server.name, "")
        gc = display.screen().root.create_gc(foreground=0x102030 * (number + 1))
        display.screen().root.fill_rectangle(gc, 10 * number, 20, 50, 60)
        display.sync()
        close_display(display)


async def move_until_it_fails(source: CaptureSource) -> None:
    """The first events after the end may still fit into the socket."""
    while True:
        await source.input.send(PointerMoved(1, 1), viewer_id=1)


async def test_everything_ends_with_the_server(x_server: XServer) -> None:
    with trio.fail_after(30):
        async with open_x11(request_of(x_server.name)) as source:
            await source.next_frame()
            await trio.to_thread.run_sync(x_server.stop)
            with pytest.raises(CaptureEnded, match=f"the X server {x_server.name} has ended"):
                await source.next_frame()
            with pytest.raises(CaptureEnded, match=f"the X server {x_server.name} has ended"):
                await move_until_it_fails(source)
            assert source.clipboard is not None
            with pytest.raises(CaptureEnded, match=f"the X server {x_server.name} has ended"):
                await source.clipboard.next_offer()


async def test_an_error_of_the_block_comes_out_as_it_is(x_server: XServer) -> None:
    async def fail() -> None:
        async with open_x11(request_of(x_server.name)) as source:
            await source.next_frame()
            raise CaptureEnded("enough")

    with pytest.raises(CaptureEnded, match="enough"):
        await fail()


async def test_frames_cursor_input_and_clipboard_work_side_by_side(x_server: XServer) -> None:
    with trio.fail_after(30):
        async with open_x11(request_of(x_server.name)) as source:
            await source.next_frame()
            await source.next_cursor()
            x_server.start("xterm", "-geometry", "80x24+0+0")
            while (await source.next_frame()).pixels[20, 20, 0] == 0:  # until the window is there
                pass
            await source.input.send(PointerMoved(100, 100), viewer_id=1)
            assert (await source.next_cursor()).height > 8  # xterm's beam
            await source.input.send(TextTyped("printf hello | xclip -i -sel c\n"), viewer_id=1)
            assert source.clipboard is not None
            offer = await source.clipboard.next_offer()
            assert [item.data for item in offer.items] == [b"hello"]
