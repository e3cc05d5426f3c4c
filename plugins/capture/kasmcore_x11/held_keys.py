"""Which viewer holds which key. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import attrs


@attrs.define
class HeldKeys:
    """Remembers what each viewer's key pressed, so that its release releases the same keycode.

    A key is known by its name: the physical code of the viewer's keyboard.
    """

    _by_viewer: dict[int, dict[str, int | None]] = attrs.field(factory=dict, init=False)
    _holders: Counter[int] = attrs.field(factory=Counter, init=False)

    def press(self, viewer_id: int, name: str, keycode: int | None) -> None:
        """Note a press; None for a key that is down at the viewer's but not here."""
        self._by_viewer.setdefault(viewer_id, {})[name] = keycode
        if keycode is not None:
            self._holders[keycode] += 1

    def is_down(self, viewer_id: int, name: str) -> bool:
        """True when the viewer's key was pressed and not released."""
        return name in self._by_viewer.get(viewer_id, {})

    def keycode(self, viewer_id: int, name: str) -> int | None:
        """What the viewer's key pressed; None if nothing."""
        return self._by_viewer.get(viewer_id, {}).get(name)

    def release(self, viewer_id: int, name: str) -> int | None:
        """Note a release. Returns: the keycode if no one holds it any more, else None."""
        keycode = self._by_viewer.get(viewer_id, {}).pop(name, None)
        if keycode is None:
            return None
        self._holders[keycode] -= 1
        if self._holders[keycode]:
            return None
        del self._holders[keycode]
        return keycode

    def release_viewer(self, viewer_id: int) -> Iterator[int]:
        """Note that the viewer holds nothing. Gives: the keycodes that no one holds any more."""
        for name in reversed(self._by_viewer.get(viewer_id, {}).copy()):
            keycode = self.release(viewer_id, name)
            if keycode is not None:
                yield keycode
        self._by_viewer.pop(viewer_id, None)

    @property
    def viewers(self) -> list[int]:
        """Those that pressed a key."""
        return list(self._by_viewer)

    @property
    def keycodes(self) -> list[int]:
        """Every keycode that is down, in the order of the presses."""
        return list(self._holders)
