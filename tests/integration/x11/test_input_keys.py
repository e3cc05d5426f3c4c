"""Keys as another program gets them: keysyms, modifiers, locks, repeats, and who holds what."""

from __future__ import annotations

import string
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trio
from kasmcore_x11.connection import open_display
from kasmcore_x11.input_sink import X11Input

from kasmcore.api import CaptureEnded, KeyEvent, KeysReleased, Locks, TextTyped

from .conftest import XServer
from .programs import KeyRecorder, KeySeen, open_key_recorder

pytestmark = pytest.mark.x11

VIEWER, OTHER = 1, 2
SHIFT, LOCK, CONTROL, NUM, SUPER, LEVEL3 = 1, 2, 4, 16, 64, 128
SHIFT_L, CONTROL_L, CAPS_LOCK, ALTGR, SUPER_L = 0xFFE1, 0xFFE3, 0xFFE5, 0xFE03, 0xFFEB
TAB, F5, KP_7, KP_HOME, DEAD_ACUTE = 0xFF09, 0xFFC2, 0xFFB7, 0xFF95, 0xFE51
CYRILLIC_ES = 0x01000441


@asynccontextmanager
async def open_input(server: XServer) -> AsyncIterator[X11Input]:
    sink = X11Input(server.name, "")
    try:
        yield sink
    finally:
        await sink.aclose()


def press(keysym: int, code: str, locks: Locks = Locks.NONE) -> KeyEvent:
    return KeyEvent(pressed=True, keysym=keysym, code=code, locks=locks)


def release(keysym: int, code: str, locks: Locks = Locks.NONE) -> KeyEvent:
    return KeyEvent(pressed=False, keysym=keysym, code=code, locks=locks)


async def send(sink: X11Input, *events: KeyEvent | KeysReleased, viewer_id: int = VIEWER) -> None:
    for event in events:
        await sink.send(event, viewer_id)


async def strike(sink: X11Input, keysym: int, code: str = "Any", locks: Locks = Locks.NONE) -> None:
    await send(sink, press(keysym, code, locks), release(keysym, code, locks))


async def all_events(recorder: KeyRecorder, sink: X11Input) -> list[KeySeen]:
    """Everything so far: a last key, F5 that no test uses, tells when it is complete."""
    await strike(sink, F5, "F5")
    while True:
        events = await recorder.events(2)
        if len(events) >= 2 and events[-1].keysym == F5 and not events[-1].pressed:
            return events[:-2]
        await trio.sleep(0.02)


async def test_shift_is_let_go_for_a_character_that_needs_none_here(
    x_server: XServer, tmp_path: Path
) -> None:
    recorder = await open_key_recorder(x_server, tmp_path)
    async with open_input(x_server) as sink:  # a German keyboard has the slash on Shift+7
        await send(sink, press(SHIFT_L, "ShiftLeft"), press(ord("/"), "Digit7"))
        await send(sink, release(ord("/"), "Digit7"), release(SHIFT_L, "ShiftLeft"))
        events = await all_events(recorder, sink)
    assert [(seen.pressed, seen.keysym, seen.state) for seen in events] == [
        (True, SHIFT_L, 0),
        (False, SHIFT_L, SHIFT),
        (True, ord("/"), 0),
        (True, SHIFT_L, 0),
        (False, ord("?"), SHIFT),  # the same key, by now with Shift
        (False, SHIFT_L, SHIFT),
    ]


async def test_alt_gr_is_pressed_for_a_character_that_needs_it_here(
    x_server: XServer, tmp_path: Path
) -> None:
    x_server.run("setxkbmap", "-layout", "de")
    recorder = await open_key_recorder(x_server, tmp_path)
    async with open_input(x_server) as sink:  # a US keyboard has @ on Shift+2
        await send(sink, press(SHIFT_L, "ShiftLeft"))
        await strike(sink, ord("@"), "Digit2")
        await send(sink, release(SHIFT_L, "ShiftLeft"))
        assert await recorder.presses(1) == [(ord("@"), LEVEL3)]
        events = await all_events(recorder, sink)
    assert events[-1] == KeySeen(pressed=False, keysym=SHIFT_L, state=SHIFT, keycode=50)


