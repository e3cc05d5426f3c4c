"""Keys pressed in the browser arrive as text in a real program, whatever the layout."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from tests.browser.conftest import OpenPage
from tests.browser.remote_page import ALT_GRAPH, CONTROL, SHIFT, RemoteKeys, RemotePage
from tests.waiting import wait_for, wait_until_equal
from tests.x_desk import XDesk

pytestmark = [pytest.mark.browser, pytest.mark.x11]

Stroke = tuple[str, str] | tuple[str, str, str]
"""Place on the keyboard, what the layout makes of it, and a modifier if it needs one."""

GERMAN: list[Stroke] = [
    ("Semicolon", "ö"),
    ("Quote", "ä"),
    ("BracketLeft", "ü"),
    ("Minus", "ß"),
    ("Quote", "Ä", SHIFT),
    ("KeyZ", "y"),
    ("KeyY", "Z", SHIFT),
    ("Digit7", "/", SHIFT),
    ("Minus", "?", SHIFT),
    ("KeyE", "€", ALT_GRAPH),
    ("KeyQ", "@", ALT_GRAPH),
    ("Digit7", "{", ALT_GRAPH),
    ("Minus", "\\", ALT_GRAPH),
    ("IntlBackslash", "|", ALT_GRAPH),
    ("KeyM", "µ", ALT_GRAPH),
    ("BracketRight", "+"),
]
FRENCH: list[Stroke] = [
    ("Digit2", "é"),
    ("Digit0", "à"),
    ("Digit9", "ç"),
    ("Quote", "ù"),
    ("KeyQ", "a"),
    ("KeyA", "Q", SHIFT),
    ("Semicolon", "m"),
    ("Digit2", "2", SHIFT),
    ("Slash", "!"),
    ("Digit0", "@", ALT_GRAPH),
    ("Backquote", "²"),
]
RUSSIAN: list[Stroke] = [
    ("KeyG", "П", SHIFT),
    ("KeyH", "р"),
    ("KeyB", "и"),
    ("KeyD", "в"),
    ("KeyT", "е"),
    ("KeyN", "т"),
    ("Space", " "),
    ("Backquote", "ё"),
    ("BracketLeft", "х"),
    ("Digit3", "№", SHIFT),
    ("Slash", "."),
]
POLISH_AND_GREEK: list[Stroke] = [
    ("KeyL", "ł", ALT_GRAPH),
    ("KeyX", "ź", ALT_GRAPH),
    ("KeyA", "α"),
    ("KeyV", "ω"),
    ("KeyS", "Σ", SHIFT),
]


class Typist:
    """Types lines into a terminal and reads what its program got."""

    def __init__(self, remote: RemotePage, received: Path) -> None:
        self.keys = remote.keys
        self._received = received
        self._expected = ""

    def check(self, text: str, type_it: Callable[[RemoteKeys], None]) -> None:
        """Type a line; the program has received exactly that."""
        self._expected += text + "\n"
        type_it(self.keys)
        self.keys.enter()
        wait_until_equal(self._received.read_text, self._expected)


@pytest.fixture
def typist(remote: RemotePage, desk: XDesk, tmp_path: Path) -> Typist:
    """A terminal that fills the picture and whose ``cat`` writes down every line."""
    received = tmp_path / "received.txt"
    desk.open_terminal(f"cat > {received}", ready=received)
    remote.click(100, 100)
    return Typist(remote, received)


def test_ascii_typed_on_a_us_keyboard_arrives_exactly(typist: Typist) -> None:
    for line in (
        "The quick brown fox jumps over the lazy dog 0123456789",
        r"""`~!@#$%^&*()_+-={}[]|\:;"'<>?,./""",
    ):
        typist.check(line, partial(RemoteKeys.type_us, text=line))


@pytest.mark.parametrize(
    "strokes",
    [GERMAN, FRENCH, RUSSIAN, POLISH_AND_GREEK],
    ids=["german", "french", "russian", "polish and greek"],
)
def test_text_of_another_layout_arrives_exactly(typist: Typist, strokes: list[Stroke]) -> None:
    def type_it(keys: RemoteKeys) -> None:
        for stroke in strokes:
            keys.strike(*stroke)

    typist.check("".join(key for _, key, *_ in strokes), type_it)


def test_a_dead_key_gives_the_accented_letter_alone(typist: Typist) -> None:
    def type_it(keys: RemoteKeys) -> None:
        keys.strike("KeyT", "t")
        keys.strike("BracketLeft", "Dead")
        keys.compose("^", result="ê")
        keys.strike("KeyT", "t")
        keys.strike("KeyE", "e")

    typist.check("tête", type_it)


def test_what_an_input_method_composes_arrives_once_it_is_chosen(typist: Typist) -> None:
    def type_it(keys: RemoteKeys) -> None:
        keys.compose("n", "に", "にh", "にほ", "日本", result="日本語")
        keys.strike("KeyA", "a")
        keys.compose("ㅎ", "하", "한", result="한글")

    typist.check("日本語a한글", type_it)


def test_emoji_arrive_exactly(typist: Typist) -> None:
    text = "😀👩‍💻🏳️‍🌈𝔘𝄞"
    typist.check(text, lambda keys: keys.insert(text))


def insert_each(keys: RemoteKeys, letters: str) -> None:
    for letter in letters:
        keys.insert(letter)


def test_long_text_in_foreign_letters_never_runs_out_of_keys(typist: Typist) -> None:
    letters = [chr(code) for code in range(0x4E00, 0x4E00 + 400)]
    for start in range(0, len(letters), 80):
        line = "".join(letters[start : start + 80])
        typist.check(line, partial(insert_each, letters=line))


def test_a_held_key_repeats_as_often_as_in_the_browser(typist: Typist) -> None:
    def type_it(keys: RemoteKeys) -> None:
        keys.press("KeyX", "x")
        for _ in range(7):
            keys.press("KeyX", "x", repeats=True)
        keys.release("KeyX", "x")

    typist.check("x" * 8, type_it)


def test_control_c_interrupts_the_program(remote: RemotePage, desk: XDesk, tmp_path: Path) -> None:
    ready, interrupted = tmp_path / "ready", tmp_path / "interrupted"
    desk.open_terminal(
        f"trap 'touch {interrupted}' INT; touch {ready}; while read line; do :; done", ready=ready
    )
    remote.click(100, 100)
    remote.keys.strike("KeyC", "c", CONTROL)
    wait_for(interrupted.exists, "the program was interrupted")
    wait_until_equal(desk.held_keycodes, [])


@pytest.mark.parametrize("modifier", [SHIFT, ALT_GRAPH, CONTROL])
def test_a_modifier_is_let_go_when_the_page_loses_the_keyboard(
    remote: RemotePage, desk: XDesk, modifier: str
) -> None:
    desk.open_window(800, 600)
    remote.click(100, 100)
    remote.keys.hold(modifier)
    wait_for(desk.held_keycodes, "the modifier is down")

    remote.page.evaluate("() => document.activeElement.blur()")

    wait_until_equal(desk.held_keycodes, [])


def test_a_modifier_released_elsewhere_is_let_go_with_the_next_key(
    remote: RemotePage, desk: XDesk
) -> None:
    desk.open_window(800, 600)
    remote.click(100, 100)
    remote.keys.hold(SHIFT)
    wait_for(desk.held_keycodes, "Shift is down")
    remote.keys.forget_held()  # its release goes to another window

    remote.keys.strike("KeyA", "a")

    wait_until_equal(desk.held_keycodes, [])


@pytest.mark.parametrize("ending", ["the tab closes", "the page is reloaded"])
def test_held_keys_are_released_when_the_viewer_leaves(
    open_page: OpenPage, desk: XDesk, ending: str
) -> None:
    desk.open_window(800, 600)
    leaving = open_page()
    leaving.click(100, 100)
    leaving.keys.hold(SHIFT)
    leaving.keys.press("KeyW", "W")
    wait_until_equal(lambda: len(desk.held_keycodes()), 2)

    if ending == "the tab closes":
        leaving.page.close()
    else:
        leaving.page.reload()

    wait_until_equal(desk.held_keycodes, [])
