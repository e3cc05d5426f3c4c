"""Which windows moved since the frame before: the X server tells, nothing is asked for."""

from __future__ import annotations

from collections.abc import Mapping

import attrs
from Xlib.protocol import event, rq

from kasmcore.api import Rectangle, Size, WindowMove
from kasmcore_x11.async_display import AsyncDisplay

#: More windows move at once only when the whole desktop is laid out anew.
MOST_MOVES = 16


@attrs.define
class _Window:
    """A child of the root window, with its border."""

    place: Rectangle
    """Where it is."""
    place_shown: Rectangle
    """Where the frame before showed it."""
    is_mapped: bool


@attrs.define(eq=False)
class WindowMoves:
    """Follows the children of the root window: frames of programs, menus, tooltips.

    A window that was there before is known from the first time that it is moved.
    """

    _x: AsyncDisplay
    _windows: dict[int, _Window] = attrs.field(factory=dict, init=False)

    def start(self) -> None:
        """Listen; `open_screen` has asked for the events. Moves come by `configured`."""
        self._x.on_event(
            {
                event.CreateNotify: self._created,
                event.MapNotify: self._mapped,
                event.UnmapNotify: self._unmapped,
                event.DestroyNotify: self._gone,
                event.ReparentNotify: self._gone,
            }
        )

    def configured(self, notice: rq.Event) -> None:
        """Note where a window is now."""
        place = _place_of(notice)
        window = self._windows.get(notice.window.id)
        if window is None:
            self._windows[notice.window.id] = _Window(place, place, is_mapped=True)
            return
        if place.size != window.place.size:
            window.place_shown = place
        window.place = place

    def places(self) -> Mapping[int, Rectangle]:
        """Where the windows are that moved since the frame before, by their number."""
        return {
            number: window.place
            for number, window in self._windows.items()
            if window.place != window.place_shown
        }

    def shown(self, places: Mapping[int, Rectangle], size: Size) -> tuple[WindowMove, ...]:
        """Note that a frame of this size shows windows at these places; return how they moved."""
        moves = []
        for number, place in places.items():
            window = self._windows.get(number)
            if window is None or window.place.size != place.size:
                continue
            before, window.place_shown = window.place_shown, place
            visible = place.intersection(Rectangle.of_size(size))
            if window.is_mapped and not visible.is_empty():
                moves.append(WindowMove(visible, place.x - before.x, place.y - before.y))
        return tuple(moves[:MOST_MOVES])

    def _created(self, notice: rq.Event) -> None:
        place = _place_of(notice)
        self._windows[notice.window.id] = _Window(place, place, is_mapped=False)

    def _mapped(self, notice: rq.Event) -> None:
        window = self._windows.get(notice.window.id)
        if window is not None:
            window.is_mapped = True
            window.place_shown = window.place

    def _unmapped(self, notice: rq.Event) -> None:
        window = self._windows.get(notice.window.id)
        if window is not None:
            window.is_mapped = False

    def _gone(self, notice: rq.Event) -> None:
        """It ended, or a window manager put it into a frame, or took it out of one."""
        self._windows.pop(notice.window.id, None)


def _place_of(notice: rq.Event) -> Rectangle:
    border = 2 * notice.border_width
    return Rectangle(notice.x, notice.y, notice.width + border, notice.height + border)