async def test_alt_gr_held_by_the_viewer_is_not_seen_where_it_is_not_needed(
    x_server: XServer, tmp_path: Path
) -> None:
    recorder = await open_key_recorder(x_server, tmp_path)
    async with open_input(x_server) as sink:  # AltGr+Q is @ on a German keyboard
        await send(sink, press(ALTGR, "AltRight"))
        await strike(sink, ord("@"), "KeyQ")
        await send(sink, release(ALTGR, "AltRight"))
        assert await recorder.presses(1) == [(ord("@"), SHIFT)]


async def test_shift_stays_held_for_keys_that_type_no_character(
    x_server: XServer, tmp_path: Path
) -> None:
    recorder = await open_key_recorder(x_server, tmp_path)
    async with open_input(x_server) as sink:
        await send(sink, press(SHIFT_L, "ShiftLeft"))
        await strike(sink, TAB, "Tab")
        await send(sink, release(SHIFT_L, "ShiftLeft"))
        events = await all_events(recorder, sink)
    assert [(seen.pressed, seen.state) for seen in events] == [
        (True, 0),
        (True, SHIFT),
        (False, SHIFT),
        (False, SHIFT),
    ]


@pytest.mark.parametrize("layout", ["us", "fr"])
async def test_control_and_a_cyrillic_key_are_the_latin_shortcut(
    layout: str, x_server: XServer, tmp_path: Path
) -> None:
    x_server.run("setxkbmap", "-layout", layout)
    recorder = await open_key_recorder(x_server, tmp_path)
    async with open_input(x_server) as sink:
        await send(sink, press(CONTROL_L, "ControlLeft"))
        await strike(sink, CYRILLIC_ES, "KeyC")
        await send(sink, press(SHIFT_L, "ShiftLeft"))
        await strike(sink, CYRILLIC_ES - 0x20, "KeyC")
        await send(sink, release(SHIFT_L, "ShiftLeft"), release(CONTROL_L, "ControlLeft"))
        await strike(sink, CYRILLIC_ES, "KeyC")
        assert await recorder.presses(3) == [
            (ord("c"), CONTROL),
            (ord("C"), CONTROL | SHIFT),
            (CYRILLIC_ES, 0),
        ]


async def test_every_letter_with_super_keeps_its_modifiers(
    x_server: XServer, tmp_path: Path
) -> None:
    recorder = await open_key_recorder(x_server, tmp_path)
    async with open_input(x_server) as sink:
        await send(sink, press(SUPER_L, "MetaLeft"))
        for letter in string.ascii_lowercase:
            await strike(sink, ord(letter), f"Key{letter.upper()}")
        await send(sink, release(SUPER_L, "MetaLeft"))
        assert await recorder.presses(26) == [(ord(c), SUPER) for c in string.ascii_lowercase]


async def test_caps_lock_is_as_the_viewer_has_it(x_server: XServer, tmp_path: Path) -> None:
    recorder = await open_key_recorder(x_server, tmp_path)
    async with open_input(x_server) as sink:
        await strike(sink, ord("A"), "KeyA", Locks.CAPS)
        await strike(sink, ord("1"), "Digit1", Locks.NONE)  # not affected: left alone
        await strike(sink, ord("b"), "KeyB", Locks.NONE)
        assert await recorder.presses(3) == [(ord("A"), LOCK), (ord("1"), LOCK), (ord("b"), 0)]


async def test_the_caps_lock_key_works_and_never_ends_up_inverted(
    x_server: XServer, tmp_path: Path
) -> None:
    recorder = await open_key_recorder(x_server, tmp_path)
    async with open_input(x_server) as sink:
        await send(sink, press(CAPS_LOCK, "CapsLock", Locks.CAPS))  # macOS: no release until off
        await strike(sink, ord("A"), "KeyA", Locks.CAPS)
        await send(sink, release(CAPS_LOCK, "CapsLock"))
        await strike(sink, ord("a"), "KeyA")
        await strike(sink, CAPS_LOCK, "CapsLock", Locks.CAPS)
        await strike(sink, ord("A"), "KeyA", Locks.CAPS)
        await strike(sink, CAPS_LOCK, "CapsLock")
        await strike(sink, ord("a"), "KeyA")
        presses = [p for p in await recorder.presses(4) if p[0] != CAPS_LOCK]
    assert presses == [(ord("A"), LOCK), (ord("a"), 0), (ord("A"), LOCK), (ord("a"), 0)]


