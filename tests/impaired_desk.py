"""A moving picture with a square that answers to keys, watched over an impaired link."""

from __future__ import annotations

import bisect
import itertools
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import attrs
import numpy as np
import trio
from kasmcore_synthetic.picture import SQUARE_COLOURS, layout_of

from kasmcore.testing.client import DEFAULT_HELLO, Client, connect
from kasmcore.testing.stream_decoders import H264Decoder
from kasmcore.values.geometry import Rectangle, Size
from kasmcore.values.viewer_events import KeyEvent, Ping
from kasmcore.values.viewer_updates import Pong
from tests.impaired_link import SERVER_ADDRESS, ImpairedLink, Side
from tests.live_server import Launcher

SIZE = Size(1280, 720)
SETTINGS = (
    f"network.interface={SERVER_ADDRESS}",
    "network.ssl.enabled=false",
    "security.login_required=false",
    "security.allow_insecure_exposure=true",
    "plugins.capture=[synthetic]",
    f"plugin_settings.synthetic.width={SIZE.width}",
    f"plugin_settings.synthetic.height={SIZE.height}",
    "encoding.scrolling.detect_vertical_scrolling=false",  # its motion is one, and cost nothing
)


@attrs.define(eq=False)
class ImpairedDesk:
    """One viewer at the far end of the link."""

    client: Client
    link: ImpairedLink
    presses: int = 0
    frames_at_s: list[float] = attrs.field(factory=list)

    async def watch(self) -> None:
        """Note when each frame is shown, until cancelled."""
        while True:
            seen = self.client.counters.frames
            await self.client.wait_until(lambda seen=seen: self.client.counters.frames > seen)
            self.frames_at_s.append(trio.current_time())

    async def press_key(self) -> float:
        """Press a key; return the seconds until its effect is shown, exact in every pixel."""
        self.presses += 1
        colour = np.array(SQUARE_COLOURS[self.presses % len(SQUARE_COLOURS)][:3], np.uint8)
        started_s = trio.current_time()
        for pressed in (True, False):
            await self.client.send(KeyEvent(pressed=pressed, keysym=0x61, code="KeyA"))
        area = layout_of(SIZE).square
        await self.client.wait_until(lambda: self._shows(area, colour))
        return trio.current_time() - started_s

    async def ping(self) -> float:
        """Ask for an answer on the control lane; return the seconds until it is here."""
        started_s = trio.current_time()
        token = int(started_s * 1000) % 2**32
        await self.client.send(Ping(token))
        await self.client.wait_until(lambda: self.client.newest(Pong) == Pong(token))
        return trio.current_time() - started_s

    def longest_gap_s(self, since_s: float, until_s: float) -> float:
        """Longest time without a new frame."""
        first = bisect.bisect(self.frames_at_s, since_s)
        last = bisect.bisect(self.frames_at_s, until_s)
        times = [since_s, *self.frames_at_s[first:last], until_s]
        return max(after - before for before, after in itertools.pairwise(times))

    def frames_between(self, since_s: float, until_s: float) -> int:
        """How many frames were shown."""
        return bisect.bisect(self.frames_at_s, until_s) - bisect.bisect(self.frames_at_s, since_s)

    def _shows(self, area: Rectangle, colour: np.ndarray) -> bool:
        shown = self.client.framebuffer[area.rows, area.columns, :3]
        return bool((shown == colour).all())


@asynccontextmanager
async def impaired_desk(
    runs: Launcher, link: ImpairedLink, *settings: str
) -> AsyncIterator[ImpairedDesk]:
    """Start a server at one end of the link and a viewer at the other."""
    with link.entered(Side.SERVER):
        server = runs.start(*settings, base=SETTINGS)
    async with AsyncExitStack() as stack:
        with link.entered(Side.CLIENT):
            client = await stack.enter_async_context(
                connect(
                    f"http://{SERVER_ADDRESS}:{server.port}/",
                    hello=attrs.evolve(DEFAULT_HELLO, codecs=(*DEFAULT_HELLO.codecs, "h264")),
                    stream_decoders={"h264": H264Decoder},
                )
            )
        desk = ImpairedDesk(client, link)
        nursery = await stack.enter_async_context(trio.open_nursery())
        nursery.start_soon(desk.watch)
        await client.wait_for_picture()
        yield desk
        nursery.cancel_scope.cancel()
