"""The X display behind a server, as the programs on it see it."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest.mock import patch

import attrs
import numpy as np
from numpy.typing import NDArray
from Xlib import X
from Xlib.display import Display
from Xlib.xobject.drawable import Window
from Xlib.xobject.fontable import Font

from tests.waiting import LIMIT_S, wait_for

RgbPixels = NDArray[np.uint8]
"""(height, width, 3) uint8."""

MOST_REQUEST_BYTES = 200_000


@attrs.frozen
class PointerEvent:
    """A press, a release or a movement that a window got, in its own pixels."""

    kind: str
    x: int
    y: int
    button: int = 0


_KINDS = {X.ButtonPress: "press", X.ButtonRelease: "release", X.MotionNotify: "move"}


def open_font(display: Display, name: str) -> Font:
    """Open one of the server's fonts."""
    font = display.open_font(name)
    assert isinstance(font, Font)
    return font


@attrs.define(eq=False)
class PaintedWindow:
    """A window without a frame that a test paints and that records what it gets."""

    display: Display
    window: Window
    width: int
    height: int

    def paint(self, pixels: RgbPixels, x: int = 0, y: int = 0) -> None:
        """Show pixels at a place, in strips that fit a request."""
        height, width = pixels.shape[:2]
        bgrx = np.zeros((height, width, 4), np.uint8)
        bgrx[..., :3] = pixels[..., ::-1]
        context = self.window.create_gc()
        rows = max(1, MOST_REQUEST_BYTES // (4 * width))
        for top in range(0, height, rows):
            strip = bgrx[top : top + rows]
            self.window.put_image(
                context.id, x, y + top, width, len(strip), X.ZPixmap, 24, 0, strip.tobytes()
            )
        context.free()
        self.display.sync()

    def fill(self, colour: int, box: tuple[int, int, int, int] | None = None) -> None:
        """Fill a box (x, y, width, height), or all, with a colour 0xRRGGBB."""
        context = self.window.create_gc(foreground=colour)
        self.window.fill_rectangle(context.id, *(box or (0, 0, self.width, self.height)))
        context.free()
        self.display.sync()

    def write(self, text: str, x: int, y: int, colour: int = 0xFFFFFF) -> None:
        """Draw a line of text in the server's own font."""
        font = open_font(self.display, "fixed")
        context = self.window.create_gc(foreground=colour, font=font)
        self.window.poly_text(context.id, x, y, [{"delta": 0, "string": text}])
        context.free()
        font.close()
        self.display.sync()

    def move(self, x: int, y: int) -> None:
        """Move it on the screen."""
        self.window.configure(x=x, y=y)
        self.display.sync()

    def pointer_events(self) -> list[PointerEvent]:
        """What has come since the last call."""
        events = []
        for _ in range(self.display.pending_events()):
            event = self.display.next_event()
            if kind := _KINDS.get(event.type):
                button = 0 if kind == "move" else event.detail
                events.append(PointerEvent(kind, event.event_x, event.event_y, button))
        return events


@attrs.define(eq=False)
class XDesk:
    """A connection to a display, and the programs that a test started there."""

    name: str
    authority_file: str
    display: Display
    programs: list[subprocess.Popen[bytes]] = attrs.field(factory=list)

    @property
    def environment(self) -> dict[str, str]:
        """Environment for a program that shall draw here."""
        place = {"DISPLAY": self.name, "XAUTHORITY": self.authority_file}
        return {**os.environ, **place, "LC_ALL": "C.UTF-8"}

    @property
    def size(self) -> tuple[int, int]:
        """Width and height now."""
        geometry = self.display.screen().root.get_geometry()
        return geometry.width, geometry.height

    def pixels(self) -> RgbPixels:
        """The whole framebuffer, read by the core protocol; the cursor is not in it."""
        width, height = self.size
        reply = self.display.screen().root.get_image(0, 0, width, height, X.ZPixmap, 0xFFFFFFFF)
        bgrx = np.frombuffer(reply.data, np.uint8).reshape(height, width, 4)
        return np.ascontiguousarray(bgrx[..., 2::-1])

    def held_keycodes(self) -> list[int]:
        """Keys that are down."""
        keys = self.display.query_keymap()
        return [8 * byte + bit for byte in range(32) for bit in range(8) if keys[byte] >> bit & 1]

    def modifiers_and_buttons(self) -> int:
        """The mask of modifiers, locks and buttons that are down or on."""
        return int(self.display.screen().root.query_pointer().mask)

    def pointer(self) -> tuple[int, int]:
        """Where the pointer is."""
        reply = self.display.screen().root.query_pointer()
        return reply.root_x, reply.root_y

    def start(self, *command: str, input_bytes: bytes = b"") -> subprocess.Popen[bytes]:
        """Start a program on this display; it ends with the block of ``x_desk``."""
        program = subprocess.Popen(
            command,
            env=self.environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self.programs.append(program)
        assert program.stdin is not None
        with program.stdin as stdin:
            stdin.write(input_bytes)
        return program

    def run(self, *command: str) -> None:
        """Run a program on this display to its end, which must be a good one."""
        subprocess.run(command, env=self.environment, timeout=LIMIT_S, check=True)

    def copy(self, text: str) -> None:
        """Offer a text as the clipboard, as a program that owns it until the block ends."""
        selection = self.display.intern_atom("CLIPBOARD")
        before = self.display.get_selection_owner(selection)
        self.start("xclip", "-quiet", "-selection", "clipboard", input_bytes=text.encode())
        wait_for(
            lambda: self.display.get_selection_owner(selection) not in (before, X.NONE),
            "xclip owns the clipboard",
        )

    def pasted(self) -> str:
        """What a program gets that pastes the clipboard; empty when nobody owns it."""
        done = subprocess.run(
            ["xclip", "-selection", "clipboard", "-o"],
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=LIMIT_S,
            check=False,
        )
        return done.stdout.decode()

    def open_window(
        self, width: int, height: int, x: int = 0, y: int = 0, *, colour: int = 0
    ) -> PaintedWindow:
        """Map a window without a frame that keeps what is painted on it."""
        screen = self.display.screen()
        window = screen.root.create_window(
            *(x, y, width, height, 0),
            screen.root_depth,
            background_pixel=colour,
            override_redirect=1,
            backing_store=X.Always,
            event_mask=X.ButtonPressMask | X.ButtonReleaseMask | X.PointerMotionMask,
        )
        window.map()
        self.display.sync()
        wait_for(
            lambda: window.get_attributes().map_state == X.IsViewable, "the window is on screen"
        )
        return PaintedWindow(self.display, window, width, height)

    def open_terminal(self, script: str, ready: Path, *, translations: str = "#override") -> None:
        """Fill the screen with an xterm that runs a shell script; wait until a file is there.

        Without a window manager the terminal has the keyboard while the pointer is over it.

        Args:
            script: for ``sh``.
            ready: the file that the script makes.
            translations: what keys do beside typing, in the words of X resources.
        """
        self.start(
            *("xterm", "-u8", "-geometry", "80x24+0+0", "-bg", "white", "-fg", "black"),
            *("-xrm", f"XTerm*VT100.translations: {translations}", "-e", "sh", "-c", script),
        )
        wait_for(ready.exists, f"the terminal's program runs ({ready.name})")
        wait_for(self._is_covered, "the terminal is on screen")

    def _is_covered(self) -> bool:
        root = self.display.screen().root
        return any(
            child.get_attributes().map_state == X.IsViewable for child in root.query_tree().children
        )

    def close(self) -> None:
        """End the programs and the connection."""
        for program in reversed(self.programs):
            if program.poll() is None:
                program.terminate()
        for program in self.programs:
            try:
                program.wait(timeout=10)
            except subprocess.TimeoutExpired:
                program.kill()
                program.wait()
        self.display.close()


@contextmanager
def x_desk(name: str, authority_file: str) -> Iterator[XDesk]:
    """Connect to a display for as long as the block."""
    with patch.dict(os.environ, {"XAUTHORITY": authority_file}):
        desk = XDesk(name, authority_file, Display(name))
    try:
        yield desk
    finally:
        desk.close()