async def test_control_with_caps_lock_on_does_not_become_control_shift(
    x_server: XServer, tmp_path: Path
) -> None:
    recorder = await open_key_recorder(x_server, tmp_path)
    async with open_input(x_server) as sink:
        await send(sink, press(CONTROL_L, "ControlLeft", Locks.CAPS))
        await strike(sink, ord("A"), "KeyA", Locks.CAPS)
        await send(sink, release(CONTROL_L, "ControlLeft", Locks.CAPS))
        assert await recorder.presses(1) == [(ord("A"), CONTROL | LOCK)]


async def test_keypad_keys_mean_what_the_viewers_num_lock_says(
    x_server: XServer, tmp_path: Path
) -> None:
    recorder = await open_key_recorder(x_server, tmp_path)
    async with open_input(x_server) as sink:
        await strike(sink, KP_7, "Numpad7", Locks.NUM)
        await strike(sink, KP_HOME, "Numpad7", Locks.NONE)
        await strike(sink, KP_7, "Numpad7", Locks.NONE)  # a keyboard without Num Lock
        await strike(sink, KP_HOME, "Numpad7", Locks.NONE)
        assert await recorder.presses(4) == [
            (KP_7, NUM),
            (KP_HOME, 0),
            (KP_7, NUM),
            (KP_HOME, 0),
        ]


async def test_a_dead_key_is_pressed_as_it_is(x_server: XServer, tmp_path: Path) -> None:
    x_server.run("setxkbmap", "-layout", "de")
    recorder = await open_key_recorder(x_server, tmp_path)
    async with open_input(x_server) as sink:
        await strike(sink, DEAD_ACUTE, "Equal")
        assert await recorder.presses(1) == [(DEAD_ACUTE, 0)]


async def test_exactly_the_viewers_repeats_arrive(x_server: XServer, tmp_path: Path) -> None:
    x_server.run("xset", "r", "rate", "20", "200")  # the server would repeat every 5 ms
    recorder = await open_key_recorder(x_server, tmp_path)
    async with open_input(x_server) as sink:
        await send(sink, press(ord("x"), "KeyX"))
        await trio.sleep(0.4)
        await send(sink, press(ord("x"), "KeyX"), press(ord("x"), "KeyX"))
        await trio.sleep(0.4)
        await send(sink, release(ord("x"), "KeyX"))
        events = await all_events(recorder, sink)
    assert [seen.pressed for seen in events] == [True, False] * 3


async def test_a_held_modifier_does_not_repeat(x_server: XServer, tmp_path: Path) -> None:
    recorder = await open_key_recorder(x_server, tmp_path)
    async with open_input(x_server) as sink:
        await send(sink, *[press(SHIFT_L, "ShiftLeft")] * 5, release(SHIFT_L, "ShiftLeft"))
        events = await all_events(recorder, sink)
    assert [seen.pressed for seen in events] == [True, False]


async def test_a_release_releases_what_the_press_pressed(x_server: XServer, tmp_path: Path) -> None:
    recorder = await open_key_recorder(x_server, tmp_path)
    async with open_input(x_server) as sink:  # Shift came up between press and release
        await send(sink, press(ord("A"), "KeyA"), release(ord("a"), "KeyA"))
        await send(sink, press(0x01004E2D, "KeyB"), release(ord("b"), "KeyB"))
        events = await all_events(recorder, sink)
    pressed = [seen.keycode for seen in events if seen.pressed and seen.keysym != SHIFT_L]
    released = [seen.keycode for seen in events if not seen.pressed and seen.keysym != SHIFT_L]
    assert pressed == released


