"""A desktop in memory that a test paints on: a whole capture source without an X server."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import attrs
import numpy as np
import trio

from kasmcore.errors import CaptureEnded
from kasmcore.interfaces.capture import CaptureRequest, CaptureSpec
from kasmcore.testing.wake_up import WakeUp
from kasmcore.values.clipboard import TEXT_MIME, AllowedClipboard, ClipboardItem, ClipboardOffer
from kasmcore.values.cursors import HIDDEN_CURSOR, CursorImage
from kasmcore.values.frames import CapturedFrame
from kasmcore.values.geometry import Rectangle, Size
from kasmcore.values.pixels import BgrxPixels
from kasmcore.values.viewer_events import InputEvent, KeyEvent, KeysReleased, PointerButton

DEFAULT_SIZE = Size(640, 480)
MAXIMUM_SIZE = Size(7680, 4320)


@attrs.frozen
class ReceivedInput:
    """One event that reached the desktop, and whose it was."""

    viewer_id: int
    event: InputEvent


class SyntheticInput:
    """Keeps what viewers do; ``received`` is all of it, ``held`` what each holds now."""

    def __init__(self, wake_up: WakeUp) -> None:
        self.received: list[ReceivedInput] = []
        self.held: dict[int, set[tuple[str, int | str]]] = {}
        self._wake_up = wake_up

    async def send(self, event: InputEvent, viewer_id: int) -> None:
        """Keep one event.

        Raises:
            CaptureEnded: the test ended the desktop.
        """
        await trio.lowlevel.checkpoint()
        self._wake_up.check()
        self.received.append(ReceivedInput(viewer_id, event))
        held = self.held.setdefault(viewer_id, set())
        match event:
            case KeyEvent(pressed=pressed, code=code, keysym=keysym):
                (held.add if pressed else held.discard)(("key", code or keysym))
            case PointerButton(button=button, pressed=pressed):
                (held.add if pressed else held.discard)(("button", button))
            case KeysReleased():
                held.clear()
        self._wake_up.wake()

    async def release_all(self, viewer_id: int) -> None:
        """Let go of all that this viewer holds."""
        await trio.lowlevel.checkpoint()
        self.held.pop(viewer_id, None)
        self._wake_up.wake()

    async def wait_received(self, count: int) -> list[ReceivedInput]:
        """Wait until this many events have arrived in all; return all."""
        await self._wake_up.wait_until(lambda: len(self.received) >= count)
        return list(self.received)


class SyntheticClipboard:
    """The desktop's clipboard; ``contents`` is what viewers put there last."""

    def __init__(self, wake_up: WakeUp) -> None:
        self.contents: AllowedClipboard | None = None
        self._offers: deque[ClipboardOffer] = deque()
        self._wake_up = wake_up

    async def next_offer(self) -> ClipboardOffer:
        """Wait for what the test offers.

        Raises:
            CaptureEnded: the test ended the desktop.
        """
        await self._wake_up.wait_until(lambda: bool(self._offers))
        return self._offers.popleft()

    async def put(self, contents: AllowedClipboard) -> None:
        """Keep contents from a viewer."""
        await trio.lowlevel.checkpoint()
        self._wake_up.check()
        self.contents = contents
        self._wake_up.wake()

    def offer(self, offer: ClipboardOffer) -> None:
        """Act as an application that took the clipboard."""
        self._offers.append(offer)
        self._wake_up.wake()

    def offer_text(self, text: str) -> None:
        """Act as an application that copied text."""
        self.offer(ClipboardOffer((ClipboardItem(TEXT_MIME, text.encode()),)))

    async def wait_contents(self) -> AllowedClipboard:
        """Wait until a viewer's contents are there."""
        await self._wake_up.wait_until(lambda: self.contents is not None)
        assert self.contents is not None
        return self.contents


