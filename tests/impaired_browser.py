"""A real browser that watches a real server over an impaired link, and what it sees when."""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import attrs
from playwright.sync_api import Browser, Page, sync_playwright

from tests.bench.video_and_typing import SIZE, TYPED_CODE, VIDEO_CODE
from tests.browser.remote_page import RemotePage, view
from tests.impaired_link import SERVER_ADDRESS, ImpairedLink, Side
from tests.live_server import REPOSITORY, Launcher, LiveServer

FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--ignore-certificate-errors",
)
SETTINGS = (
    f"network.interface={SERVER_ADDRESS}",
    "security.login_required=false",
    "security.allow_insecure_exposure=true",
    f"desktop.resolution.width={SIZE.width}",
    f"desktop.resolution.height={SIZE.height}",
    "desktop.allow_resize=false",
)

_PROBE = """
([places, bits]) => {
  const small = new OffscreenCanvas(bits, 2);
  const context = small.getContext("2d", { willReadFrequently: true });
  const read = ([x, y, width, height]) => {
    const canvas = document.querySelector("#desktop canvas");
    if (!canvas || canvas.width < 2) return -1;
    context.drawImage(canvas, x, y, width, height, 0, 0, bits, 2);
    const { data } = context.getImageData(0, 0, bits, 2);
    let number = 0;
    for (let bit = 0; bit < bits; bit += 1) {
      const [upper, lower] = [data[4 * bit + 1] > 127, data[4 * (bits + bit) + 1] > 127];
      if (upper === lower) return -1;
      number = 2 * number + (upper ? 1 : 0);
    }
    return number;
  };
  const probe = { seen: places.map(() => []), keys: [], turns: 0 };
  const last = places.map(() => -1);
  const look = () => {
    probe.turns += 1;
    places.forEach((place, index) => {
      const number = read(place);
      if (number >= 0 && number !== last[index]) {
        last[index] = number;
        probe.seen[index].push([number, performance.now()]);
      }
    });
    requestAnimationFrame(look);
  };
  const listen = (event) => { if (!event.repeat) probe.keys.push(performance.now()); };
  window.addEventListener("keydown", listen, { capture: true });
  window.probe = probe;
  look();
}
"""


@contextmanager
def browser_at(link: ImpairedLink, *flags: str) -> Iterator[Browser]:
    """A headless Chromium at the client's end."""
    executable = shutil.which("chromium") or shutil.which("chromium-browser")
    with link.entered(Side.CLIENT):
        manager = sync_playwright()
        playwright = manager.__enter__()
    try:
        with link.entered(Side.CLIENT):
            browser = playwright.chromium.launch(executable_path=executable, args=[*FLAGS, *flags])
        yield browser
        browser.close()
    finally:
        manager.__exit__(None, None, None)


def server_at(link: ImpairedLink, runs: Launcher, transport: str, *settings: str) -> LiveServer:
    """A server with TLS at the other end that offers one transport, or several with commas."""
    own = (f"plugins.transports=[{transport}]", f"desktop.display={_free_display()}")
    with link.entered(Side.SERVER):
        return runs.start(*own, *settings, base=SETTINGS)


def _free_display() -> int:
    """A number that no X server has, in any namespace: each would take the first one, and the
    sockets' files of all of them lie in the same place."""
    return next(
        number
        for number in random.sample(range(600, 700), 100)
        if not Path(f"/tmp/.X11-unix/X{number}").exists()
    )


@attrs.define(eq=False)
class Scene:
    """The video with typing, on the server's display."""

    _process: subprocess.Popen[str]

    def play(self) -> None:
        """Begin."""
        assert self._process.stdin is not None
        self._process.stdin.write("play\n")
        self._process.stdin.flush()

    def end(self) -> Drawn:
        """End; tell what was drawn when."""
        output, _ = self._process.communicate(timeout=30)
        found = json.loads(output.strip().splitlines()[-1])
        return Drawn(
            video={number: at_ns / 1e9 for number, at_ns in found["video"]},
            typed={number: at_ns / 1e9 for number, at_ns in found["typed"]},
        )


@attrs.frozen
class Drawn:
    """When each number was drawn, in seconds of CLOCK_MONOTONIC."""

    video: Mapping[int, float]
    typed: Mapping[int, float]


@attrs.frozen
class Seen:
    """What the page saw, in seconds of CLOCK_MONOTONIC: the last bits of a number, and when."""

    video: Sequence[tuple[int, float]]
    typed: Sequence[tuple[int, float]]
    keys_s: Sequence[float]
    """When keys went down in the page."""


@contextmanager
def scene_on(server: LiveServer, link: ImpairedLink) -> Iterator[Scene]:
    """Show the first picture of the video with typing."""
    with link.entered(Side.SERVER):  # where the display's socket has its name
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.bench.video_and_typing", server.display],
            env=os.environ | {"XAUTHORITY": server.authority_file},
            cwd=REPOSITORY,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        yield Scene(process)
    finally:
        process.kill()
        process.wait()


@attrs.define(eq=False)
class ProbedPage:
    """A viewer whose canvas is looked at in every animation frame."""

    remote: RemotePage
    _ahead_s: float
    """CLOCK_MONOTONIC less the page's clock."""

    @classmethod
    def open(cls, browser: Browser, url: str) -> ProbedPage:
        """Open the desktop and begin to look."""
        context = browser.new_context(
            viewport={"width": SIZE.width, "height": SIZE.height}, ignore_https_errors=True
        )
        remote = view(context.new_page(), url)
        places = [[p.x, p.y, p.width, p.height] for p in (VIDEO_CODE, TYPED_CODE)]
        remote.page.evaluate(_PROBE, [places, VIDEO_CODE.width // 16])
        return cls(remote, _clock_ahead_s(remote.page))

    def press_key(self) -> None:
        """Press and release a key."""
        self.remote.keys.press("KeyA", "a")
        self.remote.keys.release("KeyA", "a")

    def seen(self) -> Seen:
        """Everything since it was opened."""
        probe = self.remote.page.evaluate("() => window.probe")
        video, typed = (
            [(number, at_ms / 1000 + self._ahead_s) for number, at_ms in numbers]
            for numbers in probe["seen"]
        )
        return Seen(video, typed, [at_ms / 1000 + self._ahead_s for at_ms in probe["keys"]])


def _clock_ahead_s(page: Page) -> float:
    """From the quickest of some questions for the time."""
    tries: list[tuple[float, float]] = []
    for _ in range(20):
        before_s = time.monotonic()
        page_s = page.evaluate("() => performance.now()") / 1000
        after_s = time.monotonic()
        tries.append((after_s - before_s, (before_s + after_s) / 2 - page_s))
    return min(tries)[1]