async def test_a_release_without_a_press_does_nothing(x_server: XServer, tmp_path: Path) -> None:
    recorder = await open_key_recorder(x_server, tmp_path)
    async with open_input(x_server) as sink:
        await send(sink, release(ord("a"), "KeyA"), release(CONTROL_L, "ControlLeft"))
        assert await all_events(recorder, sink) == []


async def test_everything_is_released_when_a_viewer_loses_the_keyboard(
    x_server: XServer, tmp_path: Path
) -> None:
    recorder = await open_key_recorder(x_server, tmp_path)
    async with open_input(x_server) as sink:
        await send(sink, press(CONTROL_L, "ControlLeft"), press(ord("a"), "KeyA"), KeysReleased())
        await sink.release_all(VIEWER)
        events = await all_events(recorder, sink)
    assert [(seen.pressed, seen.keysym) for seen in events] == [
        (True, CONTROL_L),
        (True, ord("a")),
        (False, ord("a")),
        (False, CONTROL_L),
    ]


async def test_a_key_that_two_viewers_hold_stays_down_until_both_let_go(
    x_server: XServer, tmp_path: Path
) -> None:
    recorder = await open_key_recorder(x_server, tmp_path)
    async with open_input(x_server) as sink:
        await send(sink, press(SHIFT_L, "ShiftLeft"), viewer_id=VIEWER)
        await send(sink, press(SHIFT_L, "ShiftLeft"), viewer_id=OTHER)
        await sink.release_all(VIEWER)
        await strike(sink, TAB, "Tab")
        await send(sink, release(SHIFT_L, "ShiftLeft"), viewer_id=OTHER)
        await strike(sink, TAB, "Tab")
        events = await all_events(recorder, sink)
    tabs = [seen.state for seen in events if seen.pressed and seen.keysym != SHIFT_L]
    assert tabs == [SHIFT, 0]


async def test_one_viewers_shift_does_not_spoil_what_another_types(
    x_server: XServer, tmp_path: Path
) -> None:
    recorder = await open_key_recorder(x_server, tmp_path)
    async with open_input(x_server) as sink:
        await send(sink, press(SHIFT_L, "ShiftLeft"), viewer_id=OTHER)
        await strike(sink, ord("a"), "KeyA")
        await sink.send(TextTyped("b"), VIEWER)
        assert await recorder.presses(2) == [(ord("a"), 0), (ord("b"), 0)]


async def test_more_keys_held_than_spare_ones_wrong_nobody(
    x_server: XServer, tmp_path: Path
) -> None:
    recorder = await open_key_recorder(x_server, tmp_path)
    async with open_input(x_server) as sink:
        for number in range(40):
            await send(sink, press(0x01004E00 + number, f"Held{number}"))
        held = await recorder.presses(19)
        await sink.release_all(VIEWER)
        await strike(sink, 0x01005000)
        presses = await recorder.presses(len(held) + 1)
    assert held == [(0x01004E00 + number, 0) for number in range(len(held))]
    assert presses[-1] == (0x01005000, 0)


async def test_the_keyboard_is_left_as_it_was_found(x_server: XServer) -> None:
    watcher = open_display(x_server.name, "")
    first, count = 8, 248

    def state() -> tuple[object, ...]:
        keyboard = watcher.get_keyboard_control()
        mapping = [tuple(k for k in row if k) for row in watcher.get_keyboard_mapping(first, count)]
        return mapping, bytes(keyboard.auto_repeats), watcher.query_keymap()

    before = state()
    async with open_input(x_server) as sink:
        await sink.send(TextTyped("日本語😀"), VIEWER)
        await send(sink, press(ord("a"), "KeyA"), press(0x01004E2D, "KeyB"))
        assert state() != before
    assert state() == before
    watcher.close()


async def test_the_end_of_the_display_is_noticed(x_server: XServer) -> None:
    async with open_input(x_server) as sink:
        await strike(sink, ord("a"), "KeyA")
        x_server.process.terminate()
        x_server.process.wait()
        with pytest.raises(CaptureEnded):
            await strike(sink, ord("a"), "KeyA")
        with pytest.raises(CaptureEnded):
            await sink.release_all(VIEWER)
