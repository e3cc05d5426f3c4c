"""The server's keyboard map, and which key with which modifiers types a keysym. Pure.

A key has up to four groups (layouts); in each its type tells which level the modifiers select, and
each level holds a keysym. Source: "The X Keyboard Extension: Protocol Specification", section 12.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

import attrs

from kasmcore_x11.keysyms import (
    ALT_L,
    ALT_R,
    LEVEL3_SHIFT,
    LEVEL5_SHIFT,
    META_L,
    NUM_LOCK,
    SHIFT_L,
    SHIFT_R,
    SUPER_L,
    SUPER_R,
    canonical,
    character_of,
    is_keypad,
    is_lower_case,
)

SHIFT, LOCK, CONTROL = 1 << 0, 1 << 1, 1 << 2
_CLAMP, _REDIRECT = 0x40, 0x80
_GROUP_SWITCH_COST = 4
_LOCK_CHANGE_COST = 3
_STRAY_LEVEL_COST = 2


@attrs.frozen
class LevelEntry:
    """What one combination of modifiers does in a key type."""

    level: int
    preserved: int
    """Modifiers that stay in force although they took part in choosing the level."""


@attrs.frozen
class KeyType:
    """How modifiers choose the level of a key: those in ``mask`` count, unlisted ones give 0."""

    mask: int
    level_count: int
    entries: Mapping[int, LevelEntry]

    def level(self, modifiers: int) -> int:
        """The level that these modifiers select."""
        entry = self.entries.get(modifiers & self.mask)
        return entry.level if entry else 0

    def consumed(self, modifiers: int) -> int:
        """The modifiers that have had their effect with the choice of the level."""
        entry = self.entries.get(modifiers & self.mask)
        return self.mask & ~(entry.preserved if entry else 0)


@attrs.frozen
class Key:
    """One key: its type and its keysyms by level, for each group."""

    keycode: int
    groups: tuple[tuple[KeyType, Sequence[int]], ...]
    group_info: int

    def group_for(self, group: int) -> int:
        """The group in force on this key while the keyboard's is ``group``."""
        count = len(self.groups)
        if group < count:
            return group
        if self.group_info & _CLAMP:
            return count - 1
        if self.group_info & _REDIRECT:
            target = self.group_info >> 4 & 0x03
            return target if target < count else 0
        return group % count


@attrs.frozen
class Stroke:
    """A key to press, and what must be in force while it is pressed."""

    keycode: int
    modifiers: int
    group: int


@attrs.frozen
class _Place:
    key: Key
    group: int
    level: int


@attrs.frozen
class _Adjustable:
    """The modifiers that may be changed around a press; 0 where the map has no such modifier."""

    level3: int
    level5: int
    num_lock: int

    @property
    def levels(self) -> int:
        return self.level3 | self.level5

    @property
    def locks(self) -> int:
        return LOCK | self.num_lock

    @property
    def all(self) -> int:
        return SHIFT | self.levels | self.locks


