"""Packets of a video that get lost: the cheapest cure, and never garbage on the screen."""

from __future__ import annotations

import random

import attrs
import numpy as np
import trio
from hypothesis import given, settings
from hypothesis import strategies as st
from trio.testing import MockClock

from kasmcore.testing.memory_transport import Link
from kasmcore.values.frames import VideoRectangle
from tests.unit.session.moving_window import WINDOW
from tests.unit.session.test_attaching import Bench, opened
from tests.unit.session.xorz import Xorz, XorzDecoder

RATE_HZ = 30


@attrs.define
class Watched:
    """A viewer's decoders, which note every packet that does not follow the one before."""

    faults: list[str] = attrs.field(factory=list)
    shown: int = 0

    def open(self) -> OneStream:
        return OneStream(self)


class OneStream:
    def __init__(self, watched: Watched) -> None:
        self._watched = watched
        self._decoder = XorzDecoder()
        self._decoder.faults = watched.faults

    def decode(self, payload: bytes, width: int, height: int) -> np.ndarray:
        is_key = bool(payload[0])
        area = attrs.evolve(WINDOW, width=width, height=height)
        part = VideoRectangle(area, "xorz", 50, 0, is_key, False, payload)
        self._watched.shown += 1
        return self._decoder.decode(part)

    def close(self) -> None:
        pass


async def play(bench: Bench, steps: int) -> None:
    """Show another picture in the window at each step; the client tells what it misses."""
    random_ = np.random.default_rng(steps)
    for _ in range(steps):
        noise = random_.integers(0, 255, (WINDOW.height, WINDOW.width, 4), np.uint8)
        bench.desk.desktop.paint_pixels(WINDOW.x, WINDOW.y, noise)
        await trio.sleep(1 / RATE_HZ)
        await bench.client.report_lost()


async def ends_exact(bench: Bench) -> None:
    with trio.fail_after(60):
        while not bench.is_exact():
            await trio.sleep(0.2)
            await bench.client.report_lost()


async def test_a_lost_packet_costs_one_key_frame(autojump_clock: MockClock) -> None:
    xorz, watched, lost = Xorz(), Watched(), set()
    link = Link(delay_s=0.04, loses=lost.__contains__)
    async with opened(
        unordered=True,
        to_client=link,
        stream_encoders=(xorz.spec,),
        stream_decoders={"xorz": watched.open},
    ) as bench:
        await play(bench, 2 * RATE_HZ)
        [encoder] = xorz.running
        keys, shown = encoder.keys.count(True), watched.shown
        assert shown > 0
        [viewer] = bench.desk.session.viewers
        lost.add(viewer.on_the_way[-1].serial + 1)
        await play(bench, RATE_HZ)
        assert encoder.keys.count(True) == keys + 1
        assert watched.shown > shown + RATE_HZ // 2
        assert watched.faults == []
        await ends_exact(bench)


def play_seeded(seed: int) -> None:
    random_ = random.Random(seed)
    xorz, watched = Xorz(), Watched()

    def link() -> Link:
        return Link(
            delay_s=random_.choice((0.0, 0.04)),
            loses=lambda _serial: random_.random() < 0.08,
            lateness_s=lambda _serial: random_.choice((0.0, 0.0, 0.05)),
        )

    async def act() -> None:
        async with opened(
            unordered=True,
            to_client=link(),
            stream_encoders=(xorz.spec,),
            stream_decoders={"xorz": watched.open},
        ) as bench:
            for _ in range(6):
                await play(bench, random_.randrange(10, 30))
                if random_.random() < 0.4:
                    await bench.attach(link(), unordered=random_.random() < 0.7)
            await ends_exact(bench)
        assert watched.faults == []

    trio.run(act, clock=MockClock(autojump_threshold=0))


@settings(max_examples=5, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_video_is_never_garbled_and_ends_exact_on_lossy_links(seed: int) -> None:
    play_seeded(seed)
