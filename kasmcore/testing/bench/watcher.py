"""Notes what one viewer sees of a scene, and when."""

from __future__ import annotations

import time
from collections.abc import Mapping

import attrs

from kasmcore.testing.bench.frame_code import read_code, unwrapped
from kasmcore.testing.client import Client
from kasmcore.values.frames import EncodedFrame, FrameTimes


@attrs.define(eq=False)
class Watcher:
    """What a client saw since ``watch`` began; times are nanoseconds of CLOCK_MONOTONIC."""

    client: Client
    shown_ns: dict[int, int] = attrs.field(factory=dict, init=False)
    """When each frame of the scene was first shown, by its number."""
    times: list[FrameTimes] = attrs.field(factory=list, init=False)
    """Of every frame that the server sent."""
    exact_since_ns: int | None = attrs.field(default=None, init=False)
    """Since when every pixel is exact; None while one is not."""
    _frames: int = attrs.field(default=0, init=False)
    _number: int = attrs.field(default=0, init=False)

    async def watch(self) -> None:
        """Note everything until cancelled."""
        self._frames = self.client.counters.frames
        if self.client.picture.is_exact:
            self.exact_since_ns = time.monotonic_ns()
        await self.client.wait_until(self._look)

    async def wait_until_sharp(self, number: int) -> int:
        """Wait until this frame is shown and every pixel is exact; return since when."""
        await self.client.wait_until(lambda: self._sharp_since_ns(number) is not None)
        return self._sharp_since_ns(number) or 0

    def _sharp_since_ns(self, number: int) -> int | None:
        shown_ns = self.shown_ns.get(number)
        if shown_ns is None or self.exact_since_ns is None:
            return None
        return max(shown_ns, self.exact_since_ns)

    def _look(self) -> bool:
        """Called after everything that arrives; never content."""
        if self.client.counters.frames == self._frames:
            return False
        self._frames, now_ns = self.client.counters.frames, time.monotonic_ns()
        if (frame := self.client.newest(EncodedFrame)) is not None:
            self.times.append(frame.times)
        code = read_code(self.client.framebuffer)
        if code is not None:
            self._number = unwrapped(code, self._number)
            self.shown_ns.setdefault(self._number, now_ns)
        if not self.client.picture.is_exact:
            self.exact_since_ns = None
        elif self.exact_since_ns is None:
            self.exact_since_ns = now_ns
        return False


def latencies_ms(drawn_ns: Mapping[int, int], shown_ns: Mapping[int, int]) -> list[float]:
    """From drawn to shown, of every frame that was shown; both are times by the frame's number."""
    return [
        (shown_ns[number] - at_ns) / 1e6 for number, at_ns in drawn_ns.items() if number in shown_ns
    ]
