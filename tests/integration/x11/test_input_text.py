"""Text typed by viewers arrives exactly in a real program, whatever layouts are at both ends."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trio
from kasmcore_x11.input_sink import X11Input

from kasmcore.api import KeyEvent, Locks, TextTyped

from .conftest import XServer
from .programs import open_terminal

pytestmark = pytest.mark.x11

VIEWER = 1
CAPS_LOCK = 0xFFE5
#: What people type with US, German, French and Russian layouts, and more than one spare key set.
TEXT = (
    "The quick brown Fox, JUMPS over 13 dogs! @#$%^&*()_+-=[]{}|;':\"<>?,./`~\\"
    "Zwölf Boxkämpfer jagen Viktor: ÄÖÜß € § ° µ ² ³ "
    "Voilà l'œuvre française, ça coûte 5 £ où? Ÿ ù è é ç à « » "
    "Съешь же ещё этих мягких французских булок, ЙЦУКЕН Ёё № "
    "日本語 中文 한국어 ελληνικά עברית 😀🎉 "
)
LEGACY = {"Ж": 0x6F6, "ж": 0x6D6, "€": 0x20AC, "α": 0x7E1, "Ω": 0x7D9, "ł": 0x1B3}


def keysym(character: str) -> int:
    code_point = ord(character)
    return code_point if code_point < 0x100 else 0x01000000 | code_point


@asynccontextmanager
async def open_input(server: XServer) -> AsyncIterator[X11Input]:
    sink = X11Input(server.name, "")
    try:
        yield sink
    finally:
        await sink.aclose()


async def press_and_release(sink: X11Input, character: str, locks: Locks = Locks.NONE) -> None:
    for pressed in (True, False):
        await sink.send(KeyEvent(pressed, keysym(character), f"Any{character}", locks), VIEWER)


@pytest.mark.parametrize("layout", ["us", "de", "fr", "ru", "us,ru", "gr", "tr"])
async def test_keys_of_any_layout_arrive_exactly(
    layout: str, x_server: XServer, tmp_path: Path
) -> None:
    terminal = await open_terminal(x_server, tmp_path)
    x_server.run("setxkbmap", "-layout", layout)
    async with open_input(x_server) as sink:
        for character in TEXT:
            await press_and_release(sink, character)
        assert await terminal.typed(len(TEXT.encode())) == TEXT


@pytest.mark.parametrize("layout", ["us", "fr", "ru"])
async def test_composed_text_arrives_exactly(
    layout: str, x_server: XServer, tmp_path: Path
) -> None:
    terminal = await open_terminal(x_server, tmp_path)
    x_server.run("setxkbmap", "-layout", layout)
    async with open_input(x_server) as sink:
        await sink.send(TextTyped(TEXT), VIEWER)
        assert await terminal.typed(len(TEXT.encode())) == TEXT


async def test_more_characters_than_spare_keys_arrive_exactly(
    x_server: XServer, tmp_path: Path
) -> None:
    shuffled = random.Random(20)
    alphabet = [*map(chr, range(0x4E00, 0x9FA5)), *map(chr, range(0x1F300, 0x1F5FF))]
    text = "".join(shuffled.choice(alphabet) for _ in range(300))
    terminal = await open_terminal(x_server, tmp_path)
    async with open_input(x_server) as sink:
        await sink.send(TextTyped(text), VIEWER)
        assert await terminal.typed(len(text.encode())) == text


async def test_two_viewers_type_at_once_without_a_wrong_character(
    x_server: XServer, tmp_path: Path
) -> None:
    first = "".join(map(chr, range(0x4E00, 0x4E00 + 60)))
    second = "".join(map(chr, range(0x0410, 0x0410 + 60)))
    terminal = await open_terminal(x_server, tmp_path)
    async with open_input(x_server) as sink, trio.open_nursery() as nursery:
        nursery.start_soon(sink.send, TextTyped(first), 1)
        nursery.start_soon(sink.send, TextTyped(second), 2)
        typed = await terminal.typed(len((first + second).encode()))
    assert "".join(c for c in typed if c >= "\u4e00") == first
    assert "".join(c for c in typed if c < "\u4e00") == second


async def test_line_ends_and_tabs_are_their_keys(x_server: XServer, tmp_path: Path) -> None:
    terminal = await open_terminal(x_server, tmp_path)
    async with open_input(x_server) as sink:
        await sink.send(TextTyped("a\r\nb\tc\nd"), VIEWER)
        assert await terminal.typed(7) == "a\rb\tc\rd"


async def test_characters_that_no_key_types_are_left_out(x_server: XServer, tmp_path: Path) -> None:
    terminal = await open_terminal(x_server, tmp_path)
    async with open_input(x_server) as sink:
        await sink.send(TextTyped("a\x00\ud800\x01b"), VIEWER)
        assert await terminal.typed(2) == "ab"


@pytest.mark.parametrize("layout", ["us", "ru"])
async def test_old_and_new_keysyms_of_a_character_type_the_same(
    layout: str, x_server: XServer, tmp_path: Path
) -> None:
    terminal = await open_terminal(x_server, tmp_path)
    x_server.run("setxkbmap", "-layout", layout)
    text = "".join(LEGACY)
    async with open_input(x_server) as sink:
        for old in LEGACY.values():
            await sink.send(KeyEvent(True, old, "Key", Locks.NONE), VIEWER)
            await sink.send(KeyEvent(False, old, "Key", Locks.NONE), VIEWER)
        await sink.send(TextTyped(text), VIEWER)
        assert await terminal.typed(2 * len(text.encode())) == text * 2


@pytest.mark.parametrize("layout", ["us", "fr", "ru"])
async def test_composed_text_is_exact_while_caps_lock_is_on(
    layout: str, x_server: XServer, tmp_path: Path
) -> None:
    text = "aA éÉ жЖ ßẞ 日 1!"
    terminal = await open_terminal(x_server, tmp_path)
    x_server.run("setxkbmap", "-layout", layout)
    async with open_input(x_server) as sink:
        for pressed in (True, False):
            await sink.send(KeyEvent(pressed, CAPS_LOCK, "CapsLock", Locks.CAPS), VIEWER)
        await sink.send(TextTyped(text), VIEWER)
        assert await terminal.typed(len(text.encode())) == text


@pytest.mark.parametrize("layout", ["us", "de", "fr", "ru"])
async def test_a_viewers_caps_lock_changes_no_character(
    layout: str, x_server: XServer, tmp_path: Path
) -> None:
    text = "HELLO wörld ÄÖÜ äöü ÉÈ éè Жж 1!"
    terminal = await open_terminal(x_server, tmp_path)
    x_server.run("setxkbmap", "-layout", layout)
    async with open_input(x_server) as sink:
        for number, character in enumerate(text):
            locks = Locks.CAPS if number % 3 else Locks.NONE
            await press_and_release(sink, character, locks)
        assert await terminal.typed(len(text.encode())) == text


async def test_a_layout_changed_meanwhile_is_followed(x_server: XServer, tmp_path: Path) -> None:
    terminal = await open_terminal(x_server, tmp_path)
    async with open_input(x_server) as sink:
        for number, layout in enumerate(("us", "de", "ru", "fr", "us"), start=1):
            x_server.run("setxkbmap", "-layout", layout)
            await sink.send(TextTyped("yz@жя日"), VIEWER)
            expected = "yz@жя日" * number
            assert await terminal.typed(len(expected.encode())) == expected
