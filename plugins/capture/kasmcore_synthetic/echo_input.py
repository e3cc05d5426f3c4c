"""Input that can be seen to arrive: keys and buttons are counted, the pointer is followed."""

from __future__ import annotations

from collections.abc import Callable

import trio

from kasmcore.api import (
    InputEvent,
    KeyEvent,
    KeysReleased,
    PointerButton,
    PointerMoved,
    TextTyped,
    WheelTurned,
)


class EchoInput:
    """Takes what viewers do and remembers who holds what.

    ``presses`` counts keys and buttons pressed and characters typed; ``pointer`` is where it is.
    """

    def __init__(self, on_input: Callable[[], None]) -> None:
        self.presses = 0
        self.pointer = (0, 0)
        self._held: dict[int, set[str | int]] = {}
        self._on_input = on_input

    async def send(self, event: InputEvent, viewer_id: int) -> None:
        """Count one event."""
        await trio.lowlevel.checkpoint()
        match event:
            case KeyEvent():
                self._press(event.code or event.keysym, event.pressed, viewer_id)
            case PointerButton():
                self.pointer = (event.x, event.y)
                self._press(f"button {event.button}", event.pressed, viewer_id)
            case PointerMoved() | WheelTurned():
                self.pointer = (event.x, event.y)
            case TextTyped():
                self.presses += len(event.text)
            case KeysReleased():
                self._held.pop(viewer_id, None)
        self._on_input()

    async def release_all(self, viewer_id: int) -> None:
        """Forget what this viewer holds."""
        await trio.lowlevel.checkpoint()
        self._held.pop(viewer_id, None)

    def held_by(self, viewer_id: int) -> frozenset[str | int]:
        """Keys and buttons that this viewer holds: key codes, keysyms, ``button 1``."""
        return frozenset(self._held.get(viewer_id, ()))

    def _press(self, key: str | int, is_pressed: bool, viewer_id: int) -> None:
        held = self._held.setdefault(viewer_id, set())
        if is_pressed:
            self.presses += 1
            held.add(key)
        else:
            held.discard(key)
