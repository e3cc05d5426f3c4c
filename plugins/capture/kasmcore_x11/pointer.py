"""The pointer of the display as many viewers move it."""

from __future__ import annotations

import logging
from collections import Counter

import attrs
from Xlib import X
from Xlib.display import Display
from Xlib.ext import xtest

from kasmcore.api import PointerButton, PointerMoved, WheelTurned

LOG = logging.getLogger("kasmcore.x11.pointer")

LAST_BUTTON = 9
NOTCH = 120
MOST_CLICKS = 20
_LAST_COORDINATE = 0x7FFF
_WHEEL_UP, _WHEEL_DOWN, _WHEEL_LEFT, _WHEEL_RIGHT = 4, 5, 6, 7


@attrs.define
class WheelRemainder:
    """Turns 1/120 notches into whole clicks; the rest waits for the next turn. Pure."""

    _rest: int = attrs.field(default=0, init=False)

    def clicks(self, turned: int) -> int:
        """Whole clicks after this turn, at most 20 either way. A turn back drops the rest."""
        if turned * self._rest < 0:
            self._rest = 0
        total = self._rest + turned
        clicks = abs(total) // NOTCH
        self._rest = (abs(total) - clicks * NOTCH) * (1 if total > 0 else -1)
        return min(clicks, MOST_CLICKS) * (1 if total > 0 else -1)


class Pointer:
    """Moves the pointer and presses its buttons. Requests are queued; the caller flushes.

    Args:
        display: a connection of its own.
    """

    def __init__(self, display: Display) -> None:
        self._display = display
        self._held: dict[int, set[int]] = {}
        self._holders: Counter[int] = Counter()
        self._wheels: dict[int, tuple[WheelRemainder, WheelRemainder]] = {}

    def move(self, event: PointerMoved | PointerButton | WheelTurned) -> None:
        """Put the pointer where the event happened.

        Outside the framebuffer it is the nearest point in it: the server, which knows the size
        best, sees to the right and bottom edges.
        """
        x = min(max(event.x, 0), _LAST_COORDINATE)
        y = min(max(event.y, 0), _LAST_COORDINATE)
        xtest.fake_input(self._display, X.MotionNotify, x=x, y=y)

    def press(self, event: PointerButton, viewer_id: int) -> None:
        """Press or release a button there; unknown buttons are logged and skipped."""
        if not 1 <= event.button <= LAST_BUTTON:
            LOG.info("no button %d on this display", event.button)
            return
        self.move(event)
        held = self._held.setdefault(viewer_id, set())
        if event.pressed and event.button not in held:
            held.add(event.button)
            self._holders[event.button] += 1
            if self._holders[event.button] == 1:
                xtest.fake_input(self._display, X.ButtonPress, event.button)
        elif not event.pressed and event.button in held:
            held.remove(event.button)
            self._let_go(event.button)

    def turn_wheel(self, event: WheelTurned, viewer_id: int) -> None:
        """Click the wheel's buttons there, once a whole notch is turned."""
        self.move(event)
        across, down = self._wheels.setdefault(viewer_id, (WheelRemainder(), WheelRemainder()))
        self._click(down.clicks(event.dy), _WHEEL_DOWN, _WHEEL_UP)
        self._click(across.clicks(event.dx), _WHEEL_RIGHT, _WHEEL_LEFT)

    def release_all(self, viewer_id: int) -> None:
        """Release the buttons that this viewer holds and no other one does."""
        for button in sorted(self._held.pop(viewer_id, set())):
            self._let_go(button)
        self._wheels.pop(viewer_id, None)

    def close(self) -> None:
        """Release every button."""
        for viewer_id in list(self._held):
            self.release_all(viewer_id)

    def _let_go(self, button: int) -> None:
        self._holders[button] -= 1
        if not self._holders[button]:
            xtest.fake_input(self._display, X.ButtonRelease, button)

    def _click(self, clicks: int, forward: int, back: int) -> None:
        button = forward if clicks > 0 else back
        for _ in range(abs(clicks)):
            xtest.fake_input(self._display, X.ButtonPress, button)
            xtest.fake_input(self._display, X.ButtonRelease, button)
