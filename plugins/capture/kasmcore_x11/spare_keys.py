"""Keycodes that the map leaves empty, lent in turn to keysyms that no key has. Pure."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable

import attrs


@attrs.define
class SpareKey:
    """A keycode to lend."""

    keycode: int
    keysym: int = 0
    """What it is lent to; 0 for nothing yet."""
    used_s: float = -math.inf
    """When it was last pressed or released, in seconds."""


class SpareKeys:
    """Lends spare keycodes, the least recently used one first, and for ever.

    Args:
        keycodes: those without a keysym.
    """

    def __init__(self, keycodes: Iterable[int]) -> None:
        self._spares = {keycode: SpareKey(keycode) for keycode in keycodes}

    def bound(self) -> dict[int, int]:
        """The keysym of every keycode that has one."""
        return {spare.keycode: spare.keysym for spare in self._spares.values() if spare.keysym}

    def least_recent(self, held: Collection[int]) -> SpareKey | None:
        """The key to lend next; None while all of them are held.

        Args:
            held: keycodes that are pressed now, so cannot get another keysym.
        """
        free = [spare for spare in self._spares.values() if spare.keycode not in held]
        return min(free, key=lambda spare: spare.used_s, default=None)

    def bind(self, keycode: int, keysym: int) -> None:
        """Note that this keycode has this keysym now."""
        self._spares[keycode].keysym = keysym

    def note_use(self, keycode: int, now_s: float) -> None:
        """Note a press or release; keycodes that are not spare are ignored."""
        if keycode in self._spares:
            self._spares[keycode].used_s = now_s

    def follow_map(self, empty_keycodes: Iterable[int], kept: Iterable[int]) -> None:
        """Take over a new map.

        Args:
            empty_keycodes: those without a keysym in it.
            kept: those that still have the keysym that they were lent to.
        """
        before = self._spares
        self._spares = {keycode: before[keycode] for keycode in kept}
        for keycode in empty_keycodes:
            used_s = before[keycode].used_s if keycode in before else -math.inf
            self._spares[keycode] = SpareKey(keycode, used_s=used_s)
