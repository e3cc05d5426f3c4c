"""Plays a video in a window, and answers keys, on an X display; its argument is the display.

It says ``ready`` when the first picture is shown, plays when it reads a line, and ends when its
standard input does. Then it says when it drew what as a line of JSON, ``{"video": [[number,
nanoseconds], …], "typed": [...]}``. Every frame of the video holds its number, and each key press
shows the next one in the corner. Nanoseconds are of CLOCK_MONOTONIC, when the X server had carried
out the drawing.
"""

from __future__ import annotations

import json
import math
import select
import sys
import time

import attrs
import numpy as np
from Xlib import X
from Xlib.xobject.drawable import Pixmap

from kasmcore.testing.bench.canvas import Canvas
from kasmcore.testing.bench.contents import photo_picture, text_picture
from kasmcore.testing.bench.frame_code import BITS, CELL, NUMBERS
from kasmcore.values.geometry import Rectangle, Size
from kasmcore.values.pixels import BgrxPixels

VIDEO = Rectangle(600, 240, 640, 360)
VIDEO_CODE = Rectangle(VIDEO.x + 32, VIDEO.y + 32, BITS * CELL, 2 * CELL)
TYPED_CODE = Rectangle(32, 32, BITS * CELL, 2 * CELL)
SIZE = Size(1280, 720)
RATE_HZ = 30.0
_FRAMES = 15
_GRAIN = 4


class KeyCanvas(Canvas):
    """A canvas that hears key presses."""

    def listen(self) -> None:
        """From now on; ``show`` comes first."""
        self._shown().change_attributes(event_mask=X.KeyPressMask)

    def fileno(self) -> int:
        """Readable when events may have come."""
        return int(self._display.fileno())

    def key_presses(self) -> int:
        """How many came since the last call."""
        events = [self._display.next_event() for _ in range(self._display.pending_events())]
        return sum(event.type == X.KeyPress for event in events)


def code_sheet() -> BgrxPixels:
    """All codes below each other."""
    numbers = np.arange(NUMBERS)[:, np.newaxis]
    bits = (numbers >> np.arange(BITS - 1, -1, -1) & 1).astype(np.uint8)
    cells = np.stack([bits, 1 - bits], axis=1).reshape(2 * NUMBERS, BITS) * 255
    grey = cells.repeat(CELL, axis=0).repeat(CELL, axis=1)
    return np.ascontiguousarray(np.broadcast_to(grey[..., np.newaxis], (*grey.shape, 4)))


def video_pictures() -> list[BgrxPixels]:
    """A landscape that sways, with grain."""
    random = np.random.default_rng(6)
    size = Size(VIDEO.width, VIDEO.height)
    landscape, shape = photo_picture(size), (size.height, size.width, 1)
    pictures = []
    for number in range(_FRAMES):
        angle = 2 * math.pi * number / _FRAMES
        sway = (round(10 * math.sin(angle)), round(20 * math.cos(angle)))
        grain = random.integers(-_GRAIN, _GRAIN + 1, shape, np.int16)
        moved = np.roll(landscape, sway, axis=(0, 1)) + grain
        pictures.append(np.clip(moved, 0, 255).astype(np.uint8))
    return pictures


@attrs.define(eq=False)
class VideoAndTyping:
    """The scene on its canvas."""

    canvas: KeyCanvas
    codes: Pixmap
    pictures: list[Pixmap]
    video: list[tuple[int, int]] = attrs.field(factory=list, init=False)
    typed: list[tuple[int, int]] = attrs.field(factory=list, init=False)

    @classmethod
    def on(cls, display: str) -> VideoAndTyping:
        """Show the first picture."""
        canvas = KeyCanvas(display)
        scene = cls(canvas, canvas.upload(code_sheet()), list(map(canvas.upload, video_pictures())))
        canvas.show(canvas.upload(text_picture(canvas.size)))
        canvas.listen()
        scene._draw_code(0, TYPED_CODE)
        scene._draw_video(0)
        return scene

    def play(self) -> None:
        """Until standard input ends."""
        start_s, number = time.monotonic(), 1
        while True:
            wait_s = start_s + number / RATE_HZ - time.monotonic()
            ready, _, _ = select.select([sys.stdin, self.canvas], [], [], max(0.0, wait_s))
            if sys.stdin in ready and not sys.stdin.readline():
                return
            for _ in range(self.canvas.key_presses()):
                self._draw_code(len(self.typed) + 1, TYPED_CODE)
                self.typed.append((len(self.typed) + 1, time.monotonic_ns()))
            if start_s + number / RATE_HZ <= time.monotonic():
                self._draw_video(number)
                self.video.append((number, time.monotonic_ns()))
                number = max(number + 1, int((time.monotonic() - start_s) * RATE_HZ))

    def _draw_video(self, number: int) -> None:
        picture = self.pictures[number % _FRAMES]
        whole = Rectangle(0, 0, VIDEO.width, VIDEO.height)
        self.canvas.copy(picture, whole, VIDEO.x, VIDEO.y)
        self._draw_code(number, VIDEO_CODE)

    def _draw_code(self, number: int, place: Rectangle) -> None:
        part = Rectangle(0, number % NUMBERS * place.height, place.width, place.height)
        self.canvas.copy(self.codes, part, place.x, place.y)
        self.canvas.sync()


def main() -> None:
    """Play on the display of the command line."""
    scene = VideoAndTyping.on(sys.argv[1])
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()
    scene.play()
    sys.stdout.write(json.dumps({"video": scene.video, "typed": scene.typed}) + "\n")
    scene.canvas.close()


if __name__ == "__main__":
    main()
