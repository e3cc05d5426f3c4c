"""Framebuffers in shared memory, in turn: one is filled while readers still hold others."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence

import attrs
import trio
from Xlib import X
from Xlib.protocol import rq

from kasmcore.api import BgrxPixels, Rectangle, Size
from kasmcore_x11.async_display import AsyncDisplay
from kasmcore_x11.region import Band, row_bands
from kasmcore_x11.requests import MIT_SHM, ShmGetImage
from kasmcore_x11.shared_memory import BYTES_PER_PIXEL, SharedPicture, share_picture

#: Rows between two changes that are read along rather than asking for each: asking costs more.
GAP_ROWS = 64
#: A framebuffer not needed for so many frames is given back.
IDLE_FRAMES = 600


@attrs.define(eq=False)
class Framebuffer:
    """One of the ring, and what it lacks of the display's present picture."""

    picture: SharedPicture
    missing: list[Band]
    """Rows that changed since it was filled."""
    is_free: bool = False
    used_at: int = 0
    """Number of the frame that it was last taken for."""

    @property
    def missing_rows(self) -> int:
        """How many rows must be read to fill it."""
        return sum(bottom - top for top, bottom in self.missing)

    def add_missing(self, bands: list[Band]) -> None:
        """Note rows that changed, or could not be read."""
        self.missing = row_bands(self.missing + bands, GAP_ROWS)


@attrs.define(eq=False)
class FramebufferRing:
    """Gives out framebuffers that nobody reads, and takes them back by themselves.

    There is no release to forget: a framebuffer is free again when the array that `lend` returned
    and all views of it are gone. New ones are made as needed, at most ``most``.
    """

    _x: AsyncDisplay
    _size: Size
    _most: int
    _framebuffers: list[Framebuffer] = attrs.field(factory=list, init=False)
    _taken_count: int = attrs.field(default=0, init=False)
    _returned: trio.Event = attrs.field(factory=trio.Event, init=False)
    _is_waiting: bool = attrs.field(default=False, init=False)
    _token: trio.lowlevel.TrioToken = attrs.field(
        factory=trio.lowlevel.current_trio_token, init=False
    )

    def __len__(self) -> int:
        return len(self._framebuffers)

    def changed(self, rectangles: Sequence[Rectangle]) -> None:
        """Note what each framebuffer lacks from now on."""
        bands = [(rectangle.y, rectangle.bottom) for rectangle in rectangles]
        for framebuffer in self._framebuffers:
            framebuffer.add_missing(bands)

    def resized(self, size: Size) -> None:
        """Give back every framebuffer; the next ones have this size."""
        self._size = size
        self.close()
        self._wake()

    def close(self) -> None:
        """Give back every framebuffer; readers keep what they hold until they drop it."""
        for framebuffer in self._framebuffers:
            framebuffer.picture.close(self._x)
        self._framebuffers.clear()

    async def take(self) -> Framebuffer:
        """Return the free framebuffer that lacks least; wait for one when all are read.

        Raises:
            CaptureEnded: no memory is left, or the X server is gone.
        """
        self._taken_count += 1
        while True:
            free = [framebuffer for framebuffer in self._framebuffers if framebuffer.is_free]
            if free:
                chosen = min(free, key=lambda framebuffer: framebuffer.missing_rows)
                break
            if len(self._framebuffers) < self._most:
                chosen = await self._make()
                break
            await self._wait_for_return()
        chosen.is_free = False
        chosen.used_at = self._taken_count
        self._drop_idle()
        return chosen

    async def fill(self, framebuffer: Framebuffer) -> None:
        """Read the rows that it lacks. When cancelled it still lacks them.

        Raises:
            Xlib.error.XError: the display has become smaller.
            CaptureEnded: the X server is gone.
        """
        bands, framebuffer.missing = framebuffer.missing, []
        with contextlib.ExitStack() as undo:
            undo.callback(framebuffer.add_missing, bands)
            await self._x.replies(*(self._read(framebuffer.picture, band) for band in bands))
            undo.pop_all()

    def lend(self, framebuffer: Framebuffer) -> BgrxPixels:
        """Hand its picture out; it is free again when the last view of it is gone."""

        def returned() -> None:
            framebuffer.is_free = True
            if self._is_waiting:
                with contextlib.suppress(trio.RunFinishedError):
                    self._token.run_sync_soon(self._wake)

        return framebuffer.picture.lend(returned)

    def put_back(self, framebuffer: Framebuffer) -> None:
        """Make it free again without having lent it."""
        framebuffer.is_free = True

    def _read(self, picture: SharedPicture, band: Band) -> rq.ReplyRequest:
        top, bottom = band
        return self._x.ask(
            ShmGetImage,
            MIT_SHM,
            drawable=self._x.display.screen().root,
            x=0,
            y=top,
            width=picture.size.width,
            height=bottom - top,
            plane_mask=0xFFFFFFFF,
            format=X.ZPixmap,
            shmseg=picture.segment_id,
            offset=top * picture.size.width * BYTES_PER_PIXEL,
        )

    async def _make(self) -> Framebuffer:
        while True:
            picture = await share_picture(self._x, self._size)
            if picture.size == self._size:
                break
            picture.close(self._x)  # the display was resized meanwhile
        framebuffer = Framebuffer(picture, [(0, picture.size.height)])
        self._framebuffers.append(framebuffer)
        return framebuffer

    async def _wait_for_return(self) -> None:
        self._returned = trio.Event()
        self._is_waiting = True
        try:
            if not any(framebuffer.is_free for framebuffer in self._framebuffers):
                await self._returned.wait()
        finally:
            self._is_waiting = False

    def _wake(self) -> None:
        self._returned.set()

    def _drop_idle(self) -> None:
        for framebuffer in list(self._framebuffers):
            if framebuffer.is_free and self._taken_count - framebuffer.used_at > IDLE_FRAMES:
                framebuffer.picture.close(self._x)
                self._framebuffers.remove(framebuffer)