class SyntheticDesktop:
    """A ``CaptureSource`` that shows what the test paints. It starts black, cursor hidden."""

    def __init__(
        self,
        size: Size = DEFAULT_SIZE,
        *,
        maximum_size: Size = MAXIMUM_SIZE,
        has_clipboard: bool = True,
        clock: Callable[[], float] = trio.current_time,
    ) -> None:
        self._wake_up = WakeUp()
        self._clock = clock
        self._maximum_size = maximum_size
        self._framebuffer: BgrxPixels = np.zeros((size.height, size.width, 4), np.uint8)
        self._hints = [Rectangle.of_size(size)]
        self._changed_at_s: float | None = None
        self._serial = 0
        self._cursor = HIDDEN_CURSOR
        self._shown_cursor: CursorImage | None = None
        self.input = SyntheticInput(self._wake_up)
        self.clipboard = SyntheticClipboard(self._wake_up) if has_clipboard else None

    @property
    def size(self) -> Size:
        """Size of the framebuffer now."""
        height, width = self._framebuffer.shape[:2]
        return Size(width, height)

    @property
    def pixels(self) -> BgrxPixels:
        """A copy of what the desktop shows now."""
        return self._framebuffer.copy()

    async def next_frame(self) -> CapturedFrame:
        """Wait for a change; as in ``CaptureSource``."""
        await self._wake_up.wait_until(lambda: bool(self._hints))
        now_s = self._clock()
        changed_at_s = now_s if self._changed_at_s is None else self._changed_at_s
        pixels = self._framebuffer.copy()
        pixels.flags.writeable = False
        self._serial += 1
        hints, self._hints, self._changed_at_s = tuple(self._hints), [], None
        return CapturedFrame(self._serial, pixels, hints, changed_at_s, now_s)

    async def next_cursor(self) -> CursorImage:
        """Wait for another cursor; as in ``CaptureSource``."""
        await self._wake_up.wait_until(lambda: self._cursor != self._shown_cursor)
        self._shown_cursor = self._cursor
        return self._cursor

    async def resize(self, size: Size) -> Size:
        """Take this size, within the largest; what fits of the picture stays."""
        await trio.lowlevel.checkpoint()
        self._wake_up.check()
        width = min(max(size.width, 1), self._maximum_size.width)
        height = min(max(size.height, 1), self._maximum_size.height)
        if (width, height) != (self.size.width, self.size.height):
            before = self._framebuffer[:height, :width]
            self._framebuffer = np.zeros((height, width, 4), np.uint8)
            self._framebuffer[: before.shape[0], : before.shape[1]] = before
            self._hints.clear()
            self._changed(Rectangle(0, 0, width, height))
        return self.size

    def paint(self, rectangle: Rectangle, rgb: tuple[int, int, int]) -> None:
        """Fill a rectangle with one colour; what lies outside the framebuffer is cut off."""
        inside = rectangle.intersection(Rectangle.of_size(self.size))
        if not inside.is_empty():
            self._framebuffer[inside.rows, inside.columns, :3] = rgb[::-1]
            self._changed(inside)

    def paint_pixels(self, x: int, y: int, pixels: BgrxPixels) -> None:
        """Copy a picture to x, y; it must fit."""
        area = Rectangle(x, y, pixels.shape[1], pixels.shape[0])
        self._framebuffer[area.rows, area.columns] = pixels
        self._changed(area)

    def show_cursor(self, cursor: CursorImage) -> None:
        """Change the cursor's image."""
        self._cursor = cursor
        self._wake_up.wake()

    def end(self, reason: str = "the test ended the desktop") -> None:
        """Make every call, waiting or new, raise CaptureEnded."""
        self._wake_up.end(lambda: CaptureEnded(reason))

    def spec(self, name: str = "synthetic_desktop") -> CaptureSpec:
        """Return a spec that opens this very desktop, whatever is requested."""

        @asynccontextmanager
        async def opened(_request: CaptureRequest) -> AsyncIterator[SyntheticDesktop]:
            yield self

        return CaptureSpec(name=name, open=opened)

    def _changed(self, area: Rectangle) -> None:
        self._hints.append(area)
        if self._changed_at_s is None:
            self._changed_at_s = self._clock()
        self._wake_up.wake()
