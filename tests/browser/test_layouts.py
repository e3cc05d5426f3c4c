"""A real keyboard in front of a visible Chromium: what its layout makes of a key arrives.

The viewer's own screen is another virtual display, where XTest plays the physical keys.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import attrs
import pytest
from playwright.sync_api import sync_playwright
from Xlib import X
from Xlib.ext import xtest

from tests.browser.conftest import CHROMIUM_FLAGS
from tests.browser.remote_page import RemotePage, view
from tests.live_server import Launcher, LiveServer
from tests.waiting import wait_until_equal
from tests.x_desk import XDesk, x_desk

pytestmark = [pytest.mark.browser, pytest.mark.x11]

KEYCODES = {
    "Digit2": 11, "Digit5": 14, "Digit0": 19, "Equal": 21, "KeyQ": 24, "KeyE": 26, "KeyO": 32,
    "BracketLeft": 34, "Enter": 36, "ControlLeft": 37, "KeyA": 38, "Semicolon": 47, "Quote": 48,
    "Backquote": 49, "ShiftLeft": 50, "KeyC": 54, "AltRight": 108,
}  # fmt: skip
"""Of Linux's X servers, by `KeyboardEvent.code`."""

LAYOUTS = {
    "us": ("aqE[", ["KeyA", "KeyQ", "ShiftLeft KeyE", "BracketLeft"]),
    "de": (
        "ä€@êéÖ",
        ["Quote", "AltRight KeyE", "AltRight KeyQ", "Backquote", "KeyE", "Equal", "KeyE",
         "ShiftLeft Semicolon"],
    ),
    "fr": (
        "éêaÔ@",
        ["Digit2", "BracketLeft", "KeyE", "KeyQ", "BracketLeft", "ShiftLeft KeyO",
         "AltRight Digit0"],
    ),
    "ru": ("фУэ", ["KeyA", "ShiftLeft KeyE", "Quote"]),
    "us(intl)": ("áÖ€", ["Quote", "KeyA", "ShiftLeft Quote", "ShiftLeft KeyO", "AltRight Digit5"]),
    "jp": ("@", ["BracketLeft"]),
}  # fmt: skip


@attrs.frozen
class PhysicalKeyboard:
    """The keys of the viewer's machine."""

    screen: XDesk

    def set_layout(self, name: str) -> None:
        layout, _, variant = name.rstrip(")").partition("(")
        self.screen.run("setxkbmap", layout, "-variant", variant)

    def strike(self, keys: str) -> None:
        """Press keys one after another and release them in reverse."""
        codes = [KEYCODES[key] for key in keys.split()]
        for code in codes:
            self._play(X.KeyPress, code)
        for code in reversed(codes):
            self._play(X.KeyRelease, code)

    def _play(self, kind: int, code: int) -> None:
        xtest.fake_input(self.screen.display, kind, code)
        self.screen.display.sync()


@pytest.fixture(scope="module")
def viewer_screen(servers: Launcher) -> Iterator[XDesk]:
    """The screen of the viewer's own machine."""
    machine = servers.start("desktop.resolution.width=900", "desktop.resolution.height=700")
    with x_desk(machine.display, machine.authority_file) as screen:
        yield screen


@pytest.fixture(scope="module")
def remote(viewer_screen: XDesk, server: LiveServer) -> Iterator[RemotePage]:
    """A viewer in a window on that screen."""
    executable = shutil.which("chromium") or shutil.which("chromium-browser")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=executable,
            args=[*CHROMIUM_FLAGS, "--window-position=0,0", "--window-size=900,700"],
            headless=False,
            env={**viewer_screen.environment},
        )
        context = chromium.new_context(
            no_viewport=True, permissions=["clipboard-read", "clipboard-write"]
        )
        yield view(context.new_page(), server.url)
        chromium.close()


@pytest.mark.parametrize("layout", LAYOUTS)
def test_what_a_layout_makes_of_the_keys_arrives_exactly(
    remote: RemotePage, viewer_screen: XDesk, desk: XDesk, tmp_path: Path, layout: str
) -> None:
    text, keys = LAYOUTS[layout]
    received = tmp_path / "received.txt"
    keyboard = PhysicalKeyboard(viewer_screen)
    keyboard.set_layout(layout)
    desk.open_terminal(f"cat > {received}", ready=received)
    remote.click(200, 200)
    for each in keys:
        keyboard.strike(each)
    keyboard.strike("Enter")
    wait_until_equal(received.read_text, f"{text}\n")
    wait_until_equal(desk.held_keycodes, [])
