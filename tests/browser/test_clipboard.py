"""Text copied on one side can be pasted on the other."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.browser.conftest import OpenPage
from tests.browser.remote_page import RemotePage
from tests.waiting import wait_for, wait_until_equal
from tests.x_desk import XDesk

pytestmark = [pytest.mark.browser, pytest.mark.x11]

ALLOWED = ["clipboard-read", "clipboard-write"]
TEXTS = {
    "words": "copied words",
    "foreign": "äöü ß € 日本語 Ω ещё",
    "beyond the basic plane": "😀👩‍💻 𝔘𝄞",
    "lines": "one\ntwo\n\n\tfour\n",
    "a megabyte": "0123456789abcdefé\n" * (1_000_000 // 18),
}
texts = pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS.keys())


@pytest.fixture
def remote(open_page: OpenPage) -> RemotePage:
    """A viewer whose browser shares its clipboard."""
    return open_page(permissions=ALLOWED)


def browser_text(remote: RemotePage) -> str:
    return str(remote.page.evaluate("() => navigator.clipboard.readText()"))


@texts
def test_text_copied_on_the_desktop_is_in_the_browsers_clipboard(
    remote: RemotePage, desk: XDesk, text: str
) -> None:
    desk.copy(text)
    wait_for(lambda: browser_text(remote) == text, "the browser's clipboard has the text")


@texts
def test_text_copied_in_the_browser_is_on_the_desktop(
    remote: RemotePage, desk: XDesk, text: str
) -> None:
    remote.page.evaluate("(text) => navigator.clipboard.writeText(text)", text)
    remote.click(400, 300)  # the first touch of the desktop
    wait_for(lambda: desk.pasted() == text, "the desktop's clipboard has the text")


def test_text_copied_while_the_page_was_in_the_background_comes_with_its_focus(
    remote: RemotePage, desk: XDesk
) -> None:
    remote.click(400, 300)
    remote.page.evaluate("() => navigator.clipboard.writeText('copied elsewhere')")
    remote.page.evaluate("() => window.dispatchEvent(new Event('focus'))")
    wait_for(lambda: desk.pasted() == "copied elsewhere", "the desktop has it")


def test_the_control_panel_carries_text_by_hand(open_page: OpenPage, desk: XDesk) -> None:
    remote = open_page()
    desk.copy("from the desktop")
    remote.open_panel()
    field = remote.page.locator("#clipboard-text")
    wait_until_equal(field.input_value, "from the desktop")

    field.fill("by hand: 😀\nzwei")
    remote.page.locator("#clipboard-send").click()

    wait_for(lambda: desk.pasted() == "by hand: 😀\nzwei", "the desktop has it")


@pytest.mark.parametrize("permissions", [ALLOWED, []], ids=["allowed", "not allowed"])
def test_control_v_pastes_what_was_copied_in_the_browser(
    open_page: OpenPage, desk: XDesk, tmp_path: Path, permissions: list[str]
) -> None:
    remote, elsewhere = open_page(permissions=permissions), open_page(permissions=ALLOWED)
    received = tmp_path / "received.txt"
    desk.open_terminal(
        f"stty -icanon; cat > {received}",
        ready=received,
        translations="#override Ctrl <Key>V: insert-selection(CLIPBOARD)",
    )
    remote.click(100, 100)
    expected = ""
    for text in ("first é", "second 😀"):
        elsewhere.page.evaluate("(text) => navigator.clipboard.writeText(text)", text)
        remote.page.bring_to_front()
        remote.page.evaluate("() => window.dispatchEvent(new Event('focus'))")
        remote.keys.paste()
        expected += text
        wait_until_equal(received.read_text, expected)
