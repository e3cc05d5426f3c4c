"""The keyboard of the display as many viewers play it.

The keysym tells what a key means in the viewer's layout; its key is looked for in the server's.
Modifiers that it needs, or cannot bear, are changed around the press alone. A keysym that no key
has is lent a spare keycode.

The server repeats held keys by itself, and would go on while a release is stuck in the network. So
that exactly the viewer's own repeats arrive, auto-repeat is switched off for a key while a viewer
holds it, and a repeat from the viewer is a release and a press.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import trio
from Xlib import X
from Xlib.display import Display
from Xlib.ext import xtest

from kasmcore.api import KeyEvent, Locks
from kasmcore_x11.held_keys import HeldKeys
from kasmcore_x11.keymap import LOCK, SHIFT, Stroke
from kasmcore_x11.keysyms import (
    LOCK_KEYSYMS,
    STAND_INS,
    has_case,
    is_keypad,
    keysym_of,
    latin_keysym,
)
from kasmcore_x11.layout import Layout

LOG = logging.getLogger("kasmcore.x11.keyboard")


class Keyboard:
    """Presses and releases keys. Requests are queued; the caller flushes the connection.

    Args:
        display: a connection of its own.

    Raises:
        PluginUnavailable: the server has no XKB.
    """

    def __init__(self, display: Display) -> None:
        self._display = display
        self._layout = Layout(display)
        self._held = HeldKeys()
        self._auto_repeats = bytes(display.get_keyboard_control().auto_repeats)

    async def press(self, event: KeyEvent, viewer_id: int) -> None:
        """Press the key that means the event's keysym, or repeat it when it is down already.

        Raises:
            CaptureEnded: the display is gone.
        """
        name = _name(event)
        self._layout.catch_up()
        if event.keysym in LOCK_KEYSYMS:
            self._press_lock(event.keysym, viewer_id, name)
            return
        self._follow_locks(event)
        stroke = self._find(event) or await self._find_spare(event.keysym)
        if stroke is None:
            LOG.info("no key for keysym 0x%x (%s)", event.keysym, event.code or "no code")
            return
        if self._held.is_down(viewer_id, name):
            same = self._held.keycode(viewer_id, name) == stroke.keycode
            if same and self._layout.key_map.modifiers_of(stroke.keycode):
                return  # a held modifier does not repeat
            self._let_go(self._held.release(viewer_id, name))
        with self._in_force(stroke):
            self._push(stroke.keycode)
        self._held.press(viewer_id, name, stroke.keycode)

    def release(self, event: KeyEvent, viewer_id: int) -> None:
        """Release what the press of the same physical key pressed, whatever it means by now."""
        self._let_go(self._held.release(viewer_id, _name(event)))

    def release_all(self, viewer_id: int) -> None:
        """Release what this viewer holds and no other one does."""
        for keycode in self._held.release_viewer(viewer_id):
            self._let_go(keycode)

    async def type_text(self, text: str) -> None:
        """Type each character as it is, whatever locks and modifiers are on.

        Raises:
            CaptureEnded: the display is gone.
        """
        for character in text.replace("\r\n", "\n"):
            await trio.lowlevel.checkpoint()
            self._layout.catch_up()
            keysym = keysym_of(character)
            stroke = self._layout.find(keysym, self._held_modifiers())
            stroke = stroke or await self._find_spare(keysym)
            if stroke is None:
                LOG.info("no key types the character U+%04X", ord(character))
                continue
            with self._in_force(stroke):
                self._strike(stroke.keycode)

    def close(self) -> None:
        """Release everything and leave the server's map as it was."""
        for viewer_id in self._held.viewers:
            self.release_all(viewer_id)
        self._layout.close()

    # -- which key

    def _find(self, event: KeyEvent) -> Stroke | None:
        held = self._held_modifiers()
        for keysym in (event.keysym, *STAND_INS.get(event.keysym, ())):
            stroke = self._layout.find(keysym, held)
            if stroke:
                return stroke
        if held & self._layout.key_map.shortcut_modifiers:
            latin = latin_keysym(event.code, shifted=bool(held & SHIFT))
            return self._layout.find(latin, held)
        return None

    async def _find_spare(self, keysym: int) -> Stroke | None:
        if not keysym:
            return None
        await self._layout.lend(keysym, self._held.keycodes)
        return self._layout.find(keysym, self._held_modifiers())

    def _follow_locks(self, event: KeyEvent) -> None:
        """Set the server's locks as the viewer's are, where the key depends on them."""
        affected, wanted = 0, 0
        if has_case(event.keysym):
            affected, wanted = LOCK, LOCK if event.locks & Locks.CAPS else 0
        elif is_keypad(event.keysym):
            affected = self._layout.key_map.num_lock
            wanted = affected if event.locks & Locks.NUM else 0
        if (self._layout.locked.modifiers ^ wanted) & affected:
            self._layout.set_locks(affected, wanted)

    # -- the keys themselves

    def _press_lock(self, keysym: int, viewer_id: int, name: str) -> None:
        """Strike a lock key: the viewer's may stay down for as long as the lock is on."""
        if self._held.is_down(viewer_id, name):
            return
        self._held.press(viewer_id, name, None)
        stroke = self._layout.find(keysym, self._held_modifiers())
        if stroke:
            self._strike(stroke.keycode)
            self._layout.expect_lock_change()

    @contextmanager
    def _in_force(self, stroke: Stroke) -> Iterator[None]:
        """Change modifiers and group to those of the stroke, and back afterwards."""
        layout, key_map = self._layout, self._layout.key_map
        before = layout.locked
        changed = stroke.modifiers ^ (before.modifiers | self._held_modifiers())
        locks = changed & (LOCK | key_map.num_lock)
        pushed = [
            keycode
            for bit in _bits(changed & ~locks & stroke.modifiers)
            if (keycode := key_map.modifier_keycode(bit)) is not None
        ]
        lifted = [
            keycode
            for keycode in self._held.keycodes
            if key_map.modifiers_of(keycode) & changed & ~locks & ~stroke.modifiers
        ]
        if locks:
            layout.set_locks(locks, stroke.modifiers & locks)
        if stroke.group != before.group:
            layout.set_group(stroke.group)
        self._fake(X.KeyRelease, lifted)
        self._fake(X.KeyPress, pushed)
        yield
        self._fake(X.KeyRelease, reversed(pushed))
        self._fake(X.KeyPress, lifted)
        if stroke.group != before.group:
            layout.set_group(before.group)
        if locks:
            layout.set_locks(locks, before.modifiers & locks)

    def _push(self, keycode: int) -> None:
        if keycode in self._held.keycodes:  # for another viewer, or by another key of this one
            self._fake(X.KeyRelease, [keycode])
        elif self._repeats(keycode):
            self._display.change_keyboard_control(key=keycode, auto_repeat_mode=X.AutoRepeatModeOff)
        self._fake(X.KeyPress, [keycode])
        self._layout.note_use(keycode)

    def _let_go(self, keycode: int | None) -> None:
        if keycode is None:
            return
        self._fake(X.KeyRelease, [keycode])
        if self._repeats(keycode):
            self._display.change_keyboard_control(key=keycode, auto_repeat_mode=X.AutoRepeatModeOn)
        self._layout.note_use(keycode)

    def _strike(self, keycode: int) -> None:
        held = [keycode] if keycode in self._held.keycodes else []
        self._fake(X.KeyRelease, held)
        self._fake(X.KeyPress, [keycode])
        self._fake(X.KeyRelease, [keycode] if not held else [])
        self._layout.note_use(keycode)

    def _fake(self, kind: int, keycodes: Iterable[int]) -> None:
        for keycode in keycodes:
            xtest.fake_input(self._display, kind, keycode)

    def _repeats(self, keycode: int) -> bool:
        """True when the server would repeat this key while it is down."""
        is_modifier = self._layout.key_map.modifiers_of(keycode)
        return not is_modifier and bool(self._auto_repeats[keycode >> 3] >> (keycode & 7) & 1)

    def _held_modifiers(self) -> int:
        modifiers = 0
        for keycode in self._held.keycodes:
            modifiers |= self._layout.key_map.modifiers_of(keycode)
        return modifiers


def _name(event: KeyEvent) -> str:
    """What tells the viewer's keys apart."""
    return event.code or f"keysym {event.keysym:#x}"


def _bits(mask: int) -> Iterator[int]:
    for position in range(8):
        if mask >> position & 1:
            yield 1 << position
