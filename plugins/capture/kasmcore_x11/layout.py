"""The layout of the server as it is now, and the loan of spare keycodes to keysyms it lacks."""

from __future__ import annotations

import logging
import math
from collections import Counter
from collections.abc import Collection

import trio
from Xlib.display import Display
from Xlib.protocol import rq

from kasmcore_x11.flush import flush
from kasmcore_x11.focused_program import FocusedProgram
from kasmcore_x11.keymap import KeyMap, Stroke
from kasmcore_x11.spare_keys import SpareKeys
from kasmcore_x11.xkb import KeyboardNews, LockedState, XKeyboard

LOG = logging.getLogger("kasmcore.x11.keyboard")

#: A keycode keeps its keysym at least this long, for the sake of input method servers.
SPARE_REST_S = 0.05
#: And until the focused program has read what was typed; this long if it gives no answer.
PATIENCE_S = 1.0
#: This long if it is of a kind that answers no such question; those are small and quick.
SILENT_REST_S = 0.2


class Layout:
    """The map, the locks and the spare keys of one server; nothing is asked twice without need.

    Args:
        display: a connection of its own; the events on it are read here.

    Raises:
        PluginUnavailable: the server has no XKB.
    """

    def __init__(self, display: Display) -> None:
        self._display = display
        self._xkb = XKeyboard(display)
        self._key_map = self._xkb.key_map()
        self._locked = self._xkb.locked_state()
        self._spares = SpareKeys(self._key_map.empty_keycodes())
        self._program = FocusedProgram(display)
        self._own_changes: Counter[int] = Counter()
        self._asking = trio.Lock()
        self._seen_s = -math.inf
        self._is_map_stale = False
        self._are_locks_stale = False

    @property
    def key_map(self) -> KeyMap:
        """The map as last seen."""
        return self._key_map

    @property
    def locked(self) -> LockedState:
        """The locks and the group as last seen."""
        return self._locked

    def catch_up(self) -> None:
        """Read the events that tell of changes by others, and ask for what they made stale."""
        while True:
            while self._display.pending_events():
                self._note(self._display.next_event())
            if self._is_map_stale:
                self._is_map_stale = False
                self._take_over_map()
            elif self._are_locks_stale:
                self._are_locks_stale = False
                self._locked = self._xkb.locked_state()
            else:
                return

    def expect_lock_change(self) -> None:
        """Note that a key was pressed that may have changed a lock or the group."""
        self._are_locks_stale = True

    def set_locks(self, affect: int, on: int) -> None:
        """Set and clear locked modifiers, for as long as no one changes them."""
        self._xkb.lock_modifiers(affect, on)
        self._locked = LockedState(self._locked.modifiers & ~affect | on, self._locked.group)

    def set_group(self, group: int) -> None:
        """Lock a layout group."""
        self._xkb.lock_group(group)
        self._locked = LockedState(self._locked.modifiers, group)

    def find(self, keysym: int, held_modifiers: int) -> Stroke | None:
        """How to type this keysym now with a key that has it; None if no key does."""
        modifiers = self._locked.modifiers | held_modifiers
        return self._key_map.stroke(keysym, modifiers, self._locked.group)

    async def lend(self, keysym: int, held: Collection[int]) -> None:
        """See to it that some key has this keysym.

        Waits until programs have seen what the spare keycodes stood for, if all were lent since.
        Nothing happens if they are all held down.

        Raises:
            CaptureEnded: the display is gone.
        """
        while not self._key_map.has(keysym):
            free = self._spares.least_recent(held)
            if free is None:
                LOG.warning("no spare keycode for keysym 0x%x: all are held down", keysym)
                return
            if free.used_s <= self._seen_s:
                self._bind(free.keycode, keysym)
                return
            async with self._asking:
                if free.used_s > self._seen_s:
                    await self._wait_until_seen()

    def note_use(self, keycode: int) -> None:
        """Note that a key was pressed or released."""
        self._spares.note_use(keycode, trio.current_time())

    def close(self) -> None:
        """Take the keysyms off the spare keycodes again."""
        for keycode in self._spares.bound():
            self._display.change_keyboard_mapping(keycode, [(0,)])

    async def _wait_until_seen(self) -> None:
        """Wait until programs have looked up the keys that were typed until now."""
        asked_s = trio.current_time()
        is_asked = self._program.ask()
        try:
            await flush(self._display)
            await trio.sleep(SPARE_REST_S if is_asked else SILENT_REST_S)
            self.catch_up()
            with trio.move_on_after(PATIENCE_S):
                while is_asked and not self._program.has_answered:
                    await trio.lowlevel.wait_readable(self._display.fileno())
                    self.catch_up()
        finally:
            self._program.stop_listening()
        self._seen_s = max(self._seen_s, asked_s)

    def _bind(self, keycode: int, keysym: int) -> None:
        self._own_changes[keycode] += 1
        self._display.change_keyboard_mapping(keycode, [(keysym,) * 4])
        self._spares.bind(keycode, keysym)
        self._key_map.bind(keycode, keysym)

    def _note(self, event: rq.Event) -> None:
        self._program.note(event)
        match self._xkb.news(event):
            case KeyboardNews.LOCKS_CHANGED:
                self._are_locks_stale = True
            case KeyboardNews.KEYBOARD_REPLACED:
                self._is_map_stale = True
            case KeyboardNews.MAP_CHANGED:
                keycode = self._xkb.changed_key(event)
                if keycode is not None and self._own_changes[keycode]:
                    self._own_changes[keycode] -= 1
                elif keycode != 0:
                    self._is_map_stale = True

    def _take_over_map(self) -> None:
        self._key_map = self._xkb.key_map()
        bound = self._spares.bound()
        kept = {k: keysym for k, keysym in bound.items() if self._key_map.holds_only(k, keysym)}
        self._spares.follow_map(self._key_map.empty_keycodes(), kept)
        for keycode, keysym in kept.items():
            self._key_map.bind(keycode, keysym)
