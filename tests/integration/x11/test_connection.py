"""Connections to a real X server: opened, refused, waited on and lost."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import trio
from kasmcore_x11.connection import close_display, next_events, open_display
from Xlib import X, error

from kasmcore.api import CaptureEnded, PluginUnavailable

if TYPE_CHECKING:
    from tests.integration.x11.conftest import StartXServer, XServer

pytestmark = pytest.mark.x11


def test_a_display_that_is_not_there_is_named_in_the_error() -> None:
    with pytest.raises(PluginUnavailable, match="display :987 cannot be opened"):
        open_display(":987", "")


def test_a_word_that_is_no_display_name_is_refused() -> None:
    with pytest.raises(PluginUnavailable, match="'screen' is not the name of an X display"):
        open_display("screen", "")


def test_a_server_that_wants_another_key_refuses_us(
    start_x_server: StartXServer, tmp_path: Path
) -> None:
    key = tmp_path / "authority"
    key.write_bytes(b"")
    server = start_x_server()
    server.run("xauth", "-f", str(key), "add", server.name, ".", "00" * 16)
    locked = start_x_server(640, 480, 24, "-auth", str(key))
    with pytest.raises(PluginUnavailable, match=f"display {locked.name} cannot be opened"):
        open_display(locked.name, str(tmp_path / "none"))


def test_the_key_in_the_authority_file_opens_the_display(
    start_x_server: StartXServer, tmp_path: Path
) -> None:
    key = tmp_path / "authority"
    key.write_bytes(b"")
    locked = start_x_server(640, 480, 24, "-auth", str(key))
    locked.run("xauth", "-f", str(key), "add", locked.name, ".", "12" * 16)
    display = open_display(locked.name, str(key))
    close_display(display)


def test_a_refused_request_leaves_the_connection_usable(x_server: XServer) -> None:
    first = open_display(x_server.name, "")
    second = open_display(x_server.name, "")  # its own set-up must not break the first again
    for display in (first, second):
        with pytest.raises(error.BadValue):
            display.get_keyboard_mapping(1, 200)
        assert display.screen().root.get_geometry().width == 1280
        close_display(display)


def test_two_servers_with_different_extensions_do_not_mix(start_x_server: StartXServer) -> None:
    displays = []
    for options in ((), ("-extension", "MIT-SHM", "-extension", "DOUBLE-BUFFER"), ()):
        server = start_x_server(640, 480, 24, *options)
        displays.append(open_display(server.name, ""))
    for display in displays:
        version = display.screen().root.xrandr_get_screen_size_range()
        assert (version.max_width, version.max_height) == (640, 480)
        close_display(display)


async def test_events_are_delivered_also_when_a_request_has_read_them(x_server: XServer) -> None:
    display = open_display(x_server.name, "")
    display.screen().root.change_attributes(event_mask=X.PropertyChangeMask)
    atom = display.intern_atom("_KASMCORE_TEST")
    display.screen().root.change_property(atom, atom, 8, b"x")
    display.sync()  # reads the event into the queue: the socket is not readable any more
    with trio.fail_after(5):
        events = await next_events(display)
    assert [event.type for event in events] == [X.PropertyNotify]
    close_display(display)


async def test_the_end_of_the_server_reaches_whoever_waits(x_server: XServer) -> None:
    display = open_display(x_server.name, "")
    with trio.fail_after(20):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(trio.to_thread.run_sync, x_server.stop)
            with pytest.raises(CaptureEnded, match=f"the X server {x_server.name} has ended"):
                await next_events(display)
    close_display(display)
