"""Capture sources: where pixels come from and where input goes."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Protocol

import attrs

from kasmcore.config.schema import ServerConfig
from kasmcore.values.clipboard import AllowedClipboard, ClipboardOffer
from kasmcore.values.cursors import CursorImage
from kasmcore.values.frames import CapturedFrame
from kasmcore.values.geometry import Size
from kasmcore.values.viewer_events import InputEvent


class InputSink(Protocol):
    """Takes what viewers do with keyboard and pointer to the display."""

    async def send(self, event: InputEvent, viewer_id: int) -> None:
        """Act on one event; what the display cannot do (an untypable key) is logged and skipped.

        Keys and buttons that a viewer holds are remembered by its ``viewer_id``.

        Raises:
            CaptureEnded: the display is gone.
        """

    async def release_all(self, viewer_id: int) -> None:
        """Release every key and button that this viewer still holds. Safe to repeat."""


class ClipboardPort(Protocol):
    """The display's clipboard."""

    async def next_offer(self) -> ClipboardOffer:
        """Wait until an application took the clipboard, then read what it offers.

        What ``put`` placed there is never offered back.

        Raises:
            CaptureEnded: the display is gone.
        """

    async def put(self, contents: AllowedClipboard) -> None:
        """Take the clipboard and hold these contents for the display's applications."""


class CaptureSource(Protocol):
    """One open display: its pixels, cursor, input and clipboard. Used from one trio task each."""

    @property
    def size(self) -> Size:
        """Size of the framebuffer now."""

    @property
    def input(self) -> InputSink:
        """Where keys and pointer go."""

    @property
    def clipboard(self) -> ClipboardPort | None:
        """The display's clipboard; None when it has none."""

    async def next_frame(self) -> CapturedFrame:
        """Wait until something changed since the frame before, then read the framebuffer.

        The first call returns a whole frame at once. Waiting costs no CPU time: no polling. The
        caller decides how often it calls; changes in between add up. Cancelling loses nothing.

        Raises:
            CaptureEnded: the display is gone.
        """

    async def next_cursor(self) -> CursorImage:
        """Wait until the cursor's image is another than the one returned before, then return it.

        The first call returns at once.

        Raises:
            CaptureEnded: the display is gone.
        """

    async def resize(self, size: Size) -> Size:
        """Give the framebuffer this size, or the nearest that the display can have.

        Returns: the size that it has now. The next frame shows it.
        """


@attrs.frozen
class CaptureRequest:
    """What a capture source is opened for."""

    config: ServerConfig
    display: str
    """X display name, e.g. ``:41``; empty for sources without one."""
    authority_file: str
    """Xauthority file for it; empty for the user's default."""


@attrs.frozen(kw_only=True)
class CaptureSpec:
    """A capture source that can be opened.

    Attributes:
        name: word that the YAML uses.
        open: opens the source; raises PluginUnavailable or CaptureEnded with a clear reason.
        needs_display: the server starts (or attaches to) an X display first and names it in the
            request.
    """

    name: str
    open: Callable[[CaptureRequest], AbstractAsyncContextManager[CaptureSource]]
    needs_display: bool = False
