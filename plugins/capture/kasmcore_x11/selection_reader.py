"""Reading a selection that a program owns.

Source: "Inter-Client Communication Conventions Manual" 2.0, sections 2.4 and 2.7 (INCR).
"""

from __future__ import annotations

import itertools
import logging
from collections.abc import Callable, Iterator

import attrs
import trio
from Xlib import X
from Xlib.protocol import request, rq
from Xlib.xobject.drawable import Window

from kasmcore_x11.async_display import AsyncDisplay

LOG = logging.getLogger("kasmcore.x11.clipboard")

#: An owner that says nothing for this long is given up.
OWNER_PATIENCE_S = 2.0
_PROPERTIES = 16
_MOST_WORDS = 0x10000  # of 4 bytes, in one reply


@attrs.frozen
class SelectionData:
    """What an owner gave."""

    type_atom: int
    data: bytes


class SelectionReader:
    """Reads selections, one target at a time; an owner that is slow, dead or wrong gives None.

    Args:
        display: the connection to read on; another task runs it.
        window: receives the contents in its properties; selects PropertyChange.
        maximum_bytes: contents that are larger are not read.
    """

    def __init__(self, display: AsyncDisplay, window: Window, maximum_bytes: int) -> None:
        self._display = display
        self._window = window
        self._maximum_bytes = maximum_bytes
        self._incr = display.display.intern_atom("INCR")
        # Each transfer has a property of its own: what a late owner still writes harms no other.
        self._properties: Iterator[int] = itertools.cycle(
            display.display.intern_atom(f"KASMCORE_SELECTION_{number}")
            for number in range(_PROPERTIES)
        )
        self._answers: dict[int, int] = {}
        self._written: set[int] = set()

    def note_answer(self, event: rq.Event) -> None:
        """Note that an owner has answered."""
        for prop, answer in self._answers.items():
            if answer == _NO_ANSWER and event.property in (prop, X.NONE):
                self._answers[prop] = event.property

    def note_property(self, event: rq.Event) -> None:
        """Note that an owner has written a piece."""
        if event.window == self._window and event.state == X.PropertyNewValue:
            self._written.add(event.atom)

    async def read(self, selection: int, target: int, time_ms: int) -> SelectionData | None:
        """Ask the owner for the contents in one form.

        Args:
            selection: atom of the selection.
            target: atom of the form.
            time_ms: the server's time of the event that made us ask.

        Raises:
            CaptureEnded: the display is gone.
        """
        prop = next(self._properties)
        self._answers = {prop: _NO_ANSWER}
        self._window.delete_property(prop)
        self._window.convert_selection(selection, target, prop, time_ms)
        if not await self._within_patience(lambda: self._answers[prop] != _NO_ANSWER):
            LOG.info("the owner of the clipboard gives no answer")
            return None
        if self._answers[prop] == X.NONE:
            return None
        return await self._fetch(prop)

    async def _fetch(self, prop: int) -> SelectionData | None:
        self._written.discard(prop)
        type_atom, data = await self._take(prop)
        if type_atom != self._incr:
            return None if data is None else SelectionData(type_atom, data)
        pieces = bytearray()
        while True:
            if not await self._within_patience(lambda: prop in self._written):
                LOG.info("the owner of the clipboard stopped in the middle")
                return None
            self._written.discard(prop)
            type_atom, piece = await self._take(prop)
            if not piece:
                return SelectionData(type_atom, bytes(pieces)) if piece is not None else None
            pieces += piece
            if len(pieces) > self._maximum_bytes:
                LOG.warning("the clipboard holds more than %d bytes", self._maximum_bytes)
                return None

    async def _take(self, prop: int) -> tuple[int, bytes | None]:
        """Type and value of a property, and delete it; the value is None if it is too large."""
        value = bytearray()
        while True:
            asked = request.GetProperty(
                display=self._display.display.display,
                defer=True,
                delete=1,
                window=self._window,
                property=prop,
                type=X.AnyPropertyType,
                long_offset=len(value) // 4,
                long_length=_MOST_WORDS,
            )
            await self._display.replies(asked)
            value += _as_bytes(asked)
            if len(value) + asked.bytes_after > self._maximum_bytes:
                LOG.warning("the clipboard holds more than %d bytes", self._maximum_bytes)
                self._window.delete_property(prop)
                return asked.property_type, None
            if not asked.bytes_after:  # only then has the server deleted it
                return asked.property_type, bytes(value)

    async def _within_patience(self, is_true: Callable[[], bool]) -> bool:
        with trio.move_on_after(OWNER_PATIENCE_S):
            await self._display.wait_until(is_true)
            return True
        return False


_NO_ANSWER = -1


def _as_bytes(reply: request.GetProperty) -> bytes:
    if reply.value is None:
        return b""
    value_format, value = reply.value
    return bytes(value) if value_format == 8 else value.tobytes()
