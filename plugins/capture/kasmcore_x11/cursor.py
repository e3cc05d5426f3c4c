"""The pointer's image: XFixes tells when it changes and what it looks like."""

from __future__ import annotations

import attrs
import numpy as np
import trio
from Xlib.error import XError
from Xlib.ext import xfixes
from Xlib.protocol import rq

from kasmcore.api import HIDDEN_CURSOR, CursorImage
from kasmcore_x11.async_display import AsyncDisplay
from kasmcore_x11.requests import XFIXES, GetCursorImage

#: Most pixels each way; a larger image is cut around its hotspot.
LARGEST_CURSOR = 256


@attrs.define(eq=False)
class CursorWatcher:
    """Waits for cursor images that differ from the one returned before."""

    _x: AsyncDisplay
    _may_differ: bool = attrs.field(default=True, init=False)
    _shown: CursorImage | None = attrs.field(default=None, init=False)

    def start(self) -> None:
        """Ask the server to tell of changes."""
        display = self._x.display
        self._x.on_event({xfixes.DisplayCursorNotify: self._notified})
        display.xfixes_select_cursor_input(
            display.screen().root, xfixes.XFixesDisplayCursorNotifyMask
        )

    async def next_image(self) -> CursorImage:
        """Wait for another image than before; the first call returns at once.

        Raises:
            CaptureEnded: the X server is gone.
        """
        while True:
            await self._x.wait_until(lambda: self._may_differ)
            self._may_differ = False
            image = await self._fetch()
            if image != self._shown:
                self._shown = image
                return image

    async def _fetch(self) -> CursorImage:
        asked = self._x.ask(GetCursorImage, XFIXES)
        try:
            await self._x.replies(asked)
        except XError:  # the server shows no cursor
            return HIDDEN_CURSOR
        except trio.Cancelled:
            self._may_differ = True
            raise
        return cursor_image(
            asked.pixels, (asked.width, asked.height), (asked.hotspot_x, asked.hotspot_y)
        )

    def _notified(self, _event: rq.Event) -> None:
        self._may_differ = True


def cursor_image(pixels: bytes, size: tuple[int, int], hotspot: tuple[int, int]) -> CursorImage:
    """Convert what XFixes gives: premultiplied blue, green, red, alpha, 4 bytes a pixel.

    An image without a visible pixel is `HIDDEN_CURSOR`; that is how applications hide the pointer.

    Args:
        pixels: width * height * 4 bytes, rows from top to bottom.
        size: width and height.
        hotspot: x and y inside the image.
    """
    width, height = size
    bgra = np.frombuffer(pixels, np.uint8, width * height * 4).reshape(height, width, 4)
    left = _cut_from(hotspot[0], width)
    top = _cut_from(hotspot[1], height)
    bgra = bgra[top : top + LARGEST_CURSOR, left : left + LARGEST_CURSOR]
    alpha = bgra[..., 3:].astype(np.uint16)
    if not alpha.any():
        return HIDDEN_CURSOR
    colours = bgra[..., 2::-1].astype(np.uint16) * 255 + alpha // 2
    straight = np.minimum(colours // np.maximum(alpha, 1), 255)
    straight[alpha[..., 0] == 0] = 0
    rgba = np.concatenate((straight, alpha), axis=2).astype(np.uint8)
    return CursorImage(
        width=rgba.shape[1],
        height=rgba.shape[0],
        hotspot_x=min(hotspot[0] - left, rgba.shape[1] - 1),
        hotspot_y=min(hotspot[1] - top, rgba.shape[0] - 1),
        rgba=rgba.tobytes(),
    )


def _cut_from(hotspot: int, length: int) -> int:
    """First row or column to keep so that the hotspot stays inside."""
    surplus = max(0, length - LARGEST_CURSOR)
    return min(surplus, max(0, hotspot - LARGEST_CURSOR // 2))
