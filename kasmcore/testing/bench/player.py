"""Plays one scene on an X display; its arguments are DISPLAY SCENE SECONDS.

It says ``ready`` when the first picture is shown, plays when it reads a line, says what it drew as
one line of JSON (``[[number, nanoseconds], …]``), and leaves the last picture until its standard
input ends. Nanoseconds are of CLOCK_MONOTONIC, when the X server had carried out the drawing.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator

from kasmcore.testing.bench.canvas import Canvas
from kasmcore.testing.bench.scenes import SCENES, Scene


def main() -> None:
    """Play as the command line says."""
    display_name, scene_name, seconds = sys.argv[1:]
    scene, canvas = SCENES[scene_name], Canvas(display_name)
    draw = scene.prepare(canvas)
    canvas.draw_code(0)
    canvas.sync()
    _say("ready")
    sys.stdin.readline()
    drawn = []
    for number in _due_frames(scene, float(seconds)):
        draw(number)
        canvas.draw_code(number)
        canvas.sync()
        drawn.append((number, time.monotonic_ns()))
    _say(json.dumps(drawn))
    sys.stdin.read()
    canvas.close()


def _due_frames(scene: Scene, seconds: float) -> Iterator[int]:
    """Yield each frame's number when it is due, from 1; late ones are skipped if they may be."""
    start_s = time.monotonic()
    end_s = start_s + seconds
    number = 1
    while scene.rate_hz and (due_s := start_s + number / scene.rate_hz) < end_s:
        now_s = time.monotonic()
        if scene.skips_late_frames and now_s > due_s + 1 / scene.rate_hz:
            number = int((now_s - start_s) * scene.rate_hz)
            continue
        time.sleep(max(0.0, due_s - now_s))
        yield number
        number += 1
    time.sleep(max(0.0, end_s - time.monotonic()))


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
