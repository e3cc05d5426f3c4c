"""Keyboard and pointer of an X display, played by XTest."""

from __future__ import annotations

from kasmcore.api import (
    InputEvent,
    KeyEvent,
    KeysReleased,
    PluginUnavailable,
    PointerButton,
    PointerMoved,
    TextTyped,
    WheelTurned,
)
from kasmcore_x11.connection import CONNECTION_LOST, close_display, ended_error, open_display
from kasmcore_x11.flush import flush
from kasmcore_x11.keyboard import Keyboard
from kasmcore_x11.pointer import Pointer


class X11Input:
    """Plays what viewers do. Opens a connection of its own; blocks for some 30 ms while it does.

    Args:
        display_name: X display, e.g. ``:41``.
        authority_file: Xauthority file for it; empty for the user's default.

    Raises:
        PluginUnavailable: the display cannot be opened, or lacks XTEST or XKEYBOARD.
    """

    def __init__(self, display_name: str, authority_file: str) -> None:
        self._name = display_name
        self._display = open_display(display_name, authority_file)
        if not self._display.has_extension("XTEST"):
            close_display(self._display)
            raise PluginUnavailable(
                "the X server has no XTEST extension, so nothing can be typed or clicked",
                where=display_name,
                remedy="Start the X server with it: +extension XTEST.",
            )
        self._pointer = Pointer(self._display)
        self._keyboard = Keyboard(self._display)

    async def send(self, event: InputEvent, viewer_id: int) -> None:
        """Act on one event; what the display cannot do is logged and skipped.

        Returns at once but for text that needs more spare keycodes than there are.

        Raises:
            CaptureEnded: the display is gone.
        """
        try:
            await self._act(event, viewer_id)
        except CONNECTION_LOST as problem:
            raise ended_error(self._name) from problem
        await flush(self._display)

    async def release_all(self, viewer_id: int) -> None:
        """Release every key and button that this viewer still holds. Safe to repeat.

        Raises:
            CaptureEnded: the display is gone.
        """
        await self.send(KeysReleased(), viewer_id)

    async def aclose(self) -> None:
        """Release everything, leave the keyboard map as it was, and disconnect."""
        try:
            self._keyboard.close()
            self._pointer.close()
            self._display.sync()
        except CONNECTION_LOST:
            return
        close_display(self._display)

    async def _act(self, event: InputEvent, viewer_id: int) -> None:
        match event:
            case KeyEvent(pressed=True):
                await self._keyboard.press(event, viewer_id)
            case KeyEvent():
                self._keyboard.release(event, viewer_id)
            case TextTyped():
                await self._keyboard.type_text(event.text)
            case KeysReleased():
                self._keyboard.release_all(viewer_id)
                self._pointer.release_all(viewer_id)
            case PointerMoved():
                self._pointer.move(event)
            case PointerButton():
                self._pointer.press(event, viewer_id)
            case WheelTurned():
                self._pointer.turn_wheel(event, viewer_id)
