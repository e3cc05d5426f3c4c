"""The browser's page as a person at it sees and uses it."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import attrs
import numpy as np
from playwright.sync_api import CDPSession, Page

from tests.waiting import wait_for, wait_until_equal
from tests.x_desk import RgbPixels, XDesk

_READ_CANVAS = """
(wantsPixels) => {
  const canvas = document.querySelector("#desktop canvas");
  const { width, height } = canvas;
  const context = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true });
  context.drawImage(canvas, 0, 0);
  const { data } = context.getImageData(0, 0, width, height);
  if (!wantsPixels) {
    return crypto.subtle.digest("SHA-256", data).then((digest) => {
      const hex = [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, "0"));
      return { width, height, digest: hex.join("") };
    });
  }
  let text = "";
  for (let i = 0; i < data.length; i += 0x8000) {
    text += String.fromCharCode(...data.subarray(i, i + 0x8000));
  }
  return { width, height, pixels: btoa(text) };
}
"""

SHIFT, ALT_GRAPH, CONTROL = "ShiftLeft", "AltRight", "ControlLeft"
_MODIFIER_KEYS = {SHIFT: ("Shift", 16), ALT_GRAPH: ("AltGraph", 225), CONTROL: ("Control", 17)}
_MODIFIER_BITS = {SHIFT: 8, CONTROL: 2}


@attrs.define(eq=False)
class RemoteKeys:
    """Key events as the browser makes them of a keyboard with any layout."""

    _page: Page
    _session: CDPSession
    _down: list[str] = attrs.field(factory=list)

    def press(self, code: str, key: str, *, repeats: bool = False) -> None:
        """Press the key at a place of the keyboard; ``key`` is what the layout makes of it."""
        event_type = "keyDown" if len(key) == 1 and CONTROL not in self._down else "rawKeyDown"
        self._send(event_type, code, key, key if event_type == "keyDown" else "", repeats)

    def release(self, code: str, key: str) -> None:
        """Release it."""
        self._send("keyUp", code, key)

    def strike(self, code: str, key: str, *held: str) -> None:
        """Press and release a key while modifiers are held."""
        with self.holding(*held):
            self.press(code, key)
            self.release(code, key)

    @contextmanager
    def holding(self, *modifiers: str) -> Iterator[None]:
        """Hold modifier keys, by their place."""
        for code in modifiers:
            self.hold(code)
        yield
        for code in reversed(modifiers):
            self.let_go(code)

    def hold(self, code: str) -> None:
        """Press a modifier and keep it down."""
        self._down.append(code)
        self._send("rawKeyDown", code, _MODIFIER_KEYS[code][0])

    def let_go(self, code: str) -> None:
        """Release a modifier."""
        self._down.remove(code)
        self._send("keyUp", code, _MODIFIER_KEYS[code][0])

    def forget_held(self) -> None:
        """From now on events say that no modifier is down."""
        self._down.clear()

    def type_us(self, text: str) -> None:
        """Type as on a keyboard of the United States."""
        self._page.keyboard.type(text)

    def paste(self) -> None:
        """Strike Ctrl+V; the browser does with it what it does for a person."""
        with self.holding(CONTROL):
            self._send("rawKeyDown", "KeyV", "v", command="paste")
            self.release("KeyV", "v")

    def enter(self) -> None:
        """Strike the Enter key."""
        self.strike("Enter", "Enter")

    def compose(self, *preedits: str, result: str) -> None:
        """Type by an input method: some text under way, then what it becomes."""
        for preedit in preedits:
            self._session.send(
                "Input.dispatchKeyEvent",
                {"type": "rawKeyDown", "key": "Process", "code": "", "windowsVirtualKeyCode": 229},
            )
            self._session.send(
                "Input.imeSetComposition",
                {"text": preedit, "selectionStart": len(preedit), "selectionEnd": len(preedit)},
            )
        self.insert(result)

    def insert(self, text: str) -> None:
        """Insert text without keys, as emoji pickers and input methods do."""
        self._session.send("Input.insertText", {"text": text})

    def _send(
        self,
        event_type: str,
        code: str,
        key: str,
        text: str = "",
        repeats: bool = False,
        *,
        command: str = "",
    ) -> None:
        known = next((number for name, number in _MODIFIER_KEYS.values() if name == key), 0)
        is_letter = code.startswith("Key")
        self._session.send(
            "Input.dispatchKeyEvent",
            {
                "type": event_type,
                "code": code,
                "key": key,
                "text": text,
                "autoRepeat": repeats,
                "commands": [command] if command else [],
                "modifiers": sum(_MODIFIER_BITS.get(held, 0) for held in self._down),
                "windowsVirtualKeyCode": known or (ord(code[-1]) if is_letter else 0),
            },
        )


@attrs.define(eq=False)
class RemotePage:
    """One viewer."""

    page: Page
    keys: RemoteKeys

    @classmethod
    def on(cls, page: Page) -> RemotePage:
        """Look at a page that may show anything."""
        return cls(page, RemoteKeys(page, page.context.new_cdp_session(page)))

    @property
    def is_connected(self) -> bool:
        """True while a live picture is shown."""
        return bool(
            self.page.evaluate(
                """() => document.title !== "Desktop"
                    && document.querySelector("#status")?.hidden === true
                    && document.querySelector("#desktop canvas")?.width > 1"""
            )
        )

    @property
    def canvas_size(self) -> tuple[int, int]:
        """Width and height of the picture in desktop pixels."""
        width, height = self.page.evaluate(
            "() => { const c = document.querySelector('#desktop canvas');"
            " return [c.width, c.height]; }"
        )
        return width, height

    @property
    def status_text(self) -> str:
        """The card that tells why there is no picture; empty while it is hidden."""
        status = self.page.locator("#status")
        return status.inner_text() if status.is_visible() else ""

    @property
    def cursor(self) -> str:
        """The CSS cursor over the picture."""
        return str(
            self.page.evaluate("() => document.querySelector('#desktop canvas').style.cursor")
        )

    def wait_until_connected(self) -> None:
        """Wait for the first picture."""
        wait_for(lambda: self.is_connected, "the page is connected")

    def pixels(self) -> RgbPixels:
        """The picture, from the page's canvas."""
        answer = self.page.evaluate(_READ_CANVAS, True)
        flat = np.frombuffer(base64.b64decode(answer["pixels"]), np.uint8)
        return flat.reshape(answer["height"], answer["width"], 4)[..., :3]

    def wait_until_exact(
        self, desk: XDesk, visible: Callable[[RgbPixels], RgbPixels] = lambda pixels: pixels
    ) -> None:
        """Wait until the canvas equals the X framebuffer in every pixel.

        Args:
            desk: whose framebuffer is read at each look.
            visible: what a viewer may see of it.

        Raises:
            AssertionError: it never did; tells where they differ.
        """

        def is_exact() -> bool:
            return self._digest() == _digest(visible(desk.pixels()))

        try:
            wait_for(is_exact, "the picture is exact")
        except AssertionError as error:
            where = _difference(self.pixels(), visible(desk.pixels()))
            raise AssertionError(f"{error}; {where}") from None

    def wait_for_toast(self, text: str) -> None:
        """Wait for a short message in the corner."""
        wait_for(lambda: text in self.page.locator("#toasts").inner_text(), f"the message {text!r}")

    def wait_for_status(self, text: str) -> None:
        """Wait for a text on the card in the middle."""
        wait_for(lambda: text in self.status_text, f"the status {text!r}")

    def wait_for_size(self, width: int, height: int) -> None:
        """Wait until the picture has this size."""
        wait_until_equal(lambda: self.canvas_size, (width, height))

    def click(self, x: float, y: float, button: str = "left") -> None:
        """Click at a place of the window, in CSS pixels."""
        self.page.mouse.click(x, y, button=button)  # type: ignore[arg-type]

    def open_panel(self) -> None:
        """Show the control panel."""
        self.page.locator("#panel-toggle").click()

    def close_panel(self) -> None:
        """Hide it; the desktop has the keyboard again."""
        self.page.locator("#panel-toggle").click()

    def choose_scale(self, mode: str) -> None:
        """Choose how the picture fits the window: resize, fit or native."""
        self.open_panel()
        self.page.locator("#scale").select_option(mode)
        self.close_panel()

    def _digest(self) -> str:
        answer = self.page.evaluate(_READ_CANVAS, False)
        return f"{answer['width']}x{answer['height']} {answer['digest']}"


def view(page: Page, url: str) -> RemotePage:
    """Open the desktop on a page and wait for the picture."""
    page.goto(url)
    remote = RemotePage.on(page)
    remote.wait_until_connected()
    return remote


def sign_in(page: Page, name: str, password: str) -> None:
    """Fill the login page and send it."""
    page.fill("#user-name", name)
    page.fill("#password", password)
    page.click("#login-button")


def _digest(pixels: RgbPixels) -> str:
    height, width = pixels.shape[:2]
    rgba = np.full((height, width, 4), 255, np.uint8)
    rgba[..., :3] = pixels
    return f"{width}x{height} {hashlib.sha256(rgba.tobytes()).hexdigest()}"


def _difference(shown: RgbPixels, real: RgbPixels) -> str:
    if shown.shape != real.shape:
        return f"the canvas is {shown.shape}, the framebuffer {real.shape}"
    rows, columns = np.nonzero((shown != real).any(axis=-1))
    if not len(rows):
        return "by now they are equal"
    return (
        f"{len(rows)} pixels differ, x {columns.min()}-{columns.max()}, "
        f"y {rows.min()}-{rows.max()}, by at most {np.abs(shown.astype(int) - real).max()}"
    )
