"""The few requests of the XKEYBOARD extension that typing needs; python-xlib has none of them.

Layouts are taken from here and not from the core protocol: only XKB tells which modifiers select a
key's levels, and only XKB can set a lock without guessing what pressing its key would do. Field
orders are those of "The X Keyboard Extension: Protocol Specification", version 1.0.
"""

from __future__ import annotations

import enum
import struct
from collections.abc import Iterator

import attrs
from Xlib.display import Display
from Xlib.protocol import rq

from kasmcore.api import PluginUnavailable
from kasmcore_x11.keymap import Key, KeyMap, KeyType, LevelEntry

CORE_KEYBOARD = 0x100
_ALL_DETAILS = 0b111
_MODIFIER_LOCK, _GROUP_STATE = 1 << 3, 1 << 4
_KEY_TYPES, _KEY_SYMS, _MODIFIER_MAP = 1 << 0, 1 << 1, 1 << 2


class _UseExtension(rq.ReplyRequest):
    _request = rq.Struct(
        rq.Card8("opcode"),
        rq.Opcode(0),
        rq.RequestLength(),
        rq.Card16("major"),
        rq.Card16("minor"),
    )
    _reply = rq.Struct(
        rq.ReplyCode(),
        rq.Card8("supported"),
        rq.Card16("sequence_number"),
        rq.ReplyLength(),
        rq.Card16("major"),
        rq.Card16("minor"),
        rq.Pad(20),
    )


class _SelectEvents(rq.Request):
    _request = rq.Struct(
        rq.Card8("opcode"),
        rq.Opcode(1),
        rq.RequestLength(),
        rq.Card16("device"),
        rq.Card16("affect_which"),
        rq.Card16("clear"),
        rq.Card16("select_all"),
        rq.Card16("affect_map"),
        rq.Card16("map"),
        rq.Card16("affect_new_keyboard"),
        rq.Card16("new_keyboard_details"),
        rq.Card16("affect_state"),
        rq.Card16("state_details"),
    )


class _GetState(rq.ReplyRequest):
    _request = rq.Struct(
        rq.Card8("opcode"), rq.Opcode(4), rq.RequestLength(), rq.Card16("device"), rq.Pad(2)
    )
    _reply = rq.Struct(
        rq.ReplyCode(),
        rq.Card8("device"),
        rq.Card16("sequence_number"),
        rq.ReplyLength(),
        rq.Card8("modifiers"),
        rq.Card8("base_modifiers"),
        rq.Card8("latched_modifiers"),
        rq.Card8("locked_modifiers"),
        rq.Card8("group"),
        rq.Card8("locked_group"),
        rq.Pad(18),
    )


class _LatchLockState(rq.Request):
    _request = rq.Struct(
        rq.Card8("opcode"),
        rq.Opcode(5),
        rq.RequestLength(),
        rq.Card16("device"),
        rq.Card8("affect_modifier_locks"),
        rq.Card8("modifier_locks"),
        rq.Card8("lock_group"),
        rq.Card8("group"),
        rq.Pad(6),
    )


class _GetMap(rq.ReplyRequest):
    _request = rq.Struct(
        rq.Card8("opcode"),
        rq.Opcode(8),
        rq.RequestLength(),
        rq.Card16("device"),
        rq.Card16("full"),
        rq.Pad(20),
    )
    _reply = rq.Struct(
        rq.ReplyCode(),
        rq.Card8("device"),
        rq.Card16("sequence_number"),
        rq.ReplyLength(),
        rq.Pad(2),
        rq.Card8("min_keycode"),
        rq.Card8("max_keycode"),
        rq.Card16("present"),
        rq.Card8("first_type"),
        rq.Card8("types"),
        rq.Card8("total_types"),
        rq.Card8("first_keysyms"),
        rq.Card16("total_keysyms"),
        rq.Card8("keys"),
        rq.Pad(10),
        rq.Card8("first_modifier_key"),
        rq.Card8("modifier_keys"),
        rq.Card8("total_modifier_keys"),
        rq.Pad(6),
        rq.Binary("data"),
    )


class KeyboardNews(enum.IntEnum):
    """What the server tells of its own accord; the numbers are the protocol's event codes."""

    KEYBOARD_REPLACED = 0
    """Another keyboard, with a map of its own, took over."""
    MAP_CHANGED = 1
    LOCKS_CHANGED = 2
    """A lock or the group is not what it was."""


class _PlainNotify(rq.Event):
    _code = None
    _fields = rq.Struct(
        rq.Card8("type"), rq.Card8("sub_code"), rq.Card16("sequence_number"), rq.Pad(28)
    )


class _MapNotify(rq.Event):
    _code = None
    _fields = rq.Struct(
        rq.Card8("type"),
        rq.Card8("sub_code"),
        rq.Card16("sequence_number"),
        rq.Card32("time"),
        rq.Card8("device"),
        rq.Pad(7),
        rq.Card8("first_keysyms"),
        rq.Card8("keys"),
        rq.Pad(14),
    )


@attrs.frozen
class LockedState:
    """What stays on without a key held."""

    modifiers: int
    """Bits of the locked (and latched) modifiers, as in the core protocol."""
    group: int
    """Layout group in force, from 0."""