class KeyMap:
    """All keys of the map, and the search in it.

    Args:
        keys: every keycode of the server, also those without a keysym.
        modifiers: bits of the modifiers that a keycode sets while it is held.
    """

    def __init__(self, keys: Iterable[Key], modifiers: Mapping[int, int]) -> None:
        self._keys = {key.keycode: key for key in keys}
        self._modifiers = modifiers
        self._places: dict[int, list[_Place]] = {}
        self._strokes: dict[tuple[int, int, int], Stroke | None] = {}
        for key in self._keys.values():
            self._add(key)
        self.level3 = self._bits(LEVEL3_SHIFT)
        self.num_lock = self._bits(NUM_LOCK)
        self.shortcut_modifiers = CONTROL | self._bits(ALT_L, ALT_R, META_L, SUPER_L, SUPER_R)
        self._adjustable = _Adjustable(self.level3, self._bits(LEVEL5_SHIFT), self.num_lock)

    def modifiers_of(self, keycode: int) -> int:
        """The modifiers that this key sets while it is held; 0 for an ordinary key."""
        return self._modifiers.get(keycode, 0)

    def empty_keycodes(self) -> list[int]:
        """Keycodes without any keysym."""
        return [
            key.keycode
            for key in self._keys.values()
            if not any(keysym for _, keysyms in key.groups for keysym in keysyms)
        ]

    def has(self, keysym: int) -> bool:
        """True when some key types this keysym."""
        return bool(self._places.get(canonical(keysym)))

    def holds_only(self, keycode: int, keysym: int) -> bool:
        """True when this key types this keysym and no other one."""
        key = self._keys.get(keycode)
        found = {k for _, keysyms in key.groups for k in keysyms if k} if key else set()
        return found == {keysym}

    def bind(self, keycode: int, keysym: int) -> None:
        """Note that this key types this keysym now, whatever the modifiers; 0 for none."""
        for places in self._places.values():
            places[:] = [place for place in places if place.key.keycode != keycode]
        plain = KeyType(mask=0, level_count=1, entries={})
        key = Key(keycode, ((plain, (keysym,)),) if keysym else (), group_info=1)
        self._keys[keycode] = key
        self._strokes.clear()
        self._add(key)

    def modifier_keycode(self, bit: int) -> int | None:
        """A key that sets Shift, level 3 or level 5 while held; None when there is none."""
        for keysym in (SHIFT_L, SHIFT_R) if bit == SHIFT else (LEVEL3_SHIFT, LEVEL5_SHIFT):
            for place in self._places.get(keysym, ()):
                if place.level == 0 and self.modifiers_of(place.key.keycode) & bit:
                    return place.key.keycode
        return None

    def stroke(self, keysym: int, modifiers: int, group: int) -> Stroke | None:
        """How to type this keysym with the least change to what is in force; None if no key has it.

        Args:
            keysym: what to type.
            modifiers: those in force now, held and locked.
            group: the group in force now, from 0.
        """
        wanted = canonical(keysym)
        known = (wanted, modifiers, group)
        if known not in self._strokes:
            found = self._search(wanted, modifiers, group)
            self._strokes[known] = min(found, key=lambda item: item[0])[1] if found else None
        return self._strokes[known]

    def _search(self, keysym: int, modifiers: int, group: int) -> list[tuple[int, Stroke]]:
        places = self._places.get(keysym, [])
        if not character_of(keysym) and not is_keypad(keysym):
            plain = [place for place in places if place.level == 0]
            if plain:  # Shift+Tab is Tab with Shift, whatever else the key holds
                return [self._unadjusted(place, modifiers, group) for place in plain]
        return [weighed for place in places for weighed in self._adjusted(place, modifiers, group)]

    def _unadjusted(self, place: _Place, modifiers: int, group: int) -> tuple[int, Stroke]:
        cost, group = self._group_change(place, group)
        # A modifier's own key comes before keys that merely share its keysym.
        cost += 0 if self.modifiers_of(place.key.keycode) else 1
        return cost, Stroke(place.key.keycode, modifiers, group)

    def _adjusted(self, place: _Place, modifiers: int, group: int) -> Iterator[tuple[int, Stroke]]:
        key_type, keysyms = place.key.groups[place.group]
        keysym = keysyms[place.level]
        group_cost, group = self._group_change(place, group)
        adjustable = self._adjustable
        if is_keypad(keysym):
            free = key_type.mask & adjustable.num_lock
        else:
            free = key_type.mask & adjustable.all | adjustable.levels
            free |= LOCK if is_lower_case(keysym) else 0
        for chosen in _subsets(free):
            after = modifiers & ~free | chosen
            if key_type.level(after) != place.level:
                continue
            consumed = key_type.consumed(after)
            if after & LOCK & ~consumed and is_lower_case(keysym):
                continue  # programs turn it into its capital
            changed = after ^ modifiers
            cost = group_cost + (changed & ~adjustable.locks).bit_count()
            cost += _LOCK_CHANGE_COST * (changed & adjustable.locks).bit_count()
            cost += _STRAY_LEVEL_COST * (after & adjustable.levels & ~consumed).bit_count()
            yield cost, Stroke(place.key.keycode, after, group)

    def _group_change(self, place: _Place, group: int) -> tuple[int, int]:
        if place.key.group_for(group) == place.group:
            return 0, group
        return _GROUP_SWITCH_COST, place.group

    def _add(self, key: Key) -> None:
        for group, (key_type, keysyms) in enumerate(key.groups):
            for level, keysym in enumerate(keysyms[: key_type.level_count]):
                if keysym:
                    place = _Place(key, group, level)
                    self._places.setdefault(canonical(keysym), []).append(place)

    def _bits(self, *keysyms: int) -> int:
        bits = 0
        for keysym in keysyms:
            for place in self._places.get(keysym, ()):
                if place.level == 0:
                    bits |= self.modifiers_of(place.key.keycode)
        return bits & ~(SHIFT | LOCK | CONTROL)


def _subsets(mask: int) -> Iterator[int]:
    """Every combination of the bits in mask, the empty one too."""
    chosen = mask
    while True:
        yield chosen
        if not chosen:
            return
        chosen = (chosen - 1) & mask
