"""What a display shows: its frames, its cursor and its size."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import attrs
import trio
from Xlib import X
from Xlib.display import Display
from Xlib.error import XError
from Xlib.protocol import event, rq

from kasmcore.api import (
    CapturedFrame,
    CaptureEnded,
    CursorImage,
    PluginUnavailable,
    Size,
)
from kasmcore_x11.async_display import AsyncDisplay
from kasmcore_x11.connection import close_display, open_display
from kasmcore_x11.cursor import CursorWatcher
from kasmcore_x11.damage import DamageTracker
from kasmcore_x11.framebuffer_ring import Framebuffer, FramebufferRing
from kasmcore_x11.requirements import prepare
from kasmcore_x11.resize import ScreenResizer
from kasmcore_x11.settings import X11Settings
from kasmcore_x11.single_error import single_error
from kasmcore_x11.window_moves import WindowMoves


@attrs.define(eq=False)
class X11Screen:
    """Frames, cursor and size of one display; `open_screen` makes it."""

    _x: AsyncDisplay
    _settings: X11Settings
    _size: Size
    _ring: FramebufferRing
    _damage: DamageTracker
    _cursor: CursorWatcher
    _resizer: ScreenResizer
    _moves: WindowMoves
    _serial: int = attrs.field(default=0, init=False)

    @property
    def size(self) -> Size:
        """Size of the framebuffer now."""
        return self._size

    async def start(self) -> None:
        """Ask the server for its events and make the first framebuffer.

        Raises:
            PluginUnavailable: the server cannot use our shared memory.
            CaptureEnded: the X server is gone.
        """
        self._x.on_event({event.ConfigureNotify: self._configured})
        self._damage.start()
        self._cursor.start()
        self._moves.start()
        try:
            self._ring.put_back(await self._ring.take())
        except CaptureEnded as problem:
            if self._x.has_ended:
                raise
            raise PluginUnavailable(
                problem.what, where=problem.where, remedy=problem.remedy
            ) from problem

    async def next_frame(self) -> CapturedFrame:
        """See `CaptureSource.next_frame`."""
        while True:
            if not self._damage.has_news:
                await self._x.wait_until(lambda: self._damage.has_news)
                await trio.sleep(self._settings.settle_ms / 1000)
            framebuffer = await self._ring.take()
            with contextlib.ExitStack() as undo:
                undo.callback(self._ring.put_back, framebuffer)
                frame = await self._read(framebuffer)
                if frame is not None:
                    undo.pop_all()
                    return frame

    async def next_cursor(self) -> CursorImage:
        """See `CaptureSource.next_cursor`."""
        return await self._cursor.next_image()

    async def resize(self, size: Size) -> Size:
        """See `CaptureSource.resize`."""
        await self._resizer.resize(size, lambda: self._size)
        return self._size

    async def _read(self, framebuffer: Framebuffer) -> CapturedFrame | None:
        """Bring the framebuffer up to date; None when nothing changed or the size did.

        The rows are read whole, so a change may show that began after the damage was located and
        that the hints lack. The server has told of it before it answered: then locate again.
        """
        if self._damage.must_locate:
            await self._damage.locate()
        hints, changed_at_s = self._damage.take()
        if not hints:
            return None
        with contextlib.ExitStack() as undo:
            undo.callback(self._damage.give_back, hints, changed_at_s)
            try:
                await self._ring.fill(framebuffer)
            except XError as problem:
                self._check_resized(framebuffer, problem)
            captured_at_s = trio.current_time()
            places = self._moves.places()
            if self._damage.must_locate:
                await self._damage.locate()
            if framebuffer.picture.size != self._size:
                return None
            undo.pop_all()
        self._serial += 1
        return CapturedFrame(
            serial=self._serial,
            pixels=self._ring.lend(framebuffer),
            hints=tuple(self._damage.with_later(hints)),
            changed_at_s=changed_at_s,
            captured_at_s=captured_at_s,
            moves=self._moves.shown(places, framebuffer.picture.size),
        )

    def _check_resized(self, framebuffer: Framebuffer, problem: XError) -> None:
        if framebuffer.picture.size == self._size:
            raise CaptureEnded(
                f"the X server {self._x.name} does not let its screen be read: {problem}",
                remedy="Look in the X server's log; then start kasmcore again.",
            ) from problem

    def _configured(self, notice: rq.Event) -> None:
        if notice.window.id != self._x.display.screen().root.id:
            self._moves.configured(notice)
            return
        size = Size(notice.width, notice.height)
        if size != self._size:
            self._size = size
            self._ring.resized(size)
            self._damage.resized(size)


@asynccontextmanager
async def open_screen(
    display_name: str, authority_file: str, settings: X11Settings
) -> AsyncIterator[X11Screen]:
    """Connect to the display and capture it until the block is left.

    Raises:
        PluginUnavailable: there is no such display, it refuses us, or it lacks something.
    """
    display, size = await trio.to_thread.run_sync(
        _open_prepared, display_name, authority_file, abandon_on_cancel=True
    )
    x = AsyncDisplay(display)
    ring = FramebufferRing(x, size, settings.most_framebuffers)
    with contextlib.closing(x), contextlib.closing(ring), single_error():
        async with trio.open_nursery() as nursery:
            nursery.start_soon(x.run)
            damage, cursor = DamageTracker(x, size, ring.changed), CursorWatcher(x)
            screen = X11Screen(
                x, settings, size, ring, damage, cursor, ScreenResizer(x), WindowMoves(x)
            )
            await screen.start()
            yield screen
            nursery.cancel_scope.cancel()


def _open_prepared(display_name: str, authority_file: str) -> tuple[Display, Size]:
    """Connect and return the size too, from when on every change of it is an event."""
    display = open_display(display_name, authority_file)
    with contextlib.ExitStack() as undo:
        undo.callback(close_display, display)
        prepare(display)
        root = display.screen().root
        root.change_attributes(event_mask=X.StructureNotifyMask | X.SubstructureNotifyMask)
        geometry = root.get_geometry()
        undo.pop_all()
    return display, Size(geometry.width, geometry.height)
