"""The pointer, its buttons and its wheel, as a window gets them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import attrs
import pytest
import trio
from kasmcore_x11.connection import open_display
from kasmcore_x11.input_sink import X11Input
from Xlib import X
from Xlib.display import Display

from kasmcore.api import InputEvent, KeysReleased, PointerButton, PointerMoved, WheelTurned

from .conftest import XServer

pytestmark = pytest.mark.x11

VIEWER, OTHER = 1, 2
NOTCH = 120


@attrs.frozen(eq=False)
class Stage:
    """An input sink, and a window over the whole display that sees what it does."""

    sink: X11Input
    display: Display

    async def send(self, *events: InputEvent, viewer_id: int = VIEWER) -> None:
        for event in events:
            await self.sink.send(event, viewer_id)

    async def wait_position(self, expected: tuple[int, int]) -> None:
        """Wait until the pointer is there: the sink speaks to the server on its own connection."""
        with trio.fail_after(20):
            while True:
                found = self.display.screen().root.query_pointer()
                if (found.root_x, found.root_y) == expected:
                    return
                await trio.sleep(0.01)

    async def buttons(self, count: int) -> list[tuple[int, int]]:
        """The next presses (positive) and releases (negative) with the column they happened in."""
        found: list[tuple[int, int]] = []
        with trio.move_on_after(20):
            while len(found) < count:
                if not self.display.pending_events():
                    await trio.sleep(0.01)
                    continue
                event = self.display.next_event()
                if event.type == X.ButtonPress:
                    found.append((event.detail, event.root_x))
                elif event.type == X.ButtonRelease:
                    found.append((-event.detail, event.root_x))
        return found


@asynccontextmanager
async def open_stage(server: XServer) -> AsyncIterator[Stage]:
    display = open_display(server.name, "")
    window = display.screen().root.create_window(
        0, 0, 1280, 800, 0, 24, event_mask=X.ButtonPressMask | X.ButtonReleaseMask
    )
    window.map()
    display.sync()
    sink = X11Input(server.name, "")
    try:
        yield Stage(sink, display)
    finally:
        await sink.aclose()
        display.close()


async def test_the_pointer_moves_and_stays_in_the_framebuffer(x_server: XServer) -> None:
    async with open_stage(x_server) as stage:
        for x, y, expected in [
            (640, 360, (640, 360)),
            (-5, 70000, (0, 799)),
            (1280, -1, (1279, 0)),
        ]:
            await stage.send(PointerMoved(x, y))
            await stage.wait_position(expected)


async def test_every_button_clicks_where_the_event_says(x_server: XServer) -> None:
    async with open_stage(x_server) as stage:
        for button in range(1, 10):
            await stage.send(
                PointerButton(button, True, 10 * button, 5),
                PointerButton(button, False, 10 * button + 1, 5),
            )
        expected = [(sign * b, 10 * b + (sign < 0)) for b in range(1, 10) for sign in (1, -1)]
        assert await stage.buttons(18) == expected


async def test_unknown_buttons_are_left_out(x_server: XServer) -> None:
    async with open_stage(x_server) as stage:
        await stage.send(PointerButton(0, True, 1, 1), PointerButton(200, True, 1, 1))
        await stage.send(PointerButton(1, True, 7, 1))
        assert await stage.buttons(1) == [(1, 7)]


async def test_a_button_is_released_when_the_last_viewer_lets_go(x_server: XServer) -> None:
    async with open_stage(x_server) as stage:
        await stage.send(PointerButton(1, True, 5, 5), viewer_id=VIEWER)
        await stage.send(PointerButton(1, True, 6, 5), viewer_id=OTHER)
        await stage.send(KeysReleased(), viewer_id=VIEWER)
        await stage.sink.release_all(VIEWER)
        await stage.send(PointerButton(2, True, 7, 5), viewer_id=OTHER)
        await stage.sink.release_all(OTHER)
        assert await stage.buttons(4) == [(1, 5), (2, 7), (-1, 7), (-2, 7)]


@pytest.mark.parametrize(
    ("dx", "dy", "button"), [(0, NOTCH, 5), (0, -NOTCH, 4), (NOTCH, 0, 7), (-NOTCH, 0, 6)]
)
async def test_the_wheel_turns_each_way(dx: int, dy: int, button: int, x_server: XServer) -> None:
    async with open_stage(x_server) as stage:
        await stage.send(WheelTurned(dx, dy, 9, 9), WheelTurned(2 * dx, 2 * dy, 9, 9))
        assert await stage.buttons(6) == [(button, 9), (-button, 9)] * 3


async def test_parts_of_a_notch_add_up_for_each_viewer(x_server: XServer) -> None:
    async with open_stage(x_server) as stage:
        for _ in range(3):
            await stage.send(WheelTurned(0, 50, 9, 9), viewer_id=VIEWER)
            await stage.send(WheelTurned(0, -50, 9, 9), viewer_id=OTHER)
        assert await stage.buttons(4) == [(5, 9), (-5, 9), (4, 9), (-4, 9)]
