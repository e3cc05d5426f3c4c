"""Asking the program that has the keyboard whether it has read what was typed.

A program looks a key event up in the map when it gets to it, which may be long after the event was
sent. Window managers ask programs for a sign of life by _NET_WM_PING ("Extended Window Manager
Hints", 1.5); a program answers after the events before it, so the answer tells what we need.
"""

from __future__ import annotations

from Xlib import X, Xatom
from Xlib.display import Display
from Xlib.error import XError
from Xlib.protocol import event as xevent
from Xlib.protocol import rq
from Xlib.xobject.drawable import Window

_FIRST_TOKEN = 0x6B630000
_MOST_PARENTS = 8


class FocusedProgram:
    """The program whose window has the keyboard focus.

    Args:
        display: a connection of its own; pass the events on it to `note`.
    """

    def __init__(self, display: Display) -> None:
        self._display = display
        self._root = display.screen().root
        self._protocols = display.intern_atom("WM_PROTOCOLS")
        self._ping = display.intern_atom("_NET_WM_PING")
        self._token = _FIRST_TOKEN
        self._answered = False

    def note(self, event: rq.Event) -> None:
        """See whether this event is the answer."""
        if event.type == X.ClientMessage and event.client_type == self._protocols:
            kind, token, *_ = event.data[1]
            self._answered |= (kind, token) == (self._ping, self._token)

    def ask(self) -> bool:
        """Ask. Returns: False when the program is of a kind that does not answer."""
        window = self._answering_window()
        if window is None:
            return False
        self._token += 1
        self._answered = False
        # Answers are events on the root window, wanted for this moment only. Qt sends its answer to
        # those who select StructureNotify, the others to those who select SubstructureNotify.
        self._root.change_attributes(event_mask=X.SubstructureNotifyMask | X.StructureNotifyMask)
        window.send_event(
            xevent.ClientMessage(
                window=window,
                client_type=self._protocols,
                data=(32, [self._ping, self._token, window.id, 0, 0]),
            )
        )
        return True

    def stop_listening(self) -> None:
        """No answer is waited for any more."""
        self._root.change_attributes(event_mask=0)

    @property
    def has_answered(self) -> bool:
        """True once the program has read everything that was sent before the question."""
        return self._answered

    def _answering_window(self) -> Window | None:
        """The window with the focus, or the nearest around it, that promises to answer."""
        window = self._display.get_input_focus().focus
        try:
            for _ in range(_MOST_PARENTS):
                if not isinstance(window, Window) or window == self._root:
                    return None
                protocols = window.get_full_property(self._protocols, Xatom.ATOM)
                if protocols and self._ping in protocols.value:
                    return window
                window = window.query_tree().parent
        except XError:  # it was closed meanwhile
            return None
        return None
