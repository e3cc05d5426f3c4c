"""Sending all that is queued. python-xlib's own flush stops when the socket is full."""

from __future__ import annotations

import trio
from Xlib.display import Display

from kasmcore_x11.connection import CONNECTION_LOST, ended_error


async def flush(display: Display) -> None:
    """Send every queued request; waits while the server reads slowly.

    Raises:
        CaptureEnded: the X server is gone.
    """
    try:
        display.flush()
        while display.display.data_send:
            await trio.lowlevel.wait_writable(display.fileno())
            display.flush()
    except (*CONNECTION_LOST, trio.ClosedResourceError) as problem:
        raise ended_error(display.get_display_name()) from problem