class XKeyboard:
    """The XKB side of one connection.

    Raises:
        PluginUnavailable: (constructor) the server has no XKB.
    """

    def __init__(self, display: Display) -> None:
        extension = display.query_extension("XKEYBOARD")
        if extension is None:
            raise PluginUnavailable(
                "the X server has no XKEYBOARD extension",
                where=display.get_display_name(),
                remedy="Start the X server without -kb.",
            )
        self._display = display
        self._opcode = int(extension.major_opcode)
        self._event_code = int(extension.first_event)
        for news in KeyboardNews:
            layout = _MapNotify if news is KeyboardNews.MAP_CHANGED else _PlainNotify
            display.extension_add_subevent(self._event_code, news.value, layout)
        # From here on the server tells us of map changes by XKB events alone.
        _UseExtension(display=display.display, opcode=self._opcode, major=1, minor=0)
        self._select_events()
        self._core_device = int(self._state().device)

    def _select_events(self) -> None:
        map_parts = _KEY_TYPES | _KEY_SYMS | _MODIFIER_MAP
        state_details = _MODIFIER_LOCK | _GROUP_STATE
        _SelectEvents(
            display=self._display.display,
            opcode=self._opcode,
            device=CORE_KEYBOARD,
            affect_which=0b111,
            clear=0,
            select_all=0,
            affect_map=map_parts,
            map=map_parts,
            affect_new_keyboard=_ALL_DETAILS,
            new_keyboard_details=_ALL_DETAILS,
            affect_state=state_details,
            state_details=state_details,
        )

    def news(self, event: rq.Event) -> KeyboardNews | None:
        """What an event of this connection tells about the keyboard; None for other events."""
        return KeyboardNews(event.sub_code) if event.type == self._event_code else None

    def changed_key(self, event: rq.Event) -> int | None:
        """The only key that a MAP_CHANGED event of the core keyboard is about; None for many.

        The server sends one such event for each of its keyboards; those of the others say nothing
        new, so they give 0.
        """
        if event.device != self._core_device:
            return 0
        return int(event.first_keysyms) if event.keys == 1 else None

    def locked_state(self) -> LockedState:
        """Ask for the locks and the group; one round trip."""
        reply = self._state()
        return LockedState(
            int(reply.locked_modifiers) | int(reply.latched_modifiers), int(reply.group)
        )

    def lock_modifiers(self, affect: int, on: int) -> None:
        """Set those locks of ``affect`` that are in ``on`` and clear its others."""
        _LatchLockState(
            display=self._display.display,
            opcode=self._opcode,
            device=CORE_KEYBOARD,
            affect_modifier_locks=affect,
            modifier_locks=on,
            lock_group=0,
            group=0,
        )

    def lock_group(self, group: int) -> None:
        """Make this the layout group, from 0."""
        _LatchLockState(
            display=self._display.display,
            opcode=self._opcode,
            device=CORE_KEYBOARD,
            affect_modifier_locks=0,
            modifier_locks=0,
            lock_group=1,
            group=group,
        )

    def key_map(self) -> KeyMap:
        """Ask for the whole map; one round trip of about 15 kB."""
        reply = _GetMap(
            display=self._display.display,
            opcode=self._opcode,
            device=CORE_KEYBOARD,
            full=_KEY_TYPES | _KEY_SYMS | _MODIFIER_MAP,
        )
        reader = _Reader(bytes(reply.data))
        types = [reader.key_type() for _ in range(reply.types)]
        keys = [
            reader.key(keycode, types)
            for keycode in range(reply.first_keysyms, reply.first_keysyms + reply.keys)
        ]
        return KeyMap(keys, dict(reader.modifier_keys(reply.total_modifier_keys)))

    def _state(self) -> _GetState:
        return _GetState(display=self._display.display, opcode=self._opcode, device=CORE_KEYBOARD)


@attrs.define
class _Reader:
    """Reads the variable part of a GetMap reply from front to back."""

    _data: bytes
    _position: int = attrs.field(default=0, init=False)

    def key_type(self) -> KeyType:
        mask, _, _, level_count, entry_count, has_preserve, _ = self._next("BBHBBBB")
        entries = [self._next("BBBBHH") for _ in range(entry_count)]
        preserved = [self._next("BBH")[0] if has_preserve else 0 for _ in range(entry_count)]
        return KeyType(
            mask=mask,
            level_count=level_count,
            entries={
                entry_mask: LevelEntry(level, preserve)
                for (active, entry_mask, level, *_), preserve in zip(
                    entries, preserved, strict=True
                )
                if active
            },
        )

    def key(self, keycode: int, types: list[KeyType]) -> Key:
        *type_indices, group_info, width, count = self._next("4BBBH")
        keysyms = self._next(f"{count}I")
        group_count = group_info & 0x0F
        return Key(
            keycode=keycode,
            groups=tuple(
                (types[type_indices[group]], keysyms[group * width : (group + 1) * width])
                for group in range(min(group_count, 4))
            ),
            group_info=group_info,
        )

    def modifier_keys(self, count: int) -> Iterator[tuple[int, int]]:
        for _ in range(count):
            keycode, modifiers = self._next("BB")
            yield keycode, modifiers

    def _next(self, layout: str) -> tuple[int, ...]:
        values = struct.unpack_from(f"={layout}", self._data, self._position)
        self._position += struct.calcsize(f"={layout}")
        return values
